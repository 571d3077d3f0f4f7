"""Through HTTP: served processes and a worker, and clients that start and complete whole instances."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from app import devidp
from bench import figures, served
from tests.support.installation import Installation, free_port
from tests.support.relay import WHO, Client, Unanswered

SECONDS = 8
CLIENTS = (1, 4, 16)
SHARED_BY = 4  # clients that two processes are tried with
NOT_THERE_YET = 60


class Runner:
    """One client that goes through instances until time is up."""

    def __init__(self, client: Client, until: float) -> None:
        self.client = client
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


class Load:
    """What is served, and what was measured of it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        with installation.app() as app:
            self._secret = devidp.client_secret(app.config["SETTINGS"], WHO)
        self.durations: list[tuple[str, ...]] = []
        self.flow: list[tuple[str, ...]] = []

    def serve(self, processes: int, numbers: Sequence[int]) -> None:
        """Measure so many web processes and one worker with each of the numbers of clients."""
        ports = [self._installation.port, *(free_port() for _ in range(processes - 1))]
        with ExitStack() as stack:
            webs = [
                stack.enter_context(
                    served.command(self._installation, "serve", "--no-worker", CONVENOR_PORT=str(port))
                ).pid
                for port in ports
            ]
            worker = stack.enter_context(served.command(self._installation, "worker")).pid
            for port in ports:
                self._ready(port)
            for clients in numbers:
                self._load(clients, ports, webs, worker)

    def _ready(self, port: int) -> None:
        client, end = Client(self._installation, self._secret, port), time.monotonic() + NOT_THERE_YET
        while True:
            try:
                client.open_tasks("1")
                return
            except Unanswered:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _load(self, clients: int, ports: Sequence[int], webs: Sequence[int], worker: int) -> None:
        began = time.monotonic()
        cpu = [sum(map(figures.cpu_seconds, webs)), figures.cpu_seconds(worker), time.process_time()]
        runners = [
            Runner(Client(self._installation, self._secret, ports[number % len(ports)]), began + SECONDS)
            for number in range(clients)
        ]
        threads = [threading.Thread(target=runner.run) for runner in runners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        used = [
            sum(map(figures.cpu_seconds, webs)) - cpu[0],
            figures.cpu_seconds(worker) - cpu[1],
            time.process_time() - cpu[2],
        ]
        beside = f", {len(webs)} processes" if len(webs) > 1 else ""
        for verb in ("start", "list", "complete"):
            times = [t for r in runners for t in r.times[verb]]
            self.durations.append(figures.row(f"{verb}, {clients} clients{beside}", times))
        requests = sum(len(times) for runner in runners for times in runner.times.values())
        self.flow.append(
            (
                str(len(webs)),
                str(clients),
                f"{sum(runner.ended for runner in runners) / took:.1f}",
                f"{requests / took:.0f}",
                *(f"{100 * each / took:.0f} %" for each in used),
                ", ".join(f"{figures.resident_mb(web):.0f}" for web in webs),
            )
        )


def run(name: str, installation: Installation) -> list[str]:
    """The tables of one database; with PostgreSQL also two web processes."""
    load = Load(installation)
    load.serve(1, CLIENTS)
    if name == "PostgreSQL":
        load.serve(2, (SHARED_BY,))
    heads = ("Web processes", "Clients", "Instances/s", "Requests/s", "Web CPU", "Worker CPU", "Clients' CPU", "Web MB")
    return [
        figures.table(f"Through HTTP, {name}", figures.DURATIONS, load.durations),
        figures.table(f"Whole instances through HTTP, {name}", heads, load.flow),
    ]
