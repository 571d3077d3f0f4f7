"""The database cannot serve: the disk is full, or PostgreSQL is restarted. Everything is refused clearly or done; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from app import audit
from app.runtime.models import Instance
from app.store import jobs
from app.store.database import db
from app.store.jobs import Job
from app.store.worker import Worker
from app.work.models import Draft, WorkItem
from tests.support.hours import Time
from tests.support.restarting import restarted_under_load
from tests.support.stage import Stage


# ---------------------------------------------------------------------------------------------------- the disk is full
@contextmanager
def no_room(app: Flask) -> Iterator[None]:
    """SQLite refuses to grow the file, with the error of a full disk."""
    with app.app_context():
        with db.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        limit = f"PRAGMA max_page_count={pages}"

        def narrow(connection: object, *_: object) -> None:
            connection.execute(limit)  # type: ignore[attr-defined]

        event.listen(db.engine, "checkout", narrow)
        try:
            yield
        finally:
            event.remove(db.engine, "checkout", narrow)
            db.engine.dispose()


def _fill_free_pages(app: Flask) -> None:
    """Use up the room inside the file, as other people's work would."""
    with app.app_context():
        for _ in range(500):
            try:
                jobs.enqueue("test.filler", {"x": "x" * 3000}, due_at=None)
                db.session.commit()
            except OperationalError:
                db.session.rollback()
                return
    raise AssertionError("the disk does not fill")


def _count(app: Flask, model: type[Instance] | type[Job] | type[Draft] | type[WorkItem]) -> int:
    with app.app_context():
        return int(db.session.execute(select(func.count()).select_from(model)).scalar_one())


def test_a_full_disk_refuses_what_must_be_kept_and_still_shows_what_there_is(borough: Flask, hours: Time) -> None:
    stage = Stage(borough, hours)
    rosa = stage.as_("rosa")
    rosa.get("/work")
    form = rosa.page.form_to("/start/marac-case")
    with no_room(borough):
        _fill_free_pages(borough)
        for _ in range(100):  # half-empty pages take a little more
            had = _count(borough, Instance), _count(borough, WorkItem)
            page = rosa.send(form)
            if page.status != 200:
                break
        assert page.status == 503
        assert "no room left" in page.text
        assert page.headers["Retry-After"] == "5"
        assert (_count(borough, Instance), _count(borough, WorkItem)) == had
        assert rosa.status_of("/work") == 200
    rosa.get("/work")
    assert rosa.send(rosa.page.form_to("/start/marac-case")).status == 200
    assert _count(borough, Instance) == had[0] + 1
    with borough.app_context():
        assert audit.verify().sound


def test_a_full_disk_leaves_jobs_for_later(borough: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = jobs.Handlers()
    monkeypatch.setattr("app.store.jobs.handlers", registry)
    registry.register("test.grow", jobs.Handler(lambda job: _grow(int(job.payload["n"])), together=True))
    monkeypatch.setattr("app.store.jobs.OUTAGE_PAUSE", timedelta(0))
    with borough.app_context():
        for n in range(3):
            jobs.enqueue("test.grow", {"n": n}, max_attempts=1)  # a full disk uses none up
        db.session.commit()
    worker = Worker(borough, lease=timedelta(seconds=0), name="w")
    with no_room(borough):
        _fill_free_pages(borough)
        for _ in range(3):
            try:
                worker.run_once()
            except OperationalError:
                continue  # what `run` waits out
        assert _kinds(borough)["test.grow"] == 3
    worker.run_until_idle()
    kinds = _kinds(borough)
    assert (kinds.get("test.grow"), kinds["test.grown"]) == (None, 3)


def _grow(n: int) -> None:
    jobs.enqueue("test.grown", {"n": n, "x": "x" * 30_000})


def _kinds(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {kind: number for kind, number in db.session.execute(select(Job.kind, func.count()).group_by(Job.kind))}


# ------------------------------------------------------------------------------------------------ PostgreSQL restarted
def test_postgresql_restarted_under_load(tmp_path: Path) -> None:
    done = restarted_under_load(tmp_path, restarts=2)
    assert done["completions"] > 0
