"""A provider that answers wrongly, in every way that matters. Each answer differs from a good one in one thing."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oidc.core.util import create_half_hash
from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select

from app.identity.models import WebSession
from app.identity.register import register_person
from app.identity.roles import Role
from app.identity.transport import Answer
from app.store.database import db
from tests.integration.sign_in_support import settings_for, small_app

ISSUER = "https://id.example"
KEY = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"}, auto_kid=True)
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": KEY.kid, "use": "sig", "alg": "RS256"})
Change = Callable[[dict[str, Any], dict[str, Any]], None]


class Forger:
    """A provider in memory: its answer at the token endpoint is a good one, changed."""

    def __init__(self) -> None:
        self.nonce = ""
        self.change: Change = lambda claims, how: None
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        }

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        path = urlsplit(url).path
        found: dict[str, Any]
        if path == "/.well-known/openid-configuration":
            found = self.metadata
        elif path == "/jwks":
            found = {"keys": [KEY.as_dict(private=False)]}
        else:
            assert path == "/token"
            found = {"access_token": "opaque", "token_type": "Bearer", "id_token": self._id_token()}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())

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
        how: dict[str, Any] = {"key": KEY, "alg": "RS256"}
        self.change(claims, how)
        header = {"alg": how["alg"], "kid": KEY.kid}
        if how["alg"] == "RS256":
            return str(jwt.encode(header, claims, how["key"], algorithms=["RS256"]))
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        digest = hmac.new(KEY.as_pem(private=False), signed.encode(), sha256).digest()
        return f"{signed}.{_encoded(digest) if how['alg'] == 'HS256' else ''}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


@pytest.fixture
def forger() -> Forger:
    return Forger()


@pytest.fixture
def app(forger: Forger, tmp_path: Path) -> Iterator[Flask]:
    settings = settings_for(tmp_path, oidc_issuer=ISSUER, oidc_client_secret="secret")
    app = small_app(settings, transport=forger)
    with app.app_context():
        register_person("ada", "Ada Marsh", area_key=1, agency_key=7, roles=[(Role.IDVA, 7)])
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


def attempt(app: Flask, forger: Forger, query: str = "") -> tuple[int, int]:
    """Sign in; the status of the callback, and of a page that needs a signed-in person afterwards."""
    client = app.test_client()
    asked = parse_qs(urlsplit(client.get(f"/sign-in{query}").headers["Location"]).query)
    forger.nonce = asked["nonce"][0]
    answer = client.get("/sign-in/callback", query_string={"code": "a-code", "state": asked["state"][0]})
    return answer.status_code, client.get("/who").status_code


def test_the_unchanged_answer_is_accepted(app: Flask, forger: Forger) -> None:
    assert attempt(app, forger) == (302, 200)


def put(name: str, value: Any) -> Change:
    return lambda claims, how: claims.update({name: value})


def drop(name: str) -> Change:
    def change(claims: dict[str, Any], how: dict[str, Any]) -> None:
        del claims[name]

    return change


def sign(alg: str, key: Any) -> Change:
    return lambda claims, how: how.update({"alg": alg, "key": key})


BAD: dict[str, Change] = {
    "audience empty": put("aud", []),
    "audience empty text": put("aud", ""),
    "audience missing": drop("aud"),
    "audience another": put("aud", ["other"]),
    "audience nobody": put("aud", None),
    "audience several without authorised party": put("aud", ["convenor", "other"]),
    "authorised party another": put("azp", "other"),
    "issuer another": put("iss", "https://evil.example"),
    "issuer with a slash more": put("iss", ISSUER + "/"),
    "issuer missing": drop("iss"),
    "nonce another": put("nonce", "other"),
    "nonce empty": put("nonce", ""),
    "nonce missing": drop("nonce"),
    "subject missing": drop("sub"),
    "subject empty": put("sub", ""),
    "subject a number": put("sub", 5),
    "expired": put("exp", int(time.time()) - 300),
    "expiry missing": drop("exp"),
    "not valid yet": put("nbf", int(time.time()) + 600),
    "issued in the future": put("iat", int(time.time()) + 600),
    "issue time missing": drop("iat"),
    "access token another": put("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
    "sign-in time no number": put("auth_time", "yesterday"),
    "signed by somebody else": sign("RS256", OTHER_KEY),
    "signed with our public key as a secret": sign("HS256", None),
    "not signed": sign("none", None),
}


@pytest.mark.parametrize("name", BAD)
def test_an_answer_that_is_wrong_in_one_thing_is_refused(app: Flask, forger: Forger, name: str) -> None:
    forger.change = BAD[name]
    assert attempt(app, forger) == (403, 401)
    with app.app_context():
        assert db.session.execute(select(WebSession).where(WebSession.user_key.is_not(None))).first() is None


def test_several_audiences_are_accepted_when_the_authorised_party_is_us(app: Flask, forger: Forger) -> None:
    forger.change = lambda claims, how: claims.update(aud=["convenor", "other"], azp="convenor")
    assert attempt(app, forger) == (302, 200)


@pytest.mark.parametrize("change", [put("auth_time", int(time.time()) - 3600), drop("auth_time")])
def test_a_provider_that_did_not_ask_again_does_not_make_a_fresh_sign_in(
    app: Flask, forger: Forger, change: Change
) -> None:
    forger.change = change
    assert attempt(app, forger, "?fresh=1") == (403, 401)


def test_a_provider_that_says_no_sign_in_time_never_gives_a_fresh_session(app: Flask, forger: Forger) -> None:
    forger.change = drop("auth_time")
    client = app.test_client()
    asked = parse_qs(urlsplit(client.get("/sign-in").headers["Location"]).query)
    forger.nonce = asked["nonce"][0]
    client.get("/sign-in/callback", query_string={"code": "a-code", "state": asked["state"][0]})
    assert client.get("/who").json["fresh"] is False


def test_a_provider_that_names_another_issuer_is_not_used(app: Flask, forger: Forger) -> None:
    forger.metadata["issuer"] = "https://evil.example"
    assert app.test_client().get("/sign-in").status_code == 503
    forger.metadata["issuer"] = ISSUER
    assert attempt(app, forger) == (302, 200)


def test_a_user_name_binds_once_and_then_only_the_subject_counts(app: Flask, forger: Forger) -> None:
    assert attempt(app, forger) == (302, 200)
    forger.change = put("sub", "subject-2")
    assert attempt(app, forger) == (403, 401)


def test_nobody_is_sent_elsewhere_after_signing_in(app: Flask, forger: Forger) -> None:
    for where in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/sign-out"):
        client = app.test_client()
        asked = parse_qs(urlsplit(client.get("/sign-in", query_string={"next": where}).headers["Location"]).query)
        forger.nonce = asked["nonce"][0]
        answer = client.get("/sign-in/callback", query_string={"code": "c", "state": asked["state"][0]})
        assert answer.headers["Location"] == "/", where
