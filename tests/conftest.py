"""What every test may use: an application on an empty database, business time that stands still until moved, demo people."""

from __future__ import annotations

import fcntl
import os
import pickle
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.demo import seed
from app.devidp.keys import signing_key
from app.factory import create_app
from app.settings import Env, Settings
from app.store.clock import LONDON, clock
from app.store.database import db
from tests.support import sparing, unsynced  # noqa: F401 - before any application is made or database opened
from tests.support.hours import START, Time
from tests.support.installation import (  # noqa: F401 - fixtures
    blank,
    blank_postgresql,
    blank_sqlite,
    seeded_on_postgresql,
)
from tests.support.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures
from tests.support.prepared import opened, prepared
from tests.support.stage import Stage
from tests.support.whole_case import WholeCase, play

AFTERWARDS = datetime(2026, 4, 8, 10, 0, tzinfo=LONDON)


def pytest_collection_finish() -> None:
    sparing.spare_collections()


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


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with keys and a database in which there is nothing. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    with prepared(folder) as app, app.app_context():
        db.create_all()
        signing_key(app.config["SETTINGS"])
    return folder


@pytest.fixture
def app(empty: Path, settings: Settings, still: None) -> Iterator[Flask]:
    """The application on an empty database."""
    with opened(settings, empty) as app:
        yield app


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def on_each(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application on an empty database of each kind, one for all tests of a module: each leaves it as it was."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    database = server.new() if server is not None else ""
    app = create_app(Settings(env=Env.TEST, data=tmp_path_factory.mktemp("on-each"), database_url=database))
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()
    if server is not None:
        server.drop(database)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demo's people and the shipped procedures, and nothing begun. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("seeded") / "data"
    with prepared(folder) as app, app.app_context():
        db.create_all()
        seed.people_and_procedures()
        db.session.commit()
        signing_key(app.config["SETTINGS"])
    return folder


@pytest.fixture
def borough(seeded: Path, settings: Settings, still: None) -> Iterator[Flask]:
    """The application of the demo's borough: its people and procedures, and no case yet."""
    with opened(settings, seeded) as app:
        yield app


@pytest.fixture
def hours(borough: Flask) -> Time:
    """The clock's hand in the borough."""
    return Time(borough)


@pytest.fixture(scope="session")
def played(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> WholeCase:
    """A whole case with unmistakable words in every text field. Played once, by whichever process needs it first; copy its data, never
    use them themselves."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    kept = folder / "played.pickle"
    with (folder / "played.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_play(seeded, folder / "played")))
    whole: WholeCase = pickle.loads(kept.read_bytes())
    return whole


def _play(seeded: Path, folder: Path) -> WholeCase:
    whole = WholeCase(data=folder / "data", temporary=folder / "temporary")
    whole.temporary.mkdir(parents=True)
    before, tempfile.tempdir = tempfile.tempdir, str(whole.temporary)
    try:
        with prepared(whole.data, seeded) as app:
            play(app, Stage(app, Time(app)), whole)
    finally:
        tempfile.tempdir = before
    return whole


@pytest.fixture
def aftermath(played: WholeCase, settings: Settings, still: None) -> Iterator[Stage]:
    """The borough after the whole case, in a copy of its own, on 8 April 2026."""
    clock.freeze(AFTERWARDS)
    with opened(settings, played.data) as app:
        yield Stage(app, Time(app))


@pytest.fixture
def time_(app: Flask) -> Time:
    """The clock's hand."""
    return Time(app)
