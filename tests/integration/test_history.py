"""What has ended is destroyed after its days: batch operations with their items, and jobs of workers outside. Nothing else is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.audit import AuditEntry
from app.identity import register
from app.runtime import batches, history, outside_jobs, releases
from app.runtime import service as runtime
from app.runtime.batches import BatchItem, BatchOperation
from app.runtime.job_models import OutsideJob, OutsideJobState
from app.store.chores import chore_of
from app.store.clock import clock
from app.store.database import Model, db
from tests.support.ward import Ward
from tests.unit.runtime.runtime_kit import doc, line, service


@pytest.fixture
def ward(app: Flask) -> Ward:
    return Ward(app)


def count(model: type[Model]) -> int:
    return db.session.execute(select(func.count()).select_from(model)).scalar_one()


def batch(ward: Ward) -> int:
    """A batch of one instance that has stopped; its key."""
    db.session.rollback()
    instance = ward.begin(ready="x")
    oscar = register.find_user("oscar")
    assert oscar is not None
    items = [(runtime.incidents(instance)[0].key, instance)]
    key = batches.begin("RESOLVE_INCIDENT", items, area_key=ward.area, by=oscar.key).key
    db.session.commit()
    return key


def weigh(ward: Ward) -> int:
    """A job for a worker outside; its key."""
    instance = runtime.start("weighing", {}, area_key=ward.area, by=1).key
    db.session.commit()
    return db.session.execute(select(OutsideJob.key).where(OutsideJob.instance_key == instance)).scalar_one()


def hour_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    chore = chore_of(history.sweep)
    assert chore is not None
    monkeypatch.setattr(chore, "done_at", None)
    chore()


def test_what_has_ended_is_destroyed_after_ninety_days_and_what_has_not_stays(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    chore = chore_of(history.sweep)
    assert chore is not None
    with ward.app.app_context():
        drawn = doc(service("weigh", "outside:scales") + line("weigh"), pid="weighing")
        releases.publish_release({"w.bpmn": drawn}, area_key=ward.area, by=1, allow_undeclared=True)
        db.session.commit()
        old = batch(ward)
        ended, waiting = weigh(ward), weigh(ward)
        outside_jobs.complete(ended)
        db.session.commit()
        ward.work()
        assert batches.find(old).state == "COMPLETED"  # type: ignore[union-attr]
        clock.advance(timedelta(days=89))
        stopped = batch(ward)
        batches.suspend(batches.find(stopped))  # type: ignore[arg-type]
        db.session.commit()
        recent = batch(ward)
        ward.work()
        assert batches.find(recent).ended_at is not None  # type: ignore[union-attr]
        db.session.rollback()

        hour_passes(monkeypatch)
        assert (count(BatchOperation), count(BatchItem), count(OutsideJob)) == (3, 3, 2), "not yet"
        clock.advance(timedelta(days=1, minutes=1))
        chore()
        assert count(BatchOperation) == 3, "once an hour is enough"
        db.session.rollback()
        hour_passes(monkeypatch)
        assert sorted(db.session.execute(select(BatchOperation.key)).scalars()) == sorted([stopped, recent])
        assert sorted(db.session.execute(select(BatchItem.operation_key)).scalars()) == sorted([stopped, recent])
        assert db.session.execute(select(OutsideJob.key, OutsideJob.state)).all() == [
            (waiting, OutsideJobState.CREATED)
        ]
        clock.advance(timedelta(days=400))
        db.session.rollback()
        hour_passes(monkeypatch)
        assert list(db.session.execute(select(BatchOperation.key)).scalars()) == [stopped], "what has not ended stays"
        assert outside_jobs.complete(waiting).state == OutsideJobState.COMPLETED, "it waited, and is done"
        retried = select(func.count()).where(AuditEntry.action == "incident.retry")
        assert db.session.execute(retried).scalar_one() == 2, "the audit keeps what was done"
