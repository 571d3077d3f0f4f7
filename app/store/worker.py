"""The worker: claims due jobs by the handful and runs them. Any number may run, none is special."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store import faults, jobs
from app.store.chores import chores
from app.store.clock import load_offset, wall_now
from app.store.database import Model, db
from app.store.outage import said
from app.store.running import Runner

log = logging.getLogger("convenor.worker")
IDLE_SECONDS = 1.0
BEAT_EVERY = timedelta(seconds=5)
HANDFUL = 100
NICENESS = 5
STALE = timedelta(seconds=30)
FORGET_AFTER = timedelta(hours=1)

# What the first worker does that is alive again after none was, before anything else. Told since when (wall time).
returns: list[Callable[[datetime], object]] = []


class WorkerBeat(Model):
    """When a worker was last alive (wall time)."""

    __tablename__ = "worker_beat"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]


def alive() -> bool:
    """Whether some worker has been alive lately."""
    last = db.session.execute(select(func.max(WorkerBeat.at))).scalar()
    return last is not None and wall_now() - last <= STALE


def alive_count() -> int:
    """How many workers have been alive lately."""
    since = wall_now() - STALE
    return int(db.session.scalar(select(func.count()).select_from(WorkerBeat).where(WorkerBeat.at >= since)) or 0)


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
        self._runner = Runner(app, self.name, lease, self._stop)
        self._beat_at = wall_now() - 2 * BEAT_EVERY

    def stop(self) -> None:
        """Finish the transaction in hand and end (SIGTERM drains)."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped. A broken database connection is waited out."""
        if threading.current_thread() is threading.main_thread():  # a process of its own: people's pages come first
            os.nice(NICENESS)
        while not self._stop.is_set():
            try:
                ran = self.run_once()
            except Exception as error:
                log.exception(said(error) or "worker loop failed", extra={"worker": self.name})
                ran = 0
            if not ran:
                self._stop.wait(IDLE_SECONDS)

    def run_once(self) -> int:
        """Claim what is due, a handful at most, and run it: how many jobs it was."""
        with self.app.app_context():
            self._beat()
            if self.demo:
                load_offset()
                db.session.rollback()
            claimed = self._claim()
            if claimed:
                faults.point("claim.before-commit")
            db.session.commit()
            if claimed:
                faults.point("claim.after-commit")
        self._runner.run(claimed)
        return len(claimed)

    def _claim(self) -> list[jobs.Job]:
        """Many jobs that only touch the database, and one that reaches outside, or several while they are quick: neither a mail server
        that is slow nor ten thousand timers keep the others waiting."""
        together = jobs.handlers.kinds(together=True)
        alone = jobs.handlers.kinds(together=False)
        found = jobs.claim(self.name, self.lease, HANDFUL, kinds=together) if together else []
        return found + (jobs.claim(self.name, self.lease, self._runner.alone, kinds=alone) if alone else [])

    def run_until_idle(self, limit: int = 100_000) -> int:
        """Run everything that is due now; the number of jobs run."""
        count = 0
        while count < limit and (ran := self.run_once()):
            count += ran
        return count

    def _beat(self) -> None:
        now = wall_now()
        if now - self._beat_at < BEAT_EVERY:
            return
        self._beat_at = now
        last = db.session.execute(select(func.max(WorkerBeat.at))).scalar()
        if last is not None and now - last > STALE:
            self._each(returns, last)
        row = db.session.get(WorkerBeat, self.name)
        if row is None:
            row = WorkerBeat(name=self.name, at=now)
            db.session.add(row)
        row.at = now
        db.session.execute(delete(WorkerBeat).where(WorkerBeat.at < now - FORGET_AFTER))
        db.session.commit()
        self._each(chores)

    def _each(self, works: Sequence[Callable[..., object]], *told: object) -> None:
        for work in works:
            try:
                work(*told)
            except Exception as error:
                db.session.rollback()
                log.exception(said(error) or "chore failed", extra={"worker": self.name})
