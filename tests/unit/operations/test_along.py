"""What is read along when a task is taken in hand is what would have been asked for, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.agencies import parameters
from app.agencies import service as agencies
from app.cases import actions, deadlines
from app.cases.dossiers import find_case, open_case
from app.cases.models import Case, CaseState, PartyRole
from app.cases.parties import PartyDetails, details_of, parties, replace_parties
from app.identity import register
from app.identity.person import Person
from app.meetings import agenda, attendance, planning
from app.meetings.attendance import Who
from app.operations.along import ALONG
from app.store.clock import business_now
from app.store.database import db, new_key
from app.work import along
from app.work.models import WorkItem

AREA = 1
ROOT = Path(__file__).parents[3]


@pytest.fixture
def heard(on_each: Flask) -> Any:
    """A case on the agenda of a meeting, beside another, with people who attend; nothing of it is at hand."""
    meeting = planning.create(AREA, by=1).key
    case, other = (open_case(AREA, "marac-case", by=1, agency_key=None, state=CaseState.TRIAGED).key for _ in "12")
    replace_parties(case, [(PartyRole.VICTIM, PartyDetails("Joan"))])
    for each in (case, other):
        agenda.add(meeting, each, by=None)
    guest = attendance.add(meeting, Who("A guest"), cases=[case, other]).key
    attendance.add(meeting, Who("A core member"), user_key=7)
    deadlines.record(meeting, "minutesDue", business_now(), rule="")
    db.session.commit()
    yield meeting, case, other, guest
    db.session.rollback()


def task(meeting: int | None, case: int | None, **more: Any) -> WorkItem:
    return WorkItem(
        key=new_key(), area_key=AREA, meeting_key=meeting, case_key=case, dossier_key=case or meeting, **more
    )


def asked(meeting: int, case: int, other: int, guest: int) -> list[Any]:
    """What the forms and operations of a meeting ask for."""
    found = [
        planning.find(meeting).reference,
        [line.case_key for line in agenda.items(meeting)],
        agenda.meeting_hearing(case) is planning.find(meeting),
        [row.key for row in agenda.cases(meeting)],
        [attendance.who_is(row).name for row in attendance.of_meeting(meeting)],
        attendance.invited_cases(guest),
        agencies.names(AREA),
        find_case(case).reference,
    ]
    due = deadlines.lookup(case, meeting, "minutesDue")
    return [*found, due]


def statements(act: Any) -> tuple[Any, int]:
    sent: list[str] = []
    heard = lambda _connection, _cursor, text, *_: sent.append(text)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", heard)
    try:
        return act(), len(sent)
    finally:
        event.remove(db.engine, "before_cursor_execute", heard)


@pytest.mark.parametrize("of_case", [True, False])
def test_a_meeting_is_read_along(heard: Any, of_case: bool) -> None:
    meeting, case, other, guest = heard
    plain = asked(meeting, case, other, guest)
    db.session.rollback()
    person = Person(1, "cora", "Cora", None, AREA)
    item = task(meeting, case if of_case else None)
    _, first = statements(lambda: along.read(item, person, ALONG["marac-action-plan"]))
    found, further = statements(lambda: asked(meeting, case, other, guest))
    assert found == plain
    assert first == 1
    assert further == (0 if of_case else 2), "a case that the task is not about: its line and its deadlines"


def test_the_case_of_a_task_is_read_along(heard: Any) -> None:
    _, case, _, _ = heard
    person = Person(1, "cora", "Cora", None, AREA)

    def ask() -> list[Any]:
        people = [details_of(party).name for party in parties(case)]
        return [people, actions.of_case(case), dict(parameters.values(AREA)), register.people_of((5,))]

    plain = ask()
    db.session.remove()
    along.read(task(None, case, agency_key=5), person, ALONG["marac-triage"])
    assert statements(ask) == (plain, 0)
    assert db.session.get(Case, case) is not None


def test_who_signs_is_read_along_with_the_cases_they_are_there_for(heard: Any) -> None:
    meeting, case, other, guest = heard
    item = task(meeting, None, deadline=f"signature-{guest}")
    along.read(item, Person(1, "cora", "Cora", None, AREA), ALONG["marac-signature"])

    def ask() -> list[Any]:
        row = attendance.find(guest)
        return [attendance.who_is(row).name, sorted(find_case(key).key for key in attendance.invited_cases(guest))]

    assert statements(ask) == (["A guest", sorted([case, other])], 0)


def test_what_is_read_along_is_named_after_forms_that_there_are() -> None:
    assert {path.stem for path in (ROOT / "forms").rglob("*.form")} >= ALONG.keys()
