"""One transaction's work: steps of several instances, one after the other, until nothing is left to deliver.

A message that one instance sends to another is delivered in the same transaction, after the sender's own step, so
that a case and its meeting never disagree. What rooms above ask for while a step is under way (publish, re-arm,
forget) waits for the end of that step too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Table, bindparam, event, update
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from app.errors import Conflict
from app.runtime.errors import StaleInstance
from app.runtime.models import Instance
from app.store.attempt import NoRoom, tentatively
from app.store.database import db
from app.store.flushing import write
from app.store.remembering import waited

Item = TypeVar("Item")

MAX_DELIVERIES = 2_000
STALE = "Somebody else has just moved this on. Nothing of yours was changed."


class MessageStorm(Conflict):
    """Instances keep sending each other messages without end; the whole transaction is refused."""

    title = "Too many messages"


class Turn:
    """What is still to do, and which instances are in the middle of a step.

    :ivar expected: messages (name, correlation key) on their way, by area, and whom they go to where that is known.
    :ivar wanted: messages (area, name, correlation key) for which somebody has begun to wait, and since when.
    :ivar followers: how many instances begin because others of their key have ended.
    :ivar writes: what the steps have changed is written at the turn's end, so that whoever was first is known to the caller.
    :ivar settling: instances in which completions take their course that were accepted before.
    """

    def __init__(self) -> None:
        self.writes = False
        self.settling: set[int] = set()
        self.followers = 0
        self.wanted: dict[tuple[int, str, str], datetime] = {}
        self.expected: dict[int, dict[tuple[str, str], Any]] = {}
        self._together: dict[Callable[[list[Any]], object], list[Any]] = {}
        self._queue: deque[tuple[Callable[[], object], bool]] = deque()
        self.active: set[int] = set()
        self._answering = False
        self._answers = 0

    def later(self, work: Callable[[], object]) -> None:
        """Do this when the steps under way have ended.

        What a delivery leads to counts towards a storm; what the first step sends does not: it may have closed ten thousand tasks.
        """
        self._queue.append((work, self._answering))

    def queued(self) -> int:
        """How far the work that is to be done later has come; :meth:`take_back` what comes after."""
        return len(self._queue)

    def take_back(self, queued: int) -> None:
        """What was asked for later since then is not done: whoever asked has failed, or begins anew."""
        while len(self._queue) > queued:
            self._queue.pop()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is asked for inside is done at its end and before anything that was asked for earlier, which stays as it is. When it fails,
        nothing of it is done. While somebody is in the middle of a step, it is done after that step instead."""
        queue, together, answering = self._queue, self._together, self._answering
        self._queue, self._together, self._answering = deque(), {}, False
        try:
            yield
            self.close()
            queue.extend(self._queue)
        finally:
            self._queue, self._together, self._answering = queue, together, answering

    def together(self, work: Callable[[list[Item]], object], item: Item) -> None:
        """Do this once for all the items of the turn, when nothing is left to deliver."""
        self._together.setdefault(work, []).append(item)

    def forget(self, messages: set[tuple[int, str, str]]) -> None:
        """Who waits for these messages (area, name, correlation key) has changed: it must be asked again."""
        for area_key, name, correlation_key in messages:
            known = self.expected.get(area_key, {})
            if (name, correlation_key) in known:
                known[(name, correlation_key)] = None

    def drain(self) -> None:
        while self._queue and not self.active:
            work, is_answer = self._queue.popleft()
            self._answers += is_answer
            if self._answers > MAX_DELIVERIES:
                raise MessageStorm("The instances keep sending each other messages without end.")
            self._answering = True
            work()
        self._answering = False

    def close(self) -> None:
        """What is done once for all, when nothing is left to deliver."""
        self.drain()
        while self._together:
            work, items = self._together.popitem()
            work(items)

    def write(self) -> None:
        """Write what the steps have changed.

        :raises StaleInstance: somebody else was first.
        """
        if not self.writes:
            return
        try:
            _write_instances()
            write()
        except StaleDataError as error:
            raise StaleInstance(STALE) from error


