"""The job table: timers, operations, notices, documents. Written in the transaction that needs the work, claimed in due order with a lease.

A job whose handler only touches the database ends in the transaction of its own effects: it happens exactly once, and many such jobs may
share one transaction. A job that reaches outside (mail) is at-least-once, and its handler carries an idempotency key.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, aliased, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from app.store import flushing
from app.store.clock import business_now, wall_now
from app.store.database import Keyed, Model, db, new_key

BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
OUTAGE_PAUSE = timedelta(seconds=15)


class JobState(StrEnum):
    QUEUED = "queued"
    FAILED = "failed"


class Job(Keyed, Model):
    """One piece of work to do. ``due_at`` is business time (timers); ``run_after`` and the lease are wall time."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "state", "due_at", "key"),
        Index("ix_job_instance", "instance_key"),
    )

    kind: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    instance_key: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime]
    run_after: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12), default=JobState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=6)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


_LOOKED_AT = 1000  # of the jobs that are to be tried again, when it is asked how late they are


@dataclass(frozen=True)
class Handler:
    """What runs a kind of job.

    :param run: does the work inside the session's transaction; the worker commits it together with the end of the job.
    :param failed: told (own transaction) when the last attempt has failed; raises the incident.
    :param together: it only touches the database and never commits, so that several may share one transaction.
    :param prepare: locks and loads what the jobs of one transaction need, before the first of them runs. It waits for nobody when there are
        several, and says by key which must be tried again on their own.
    """

    run: Callable[[Job], None]
    failed: Callable[[Job, BaseException], None] | None = None
    max_attempts: int = 6
    together: bool = False
    prepare: Callable[[Sequence[Job]], Collection[int]] | None = None


