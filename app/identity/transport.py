"""HTTP to the identity provider, by the standard library: one way for its description, its keys and its answers to a sign-in.

A sign-in takes one request and checking tokens two documents, once: no process need hold an HTTP library for it, five megabytes of code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from typing import Any, Protocol
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

TIMEOUT = 15  # seconds
MAX_BYTES = 1_000_000


class NoAnswer(Exception):
    """There was none in time, or none that can be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status; a redirect is not followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """What the body says.

        :raises ValueError: it is not JSON, or not to be read.
        """
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply") from None


class Transport(Protocol):
    """How the provider is reached."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Ask.

        :raises NoAnswer: the provider cannot be reached.
        """


class Network:
    """HTTP and HTTPS, through the proxy that the environment names; certificates by the system's authorities or `SSL_CERT_FILE`."""

    @cached_property
    def _opener(self) -> OpenerDirector:
        """With nothing that follows redirects, raises on a status, or reads `file:` and `ftp:` addresses."""
        opener = OpenerDirector()
        for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
            opener.add_handler(handler)
        return opener

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        try:
            asked = Request(url, body, dict(headers), method=method)  # noqa: S310 - the opener opens no other schemes
            with self._opener.open(asked, timeout=TIMEOUT) as answer:
                content = answer.read(MAX_BYTES + 1)
                whole = len(content) <= MAX_BYTES and not answer.length
        except (OSError, HTTPException, ValueError) as error:  # ValueError: not an address
            raise NoAnswer from error
        if not whole:
            raise NoAnswer
        return Answer(answer.status, dict(answer.headers), content)
