"""HTTP to the application itself without a socket, so that the development identity provider can answer in the same process.

Going over the network would need a second free thread for every sign-in, and could wait for itself for ever.
"""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from flask import Flask
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from werkzeug.datastructures import Headers
from werkzeug.test import Client


class InProcess(BaseAdapter):
    """A transport for `requests` that calls the application in a context of its own."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        # An empty context: the inner request gets its own database session, `g` and reading mode.
        return contextvars.Context().run(self._call, request)

    def close(self) -> None:
        """Nothing is held open."""

    def _call(self, request: PreparedRequest) -> Response:
        body: Any = request.body or b""
        answer = Client(self._app, use_cookies=False).open(
            request.url or "/",
            method=request.method or "GET",
            headers=Headers([(name, value) for name, value in request.headers.items() if name != "Content-Length"]),
            data=body.encode() if isinstance(body, str) else body,
            follow_redirects=False,
        )
        response = Response()
        response.status_code = answer.status_code
        response.headers.update(dict(answer.headers))
        response.raw = BytesIO(answer.get_data())
        response.url = request.url or ""
        response.request = request
        response.encoding = "utf-8"
        return response
