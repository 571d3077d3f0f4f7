"""For which request something is done, whoever does it in the end: the log and the audit name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flask import g, has_request_context

_NOTHING = ""  # is carried: whatever is done is done for the request that is answered
_carried: ContextVar[str | None] = ContextVar("convenor_request", default=_NOTHING)


def request_id() -> str | None:
    """The request that is answered, or the one that what is done now follows from; None when there is none."""
    carried = _carried.get()
    if carried != _NOTHING:
        return carried
    return g.get("request_id") if has_request_context() else None


@contextmanager
def following(request: str | None) -> Iterator[None]:
    """What is done within follows from an earlier request; None when that is not known: the one that is answered meanwhile it is not."""
    token = _carried.set(request)
    try:
        yield
    finally:
        _carried.reset(token)
