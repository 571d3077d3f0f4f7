"""An odd order of events, and people who come and go: nobody falls out, and whoever has to know is told."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from app.demo import story
from tests.procedures import answers as said
from tests.procedures.acting import list_case, plan_meeting, refer_with_agreement
from tests.support.hours import Time
from tests.support.stage import Stage, london

MOVED = "A meeting has moved"


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def move(stage: Stage, meeting: int, to: datetime) -> set[str]:
    """Cora moves the meeting; who is told."""
    stage.post()
    cora = stage.as_("cora")
    cora.get(f"/meetings/{meeting}")
    cora.press("Move the meeting", date=to.isoformat(), reason="The room is taken.")
    assert not cora.page.errors, cora.page.errors
    return stage.told(MOVED)


def test_a_meeting_that_is_moved_there_and_back(stage: Stage) -> None:
    """Each move is told, also one to a date that the meeting had before; once research is asked, to whoever has to answer it too."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    assert "rita" in move(stage, meeting, london(24, 3, 10))
    assert "rita" in move(stage, meeting, london(17, 3, 10))
    assert "rita" in move(stage, meeting, london(24, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting, "mill-lane")
    assert not {"deputy.fire", "spoc.mill-lane"} & move(stage, meeting, london(17, 3, 10))
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    assert {"rita", "spoc.fire", "deputy.fire", "gwen", "spoc.mill-lane"} <= move(stage, meeting, london(12, 3, 10))
