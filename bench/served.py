"""Convenor's commands as processes of their own, started as an operator starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.installation import Installation

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def command(installation: Installation, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running command over an installation; ended by SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli.main", *arguments],
        cwd=ROOT,
        env={**os.environ, **installation.environment(**environment)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
