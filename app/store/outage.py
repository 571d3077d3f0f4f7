"""When the database or the disk cannot serve: what of an error means that, and how it is said."""

from __future__ import annotations

import errno

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError, TimeoutError

from app.errors import Unavailable

RETRY_AFTER = "5"  # seconds
_FULL = frozenset({"53100"})  # PostgreSQL: disk full
_BUSY = frozenset({"40001", "40P01", "55P03", "57014"})  # serialisation, deadlock, lock not available, cancelled
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Outage(Unavailable):
    """The database cannot serve this just now. What was asked has been done as a whole or not at all."""

    title = "The service cannot do this just now"


class NoRoom(Outage):
    """The disk is full."""


class Busy(Outage):
    """Others were at the same rows for too long."""


class Away(Outage):
    """There is no connection to the database."""


def outage(error: BaseException | None) -> Outage | None:
    """Whether an error means that the database cannot serve, and what to say; None for a fault of ours."""
    import sqlite3  # when something has failed: what runs well on PostgreSQL does without

    if isinstance(error, PendingRollbackError):
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, TimeoutError | PendingRollbackError):
        return _busy()
    if isinstance(error, OSError) and error.errno in _DISK_FULL:  # the data folder: a ledger, a file that was sent
        return _full()
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in _FULL:
        return _full()
    if state in _BUSY:
        return _busy()
    if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
        return Away(
            "The database cannot be reached. What you sent has been kept as a whole or not at all: "
            "look whether it is there before you send it again, in a minute."
        )
    return None


def must_wait(error: BaseException | None) -> bool:
    """Whether nothing can be done until somebody has made room or the database is back, so that trying again proves nothing."""
    return isinstance(outage(error), NoRoom | Away)


_SAID = {NoRoom: "the disk is full", Busy: "the database is busy", Away: "the database is away"}


def said(error: BaseException | None) -> str | None:
    """The same for whoever reads the log; None for a fault of ours."""
    found = outage(error)
    return _SAID.get(type(found)) if found is not None else None


def _of_sqlite(code: int) -> Outage | None:
    import sqlite3

    if code == sqlite3.SQLITE_FULL:
        return _full()
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _busy()
    unreadable = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)  # until somebody restores it
    if code in (
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        *unreadable,
    ):
        return Away("The database cannot be read or written. Nothing has been half done. Try again in a minute.")
    return None


def _full() -> NoRoom:
    return NoRoom(
        "There is no room left to keep anything, so nothing has been changed. Tell the people who run this service; "
        "until they have made room you can read, but not send."
    )


def _busy() -> Busy:
    return Busy("Too many people are doing this at once. Nothing has been changed. Try again in a moment.")
