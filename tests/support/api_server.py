"""A live server over a database of its own, and the official client signed in as demo people."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from camunda_orchestration_sdk import CamundaClient
from flask import Flask, Response
from werkzeug.serving import make_server

from app import devidp
from app.factory import create_app
from app.settings import Env, Settings
from app.store.clock import clock
from app.store.database import db
from app.store.keys import LARGEST_KEY
from tests.conftest import START, Time


@dataclass
class Server:
    """A running server.

    :ivar hours: moves business time and does what is due.
    """

    app: Flask
    url: str
    hours: Time
    _clients: dict[str, CamundaClient] = field(default_factory=dict)

    def client(self, username: str) -> CamundaClient:
        """The official client, acting as a demo person by client credentials. One for each person."""
        if username not in self._clients:
            self._clients[username] = self.fresh_client(username)
        return self._clients[username]

    def fresh_client(self, username: str, secret: str | None = None) -> CamundaClient:
        return CamundaClient(configuration=self.configuration(username, secret))

    def configuration(self, username: str, secret: str | None = None) -> dict[str, str]:
        """The client's settings, for somebody."""
        settings: Settings = self.app.config["SETTINGS"]
        return {
            "CAMUNDA_REST_ADDRESS": self.url,
            "CAMUNDA_AUTH_STRATEGY": "OAUTH",
            "CAMUNDA_OAUTH_URL": f"{self.url}/devidp/token",
            "CAMUNDA_CLIENT_ID": username,
            "CAMUNDA_CLIENT_SECRET": secret or devidp.client_secret(settings, username),
            "CAMUNDA_TOKEN_AUDIENCE": settings.api_audience,
            "CAMUNDA_TOKEN_DISK_CACHE_DISABLE": "true",
            "CAMUNDA_SDK_LOG_LEVEL": "silent",
        }

    def token(self, username: str) -> str:
        """A bearer token, for what the client has no method for."""
        headers = self.client(username).auth_provider.get_headers()
        return headers["Authorization"].removeprefix("Bearer ")

    def given(self, answers: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Something looked up in the record, for instance answers that name somebody's id."""
        with self.app.app_context():
            try:
                return answers(*args, **more)
            finally:
                db.session.expunge_all()
                db.session.rollback()


@contextmanager
def running_on(kind: str, request: pytest.FixtureRequest, seeded: Path, folder: Path) -> Iterator[Server]:
    """The same on SQLite or PostgreSQL, by name."""
    if kind == "sqlite":
        with running(seeded, folder) as found:
            yield found
        return
    databases = request.getfixturevalue("postgres_server")
    address = databases.new(request.getfixturevalue("seeded_on_postgresql"))
    try:
        with running(seeded, folder, address) as found:
            yield found
    finally:
        databases.drop(address)


@contextmanager
def running(seeded: Path, folder: Path, database_url: str = "") -> Iterator[Server]:
    """A server over the demo area, with its people and the shipped procedures, on a port of its own.

    :param seeded: copied for SQLite.
    :param database_url: a copy of the same on PostgreSQL, to use instead.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shutil.copytree(seeded, folder)
    settings = Settings(
        env=Env.TEST, data=folder, port=port, base_url=f"http://127.0.0.1:{port}", database_url=database_url
    )
    clock.freeze(START)
    app = create_app(settings)
    app.after_request(_with_keys_of_64_bits)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, name="api-server", daemon=True)
    thread.start()
    try:
        yield Server(app, f"http://127.0.0.1:{port}", Time(app))
    finally:
        server.shutdown()
        thread.join(timeout=30)
        server.server_close()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        clock.freeze(None)


_NO_NUMBERS = frozenset(
    {"correlationKey", "decisionEvaluationInstanceKey"}
)  # texts in the contract, whatever their names
_PEOPLES_OWN = frozenset({"customHeaders", "variables"})


def _with_keys_of_64_bits(answer: Response) -> Response:
    """Clients for Java read every key as a number of 64 bits: whatever is asked of this server, each key in the answer is one."""
    if answer.is_json:
        wrong = [(name, key) for name, key in _keys(answer.get_json()) if not _is_long(key)]
        assert not wrong, wrong
    return answer


def _keys(told: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(told, list):
        for each in told:
            yield from _keys(each)
    elif isinstance(told, dict):
        for name, value in told.items():
            if name.endswith("Key") and name not in _NO_NUMBERS and not isinstance(value, dict | None):
                yield name, value
            elif name not in _PEOPLES_OWN:
                yield from _keys(value)


def _is_long(key: Any) -> bool:
    return isinstance(key, str) and key.removeprefix("-").isdigit() and abs(int(key)) <= LARGEST_KEY
