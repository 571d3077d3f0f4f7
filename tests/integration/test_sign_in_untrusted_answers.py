"""A provider that answers wrongly, in every way that matters. Each answer differs from a good one in one thing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from joserfc.jwk import RSAKey
from sqlalchemy import select

from app.identity.models import WebSession
from app.store.database import db
from tests.integration.sign_in_forger import ISSUER, KEY, Change, Forger, app_with, attempt, begin, finish

OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": KEY.kid, "use": "sig", "alg": "RS256"})


@pytest.fixture
def forger() -> Forger:
    return Forger()


@pytest.fixture
def app(forger: Forger, tmp_path: Path) -> Iterator[Flask]:
    with app_with(forger, tmp_path, oidc_client_secret="secret") as app:
        yield app


def test_the_unchanged_answer_is_accepted(app: Flask, forger: Forger) -> None:
    assert attempt(app, forger) == (302, 200)


def put(name: str, value: Any) -> Change:
    return lambda claims, how: claims.update({name: value})


def away(name: str, seconds: int) -> Change:
    """A time that far from the moment of the answer."""
    return lambda claims, how: claims.update({name: int(time.time()) + seconds})


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
    "expired": away("exp", -300),
    "expiry missing": drop("exp"),
    "not valid yet": away("nbf", 600),
    "issued in the future": away("iat", 600),
    "issue time missing": drop("iat"),
    "access token another": put("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
    "sign-in time no number": put("auth_time", "yesterday"),
    "sign-in time beyond every calendar": put("auth_time", 10**18),
    "sign-in time without end": put("auth_time", float("inf")),
    "sign-in time that is none": put("auth_time", float("nan")),
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


@pytest.mark.parametrize("change", [away("auth_time", -3600), drop("auth_time")])
def test_a_provider_that_did_not_ask_again_does_not_make_a_fresh_sign_in(
    app: Flask, forger: Forger, change: Change
) -> None:
    forger.change = change
    assert attempt(app, forger, "?fresh=1") == (403, 401)


def test_a_provider_that_says_no_sign_in_time_never_gives_a_fresh_session(app: Flask, forger: Forger) -> None:
    forger.change = drop("auth_time")
    client = app.test_client()
    finish(client, begin(client, forger))
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
        answer = finish(client, begin(client, forger, f"?{urlencode({'next': where})}"))
        assert answer.headers["Location"] == "/", where
