"""Files that lines are only added to: a full disk, a power cut and many writers leave whole lines."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.store.appending import append, whole_lines


def test_lines_are_added_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "new" / "ledger.jsonl"
    assert whole_lines(file) == []
    append(file, ["one"])
    append(file, ["two", "three"])
    assert whole_lines(file) == ["one", "two", "three"]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("before", ["", "one\n", "x" * 200_000 + "\n"])
def test_half_a_line_is_passed_over_and_replaced(tmp_path: Path, before: str) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text(before + "y" * 100_000)
    assert whole_lines(file) == before.splitlines()
    append(file, ["next"])
    assert whole_lines(file) == [*before.splitlines(), "next"]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger.jsonl"
    append(file, ["one"])
    write, room = os.pwrite, [5]

    def full(handle: int, content: bytes, at: int) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        part, room[0] = content[: room[0]], 0
        return write(handle, part, at)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        append(file, ["two and more"])
    assert file.read_text() == "one\n"
    room[0] = 1_000
    append(file, ["two"])
    assert whole_lines(file) == ["one", "two"]


def test_what_was_not_seen_written_to_the_disk_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ledger.jsonl"

    def broken(_handle: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="Input/output"):
            append(file, ["one"])
    assert whole_lines(file) == []


def test_many_writers_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append(file, [f"{n:04}" * 50]), range(200)))
    assert sorted(whole_lines(file)) == [f"{n:04}" * 50 for n in range(200)]
