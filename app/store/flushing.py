"""What waits to be written goes out together, when the transaction ends or when a question could see the difference.

SQLAlchemy writes everything that waits before every question. Most questions are about other tables than those that have changed; written
one by one, the same tables are written again and again in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Executable,
    Insert,
    Table,
    bindparam,
    delete,
    event,
    func,
    insert,
    inspect,
    update,
)
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.elements import BindParameter, ColumnClause, TextClause

from app.store.database import WAITED, Base, db

Row = TypeVar("Row", bound=Any)

_UNTOUCHED = "convenor.untouched"

# Rules of the database by which a change in one table changes others: by the table that is written.
_FOLLOWING: dict[str, frozenset[str]] = {}


def follows(table: str, *others: str) -> None:
    """A trigger changes other tables when a row of this one is written."""
    _FOLLOWING[table] = _FOLLOWING.get(table, frozenset()) | frozenset(others)


@event.listens_for(db.session, "do_orm_execute")
def _asked(state: ORMExecuteState) -> None:
    """A question that cannot see what waits leaves it waiting."""
    session, rows = state.session, state.session.info.get(_ROWS)
    if _UNTOUCHED in session.info:
        state.update_execution_options(autoflush=False)
        return
    if WAITED in state.execution_options or not (rows or session.new or session.dirty or session.deleted):
        return
    asked = _tables_in(state.statement)
    if rows and not asked.isdisjoint(rows):
        write(session)
    elif (
        state.is_orm_statement and state.is_select and not state.is_column_load and asked.isdisjoint(_waiting(session))
    ):
        state.update_execution_options(autoflush=False)


@contextmanager
def unwritten(model: type[Row], *, changed: bool = False) -> Iterator[list[Row]]:
    """Questions inside about this table need not wait for its new rows to be written: here they are, in the order in which they were made.

    :param changed: nor for changed rows: the caller looks again at what it is given. Otherwise they are written first.
    """
    session = db.session()
    if not changed and any(isinstance(row, model) for row in (*session.dirty, *session.deleted)):
        session.flush()
    fresh = sorted((row for row in session.new if isinstance(row, model)), key=lambda row: row.key)
    with session.no_autoflush:
        yield fresh


@contextmanager
def untouched() -> Iterator[None]:
    """The caller knows that nothing that waits has to do with the questions inside, though it is of the same tables."""
    info = db.session().info
    info[_UNTOUCHED] = True
    try:
        yield
    finally:
        info.pop(_UNTOUCHED, None)


def _waiting(session: Session) -> set[str]:
    """The tables of rows that were changed and not yet written, and those that the database changes with them."""
    found: set[str] = set()
    for row in (*session.new, *session.dirty, *session.deleted):
        found |= _written_with(type(row).__table__)
    return found


@lru_cache(maxsize=512)
def _written_with(table: Table) -> frozenset[str]:
    return frozenset({table.name}) | _FOLLOWING.get(table.name, frozenset())


def _tables_in(statement: Any) -> set[str]:
    """Every table that a question reads, also in its sub-queries and through what is loaded along; for one written as text, all."""
    found: set[str] = set()
    waiting: list[Any] = [statement]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Table):
            found |= _loaded_with(part.name)
            continue
        if isinstance(part, BindParameter):
            continue
        if isinstance(part, TextClause) or getattr(part, "is_literal", False):
            return {table.name for table in Base.metadata.tables.values()}
        if isinstance(part, ColumnClause):
            if isinstance(part.table, ClauseElement) and id(part.table) not in seen:
                waiting.append(part.table)
            continue
        waiting.extend(part.get_children())
    return found


@lru_cache(maxsize=512)
def _loaded_with(name: str) -> frozenset[str]:
    """A table and those of the relations that are loaded along with its rows."""
    found = {name}
    for mapper in Base.registry.mappers:
        if any(table.name == name for table in mapper.tables):
            found |= _eager(mapper)
    return frozenset(found)


def _eager(mapper: Mapper[Any]) -> set[str]:
    return {
        table.name
        for relation in mapper.relationships
        if relation.lazy not in ("select", "raise", "raise_on_sql", "noload", "write_only", "dynamic")
        for table in relation.mapper.tables
    }


def written_alike(row: Any, *columns: str) -> None:
    """Write columns of a changed row even where they stay as they are: rows of which the same columns are written go out in one statement.

    Only columns that whoever changes the row decides as a whole: what somebody else has written in them meanwhile is overwritten.
    """
    for column in columns:
        if column in row.__dict__:
            flag_modified(row, column)


# ------------------------------------------------------------------------------------------------ rows without an object
_ROWS = "convenor.rows"
_MARKS = "convenor.rows.marks"


@dataclass(slots=True)
class _Waiting:
    """What waits to be written in one table: first what goes, then what comes.

    :ivar key: the columns by which a row is known.
    :ivar replaces: a row that is there already is overwritten.
    :ivar keeps: but not with nothing.
    """

    table: Table
    key: tuple[str, ...]
    replaces: bool = False
    keeps: bool = False
    gone: dict[tuple[tuple[str, Any], ...], None] = field(default_factory=dict)
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)

    def copy(self) -> _Waiting:
        return _Waiting(self.table, self.key, self.replaces, self.keeps, dict(self.gone), dict(self.rows))


Rows = dict[str, _Waiting]


def put(
    model: type[Any],
    key: tuple[str, ...],
    rows: Iterable[dict[str, Any]],
    *,
    replaces: bool = False,
    keeps: bool = False,
) -> None:
    """Write rows with the others, when the transaction ends or somebody asks for the table.

    :param key: the unique columns that tell one row from another.
    :param replaces: a row of the same key that is in the table is overwritten, but for its primary key.
    :param keeps: and but for columns that have a value there and none here: somebody else may have written them meanwhile.
    """
    waiting = _of(model, key, replaces)
    waiting.keeps = waiting.keeps or keeps
    waiting.rows.update((tuple(row[name] for name in key), row) for row in rows)


def remove(model: type[Any], key: tuple[str, ...], **columns: Any) -> None:
    """Remove rows with the others, those that wait to be written too."""
    waiting = _of(model, key, False)
    if columns.keys() == set(key):
        known = tuple(columns[name] for name in key)
        if waiting.rows.pop(known, None) is not None and not waiting.replaces:
            return  # it is not in the table yet, or known to go from there
        waiting.gone[tuple(zip(key, known, strict=True))] = None
        return
    waiting.gone[tuple(columns.items())] = None
    for known in [k for k, row in waiting.rows.items() if all(row[name] == value for name, value in columns.items())]:
        del waiting.rows[known]


def waiting_rows(model: type[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of a table that wait to be written, and what the rows have in common that wait to be removed."""
    waiting: _Waiting | None = db.session().info.get(_ROWS, {}).get(model.__tablename__)
    return ([], []) if waiting is None else (list(waiting.rows.values()), [dict(match) for match in waiting.gone])


