"""What is sent to the provider's token endpoint, and every kind of answer that is none."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2 import client as authlib_client
from flask import Flask
from joserfc.jwk import RSAKey

from app.identity import provider
from app.identity.transport import Answer
from app.store.clock import wall_now
from tests.integration.sign_in_forger import ISSUER, Forger, answer, app_with, attempt, begin, finish

NEW_KEY = RSAKey.generate_key(2048, parameters={"use": "sig", "alg": "RS256"}, auto_kid=True)
SECRET = "a secret+with:signs/and=é"
Told = Callable[[dict[str, Any]], Answer]


@pytest.fixture
def forger() -> Forger:
    return Forger()


@pytest.fixture
def app(forger: Forger, tmp_path: Path) -> Iterator[Flask]:
    with app_with(forger, tmp_path, oidc_client_secret=SECRET) as app:
        yield app


def instead(said: Any, status: int = 200, **headers: str) -> Told:
    return lambda good: answer(said, status, **headers)


def but(status: int = 200, **changed: Any) -> Told:
    return lambda good: answer(good | changed, status)


def without(name: str) -> Told:
    return lambda good: answer({key: value for key, value in good.items() if key != name})


REFUSED: dict[str, Told] = {
    "not JSON": instead(b"<!DOCTYPE html>"),
    "empty": instead(b""),
    "not UTF-8": instead(b'{"access_token": "\xff\xfe'),
    "a list": instead([]),
    "a text": instead("token"),
    "a number": instead(5),
    "nothing": instead(None),
    "nested without end": instead(b"[" * 500_000),
    "a number without end": instead(b'{"id_token": ' + b"9" * 10_000 + b"}"),
    "an error": instead({"error": "invalid_grant", "error_description": "Code not valid"}, 400),
    "an error with status 200": instead({"error": "invalid_grant"}),
    "an error described in German": instead({"error": "invalid_grant", "error_description": "Code ungültig"}, 400),
    "an error described by a number": instead({"error": "invalid_grant", "error_description": 5}, 400),
    "an error that is a list": instead({"error": ["invalid_grant"], "error_description": ["x"]}, 400),
    "an error beside a token": but(error="server_error"),
    "a redirect": instead(b"", 302, Location=f"{ISSUER}/elsewhere"),
    "a redirect that is said in JSON": instead({"see": "elsewhere"}, 302, Location=f"{ISSUER}/elsewhere"),
    "no ID token": without("id_token"),
    "no ID token, but unsigned claims": lambda good: answer(
        {"access_token": "opaque", "userinfo": {"sub": "subject-1", "aud": "convenor", "preferred_username": "ada"}}
    ),
    "lasting not a number": but(expires_in="soon"),
    "lasting for ever": instead(b'{"access_token": "opaque", "expires_in": Infinity}'),
    "lasting a list": but(expires_in=["300"]),
    **{
        f"ID token {name}": but(id_token=value)
        for name, value in {
            "null": None,
            "empty": "",
            "a number": 5,
            "true": True,
            "a list": ["a.b.c"],
            "an object": {"sub": "subject-1"},
            "one part": "a",
            "three parts of nothing": "..",
            "not base64": "é.é.é",
            "five parts": "a.b.c.d.e",
            "without claims": "eyJhbGciOiJub25lIn0.W10.",
            "too large": "a" * 200_000,
        }.items()
    },
    "access token a number": but(access_token=5),
    "access token a list": but(access_token=["opaque"]),
}
UNAVAILABLE: dict[str, Told] = {
    "a server's error": instead(b"Internal Server Error", 500),
    "a server's error that says more": but(503),
    "too many requests": instead(b"slow down", 429),
    "not found": instead(b"<html>", 404),
    "refused by something in between": instead(["no"], 403),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_token_answer_is_refused(app: Flask, forger: Forger, name: str) -> None:
    forger.told = REFUSED[name]
    assert attempt(app, forger) == (403, 401)
    assert forger.times("/token") == 1
    assert forger.times("/elsewhere") == 0


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_a_token_endpoint_that_does_not_work_is_said_to_be_away(app: Flask, forger: Forger, name: str) -> None:
    forger.told = UNAVAILABLE[name]
    assert attempt(app, forger) == (503, 401)


def test_a_token_endpoint_that_cannot_be_reached_is_said_to_be_away(app: Flask, forger: Forger) -> None:
    client = app.test_client()
    state = begin(client, forger)
    forger.unreachable.add("/token")
    page = finish(client, state)
    assert page.status_code == 503
    assert "The sign-in service does not answer" in page.text
    forger.unreachable.clear()
    assert finish(client, state).status_code == 403, "the question was answered once, however that went"
    assert attempt(app, forger) == (302, 200)


@pytest.mark.parametrize("kind", ["bearer", "DPoP", "", None, 5])
def test_the_kind_of_the_access_token_does_not_matter_as_it_is_not_used(app: Flask, forger: Forger, kind: Any) -> None:
    forger.told = but(token_type=kind)
    assert attempt(app, forger) == (302, 200)


def test_the_code_is_exchanged_with_its_verifier_and_the_clients_secret(app: Flask, forger: Forger) -> None:
    client = app.test_client()
    asked = parse_qs(urlsplit(client.get("/sign-in").headers["Location"]).query)
    forger.nonce = asked["nonce"][0]
    assert finish(client, asked["state"][0], code="c/o+d e&=é").status_code == 302
    method, headers, body = forger.question("/token")
    assert method == "POST"
    sent = parse_qs((body or b"").decode(), strict_parsing=True)
    verifier = sent.pop("code_verifier")[0]
    assert sent == {
        "grant_type": ["authorization_code"],
        "code": ["c/o+d e&=é"],
        "redirect_uri": ["http://localhost/sign-in/callback"],
    }
    assert len(verifier) >= 43
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    assert asked["code_challenge"] == [challenge]
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert headers["Accept"] == "application/json"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode("latin1") == f"convenor:{SECRET}"
    assert "Authorization" not in authlib_client.DEFAULT_HEADERS, "the secret stays with this one request"


def test_a_client_without_a_secret_names_itself(forger: Forger, tmp_path: Path) -> None:
    with app_with(forger, tmp_path, oidc_client_secret="") as app:
        assert attempt(app, forger) == (302, 200)
    _, headers, body = forger.question("/token")
    assert "Authorization" not in headers
    assert parse_qs((body or b"").decode())["client_id"] == ["convenor"]


def test_every_question_has_a_state_a_nonce_and_a_verifier_of_its_own(app: Flask) -> None:
    client = app.test_client()
    asked = [parse_qs(urlsplit(client.get("/sign-in").headers["Location"]).query) for _ in range(3)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({each[name][0] for each in asked}) == 3
        assert min(len(each[name][0]) for each in asked) >= 20


@pytest.mark.parametrize(
    "query", [{"error": "access_denied"}, {"code": ""}, {"iss": "https://evil.example"}, {"code": "a-code"}]
)
def test_a_state_is_used_once_however_the_answer_was(app: Flask, forger: Forger, query: dict[str, str]) -> None:
    forger.told = instead({"error": "invalid_grant"}, 400)
    client = app.test_client()
    state = begin(client, forger)
    assert finish(client, state, **query).status_code == 403
    asked = len(forger.asked)
    forger.told = answer
    again = finish(client, state)
    assert again.status_code == 403
    assert "already been used" in again.text
    assert len(forger.asked) == asked, "the provider is not asked with a state that was used"


def test_a_question_that_was_asked_too_long_ago_is_not_answered(
    app: Flask, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app.test_client()
    finish(client, begin(client, forger))
    state = begin(client, forger, "?fresh=1")
    monkeypatch.setattr(provider, "wall_now", lambda: wall_now() + timedelta(minutes=61))
    late = finish(client, state)
    assert late.status_code == 403
    assert "run out of time" in late.text
    assert forger.times("/token") == 1


def test_a_sign_in_begun_by_another_version_is_finished_or_refused(app: Flask, forger: Forger) -> None:
    whole = {
        "redirect_uri": "http://localhost/sign-in/callback",
        "next": "/who",
        "fresh": False,
        "asked_at": int(time.time()),
        "code_verifier": "v" * 48,
        "nonce": "n" * 20,
        "url": f"{ISSUER}/authorize?state=begun",
    }
    forger.nonce = "n" * 20
    needed = ("redirect_uri", "asked_at", "code_verifier", "nonce")
    cases: list[tuple[Any, int]] = [(whole, 302), (None, 403), ({}, 403)]
    cases += [({key: value for key, value in whole.items() if key != name}, 403) for name in needed]
    for data, status in cases:
        client = app.test_client()
        with client.session_transaction() as held:
            held["_state_provider_begun"] = {"data": data, "exp": time.time() + 3600}
        assert finish(client, "begun").status_code == status, data


def test_new_keys_of_the_provider_are_fetched_when_a_token_names_one(app: Flask, forger: Forger) -> None:
    assert attempt(app, forger) == (302, 200)
    forger.change = lambda claims, how: how.update(key=NEW_KEY, kid=NEW_KEY.kid)
    assert attempt(app, forger) == (403, 401), "nobody has published that key"
    assert forger.times("/jwks") == 2
    forger.unreachable.add("/jwks")
    assert attempt(app, forger) == (503, 401)
    forger.unreachable.clear()
    forger.keys = [NEW_KEY]
    assert attempt(app, forger) == (302, 200)
    assert forger.times("/jwks") == 4
    forger.change = lambda claims, how: None
    assert attempt(app, forger) == (403, 401), "the old key is no longer trusted"


@pytest.mark.parametrize("offered", [["none", "HS256"], ["none"], "RS256", 5, [["RS256"]], {"RS256": True}])
def test_a_provider_that_offers_no_algorithm_to_be_trusted_is_not_used(
    app: Flask, forger: Forger, offered: Any
) -> None:
    forger.metadata["id_token_signing_alg_values_supported"] = offered
    assert app.test_client().get("/sign-in").status_code == 503


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("value", [None, "", 5, ["https://id.example"]])
def test_a_provider_that_does_not_say_where_to_go_is_not_used(
    app: Flask, forger: Forger, name: str, value: Any
) -> None:
    forger.metadata[name] = value
    client = app.test_client()
    begun = client.get("/sign-in")
    if name == "authorization_endpoint":
        assert begun.status_code == 503
    else:
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        assert finish(client, state).status_code == 503


def test_what_else_the_provider_says_of_itself_does_not_change_how_it_is_asked(app: Flask, forger: Forger) -> None:
    forger.metadata |= {
        "scope": "everything",
        "code_challenge_method": "plain",
        "response_type": "token",
        "prompt": "none",
        "grant_type": "password",
        "token_endpoint_auth_method": "none",
        "leeway": 10**9,
        "client_id": "other",
        "session": "x",
    }
    client = app.test_client()
    asked = parse_qs(urlsplit(client.get("/sign-in").headers["Location"]).query)
    assert asked["scope"] == ["openid profile email"]
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    assert asked["client_id"] == ["convenor"]
    assert "prompt" not in asked
    assert attempt(app, forger) == (302, 200)
    assert "Authorization" in forger.question("/token")[1]
