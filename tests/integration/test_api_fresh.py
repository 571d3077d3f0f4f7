"""What changes running procedures asks a person's token for a recent sign-in, as RFC 9470 says; a program's token is not asked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from sqlalchemy import select

from app.devidp.keys import ALGORITHM, signing_key
from app.identity.tokens import is_machine
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.settings import Settings
from app.store.database import db
from tests.support.ward import Ward
from tests.unit.runtime.runtime_kit import doc, line, user

HOUR = 3600


@pytest.fixture
def ward(app: Flask) -> Ward:
    """Two instances on the first of two versions of a procedure."""
    ward = Ward(app)
    with app.app_context():
        for number, tasks in enumerate((["a"], ["a", "b"])):
            drawn = doc("".join(user(task) for task in tasks) + line(*tasks), pid="along")
            releases.publish_release({"a.bpmn": drawn}, area_key=ward.area, by=1, allow_undeclared=True)
            for _ in range(0 if number else 2):
                runtime.start("along", {}, area_key=ward.area, by=1)
        db.session.commit()
    return ward


def token(ward: Ward, username: str, **claims: Any) -> str:
    """A token of the trusted issuer, with claims of our choice."""
    settings: Settings = ward.app.config["SETTINGS"]
    now = int(time.time())
    told = {
        "iss": settings.issuer,
        "aud": settings.api_audience,
        "sub": username,
        "preferred_username": username,
        "client_id": "scripts",
        "iat": now,
        "exp": now + 300,
        **claims,
    }
    key = signing_key(settings)
    return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}, told, key)


def asks(ward: Ward) -> list[tuple[str, str, Any]]:
    """Who asks for what, each an act that changes what runs."""
    with ward.app.app_context():
        keys = select(Instance.key).where(Instance.process_id == "along").order_by(Instance.key)
        first, second = db.session.execute(keys).scalars()
        target = releases.find_definition(ward.area, "along", 2).key
    plan = {"targetProcessDefinitionKey": str(target), "mappingInstructions": []}
    only = {"filter": {"processInstanceKey": str(second)}}
    move = {"sourceElementInstruction": {"sourceType": "byId", "sourceElementId": "a"}, "targetElementId": "a"}
    return [
        ("olive", f"/process-instances/{first}/modification", {"moveInstructions": [move]}),
        (
            "olive",
            "/process-instances/modification",
            {**only, "moveInstructions": [{"sourceElementId": "a", "targetElementId": "a"}]},
        ),
        ("olive", f"/process-instances/{first}/migration", plan),
        ("olive", "/process-instances/migration", {**only, "migrationPlan": plan}),
        ("olive", "/convenor/moves", {"processDefinitionId": "along", "processInstanceKeys": [str(second)]}),
        ("olive", "/process-instances/cancellation", only),
        ("oscar", "/process-instances/incident-resolution", {"filter": {}}),
    ]


def headers_of(ward: Ward, username: str, at: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(ward, username, auth_time=at)}"}


def test_a_token_of_somebody_who_signed_in_long_ago_is_told_what_to_ask_for(ward: Ward) -> None:
    client = ward.app.test_client()
    now = int(time.time())
    for username, path, body in asks(ward):
        for headers in (headers_of(ward, username, now - HOUR), {"Authorization": f"Bearer {token(ward, username)}"}):
            answer = client.post(f"/v2{path}", json=body, headers=headers)
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), path
            told = answer.headers["WWW-Authenticate"]
            assert told.startswith("Bearer ")
            assert 'error="insufficient_user_authentication"' in told
            assert 'max_age="300"' in told
            assert "Sign in again" in answer.json["detail"]
        new = headers_of(ward, username, now)
        assert client.post(f"/v2{path}", json=body, headers=new).status_code in (200, 202, 204), path
    key = client.get("/v2/convenor/moves", headers=headers_of(ward, "olive", now)).json["items"][0]["moveKey"]
    for act in ("undo", "resumption"):
        stale = client.post(f"/v2/convenor/moves/{key}/{act}", headers=headers_of(ward, "olive", now - HOUR))
        assert stale.status_code == 401, act
    with ward.app.app_context():
        assert db.session.execute(select(Instance.status)).scalars().all() == ["ACTIVE"] * 2


def test_who_may_not_do_it_at_all_is_not_asked_to_sign_in_again(ward: Ward) -> None:
    client = ward.app.test_client()
    headers = {"Authorization": f"Bearer {token(ward, 'cora', auth_time=1)}"}
    for username, path, body in asks(ward):
        if path != "/process-instances/cancellation":  # for whoever started them
            assert client.post(f"/v2{path}", json=body, headers=headers).status_code in (403, 404), (username, path)


def test_a_program_that_acts_for_itself_is_not_asked(ward: Ward) -> None:
    """Its subject is its client; nobody has signed in, and nobody could."""
    client = ward.app.test_client()
    for username, path, body in asks(ward):
        headers = {"Authorization": f"Bearer {token(ward, username, client_id=username)}"}
        assert client.post(f"/v2{path}", json=body, headers=headers).status_code in (200, 202, 204), path


@pytest.mark.parametrize(
    ("claims", "machine"),
    [
        ({"sub": "loader", "client_id": "loader"}, True),
        ({"sub": "loader", "azp": "loader"}, True),
        ({"sub": "loader@clients", "azp": "loader"}, True),
        ({"sub": "x", "azp": "loader", "gty": "client-credentials"}, True),
        ({"sub": "x", "azp": "loader", "idtyp": "app"}, True),
        ({"sub": "x", "azp": "loader", "preferred_username": "service-account-loader"}, True),
        ({"sub": "x", "azp": "loader", "preferred_username": "service-account-other"}, False),
        ({"sub": "loader", "client_id": "loader", "auth_time": 1}, False),
        ({"sub": "ida", "client_id": "loader"}, False),
        ({"sub": "ida"}, False),
    ],
)
def test_whose_a_token_is(claims: dict[str, Any], machine: bool) -> None:
    assert is_machine(claims) is machine
