"""HTTP to the identity provider: answers as they are, nothing followed, nothing but HTTP, in bounds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.identity import transport
from app.identity.transport import MAX_BYTES, Network, NoAnswer


class Provider(BaseHTTPRequestHandler):
    """Answers by the path, and says what it was asked."""

    def do_GET(self) -> None:
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"{}")
            return
        if self.path == "/redirect":
            self._answer(302, b"", Location="/ok")
        elif self.path == "/large":
            self._answer(200, b" " * (MAX_BYTES + 1))
        else:
            self._answer(200 if self.path == "/ok" else 404, self.headers["Accept"].encode())

    def do_POST(self) -> None:
        self._answer(400, self.rfile.read(int(self.headers["Content-Length"])), Kind=self.headers["Content-Type"])

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def get(url: str) -> transport.Answer:
    return Network().send("GET", url, {"Accept": "application/json"})


def test_an_answer_comes_back_with_its_status(address: str) -> None:
    assert (get(f"{address}/ok").status, get(f"{address}/ok").body) == (200, b"application/json")
    assert get(f"{address}/nowhere").status == 404
    form = "application/x-www-form-urlencoded"
    answer = Network().send("POST", f"{address}/token", {"Content-Type": form}, b"code=1")
    assert (answer.status, answer.body, answer.headers["Kind"]) == (400, b"code=1", form)


def test_a_redirect_is_not_followed(address: str) -> None:
    answer = get(f"{address}/redirect")
    assert (answer.status, answer.headers["Location"]) == (302, "/ok")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/", "data:,{}", "/jwks", ""])
def test_nothing_but_http_is_opened(url: str) -> None:
    with pytest.raises(NoAnswer):
        get(url)


@pytest.mark.parametrize("path", ["/large", "/cut"])
def test_an_answer_without_end_or_cut_short_is_none(address: str, path: str) -> None:
    with pytest.raises(NoAnswer):
        get(address + path)


def test_nobody_there(address: str) -> None:
    with pytest.raises(NoAnswer):
        get("http://127.0.0.1:1/ok")


def test_a_provider_that_keeps_silent_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 0.05)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)  # nobody serves it: it takes connections and says nothing
    try:
        with pytest.raises(NoAnswer):
            get(f"http://127.0.0.1:{server.server_port}/ok")
    finally:
        server.server_close()
