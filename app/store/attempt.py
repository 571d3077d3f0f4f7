"""Work that may fail and is then undone, while the rest of the transaction stays.

A savepoint costs two statements, and most work that fails does so before it has written anything. So it is set when the first
statement that writes is about to be sent, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import NestedTransaction, event
from sqlalchemy.orm import ORMExecuteState, Session

from app.store import remembering
from app.store.database import db

_ATTEMPT = "convenor.attempt"


class Attempt:
    """One attempt: the savepoint once there is one, and the rows that came and went since it began."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._savepoint: NestedTransaction | None = None
        self.changed: list[Any] = []

    def about_to_write(self) -> None:
        """Set the savepoint, once."""
        if self._savepoint is None:
            self._savepoint = self._session.connection().begin_nested()

    def keep(self) -> None:
        """It has succeeded. What it has not written yet is written with the rest."""
        if self._savepoint is not None:
            self._session.flush()
            self._savepoint.commit()

    def undo(self) -> None:
        """It has failed: the database and the session are as they were before it."""
        session = self._session
        if self._savepoint is not None:
            self._savepoint.rollback()
        for row in list(session.deleted):
            session.add(row)
        for row in [*session.new, *self.changed]:
            if row in session or row in session.deleted:
                session.expunge(row)
        session.expire_all()
        remembering.forget()


@contextmanager
def attempt() -> Iterator[None]:
    """Undo what is done inside when it raises; the exception goes on. One inside another belongs to the outer one's savepoint too."""
    session = db.session()
    session.flush()
    outer: Attempt | None = session.info.get(_ATTEMPT)
    if outer is not None:
        outer.about_to_write()
    made = Attempt(session)
    session.info[_ATTEMPT] = made
    try:
        yield
        made.keep()
    except BaseException:
        made.undo()
        raise
    finally:
        if outer is None:
            session.info.pop(_ATTEMPT, None)
        else:
            outer.changed += made.changed
            session.info[_ATTEMPT] = outer


@event.listens_for(db.session, "before_flush")
def _flushing(session: Session, _context: object, _rows: object) -> None:
    running: Attempt | None = session.info.get(_ATTEMPT)
    if running is not None:
        running.about_to_write()


@event.listens_for(db.session, "do_orm_execute")
def _executing(state: ORMExecuteState) -> None:
    running: Attempt | None = state.session.info.get(_ATTEMPT)
    if running is not None and not state.is_select:
        running.about_to_write()


@event.listens_for(db.session, "pending_to_persistent")
@event.listens_for(db.session, "persistent_to_deleted")
def _changed(session: Session, row: object) -> None:
    running: Attempt | None = session.info.get(_ATTEMPT)
    if running is not None:
        running.changed.append(row)
