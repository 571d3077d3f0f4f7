"""Running claimed jobs: shared transactions, one by one when one of them fails, lost leases, a worker that is asked to end."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.store import jobs, running
from app.store.clock import business_now, wall_now
from app.store.database import db, reading
from app.store.jobs import Handler, Job
from app.store.leases import Leases
from app.store.worker import HANDFUL, Worker

LEASE = timedelta(seconds=30)
TOGETHER = "test.together"
EFFECT = "test.effect"


def _effect(job: Job) -> None:
    jobs.enqueue(EFFECT, {"n": job.payload["n"]}, due_at=business_now() + timedelta(days=1))


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A registry of the test's own, with one kind."""
    registry = jobs.Handlers()
    monkeypatch.setattr("app.store.jobs.handlers", registry)

    def register(run: Callable[[Job], None] = _effect, *, kind: str = TOGETHER, **more: object) -> None:
        registry.register(kind, Handler(run, **{"together": True, **more}))  # type: ignore[arg-type]

    return register


def _enqueue(*numbers: int, kind: str = TOGETHER, **more: object) -> list[int]:
    keys = [jobs.enqueue(kind, {"n": n}, **more).key for n in numbers]  # type: ignore[arg-type]
    db.session.commit()
    return keys


def _effects() -> list[int]:
    rows = db.session.execute(select(Job.payload).where(Job.kind == EFFECT).order_by(Job.created_at, Job.key)).scalars()
    return [row["n"] for row in rows]


def _left(kind: str = TOGETHER) -> list[Job]:
    db.session.expire_all()
    return list(db.session.execute(select(Job).where(Job.kind == kind).order_by(Job.key)).scalars())


def test_many_jobs_share_few_transactions(
    app: Flask, handle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(running.SECONDS, "sqlite", 1_000)  # however slow the machine is
    handle()
    with app.app_context():
        _enqueue(*range(100))
        commits: list[object] = []

        def count(connection: object) -> None:
            commits.append(connection)

        event.listen(db.engine, "commit", count)
        assert Worker(app, lease=LEASE).run_until_idle() == 100
        assert _effects() == list(range(100))
        assert _left() == []
        assert len(commits) < 15


def test_one_that_fails_does_not_take_the_others_with_it(app: Flask, handle: Callable[..., None]) -> None:
    def run(job: Job) -> None:
        _effect(job)
        if job.payload["n"] == 3:
            raise ValueError("a name that must not be kept: Elin Marsh")

    handle(run)
    with app.app_context():
        _enqueue(*range(6))
        Worker(app, lease=LEASE).run_until_idle()
        assert sorted(_effects()) == [0, 1, 2, 4, 5]
        (failed,) = _left()
        assert (failed.payload["n"], failed.attempts, failed.lease_owner) == (3, 1, None)
        assert failed.run_after > wall_now()
        assert "Elin" not in (failed.error or "")


def test_a_lost_lease_is_noticed_before_anything_is_done(app: Flask, handle: Callable[..., None]) -> None:
    handle()
    with app.app_context():
        first, *_ = _enqueue(0, 1, 2)
        worker = Worker(app, lease=LEASE)
        claimed = worker._claim()
        db.session.execute(update(Job).where(Job.key == first).values(lease_owner="another"))
        db.session.commit()
        worker._runner.run(claimed)
        assert _effects() == [1, 2]
        assert [job.key for job in _left()] == [first]


def test_a_job_that_is_put_off_meanwhile_is_left_for_then(app: Flask, handle: Callable[..., None]) -> None:
    handle()
    with app.app_context():
        _enqueue(1, dedupe_key="wake:1")
        worker = Worker(app, lease=LEASE)
        claimed = worker._claim()
        _enqueue(2, dedupe_key="wake:1", due_at=business_now() + timedelta(days=3))
        worker._runner.run(claimed)
        assert _effects() == []
        (later,) = _left()
        assert later.payload == {"n": 2}


def test_a_job_may_arm_the_next_of_its_name(app: Flask, handle: Callable[..., None]) -> None:
    def run(job: Job) -> None:
        _enqueue_next(job.payload["n"] + 1)

    def _enqueue_next(n: int) -> None:
        jobs.enqueue(TOGETHER, {"n": n}, dedupe_key="wake:1", due_at=business_now() + timedelta(days=n))

    handle(run)
    with app.app_context():
        _enqueue(1, dedupe_key="wake:1")
        Worker(app, lease=LEASE).run_until_idle()
        (following,) = _left()
        assert (following.payload["n"], following.dedupe_key, following.attempts) == (2, "wake:1", 0)


def test_what_a_transaction_has_no_time_for_is_run_in_the_next(
    app: Flask, handle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(clock)))  # a second passes at each look
    handle()
    with app.app_context():
        _enqueue(*range(10))
        _enqueue(10, dedupe_key="named")
        worker = Worker(app, lease=LEASE)
        assert worker.run_once() == 11
        assert _effects() == list(range(11))
        assert _left() == []


