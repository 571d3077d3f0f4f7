"""Signing in and out against the development identity provider, as a browser does it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.audit import AuditEntry
from app.devidp import client_secret, init_app
from app.identity.active import end_sessions
from app.identity.models import User, WebSession
from app.identity.register import deactivate, register_person
from app.identity.roles import Role
from app.identity.sessions import sweep
from app.settings import Settings, SettingsError
from app.store.database import db
from tests.integration.sign_in_support import settings_for, small_app


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = small_app(settings)
    with app.app_context():
        register_person("ada", "Ada Marsh", area_key=1, agency_key=7, roles=[(Role.REFERRING_PRACTITIONER, 7)])
        register_person("ben", "Ben Holt", area_key=1, roles=[(Role.MARAC_CHAIR, None)])
        register_person("cy", "Cy Nowak", area_key=1)
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def begin(client: FlaskClient, query: str = "") -> str:
    """Ask to sign in; the provider's address that the browser is sent to."""
    answer = client.get(f"/sign-in{query}")
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def choose(client: FlaskClient, authorize: str, username: str) -> str:
    """Choose a person on the provider's page; the callback's address."""
    answer = client.post(authorize, data={"person": username})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def sign_in(client: FlaskClient, username: str, query: str = "") -> Any:
    return client.get(choose(client, begin(client, query), username))


def cookie_of(client: FlaskClient) -> str | None:
    cookie = client.get_cookie("convenor")
    return cookie.value if cookie else None


def test_a_person_signs_in_and_lands_where_they_wanted_to_go(client: FlaskClient) -> None:
    answer = sign_in(client, "ada", "?next=/cases/5%3Ftab%3Dpeople")
    assert answer.headers["Location"] == "/cases/5?tab=people"
    assert client.get("/who").json == {"username": "ada", "roles": ["referring-practitioner"], "fresh": True}


def test_the_request_carries_pkce_state_nonce_and_a_bound_on_the_age_of_the_providers_session(
    client: FlaskClient,
) -> None:
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert asked["max_age"] == [str(12 * 3600)]
    assert {"code_challenge", "state", "nonce"} <= set(asked)


def test_the_page_names_the_people_with_role_and_without_password(client: FlaskClient) -> None:
    page = client.get(begin(client)).text
    for text in ("Ada Marsh", "Referring practitioner", "Ben Holt", "MARAC Chair", "Cy Nowak", "No role"):
        assert text in page
    assert 'type="password"' not in page


def test_choosing_nobody_is_told_on_the_page(client: FlaskClient) -> None:
    answer = client.post(begin(client), data={})
    assert answer.status_code == 400
    assert "Select who you want to sign in as" in answer.text


def test_the_session_is_rotated_and_the_cookie_is_guarded(client: FlaskClient) -> None:
    authorize = begin(client)
    before = cookie_of(client)
    answer = client.get(choose(client, authorize, "ada"))
    header = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("convenor="))
    assert before is not None
    assert cookie_of(client) not in {None, before}
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    stale = client.application.test_client()
    stale.set_cookie("convenor", before)
    assert stale.get("/who").status_code == 401


def test_a_code_cannot_be_used_twice(client: FlaskClient) -> None:
    callback = choose(client, begin(client), "ada")
    code = parse_qs(urlsplit(callback).query)["code"][0]
    assert client.get(callback).status_code == 302
    other = client.application.test_client()
    state = parse_qs(urlsplit(begin(other)).query)["state"][0]
    answer = other.get(f"/sign-in/callback?code={code}&state={state}&iss=http://localhost")
    assert answer.status_code == 403
    assert other.get("/who").status_code == 401


def test_the_same_answer_sent_again_changes_nothing(client: FlaskClient) -> None:
    callback = choose(client, begin(client), "ada")
    client.get(callback)
    held = cookie_of(client)
    again = client.get(callback)
    assert again.headers["Location"] == "/"
    assert cookie_of(client) == held
    assert client.get("/who").status_code == 200


def test_another_browser_cannot_finish_a_sign_in(client: FlaskClient, app: Flask) -> None:
    callback = choose(client, begin(client), "ada")
    victim = app.test_client()
    answer = victim.get(callback)
    assert answer.status_code == 403
    assert "already been used or has run out of time" in answer.text
    assert victim.get("/who").status_code == 401


@pytest.mark.parametrize("missing", ["state", "code", "iss"])
def test_an_answer_without_a_part_is_refused(client: FlaskClient, missing: str) -> None:
    parts = urlsplit(choose(client, begin(client), "ada"))
    query = {name: value[0] for name, value in parse_qs(parts.query).items() if name != missing}
    answer = client.get(parts.path, query_string=query)
    assert answer.status_code == 403
    assert client.get("/who").status_code == 401


def test_an_answer_of_another_issuer_is_refused(client: FlaskClient) -> None:
    callback = choose(client, begin(client), "ada").replace("iss=http://localhost", "iss=http://other.example")
    assert client.get(callback).status_code == 403


def test_a_cancelled_sign_in_says_so(client: FlaskClient) -> None:
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    answer = client.get(f"/sign-in/callback?error=access_denied&state={state}")
    assert answer.status_code == 403
    assert "cancelled or refused" in answer.text


