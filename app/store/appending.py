"""Files outside the database that lines are only ever added to: ledgers, exported heads of the audit.

A full disk or a power cut may leave half a line at the end. Nobody was told that it is there, so the next line takes its place; who reads
passes over it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_TAIL = 65_536


def append(file: Path, lines: Sequence[str]) -> None:
    """Add whole lines, all of them or none, and see them written to the disk. Several processes may do so at once.

    :param lines: without their line ends.
    :raises OSError: the disk is full, or the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = "".join(line + "\n" for line in lines).encode()
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with suppress(OSError):  # a network drive without locks: the writers are rare, and each writes once
            fcntl.flock(handle, fcntl.LOCK_EX)
        whole = _whole(handle)
        os.ftruncate(handle, whole)
        try:
            written = 0
            while written < len(content):
                written += os.pwrite(handle, content[written:], whole + written)
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, whole)
            raise
    finally:
        os.close(handle)


def whole_lines(file: Path) -> list[str]:
    """What has been added, without half a line at the end; nothing when there is no file.

    :raises OSError: it cannot be read.
    """
    if not file.exists():
        return []
    content = file.read_bytes()
    return content[: content.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()


def _whole(handle: int) -> int:
    """How much of the file is whole lines, in bytes."""
    end = os.fstat(handle).st_size
    while end:
        begin = max(0, end - _TAIL)
        found = os.pread(handle, end - begin, begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
