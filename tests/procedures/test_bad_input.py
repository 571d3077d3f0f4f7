"""What bad input gets: nothing typed is lost, nobody is told what they may not know, and of two people one wins."""

from __future__ import annotations

import pytest
from flask import Flask

from app.demo import story
from app.store.database import new_key
from app.work.models import ItemState
from tests.procedures import answers as said
from tests.procedures.acting import complete_checklist, plan_meeting, refer_with_agreement
from tests.support.browser import Browser
from tests.support.hours import Time
from tests.support.stage import Stage, london, plain

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-05-06", "relationshipToVictim": "PARTNER"}


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def test_a_form_with_errors_comes_back_with_everything_typed(stage: Stage) -> None:
    rosa = stage.as_("rosa")
    rosa.start("marac-case")
    form = rosa.fill({"victim": {"name": "Joan Tarn", "alsoKnownAs": "Joanie"}, "perpetrators": [{"name": "Mick"}]})
    form.fields["victim.dob-day"][0].set("value", "31")
    form.fields["victim.dob-month"][0].set("value", "February")
    form.fields["victim.dob-year"][0].set("value", "1980")
    page = rosa.send(form, ("_action", "next"))
    assert page.status == 422
    assert page.errors
    back = page.form
    assert back.value("victim.name") == "Joan Tarn"
    assert back.value("victim.alsoKnownAs") == "Joanie"
    assert [back.value(f"victim.dob-{part}") for part in ("day", "month", "year")] == ["31", "February", "1980"]
    for link in page.document.xpath("//*[contains(@class,'govuk-error-summary__list')]//a/@href"):
        assert page.document.get_element_by_id(link.removeprefix("#")) is not None, "each error leads to its question"
    again = Browser(stage.app, "rosa").sign_in()
    again.get(page.path)
    assert again.page.form.value("victim.alsoKnownAs") == "Joanie", "it is kept, in another browser as well"


def test_a_post_without_a_session_keeps_what_was_typed_on_the_page(stage: Stage) -> None:
    rosa = stage.as_("rosa")
    rosa.start("marac-case")
    form = rosa.fill({"victim": {"name": "Joan Tarn"}})
    rosa.client.delete_cookie("convenor", domain="127.0.0.1")
    page = rosa.send(form, ("_action", "next"))
    assert page.status == 401
    assert "Joan Tarn" in page.content
    assert not stage.items("CompleteRiskChecklist", state=ItemState.COMPLETED)


def test_a_stale_page_says_who_completed_the_task_and_when(stage: Stage) -> None:
    case = refer_with_agreement(stage, JOAN, MICK)
    cora = stage.as_("cora").open_task("Check the referral and match the people", case)
    other_tab = Browser(stage.app, "cora").sign_in()
    other_tab.get(cora.page.url)
    cora.answer(story.triage_answers()).submit()
    form = other_tab.fill(story.triage_answers())
    page = other_tab.send(form, ("_action", "next"))
    assert page.status == 409
    assert "This task was completed by" in page.text
    assert "9am" in page.text
    assert "Cora Coyle" in page.text or "you" in page.text
    assert len(stage.items("CheckCompleteness", state=ItemState.COMPLETED)) == 1


def test_what_was_written_for_a_task_that_is_gone_can_be_copied(stage: Stage) -> None:
    case = refer_with_agreement(stage, JOAN, MICK)
    cora = stage.as_("cora").open_task("Check the referral and match the people", case)
    window = Browser(stage.app, "cora").sign_in()
    window.get(cora.page.url)
    cora.answer(story.triage_answers()).submit()
    data = {**window.fill(story.triage_answers()).data(), "remarks": "The sister rang at noon.\n<b>Twice.</b>"}
    page = window.post(window.page.path, data)
    assert page.status == 409
    assert "What you wrote" in page.text
    assert "triageOutcome" not in page.text, "what the page sends of its own nobody wrote"
    assert "The sister rang at noon." in page.text
    assert "&lt;b&gt;Twice." in page.content
    assert not page.has_button("Send my answers"), "it could not be sent"


def test_what_is_typed_in_a_task_that_was_given_back_is_sent_once_it_is_taken_again(stage: Stage) -> None:
    rosa = stage.as_("rosa")
    rosa.start("marac-case")
    task, form = rosa.key, rosa.fill({"victim": {"name": "Joan Tarn"}})
    window = Browser(stage.app, "rosa").sign_in()
    window.get(f"/work/{task}")
    window.press("Give it back")
    page = rosa.send(form, ("_action", "save"))
    assert page.status == 409
    assert "Nobody has this task now" in page.text
    kept = page.form
    window.get(f"/work/{task}")
    window.take()
    assert rosa.send(kept).status == 200
    assert Browser(stage.app, "rosa").sign_in().get(f"/work/{task}/form/1").form.value("victim.name") == "Joan Tarn"


