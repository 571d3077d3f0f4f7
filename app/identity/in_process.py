"""HTTP to the application itself without a socket, so that the development identity provider can answer in the same process.

Going over the network would need a second free thread for every sign-in, and could wait for itself for ever.
"""

from __future__ import annotations

import contextvars
from collections.abc import Mapping

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import Client

from app.identity.transport import Answer


class InProcess:
    """A transport that calls the application in a context of its own."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        # An empty context: the inner request gets its own database session, `g` and reading mode.
        return contextvars.Context().run(self._call, method, url, headers, body)

    def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        answer = Client(self._app, use_cookies=False).open(
            url,
            method=method,
            headers=Headers([(name, value) for name, value in headers.items() if name != "Content-Length"]),
            data=body or b"",
            follow_redirects=False,
        )
        return Answer(answer.status_code, dict(answer.headers), answer.get_data())
