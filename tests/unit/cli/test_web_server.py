"""The web server ends when everybody who was in has an answer, and lets nobody in meanwhile."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app.cli.web_server import WebServer
from tests.support.installation import free_port


class Gate:
    """An application whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.app = Flask("gate")
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.app.add_url_rule("/", view_func=self._answer)

    def _answer(self) -> str:
        self.begun.release()
        assert self.open.wait(30)
        return "x" * 500_000


class Served:
    """The server in a thread of its own, which ends as a signal would end it."""

    def __init__(self, gate: Gate, *, threads: int, bind: str = "127.0.0.1") -> None:
        self.port = free_port()
        self.server = WebServer(gate.app, bind, self.port, most=1_000_000, threads=threads)
        self.answers: list[tuple[int, int]] = []
        self.threads: list[threading.Thread] = []
        self._end = threading.Event()
        self._in_thread(self._run)

    def _run(self) -> None:
        server: Any = self.server

        def stop() -> bool:
            if self._end.is_set():
                raise SystemExit
            return False

        server._sockets[-1] = Stopper(stop)
        self.server.run()
        server._sockets.pop(-1, None)
        self.drained = self.server.drain(self.seconds)

    def _in_thread(self, what: Callable[[], None]) -> None:
        thread = threading.Thread(target=what)
        thread.start()
        self.threads.append(thread)

    def ask(self) -> None:
        self._in_thread(self._ask)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            self.answers.append((answer.status, len(answer.read())))
        except (OSError, http.client.HTTPException):
            self.answers.append((0, 0))
        finally:
            connection.close()

    def end(self, seconds: float) -> None:
        self.seconds = seconds
        self._end.set()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()


class Stopper:
    """Something that the server's loop asks with every turn."""

    _fileno = -1

    def __init__(self, asked: Callable[[], bool]) -> None:
        self.readable, self.writable = asked, lambda: False


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("bind", ["127.0.0.1", "localhost"])
def test_who_is_in_and_who_waits_for_a_thread_is_answered(gate: Gate, bind: str) -> None:
    served = Served(gate, threads=1, bind=bind)
    served.ask()
    assert gate.begun.acquire(timeout=30)
    served.ask()
    served.ask()
    dispatcher = served.server._dispatcher
    while len(dispatcher.queue) < 2:
        time.sleep(0.01)
    served.end(seconds=30)
    while not refused(served.port):
        time.sleep(0.01)
    assert served.answers == []
    gate.open.set()
    served.wait()
    assert served.answers == [(200, 500_000)] * 3
    assert served.drained


def test_it_does_not_wait_for_ever(gate: Gate) -> None:
    served = Served(gate, threads=1)
    served.ask()
    assert gate.begun.acquire(timeout=30)
    served.end(seconds=0.05)
    served.wait()
    assert served.answers == [(0, 0)]
    assert not served.drained


def test_a_request_of_which_a_part_has_come_is_received_and_answered(gate: Gate) -> None:
    gate.open.set()
    served = Served(gate, threads=1)
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab")
        channels = served.server._sockets
        while not any(getattr(each, "request", None) is not None for each in list(channels.values())):
            time.sleep(0.01)
        served.end(seconds=30)
        while not refused(served.port):
            time.sleep(0.01)
        slow.sendall(b"cd")
        answer = b"".join(iter(lambda: slow.recv(65536), b""))
    served.wait()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"x" * 1000)
    assert served.drained


def test_what_never_comes_whole_is_not_waited_for(gate: Gate) -> None:
    served = Served(gate, threads=1)
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        while not any(getattr(each, "request", None) is not None for each in list(served.server._sockets.values())):
            time.sleep(0.01)
        served.end(seconds=0.05)
        served.wait()
        assert served.drained
