"""No filter is ever ignored: every field and operator that the client's models have is honoured, or refused by its name.

The fields and operators are read from the models of the official client, so that a new version's are asked without anybody
thinking of it. Honoured means that the counts add up: what has a value, what has another and what has none are everything there is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.contract import OPERATIONS
from app.api.coverage import served
from app.demo import people, story
from app.factory import create_app
from app.settings import Env, Settings
from app.store.clock import clock
from app.store.database import db
from tests.support.contract import Field, Search, search_of
from tests.support.diagrams import diagram
from tests.support.hours import START, Time

PARCEL = diagram(
    "parcel",
    """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Fork"/>
    <bpmn:parallelGateway id="Fork"/>
    <bpmn:sequenceFlow id="f2" sourceRef="Fork" targetRef="Weigh"/>
    <bpmn:sequenceFlow id="f3" sourceRef="Fork" targetRef="Ask"/>
    <bpmn:sequenceFlow id="f4" sourceRef="Fork" targetRef="Letter"/>
    <bpmn:sequenceFlow id="f5" sourceRef="Fork" targetRef="Choose"/>
    <bpmn:serviceTask id="Weigh"><bpmn:extensionElements><zeebe:taskDefinition type="weigh"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:userTask id="Ask" name="Ask them"><bpmn:extensionElements><zeebe:userTask/>
      <zeebe:assignmentDefinition candidateUsers="olive"/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:intermediateCatchEvent id="Letter"><bpmn:messageEventDefinition messageRef="letter"/></bpmn:intermediateCatchEvent>
    <bpmn:exclusiveGateway id="Choose" default="f7"/>
    <bpmn:sequenceFlow id="f6" sourceRef="Choose" targetRef="A">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=dark</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f7" sourceRef="Choose" targetRef="B"/>
    <bpmn:endEvent id="A"/>
    <bpmn:endEvent id="B"/>
    """,
    before="""<bpmn:message id="letter" name="letter"><bpmn:extensionElements>
      <zeebe:subscription correlationKey="=number"/></bpmn:extensionElements></bpmn:message>""",
)
SPAN = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
# What a search must be asked for besides.
NEEDED: dict[str, dict[str, Any]] = {
    "get_job_type_statistics": SPAN,
    "get_job_worker_statistics": {**SPAN, "jobType": "weigh"},
    "get_job_error_statistics": {**SPAN, "jobType": "weigh"},
    "get_job_time_series_statistics": {**SPAN, "jobType": "weigh"},
}
# Who is asked: whoever sees most of it.
BY = {"search_user_tasks": "cora", "search_decision_instances": "chidi"}
# Fields of which one thing may have several, or which tell nothing of one thing: the counts do not add up.
SEVERAL = {
    "candidateGroup",
    "candidateUser",
    "batchOperationId",
    "batchOperationKey",
    "errorMessage",
    "elementInstanceState",
    "elementId",
    "hasElementInstanceIncident",
    "incidentErrorHashCode",
}
# What is of another type than a sample.
OTHERS: dict[type, list[Any]] = {
    str: [1, True],
    bool: ["true", 1],
    int: ["1", 1.5],
    list: ["colour", {"name": "colour"}],
}
# Searches of the same rows by the same rules as another.
SAME = {"search_process_instance_incidents", "search_element_instance_incidents"}
SERVED = served()
SEARCHES = [
    found
    for operation in OPERATIONS
    if (operation.method, operation.path) in SERVED
    and operation.name not in SAME
    and (operation.name.startswith("search_") or "/statistics/" in operation.path)
    and (found := search_of(operation.name)) is not None
]
ADDRESSES = {operation.name: operation.path for operation in OPERATIONS}


@dataclass
class World:
    client: FlaskClient
    tokens: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict)

    def post(self, search: Search, wanted: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
        address = self.address(search)
        body = {"filter": {**NEEDED.get(search.name, {}), **wanted}, **more}
        headers = {"Authorization": f"Bearer {self.tokens[BY.get(search.name, 'olive')]}"}
        answer = self.client.post(address, json=body, headers=headers)
        return answer.status_code, answer.get_json()

    def address(self, search: Search) -> str:
        path = ADDRESSES[search.name]
        kind = path.split("/")[1]
        return f"/v2{path.replace('{}', self.keys.get(search.name, self.keys.get(kind, '1')))}"

    def count(self, search: Search, wanted: dict[str, Any]) -> int:
        status, told = self.post(search, wanted)
        assert status == 200, (search.name, wanted, told)
        return int(told["page"]["totalItems"])


@pytest.fixture(scope="module")
def world(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The borough with a case, and processes of a stranger's in every state."""
    data = tmp_path_factory.mktemp("filters") / "data"
    shutil.copytree(seeded, data)
    clock.freeze(START)
    app = create_app(Settings(env=Env.TEST, data=data, base_url="http://127.0.0.1:8000"))
    with app.app_context():
        story.begin(app, 0)
        tokens = {name: people.token_for(app, name) for name in ("olive", "cora", "chidi", "oscar")}
    found = World(app.test_client(), tokens)
    _fill(app, found)
    yield found
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    clock.freeze(None)