def test_what_another_holds_just_now_is_tried_on_its_own(app: Flask, handle: Callable[..., None]) -> None:
    asked: list[list[int]] = []

    def prepare(batch: Sequence[Job]) -> set[int]:
        asked.append([job.payload["n"] for job in batch])
        return {job.key for job in batch if job.payload["n"] == 1 and len(batch) > 1}

    handle(prepare=prepare)
    with app.app_context():
        _enqueue(0, 1, 2)
        Worker(app, lease=LEASE).run_until_idle()
        assert asked == [[0, 1, 2], [1]]
        assert _effects() == [0, 2, 1]


def test_what_is_not_there_any_more_is_run_once_on_its_own(app: Flask, handle: Callable[..., None]) -> None:
    """The instance of an alarm may have been destroyed: nothing can be locked for it, however often one looks."""
    handle(prepare=lambda batch: {job.key for job in batch})
    with app.app_context():
        _enqueue(0, 1, 2)
        Worker(app, lease=LEASE).run_until_idle()
        assert _effects() == [0, 1, 2]


def test_a_worker_asked_to_end_gives_back_what_it_has_not_begun(app: Flask, handle: Callable[..., None]) -> None:
    def run(job: Job) -> None:
        _effect(job)
        worker.stop()

    handle(run)
    handle(_effect, kind="test.alone", together=False)
    with app.app_context():
        _enqueue(*range(20))
        _enqueue(99, kind="test.alone")
        worker = Worker(app, lease=LEASE)
        worker.run_once()
        done = _effects()
        left = [*_left(), *_left("test.alone")]
        assert 0 < len(done) < 20
        assert len(done) + len(left) == 21
        assert {(job.lease_owner, job.attempts) for job in left} == {(None, 0)}


def test_timers_and_what_reaches_outside_do_not_keep_each_other_waiting(
    app: Flask, handle: Callable[..., None]
) -> None:
    handle()
    handle(_effect, kind="test.alone", together=False)
    with app.app_context():
        _enqueue(*range(1000, 1003), kind="test.alone", due_at=business_now() - timedelta(days=1))
        _enqueue(*range(HANDFUL + 5))
        Worker(app, lease=LEASE).run_once()
        done = _effects()
        assert len(done) == HANDFUL + 1
        assert [n for n in done if n >= 1000] == [1000]


def test_the_leases_of_everything_in_hand_are_renewed_together(app: Flask, handle: Callable[..., None]) -> None:
    handle()
    with app.app_context():
        _enqueue(0, 1, 2)
        keys = [job.key for job in jobs.claim("w", timedelta(seconds=1), 3)]
        db.session.commit()
        db.session.execute(update(Job).where(Job.key == keys[2]).values(lease_owner="another"))
        db.session.commit()
        before = wall_now()
        Leases(app, "w", LEASE).renew(keys)
        first, second, lost = _left()
        assert first.lease_until is not None
        assert first.lease_until >= before + LEASE
        assert second.lease_until == first.lease_until
        assert lost.lease_until is not None
        assert lost.lease_until < before + LEASE


def test_of_an_instance_only_the_oldest_job_is_offered(app: Flask) -> None:
    with app.app_context():
        for n in (1, 2):
            jobs.enqueue("k", {"n": n}, instance_key=7, due_at=business_now() - timedelta(minutes=3 - n))
        db.session.commit()
        (first,) = jobs.claim("w", LEASE, limit=5)
        jobs.release(first.key, "w", "it failed", 6)  # it pauses, and what comes after it waits
        db.session.commit()
        assert jobs.claim("v", LEASE, limit=5) == []


