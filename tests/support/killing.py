"""Rounds of killing: a web or a worker process is armed with a fault point, dies there under load, and is replaced."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask

from app import audit
from app.store import faults
from app.store.database import db
from tests.support import relay
from tests.support.installation import Installation
from tests.support.processes import Nest, Process

PATIENCE = 300  # seconds: on a busy machine drawing a document may take long; nothing is measured here
PRELUDE = "tests.support.narrow"
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

    def _prepare(self, point: str, app: Flask) -> None:
        """See to it that the point will be passed soon: a document to be drawn, something to be sealed."""
        with app.app_context():
            if point == "document.after-draw":
                relay.ask_for_paper()
            elif point.startswith("seal."):
                audit.record("sign-out", subject="user:0")
                db.session.commit()

    def _wait_for(self, what: Callable[[], bool], point: str) -> None:
        end = time.monotonic() + PATIENCE
        while not what():
            self.load.check()
            assert time.monotonic() < end, f"{point} was not reached"
            time.sleep(0.01)

    def round(self, point: str, app: Flask) -> None:
        """One process dies at the point; whatever ran in its place before is killed wherever it stood."""
        kind, other = ("web", "worker") if point in faults.WEB else ("worker", "web")
        if other not in self.running or self.running[other].poll() is not None:
            self.start(other)
        if kind in self.running:
            self.running[kind].kill()
        self._prepare(point, app)
        # A worker passes most points once for each handful of jobs, and rests for a second when there are none.
        most = 12 if ".commit." in point else 4 if kind == "web" else 2
        count = 1 if point in AT_ONCE else self.random.randint(1, most)
        process = self.start(kind, f"{point}:{count}")
        self._wait_for(lambda: process.poll() is not None, f"{point}, {process.log}")
        code = process.poll()
        assert code == -signal.SIGKILL, f"{point}: {code} {process.log.read_text()[-2000:]}"

    def run(self, points: Sequence[str], *, told: Callable[[str], object] = lambda _line: None) -> dict[str, int]:
        """A round for each point, then everything runs again, comes to its end and is verified.

        :param told: hears every now and then how far it is.
        """
        began = time.monotonic()
        try:
            self.load.begin()
            with self.installation.app() as app:
                for number, point in enumerate(points, 1):
                    self.round(point, app)
                    if number % 25 == 0:
                        told(
                            f"{number} kills, {len(self.load.completed)} completions, {time.monotonic() - began:.0f} s"
                        )
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
