"""Waiting for what another process does: looked at again and again. Business time is never waited for; tests move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from app.store.database import db

Value = TypeVar("Value")

PATIENCE = 60.0
PAUSE = 0.02


def wait_for(condition: Callable[[], object], what: str = "it does not happen", patience: float = PATIENCE) -> None:
    """Look again and again until something is so.

    :param patience: seconds.
    :raises AssertionError: it is not so after that long.
    """
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what}"
        time.sleep(PAUSE)


def anew(read: Callable[[], Value]) -> Value:
    """What others have committed by now; the transaction ends with the look."""
    try:
        return read()
    finally:
        db.session.rollback()
