"""Threads share the C library's memory."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from app.cli import allocating

ARENAS = """
import ctypes, sys, threading
from app.cli.allocating import share_memory
if sys.argv[1] == "shared":
    share_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
all_here = threading.Barrier(5)
def take():
    library.malloc(5_000)
    all_here.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
all_here.wait()
for thread in threads:
    thread.join()
library.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(library.fdopen(1, b"w"))
library.malloc_info(0, out)
library.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas")
def test_threads_share_one_arena() -> None:
    def arenas(how: str) -> int:
        told = subprocess.run([sys.executable, "-c", ARENAS, how], capture_output=True, text=True, check=True)
        return told.stdout.count("<heap nr=")

    assert arenas("shared") == 1
    assert arenas("not shared") > 1


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    allocating.share_memory()
    with pytest.raises(AttributeError):
        ctypes.CDLL(None).mallopt(0, 0)
