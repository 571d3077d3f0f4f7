"""The job table: how fast ten thousand due timers drain, what people notice meanwhile, and what a worker costs when nothing is due."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from app import devidp
from app.demo.acting import person
from app.notices.models import Notice
from app.runtime import releases
from app.runtime.models import Instance, TimerRow
from app.runtime.step import WAKE
from app.store import jobs
from app.store.clock import business_now, wall_now
from app.store.database import db, new_key
from app.store.jobs import Handler, Job, handlers
from app.store.worker import Worker
from app.work import starting
from app.work.models import ItemState, WorkItem
from bench import figures
from tests.support import relay
from tests.support.browser import Browser
from tests.support.installation import Installation
from tests.support.killing import PRELUDE
from tests.support.processes import Nest

KIND = "bench.nothing"
DUE = 10_000
WAITING = 100_000
IDLE_POLLS = 50
WORKERS = (1, 2)
READER = "cora"
EVERY = 0.1
PATIENCE = 300

# A timer, then a task that is offered to a role, whose holders are told by mail: what a reminder or an escalation does.
PAUSE = re.sub(
    r'<bpmn:userTask id="First".*?<bpmn:sequenceFlow id="f2"[^>]*/>',
    "",
    relay.RELAY.replace('id="relay"', 'id="pause"')
    .replace('targetRef="First"', 'targetRef="Pause"')
    .replace("<bpmn:incoming>f2</bpmn:incoming>", "<bpmn:incoming>f1</bpmn:incoming>")
    .replace(
        'isExecutable="true">',
        'isExecutable="true"><bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="MARAC co-ordinator">'
        "<bpmn:flowNodeRef>Second</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>",
    ),
    flags=re.DOTALL,
)


def _columns(row: object, **changed: object) -> dict[str, object]:
    return {c.name: getattr(row, c.key) for c in type(row).__table__.columns} | changed  # type: ignore[attr-defined]


def _fill_timers(count: int) -> None:
    """Instances that wait at a timer that is due: one real one, and copies of its rows."""
    relay.publish(PAUSE)
    who = person(relay.WHO)
    model = starting.start_version(releases.find_definition(who.area_key or 0, "pause", None), who, {})
    db.session.commit()
    timer = db.session.execute(select(TimerRow).where(TimerRow.instance_key == model.key)).scalar_one()
    job = db.session.execute(select(Job).where(Job.instance_key == model.key)).scalar_one()
    for first in range(1, count, 1_000):
        keys = [new_key() for _ in range(min(1_000, count - first))]
        rows = {
            Instance: [_columns(model, key=key) for key in keys],
            TimerRow: [_columns(timer, instance_key=key) for key in keys],
            Job: [
                _columns(job, key=new_key(), instance_key=key, payload={"instance": str(key)}, dedupe_key=f"wake:{key}")
                for key in keys
            ],
        }
        for table, values in rows.items():
            db.session.execute(insert(table.__table__), values)  # type: ignore[arg-type]
        db.session.commit()


def _fill(count: int, due_in: timedelta) -> None:
    """Jobs that do nothing."""
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


def _left() -> int:
    found = db.session.execute(select(func.count()).select_from(Job).where(Job.kind == WAKE)).scalar_one()
    db.session.rollback()
    return int(found)


def _session(app: Flask) -> str:
    """The cookies of somebody who has signed in; from a thread of its own, because a request must not share the context at hand."""
    cookies: list[str] = []

    def sign_in() -> None:
        client = Browser(app, READER).sign_in().client
        cookies.extend(f"{each.key}={each.value}" for each in (client._cookies or {}).values())

    thread = threading.Thread(target=sign_in)
    thread.start()
    thread.join()
    return "; ".join(cookies)


class Visitor(threading.Thread):
    """Somebody who looks at the work list, and somebody who starts a procedure, a few times a second."""

    def __init__(self, app: Flask, installation: Installation) -> None:
        super().__init__(daemon=True)
        self._headers = {"Cookie": _session(app)}
        self._writer = relay.Client(installation, devidp.client_secret(app.config["SETTINGS"], relay.WHO))
        self._port = installation.port
        self.read: list[float] = []
        self.written: list[float] = []
        self.enough = threading.Event()

    def look(self) -> None:
        """The team's work list."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("GET", "/work?view=team", headers=self._headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert (answer.status, b"<h1" in content) == (200, True), answer.status

    def run(self) -> None:
        while not self.enough.wait(EVERY):
            self.read.append(figures.timed(self.look))
            self.written.append(figures.timed(self._writer.start))