def _of(model: type[Any], key: tuple[str, ...], replaces: bool) -> _Waiting:
    session = db.session()
    if not session.in_transaction():
        session.begin()  # what waits goes with the transaction when that is rolled back
    rows: Rows = session.info.setdefault(_ROWS, {})
    table = cast(Table, model.__table__)
    waiting = rows.setdefault(table.name, _Waiting(table, key))
    waiting.replaces = waiting.replaces or replaces
    return waiting


def write(session: Session | None = None) -> None:
    """Write everything that waits."""
    session = session or db.session()
    session.flush()
    rows: Rows = session.info.get(_ROWS, {})
    for name in list(rows):
        _write_one(session, rows[name])
        del rows[name]


def statements(session: Session | None = None) -> int:
    """How many statements it will take to write everything that waits."""
    session = session or db.session()
    rows: Rows = session.info.get(_ROWS, {})
    return _of_rows(session) + sum(_of_one(waiting) for waiting in rows.values())


def _of_rows(session: Session) -> int:
    """One for all new rows of a table, one for all removed, and one for all changed that follow one another by their keys and change in the
    same columns; where a row has a revision, one for each that changes."""
    kinds: set[Hashable] = {(type(row), "new") for row in session.new}
    kinds |= {(type(row), "removed") for row in session.deleted}
    changes: dict[type[Any], list[tuple[Any, Hashable]]] = {}
    for row in session.dirty:
        state = inspect(row)
        changed = frozenset(
            each.key for each in state.mapper.column_attrs if state.attrs[each.key].history.has_changes()
        )
        if changed:
            versioned = state.mapper.version_id_col is not None
            changes.setdefault(type(row), []).append((state.identity, (changed, id(row) if versioned else 0)))
    return len(kinds) + sum(_runs(found) for found in changes.values())


def _runs(changes: list[tuple[Any, Hashable]]) -> int:
    """How many statements write changed rows, by key, of which only neighbours go out together."""
    return sum(1 for _ in groupby(sorted(changes, key=itemgetter(0)), key=itemgetter(1)))


