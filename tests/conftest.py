"""What every test may use: an application on an empty database, business time that stands still until moved, demo people."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.demo import seed
from app.factory import create_app
from app.settings import Env, Settings
from app.store import jobs
from app.store.clock import LONDON, clock
from app.store.database import db
from app.store.worker import Worker
from tests.support.installation import blank  # noqa: F401 - fixtures
from tests.support.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures

START = datetime(2026, 3, 2, 9, 0, tzinfo=LONDON)  # a Monday


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of a test installation; indirect parameters override."""
    overrides: dict[str, Any] = getattr(request, "param", {}) or {}
    values = {"env": Env.TEST, "data": tmp_path / "data", "base_url": "http://127.0.0.1:8000", **overrides}
    return Settings(**values)


@pytest.fixture
def still() -> Iterator[None]:
    """Business time stands still on Monday 2 March 2026, 9:00."""
    clock.freeze(START)
    yield
    clock.freeze(None)


@pytest.fixture
def app(settings: Settings, still: None) -> Iterator[Flask]:
    """The application on an empty database."""
    app = create_app(settings)
    with app.app_context():
        db.create_all()
        db.session.commit()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


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


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo's people and the shipped procedures, and nothing begun. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("seeded") / "data"
    clock.freeze(START)
    app = create_app(Settings(env=Env.TEST, data=folder, base_url="http://127.0.0.1:8000"))
    with app.app_context():
        db.create_all()
        seed.people_and_procedures()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    clock.freeze(None)
    return folder


@pytest.fixture
def borough(seeded: Path, settings: Settings, still: None) -> Iterator[Flask]:
    """The application of the demo's borough: its people and procedures, and no case yet."""
    shutil.copytree(seeded, settings.data)
    app = create_app(settings)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def hours(borough: Flask) -> Time:
    """The clock's hand in the borough."""
    return Time(borough)


@pytest.fixture
def time_(app: Flask) -> Time:
    """The clock's hand."""
    return Time(app)
