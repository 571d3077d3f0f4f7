"""Whatever the size of a body, the application says that it is too large, and nothing of it is kept."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.cli.request_bodies import Kept
from app.cli.web_server import WebServer
from app.demo import people
from tests.support.installation import free_port

LIMIT = 3_000_000
FAR_BEYOND = 25_000_000
API, PAGE = "/v2/messages/publication", "/sign-out"


class Served:
    """A server over the whole application, and one connection to it."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self.token = people.token_for(app, "olive")
        port = free_port()
        self.server = WebServer(app, "127.0.0.1", port, most=app.config["MAX_CONTENT_LENGTH"])
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, path: str, body: Any, **headers: str) -> tuple[int, str, str]:
        """Status, content type and text of the answer."""
        all_headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        self.connection.request("POST", path, body, all_headers)
        return self.answer()

    def begin(self, path: str, sent: bytes = b"", **headers: str) -> tuple[int, str, str]:
        """The headers, the beginning of a body, and what is answered to them."""
        self.connection.putrequest("POST", path)
        for name, value in {"Authorization": f"Bearer {self.token}", **headers}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        if sent:
            self.connection.send(sent)
        return self.answer()

    def answer(self) -> tuple[int, str, str]:
        answer = self.connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()

    def end(self) -> None:
        self.connection.close()
        self.server._sockets[-1] = Ender()
        self.thread.join(30)
        self.server._sockets.pop(-1)
        assert self.server.drain(5)


class Ender:
    """Something that ends the server's loop when it is asked."""

    _fileno = -1

    def readable(self) -> bool:
        raise SystemExit

    def writable(self) -> bool:
        return False


@pytest.fixture
def served(borough: Flask) -> Iterator[Served]:
    found = Served(borough)
    yield found
    found.end()


def in_chunks() -> Iterator[bytes]:
    for _ in range(FAR_BEYOND // 100_000):
        yield b" " * 100_000


@pytest.mark.parametrize("settings", [{"upload_limit_mb": 1}], indirect=True)
def test_what_is_far_too_large_is_refused_in_our_own_words(served: Served) -> None:
    for body in (lambda: b" " * FAR_BEYOND, in_chunks):
        status, kind, text = served.ask(API, body())
        assert (status, kind) == (413, "application/problem+json")
        assert json.loads(text)["detail"] == "The request is too large."
        status, kind, text = served.ask(PAGE, body())
        assert (status, kind) == (413, "text/html; charset=utf-8")
        assert "The file is too large" in text
    # The connection goes on: what was read is over.
    status, _, text = served.ask("/v2/user-tasks/search", b"{}")
    assert (status, "items" in json.loads(text)) == (200, True)
    status, _, text = served.ask("/v2/user-tasks/search", iter([b'{"filter"', b': {"state": "CREATED"}}']))
    assert (status, "items" in json.loads(text)) == (200, True)


def test_a_line_between_chunks_that_does_not_end_is_refused(served: Served) -> None:
    for sent in (b"1" * 100_000, b"0\r\nX: " + b"x" * 200_000):
        status, _, text = served.begin(API, sent, **{"Transfer-Encoding": "chunked"})
        assert (status, "too long" in text) == (400, True)
        served.connection.close()


@pytest.mark.parametrize("settings", [{"upload_limit_mb": 1}], indirect=True)
@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": str(FAR_BEYOND), "Expect": "100-continue"}, {"Content-Length": "5000000000"}],
    ids=["asks first", "larger than anybody reads"],
)
def test_what_is_not_worth_reading_is_refused_before_it_is_sent(served: Served, headers: dict[str, str]) -> None:
    status, kind, _ = served.begin(API, **{"Content-Type": "application/json", **headers})
    assert (status, kind) == (413, "application/problem+json")


def test_a_body_that_fits_is_kept_and_of_another_its_length_alone() -> None:
    kept = Kept(overflow=100, most=1_000)
    for _ in range(10):
        kept.append(b"x" * 100)
    assert (len(kept), kept.getfile().read()) == (1_000, b"x" * 1_000)
    spooled = kept.getfile()
    kept.append(b"x")
    assert spooled.closed
    kept.append(b"y" * 50)
    assert (len(kept), kept.getfile().read()) == (1_051, b"")
