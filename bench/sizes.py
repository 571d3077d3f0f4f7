"""What an instance takes: the engine's share of a completion, the state of an open case, the bytes that a finished instance leaves."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Table, func, select, text

from app.demo import story
from app.demo.acting import person
from app.runtime import codec, releases
from app.runtime.engine.fold import fold
from app.runtime.models import Instance, InstanceStatus
from app.runtime.step import load, snapshot
from app.store.database import db
from app.work import completion, starting
from app.work.models import ItemState, WorkItem
from bench import figures
from tests.support import relay
from tests.support.installation import Installation

FINISHED = 200
ROUNDS = 200


def run(name: str, installation: Installation) -> list[str]:
    """The table of one database."""
    with installation.app() as app:
        story.begin(app, 0)
        db.session.commit()
        engine = _engine_share()
        states = _states()
        _finish(10)
        rows, disk = _row_bytes(), _disk_bytes()
        _finish(FINISHED)
        told = [
            ("engine's share of a completion (load, run, fold, save), two-task procedure, p50", f"{engine:.2f} ms"),
            ("state of the demo's open case", f"{states['marac-case']:,} bytes"),
            ("state of a planned meeting", f"{states['marac-meeting']:,} bytes"),
            ("rows of a finished two-task instance, audit included", f"{(_row_bytes() - rows) / FINISHED:,.0f} bytes"),
            ("the same on disk, indexes included", f"{(_disk_bytes() - disk) / FINISHED:,.0f} bytes"),
        ]
    return [figures.table(f"Sizes, {name}", ("What", "Figure"), told)]


def _finish(count: int) -> None:
    who = person(relay.WHO)
    definition = releases.find_definition(who.area_key or 0, "relay", None)
    db.session.rollback()
    for _ in range(count):
        instance = starting.start_version(definition, who, {})
        db.session.commit()
        query = select(WorkItem.key).where(WorkItem.instance_key == instance.key, WorkItem.state == ItemState.OPEN)
        while (key := db.session.execute(query.limit(1)).scalar()) is not None:
            completion.complete(key, who, {})
            db.session.commit()
        db.session.remove()


def _engine_share() -> float:
    """Milliseconds of the engine alone: no statement is sent."""
    who = person(relay.WHO)
    definition = releases.find_definition(who.area_key or 0, "relay", None)
    row = starting.start_version(definition, who, {})
    db.session.commit()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        wf, _world = load(row)
        before = snapshot(wf)
        wf.complete_task(min(before.tasks), {})
        fold(wf)
        snapshot(wf)
        codec.dumps(wf)
        times.append((time.perf_counter() - began) * 1000)
    db.session.rollback()
    return figures.percentile(sorted(times), 0.5)


def _states() -> dict[str, int]:
    query = select(Instance.process_id, func.max(func.length(Instance.state))).where(
        Instance.status == InstanceStatus.ACTIVE
    )
    return {process: size for process, size in db.session.execute(query.group_by(Instance.process_id))}


def _row_bytes() -> int:
    """The bytes of all rows, as the database keeps their values."""
    total = sum(_bytes_of(table) for table in db.metadata.sorted_tables)
    db.session.rollback()
    return total


def _bytes_of(table: Table) -> int:
    name = f'"{table.name}"'
    if db.engine.dialect.name == "postgresql":
        query = f"SELECT SUM(pg_column_size({name}.*)) FROM {name}"
    else:
        columns: Any = (f'COALESCE(LENGTH(CAST("{column.name}" AS BLOB)), 0)' for column in table.columns)
        query = f"SELECT SUM({' + '.join(columns)}) FROM {name}"
    return int(db.session.execute(text(query)).scalar() or 0)


def _disk_bytes() -> int:
    if db.engine.dialect.name == "postgresql":
        size = int(db.session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    else:
        pages, unused, each = (
            int(db.session.execute(text(f"PRAGMA {pragma}")).scalar_one())
            for pragma in ("page_count", "freelist_count", "page_size")
        )
        size = (pages - unused) * each
    db.session.rollback()
    return size
