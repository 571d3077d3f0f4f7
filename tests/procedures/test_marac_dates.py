"""The dates of a conference: days are London days, and what hangs on a date follows it by its own rule (DESIGN rule 4)."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from app.demo import story
from tests.procedures import answers as said
from tests.procedures.acting import list_case, plan_meeting, refer_with_agreement
from tests.procedures.test_marac_order import move
from tests.support.hours import Time
from tests.support.stage import Stage, london


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def due(stage: Stage, dossier: int, name: str) -> datetime:
    found = stage.deadline(dossier, name)
    assert found is not None, name
    return found.due_at


def test_eight_days_before_is_the_same_hour_where_the_clocks_change(stage: Stage) -> None:
    """Summer time begins on 29 March 2026; so does the reminder ten days before, and the date that a move gives."""
    meeting = plan_meeting(stage, london(31, 3, 10))
    assert due(stage, meeting, "agendaIssue") == london(23, 3, 10)
    move(stage, meeting, london(2, 4, 14, 30))
    assert due(stage, meeting, "agendaIssue") == london(25, 3, 14, 30)
    stage.at(london(23, 3, 14, 29))
    stage.post()
    stage.at(london(23, 3, 14, 31))
    assert "cora" in stage.told("Reminder: a task is waiting for you")


def test_what_hangs_on_the_meeting_follows_it_unless_it_has_been_decided_on(stage: Stage) -> None:
    """Late research is due an hour before wherever the meeting goes; one that was given its own time keeps it."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.at(london(16, 3, 13))
    key, cora = stage.case(case).key, stage.as_("cora")
    for agency in ("mill-lane", "riverside"):
        cora.get(f"/cases/{key}")
        cora.press("Invite another agency")
        cora.does("Invite further agencies", said.invitations(stage.agency(agency)), of=case)
    surgery, housing = (f"research-{stage.agency(agency)}" for agency in ("mill-lane", "riverside"))
    assert due(stage, key, surgery) == due(stage, key, housing) == london(17, 3, 9)

    chidi = stage.as_("chidi")
    chidi.get(f"/cases/{key}/deadlines/{housing}/move")
    chidi.press("Move the deadline", date="2026-03-17T09:30", reason="They answer by telephone.")
    assert due(stage, key, housing) == london(17, 3, 9, 30)
    move(stage, meeting, london(1, 4, 14))
    assert due(stage, key, surgery) == london(1, 4, 13)
    assert due(stage, key, housing) == london(17, 3, 9, 30)
    move(stage, meeting, london(27, 3, 11))
    assert due(stage, key, surgery) == london(27, 3, 10)
