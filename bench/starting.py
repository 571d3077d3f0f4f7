"""A cold start: from the command to the first page, and the memory then."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench import figures
from tests.support.installation import Installation

ROOT = Path(__file__).resolve().parents[1]


def run(name: str, installation: Installation) -> list[str]:
    """The table of one database."""
    times, memory = [], 0.0
    for _ in range(3):
        environment = {**os.environ, **installation.environment()}
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli.main", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not _answers(installation.port):
                if process.poll() is not None or time.perf_counter() - began > 60:
                    raise RuntimeError("the server does not start")
                time.sleep(0.01)
            times.append((time.perf_counter() - began) * 1000)
            memory = figures.resident_mb(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    row = (f"{min(times):.0f}", f"{sorted(times)[1]:.0f}", f"{memory:.0f}")
    return [figures.table(f"Cold start to the first page, {name}", ("best ms", "median ms", "memory MB"), [row])]


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/")
        return connection.getresponse().status in (200, 302)
    except OSError:
        return False
