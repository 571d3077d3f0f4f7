"""The sign of life of a worker: one thread keeps the leases of everything that the worker has in hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask

from app.store import jobs
from app.store.database import db

log = logging.getLogger("convenor.worker")


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
