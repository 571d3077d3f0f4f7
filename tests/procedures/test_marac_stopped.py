"""Cases that have stopped when their meeting speaks to them hear it when they are mended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.cases.models import CaseState
from app.demo import story
from app.errors import Invalid
from app.operations.registry import RegisteredOperation
from app.runtime import lapsing
from app.runtime import service as runtime
from app.runtime.models import BufferedMessage, Incident, IncidentState
from app.store.clock import clock
from app.store.database import db
from app.work.models import ItemState
from tests.procedures import answers as said
from tests.procedures.acting import plan_meeting, refer_with_agreement
from tests.support.hours import Time
from tests.support.stage import Stage, london

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-05-06", "relationshipToVictim": "PARTNER"}


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


class Broken:
    """The step that notes a case as listed, which fails for some cases while it is told to."""

    def __init__(self) -> None:
        self.cases: set[int | None] = set()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    found, run = Broken(), RegisteredOperation.run

    def fail(self: RegisteredOperation, context: Any, inputs: Any) -> Any:
        if context.element_id == "MarkListed" and context.case_key in found.cases:
            raise Invalid("The disk is full.")
        return run(self, context, inputs)

    monkeypatch.setattr(RegisteredOperation, "run", fail)
    return found


def days_pass(stage: Stage, days: int) -> None:
    """The workers look for messages now and then."""
    for _ in range(days * 2):
        stage.at(clock.now() + timedelta(hours=12))
        with stage.app.app_context():
            lapsing.look()


def incidents(stage: Stage) -> list[Incident]:
    return list(stage.look(lambda: db.session.query(Incident).filter_by(state=IncidentState.ACTIVE).all()))


def on_its_way(stage: Stage) -> list[str]:
    return list(stage.look(lambda: [row.name for row in db.session.query(BufferedMessage)]))


def asked(stage: Stage, case: str) -> set[int | None]:
    return {item.agency_key for item in stage.items("ResearchAgency", case_key=stage.case(case).key)}


def mend(stage: Stage, broken: Broken, case: str) -> None:
    """The operator sees that it has stopped, and tries again when the cause is gone."""
    key = stage.case(case).key
    broken.cases.discard(key)
    instances = stage.look(lambda: {one.key for one in runtime.of_case(key)})
    found = next(one for one in incidents(stage) if one.instance_key in instances)
    oscar = stage.as_("oscar")
    oscar.get(f"/admin/incidents/{found.key}")
    oscar.press("Try again")
    stage.settle()


def test_cases_that_had_stopped_hear_what_their_meeting_told_them(stage: Stage, broken: Broken) -> None:
    meeting = plan_meeting(stage, london(17, 3, 10))
    first, second = (
        refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR),
        refer_with_agreement(stage, JOAN, MICK),
    )
    broken.cases = {stage.case(case).key for case in (first, second)}
    cora = stage.as_("cora")
    for case in (first, second):
        cora.does("Check the referral and match the people", story.triage_answers(), of=case)
        cora.does("List the case for a meeting", story.listing_answers(meeting), of=case)
    assert [one.element_id for one in incidents(stage)] == ["MarkListed"] * 2
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    days_pass(stage, 2)
    assert on_its_way(stage) == ["agenda-issued"] * 2

    mend(stage, broken, first)
    assert stage.state(first) == CaseState.RESEARCHING, "as if it had never stopped"
    assert asked(stage, first) != set()
    assert on_its_way(stage) == ["agenda-issued"]
    cora.get(f"/meetings/{meeting}")
    cora.press("Cancel the meeting", reason="The hall is flooded.")
    stage.settle()
    assert stage.state(first) == CaseState.TRIAGED
    days_pass(stage, 1)
    assert on_its_way(stage) == ["agenda-issued", "conference-cancelled"]

    mend(stage, broken, second)
    assert on_its_way(stage) == []
    assert stage.state(second) == CaseState.TRIAGED, (
        "it was heard of in its order, and the case waits for another meeting"
    )
    assert {item.case_key for item in stage.items("ListCase", state=ItemState.OPEN)} == {
        stage.case(case).key for case in (first, second)
    }
    assert stage.items("ResearchAgency", state=ItemState.OPEN) == []
    assert incidents(stage) == []
