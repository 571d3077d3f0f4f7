"""A cold start: from the command to the answer that the server is ready and to the first page; its processor time and memory."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass

from bench import figures, served
from tests.support.installation import Installation

ROUNDS = 5
LONGEST = 60


@dataclass
class Start:
    """One start, in milliseconds and megabytes."""

    ready: float = 0
    page: float = 0
    cpu: float = 0
    memory: float = 0


def run(name: str, installation: Installation) -> list[str]:
    """The table of one database."""
    starts = [_start(installation) for _ in range(ROUNDS)]
    rows = [
        (title, f"{min(values):.0f}", f"{sorted(values)[len(values) // 2]:.0f}", f"{max(values):.0f}")
        for title, values in (
            ("`/readyz` says ready, ms", [s.ready for s in starts]),
            ("first page, ms", [s.page for s in starts]),
            ("processor time until then, ms", [s.cpu for s in starts]),
            ("resident memory then, MB", [s.memory for s in starts]),
        )
    ]
    return [figures.table(f"Cold start, {name}", ("Until", "best", "median", "worst"), rows)]


def _start(installation: Installation) -> Start:
    found = Start()
    began = time.perf_counter()
    with served.command(installation, "serve") as process:
        while not (found.page and found.ready):
            if process.poll() is not None or time.perf_counter() - began > LONGEST:
                raise RuntimeError("the server does not start")
            if not found.page and _answers(installation.port, "/"):
                found.page = (time.perf_counter() - began) * 1000
            if not found.ready and _answers(installation.port, "/readyz"):
                found.ready = (time.perf_counter() - began) * 1000
            time.sleep(0.005)
        found.cpu = figures.cpu_seconds(process.pid) * 1000
        found.memory = figures.resident_mb(process.pid)
    return found


def _answers(port: int, path: str) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path)
        return connection.getresponse().status in (200, 302)
    except OSError:
        return False