# ------------------------------------------------------------------------------------------------ failing
def _fails(error: Exception) -> Callable[[Job], None]:
    def run(_job: Job) -> None:
        raise error

    return run


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), OperationalError("INSERT", None, Exception("server closed"))],
    ids=["no room", "no database"],
)
def test_waiting_for_room_or_the_database_uses_no_attempt_up(
    app: Flask, handle: Callable[..., None], monkeypatch: pytest.MonkeyPatch, error: Exception, together: bool
) -> None:
    monkeypatch.setattr(jobs, "OUTAGE_PAUSE", timedelta(0))
    given_up: list[int] = []
    handle(_fails(error), together=together, failed=lambda job, _error: given_up.append(job.key))
    with app.app_context():
        (key,) = _enqueue(1, max_attempts=2)
    worker = Worker(app, lease=LEASE, name="w")
    for _ in range(5):
        assert worker.run_once() == 1
    with app.app_context():
        (job,) = _left()
        assert (job.key, job.state, job.attempts, job.lease_owner) == (key, jobs.JobState.QUEUED, 0, None)
        assert type(error).__name__ in (job.error or "")
    assert given_up == []


def test_a_last_failure_and_what_is_told_of_it_are_one_transaction(app: Flask, handle: Callable[..., None]) -> None:
    """A process that dies in between leaves neither a failed job of which nobody hears nor a story about a job that is tried again."""
    handle(_fails(ValueError("x")), failed=lambda job, _error: _effect(job))
    seen: list[tuple[str, bool]] = []

    def look(_session: Session) -> None:
        with reading(), db.engine.connect() as other:
            kinds = {row.kind: row.state for row in other.execute(select(Job.kind, Job.state))}
            seen.append((kinds[TOGETHER], EFFECT in kinds))

    with app.app_context():
        _enqueue(7, max_attempts=1)
        event.listen(db.session, "after_commit", look)
        try:
            Worker(app, lease=LEASE, name="w").run_once()
        finally:
            event.remove(db.session, "after_commit", look)
    assert set(seen) == {(jobs.JobState.QUEUED, False), (jobs.JobState.FAILED, True)}


def test_a_failure_that_cannot_be_told_is_still_recorded(app: Flask, handle: Callable[..., None]) -> None:
    def cannot(_job: Job, _error: BaseException) -> None:
        db.session.execute(text("INSERT INTO no_such_table VALUES (1)"))

    handle(_fails(ValueError("x")), failed=cannot)
    with app.app_context():
        _enqueue(1, max_attempts=1)
        Worker(app, lease=LEASE, name="w").run_once()
        (job,) = _left()
        assert job.state == jobs.JobState.FAILED


def test_what_reaches_outside_is_claimed_by_the_handful_while_it_is_quick(
    app: Flask, handle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = SimpleNamespace(passed=0.0, each=0.0)
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: now.passed))
    ran: list[int] = []

    def run(job: Job) -> None:
        ran.append(job.payload["n"])
        now.passed += now.each

    handle(run, together=False)
    with app.app_context():
        _enqueue(*range(40))
        worker = Worker(app, lease=LEASE)
        assert [worker.run_once() for _ in range(4)] == [1, 2, 4, 8]
        now.each = 1.0  # the mail server has become slow: one at a time, and the others may be had by anybody
        worker.run_once()
        assert ran == list(range(16))
        assert [(job.lease_owner, job.attempts) for job in _left()] == [(None, 0)] * 24
        db.session.rollback()
        worker.run_once()
        assert ran == list(range(17))
        now.each = 0.0
        assert worker.run_until_idle() == 23
        assert ran == list(range(40))
        assert _left() == []


def test_a_job_that_may_have_ended_its_workers_comes_last_and_on_its_own(
    app: Flask, handle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(running.SECONDS, "sqlite", 1_000)

    def run(job: Job) -> None:
        if job.payload["n"] == 1:
            raise KeyboardInterrupt  # the end of the process
        _effect(job)

    handle(run)
    with app.app_context():
        first, *_ = _enqueue(1, 2, 3)
        db.session.execute(update(Job).where(Job.key == first).values(attempts=running.UNSUSPECTED))
        db.session.commit()
        with pytest.raises(KeyboardInterrupt):
            Worker(app, lease=LEASE, name="w").run_once()
        db.session.rollback()
        assert _effects() == [2, 3]
        assert [job.key for job in _left()] == [first]


@pytest.mark.parametrize("together", [True, False])
def test_a_job_that_ends_every_worker_is_given_up(app: Flask, handle: Callable[..., None], together: bool) -> None:
    given_up: list[str] = []
    handle(together=together, failed=lambda _job, error: given_up.append(type(error).__name__))
    with app.app_context():
        _enqueue(1, max_attempts=3)
        db.session.execute(update(Job).values(attempts=3 + running.DEATHS_BORNE))
        db.session.commit()
        Worker(app, lease=LEASE, name="w").run_once()
        (job,) = _left()
        assert (job.state, _effects(), given_up) == (jobs.JobState.FAILED, [], ["WorkersDied"])