def test_somebody_without_a_role_gets_an_explanation(client: FlaskClient) -> None:
    answer = sign_in(client, "cy", "?next=/who")
    assert answer.headers["Location"] == "/no-role"
    assert client.get("/who").headers["Location"] == "/no-role", "whatever page they ask for"
    page = client.get("/no-role")
    assert page.status_code == 200
    assert "Cy Nowak" in page.text
    assert "MARAC Co-ordinator" in page.text


def test_a_page_that_nobody_opened_is_closed_to_who_is_not_signed_in(client: FlaskClient, app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "content")
    assert client.get("/forgotten").status_code == 401
    assert client.get("/").status_code == 200


def test_signing_out_ends_the_session_here_and_at_the_provider(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    held = cookie_of(client) or ""
    assert client.get("/sign-out").status_code == 200
    assert client.get("/who").status_code == 200, "a link must not sign anybody out"
    answer = client.post("/sign-out")
    where = answer.headers["Location"]
    assert urlsplit(where).path == "/devidp/end-session"
    done = client.get(where)
    assert urlsplit(done.headers["Location"]).path == "/sign-out/done"
    assert "You have signed out" in client.get(done.headers["Location"]).text
    thief = app.test_client()
    thief.set_cookie("convenor", held)
    assert thief.get("/who").status_code == 401
    assert client.get(begin(client)).status_code == 200, "the provider must ask who it is"


def test_the_provider_remembers_who_is_signed_in_until_sign_out(client: FlaskClient) -> None:
    sign_in(client, "ada")
    client.delete_cookie("convenor")
    answer = client.get(begin(client))
    assert answer.status_code == 302
    client.get(answer.headers["Location"])
    assert client.get("/who").json["username"] == "ada"


def test_a_deactivated_persons_session_ends_at_once_and_signing_in_is_refused(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    with app.app_context():
        deactivate(db.session.execute(select(User.key).where(User.username == "ada")).scalar_one())
        db.session.commit()
        assert db.session.execute(select(WebSession).where(WebSession.user_key.is_not(None))).first() is None
    assert client.get("/who").status_code == 401
    page = client.get(begin(client)).text
    assert "Ada Marsh" not in page


def test_a_session_ends_when_it_is_not_used(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    _set(app, last_seen_at=datetime.now(UTC) - timedelta(minutes=31))
    assert client.get("/who").status_code == 401
    asked = parse_qs(urlsplit(begin(client)).query)
    assert asked["prompt"] == ["login"], "who left a session unused proves again who they are"
    assert asked["max_age"] == ["0"]


def test_a_session_ends_at_its_absolute_time_however_much_it_is_used(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    _set(app, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get("/who").status_code == 401


def test_use_keeps_a_session_alive_and_is_written_at_most_once_a_minute(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    recent = datetime.now(UTC) - timedelta(seconds=30)
    _set(app, last_seen_at=recent)
    client.get("/who")
    assert _seen(app) == recent
    _set(app, last_seen_at=datetime.now(UTC) - timedelta(minutes=20))
    client.get("/who")
    assert datetime.now(UTC) - _seen(app) < timedelta(minutes=1)


def test_what_a_session_remembers_cannot_be_read_from_the_database(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    with app.app_context():
        row = db.session.execute(select(WebSession).where(WebSession.user_key.is_not(None))).scalar_one()
        assert row.sealed is not None
        assert b"id_token" not in row.sealed
        assert cookie_of(client) not in {row.id_hash, str(row.key)}


def test_a_fresh_sign_in_asks_again_and_comes_back(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    _set(app, auth_time=datetime.now(UTC) - timedelta(minutes=6))
    assert client.get("/release").text == "fresh:/release"
    authorize = begin(client, "?fresh=1&next=/release")
    assert client.get(authorize).status_code == 200, "the provider must ask again although it knows the browser"
    answer = client.get(choose(client, authorize, "ada"))
    assert answer.headers["Location"] == "/release"
    assert client.get("/release").text == "released"


def test_somebody_else_who_signs_in_again_does_not_land_on_the_first_persons_page(client: FlaskClient) -> None:
    sign_in(client, "ada")
    answer = client.get(choose(client, begin(client, "?fresh=1&next=/release"), "ben"))
    assert answer.headers["Location"] == "/"
    assert client.get("/").text == "ben"


def test_a_person_sees_where_they_are_signed_in_and_signs_out_everywhere_else(client: FlaskClient, app: Flask) -> None:
    other = app.test_client()
    sign_in(client, "ada")
    sign_in(other, "ada")
    page = client.get("/account").text
    assert page.count("Another browser") == 1
    assert "Referring practitioner" in page
    assert client.post("/account/sign-out-elsewhere").status_code == 302
    assert other.get("/who").status_code == 401
    assert client.get("/account").text.count("Another browser") == 0


def test_signing_out_elsewhere_needs_a_fresh_sign_in(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    _set(app, auth_time=datetime.now(UTC) - timedelta(hours=1))
    assert client.post("/account/sign-out-elsewhere").text == "fresh:/account"


def test_ending_every_session_ends_them_all(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    with app.app_context():
        assert end_sessions([user.key for user in db.session.execute(select(User)).scalars()]) == 1
        db.session.commit()
    assert client.get("/who").status_code == 401


def test_rows_of_ended_sessions_are_swept_away(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    with app.app_context():
        assert sweep() == 0
    _set(app, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with app.app_context():
        assert sweep() == 1
        assert db.session.execute(select(WebSession)).first() is None


def test_a_script_gets_a_token_for_a_demo_person(client: FlaskClient, app: Flask, settings: Settings) -> None:
    assert _api(client, _token(client, settings, "ben")) == {"username": "ben", "client": "ben", "fresh": True}


def test_a_wrong_secret_or_an_unknown_client_gets_no_token(client: FlaskClient, settings: Settings) -> None:
    for username, secret in (("ben", "wrong"), ("nobody", "x"), ("convenor", "")):
        answer = client.post(
            "/devidp/token", data={"grant_type": "client_credentials", "client_id": username, "client_secret": secret}
        )
        assert answer.status_code in {400, 401}
        assert "access_token" not in answer.json


def test_a_deactivated_persons_token_is_refused(client: FlaskClient, app: Flask, settings: Settings) -> None:
    token = _token(client, settings, "ben")
    with app.app_context():
        deactivate(db.session.execute(select(User.key).where(User.username == "ben")).scalar_one())
        db.session.commit()
    assert client.get("/v2/who", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_changed_token_and_an_id_token_are_no_access_tokens(
    client: FlaskClient, app: Flask, settings: Settings
) -> None:
    token = _token(client, settings, "ben")
    head, body, tail = token.split(".")
    padded = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).replace(b'"ben"', b'"ada"')
    forged = ".".join((head, base64.urlsafe_b64encode(padded).rstrip(b"=").decode(), tail))
    sign_in(client, "ada")
    where = urlsplit(client.post("/sign-out").headers["Location"])
    id_token = parse_qs(where.query)["id_token_hint"][0]
    for bad in (forged, id_token, "x.y.z", ""):
        assert client.get("/v2/who", headers={"Authorization": f"Bearer {bad}"}).status_code == 401


def test_a_session_is_no_token_and_a_token_is_no_session(client: FlaskClient, settings: Settings) -> None:
    sign_in(client, "ada")
    assert client.get("/v2/who").status_code == 401
    headers = {"Authorization": f"Bearer {_token(client, settings, 'ben')}"}
    assert client.get("/who", headers=headers).json["username"] == "ada"


def test_user_information_needs_the_token(client: FlaskClient, settings: Settings) -> None:
    assert client.get("/devidp/userinfo").status_code == 401
    headers = {"Authorization": f"Bearer {_token(client, settings, 'ben')}"}
    assert client.get("/devidp/userinfo", headers=headers).json["preferred_username"] == "ben"


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "http://evil.example/callback"},
        {"client_id": "other"},
        {"code_challenge_method": "plain"},
        {"nonce": ""},
        {"response_type": "token"},
    ],
)
def test_the_provider_refuses_a_request_that_is_not_ours(client: FlaskClient, change: dict[str, str]) -> None:
    parts = urlsplit(begin(client))
    query = {name: value[0] for name, value in parse_qs(parts.query).items()} | change
    assert client.get(parts.path, query_string=query).status_code == 400
    assert client.post(parts.path, query_string=query, data={"person": "ada"}).status_code == 400


def test_the_provider_refuses_to_run_in_production(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        env="production",
        base_url="https://convenor.example",
        oidc_issuer="https://id.example",
        oidc_client_secret="secret",
    )
    with pytest.raises(SettingsError):
        init_app(Flask("x"), settings)


def test_sign_ins_and_refusals_are_on_the_record(client: FlaskClient, app: Flask) -> None:
    sign_in(client, "ada")
    client.post("/sign-out")
    app.test_client().get("/sign-in/callback?state=x&code=y")
    with app.app_context():
        entries = db.session.execute(select(AuditEntry).order_by(AuditEntry.wall_at, AuditEntry.key)).scalars().all()
        ada = db.session.execute(select(User.key).where(User.username == "ada")).scalar_one()
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("sign-in", ada),
        ("sign-out", ada),
        ("sign-in.refused", None),
    ]


def _token(client: FlaskClient, settings: Settings, username: str) -> str:
    answer = client.post(
        "/devidp/token",
        data={
            "grant_type": "client_credentials",
            "client_id": username,
            "client_secret": client_secret(settings, username),
            "audience": "anything",
        },
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json["access_token"])


def _api(client: FlaskClient, token: str) -> Any:
    return client.get("/v2/who", headers={"Authorization": f"Bearer {token}"}).json


def _set(app: Flask, **values: Any) -> None:
    with app.app_context():
        db.session.execute(update(WebSession).where(WebSession.user_key.is_not(None)).values(**values))
        db.session.commit()


def _seen(app: Flask) -> datetime:
    with app.app_context():
        return db.session.execute(select(WebSession.last_seen_at).where(WebSession.user_key.is_not(None))).scalar_one()
