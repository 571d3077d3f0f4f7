"""Work that may fail and is then undone, while the rest of the transaction stays.

A savepoint costs two statements, and what waits to be written must be written before it. Most work only reads and leaves rows to be written
with the rest, and most that fails does so before it has written anything. So the work is first done without: it is undone in memory when
it fails. When it is about to write, it is undone, what waited before it is written, and the work is done again behind a savepoint.

Work that need not be done now is only tried in memory (:func:`tentatively`), within so many statements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import NestedTransaction, event, inspect
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.attributes import instance_dict, instance_state

from app.store import flushing, remembering, shelf
from app.store.database import db

Value = TypeVar("Value")

_ATTEMPT = "convenor.attempt"


class _AboutToWrite(BaseException):
    """What is done without a savepoint is about to write."""


class NoRoom(BaseException):
    """What was tried in memory asks for more than there is room for. It is no error, so that nothing on the way takes it for one."""


class _InMemory:
    """An attempt without a savepoint: the rows that wait, as they were when it began.

    :param also: rows that nobody has changed yet and the work may change; they need not be read again after it.
    :param asks: told of each question that the work is about to ask; None where the work can be done again behind a savepoint.
    """

    def __init__(self, session: Session, also: Sequence[Any] = (), asks: Callable[[], None] | None = None) -> None:
        self._session, self.asks = session, asks
        self._new, self._deleted = list(session.new), list(session.deleted)
        rows = [*self._new, *session.dirty]
        rows += [row for row in also if not _among(row, rows)]
        self._values = [(row, dict(instance_dict(row))) for row in rows]
        self._rows = flushing.copy_of_rows(session)

    def about_to_write(self) -> None:
        raise _AboutToWrite

    def undo(self) -> None:
        """The session is as it was before."""
        session = self._session
        for row in [row for row in session.new if not _among(row, self._new)]:
            session.expunge(row)
        taken_back = [row for row in self._new if row not in session.new]
        for row in [*taken_back, *(row for row in session.deleted if not _among(row, self._deleted))]:
            session.add(row)
        kept = [row for row, _ in self._values]
        for row in [row for row in session.dirty if not _among(row, kept)]:
            session.expire(row)
        for row, values in self._values:
            _restore(row, values)
        flushing.go_back_to(session, self._rows)
        remembering.forget()
        shelf.forget(session)


def _among(row: object, rows: list[Any]) -> bool:
    return any(row is one for one in rows)


def _restore(row: Any, values: dict[str, Any]) -> None:
    now = instance_dict(row)
    for attribute in inspect(type(row)).column_attrs:
        name = attribute.key
        if name in values and now.get(name) is not values[name]:
            setattr(row, name, values[name])
        elif name in now and name not in values:
            if row in db.session.new:
                del now[name]
                instance_state(row).committed_state.pop(name, None)
            else:
                db.session.expire(row, [name])


class _BehindSavepoint:
    """An attempt whose savepoint is set when the first statement that writes is about to be sent."""

    def __init__(self, session: Session) -> None:
        self._session, self._connection = session, session.connection()
        self._savepoint: NestedTransaction | None = None
        self._rows = flushing.copy_of_rows(session)
        self.changed: list[Any] = []

    def about_to_write(self) -> None:
        """Set the savepoint, once."""
        if self._savepoint is None:
            self._savepoint = self._connection.begin_nested()

    def keep(self) -> None:
        """It has succeeded. What it has not written yet is written with the rest."""
        if self._savepoint is not None:
            self._session.flush()
            self._savepoint.commit()

    def undo(self) -> None:
        """It has failed: the database and the session are as they were before it.

        When the database refused what was written, all that is around it has been undone, and whoever began that goes on from there.
        """
        session = self._session
        if not session.is_active:
            return
        if self._savepoint is not None:
            self._savepoint.rollback()
        for row in list(session.deleted):
            session.add(row)
        for row in [*session.new, *self.changed]:
            if row in session or row in session.deleted:
                session.expunge(row)
        session.expire_all()
        flushing.go_back_to(session, self._rows)
        remembering.forget()
        shelf.forget(session)


def attempt(work: Callable[[], Value]) -> Value:
    """Undo what the work does when it raises; the exception goes on. One inside another belongs to the outer one's savepoint too, and one
    inside what is only tried in memory is done there as well.

    :param work: may be called twice; what it does outside the session must bear that.
    """
    session = db.session()
    outer: _InMemory | _BehindSavepoint | None = session.info.get(_ATTEMPT)
    if isinstance(outer, _InMemory) and outer.asks is not None:
        return _in_memory(session, work, _InMemory(session, asks=outer.asks))
    if outer is None and (session.new or session.dirty or session.deleted):
        try:
            return _in_memory(session, work, _InMemory(session))
        except _AboutToWrite:
            pass
    return _behind_savepoint(session, outer, work)


def tentatively(work: Callable[[], Value], *, also: Sequence[Any] = (), asks: Callable[[], None]) -> Value:
    """Do work in memory only. Whatever it raises, the session is as it was before, but that what was read must be asked again.

    :param also: rows that nobody has changed yet and the work may change.
    :param asks: called before each question that the work asks the database; may raise :class:`NoRoom`.
    :raises NoRoom: it is about to write.
    """
    session = db.session()
    if _ATTEMPT in session.info:
        raise NoRoom
    try:
        return _in_memory(session, work, _InMemory(session, also, asks))
    except _AboutToWrite:
        raise NoRoom from None


def _in_memory(session: Session, work: Callable[[], Value], made: _InMemory) -> Value:
    outer = session.info.get(_ATTEMPT)
    session.info[_ATTEMPT] = made
    try:
        return work()
    except BaseException:
        made.undo()
        raise
    finally:
        if outer is None:
            session.info.pop(_ATTEMPT, None)
        else:
            session.info[_ATTEMPT] = outer


def _behind_savepoint(session: Session, outer: _InMemory | _BehindSavepoint | None, work: Callable[[], Value]) -> Value:
    if outer is not None:
        outer.about_to_write()
    session.flush()
    made = session.info[_ATTEMPT] = _BehindSavepoint(session)
    try:
        done = work()
        made.keep()
        return done
    except BaseException:
        made.undo()
        raise
    finally:
        if isinstance(outer, _BehindSavepoint):
            outer.changed += made.changed
            session.info[_ATTEMPT] = outer
        else:
            session.info.pop(_ATTEMPT, None)


@event.listens_for(db.session, "before_flush")
def _flushing(session: Session, _context: object, _rows: object) -> None:
    _about_to_write(session)


@event.listens_for(db.session, "after_transaction_create")
def _nesting(session: Session, transaction: SessionTransaction) -> None:
    """A savepoint that the work sets itself stands inside its own."""
    running = session.info.get(_ATTEMPT)
    if transaction.nested and isinstance(running, _BehindSavepoint):
        running.about_to_write()


@event.listens_for(db.session, "do_orm_execute")
def _executing(state: ORMExecuteState) -> None:
    if not state.is_select:
        _about_to_write(state.session)
        return
    running = state.session.info.get(_ATTEMPT)
    if isinstance(running, _InMemory) and running.asks is not None:
        running.asks()


def _about_to_write(session: Session) -> None:
    running: _InMemory | _BehindSavepoint | None = session.info.get(_ATTEMPT)
    if running is not None:
        running.about_to_write()


@event.listens_for(db.session, "pending_to_persistent")
@event.listens_for(db.session, "persistent_to_deleted")
def _changed(session: Session, row: object) -> None:
    running = session.info.get(_ATTEMPT)
    if isinstance(running, _BehindSavepoint):
        running.changed.append(row)
