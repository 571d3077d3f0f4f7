"""A database for each test, recording ports, and the diagram kit of the unit tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Table

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "runtime"))

from app.errors import Conflict
from app.runtime import ports as runtime_ports
from app.runtime import service
from app.runtime.parsed import cache
from app.runtime.ports import HistoryEvent, OpenTask, OperationContext, TaskClosed, TaskOpened
from app.store import clock as clocks
from app.store.database import db, prepare_engine
from app.store.worker import Worker
from tests.support.postgres import PostgresServer

AREA = 77
TABLES = {
    "buffered_message",
    "clock_offset",
    "incident",
    "instance",
    "job",
    "moved_instance",
    "moving",
    "batch_item",
    "batch_operation",
    "outside_job",
    "process_definition",
    "release",
    "release_file",
    "start_subscription",
    "subscription",
    "timer",
    "worker_beat",
}
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Recorder:
    """All ports in one: what the engine room told, and what it is given."""

    def __init__(self) -> None:
        self.open: dict[tuple[int, int], TaskOpened] = {}
        self.events: list[tuple[str, Any]] = []
        self.history: list[HistoryEvent] = []
        self.deadlines: dict[tuple[int | None, str], datetime] = {}
        self.recorded: list[dict[str, Any]] = []
        self.met_names: list[str] = []
        self.listed: dict[int, set[int]] = {}  # the cases of a meeting
        self.params: dict[str, Any] = {}
        self.registry: dict[str, Any] = {}
        self.on_closed: Any = None
        self.on_followed: Any = None
        self.moves: list[Any] = []
        self.touched = False

    # user tasks
    def opened(self, task: TaskOpened) -> None:
        self.open[(task.instance_key, task.task_id)] = task
        self.events.append(("opened", task.element_id))

    def closed(self, task: TaskClosed) -> None:
        gone = self.open.pop((task.instance_key, task.task_id))
        self.events.append(("completed" if task.completed else "cancelled", gone.element_id))
        if self.on_closed is not None:
            self.on_closed(gone)

    def follow(self, about: Mapping[str, Any]) -> None:
        self.events.append(("followed", dict(about)))
        if self.on_followed is not None:
            self.on_followed(about)

    def expect(self, asked: Collection[Any]) -> None:
        return None

    def about(self, dossiers: Collection[int]) -> set[int]:
        """By the task's property, as the work list keeps it."""
        return {key for (key, _), task in self.open.items() if int(task.properties.get("case") or 0) in dossiers}

    def reach(self, dossier: int) -> set[int]:
        return {dossier, *self.listed.get(dossier, ())}

    def due_moved(self, instance_key: int, task_id: int, due: datetime | None) -> None:
        self.events.append(("due", due))

    def open_tasks(self, instance_key: int) -> dict[int, OpenTask]:
        return {
            task.task_id: OpenTask(START, task.due) for task in self.open.values() if task.instance_key == instance_key
        }

    def moved(self, instance_key: int, release_key: int, tasks: Any, renamed: Any) -> dict[str, Any]:
        self.moves.append((instance_key, tasks, dict(renamed)))
        before = {str(t.task.task_id): self.open[(instance_key, t.task.task_id)].element_id for t in tasks}
        for each in tasks:
            key = (instance_key, each.task.task_id)
            self.open[key] = replace(self.open[key], element_id=each.task.element_id, name=each.task.name)
        return before

    def moved_back(self, instance_key: int, before: Any) -> None:
        if self.touched:
            raise Conflict("Somebody has taken one of its tasks since.")
        for task_id, element_id in before.items():
            key = (instance_key, int(task_id))
            self.open[key] = replace(self.open[key], element_id=element_id)

    # history
    def note(self, event: HistoryEvent) -> None:
        self.history.append(event)

    # deadlines
    def lookup(self, case_key: int | None, meeting_key: int | None, name: str) -> datetime | None:
        return self.deadlines.get((case_key, name)) or self.deadlines.get((meeting_key, name))

    def record(self, case_key: int | None, meeting_key: int | None, name: str, at: datetime, **more: Any) -> None:
        self.deadlines[(case_key or meeting_key, name)] = at
        self.recorded.append({"name": name, "at": at, **more})

    def met(self, case_key: int | None, meeting_key: int | None, name: str) -> None:
        self.met_names.append(name)

    # parameters
    def values(self, area_key: int, at: datetime) -> Mapping[str, Any]:
        return self.params

    # operations
    def get(self, name: str) -> Any:
        return self.registry.get(name)

    def names(self) -> list[str]:
        return sorted(self.registry)

    def operation(self, name: str, action: Any, inputs: Any = None, outputs: Any = None) -> None:
        self.registry[name] = Operation(name, inputs or {}, outputs or {}, action)

    def tasks(self) -> list[str]:
        return sorted(task.element_id for task in self.open.values())

    def find(self, element_id: str, nth: int = 0) -> TaskOpened:
        return sorted(
            (t for t in self.open.values() if t.element_id == element_id), key=lambda t: (t.instance_key, t.task_id)
        )[nth]

    def do(self, element_id: str, nth: int = 0, **variables: Any) -> None:
        task = self.find(element_id, nth)
        service.complete_task(task.instance_key, task.task_id, variables, by=1)


