"""How much is done, counted instead of timed: calls of functions and statements, the same on a busy machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from app.store.database import db


@dataclass(frozen=True)
class Done:
    """:ivar calls: of functions, those of the interpreter included. :ivar statements: sent to the database."""

    calls: int
    statements: int


def counted(work: Callable[[], object]) -> Done:
    """Do it and count."""
    calls = statements = 0

    def called(_frame: Any, what: str, _argument: Any) -> None:
        nonlocal calls
        calls += what in ("call", "c_call")

    def sent(*_: Any) -> None:
        nonlocal statements
        statements += 1

    event.listen(db.engine, "before_cursor_execute", sent)
    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
        event.remove(db.engine, "before_cursor_execute", sent)
    return Done(calls, statements)
