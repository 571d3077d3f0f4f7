"""Making a backup: one SQLite file with every table as it was at one instant, whichever database it comes from.

It is taken while people work: SQLite's online backup, or one read-only snapshot of PostgreSQL. No program beside Convenor is needed.
What people typed is sealed in it as in the database; names of users, references and process variables are not, so the file is readable
by its owner only. The keys, the ledgers and the exported heads of the audit are deliberately no part of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import Connection, Engine, create_engine, text

from app import schema
from app.errors import Conflict
from app.keeping import tables
from app.keeping.errors import NoBackup
from app.store.clock import wall_now
from app.store.database import db, prepare_engine, reading

_MANIFEST = "CREATE TABLE convenor_backup (made_at TEXT NOT NULL, schema TEXT NOT NULL, source TEXT NOT NULL)"
_ROWS = "CREATE TABLE convenor_backup_rows (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, digest TEXT NOT NULL)"
_MADE = ("convenor_backup", ("made_at", "schema", "source"))  # the manifest, which is counted among the tables


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup.

    :ivar rows: in all tables together. :ivar size: of the file, in bytes.
    """

    file: Path
    rows: int
    size: int


def make(file: Path) -> Made:
    """Back the database up into a new file. It appears under its name only when it is whole.

    :raises Conflict: the file exists already, or cannot be written.
    :raises SchemaMismatch: the database has a later schema, of which this code would leave something out.
    """
    schema.check_own(current_app._get_current_object())  # type: ignore[attr-defined]
    if file.exists():
        raise Conflict(f"{file} exists already: a backup never replaces a file.", resource_id=str(file))
    if not file.parent.is_dir():  # a disk that is not mounted, perhaps: the backup would land on the one beneath
        raise Conflict(f"There is no folder {file.parent}.", resource_id=str(file))
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        raise Conflict(f"{file} cannot be written.", resource_id=str(file)) from None
    try:
        if db.engine.dialect.name == "sqlite":
            _online(Path(db.engine.url.database or ""), part)
        else:
            _snapshot(db.engine, part)
        rows = _finish(part, db.engine.dialect.name)
        _to_disk(part)
        part.rename(file)
        _to_disk(file.parent)
    finally:
        part.unlink(missing_ok=True)
    return Made(file, rows, file.stat().st_size)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup opened for reading. :ivar made_at: wall time."""

    engine: Engine
    made_at: datetime


def open_file(file: Path) -> Backup:
    """A backup, opened for reading once it has been found whole.

    :raises NoBackup: it is none, is damaged, or fits another version of Convenor.
    """
    if not file.is_file():
        raise NoBackup(f"There is no file {file}.", resource_id=str(file))
    engine = create_engine(f"sqlite:///file:{file.resolve()}?mode=ro&immutable=1&uri=true")
    try:
        with engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                raise NoBackup(f"{file} is damaged.", resource_id=str(file))
            revision = connection.exec_driver_sql("SELECT schema FROM convenor_backup").scalar()
            made_at = datetime.fromisoformat(
                str(connection.exec_driver_sql("SELECT made_at FROM convenor_backup").scalar())
            )
            if revision != schema.newest():
                raise NoBackup(
                    f"{file} was made with another version of Convenor: restore it with that version, then upgrade.",
                    resource_id=str(file),
                )
            _whole(connection, file)
    except NoBackup:
        engine.dispose()
        raise
    except Exception:
        engine.dispose()
        raise NoBackup(f"{file} is not a backup that Convenor has made.", resource_id=str(file)) from None
    return Backup(engine, made_at)


def _whole(connection: Connection, file: Path) -> None:
    """Every row is there, and nothing in any has changed: of a value the database itself would notice nothing."""
    known = {name: rest for name, *rest in connection.exec_driver_sql("SELECT * FROM convenor_backup_rows")}
    for table in tables.ordered(db.metadata):
        if known.get(table.name, [None])[0] != tables.count(connection, table):
            raise NoBackup(f"{file} is damaged: {table.name} is not complete.", resource_id=str(file))
    if all(len(rest) == 1 for rest in known.values()):
        return  # made before digests were written
    for name, columns in _listed():
        try:
            found = tables.digest(connection, name, columns)
        except Exception:  # no text any more, or no column
            found = ""
        if not found or known.get(name, [])[1:] != [found]:
            raise NoBackup(f"{file} is damaged: {name} has changed.", resource_id=str(file))


def _listed() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every table of a backup with its columns, the manifest first."""
    yield _MADE
    for table in tables.ordered(db.metadata):
        yield table.name, tuple(table.c.keys())


def _online(source: Path, part: Path) -> None:
    """SQLite's online backup in one step: in several it would begin again whenever another process has written in between, and on a busy
    system never end. Nobody waits for it: in WAL mode a reader is in no writer's way."""
    import sqlite3

    with sqlite3.connect(source, timeout=15) as live, sqlite3.connect(part) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    live.close()
    copy.close()


def _snapshot(source: Engine, part: Path) -> None:
    target = create_engine(f"sqlite:///{part}")
    prepare_engine(target)
    try:
        # The snapshot is opened first, then the schema is read inside it: both belong to one instant.
        with source.connect().execution_options(isolation_level="REPEATABLE READ") as live, target.begin() as copy:
            live.exec_driver_sql("SET TRANSACTION READ ONLY")
            live.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")  # it waits for the file's disk
            db.metadata.create_all(copy)
            copy.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            revision = live.execute(text("SELECT version_num FROM alembic_version")).scalar()
            copy.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
            for table in tables.ordered(db.metadata):
                tables.copy(live, copy, table)
            live.rollback()
    finally:
        target.dispose()


def _finish(part: Path, source: str) -> int:
    """Write down what the backup holds, so that a cut or changed file is found before it is restored."""
    engine = create_engine(f"sqlite:///{part}")
    try:
        with reading(), engine.begin() as connection:
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            connection.exec_driver_sql(_MANIFEST)
            connection.exec_driver_sql(_ROWS)
            connection.exec_driver_sql(
                "INSERT INTO convenor_backup VALUES (?, ?, ?)", (wall_now().isoformat(), revision, source)
            )
            counted: dict[str, int] = {}
            for table in tables.ordered(db.metadata):
                counted[table.name] = tables.count(connection, table)
            for name, columns in _listed():
                row = (name, counted.get(name, 1), tables.digest(connection, name, columns))
                connection.exec_driver_sql("INSERT INTO convenor_backup_rows VALUES (?, ?, ?)", row)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    finally:
        engine.dispose()
    return sum(counted.values())


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
