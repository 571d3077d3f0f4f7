"""A provider in memory that answers well, or wrongly in one chosen thing; and a browser that tries to sign in with it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.oidc.core.util import create_half_hash
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from app.identity.register import register_person
from app.identity.roles import Role
from app.identity.transport import Answer, NoAnswer
from app.store.database import db
from tests.integration.sign_in_support import settings_for, small_app

ISSUER = "https://id.example"
KEY = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"}, auto_kid=True)
Change = Callable[[dict[str, Any], dict[str, Any]], None]


class Forger:
    """What it answers at the token endpoint is a good answer, changed: the ID token by `change`, the rest by `told`."""

    def __init__(self) -> None:
        self.nonce = ""
        self.change: Change = lambda claims, how: None
        self.told: Callable[[dict[str, Any]], Answer] = answer
        self.keys: list[RSAKey] = [KEY]
        self.unreachable: set[str] = set()
        self.asked: list[tuple[str, str, dict[str, str], bytes | None]] = []
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        }

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        self.asked.append((method, url, dict(headers), body))
        path = urlsplit(url).path
        if path in self.unreachable:
            raise NoAnswer
        if path == "/.well-known/openid-configuration":
            return answer(self.metadata)
        if path == "/jwks":
            return answer({"keys": [key.as_dict(private=False) for key in self.keys]})
        assert path == "/token"
        return self.told({"access_token": "opaque", "token_type": "Bearer", "id_token": self._id_token()})

    def times(self, path: str) -> int:
        """How often it was asked there."""
        return sum(urlsplit(url).path == path for _, url, _, _ in self.asked)

    def question(self, path: str) -> tuple[str, dict[str, str], bytes | None]:
        """What it was asked there first: method, headers, body."""
        return next((how, headers, body) for how, url, headers, body in self.asked if urlsplit(url).path == path)

    def _id_token(self) -> str:
        now = int(time.time())
        half = create_half_hash("opaque", "RS256")
        assert half is not None
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": "subject-1",
            "aud": ["convenor"],
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "nonce": self.nonce,
            "at_hash": half.decode(),
            "preferred_username": "ada",
        }
        how: dict[str, Any] = {"key": KEY, "alg": "RS256", "kid": KEY.kid}
        self.change(claims, how)
        header = {"alg": how["alg"], "kid": how["kid"]}
        if how["alg"] == "RS256":
            return str(jwt.encode(header, claims, how["key"], algorithms=["RS256"]))
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        digest = hmac.new(KEY.as_pem(private=False), signed.encode(), sha256).digest()
        return f"{signed}.{_encoded(digest) if how['alg'] == 'HS256' else ''}"


def answer(said: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON, or of bytes as they are."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Answer(status, {"Content-Type": "application/json", **headers}, body)


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@contextmanager
def app_with(forger: Forger, folder: Path, **overrides: Any) -> Iterator[Flask]:
    """An application that trusts the forger, and knows one person."""
    app = small_app(settings_for(folder, oidc_issuer=ISSUER, **overrides), transport=forger)
    with app.app_context():
        register_person("ada", "Ada Marsh", area_key=1, agency_key=7, roles=[(Role.IDVA, 7)])
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


def begin(client: FlaskClient, forger: Forger, query: str = "") -> str:
    """Ask to sign in; the state."""
    asked = parse_qs(urlsplit(client.get(f"/sign-in{query}").headers["Location"]).query)
    forger.nonce = asked["nonce"][0]
    return asked["state"][0]


def finish(client: FlaskClient, state: str, code: str = "a-code", **more: str) -> TestResponse:
    """Come back from the provider."""
    return client.get("/sign-in/callback", query_string={"code": code, "state": state, **more})


def attempt(app: Flask, forger: Forger, query: str = "") -> tuple[int, int]:
    """Sign in; the status of the callback, and of a page that needs a signed-in person afterwards."""
    client = app.test_client()
    answer = finish(client, begin(client, forger, query))
    return answer.status_code, client.get("/who").status_code
