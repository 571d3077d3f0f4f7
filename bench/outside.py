"""Through HTTP: a served process and a worker of their own, and clients that start and complete whole instances."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from app import devidp
from bench import figures
from tests.support.installation import Installation
from tests.support.killing import PRELUDE
from tests.support.processes import Nest, Process
from tests.support.relay import WHO, Client, Unanswered

SECONDS = 8
CLIENTS = (1, 4, 16)
NOT_THERE_YET = 60


class Runner:
    """One client that goes through instances until time is up."""

    def __init__(self, installation: Installation, secret: str, until: float) -> None:
        self.client = Client(installation, secret)
        self.until = until
        self.times: dict[str, list[float]] = {"start": [], "list": [], "complete": []}
        self.ended = 0

    def timed(self, name: str, work: Any) -> Any:
        found: list[Any] = []
        self.times[name].append(figures.timed(lambda: found.append(work())))
        return found[0]

    def run(self) -> None:
        while time.monotonic() < self.until:
            instance = self.timed("start", self.client.start)
            done = 0
            while done < 2 and time.monotonic() < self.until:
                tasks = self.timed("list", lambda: self.client.open_tasks(instance))  # noqa: B023
                for task in tasks:
                    self.timed("complete", lambda: self.client.complete(task))  # noqa: B023
                    done += 1
                if not tasks:
                    time.sleep(0.02)
            self.ended += done == 2


def _ready(installation: Installation, secret: str) -> None:
    client, end = Client(installation, secret), time.monotonic() + NOT_THERE_YET
    while True:
        try:
            client.open_tasks("1")
            return
        except Unanswered:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def run(name: str, installation: Installation) -> list[str]:
    """The tables of one database."""
    with installation.app() as app:
        secret = devidp.client_secret(app.config["SETTINGS"], WHO)
    rows: list[tuple[str, ...]] = []
    flow: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        nest = Nest(Path(folder), PRELUDE)
        try:
            web = nest.convenor("serve", "--no-worker", **installation.environment())
            worker = nest.convenor("worker", **installation.environment())
            _ready(installation, secret)
            for clients in CLIENTS:
                _load(clients, installation, secret, web, worker, rows, flow)
        finally:
            nest.close()
    return [
        figures.table(f"Through HTTP, {name}", figures.DURATIONS, rows),
        figures.table(
            f"Whole instances through HTTP, {name}",
            ("Clients", "Instances/s", "Requests/s", "Web CPU", "Worker CPU", "Clients' CPU", "Web memory MB"),
            flow,
        ),
    ]


def _load(
    clients: int,
    installation: Installation,
    secret: str,
    web: Process,
    worker: Process,
    rows: list[tuple[str, ...]],
    flow: list[tuple[str, ...]],
) -> None:
    began = time.monotonic()
    cpu = [figures.cpu_seconds(web.pid), figures.cpu_seconds(worker.pid), time.process_time()]
    runners = [Runner(installation, secret, began + SECONDS) for _ in range(clients)]
    threads = [threading.Thread(target=runner.run) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    used = [
        figures.cpu_seconds(web.pid) - cpu[0],
        figures.cpu_seconds(worker.pid) - cpu[1],
        time.process_time() - cpu[2],
    ]
    for verb in ("start", "list", "complete"):
        rows.append(figures.row(f"{verb}, {clients} clients", [t for r in runners for t in r.times[verb]]))
    requests = sum(len(times) for runner in runners for times in runner.times.values())
    flow.append(
        (
            str(clients),
            f"{sum(runner.ended for runner in runners) / took:.1f}",
            f"{requests / took:.0f}",
            *(f"{100 * each / took:.0f} %" for each in used),
            f"{figures.resident_mb(web.pid):.0f}",
        )
    )
