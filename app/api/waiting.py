"""Requests that wait: for work to hand out, for an instance to end. They hold no transaction while they wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from app.store.database import db, set_reading

# A request that waits keeps a thread of the server. Whoever comes when so many wait already is answered at once.
PLACES = threading.BoundedSemaphore(3)
LONGEST = timedelta(seconds=60)
USUAL = timedelta(seconds=10)
_FIRST, _LATER, _SOON = 0.05, 0.25, 2.0
_ending = threading.Event()


def asked_for(milliseconds: int | None) -> timedelta:
    """How long a request may wait: what it asks for, ten seconds when it says nothing or 0, not at all below 0."""
    if milliseconds is not None and milliseconds < 0:
        return timedelta(0)
    return min(timedelta(milliseconds=milliseconds), LONGEST) if milliseconds else USUAL


def until(is_so: Callable[[], bool], patience: timedelta) -> bool:
    """Look again and again until something is so, in transactions that only read. False: the time is up, or too many
    requests wait already. What the request has written must have been committed; it may write again afterwards."""
    began = time.monotonic()
    last = began + patience.total_seconds()
    if _look(is_so):
        return True
    if patience <= timedelta(0) or _ending.is_set() or not PLACES.acquire(blocking=False):
        return False
    try:
        while (left := last - time.monotonic()) > 0:
            pause = _FIRST if time.monotonic() - began < _SOON else _LATER
            if _ending.wait(min(pause, left)):
                return False
            if _look(is_so):
                return True
    finally:
        PLACES.release()
    return False


def end() -> None:
    """The server is being stopped: whoever waits is answered now, as if the time were up."""
    _ending.set()


def _look(is_so: Callable[[], bool]) -> bool:
    db.session.rollback()
    set_reading(True)
    try:
        return is_so()
    finally:
        db.session.rollback()
        set_reading(False)