def _write_instances() -> None:
    """Several instances in one statement, each under its revision. SQLAlchemy would send one for each of them.

    :raises StaleDataError: one of them is not at its revision any more.
    """
    session = db.session()
    rows = [row for row in session.dirty if isinstance(row, Instance) and session.is_modified(row)]
    if len(rows) < 2:
        return
    table = cast(Table, Instance.__table__)
    names = [column.name for column in table.c if column.name not in ("key", "revision")]
    new = [
        {
            "its_key": row.key,
            "its_revision": row.revision,
            "revision": row.revision + 1,
            **{name: getattr(row, name) for name in names},
        }
        for row in sorted(rows, key=lambda row: row.key)
    ]
    statement = update(table).where(table.c.key == bindparam("its_key"), table.c.revision == bindparam("its_revision"))
    if session.connection().execute(statement, new).rowcount != len(rows):
        raise StaleDataError("an instance is not at its revision any more")
    for row in rows:
        for name in names:
            set_committed_value(row, name, getattr(row, name))
        set_committed_value(row, "revision", row.revision + 1)


_current: ContextVar[Turn | None] = ContextVar("convenor_turn", default=None)


@contextmanager
def turn() -> Iterator[Turn]:
    """The turn under way, or a new one that is worked off at its end."""
    running = _current.get()
    if running is not None:
        yield running
        return
    made = Turn()
    token = _current.set(made)
    try:
        yield made
        made.close()
        made.write()
    finally:
        _current.reset(token)


def in_memory(
    work: Callable[[], object], *, also: Sequence[Any], asks: Callable[[], None], fits: Callable[[], None]
) -> None:
    """A turn of its own that is worked off in memory before anything of it is written.

    :param also: see :func:`app.store.attempt.tentatively`.
    :param asks: called before each question to the database; may raise :class:`NoRoom`, and nothing has happened.
    :param fits: called when all of it waits to be written; may raise it too.
    :raises NoRoom: it must write on its way; nothing has happened.
    """
    if _current.get() is not None:
        raise NoRoom
    made = Turn()
    token = _current.set(made)

    def whole() -> None:
        work()
        made.close()
        fits()

    try:
        tentatively(whole, also=also, asks=asks)
        made.write()
    finally:
        _current.reset(token)


def is_busy() -> bool:
    """Whether an instance is in the middle of a step."""
    running = _current.get()
    return running is not None and bool(running.active)


# ------------------------------------------------------------------------------------------------ locked by this transaction
_HELD, _LOCKED = "convenor.held", "convenor.locked"


def hold(rows: Iterable[Instance]) -> None:
    """These rows are locked and as they are now: no step of this transaction need read them again."""
    info = db.session().info
    for row in rows:
        info.setdefault(_HELD, set()).add(row.key)
        info.setdefault(_LOCKED, {})[row.key] = row


def hold_after_waiting(rows: Iterable[Instance]) -> None:
    """The same for rows that others may have held until now: what they did to the case is read anew. On SQLite whoever writes is alone."""
    hold(rows)
    if db.engine.dialect.name == "postgresql":
        waited()


def is_held(instance_key: int) -> bool:
    """Whether the instance was loaded in advance and no step of this transaction has been there."""
    return instance_key in db.session().info.get(_HELD, ())


def locked(instance_key: int) -> Instance | None:
    """The row of an instance that this transaction has locked."""
    found: Instance | None = db.session().info.get(_LOCKED, {}).get(instance_key)
    return found


def held(instance_key: int) -> Instance | None:
    """The row of an instance that this transaction has locked; a step is about to be there."""
    db.session().info.get(_HELD, set()).discard(instance_key)
    return locked(instance_key)


@event.listens_for(db.session, "after_rollback")
def _let_go(session: Session) -> None:
    """Locks go with the transaction, and with a savepoint that is rolled back."""
    session.info.pop(_HELD, None)
    session.info.pop(_LOCKED, None)


@event.listens_for(db.session, "after_transaction_end")
def _ended(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _let_go(session)
