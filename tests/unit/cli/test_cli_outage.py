"""What the command line says when the database or a disk is in the way: one sentence, no traceback."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
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


def test_what_a_process_writes_is_its_own_users(tmp_path: Path) -> None:
    """Whoever made the data folder may have left it open: the database in it is not."""
    environment = {**os.environ, "CONVENOR_ENV": "test", "CONVENOR_DATA": str(tmp_path)}
    environment = {name: value for name, value in environment.items() if name != "CONVENOR_DATABASE_URL"}
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "app.cli.main", "migrate"], env=environment, capture_output=True, text=True, umask=0o022
    )
    assert done.returncode == 0, done.stderr
    assert {oct(path.stat().st_mode & 0o077) for path in tmp_path.iterdir()} == {"0o0"}
