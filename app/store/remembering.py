"""What a transaction has read already: rows it loaded stay loaded, an answer is worked out once, until it ends or writes.

SQLAlchemy's session forgets a row as soon as nobody holds it, and asks for it again a moment later. Nothing here outlives the
transaction, so that permissions and conflicts of interest are read anew by every request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from app.store.database import WAITED, db

Value = TypeVar("Value")

KEPT_ROWS = 2_000  # the latest; a listing of many thousand rows is not held in memory for the sake of a few
_KEPT, _KNOWN = "convenor.kept", "convenor.known"


@dataclass(frozen=True, slots=True)
class _Fact:
    tables: tuple[type[Any], ...]
    answer: Any
    shared: bool = False


_Facts = dict[Hashable, _Fact]


def once(question: Hashable, tables: tuple[type[Any], ...], answer: Callable[[], Value]) -> Value:
    """Ask the database once in a transaction; asked again after something was written to one of the tables.

    :param tables: the models whose rows the answer depends on.
    """
    session = db.session()
    known = _known(session)
    if question in known and not _unwritten(session, tables):
        found: Value = known[question].answer
        return found
    made = answer()
    _known(session)[question] = _Fact(tables, made)
    return made


def tell(question: Hashable, tables: tuple[type[Any], ...], answer: object, *, shared: bool = False) -> None:
    """Give an answer that another statement has brought along.

    :param shared: others may write what it rests on, under a lock that this transaction may still have to wait for.
    """
    _known(db.session())[question] = _Fact(tables, answer, shared)


def told(question: Hashable) -> Any:
    """An answer given with :func:`tell` in this transaction; None when there is none, or something was written since."""
    session = db.session()
    found = session.info.get(_KNOWN, {}).get(question)
    return None if found is None or _unwritten(session, found.tables) else found.answer


def waited() -> None:
    """A lock was waited for: whoever held it may have written what was read before."""
    known = _known(db.session())
    for question in [each for each, fact in known.items() if fact.shared]:
        del known[question]


def _known(session: Session) -> _Facts:
    """What is known in the transaction under way, which begins here when none is: it is forgotten with it."""
    if not session.in_transaction():
        session.begin()
    known: _Facts = session.info.setdefault(_KNOWN, {})
    return known


def forget() -> None:
    """Ask everything again: what was read may have been undone."""
    db.session().info.pop(_KNOWN, None)


def _unwritten(session: Session, tables: tuple[type[Any], ...]) -> bool:
    """Whether rows of these tables were changed and not yet written."""
    return bool(tables) and any(
        isinstance(row, tables) for rows in (session.new, session.dirty, session.deleted) for row in rows
    )


@event.listens_for(db.session, "loaded_as_persistent")
@event.listens_for(db.session, "pending_to_persistent")
def _keep(session: Session, row: object) -> None:
    session.info.setdefault(_KEPT, deque(maxlen=KEPT_ROWS)).append(row)


@event.listens_for(db.session, "after_flush")
def _written(session: Session, _context: object) -> None:
    known = session.info.get(_KNOWN)
    if known:
        changed = tuple({type(row) for rows in (session.new, session.dirty, session.deleted) for row in rows})
        for question in [each for each, fact in known.items() if set(fact.tables) & set(changed)]:
            del known[question]


@event.listens_for(db.session, "do_orm_execute")
def _changed_in_bulk(state: ORMExecuteState) -> None:
    known = state.session.info.get(_KNOWN)
    if known and not state.is_select and WAITED not in state.execution_options:
        mapper = state.bind_mapper
        for question in [each for each, fact in known.items() if mapper is None or mapper.class_ in fact.tables]:
            del known[question]


@event.listens_for(db.session, "after_transaction_end")
def _let_go(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_KEPT, None)
        session.info.pop(_KNOWN, None)


@event.listens_for(db.session, "after_soft_rollback")
def _undone(session: Session, _transaction: SessionTransaction) -> None:
    """What was read since a savepoint may have been undone with it."""
    session.info.pop(_KNOWN, None)
