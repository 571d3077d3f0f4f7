"""An application with one SQLite file and a worker that the test drives by hand, on a wall clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from notice_fakes import FakeDirectory, Post, Wall

from app.notices.models import Notice
from app.store.database import db, prepare_engine
from app.store.jobs import Job


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        db.metadata.create_all(db.engine, tables=[Notice.__table__, Job.__table__])
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    wall = Wall()
    wall.install(monkeypatch)
    return wall


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
def post(app: Flask, wall: Wall, directory: FakeDirectory, tmp_path: Path) -> Post:
    return Post(directory, wall, tmp_path / "ledger")
