"""The database cannot serve: the disk is full, or PostgreSQL is restarted. Everything is refused clearly or done; nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import OperationalError

from app import audit
from app.identity.models import WebSession
from app.runtime.models import Instance
from app.store import jobs
from app.store.clock import wall_now
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


@contextmanager
def refusing(app: Flask, statements: str) -> Iterator[None]:
    """The database cannot be reached for statements that begin so."""

    def away(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(statements):
            raise OperationalError(statement, None, Exception("refused"), connection_invalidated=True)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", away)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", away)


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


def test_what_is_typed_while_the_disk_is_full_is_sent_when_there_is_room(borough: Flask, hours: Time) -> None:
    rosa = Stage(borough, hours).as_("rosa")
    rosa.start("marac-case")
    task, form = rosa.key, rosa.fill({"victim": {"name": "Joan Tarn"}})
    with no_room(borough):
        _fill_free_pages(borough)
        form.fields["victim.alsoKnownAs"][0].set("value", "J" * 5_000)  # does not fit into a page that is half empty
        page = rosa.send(form, ("_action", "next"))
        assert page.status == 503
        assert "What you typed is kept on this page." in page.text
    rosa.send(page.form)
    with borough.app_context():
        assert db.session.execute(select(func.count()).select_from(Draft)).scalar_one() == 1
    assert rosa.get(f"/work/{task}/form/1").form.value("victim.name") == "Joan Tarn"


def test_what_is_typed_while_the_database_is_away_is_kept_on_a_page_that_needs_none(
    borough: Flask, hours: Time
) -> None:
    rosa = Stage(borough, hours).as_("rosa")
    rosa.start("marac-case")
    form = rosa.fill({"victim": {"name": "Joan Tarn"}})

    with refusing(borough, ""):
        page = rosa.send(form, ("_action", "next"))
    assert page.status == 503
    assert "database cannot be reached" in page.text
    assert rosa.send(page.form).status in (200, 422)
    assert rosa.page.form.value("victim.name") == "Joan Tarn"


def test_a_page_is_shown_though_its_session_cannot_be_written(borough: Flask, hours: Time) -> None:
    rosa = Stage(borough, hours).as_("rosa")
    rosa.get("/work")
    with borough.app_context():
        db.session.execute(update(WebSession).values(last_seen_at=wall_now() - timedelta(minutes=5)))
        db.session.commit()
    with refusing(borough, "UPDATE web_session"):
        assert rosa.get("/work").status == 200
    assert rosa.get("/work").status == 200


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
