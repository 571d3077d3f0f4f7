"""What publishes or changes running procedures asks a person's token for a recent sign-in (RFC 9470); a program's token is not asked."""

from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.api.blueprints import ONLY_READS
from app.devidp.keys import ALGORITHM, signing_key
from app.identity.tokens import is_machine
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.models import Incident, Instance
from app.settings import Settings
from app.store.database import db
from tests.support.ward import Ward
from tests.unit.runtime.runtime_kit import doc, line, user

HOUR = 3600


@pytest.fixture
def ward(app: Flask) -> Ward:
    """Two instances on the first of two versions of a procedure, and two that have stopped."""
    ward = Ward(app)
    with app.app_context():
        for number, tasks in enumerate((["a"], ["a", "b"])):
            drawn = doc("".join(user(task) for task in tasks) + line(*tasks), pid="along")
            releases.publish_release({"a.bpmn": drawn}, area_key=ward.area, by=1, allow_undeclared=True)
            for _ in range(0 if number else 2):
                runtime.start("along", {}, area_key=ward.area, by=1)
        db.session.commit()
    for _ in range(2):
        ward.begin("q")
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


Ask = tuple[str, str, str, Any]  # who asks, the method, the path, the body


def asks(ward: Ward) -> list[Ask]:
    """Who asks for what, each an act that publishes or changes what runs."""
    with ward.app.app_context():
        keys = select(Instance.key).where(Instance.process_id == "along").order_by(Instance.key)
        first, second = db.session.execute(keys).scalars()
        target = releases.find_definition(ward.area, "along", 2).key
        stopped = [
            str(key) for key in db.session.execute(select(Incident.key).where(Incident.state == "ACTIVE")).scalars()
        ]
    plan = {"targetProcessDefinitionKey": str(target), "mappingInstructions": []}
    only = {"filter": {"processInstanceKey": str(second)}}
    move = {"sourceElementInstruction": {"sourceType": "byId", "sourceElementId": "a"}, "targetElementId": "a"}
    many = {**only, "moveInstructions": [{"sourceElementId": "a", "targetElementId": "a"}]}
    begun = {"processDefinitionId": "along", "processInstanceKeys": [str(second)]}
    jobs = {"filter": {"type": "scales"}, "changeset": {"retries": 1}}
    return [
        ("olive", "POST", "/deployments", None),
        ("olive", "PUT", f"/element-instances/{first}/variables", {"variables": {"weight": 1}}),
        ("olive", "POST", f"/process-instances/{first}/modification", {"moveInstructions": [move]}),
        ("olive", "POST", "/process-instances/modification", many),
        ("olive", "POST", f"/process-instances/{first}/migration", plan),
        ("olive", "POST", "/process-instances/migration", {**only, "migrationPlan": plan}),
        ("olive", "POST", "/convenor/moves", begun),
        ("olive", "POST", "/process-instances/cancellation", only),
        ("olive", "POST", "/jobs/batch-update", jobs),
        ("oscar", "POST", "/process-instances/incident-resolution", {"filter": {}}),
        ("oscar", "POST", "/convenor/incidents/retry", {"incidentKeys": stopped}),
    ]


def ask(client: FlaskClient, headers: dict[str, str], method: str, path: str, body: Any) -> TestResponse:
    """Ask; without a body a diagram is deployed."""
    if body is not None:
        return client.open(f"/v2{path}", method=method, json=body, headers=headers)
    drawn = io.BytesIO(doc(user("b") + line("b"), pid="other"))
    return client.post(f"/v2{path}", data={"resources": (drawn, "other.bpmn")}, headers=headers)


def headers_of(ward: Ward, username: str, at: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(ward, username, auth_time=at)}"}


def test_a_token_of_somebody_who_signed_in_long_ago_is_told_what_to_ask_for(ward: Ward) -> None:
    client = ward.app.test_client()
    now = int(time.time())
    for username, method, path, body in asks(ward):
        for headers in (headers_of(ward, username, now - HOUR), {"Authorization": f"Bearer {token(ward, username)}"}):
            answer = ask(client, headers, method, path, body)
            assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), path
            told = answer.headers["WWW-Authenticate"]
            assert told.startswith("Bearer ")
            assert 'error="insufficient_user_authentication"' in told
            assert 'max_age="300"' in told
            assert "Sign in again" in answer.json["detail"]
        new = headers_of(ward, username, now)
        assert ask(client, new, method, path, body).status_code in (200, 202, 204), path
    key = client.get("/v2/convenor/moves", headers=headers_of(ward, "olive", now)).json["items"][0]["moveKey"]
    for act in ("undo", "resumption"):
        stale = client.post(f"/v2/convenor/moves/{key}/{act}", headers=headers_of(ward, "olive", now - HOUR))
        assert stale.status_code == 401, act
    with ward.app.app_context():
        assert set(db.session.execute(select(Instance.status)).scalars()) == {"ACTIVE"}


