"""The C library's memory and threads: what one has freed, another may use."""

from __future__ import annotations

import contextlib
import ctypes

_M_ARENA_MAX = -8  # mallopt(3)


def share_memory() -> None:
    """All threads take memory from one place. Call it before there are threads.

    glibc would give each of up to eight times as many threads as there are cores an arena of its own, so that they need not wait for one
    another. Python lets one thread run at a time anyway, and what each keeps for itself adds up to some megabytes. C libraries without
    arenas are left as they are.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
