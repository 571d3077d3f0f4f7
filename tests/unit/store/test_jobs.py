"""The job table: due order, leases, one at a time for an instance, back-off, the last failure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.store import jobs
from app.store.clock import business_now, clock, wall_now
from app.store.database import db
from app.store.jobs import Handler, Job, JobState
from app.store.worker import Worker

LEASE = timedelta(seconds=30)


def _names(found: list[Job]) -> list[str]:
    return [str(job.payload["n"]) for job in found]


def test_jobs_are_claimed_in_the_order_they_fall_due(app: Flask) -> None:
    with app.app_context():
        now = business_now()
        for name, days in (("later", -1), ("first", -3), ("not yet", 1), ("second", -2)):
            jobs.enqueue("k", {"n": name}, due_at=now + timedelta(days=days))
        db.session.commit()
        assert _names(jobs.claim("w", LEASE, limit=10)) == ["first", "second", "later"]
        db.session.commit()
        clock.advance(timedelta(days=2))
        assert _names(jobs.claim("w", LEASE, limit=10)) == ["not yet"]


def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(app: Flask) -> None:
    with app.app_context():
        key = jobs.enqueue("k", {"n": 1}).key
        db.session.commit()
        assert jobs.claim("one", LEASE)
        db.session.commit()
        assert not jobs.claim("two", LEASE)
        db.session.execute(update(Job).values(lease_until=wall_now() - timedelta(seconds=1)))
        db.session.commit()
        assert _names(jobs.claim("two", LEASE)) == ["1"]
        db.session.commit()
        assert not jobs.finish(key, "one")
        assert jobs.finish(key, "two")


def test_an_instance_has_one_job_in_hand_at_a_time(app: Flask) -> None:
    with app.app_context():
        for n in (1, 2):
            jobs.enqueue("k", {"n": n}, instance_key=7, due_at=business_now() - timedelta(minutes=3 - n))
        jobs.enqueue("k", {"n": "other"}, instance_key=8)
        db.session.commit()
        assert _names(jobs.claim("w", LEASE, limit=5)) == ["1", "other"]
        db.session.commit()
        assert jobs.claim("v", LEASE, limit=5) == []


def test_a_dedupe_key_moves_the_open_job(app: Flask) -> None:
    with app.app_context():
        jobs.enqueue("k", {"n": 1}, dedupe_key="wake:1")
        jobs.enqueue("k", {"n": 2}, dedupe_key="wake:1", due_at=business_now() + timedelta(days=1))
        db.session.commit()
        (only,) = db.session.execute(select(Job)).scalars()
        assert only.payload == {"n": 2}
        assert only.due_at == business_now() + timedelta(days=1)
        jobs.cancel("wake:1")
        assert db.session.execute(select(Job)).first() is None


def test_the_effects_of_a_job_and_its_end_are_one_transaction(app: Flask) -> None:
    ran: list[int] = []

    def run(job: Job) -> None:
        ran.append(job.key)
        jobs.enqueue("test.effect", {"n": "effect"}, due_at=business_now() + timedelta(days=1))
        if len(ran) == 1:
            raise RuntimeError("the first time fails")

    jobs.handlers.register("test.effects", Handler(run))
    with app.app_context():
        jobs.enqueue("test.effects", {})
        db.session.commit()
    worker = Worker(app, lease=LEASE)
    worker.run_until_idle()
    with app.app_context():
        (failed,) = db.session.execute(select(Job)).scalars()
        assert (failed.kind, failed.attempts, failed.state) == ("test.effects", 1, JobState.QUEUED)
        assert failed.run_after > wall_now()
        db.session.execute(update(Job).values(run_after=wall_now()))
        db.session.commit()
    worker.run_until_idle()
    with app.app_context():
        assert [job.kind for job in db.session.execute(select(Job)).scalars()] == ["test.effect"]


def test_the_last_failure_is_told(app: Flask) -> None:
    told: list[str] = []

    def run(_job: Job) -> None:
        raise ValueError("a name that must not be kept: Elin Marsh")

    jobs.handlers.register("test.fails", Handler(run, lambda job, error: told.append(type(error).__name__)))
    with app.app_context():
        jobs.enqueue("test.fails", {}, max_attempts=1)
        db.session.commit()
    Worker(app, lease=LEASE).run_until_idle()
    with app.app_context():
        (job,) = db.session.execute(select(Job)).scalars()
        assert job.state == JobState.FAILED
        assert "Elin" not in (job.error or "")
    assert told == ["ValueError"]


def test_what_was_put_off_after_a_failure_is_not_late(app: Flask) -> None:
    """Late is what a worker could have had: else a mail server that is down looks as if no worker ran."""
    with app.app_context():
        assert jobs.oldest_overdue_seconds() == 0
        job = jobs.enqueue("test.late", {})
        job.due_at = business_now() - timedelta(hours=3)
        db.session.flush()
        assert jobs.oldest_overdue_seconds() == pytest.approx(3 * 3600, abs=5)
        job.attempts, job.run_after = 1, wall_now() + timedelta(minutes=10)
        db.session.flush()
        assert jobs.oldest_overdue_seconds() == 0
        job.run_after = wall_now() - timedelta(minutes=4)
        db.session.flush()
        assert jobs.oldest_overdue_seconds() == pytest.approx(240, abs=5)
        job.run_after = wall_now() - timedelta(
            days=20
        )  # a timer made long ago, whose worker was killed: late since it was due
        db.session.flush()
        assert jobs.oldest_overdue_seconds() == pytest.approx(3 * 3600, abs=5)


def test_business_time_only_moves_forwards(app: Flask) -> None:
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(timedelta(days=-1))
