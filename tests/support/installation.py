"""A whole installation for tests of operating: a migrated and seeded database on SQLite or PostgreSQL, a data folder, its environment."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url

from app import schema
from app.demo import seed
from app.devidp.keys import signing_key
from app.factory import create_app
from app.settings import Env, Settings
from app.store.database import db
from tests.support.postgres import PostgresServer
from tests.support.prepared import prepared


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    """Where an installation keeps its things.

    :ivar database: its address; empty for SQLite in the data folder.
    """

    data: Path
    database: str
    port: int
    lease_seconds: int = 2

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **changes: object) -> Settings:
        values: dict[str, object] = {
            "env": Env.TEST,
            "data": self.data,
            "database_url": self.database,
            "port": self.port,
            "base_url": self.url,
            "lease_seconds": self.lease_seconds,
            **changes,
        }
        return Settings(**values)  # type: ignore[arg-type]

    def environment(self, **changes: str) -> dict[str, str]:
        """The same for a process of its own."""
        return {
            "CONVENOR_ENV": "test",
            "CONVENOR_DATA": str(self.data),
            "CONVENOR_DATABASE_URL": self.database,
            "CONVENOR_PORT": str(self.port),
            "CONVENOR_BASE_URL": self.url,
            "CONVENOR_LEASE_SECONDS": str(self.lease_seconds),
            **changes,
        }

    @contextmanager
    def app(self, **changes: object) -> Iterator[Flask]:
        """The application over it, inside this process and its context."""
        app = create_app(self.settings(**changes))
        with app.app_context():
            try:
                yield app
            finally:
                db.session.remove()
                db.engine.dispose()


@dataclass
class Blank:
    """Seeded installations to copy: the demo's people and procedures, nothing begun."""

    folder: Path
    template: str
    server: PostgresServer | None

    @contextmanager
    def copy(self, folder: Path) -> Iterator[Installation]:
        """An installation of one's own."""
        shutil.copytree(self.folder, folder)
        database = self.server.new(self.template) if self.server is not None else ""
        try:
            yield Installation(folder, database, free_port())
        finally:
            if self.server is not None:
                self.server.drop(database)

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Installation]:
        """An installation with an empty database and the same keys."""
        folder.mkdir(parents=True)
        shutil.copy(self.folder / "demo-keys.json", folder)
        database = self.server.new() if self.server is not None else ""
        try:
            yield Installation(folder, database, free_port())
        finally:
            if self.server is not None:
                self.server.drop(database)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def blank(request: pytest.FixtureRequest) -> Blank:
    """A seeded installation on each database, to be copied."""
    found: Blank = request.getfixturevalue(f"blank_{request.param}")
    return found


@pytest.fixture(scope="session")
def blank_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Blank:
    """The one on SQLite: prepared once, though tests of both follow each other."""
    return _prepared(tmp_path_factory.mktemp("blank-sqlite") / "data", None)


@pytest.fixture(scope="session")
def blank_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Blank:
    """The one on PostgreSQL."""
    return _prepared(tmp_path_factory.mktemp("blank-postgresql") / "data", postgres_server)


def _prepared(folder: Path, server: PostgresServer | None) -> Blank:
    database = server.new() if server is not None else ""
    installation = Installation(folder, database, free_port())
    app = create_app(installation.settings())
    schema.migrate(app)
    with app.app_context():
        seed.people_and_procedures()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    signing_key(installation.settings())
    return Blank(folder, make_url(database).database or "" if database else "", server)


@pytest.fixture(scope="session")
def seeded_on_postgresql(
    seeded: Path, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """What ``seeded`` holds in a database on the server, sealed with the folder's keys: its name, to be copied."""
    folder = tmp_path_factory.mktemp("seeded-postgresql") / "data"
    shutil.copytree(seeded, folder)
    address = postgres_server.new()
    with prepared(folder, database=address) as app, app.app_context():
        db.create_all()
        seed.people_and_procedures()
        db.session.commit()
    return make_url(address).database or ""
