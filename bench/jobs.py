"""The job table: how fast due work drains, and what a worker costs when nothing is due."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import delete, insert

from app.store import jobs
from app.store.clock import business_now, wall_now
from app.store.database import db, new_key
from app.store.jobs import Handler, Job, handlers
from app.store.worker import Worker
from bench import figures
from tests.support.installation import Installation

KIND = "bench.nothing"
DUE = 1_000
WAITING = 100_000
IDLE_POLLS = 50


def _fill(count: int, due_in: timedelta) -> None:
    now = wall_now()
    due = business_now() + due_in
    for first in range(0, count, 5_000):
        db.session.execute(
            insert(Job),
            [
                {
                    "key": new_key(),
                    "kind": KIND,
                    "payload": {},
                    "due_at": due,
                    "run_after": now,
                    "state": jobs.JobState.QUEUED,
                    "attempts": 0,
                    "max_attempts": 6,
                    "created_at": now,
                    "instance_key": new_key(),
                }
                for _ in range(min(5_000, count - first))
            ],
        )
        db.session.commit()


def run(name: str, installation: Installation) -> list[str]:
    """The table of one database."""
    with installation.app() as app:
        handlers.register(KIND, Handler(run=lambda _job: None))
        worker = Worker(app, lease=timedelta(seconds=60))
        worker.run_until_idle()
        _fill(WAITING, timedelta(days=30))
        cpu = time.process_time()
        polls = [figures.timed(worker.run_once) for _ in range(IDLE_POLLS)]
        per_poll = (time.process_time() - cpu) / IDLE_POLLS
        _fill(DUE, timedelta(0))
        began = time.monotonic()
        ran = worker.run_until_idle()
        took = time.monotonic() - began
        db.session.execute(delete(Job).where(Job.kind == KIND))
        db.session.commit()
    rows = [
        (f"jobs drained by one worker, {WAITING:,} others waiting", f"{ran / took:.0f} a second"),
        (f"looking for work with {WAITING:,} timers open, p50", f"{sorted(polls)[len(polls) // 2]:.2f} ms"),
        ("share of a core when idle (one look a second)", f"{100 * per_poll:.2f} %"),
    ]
    return [figures.table(f"Jobs, {name}", ("What", "Figure"), rows)]
