"""One transaction's work: steps of several instances, one after the other, until nothing is left to deliver.

A message that one instance sends to another is delivered in the same transaction, after the sender's own step, so
that a case and its meeting never disagree. What rooms above ask for while a step is under way (publish, re-arm,
forget) waits for the end of that step too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.errors import Conflict
from app.runtime.models import Instance
from app.store.database import db

MAX_DELIVERIES = 2_000


class MessageStorm(Conflict):
    """Instances keep sending each other messages without end; the whole transaction is refused."""

    title = "Too many messages"


class Turn:
    """What is still to do, and which instances are in the middle of a step."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], object]] = deque()
        self.active: set[int] = set()
        self._done = 0

    def later(self, work: Callable[[], object]) -> None:
        """Do this when the steps under way have ended."""
        self._queue.append(work)

    def drain(self) -> None:
        while self._queue and not self.active:
            self._done += 1
            if self._done > MAX_DELIVERIES:
                raise MessageStorm("The instances keep sending each other messages without end.")
            self._queue.popleft()()


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
        made.drain()
    finally:
        _current.reset(token)


def is_busy() -> bool:
    """Whether an instance is in the middle of a step."""
    running = _current.get()
    return running is not None and bool(running.active)


# ------------------------------------------------------------------------------------------------ loaded in advance
_HELD = "convenor.held"


def hold(rows: Iterable[Instance]) -> None:
    """These rows are locked and as they are now: the next step of each need not read it again. For this session's transaction only."""
    db.session().info.setdefault(_HELD, {}).update((row.key, row) for row in rows)


def is_held(instance_key: int) -> bool:
    """Whether the instance was loaded in advance and no step of this transaction has been there."""
    return instance_key in db.session().info.get(_HELD, {})


def held(instance_key: int) -> Instance | None:
    """The row of an instance that was loaded in advance; once."""
    found: Instance | None = db.session().info.get(_HELD, {}).pop(instance_key, None)
    return found
