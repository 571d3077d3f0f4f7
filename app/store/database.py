"""The database: one declarative base, keys, column types, and how transactions begin.

SQLite runs in WAL mode. A transaction that may write begins with BEGIN IMMEDIATE, so that it never fails half way for want of the
write lock; a reader says so with :func:`reading` and takes no lock.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    Select,
    Table,
    TextClause,
    bindparam,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.orm.util import identity_key
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import JSON, TypeDecorator

from app.store import spending

_NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Aware on the way in and out, UTC inside; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs an offset")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=_NAMING),
        type_annotation_map={
            datetime: UtcDateTime(),
            dict[str, Any]: JSON(),
            list[Any]: JSON(),
            bytes: LargeBinary(),
        },
    )


WAITED = "convenor.waited"  # on a statement that writes rows which are of no table that anything is remembered of


@cache
def _by_key(entity: Any) -> Select[Any]:
    """A row by its key. Built once for each table: SQLAlchemy builds it anew for every row that it is asked for."""
    (key,) = inspect(entity).primary_key
    return select(entity).where(key == bindparam("ident"))


class _Session(Session):
    """A row asked for by its key is looked for among those that wait to be written too, so that they need not be written first."""

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        if any(options.values()) or not isinstance(ident, int):
            return super().get(entity, ident, **options)
        with self.no_autoflush:
            if identity_key(entity, ident) in self.identity_map:
                row = super().get(entity, ident)
            else:
                row = self.execute(_by_key(entity), {"ident": ident}).scalar()
        if row is None:
            return next((new for new in self.new if type(new) is entity and getattr(new, "key", None) == ident), None)
        return None if row in self.deleted else row

    def delete(self, instance: Any) -> None:
        """A row that waits to be written is not written; one that is there is removed."""
        if instance in self.new:
            self.expunge(instance)
        else:
            super().delete(instance)


db = SQLAlchemy(model_class=Base, session_options={"autoflush": True, "expire_on_commit": False, "class_": _Session})

if TYPE_CHECKING:

    class Model(Base):
        __abstract__ = True
else:
    Model = db.Model


_key_lock = threading.Lock()
_last_key = 0
_EPOCH_MS = 1_700_000_000_000


def new_key() -> int:
    """A fresh key: positive, below 2**63, growing with time within a process, unguessable neighbours across processes."""
    global _last_key
    with _key_lock:
        stamp = (int(time.time() * 1000) - _EPOCH_MS) << 21
        key = max(stamp | secrets.randbits(21), _last_key + 1 + secrets.randbits(4))
        _last_key = key
    return key


class Keyed:
    """Mixin: the primary key every table of ours has."""

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, default=new_key, autoincrement=False)


@event.listens_for(Model, "init", propagate=True)
def _whole(row: Any, _args: object, values: dict[str, Any]) -> None:
    """A row has its key and whatever it has by default from the beginning, whenever it is written: who looks at it before that sees what
    will be there, and keys grow in the order in which things were made."""
    for name, default in _defaults(row.__class__):
        if values.get(name) is None:
            values[name] = default()


@cache
def _defaults(model: Any) -> list[tuple[str, Callable[[], Any]]]:
    """What to call for each attribute that has a default."""
    found: list[tuple[str, Callable[[], Any]]] = []
    for attribute in inspect(model).column_attrs:
        default: Any = attribute.columns[0].default
        if default is not None and default.is_scalar:
            found.append((attribute.key, partial(copy, default.arg)))
        elif default is not None and default.is_callable:
            found.append((attribute.key, partial(default.arg, None)))
    return found


_WHERE = "convenor.where"


def partial_index(name: str, *columns: str | TextClause, where: str, unique: bool = False) -> Index:
    """An index of the rows of a table that a condition in SQL is true of.

    SQLAlchemy wants to be told the condition for each kind of database, and imports the code for both when it is; so it is told when the
    table is created.
    """
    return Index(name, *columns, unique=unique, info={_WHERE: where})


def tell_conditions(table: Table, dialect: str) -> None:
    """Tell SQLAlchemy the conditions of a table's indexes, for one kind of database."""
    for index in table.indexes:
        if _WHERE in index.info:
            index.dialect_kwargs[f"{dialect}_where"] = text(index.info[_WHERE])


@event.listens_for(Table, "before_create")
def _creating(table: Table, connection: Connection, **_: object) -> None:
    tell_conditions(table, connection.dialect.name)


_reading: ContextVar[bool] = ContextVar("convenor_reading", default=False)