class Handlers:
    """The registry of job kinds, filled at start-up."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Handler] = {}

    def register(self, kind: str, handler: Handler) -> None:
        self._by_kind[kind] = handler

    def get(self, kind: str) -> Handler | None:
        return self._by_kind.get(kind)

    def kinds(self, *, together: bool | None = None) -> list[str]:
        """The kinds that are known; with ``together`` only those that may share a transaction, or only the others."""
        return sorted(kind for kind, handler in self._by_kind.items() if together in (None, handler.together))


handlers = Handlers()


def enqueue(
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    due_at: datetime | None = None,
    dedupe_key: str | None = None,
    instance_key: int | None = None,
    max_attempts: int = 6,
    fresh: bool = False,
) -> Job:
    """Write a job in the current transaction. With a dedupe key an open job of that key is moved instead of doubled.

    :param due_at: business time; now when None.
    :param fresh: the caller knows that there is no open job of the key, so that none needs to be looked for.
    """
    now = wall_now()
    due = due_at or business_now()
    job = None
    if dedupe_key is not None and not fresh:
        job = db.session.execute(select(Job).where(Job.dedupe_key == dedupe_key)).scalar_one_or_none()
    if job is None:
        job = Job(key=new_key(), kind=kind, dedupe_key=dedupe_key, created_at=now)
        db.session.add(job)
    job.kind, job.payload, job.instance_key, job.due_at = kind, payload or {}, instance_key, due
    job.run_after, job.state, job.attempts, job.max_attempts = now, JobState.QUEUED, 0, max_attempts
    job.lease_owner = job.lease_until = job.error = None
    return job


_NAMED = ("dedupe_key",)


def arm(
    kind: str,
    payload: dict[str, Any],
    due_at: datetime | None = None,
    *,
    dedupe_key: str,
    instance_key: int | None = None,
    max_attempts: int = 6,
) -> None:
    """Write a job with the rest of the transaction, in the place of an open one of the same key. Nothing is looked up.

    :param due_at: business time; now when None.
    """
    now = wall_now()
    row = {
        "key": new_key(),
        "kind": kind,
        "payload": payload,
        "dedupe_key": dedupe_key,
        "instance_key": instance_key,
        "due_at": due_at or business_now(),
        "run_after": now,
        "state": JobState.QUEUED,
        "attempts": 0,
        "max_attempts": max_attempts,
        "lease_owner": None,
        "lease_until": None,
        "error": None,
        "created_at": now,
    }
    flushing.put(Job, _NAMED, [row], replaces=True)


def disarm(dedupe_key: str) -> None:
    """Remove the open job of a key with the rest of the transaction, if there is one."""
    flushing.remove(Job, _NAMED, dedupe_key=dedupe_key)


def cancel(dedupe_key: str) -> None:
    """Remove the open job of a key, if there is one."""
    db.session.execute(delete(Job).where(Job.dedupe_key == dedupe_key))


def claim(worker: str, lease: timedelta, limit: int = 1, *, kinds: list[str] | None = None) -> list[Job]:
    """Lease the next due jobs to a worker, oldest due first. The caller commits at once, so that the lease is seen by others.

    :param kinds: what the worker can do: a worker of an earlier version leaves what it does not know to the others. None: everything.

    Of each instance only the oldest due job is offered, and none while another is in hand, so that the order within an instance is kept.
    """
    now, business = wall_now(), business_now()
    open_ = and_(
        Job.state == JobState.QUEUED,
        Job.due_at <= business,
        Job.run_after <= now,
        or_(Job.lease_until.is_(None), Job.lease_until < now),
    )
    if kinds is not None:
        open_ = and_(open_, Job.kind.in_(kinds))
    other = aliased(Job)
    must_wait = exists().where(  # asked for each candidate through the index of instances, however many jobs wait
        other.instance_key == Job.instance_key,
        other.state != JobState.FAILED,  # said so that no index but that of instances can serve
        other.key != Job.key,
        or_(
            other.lease_until >= now,
            other.due_at < Job.due_at,
            and_(other.due_at == Job.due_at, other.key < Job.key),
        ),
    )
    query = (
        select(Job)
        .where(open_, ~must_wait)
        .order_by(Job.due_at, Job.key)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Job)
    )
    found = list(db.session.execute(query).scalars())
    if found:
        until = now + lease
        db.session.execute(
            update(Job)
            .where(Job.key.in_([job.key for job in found]))
            .values(lease_owner=worker, lease_until=until, attempts=Job.attempts + 1)
            .execution_options(synchronize_session=False)
        )
        for job in found:
            set_committed_value(job, "lease_owner", worker)
            set_committed_value(job, "lease_until", until)
            set_committed_value(job, "attempts", job.attempts + 1)
    return found


def give_back(jobs: Sequence[Job], worker: str) -> None:
    """Claimed and not begun: others may have them at once, and no attempt is counted."""
    db.session.execute(
        update(Job)
        .where(Job.key.in_([job.key for job in jobs]), Job.lease_owner == worker)
        .values(lease_owner=None, lease_until=None, attempts=Job.attempts - 1)
        .execution_options(synchronize_session=False)
    )


def end_first(jobs: Sequence[Job], worker: str) -> set[int]:
    """End jobs at the beginning of the transaction of their effects: its failure brings them back, nobody else can have them meanwhile, and
    their names are free for what they arm next.

    :returns: the keys of those that are still the worker's; the leases of the others were lost, or they were put off or cancelled.
    """
    gone = (
        delete(Job)
        .where(Job.key.in_([job.key for job in jobs]), Job.lease_owner == worker)
        .returning(Job.key)
        .execution_options(synchronize_session=False)
    )
    return set(db.session.execute(gone).scalars())


def put_back(jobs: Sequence[Job]) -> None:
    """Undo :func:`end_first` for jobs that the transaction had no time for: they keep their lease."""
    columns = Job.__table__.columns
    rows = [{column.name: getattr(job, column.key) for column in columns} for job in jobs]
    db.session.execute(insert(Job.__table__), rows)  # type: ignore[arg-type]


def finish(job_key: int, worker: str) -> bool:
    """End a job at the end of the transaction of its effects. False: the lease was lost and everything must be rolled back."""
    gone = db.session.execute(
        delete(Job).where(Job.key == job_key, Job.lease_owner == worker).execution_options(synchronize_session=False)
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def release(job_key: int, worker: str, error: str, max_attempts: int) -> bool:
    """Give a failed job back with back-off, or mark it failed for good. True: that was the last attempt."""
    job = db.session.get(Job, job_key, populate_existing=True)
    if job is None or job.lease_owner != worker:
        return False
    job.error, job.lease_owner, job.lease_until = error[:2000], None, None
    if job.attempts >= max_attempts:
        job.state = JobState.FAILED
        return True
    pause = BACK_OFF[min(job.attempts - 1, len(BACK_OFF) - 1)]
    job.run_after = wall_now() + pause * random.uniform(0.9, 1.1)  # noqa: S311 - spread, not secrecy
    return False


def put_off(job_key: int, worker: str, error: str) -> None:
    """Give a job back that could not be done for want of a disk or a database. No attempt is counted: it waits as long as that takes."""
    job = db.session.get(Job, job_key, populate_existing=True)
    if job is None or job.lease_owner != worker:
        return
    job.error, job.lease_owner, job.lease_until = error[:2000], None, None
    job.attempts -= 1
    job.run_after = wall_now() + OUTAGE_PAUSE * random.uniform(0.9, 1.1)  # noqa: S311 - spread, not secrecy


def extend_leases(job_keys: Collection[int], worker: str, lease: timedelta) -> None:
    """Heartbeat: keep the leases of what is in hand. Rows that a transaction has locked are safe without it, and are not waited for."""
    free = select(Job.key).where(Job.key.in_(job_keys), Job.lease_owner == worker).with_for_update(skip_locked=True)
    keys = list(db.session.execute(free).scalars())
    if keys:
        db.session.execute(
            update(Job)
            .where(Job.key.in_(keys), Job.lease_owner == worker)
            .values(lease_until=wall_now() + lease)
            .execution_options(synchronize_session=False)
        )


def oldest_overdue_seconds() -> float:
    """How long the oldest job has waited that a worker could have, in seconds; 0 when there is none. One that failed and was put off waits
    from when it may be tried again: it tells nothing of whether workers run."""
    now, wall = business_now(), wall_now()
    due = (Job.state == JobState.QUEUED, Job.due_at <= now, Job.run_after <= wall)
    new = db.session.execute(select(func.min(Job.due_at)).where(*due, Job.attempts == 0)).scalar()
    again = select(Job.due_at, Job.run_after).where(*due, Job.attempts > 0).order_by(Job.due_at).limit(_LOOKED_AT)
    ages = [min(now - at, wall - after) for at, after in db.session.execute(again)]
    if new is not None:
        ages.append(now - new)
    return max((age.total_seconds() for age in ages), default=0.0)