def test_opening_a_task_that_somebody_else_holds_says_who_has_it(stage: Stage) -> None:
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, JOAN, MICK)
    cora = stage.as_("cora")
    cora.does("Check the referral and match the people", story.triage_answers(), of=case)
    cora.does("List the case for a meeting", story.listing_answers(meeting), of=case)
    cora.does("Invite further agencies", said.invitations(), of=case)
    stage.at(london(9, 3, 10, 1))
    stage.as_("spoc.fire").open_task("Search your records and answer", case)
    task = stage.as_("spoc.fire").key
    deputy = stage.as_("deputy.fire")
    page = deputy.get(f"/work/{task}")
    assert page.status == 200
    assert "Hugh Barr has this task" in page.text
    refused = deputy.post(f"/work/{task}/claim", {})
    assert refused.status == 409
    assert "Hugh Barr" in refused.text
    assert deputy.get(f"/work/{task}/begin").path == f"/work/{task}", "there is no way round"


def test_of_two_people_who_complete_a_task_one_wins_and_the_other_is_told(stage: Stage) -> None:
    """Two windows of the same holder, both on the last page; the second press changes nothing."""
    case = complete_checklist(stage, JOAN, MICK, ticks=15)
    rosa = stage.as_("rosa").open_task("Seek the victim's agreement, if safe", case)
    rosa.answer(story.consent_answers("GIVEN"))
    second = Browser(stage.app, "rosa").sign_in()
    second.get(rosa.page.url)
    assert second.page.path.endswith("/check")
    rosa.submit()
    page = second.send(second.page.form)
    assert page.status == 409
    assert "This task was completed by" in page.text
    assert len(stage.items("SeekAgreement")) == 1
    assert len(stage.items("RecordPerpetratorDecision")) == 1, "the procedure went on once"


@pytest.mark.parametrize("path", ["/work/{}", "/work/{}/begin", "/work/{}/check", "/cases/{}", "/cases/{}/papers"])
@pytest.mark.parametrize("key", [0, 1, 10**18, 2**63 - 1, 2**63, 10**30])
def test_an_unknown_number_is_not_found(stage: Stage, path: str, key: int) -> None:
    assert stage.as_("rosa").status_of(path.format(key)) == 404


@pytest.mark.parametrize("path", ["/work/abc", "/cases/-1", "/work/1.5", "/cases/%00", "/meetings/', 1", "/nowhere"])
def test_an_address_that_means_nothing_is_not_found(stage: Stage, path: str) -> None:
    assert stage.as_("rosa").status_of(path) == 404


def test_another_tasks_form_cannot_be_posted_to(stage: Stage) -> None:
    """A practitioner posts to a task of the co-ordinator's: as if it did not exist."""
    refer_with_agreement(stage, JOAN, MICK)
    task = stage.items("CheckCompleteness")[0].key
    mark, unknown = stage.as_("mark"), new_key()
    mark.get("/work")
    for ending in ("claim", "release", "form/1", "check"):
        answers = [mark.post(f"/work/{key}/{ending}", {"triageOutcome": "ACCEPTED"}) for key in (task, unknown)]
        assert [one.status for one in answers] == [404, 404], ending
        assert answers[0].text == answers[1].text
    assert stage.items("CheckCompleteness")[0].state == ItemState.OPEN


def test_a_value_that_the_page_does_not_offer_is_refused(stage: Stage) -> None:
    case = complete_checklist(stage, JOAN, MICK, ticks=15)
    rosa = stage.as_("rosa").open_task("Seek the victim's agreement, if safe", case)
    form = rosa.fill(plain(story.consent_answers("GIVEN")))
    data = form.data(("_action", "next"))
    data["consentStatus"] = "WHATEVER"
    page = rosa.post(rosa.page.path, data)
    assert page.status == 422
    assert page.errors


def test_a_post_without_the_pages_token_does_nothing(stage: Stage) -> None:
    rosa = stage.as_("rosa")
    rosa.get("/work")
    answer = rosa.client.post("/work/start/marac-case", base_url="http://127.0.0.1:8000")
    assert answer.status_code == 400
    assert not stage.items("CompleteRiskChecklist")
