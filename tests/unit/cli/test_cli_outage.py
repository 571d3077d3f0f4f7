"""What the command line says when the database or a disk is in the way: one sentence, no traceback."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.cli import serve_commands
from app.cli.main import main


def _full() -> sqlite3.Error:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "A disk is full"),
        (_full(), "A disk is full"),
        (OperationalError("SELECT 1", None, Exception("refused")), "The database cannot be reached"),
    ],
)
def test_one_sentence_for_the_operator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(serve_commands, "load_settings", fails)
    assert main(["worker"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"convenor: {said}")
    assert len(told.splitlines()) == 1


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_commands, "load_settings", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["worker"])


def test_nobody_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """`convenor incidents list | head`."""
    reader, writer = os.pipe()
    os.close(reader)

    def prints(*_: Any, **__: Any) -> Any:
        print("x" * 10_000, flush=True)

    monkeypatch.setattr(serve_commands, "load_settings", prints)
    with os.fdopen(writer, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        assert main(["worker"]) == 1
