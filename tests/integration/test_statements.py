"""What a completion costs the database: twelve statements at most and one commit, through the page and the API.

What follows one that leads to much is a job of its own, in another thread and transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.agencies.models import Contact
from app.audit.models import AuditEntry
from app.cases import deadlines
from app.cases.models import Case, Submission
from app.cases.parties import parties
from app.demo import people, story
from app.demo.acting import do, filled, open_items, person
from app.factory import create_app
from app.identity.person import Person
from app.meetings import planning
from app.runtime import service as runtime
from app.runtime.models import TimerRow
from app.store import promptly
from app.store.database import db
from app.tracing import request_id
from app.work import drafts, items, starting
from app.work.models import Candidate, Draft, ItemState, WorkItem
from app.work.ports import ports
from tests.procedures import answers as said
from tests.support.browser import BASE, Browser
from tests.support.costs import belongs, is_prompt
from tests.support.hours import START, Time
from tests.support.installation import Blank

AT_MOST = 12

Way = Callable[[Flask, str, str, dict[str, Any]], "tuple[int, Cost]"]


class Cost:
    """Statements and commits of one request."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.commits = 0

    def __str__(self) -> str:
        return "\n".join(" ".join(each.split())[:120] for each in self.statements)


@contextmanager
def counted(app: Flask) -> Iterator[Cost]:
    """What is sent to the database inside; the beginning of a transaction is part of its commit."""
    cost = Cost()
    with app.app_context():
        engine = db.engine

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if belongs(text) and not is_prompt():
            cost.statements.append(text)

    def commit(_connection: Any) -> None:
        cost.commits += not is_prompt()

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield cost
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


def begun(app: Flask, who: str, element: str, answers: dict[str, Any], *, draft: bool) -> tuple[int, dict[str, Any]]:
    """A person has taken their task, and typed the answers where a draft is wanted."""
    with app.app_context():
        somebody = person(who)
        item = items.claim(open_items(somebody, element)[0].key, somebody)
        typed = filled(item, somebody, answers)
        if draft:
            drafts.save(item, somebody, typed)
        db.session.commit()
        return item.key, {name: value for name, value in typed.items() if not name.startswith("_")}


def through_the_page(app: Flask, who: str, element: str, answers: dict[str, Any]) -> tuple[int, Cost]:
    key, _ = begun(app, who, element, answers, draft=True)
    browser = Browser(app, who).sign_in()
    form = browser.get(f"/work/{key}/check").form
    address = urlsplit(browser.page.url).path
    data, headers = form.data(), {"Referer": browser.page.url}
    with counted(app) as cost:
        answer = browser.client.post(address, data=data, base_url=BASE, headers=headers)
    assert answer.status_code == 302, answer.text
    return key, cost


def through_the_api(app: Flask, who: str, element: str, answers: dict[str, Any]) -> tuple[int, Cost]:
    key, variables = begun(app, who, element, answers, draft=False)
    with app.app_context():
        token = people.token_for(app, who)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    client.post("/v2/user-tasks/search", json={}, headers=headers, base_url=BASE)
    with counted(app) as cost:
        answer = client.post(
            f"/v2/user-tasks/{key}/completion", json={"variables": variables}, headers=headers, base_url=BASE
        )
    assert answer.status_code == 204, answer.text
    return key, cost


@pytest.fixture
def borough(blank: Blank, tmp_path: Path, still: None) -> Iterator[Flask]:
    """A case is referred and listed, and its contacts are invited; on each database."""
    with blank.copy(tmp_path / "data") as installation:
        app = create_app(installation.settings(base_url=BASE))
        with app.app_context():
            db.session.query(Contact).update({Contact.active_from: START})
            db.session.commit()
            story.begin(app, 0)
            do("cora", "InviteAgencies", said.invitations())
            db.session.commit()
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def referral_begun() -> int:
    """A practitioner has begun to refer; the case's key."""
    item = starting.start("marac-case", person("rosa"))
    db.session.commit()
    assert item is not None
    assert item.case_key is not None
    return item.case_key


def research(app: Flask, who: str) -> dict[str, Any]:
    """The answers of an agency that holds information."""
    with app.app_context():
        case = db.session.execute(select(Case)).scalar_one()
        known = [str(one.key) for one in parties(case.key)]
        held = said.research_held(known, police=who == "spoc.police")
        return {**held, "attendeeName": story.user_id(who)}


