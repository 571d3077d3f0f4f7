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
from app.factory import create_app
from app.settings import Env, Settings
from app.store.database import db
from tests.support.postgres import PostgresServer


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
def blank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Blank:
    """A seeded installation on each database, to be copied."""
    folder = tmp_path_factory.mktemp(f"blank-{request.param}") / "data"
    server: PostgresServer | None = None
    database = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        database = server.new()
    installation = Installation(folder, database, free_port())
    app = create_app(installation.settings())
    schema.migrate(app)
    with app.app_context():
        seed.people_and_procedures()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return Blank(folder, make_url(database).database or "" if database else "", server)
