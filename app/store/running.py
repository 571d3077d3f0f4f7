"""Running claimed jobs: those that only touch the database share short transactions, the others have one each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from flask import Flask
from sqlalchemy import text

from app.store import faults, jobs
from app.store.database import db, giving_way
from app.store.jobs import Handler, Job
from app.store.leases import LeaseLost, Leases
from app.store.outage import must_wait, outage
from app.store.outage import said as outage_said

log = logging.getLogger("convenor.worker")

# A shared transaction aims at this length: SQLite has one writer, and on PostgreSQL a person may want an instance that it holds.
SECONDS = {"sqlite": 0.02, "postgresql": 0.1}
AT_LEAST, AT_MOST = 8, 50
# Jobs that reach outside: so long timers wait for them at most, and whatever the last one takes.
ALONE_SECONDS = 0.1
ALONE_AT_MOST = 16
# Between two of them SQLite's write lock is left to whoever waits for it, and the processors to people's pages.
PAUSE = {"sqlite": 0.015, "postgresql": 0.05}
# A person's request that holds what the batch needs may itself need what the batch holds: the batch is the one to give way.
GIVE_WAY = "SET LOCAL lock_timeout = '250ms'"


# A job that has been claimed so often may be what ends its workers: it comes after the others, on its own.
UNSUSPECTED = 2
# And when it has been claimed so often beyond its attempts, nobody takes it up again: one that ends every worker would end all work.
DEATHS_BORNE = 20


class WorkersDied(RuntimeError):
    """Worker after worker has died without a word while it had the job in hand."""


class Runner:
    """Runs what a worker has claimed.

    :param stopping: set when the worker is asked to end; what has not been begun is given back.
    :ivar alone: how many jobs that reach outside are worth claiming at once.
    """

    def __init__(self, app: Flask, worker: str, lease: timedelta, stopping: threading.Event) -> None:
        self._app, self._worker, self._stopping = app, worker, stopping
        self._leases = Leases(app, worker, lease)
        with app.app_context():
            dialect = db.engine.dialect.name
        self._seconds, self._pause = SECONDS[dialect], PAUSE[dialect]
        self._yields = dialect == "postgresql"
        self._size = AT_LEAST
        self.alone = 1

    def run(self, claimed: Sequence[Job]) -> None:
        """Run them all; a failure is recorded with its job."""
        able = [job for job in claimed if job.attempts <= job.max_attempts + DEATHS_BORNE]
        together = [job for job in able if _handler(job).together and job.attempts <= UNSUSPECTED]
        suspected = [job for job in able if _handler(job).together and job.attempts > UNSUSPECTED]
        alone = [job for job in able if not _handler(job).together]
        with self._leases.held([job.key for job in claimed]):
            for job in claimed:
                if job not in able:
                    self._failed(job, WorkersDied())
            many = len(together) > self._size
            while together and not self._stopping.is_set():
                batch, together = together[: self._size], together[self._size :]
                together = [*self._batch(batch), *together]
                if many:
                    self._stopping.wait(self._pause)
            while suspected and not together and not self._stopping.is_set():
                self._batch([suspected.pop(0)])
            together += suspected
            left = [*together, *(alone if together else self._one_by_one(alone))]
            if left:
                with self._app.app_context():
                    jobs.give_back(left, self._worker)
                    db.session.commit()

    # ---- together
    def _batch(self, batch: Sequence[Job]) -> list[Job]:
        """One transaction for several jobs; one by one when any of them fails. Returns what it had no time for."""
        try:
            busy, left = self._share(batch)
        except Exception as error:
            if len(batch) == 1:
                self._failed(batch[0], error)
                return []
            log.info("jobs are run one by one", extra={"worker": self._worker, "error": type(error).__name__})
            busy, left = list(batch), []
        for job in busy:
            self._batch([job])
        return left

    def _share(self, batch: Sequence[Job]) -> tuple[list[Job], list[Job]]:
        """The transaction. Returns the jobs whose instances somebody else holds just now, and those that there was no time for."""
        with self._app.app_context(), giving_way():
            db.session.connection()  # what it waits for before it begins is not its own time
            began = time.monotonic()
            if len(batch) > 1 and self._yields:
                db.session.execute(text(GIVE_WAY))
            left_out = self._prepare(batch)
            busy = (
                left_out if len(batch) > 1 else set[int]()
            )  # on its own a job has waited; what is not there any more is its own affair
            mine = jobs.end_first([job for job in batch if job.key not in busy], self._worker)
            todo = [job for job in batch if job.key in mine]
            done = 0
            for job in todo:
                if done and time.monotonic() - began > 2 * self._seconds:
                    jobs.put_back(todo[done:])
                    break
                if done:
                    faults.point("batch.between")
                faults.point("job.before-run")
                _handler(job).run(job)
                done += 1
            faults.point("job.before-commit")
            db.session.commit()
            faults.point("job.after-commit")
        self._leases.let_go([job.key for job in todo[:done]])
        self._measure(done, time.monotonic() - began)
        return [job for job in batch if job.key in busy], todo[done:]

    @staticmethod
    def _prepare(batch: Sequence[Job]) -> set[int]:
        """Lock and load what they need, kind by kind. Returns the jobs that must be tried again on their own."""
        busy: set[int] = set()
        for kind in sorted({job.kind for job in batch}):
            prepare = _handler_of(kind).prepare
            if prepare is not None:
                busy.update(prepare([job for job in batch if job.kind == kind]))
        return busy

    def _measure(self, done: int, seconds: float) -> None:
        if done:
            fitting = int(self._seconds * done / max(seconds, 0.000_1))
            self._size = max(AT_LEAST, min(AT_MOST, fitting, 2 * self._size))

    # ---- alone
    def _one_by_one(self, alone: Sequence[Job]) -> Sequence[Job]:
        """The first, and as many more as there is time for. Returns the others: somebody else may be quicker."""
        began, done = time.monotonic(), 0
        for job in alone:
            if done and (self._stopping.is_set() or time.monotonic() - began > ALONE_SECONDS):
                self.alone = 1
                return alone[done:]
            self._alone(job)
            done += 1
        if done:
            self.alone = min(2 * self.alone, ALONE_AT_MOST) if time.monotonic() - began < ALONE_SECONDS else 1
        return ()

    def _alone(self, job: Job) -> None:
        """A job that may commit on its way: its end belongs to its last transaction."""
        try:
            with self._app.app_context():
                faults.point("job.before-run")
                mine = db.session.get(Job, job.key)
                if mine is None or mine.lease_owner != self._worker:
                    return
                _handler(job).run(mine)
                if not jobs.finish(job.key, self._worker):
                    raise LeaseLost
                faults.point("job.before-commit")
                db.session.commit()
                faults.point("job.after-commit")
        except Exception as error:
            self._failed(job, error)
        finally:
            self._leases.let_go([job.key])

    def _failed(self, job: Job, error: BaseException) -> None:
        said = f"{type(error).__name__}: {getattr(error, 'message', '') or 'see the log of this time'}"
        event = outage_said(error) or "job failed"
        log.warning(event, extra={"job": job.key, "kind": job.kind, "attempt": job.attempts}, exc_info=error)
        self._leases.let_go([job.key])
        with self._app.app_context():
            if must_wait(error):
                jobs.put_off(job.key, self._worker, said)
            elif jobs.release(job.key, self._worker, said, job.max_attempts):
                self._given_up(job, error, said)
            db.session.commit()

    def _given_up(self, job: Job, error: BaseException, said: str) -> None:
        """Tell of the last failure in the transaction that records it: whoever dies in between has done neither."""
        tell = _handler(job).failed
        if tell is None:
            return
        try:
            tell(job, error)
            db.session.flush()
        except Exception as second:
            db.session.rollback()
            if outage(second) is not None:
                raise  # the lease runs out, and it is tried again
            log.exception("a failure could not be told", extra={"job": job.key, "kind": job.kind})
            jobs.release(job.key, self._worker, said, job.max_attempts)


def _handler_of(kind: str) -> Handler:
    handler = jobs.handlers.get(kind)
    if handler is None:
        raise LookupError(f"nothing handles jobs of the kind {kind}")
    return handler


def _handler(job: Job) -> Handler:
    return _handler_of(job.kind)
