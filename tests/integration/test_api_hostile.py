"""Whatever is sent, the API answers with what it promises: never a failure of its own, never a page."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.coverage import served
from app.demo import people
from tests.support.diagrams import diagram

TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "x",
        "1",
        "-1",
        "9" * 19,
        "9" * 25,
        "9" * 40,
        "$eq",
        "state",
        "CREATED",
        "2026-03-02T09:00:00Z",
        "%",
        "\\",
        "'\"--",
    ]
)
NAMES = st.sampled_from(
    [
        "filter", "sort", "page", "limit", "from", "after", "before", "field", "order", "variables", "name",
        "correlationKey", "timeToLive", "messageId", "assignee", "allowOverride", "action", "processDefinitionId",
        "processDefinitionKey", "processDefinitionVersion", "state", "dueDate", "priority", "userTaskKey", "tenantId",
        "candidateUser", "candidateGroup", "isLatestVersion", "hasIncident", "errorType", "$or", "$eq", "$in", "$like",
        "$exists", "$gt", "fetchVariables", "startInstructions", "operationReference", "processInstanceVariables", "value",
        "localVariables", "tags", "incidentErrorHashCode", "elementId", "elementInstanceState", "processInstanceKey", "scopeKey",
        "changeset", "retries", "timeout", "type", "worker", "maxJobsToActivate", "jobType", "to", "resolution", "errorCode",
        "moveInstructions", "activateInstructions", "terminateInstructions", "mappingInstructions", "expression", "local",
        "targetProcessDefinitionKey", "signalName", "decisionDefinitionId", "requestTimeout", "awaitCompletion", "reason",
    ]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXT, inner, max_size=4),
    max_leaves=12,
)
# Every address that there is, of our own too. Without a worker alive the status is 503, as it should be.
ADDRESSES = sorted((method, f"/v2{path.replace('{}', '{key}')}") for method, path in served() if path != "/status")


@pytest.fixture
def client(borough: Flask) -> FlaskClient:
    return borough.test_client()


@pytest.fixture
def tokens(borough: Flask) -> dict[str, str]:
    with borough.app_context():
        return {name: people.token_for(borough, name) for name in ("olive", "cora", "oscar", "rosa")}


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    address=st.sampled_from(ADDRESSES),
    username=st.sampled_from(["olive", "cora", "oscar", "rosa"]),
    body=st.dictionaries(NAMES, VALUES, max_size=4) | VALUES,
    key=TEXT,
)
def test_no_request_breaks_it(
    client: FlaskClient, tokens: dict[str, str], address: tuple[str, str], username: str, body: Any, key: str
) -> None:
    method, path = address
    path = path.replace("{key}", "".join(c if c.isalnum() else f"%{ord(c) % 256:02x}" for c in key) or "0")
    options: dict[str, Any] = {} if method == "GET" else {"json": body}
    if isinstance(body, dict) and ("requestTimeout" in body or "/jobs/activation" in path):
        options = {"json": {**body, "requestTimeout": -1}}  # nobody waits
    response = client.open(path, method=method, headers={"Authorization": f"Bearer {tokens[username]}"}, **options)
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.content_type == "application/problem+json"
        told = response.get_json()
        assert (told["status"], bool(told["title"]), bool(told["detail"])) == (response.status_code, True, True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff",
        b"[" * 50_000,
        b'{"page": {"limit": 1e400}}',
        b'{"filter": {}, "filter": {"state": "CREATED"}}',
    ],
)
def test_a_body_that_is_no_object_is_a_bad_request_or_an_empty_search(
    client: FlaskClient, tokens: dict[str, str], content: bytes
) -> None:
    headers = {"Authorization": f"Bearer {tokens['cora']}", "Content-Type": "application/json"}
    response = client.post("/v2/user-tasks/search", data=content, headers=headers)
    assert response.status_code == (200 if content == b"" else 400)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "json"]
)
def test_a_body_of_another_type_is_refused_and_never_taken_for_none(
    client: FlaskClient, tokens: dict[str, str], content_type: str
) -> None:
    headers = {"Authorization": f"Bearer {tokens['cora']}", "Content-Type": content_type}
    response = client.post("/v2/user-tasks/search", data=b'{"filter": {"state": "CREATED"}}', headers=headers)
    assert (response.status_code, response.content_type) == (415, "application/problem+json")
    assert "application/json" in response.get_json()["detail"]


@pytest.mark.parametrize("key", ["abc", "-1", "0", str(2**63), "9" * 30, "1.5", "%00", "1e5", "٣", " 1", "0/%0a"])
def test_a_key_that_is_none_answers_as_what_is_not_there(client: FlaskClient, tokens: dict[str, str], key: str) -> None:
    headers = {"Authorization": f"Bearer {tokens['olive']}"}
    for method, path in ADDRESSES:
        if method == "GET" and "{key}" in path:
            response = client.get(path.replace("{key}", key), headers=headers)
            assert response.status_code == 404, path
            assert response.content_type == "application/problem+json"


def test_a_request_that_is_too_large_is_a_problem(client: FlaskClient, tokens: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {tokens['olive']}", "Content-Type": "application/json"}
    response = client.post("/v2/messages/publication", data=b" " * 13_000_000 + b"{}", headers=headers)
    assert response.status_code == 413
    assert response.content_type == "application/problem+json"


def test_a_text_is_no_longer_than_expressions_may_make_one(client: FlaskClient, tokens: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {tokens['olive']}"}
    content = diagram(
        "long",
        """<bpmn:startEvent id="Start"/><bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Ask"/>
        <bpmn:userTask id="Ask"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
        <bpmn:sequenceFlow id="f2" sourceRef="Ask" targetRef="End"/><bpmn:endEvent id="End"/>""",
    )
    files = {"resources": (BytesIO(content.encode()), "long.bpmn")}
    assert client.post("/v2/deployments", data=files, headers=headers).status_code == 200
    text, longer = "x" * 1_000_000, "x" * 1_000_001
    begun = client.post(
        "/v2/process-instances", json={"processDefinitionId": "long", "variables": {"a": text}}, headers=headers
    )
    assert begun.status_code == 200
    key = begun.get_json()["processInstanceKey"]
    for method, path, body in (
        ("POST", "/v2/process-instances", {"processDefinitionId": "long"}),
        ("PUT", f"/v2/element-instances/{key}/variables", {}),
        ("POST", "/v2/messages/publication", {"name": "m"}),
        ("POST", "/v2/messages/correlation", {"name": "m"}),
        ("POST", "/v2/signals/broadcast", {"signalName": "m"}),
        ("POST", "/v2/expression/evaluation", {"expression": "=b"}),
    ):
        refused = client.open(path, method=method, json={**body, "variables": {"b": [longer]}}, headers=headers)
        assert (refused.status_code, refused.content_type) == (400, "application/problem+json"), path
        assert "A text may have at most 1,000,000 characters." in refused.get_json()["detail"], path


@pytest.mark.parametrize("declares", ["", '<zeebe:property name="variable:known" value="string"/>'])
def test_a_name_that_is_too_long_is_refused_and_not_repeated(
    client: FlaskClient, tokens: dict[str, str], declares: str
) -> None:
    headers = {"Authorization": f"Bearer {tokens['olive']}"}
    properties = f"<zeebe:properties>{declares}</zeebe:properties>" if declares else ""
    content = diagram(
        "named",
        f"""<bpmn:extensionElements>{properties}</bpmn:extensionElements><bpmn:startEvent id="S"/>
        <bpmn:sequenceFlow id="f" sourceRef="S" targetRef="E"/><bpmn:endEvent id="E"/>""",
    )
    files = {"resources": (BytesIO(content.encode()), "a.bpmn")}
    assert client.post("/v2/deployments", data=files, headers=headers).status_code == 200
    for name, status in (("n" * 100_000, 400), ("n" * 201, 400), ("n" * 200, 400 if declares else 200)):
        asked = {"processDefinitionId": "named", "variables": {name: 1}}
        answer = client.post("/v2/process-instances", json=asked, headers=headers)
        assert answer.status_code == status
        assert len(answer.data) < 1_000, "nobody gets it back"


def test_a_body_of_json_has_four_megabytes_at_most(client: FlaskClient, tokens: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {tokens['cora']}", "Content-Type": "application/json"}
    for size, status in ((4_000_000, 200), (4_000_001, 413)):
        answer = client.post("/v2/user-tasks/search", data=b"{}".ljust(size), headers=headers)
        assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.bpmn", b"not xml"),
        ("a.bpmn", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
        ("a.bpmn", b"<a>" * 500),
        ("a.dmn", b"<definitions/>"),
        ("a.form", b"{"),
        ("a.form", b'{"components": 3}'),
        ("a.exe", b"MZ"),
        ("..", b"x"),
        ("a\0.bpmn", b"x"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(
    client: FlaskClient, tokens: dict[str, str], name: str, content: bytes
) -> None:
    response = client.post(
        "/v2/deployments",
        data={"resources": (BytesIO(content), name)},
        headers={"Authorization": f"Bearer {tokens['olive']}"},
        content_type="multipart/form-data",
    )
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    assert b"root:" not in response.data
