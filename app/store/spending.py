"""How many statements the request under way has sent to the database, for who must not send more than so many.

Only a request that begins an account (:func:`account`) is counted; what a worker or a command does is not. The beginning of a
transaction is part of its commit.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, event

_sent: ContextVar[list[int] | None] = ContextVar("convenor_sent", default=None)


def account(begins: bool) -> None:
    """Count the statements of this context from nought on; False: count no more."""
    _sent.set([0] if begins else None)


def sent() -> int | None:
    """How many statements have been sent; None when nobody counts."""
    count = _sent.get()
    return None if count is None else count[0]


def watch(engine: Engine) -> None:
    """Count what is sent through an engine; call once for each engine."""

    @event.listens_for(engine, "before_cursor_execute")
    def _on_statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        count = _sent.get()
        if count is not None and not statement.startswith("BEGIN"):
            count[0] += 1
