"""The clock's hand: business time that stands still until a test moves it."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask

from app.store import jobs
from app.store.clock import LONDON, clock
from app.store.database import db
from app.store.worker import Worker

START = datetime(2026, 3, 2, 9, 0, tzinfo=LONDON)  # a Monday


class Time:
    """Moves business time and lets a worker do what is due."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.worker = Worker(app, lease=timedelta(seconds=60), name="test")

    def settle(self) -> int:
        """Run every job that is due now."""
        return self.worker.run_until_idle()

    def advance(self, **by: float) -> None:
        """Move on step by step, so that timers fire in their order."""
        self.to(clock.now() + timedelta(**by))

    def to(self, at: datetime) -> None:
        """Move to an instant, stopping at each job on the way."""
        self.settle()
        while True:
            with self.app.app_context():
                due = db.session.query(db.func.min(jobs.Job.due_at)).filter(jobs.Job.state == "queued").scalar()
                db.session.rollback()
            if due is None or due > at:
                break
            clock.freeze(max(due, clock.now()))
            if not self.settle():
                break
        clock.freeze(at)
        self.settle()
