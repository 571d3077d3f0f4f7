"""The sign of life of a worker: one thread keeps the leases of everything that the worker has in hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from app.store import jobs
from app.store.clock import wall_now
from app.store.database import db, reading

log = logging.getLogger("convenor.worker")


class LeaseLost(RuntimeError):
    """The job has gone, or may go, to another worker: whatever was done for it is rolled back."""


def still_held(job: jobs.Job) -> None:
    """Ask once more before something reaches outside: the process may have been stopped for longer than its lease. On a connection of its
    own, so that nothing of the job's transaction has begun.

    :raises LeaseLost: the job may be another worker's by now.
    """
    query = select(jobs.Job.lease_owner, jobs.Job.lease_until).where(jobs.Job.key == job.key)
    with reading(), db.engine.connect() as connection:
        found = connection.execute(query).one_or_none()
    if found is None or found.lease_owner != job.lease_owner or found.lease_until < wall_now():
        raise LeaseLost


class Leases:
    """What one worker has in hand.

    The thread lives while something is in hand and looks every third of a lease, so that a lease runs out only when the process is dead,
    stopped, or cannot reach the database.
    """

    def __init__(self, app: Flask, worker: str, lease: timedelta) -> None:
        self._app, self._worker, self._lease = app, worker, lease
        self._keys: set[int] = set()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def held(self, keys: Collection[int]) -> Iterator[None]:
        """Keep the leases of these jobs, until they are let go one by one or all together at the end."""
        with self._change:
            self._keys.update(keys)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, daemon=True, name="leases")
                self._thread.start()
        try:
            yield
        finally:
            self.let_go(keys)

    def let_go(self, keys: Collection[int]) -> None:
        """These are done, or somebody else's."""
        with self._change:
            self._keys.difference_update(keys)

    def _beat(self) -> None:
        while True:
            with self._change:
                self._change.wait(self._lease.total_seconds() / 3)
                keys = sorted(self._keys)
                if not keys:
                    self._thread = None
                    return
            try:
                self.renew(keys)
            except Exception as error:
                log.warning("leases could not be kept", extra={"worker": self._worker, "error": type(error).__name__})

    def renew(self, keys: Collection[int]) -> None:
        """The sign of life, in a transaction of its own."""
        with self._app.app_context():
            jobs.extend_leases(keys, self._worker, self._lease)
            db.session.commit()
