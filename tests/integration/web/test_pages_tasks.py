"""A task in the hands of several people, over lost sessions and mistakes: nothing typed is lost, nobody is told wrong."""

from __future__ import annotations

import io

import pytest
from flask import Flask

from app.demo import story
from app.store.database import db
from app.work.models import Draft, ItemState, WorkItem
from tests.support.browser import BASE, Browser
from tests.support.pages import Page


@pytest.fixture
def rosa(borough: Flask) -> Browser:
    """Rosa on the first page of a new risk checklist."""
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    return rosa


def in_app(app: Flask, read):  # type: ignore[no-untyped-def]
    with app.app_context():
        try:
            return read()
        finally:
            db.session.remove()


def name_of(page: Page) -> str:
    return str(page.form.value("victim.name"))


def test_a_page_with_errors_comes_back_with_everything_typed(rosa: Browser) -> None:
    page = rosa.answer_page({"victim": {"name": "Ayşe O’Neill <b>", "alsoKnownAs": "Ash"}})
    assert page.status == 422
    assert page.errors == ["Enter the victim’s date of birth, or about how old they are"]
    assert name_of(page) == "Ayşe O’Neill <b>"
    assert page.document.xpath("//title")[0].text.startswith("Error: ")


def test_what_was_typed_is_there_after_signing_in_again(borough: Flask, rosa: Browser) -> None:
    rosa.answer_page({"victim": {"name": "Ayşe", "alsoKnownAs": ""}})
    again = Browser(borough, "rosa").sign_in()
    assert name_of(again.get(rosa.page.path)) == "Ayşe"


def test_a_draft_is_not_readable_in_the_database(borough: Flask, rosa: Browser) -> None:
    rosa.answer_page({"victim": {"name": "Unmistakable", "alsoKnownAs": ""}})
    kept = in_app(borough, lambda: [row.ciphertext for row in db.session.query(Draft)])
    assert kept
    assert all(b"Unmistakable" not in content for content in kept)


def test_typing_is_saved_by_itself_without_judging_it(rosa: Browser) -> None:
    form = rosa.page.form
    form.write("victim.name", "Half a na")
    fields = {name: value for name, value in form.data().items() if name != "csrf_token"}
    address = f"/work/{rosa.key}/draft?page=1"
    answer = rosa.client.put(address, data=fields, headers={"X-CSRFToken": form.value("csrf_token")}, base_url=BASE)
    assert answer.status_code == 200
    assert answer.json["message"].startswith("Your answers were saved at ")
    assert name_of(rosa.get(rosa.page.path)) == "Half a na"


def test_saving_without_a_session_says_so_and_keeps_nothing(borough: Flask, rosa: Browser) -> None:
    stranger = Browser(borough)
    answer = stranger.client.put(f"/work/{rosa.key}/draft?page=1", data={"victim.name": "X"}, base_url=BASE)
    assert answer.status_code == 401


def test_answers_posted_after_the_session_ended_come_back_to_be_sent_again(rosa: Browser) -> None:
    path = rosa.page.path
    form = rosa.fill({"victim": {"name": "Kept", "alsoKnownAs": ""}})
    rosa.client.delete_cookie("convenor", domain="127.0.0.1")
    page = rosa.send(form, ("_action", "next"))
    assert page.status == 401
    assert page.title == "Your answers have not been sent yet"
    assert page.form.value("victim.name") == "Kept"

    waiting = page.form
    rosa.get("/sign-in?next=/signed-in-again")
    page = rosa.send(waiting)  # the token is the old session's: asked once more, under the new one
    if page.status == 400:
        page = rosa.send(page.form)
    assert page.path == path
    assert name_of(page) == "Kept"


def test_another_site_cannot_use_the_page_that_sends_again(rosa: Browser) -> None:
    page = rosa.client.post(rosa.page.path, data={"victim.name": "Forged", "_shown": "victim.name"}, base_url=BASE)
    assert page.status_code == 400
    assert "Your answers have not been sent yet" in page.text
    assert name_of(rosa.get(rosa.page.path)) in ("", "None")


def test_a_stale_page_says_who_completed_the_task_and_when(borough: Flask, rosa: Browser) -> None:
    key, path = rosa.key, rosa.page.path
    other_tab = Browser(borough, "rosa").sign_in()
    other_tab.get(path)
    answers = in_app(borough, lambda: story.checklist_answers(story.VICTIM, story.PERPETRATOR))
    rosa.answer(answers).submit()
    page = other_tab.answer_page({"victim": {"name": "Too late", "alsoKnownAs": ""}})
    assert page.status == 409
    assert "This task was completed by Rosa Reyes on 2 March 2026 at 9am." in page.text
    page = other_tab.get(f"/work/{key}")
    assert "This task was completed by you on 2 March 2026 at 9am." in page.text
    draft = other_tab.client.put(
        f"/work/{key}/draft?page=1", data={}, headers={"X-CSRFToken": _token(other_tab)}, base_url=BASE
    )
    assert draft.status_code == 409


def _token(browser: Browser) -> str:
    return str(browser.client.get("/session", base_url=BASE).json["token"])


def test_a_task_that_somebody_holds_says_who_and_can_be_handed_over(borough: Flask) -> None:
    cora = Browser(borough, "cora").sign_in()
    cora.start("marac-meeting")
    cora.answer(in_app(borough, lambda: story.meeting_answers(story.meeting_day(3)))).submit()
    cora.open_task("Prepare the agenda")
    key = cora.key
    chidi = Browser(borough, "chidi").sign_in()
    page = chidi.get(f"/work/{key}")
    assert "Cora Coyle has this task." in page.text
    assert not page.has_button("Take this task")
    assert chidi.post(f"/work/{key}/claim", {}).status in (404, 409)
    assert in_app(borough, lambda: db.session.get(WorkItem, key).state) == ItemState.OPEN


@pytest.mark.parametrize(
    ("name", "content"),
    [("report.exe", b"MZ"), ("report.pdf", b"<html>"), ("empty.pdf", b""), ("notes.txt", b"a\x00b")],
)
def test_a_hostile_file_is_refused_and_the_rest_is_kept(rosa: Browser, name: str, content: bytes) -> None:
    form = rosa.page.form
    form.write("victim.name", "Kept")
    data = form.data(("_action", "next"))
    data.add("victim.name", "Kept")
    data.add("upload", (io.BytesIO(content), name))
    answer = rosa.client.post(rosa.page.path, data=data, base_url=BASE, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "The selected file" in answer.text
    assert name_of(rosa.get(rosa.page.path)) == "Kept"