@contextmanager
def _served(installation: Installation, app: Flask) -> Iterator[tuple[Nest, Visitor]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        nest = Nest(Path(folder), PRELUDE)
        try:
            nest.convenor("serve", "--no-worker", **installation.environment())
            visitor = Visitor(app, installation)
            end = time.monotonic() + PATIENCE
            while True:
                try:
                    visitor.look()
                    visitor._writer.start()
                    break
                except (OSError, relay.Unanswered):
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.05)
            yield nest, visitor
        finally:
            nest.close()


def _drain(installation: Installation, app: Flask, workers: int, rows: list[tuple[str, ...]]) -> None:
    _fill_timers(DUE)
    with _served(installation, app) as (nest, visitor):
        running = [nest.convenor("worker", **installation.environment()) for _ in range(workers)]
        while _left() == DUE:
            time.sleep(0.01)
        began, had = time.monotonic(), _left()
        cpu_before = sum(figures.cpu_seconds(each.pid) for each in running)
        visitor.start()
        while (left := _left()) > 0:
            assert time.monotonic() - began < PATIENCE, f"{left} left"
            time.sleep(0.2)
        took = time.monotonic() - began
        visitor.enough.set()
        visitor.join()
        cpu = sum(figures.cpu_seconds(each.pid) for each in running) - cpu_before
        for each in running:
            each.kill()
    for model in (Job, Notice):
        db.session.execute(delete(model))
    db.session.execute(update(WorkItem).values(state=ItemState.CANCELLED))  # the next begins with nothing on the list
    db.session.commit()
    reads, writes = sorted(visitor.read), sorted(visitor.written)
    rows.append(
        (
            str(workers),
            f"{had / took:.0f}",
            f"{1000 * cpu / had:.1f}",
            *(f"{figures.percentile(each, share):.0f}" for each in (reads, writes) for share in (0.5, 0.95)),
        )
    )


def _idle(app: Flask) -> list[tuple[str, str]]:
    handlers.register(KIND, Handler(run=lambda _job: None, together=True))
    worker = Worker(app, lease=timedelta(seconds=60))
    worker.run_until_idle()
    _fill(WAITING, timedelta(days=30))
    cpu = time.process_time()
    polls = [figures.timed(worker.run_once) for _ in range(IDLE_POLLS)]
    per_poll = (time.process_time() - cpu) / IDLE_POLLS
    db.session.execute(delete(Job).where(Job.kind == KIND))
    db.session.commit()
    return [
        (f"looking for work with {WAITING:,} timers open, p50", f"{sorted(polls)[len(polls) // 2]:.2f} ms"),
        ("share of a core when idle (one look a second)", f"{100 * per_poll:.2f} %"),
    ]


def run(name: str, installation: Installation) -> list[str]:
    """The tables of one database."""
    rows: list[tuple[str, ...]] = []
    with installation.app() as app:
        idle = _idle(app)
        for workers in WORKERS:
            _drain(installation, app, workers, rows)
    heads = (
        "Workers",
        "Timers a second",
        "Worker CPU ms each",
        "Work list p50 ms",
        "Work list p95 ms",
        "Start p50 ms",
        "Start p95 ms",
    )
    return [
        figures.table(f"{DUE:,} timers due at once, with people at work, {name}", heads, rows),
        figures.table(f"Idle workers, {name}", ("What", "Figure"), idle),
    ]