@contextmanager
def reading() -> Iterator[None]:
    """Transactions begun inside only read: no write lock is taken on SQLite."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def set_reading(value: bool) -> None:
    """Say for the current context whether transactions begun from now on only read."""
    _reading.set(value)


# How often SQLite is asked again for its one write lock, in seconds. Its own waiting grows to a tenth of a second, so that a person's
# request would seldom find the lock free between two transactions of a busy worker.
_ASK_AGAIN = 0.001
_ASK_POLITELY = 0.005
_WAIT_FOR_LOCK = 15.0
_WAIT_FOR_LOG = 3.0
_polite: ContextVar[bool] = ContextVar("convenor_polite", default=False)


@contextmanager
def giving_way() -> Iterator[None]:
    """Transactions begun inside let others have SQLite's write lock first: nobody waits for what they do."""
    token = _polite.set(True)
    try:
        yield
    finally:
        _polite.reset(token)


def _begin_writing(connection: Any) -> None:
    """BEGIN IMMEDIATE, asked for again and again for fifteen seconds."""
    import sqlite3  # here and below: what runs on PostgreSQL does without

    raw = connection.connection.dbapi_connection
    pause = _ASK_POLITELY if _polite.get() else _ASK_AGAIN
    end = time.monotonic() + _WAIT_FOR_LOCK
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < end:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(pause)
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(_WAIT_FOR_LOCK * 1000)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises what the last attempt did, in SQLAlchemy's own form


@contextmanager
def short_write() -> Iterator[None]:
    """A small write transaction of its own at the edge of a request: whatever was only being read is let go first.

    For what is written besides a page (session, record of views, sign-in). What is inside commits together, or not at all.
    """
    db.session.rollback()
    token = _reading.set(False)
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _reading.reset(token)


SYNCHRONOUS = "FULL"  # SQLite: what has been committed outlives a loss of power
_USED = "convenor.used"
_QUIET = 1.0  # seconds


def prepare_engine(engine: Engine, *, lease_seconds: int | None = None) -> None:
    """Attach the connection rules to an engine; call once for each engine.

    :param lease_seconds: PostgreSQL ends a transaction that says nothing for this long (ten seconds at least: a busy machine is no hung
        process), so that a process that hangs or was stopped in the middle of one does not keep its rows from the worker that goes on.
        None: never.
    """
    spending.watch(engine)
    if engine.dialect.name == "postgresql":
        _settle_connections(engine, lease_seconds)
        _look_after_quiet_connections(engine)
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={SYNCHRONOUS}",
            "foreign_keys=ON",
            f"busy_timeout={int(_WAIT_FOR_LOCK * 1000)}",
            "secure_delete=ON",
            "temp_store=MEMORY",
            "case_sensitive_like=ON",  # as in PostgreSQL
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        if _reading.get():
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection)


# A connection keeps the plan of what it asks often. One that was made while a table was nearly empty reads the whole table, and is kept
# when the table has grown, until PostgreSQL takes statistics anew: a work list that ten thousand tasks had just come to took 170 ms
# instead of 18. Everything that is asked often has an index; what has none is read whole all the same. Compiling a statement, which
# versions before 18 would do for those, takes longer than any of them.
_SETTLED = "SET enable_seqscan = off; SET jit = off"


def _settle_connections(engine: Engine, lease_seconds: int | None) -> None:
    said = _SETTLED
    if lease_seconds is not None:
        said += f"; SET idle_in_transaction_session_timeout = '{max(10, lease_seconds)}s'"

    @event.listens_for(engine, "connect")
    def _on_postgresql(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(said)
        connection.commit()


def _look_after_quiet_connections(engine: Engine) -> None:
    """A connection that nobody has used for a moment is asked whether it is still there before it is used; one that has just been used is
    not, which saves every request a journey. One that breaks within that moment ends its request with a clear answer."""

    @event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get(_USED, 0.0) < _QUIET:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the others are as old: the pool opens new ones


def truncate_wal() -> bool:
    """Checkpoint and empty SQLite's write-ahead log, so that overwritten content does not linger in it. No-op elsewhere.

    Call it outside a transaction: one's own would be in the way.

    :returns: False when somebody was reading or writing all the while, so that it must be tried again.
    """
    if db.engine.dialect.name != "sqlite" or not db.engine.url.database:
        return True
    import sqlite3

    connection = sqlite3.connect(db.engine.url.database, timeout=_WAIT_FOR_LOG)
    try:
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.close()
    return not busy