def _of_one(waiting: _Waiting) -> int:
    keys = {tuple(value for _, value in match) for match in waiting.gone if _names(match) == waiting.key}
    partly = {_names(match) for match in waiting.gone} - {waiting.key}
    gone, new = len(keys), len(waiting.rows)
    if waiting.replaces or partly:
        return len(partly) + bool(keys) + bool(new)
    return bool(gone and new) + (gone != new)


def _names(match: tuple[tuple[str, Any], ...]) -> tuple[str, ...]:
    return tuple(name for name, _ in match)


def _write_one(session: Session, waiting: _Waiting) -> None:
    if not waiting.replaces:
        _change(session, waiting)
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for match in waiting.gone:
        by_columns.setdefault(_names(match), []).append(_old(match))
    for names, found in by_columns.items():
        _send(session, delete(waiting.table).where(*_is_old(waiting, names)), found)
    if waiting.rows:
        # In the order of their keys: two that overwrite the same rows wait for one another, and never in a ring.
        _send(session, _insert(session, waiting), [waiting.rows[known] for known in sorted(waiting.rows)])


def _change(session: Session, waiting: _Waiting) -> None:
    """A row that goes and one that comes are one row that changes: one statement instead of two. Whatever has no partner is left."""
    going = {tuple(value for _, value in match): match for match in waiting.gone}
    if any(_names(match) != waiting.key for match in going.values()):
        return  # more goes than is known here
    staying = [known for known in going if known in waiting.rows]
    leaving = [known for known in going if known not in waiting.rows]
    arriving = [known for known in waiting.rows if known not in going]
    pairs = [*zip(staying, staying, strict=True), *zip(leaving, arriving, strict=False)]
    if not pairs:
        return
    changed = update(waiting.table).where(*_is_old(waiting, waiting.key))
    rows = [{**_old(going[old]), **waiting.rows[new]} for old, new in pairs]
    if _send(session, changed, rows) == len(rows):
        for old, new in pairs:
            del waiting.gone[going[old]], waiting.rows[new]
    else:  # one of them was not there: they are removed, and entered anew
        waiting.gone.update({tuple(zip(waiting.key, new, strict=True)): None for _, new in pairs})


def _old(match: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {f"old_{name}": value for name, value in match}


def _is_old(waiting: _Waiting, names: tuple[str, ...]) -> list[ColumnElement[bool]]:
    return [waiting.table.c[name] == bindparam(f"old_{name}") for name in names]


def _insert(session: Session, waiting: _Waiting) -> Insert:
    if not waiting.replaces:
        return insert(waiting.table)
    upsert = _upsert(session.get_bind().dialect.name)(waiting.table)
    kept = {*waiting.key, *(column.name for column in waiting.table.primary_key)}
    new = {column: upsert.excluded[column.name] for column in waiting.table.c if column.name not in kept}
    statement: Insert = upsert.on_conflict_do_update(
        index_elements=list(waiting.key),
        set_={old.name: func.coalesce(value, old) if waiting.keeps else value for old, value in new.items()},
    )
    return statement


def _upsert(dialect: str) -> Callable[[Table], Any]:
    """Each database's own insert that may overwrite. What the other one needs is not imported."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as on_postgresql

        return on_postgresql
    from sqlalchemy.dialects.sqlite import insert as on_sqlite

    return on_sqlite


def _send(session: Session, statement: Executable, rows: list[dict[str, Any]]) -> int:
    """How many rows it was about, where the database says so."""
    done = session.execute(statement, rows, execution_options={WAITED: True})
    return cast("CursorResult[Any]", done).rowcount


def copy_of_rows(session: Session) -> Rows:
    """What waits now, to go back to."""
    return {name: waiting.copy() for name, waiting in session.info.get(_ROWS, {}).items()}


def go_back_to(session: Session, rows: Rows) -> None:
    """What was written since, or was to be, is undone."""
    session.info[_ROWS] = {name: waiting.copy() for name, waiting in rows.items()}


@event.listens_for(db.session, "before_commit")
def _ending(session: Session) -> None:
    if session.info.get(_ROWS):
        write(session)


@event.listens_for(db.session, "after_transaction_create")
def _begun(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.info.setdefault(_MARKS, []).append((transaction, copy_of_rows(session)))


@event.listens_for(db.session, "after_rollback")
def _undone(session: Session) -> None:
    marks = session.info.get(_MARKS)
    if marks:
        go_back_to(session, marks[-1][1])


@event.listens_for(db.session, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    marks = session.info.get(_MARKS)
    if marks and marks[-1][0] is transaction:
        marks.pop()
    if transaction.parent is None:
        session.info.pop(_ROWS, None)
        session.info.pop(_MARKS, None)
