"""Rounds of killing: a web or a worker process is armed with a fault point, dies there under load, and is replaced."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from app.store import faults
from tests.support import relay
from tests.support.installation import Installation
from tests.support.processes import Nest, Process

PATIENCE = 300  # seconds: on a busy machine drawing a document may take long; nothing is measured here
PRELUDE = "tests.support.prelude"
AT_ONCE = {"seal.before-commit", "seal.after-commit", "document.after-draw", "batch.between"}  # passed seldom


class Killing:
    """One installation with a web process, a worker and clients."""

    def __init__(self, installation: Installation, folder: Path, seed: int = 0) -> None:
        self.installation = installation
        self.random = random.Random(seed)
        self.load = relay.load(installation)
        self.nest = Nest(folder, PRELUDE)
        self.running: dict[str, Process] = {}

    def start(self, kind: str, fault: str = "") -> Process:
        arguments = ("serve", "--no-worker") if kind == "web" else ("worker",)
        process = self.nest.convenor(*arguments, **self.installation.environment(CONVENOR_FAULT=fault))
        self.running[kind] = process
        return process

    def round(self, point: str) -> None:
        """One process dies at the point; whatever ran in its place before is killed wherever it stood."""
        kind, other = ("web", "worker") if point in faults.WEB else ("worker", "web")
        if other not in self.running or self.running[other].poll() is not None:
            self.start(other)
        if point == "document.after-draw":
            with self.installation.app():
                relay.ask_for_paper()
        if kind in self.running:
            self.running[kind].kill()
        count = 1 if point in AT_ONCE else self.random.randint(1, 4)
        process = self.start(kind, f"{point}:{count}")
        end = time.monotonic() + PATIENCE
        while (code := process.poll()) is None:
            assert time.monotonic() < end, f"{point} was not reached: {process.log.read_text()[-2000:]}"
            time.sleep(0.01)
        assert code == -signal.SIGKILL, f"{point}: {code} {process.log.read_text()[-2000:]}"

    def run(self, points: Sequence[str]) -> dict[str, int]:
        """A round for each point, then everything runs again, comes to its end and is verified."""
        try:
            self.load.begin()
            for point in points:
                self.round(point)
            for kind in ("web", "worker"):
                if self.running[kind].poll() is not None:
                    self.start(kind)
            self.load.end()
            self.load.finish()
            for process in self.running.values():
                assert process.stop() == 0
            return relay.verify(self.load)
        finally:
            self.load._stop.set()
            self.nest.close()