def test_who_may_not_do_it_at_all_is_not_asked_to_sign_in_again(ward: Ward) -> None:
    client = ward.app.test_client()
    headers = {"Authorization": f"Bearer {token(ward, 'cora', auth_time=1)}"}
    for username, method, path, body in asks(ward):
        if path != "/process-instances/cancellation":  # for whoever started them
            assert ask(client, headers, method, path, body).status_code in (403, 404), (username, path)


def test_a_program_that_acts_for_itself_is_not_asked(ward: Ward) -> None:
    """Its subject is its client; nobody has signed in, and nobody could."""
    client = ward.app.test_client()
    for username, method, path, body in asks(ward):
        headers = {"Authorization": f"Bearer {token(ward, username, client_id=username)}"}
        assert ask(client, headers, method, path, body).status_code in (200, 202, 204), path


def test_one_thing_tried_again_asks_nobody_to_sign_in_again(ward: Ward) -> None:
    client, stale = ward.app.test_client(), headers_of(ward, "oscar", 1)
    stopped = next(body for *_, path, body in asks(ward) if path == "/convenor/incidents/retry")["incidentKeys"]
    one = client.post("/v2/convenor/incidents/retry", json={"incidentKeys": stopped[:1]}, headers=stale)
    assert one.status_code == 200
    assert client.post(f"/v2/incidents/{stopped[1]}/resolution", headers=stale).status_code == 204


# Asked for by a test of its own: approving and taking over, a task that says so, a batch operation that has stopped.
ELSEWHERE = {
    "POST /convenor/incidents/proposals/<key>/approval",
    "POST /convenor/incidents/proposals/<key>/resumption",
    "POST /convenor/moves/<key>/resumption",
    "POST /convenor/moves/<key>/undo",
    "POST /batch-operations/<key>/resumption",
    "POST /user-tasks/<key>/completion",
}
# Daily work, what stops or refuses something, one thing tried again.
NOT_ASKED = {
    "DELETE /user-tasks/<key>/assignee",
    "PATCH /jobs/<key>",
    "PATCH /user-tasks/<key>",
    "POST /batch-operations/<key>/cancellation",
    "POST /batch-operations/<key>/suspension",
    "POST /convenor/incidents/proposals",
    "POST /convenor/incidents/proposals/<key>/cancellation",
    "POST /convenor/incidents/proposals/<key>/refusal",
    "POST /convenor/work-items/<key>/answers",
    "POST /convenor/work-items/<key>/claim",
    "POST /convenor/work-items/<key>/files",
    "POST /incidents/<key>/resolution",
    "POST /jobs/<key>/completion",
    "POST /jobs/<key>/error",
    "POST /jobs/<key>/failure",
    "POST /jobs/activation",
    "POST /messages/correlation",
    "POST /messages/publication",
    "POST /process-instances",
    "POST /process-instances/<key>/cancellation",
    "POST /process-instances/<key>/incident-resolution",
    "POST /signals/broadcast",
    "POST /user-tasks/<key>/assignment",
}


def test_of_every_address_that_writes_it_is_decided_whether_it_asks(ward: Ward) -> None:
    """A new one is put on a list."""
    written = {
        f"{method} {rule.rule.removeprefix('/v2')}"
        for rule in ward.app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
        if rule.rule.startswith("/v2") and not rule.endpoint.startswith("api_missing.")
        if not (rule.defaults or {}).get(ONLY_READS) and not rule.rule.endswith("/search")
    }
    asked = {f"{method} {re.sub(r'[0-9]+', '<key>', path)}" for _, method, path, _ in asks(ward)}
    assert written == asked | ELSEWHERE | NOT_ASKED
    assert not asked & NOT_ASKED


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
