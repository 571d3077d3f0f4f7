"""A borough in which research is going on, and a look into the database between pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.demo import story
from app.demo.acting import do
from app.settings import Settings
from app.store.database import db
from tests.procedures import answers as said
from tests.support.hours import Time
from tests.support.prepared import opened, prepared

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-01-02", "relationshipToVictim": "PARTNER"}


@pytest.fixture(scope="session")
def researched(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cases are listed, the agenda is out, every core agency is asked. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("researched") / "data"
    with prepared(folder, seeded) as app:
        with app.app_context():
            story.plan_meeting(story.meeting_day(3))
            for victim, perpetrator in ((story.VICTIM, story.PERPETRATOR), (JOAN, MICK)):
                story.refer(victim, perpetrator)
                story.triage_and_list()
                do("cora", "InviteAgencies", said.invitations())
                db.session.commit()
            do("cora", "PrepareAgenda", said.agenda_prepared())
            db.session.commit()
            db.session.remove()
        Time(app).settle()
    return folder


@pytest.fixture
def researching(researched: Path, settings: Settings, still: None) -> Iterator[Flask]:
    """The application of a borough in which research is going on."""
    with opened(settings, researched) as app:
        yield app


def look(app: Flask, read: Callable[[], Any]) -> Any:
    with app.app_context():
        try:
            return read()
        finally:
            db.session.remove()
