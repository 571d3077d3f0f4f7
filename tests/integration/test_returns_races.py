"""Two people answer an agency's last two research requests at the same moment: whoever chases the agency hears that it has answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app import schema
from app.cases import deadlines
from app.cases.models import Case, Dossier, DossierKind
from app.operations import returns
from app.runtime import service as runtime
from app.store.clock import business_now
from app.store.database import db
from app.work.models import ItemState, WorkItem
from app.work.research import SHEET
from tests.support.installation import Blank
from tests.support.waiting import anew, wait_for

AREA, AGENCY, MEETING, CASES = 1, 11, 500, (501, 502)


@pytest.fixture
def borough(blank: Blank, tmp_path: Path) -> Iterator[Flask]:
    """Two cases of a meeting wait for one agency's research, and the agency is chased."""
    with blank.empty(tmp_path / "data") as installation, installation.app() as app:
        if not installation.database:
            pytest.skip("on SQLite whoever writes is alone")
        schema.migrate(app)
        now = business_now()
        for key in (MEETING, *CASES):
            kind = DossierKind.MEETING if key == MEETING else DossierKind.CASE
            db.session.add(Dossier(key=key, kind=kind, area_key=AREA, created_at=now))
        db.session.flush()
        for key in CASES:
            named = {"reference": f"C{key}", "procedure": "p", "created_by": 1, "created_at": now}
            db.session.add(Case(key=key, area_key=AREA, meeting_key=MEETING, **named))
            db.session.add(
                WorkItem(
                    key=key,
                    area_key=AREA,
                    instance_key=key,
                    task_id=1,
                    process_id="p",
                    element_id="ResearchAgency",
                    name="Research",
                    release_key=1,
                    case_key=key,
                    agency_key=AGENCY,
                    roles=[],
                    candidate_users=[],
                    properties={"sheet": SHEET},
                    created_at=now,
                )
            )
        deadlines.record(MEETING, f"returns-{AGENCY}", now + timedelta(days=1), rule="r")
        db.session.commit()
        yield app


def test_the_second_of_the_last_two_answers_ends_the_chase(borough: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(runtime, "publish_message", lambda name, key, *_, **__: told.append(f"{name} {key}"))
    answered, go = threading.Event(), threading.Event()

    def answer(key: int, afterwards: threading.Event | None = None) -> None:
        with borough.app_context():
            item = db.session.get(WorkItem, key)
            assert item is not None
            item.state = ItemState.COMPLETED
            returns.tell_chase(item)
            if afterwards is not None:
                answered.set()
                afterwards.wait(30)
            db.session.commit()

    first = threading.Thread(target=answer, args=(CASES[0], go))
    first.start()
    assert answered.wait(30)
    second = threading.Thread(target=answer, args=(CASES[1],))
    second.start()
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    wait_for(lambda: anew(lambda: db.session.execute(waiting).scalar_one()) or not second.is_alive())
    go.set()
    first.join(30)
    second.join(30)
    assert told == [f"task-closed {MEETING}/{AGENCY}"]
