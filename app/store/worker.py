"""The worker: claims due jobs and runs each in a transaction of its own. Any number may run, none is special."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store import faults, jobs
from app.store.clock import load_offset, wall_now
from app.store.database import Model, db

log = logging.getLogger("convenor.worker")
IDLE_SECONDS = 1.0
BEAT_EVERY = timedelta(seconds=5)
STALE = timedelta(seconds=30)
FORGET_AFTER = timedelta(hours=1)

# What every worker does with each beat besides jobs (sealing the audit, sweeping sessions), each in transactions of its own.
chores: list[Callable[[], object]] = []


class WorkerBeat(Model):
    """When a worker was last alive (wall time)."""

    __tablename__ = "worker_beat"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]


def alive() -> bool:
    """Whether some worker has been alive lately."""
    last = db.session.execute(select(func.max(WorkerBeat.at))).scalar()
    return last is not None and wall_now() - last <= STALE


class Worker:
    """One worker of this process.

    :param lease: how long a claimed job stays ours without a sign of life; another worker goes on after it.
    """

    def __init__(self, app: Flask, *, lease: timedelta, name: str | None = None, demo: bool = False) -> None:
        self.app = app
        self.lease = lease
        self.demo = demo
        self.name = name or f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._stop = threading.Event()
        self._beat_at = wall_now() - 2 * BEAT_EVERY

    def stop(self) -> None:
        """Finish the job in hand and end (SIGTERM drains)."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped. A broken database connection is waited out."""
        while not self._stop.is_set():
            try:
                ran = self.run_once()
            except Exception:
                log.exception("worker loop failed", extra={"worker": self.name})
                ran = False
            if not ran:
                self._stop.wait(IDLE_SECONDS)

    def run_once(self) -> bool:
        """Claim one due job and run it. False: nothing was due."""
        with self.app.app_context():
            self._beat()
            if self.demo:
                load_offset()
                db.session.rollback()
            claimed = jobs.claim(self.name, self.lease, kinds=jobs.handlers.kinds())
            if not claimed:
                db.session.commit()
                return False
            faults.point("claim.before-commit")
            db.session.commit()
            faults.point("claim.after-commit")
            key = claimed[0].key
        self._run(key)
        return True

    def run_until_idle(self, limit: int = 100_000) -> int:
        """Run everything that is due now; the number of jobs run."""
        for count in range(limit):
            if not self.run_once():
                return count
        return limit

    def _run(self, key: int) -> None:
        with self.app.app_context():
            job = db.session.get(jobs.Job, key)
            if job is None or job.lease_owner != self.name:
                return
            handler = jobs.handlers.get(job.kind)
            stop = self._heartbeat(key)
            try:
                if handler is None:
                    raise LookupError(f"nothing handles jobs of the kind {job.kind}")
                faults.point("job.before-run")
                handler.run(job)
                if not jobs.finish(key, self.name):
                    raise RuntimeError("the lease was lost")
                faults.point("job.before-commit")
                db.session.commit()
                faults.point("job.after-commit")
            except Exception as error:
                db.session.rollback()
                self._failed(key, error)
            finally:
                stop.set()

    def _heartbeat(self, key: int) -> threading.Event:
        """Keep the lease of a long job alive from a thread of its own."""
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(self.lease.total_seconds() / 3):
                with self.app.app_context():
                    try:
                        jobs.extend_lease([key], self.name, self.lease)
                        db.session.commit()
                    except Exception:
                        db.session.rollback()

        threading.Thread(target=beat, daemon=True, name="lease").start()
        return stop

    def _failed(self, key: int, error: BaseException) -> None:
        job = db.session.get(jobs.Job, key)
        if job is None:
            return
        handler = jobs.handlers.get(job.kind)
        text = f"{type(error).__name__}: {getattr(error, 'message', '') or 'see the log of this time'}"
        log.warning("job failed", extra={"job": key, "kind": job.kind, "attempt": job.attempts}, exc_info=error)
        last = jobs.release(key, self.name, text, job.max_attempts)
        db.session.commit()
        if last and handler is not None and handler.failed is not None:
            handler.failed(job, error)
            db.session.commit()

    def _beat(self) -> None:
        now = wall_now()
        if now - self._beat_at < BEAT_EVERY:
            return
        self._beat_at = now
        row = db.session.get(WorkerBeat, self.name)
        if row is None:
            row = WorkerBeat(name=self.name, at=now)
            db.session.add(row)
        row.at = now
        db.session.execute(delete(WorkerBeat).where(WorkerBeat.at < now - FORGET_AFTER))
        db.session.commit()
        for chore in chores:
            try:
                chore()
            except Exception:
                db.session.rollback()
                log.exception("chore failed", extra={"worker": self.name})