def _fill(app: Flask, world: World) -> None:
    def post(path: str, body: Any = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {world.tokens['olive']}"}
        answer = world.client.post(f"/v2{path}", json=body, headers=headers, **more)
        assert answer.status_code < 300, answer.text
        return answer.get_json()

    headers = {"Authorization": f"Bearer {world.tokens['olive']}"}
    files = {"resources": (BytesIO(PARCEL.encode()), "parcel.bpmn")}
    deployed = world.client.post("/v2/deployments", data=files, headers=headers, content_type="multipart/form-data")
    assert deployed.status_code == 200, deployed.text
    made = [
        post("/process-instances", {"processDefinitionId": "parcel", "variables": {"dark": dark, "number": number}})
        for dark, number in ((True, "1"), (False, "2"), ("perhaps", "3"), (True, "4"))
    ]
    first = made[0]["processInstanceKey"]
    jobs = post("/jobs/activation", {"type": "weigh", "timeout": 60_000, "maxJobsToActivate": 2, "requestTimeout": -1})
    post(f"/jobs/{jobs['jobs'][0]['jobKey']}/completion", {"variables": {"weight": 3}})
    post(f"/jobs/{jobs['jobs'][1]['jobKey']}/failure", {"retries": 1, "errorMessage": "busy", "retryBackOff": 1})
    [task] = post("/user-tasks/search", {"filter": {"processInstanceKey": first}})["items"]
    post(f"/user-tasks/{task['userTaskKey']}/assignment", {"assignee": "olive"})
    post("/process-instances/cancellation", {"filter": {"processInstanceKey": made[3]["processInstanceKey"]}})
    Time(app).settle()
    asked = {"filter": {"processDefinitionId": "marac-case"}}
    [shipped] = post("/process-definitions/search", asked)["items"]
    world.keys = {
        "process-instances": made[2]["processInstanceKey"],
        "element-instances": made[2]["processInstanceKey"],
        "process-definitions": made[0]["processDefinitionKey"],
        "user-tasks": task["userTaskKey"],
        "search_process_definition_variable_names": shipped["processDefinitionKey"],
    }


def test_there_are_searches_to_ask() -> None:
    assert len(SEARCHES) > 25
    assert sum(len(each.fields) for each in SEARCHES) > 200


@pytest.mark.parametrize("search", SEARCHES, ids=lambda each: each.name)
def test_no_filter_is_ignored(world: World, search: Search) -> None:
    """Where a search counts what it finds, the counts must add up; else each operator is at least taken, or refused by name."""
    status, told = world.post(search, {})
    needs_more = search.name == "get_process_instance_statistics_by_definition"
    assert status == (400 if needs_more else 200), told
    if search.name.startswith("search_"):
        assert told["page"]["totalItems"] > 0, "there is nothing to find"
    wrong = []
    asked: set[tuple[str, ...]] = set()
    for each in search.fields:
        alike = each.operators in asked  # rarer operators are asked once of each kind of field
        asked.add(each.operators)
        shown = next((item[each.name] for item in told.get("items", ()) if item.get(each.name) is not None), None)
        if search.name.startswith("search_") and each.name not in SEVERAL and not isinstance(each.sample, list):
            value = each.sample if shown is None else shown
            wrong += [
                (each.name, *what) for what in _sums(world, search, each, value, told["page"]["totalItems"], alike)
            ]
        else:
            for operator in ("$eq",) if alike else each.operators:
                status, said = world.post(search, {each.name: _asked(each, operator)})
                if status != 200 and not (status == 400 and each.name in said["detail"]):
                    wrong.append((each.name, operator, status, said.get("detail")))
    assert wrong == []


@pytest.mark.parametrize("search", SEARCHES, ids=lambda each: each.name)
def test_a_value_of_another_type_is_refused(world: World, search: Search) -> None:
    wrong = []
    for each in search.fields:
        for value in OTHERS[type(each.sample)]:
            status, said = world.post(search, {each.name: value})
            if status != 400:
                wrong.append((each.name, value, status, said.get("detail")))
    assert wrong == []


def _asked(of: Field, operator: str) -> Any:
    value = {"$exists": True, "$in": [of.sample], "$notIn": [of.sample], "$like": "*"}.get(operator, of.sample)
    return value if operator == "$eq" else {operator: value}


def _another(of: Field, value: Any) -> Any:
    """Another value than this one, of the same kind."""
    if isinstance(value, int):
        return value + 1
    return next((word for word in of.words if word != value), "1" if value != "1" else "2")


def _sums(
    world: World, search: Search, of: Field, value: Any, everything: int, brief: bool
) -> Iterator[tuple[Any, ...]]:
    """What does not add up."""

    def count(asked: Any) -> int:
        return world.count(search, {of.name: asked})

    has = count(value)
    if "$neq" in of.operators:
        other, empty = count({"$neq": value}), count({"$exists": False})
        if has + other + empty != everything:
            yield "$eq, $neq, $exists", value, has, other, empty, everything
        if brief:
            return
        if count({"$exists": True}) + empty != everything:
            yield "$exists", empty
        if "$notIn" in of.operators and count({"$notIn": [value]}) != other:
            yield "$notIn", value
        if "$gt" in of.operators and count({"$gt": value}) + count({"$lte": value}) + empty != everything:
            yield "$gt, $lte", value
        if "$gt" in of.operators and count({"$gte": value}) + count({"$lt": value}) + empty != everything:
            yield "$gte, $lt", value
    elif isinstance(value, bool):
        if has + count(not value) > everything:
            yield "true and false", has
    elif has + count(_another(of, value)) > everything:
        yield "one and another", value
    if "$in" in of.operators and count({"$in": [value]}) != has:
        yield "$in", value
    if "$like" in of.operators and count({"$like": str(value)}) != has:
        yield "$like", value


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["1", "9" * 19, "9" * 25, "ACTIVE", "2026-03-02T09:00:00Z", "0001-01-01T00:00:00+14:00", "*?\\"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.just("name"), inner, max_size=3)
    ),
    max_leaves=5,
)
OPERATORS = st.sampled_from(["$eq", "$neq", "$exists", "$in", "$notIn", "$like", "$gt", "$gte", "$lt", "$lte", "$or"])
WANTED = VALUES | st.dictionaries(OPERATORS, VALUES, max_size=3)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), search=st.sampled_from(SEARCHES))
def test_no_filter_breaks_it(world: World, data: st.DataObject, search: Search) -> None:
    names = st.sampled_from([each.name for each in search.fields] or ["tenantId"])
    wanted = st.dictionaries(names, WANTED, min_size=1, max_size=3)
    filter_ = data.draw(wanted | st.fixed_dictionaries({"$or": st.lists(wanted, max_size=3)}))
    page = data.draw(
        st.none() | st.dictionaries(st.sampled_from(["from", "limit", "after", "before"]), VALUES, max_size=2)
    )
    status, told = world.post(search, filter_, **({} if page is None else {"page": page}))
    assert status in (200, 400), (search.name, filter_, told)
    if status == 400:
        assert told["detail"]
