"""Python's cyclic garbage collector and a start: what is imported stays, and looking through it again and again costs time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settling() -> Iterator[None]:
    """No collections while modules are imported and the application is made; what exists at the end is never looked through again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was:
            gc.enable()
