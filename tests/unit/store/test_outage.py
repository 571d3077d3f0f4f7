"""Which errors mean that the database cannot serve, and which are faults of ours."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError, PendingRollbackError, ProgrammingError, TimeoutError

from app.store.outage import Away, Busy, NoRoom, outage


def _postgresql(state: str | None, kind: type[DBAPIError] = OperationalError, lost: bool = False) -> DBAPIError:
    original = Exception("said by the server: Elin Marsh")
    original.sqlstate = state  # type: ignore[attr-defined]
    return kind("SELECT 1", None, original, connection_invalidated=lost)


def _sqlite(code: int) -> DBAPIError:
    original = sqlite3.OperationalError("said by SQLite")
    original.sqlite_errorcode = code
    return OperationalError("SELECT 1", None, original)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_postgresql("53100"), NoRoom),
        (_postgresql("40P01"), Busy),
        (_postgresql("55P03"), Busy),
        (_postgresql("57P01"), Away),
        (_postgresql(None), Away),
        (_postgresql("25P03", DBAPIError, lost=True), Away),
        (_sqlite(sqlite3.SQLITE_FULL), NoRoom),
        (_sqlite(sqlite3.SQLITE_BUSY), Busy),
        (_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), Busy),
        (_sqlite(sqlite3.SQLITE_IOERR_WRITE), Away),
        (_sqlite(sqlite3.SQLITE_READONLY), Away),
        (_sqlite(sqlite3.SQLITE_NOTADB), Away),
        (_sqlite(sqlite3.SQLITE_CORRUPT), Away),
        (TimeoutError("no connection is free"), Busy),
        (PendingRollbackError("a flush failed"), Busy),
        (OSError(errno.ENOSPC, "of Elin Marsh"), NoRoom),
    ],
)
def test_the_database_cannot_serve(error: Exception, kind: type[Exception]) -> None:
    found = outage(error)
    assert type(found) is kind
    assert found is not None
    assert found.status == 503
    assert "Marsh" not in found.message


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("x"),
        FileNotFoundError(errno.ENOENT, "x"),
        _postgresql("42P01", ProgrammingError),
        _sqlite(sqlite3.SQLITE_ERROR),
        DBAPIError("x", None, Exception()),
    ],
)
def test_a_fault_of_ours_is_not_an_outage(error: BaseException | None) -> None:
    assert outage(error) is None
