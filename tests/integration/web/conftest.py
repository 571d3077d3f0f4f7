"""A borough in which research is going on, and a look into the database between pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.demo import story
from app.demo.acting import do
from app.store.database import db
from tests.conftest import Time
from tests.procedures import answers as said

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-01-02", "relationshipToVictim": "PARTNER"}


@pytest.fixture
def researching(borough: Flask, hours: Time) -> Flask:
    """Two cases are listed, the agenda is out, every core agency is asked."""
    with borough.app_context():
        story.plan_meeting(story.meeting_day(3))
        for victim, perpetrator in ((story.VICTIM, story.PERPETRATOR), (JOAN, MICK)):
            story.refer(victim, perpetrator)
            story.triage_and_list()
            do("cora", "InviteAgencies", said.invitations())
            db.session.commit()
        do("cora", "PrepareAgenda", said.agenda_prepared())
        db.session.commit()
        db.session.remove()
    hours.settle()
    return borough


def look(app: Flask, read: Callable[[], Any]) -> Any:
    with app.app_context():
        try:
            return read()
        finally:
            db.session.remove()