class Operation:
    """A registered operation of the test."""

    def __init__(self, name: str, inputs: Mapping[str, str], outputs: Mapping[str, str], action: Any) -> None:
        self.name, self.inputs, self.outputs, self.action = name, inputs, outputs, action

    def run(self, context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(self.action(context, inputs) or {})


class Time:
    """Business time, and the worker that wakes what is due."""

    def __init__(self, app: Flask) -> None:
        self.worker = Worker(app, lease=timedelta(seconds=10))

    def later(self, **by: float) -> None:
        clocks.clock.advance(timedelta(**by))
        db.session.commit()
        self.worker.run_until_idle(200)
        db.session.rollback()
        db.session.expire_all()


@contextmanager
def tables_at(url: str) -> Iterator[Flask]:
    """An application of the engine room's tables and nothing else."""
    app = Flask("runtime-test")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        yield app
        db.session.remove()
        db.engine.dispose()


def ours() -> list[Table]:
    return [table for table in db.metadata.sorted_tables if table.name in TABLES]


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with our tables, to be copied."""
    file = tmp_path_factory.mktemp("runtime") / "empty.sqlite3"
    with tables_at(f"sqlite:///{file}"):
        db.metadata.create_all(db.engine, tables=ours())
    return file


@pytest.fixture(scope="session")
def on_postgresql(postgres_server: PostgresServer) -> str:
    """The address of a database with our tables, to be emptied by each test that uses it."""
    url = postgres_server.new()
    with tables_at(url):
        db.metadata.create_all(db.engine, tables=ours())
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An empty database with our tables; a module that says ``ON = "sqlite"`` runs on that one only."""
    only = getattr(request.module, "ON", request.param)
    if request.param != only:
        pytest.skip(f"this module runs on {only}")
    if request.param == "postgresql":
        url = request.getfixturevalue("on_postgresql")
    else:
        url = f"sqlite:///{shutil.copy(request.getfixturevalue('empty_file'), tmp_path / 'test.sqlite3')}"
    clocks.clock.freeze(START)
    with tables_at(url) as app:
        if request.param == "postgresql":
            for table in reversed(ours()):
                db.session.execute(table.delete())
            db.session.commit()
        service.register_jobs()
        cache.clear()
        yield app
    clocks.clock.freeze(None)


@pytest.fixture
def world(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    for port in ("user_tasks", "history", "deadlines", "parameters", "operations"):
        monkeypatch.setattr(runtime_ports.ports, port, recorder)
    return recorder


@pytest.fixture
def time(app: Flask) -> Time:
    return Time(app)