def test_a_completion_takes_twelve_statements_and_one_commit(borough: Flask) -> None:
    with borough.app_context():
        contact = said.idva_contact()
        meeting = planning.upcoming(person("cora").area_key or 0)[0]
    told = [through_the_page(borough, "ida", "ContactVictim", contact)]
    assert meeting.starts_at is not None
    Time(borough).to(meeting.starts_at - timedelta(days=8) + timedelta(minutes=1))
    for way, who in ((through_the_page, "spoc.police"), (through_the_api, "spoc.children")):
        told.append(way(borough, who, "ResearchAgency", research(borough, who)))
    with borough.app_context():
        for key, cost in told:
            assert len(cost.statements) <= AT_MOST, str(cost)
            assert cost.commits == 1
            assert items.load(key).state == ItemState.COMPLETED
            assert db.session.query(Submission).filter_by(work_item_key=key).count() == 1
            assert db.session.query(Candidate).filter_by(item_key=key).count() == 0
            assert db.session.query(Draft).filter_by(item_key=key).count() == 0


JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-01-02", "relationshipToVictim": "PARTNER"}


@pytest.mark.parametrize("way", [through_the_page, through_the_api])
def test_what_leads_to_more_than_that_has_happened_when_the_answer_comes(borough: Flask, way: Way) -> None:
    with borough.app_context():
        case = referral_begun()
        answers = story.checklist_answers(JOAN, MICK)
    key, cost = way(borough, "rosa", "CompleteRiskChecklist", answers)
    with borough.app_context():
        assert len(cost.statements) <= AT_MOST, str(cost)
        assert cost.commits == 1
        assert items.load(key).state == ItemState.COMPLETED
        assert runtime.is_settled(items.load(key).instance_key)
        assert [one.element_id for one in open_items(person("rosa"), "SeekAgreement", case)] == ["SeekAgreement"]
        assert sorted(one.role for one in parties(case)) == ["perpetrator", "victim"]


@pytest.mark.parametrize("way", [through_the_page, through_the_api])
def test_what_has_not_followed_yet_comes_with_a_worker(
    borough: Flask, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promptly, "begin", lambda _app: None)
    with borough.app_context():
        case = referral_begun()
        answers = story.checklist_answers(JOAN, MICK)
    key, _ = way(borough, "rosa", "CompleteRiskChecklist", answers)
    rosa = Browser(borough, "rosa").sign_in()
    assert "What follows from them is being prepared" in rosa.get(f"/work/{key}/done").text
    with borough.app_context():
        assert items.load(key).state == ItemState.COMPLETED
        assert not runtime.is_settled(items.load(key).instance_key)
        assert open_items(person("rosa"), "SeekAgreement", case) == []
    Time(borough).settle()
    assert "Seek the victim" in rosa.get(f"/work/{key}/done").text
    with borough.app_context():
        assert runtime.is_settled(items.load(key).instance_key)
        assert len(open_items(person("rosa"), "SeekAgreement", case)) == 1


@pytest.mark.parametrize("way", [through_the_page, through_the_api])
def test_what_follows_is_done_for_the_request_and_by_the_client(
    borough: Flask, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it writes into the audit and the log names them, though nobody asks by then."""
    seen: list[tuple[str | None, str | None]] = []
    form = "marac-risk-checklist"

    def note(_item: WorkItem, _answers: dict[str, Any], _submission: int, by: Person) -> None:
        if is_prompt():
            seen.append((request_id(), by.client))

    monkeypatch.setitem(ports.hooks, form, [*ports.hooks.get(form, []), note])
    with borough.app_context():
        referral_begun()
        answers = story.checklist_answers(JOAN, MICK)
    key, _ = way(borough, "rosa", "CompleteRiskChecklist", answers)
    with borough.app_context():
        assert items.load(key).form_id == form
        of_it = select(AuditEntry).where(AuditEntry.action == "work.complete", AuditEntry.subject == f"item:{key}")
        done = db.session.execute(of_it).scalar_one()
    assert done.request_id
    assert (done.client is None) == (way is through_the_page)
    assert seen == [(done.request_id, done.client)]
    assert request_id() is None


@pytest.mark.parametrize("way", [through_the_page, through_the_api])
def test_opening_the_next_task_with_its_deadline_and_timer_is_within_them(borough: Flask, way: Way) -> None:
    with borough.app_context():
        case = referral_begun()
        do("rosa", "CompleteRiskChecklist", story.checklist_answers(JOAN, MICK), case_key=case)
        db.session.commit()
    following = (
        ("SeekAgreement", story.consent_answers, "CompleteIswcForm"),
        ("CompleteIswcForm", story.iswc_answers, "AnswerChecklist"),
    )
    for element, answers, then in following:
        with borough.app_context():
            given = answers()
        _, cost = way(borough, "rosa", element, given)
        with borough.app_context():
            assert len(cost.statements) <= AT_MOST, str(cost)
            assert cost.commits == 1
            (opened,) = open_items(person("rosa"), then, case)
            deadline = deadlines.current(case, opened.deadline or "")
            assert deadline is not None
            assert deadline.due_at == opened.due_at
            armed = db.session.query(TimerRow).filter_by(instance_key=opened.instance_key, task_id=opened.task_id)
            assert armed.count() >= 1
