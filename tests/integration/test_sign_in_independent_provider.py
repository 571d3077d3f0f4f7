"""Signing in against a certified provider that Convenor's authors did not write (npm's oidc-provider), over real HTTP."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.identity.models import User
from app.identity.register import register_person
from app.identity.roles import Role
from app.store.database import db
from tests.integration.sign_in_support import settings_for, small_app

FOLDER = Path(__file__).parent / "oidc_provider"
BASE = "http://localhost"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The provider's address; it runs until the module's tests are done."""
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm, "npm is needed for the independent identity provider"
    assert node, "Node is needed for the independent identity provider"
    if not (FOLDER / "node_modules" / "oidc-provider").is_dir():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, capture_output=True, timeout=180)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [node, "server.mjs", str(port), BASE], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        assert any(line.strip() == "ready" for line in server.stdout), "the provider did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def app_for(issuer: str, folder: Path, **overrides: Any) -> Flask:
    settings = settings_for(folder, oidc_issuer=issuer, oidc_client_secret="a-test-secret", **overrides)
    return small_app(settings, find_agency=lambda name, _area: (42, 1) if name == "refuge" else None)


@pytest.fixture
def app(issuer: str, tmp_path: Path) -> Iterator[Flask]:
    app = app_for(issuer, tmp_path)
    with app.app_context():
        register_person("ada", "Registered Name", area_key=1, agency_key=42, roles=[(Role.IDVA, 42)])
        db.session.commit()
    yield app
    with app.app_context():
        db.engine.dispose()


def at_provider(browser: requests.Session, address: str, login: str) -> str:
    """What a person's browser does at the provider: sign in, consent, follow; the address it is sent back to."""
    answer = browser.get(address, allow_redirects=False)
    for _ in range(12):
        if answer.is_redirect:
            where = urljoin(answer.url, answer.headers["Location"])
            if where.startswith(BASE):
                return where
            answer = browser.get(where, allow_redirects=False)
            continue
        assert answer.status_code == 200, answer.text
        action = re.search(r'action="([^"]+)"', answer.text)
        prompt = re.search(r'name="prompt" value="([^"]+)"', answer.text)
        assert action
        assert prompt
        fields = {"prompt": prompt.group(1), "login": login, "password": "any"}
        answer = browser.post(urljoin(answer.url, action.group(1)), data=fields, allow_redirects=False)
    raise AssertionError("the provider did not send the browser back")


def sign_in(client: FlaskClient, browser: requests.Session, login: str, query: str = "") -> Any:
    authorize = client.get(f"/sign-in{query}").headers["Location"]
    return client.get(at_provider(browser, authorize, login))


def test_a_registered_person_signs_in_and_is_bound_to_the_providers_subject(app: Flask) -> None:
    client = app.test_client()
    answer = sign_in(client, requests.Session(), "ada", "?next=/who")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/who"
    assert client.get("/who").json == {"username": "ada", "roles": ["idva"], "fresh": True}
    with app.app_context():
        user = db.session.execute(select(User)).scalar_one()
        assert (user.subject, user.name, user.email) == ("ada", "Ada Marsh", "ada@agency.example")


def test_a_stranger_is_entered_without_a_role_and_told_so(app: Flask) -> None:
    client = app.test_client()
    answer = sign_in(client, requests.Session(), "stranger")
    assert answer.headers["Location"] == "/no-role"
    assert client.get("/no-role").status_code == 200


def test_a_code_is_taken_once(app: Flask) -> None:
    client, other, browser = app.test_client(), app.test_client(), requests.Session()
    first = at_provider(browser, client.get("/sign-in").headers["Location"], "ada")
    assert client.get(first).status_code == 302
    second = parse_qs(urlsplit(other.get("/sign-in").headers["Location"]).query)["state"][0]
    query = {name: value[0] for name, value in parse_qs(urlsplit(first).query).items()} | {"state": second}
    assert other.get("/sign-in/callback", query_string=query).status_code == 403
    assert other.get("/who").status_code == 401


def test_the_nonce_ties_the_answer_to_the_question(app: Flask) -> None:
    client, browser = app.test_client(), requests.Session()
    asked = urlsplit(client.get("/sign-in").headers["Location"])
    query = {name: value[0] for name, value in parse_qs(asked.query).items()} | {"nonce": "another"}
    changed = requests.Request("GET", f"{asked.scheme}://{asked.netloc}{asked.path}", params=query).prepare().url
    assert changed
    assert client.get(at_provider(browser, changed, "ada")).status_code == 403
    assert client.get("/who").status_code == 401


def test_signing_in_again_asks_again(app: Flask) -> None:
    client, browser = app.test_client(), requests.Session()
    sign_in(client, browser, "ada")
    authorize = client.get("/sign-in?fresh=1&next=/release").headers["Location"]
    page = browser.get(authorize)
    assert 'name="login"' in page.text, "the provider must ask who it is"
    answer = client.get(at_provider(browser, authorize, "ada"))
    assert answer.headers["Location"] == "/release"
    assert client.get("/release").text == "released"


def test_signing_out_ends_both_sessions(app: Flask) -> None:
    client, browser = app.test_client(), requests.Session()
    sign_in(client, browser, "ada")
    where = client.post("/sign-out").headers["Location"]
    asked = parse_qs(urlsplit(where).query)
    assert asked["post_logout_redirect_uri"] == [f"{BASE}/sign-out/done"]
    page = browser.get(where)
    form = re.search(r'action="([^"]+)"', page.text)
    secret = re.search(r'name="xsrf" value="([^"]+)"', page.text)
    assert form
    assert secret
    done = browser.post(
        urljoin(where, form.group(1)), data={"xsrf": secret.group(1), "logout": "yes"}, allow_redirects=False
    )
    assert done.headers["Location"].startswith(f"{BASE}/sign-out/done?state=")
    assert client.get("/who").status_code == 401
    again = browser.get(client.get("/sign-in").headers["Location"])
    assert 'name="login"' in again.text


def test_roles_and_agency_can_come_from_the_providers_claims(issuer: str, tmp_path: Path) -> None:
    app = app_for(issuer, tmp_path, oidc_roles_claim="groups")
    client = app.test_client()
    sign_in(client, requests.Session(), "ada")
    assert client.get("/who").json["roles"] == ["idva"]
    with app.app_context():
        assert db.session.execute(select(User.agency_key, User.area_key)).one() == (42, 1)
        db.engine.dispose()


def test_a_service_gets_a_token_that_the_api_accepts(app: Flask, issuer: str) -> None:
    with app.app_context():
        register_person("robot", "Case system", area_key=1, subject="robot", roles=[(Role.MARAC_COORDINATOR, None)])
        db.session.commit()
    answer = requests.post(
        f"{issuer}/token", data={"grant_type": "client_credentials"}, auth=("robot", "a-robot-secret"), timeout=10
    )
    client = app.test_client()
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert client.get("/v2/who", headers=headers).json == {"username": "robot", "client": "robot", "fresh": False}


def test_a_provider_that_does_not_answer_is_said_plainly(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        app = app_for(f"http://127.0.0.1:{closed.getsockname()[1]}", tmp_path)
        answer = app.test_client().get("/sign-in")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
