"""The rows of an owner (the attendees of a meeting, the actions of a case), read once in a transaction for as many owners as are asked for.

What the transaction adds or removes itself is seen at once, written or not; rows that it changes are the same objects. After a change in
bulk, a rollback and the end of the transaction they are read anew.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, event, select
from sqlalchemy.orm import InstrumentedAttribute, ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.util import identity_key

from app.store.database import WAITED, db

Row = TypeVar("Row", bound=Any)

_SHELVES = "convenor.shelves"
_Shelves = dict[tuple[type[Any], str], dict[Any, list[Any]]]


def rows_of(column: InstrumentedAttribute[Any], owners: Collection[int], model: type[Row]) -> dict[int, list[Row]]:
    """The rows of each owner in the order in which they were made.

    :param column: what names the owner.
    """
    session = db.session()
    shelves: _Shelves = session.info.setdefault(_SHELVES, {})
    shelf = shelves.setdefault((model, column.key), {})
    if missing := [owner for owner in owners if owner not in shelf]:
        with session.no_autoflush:  # new rows are looked at below; the owner of a row never changes
            query = _rows_of(column, model)  # type: ignore[arg-type]
            found = session.execute(query, {"owners": missing}).scalars().all()
        shelf.update({owner: [] for owner in missing})
        for row in found:
            shelf[getattr(row, column.key)].append(row)
    fresh = sorted((row for row in session.new if isinstance(row, model)), key=lambda row: row.key)
    gone = session.deleted
    return {
        owner: [
            row
            for row in (*shelf[owner], *(row for row in fresh if getattr(row, column.key) == owner))
            if row not in gone
        ]
        for owner in owners
    }


@cache
def _rows_of(column: InstrumentedAttribute[Any], model: type[Any]) -> Select[Any]:
    """Built once for each kind of row: it is asked many times in a page."""
    return select(model).where(column.in_(bindparam("owners", expanding=True))).order_by(model.key)


def shelve(column: InstrumentedAttribute[Any], owner: int, rows: Iterable[Any], model: type[Any]) -> None:
    """All the rows of an owner that are in the database, read by another statement of this transaction."""
    shelves: _Shelves = db.session().info.setdefault(_SHELVES, {})
    shelves.setdefault((model, column.key), {})[owner] = sorted(rows, key=lambda row: row.key)


def fetch(model: type[Any], keys: Collection[int | None]) -> None:
    """Have rows at hand by their keys: each is then got without a statement of its own."""
    session = db.session()
    missing = {key for key in keys if key is not None and identity_key(model, key) not in session.identity_map}
    if len(missing) > 1:
        session.execute(select(model).where(model.key.in_(missing))).scalars().all()


@event.listens_for(db.session, "pending_to_persistent")
def _written(session: Session, row: Any) -> None:
    for (model, owner), shelf in session.info.get(_SHELVES, {}).items():
        if type(row) is model and (rows := shelf.get(getattr(row, owner))) is not None:
            insort(rows, row, key=lambda each: each.key)  # rows written together come in no order


@event.listens_for(db.session, "persistent_to_deleted")
def _deleted(session: Session, row: Any) -> None:
    for (model, owner), shelf in session.info.get(_SHELVES, {}).items():
        if type(row) is model and row in (rows := shelf.get(getattr(row, owner), [])):
            rows.remove(row)


@event.listens_for(db.session, "do_orm_execute")
def _changed_in_bulk(state: ORMExecuteState) -> None:
    shelves: _Shelves = state.session.info.get(_SHELVES, {})
    if shelves and not state.is_select and WAITED not in state.execution_options:
        changed = state.bind_mapper.class_ if state.bind_mapper is not None else None
        for each in [each for each in shelves if changed in (None, each[0])]:
            del shelves[each]


@event.listens_for(db.session, "after_soft_rollback")
def _undone(session: Session, _transaction: SessionTransaction) -> None:
    forget(session)


@event.listens_for(db.session, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        forget(session)


def forget(session: Session) -> None:
    """Read everything anew."""
    session.info.pop(_SHELVES, None)
