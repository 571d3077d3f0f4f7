"""Diagrams with uncommon but valid shapes, driven over plain HTTP as a program elsewhere would."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api import missing, seeing
from app.api.contract import OPERATIONS
from app.runtime import turn
from tests.support.api_server import Server, running, running_on
from tests.support.diagrams import diagram

_PARTS = """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Part"/>
    <bpmn:subProcess id="Part">
      <bpmn:startEvent id="PartStart"/>
      <bpmn:sequenceFlow id="p1" sourceRef="PartStart" targetRef="Within"/>
      <bpmn:userTask id="Within"><bpmn:extensionElements><zeebe:userTask/>{properties}</bpmn:extensionElements></bpmn:userTask>
      <bpmn:sequenceFlow id="p2" sourceRef="Within" targetRef="PartEnd"/>
      <bpmn:endEvent id="PartEnd"/>
      <bpmn:multiInstanceLoopCharacteristics isSequential="{one_by_one}"><bpmn:extensionElements>
        <zeebe:loopCharacteristics inputCollection="=[1, 2]" inputElement="one"/></bpmn:extensionElements>
      </bpmn:multiInstanceLoopCharacteristics>
    </bpmn:subProcess>
    <bpmn:sequenceFlow id="f2" sourceRef="Part" targetRef="After"/>
    <bpmn:userTask id="After"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f3" sourceRef="After" targetRef="End"/>
    <bpmn:endEvent id="End"/>
"""
_SIGNED = '<zeebe:properties><zeebe:property name="irreversible" value="true"/></zeebe:properties>'


def parts(process_id: str, *, one_by_one: bool = False, properties: str = "") -> str:
    """A sub-process for each of two items, and a task after it."""
    return diagram(process_id, _PARTS.format(one_by_one=str(one_by_one).lower(), properties=properties))


class Caller:
    """Somebody over HTTP: Olive, a process owner, unless another is named."""

    def __init__(self, server: Server, username: str = "olive") -> None:
        self.server = server
        headers = {"Authorization": f"Bearer {server.token(username)}"}
        self.http = httpx.Client(base_url=f"{server.url}/v2", headers=headers, timeout=60)

    def ask(self, path: str, body: Any = None, *, expect: int = 200) -> Any:
        found = self.http.post(path, json={} if body is None else body)
        assert found.status_code == expect, found.text
        return found.json() if found.content.strip() else None

    def deploy(self, *sources: str) -> None:
        files = [("resources", (f"{n}.bpmn", text.encode(), "application/xml")) for n, text in enumerate(sources)]
        found = self.http.post("/deployments", files=files)
        assert found.status_code == 200, found.text

    def begin(self, process_id: str, **variables: Any) -> str:
        asked = {"processDefinitionId": process_id, "variables": variables}
        return str(self.ask("/process-instances", asked)["processInstanceKey"])

    def state(self, key: str) -> str:
        return str(self.http.get(f"/process-instances/{key}").json()["state"])

    def elements(self, key: str) -> list[Any]:
        asked = {"filter": {"processInstanceKey": key, "state": "ACTIVE"}}
        return list(self.ask("/element-instances/search", asked)["items"])

    def at_work(self, key: str) -> dict[str, int]:
        return dict(Counter(each["elementId"] for each in self.elements(key) if each["type"] != "PROCESS"))

    def variables(self, key: str) -> dict[str, Any]:
        found = self.ask("/variables/search", {"filter": {"scopeKey": key}})["items"]
        return {each["name"]: json.loads(each["value"]) for each in found}

    def do(self, key: str, element: str, **variables: Any) -> None:
        asked = {"filter": {"processInstanceKey": key, "elementId": element, "state": "CREATED"}}
        task = self.ask("/user-tasks/search", asked)["items"][0]["userTaskKey"]
        self.ask(f"/user-tasks/{task}/completion", {"variables": variables}, expect=204)

    def modify(self, key: str, *, expect: int = 204, **asked: Any) -> Any:
        return self.ask(f"/process-instances/{key}/modification", asked, expect=expect)


@pytest.fixture(scope="module")
def olive(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with running(seeded, tmp_path_factory.mktemp("corners") / "data") as server:
        caller = Caller(server)
        yield caller
        caller.http.close()


def test_an_instance_of_many_that_is_ended_keeps_nobody_waiting(olive: Caller) -> None:
    olive.deploy(parts("each"), parts("turn", one_by_one=True))
    key = olive.begin("each")
    first, _ = (one["elementInstanceKey"] for one in olive.elements(key) if one["elementId"] == "Within")
    olive.modify(key, terminateInstructions=[{"elementInstanceKey": first}])
    assert olive.at_work(key) == {"Part": 2, "Within": 1}
    olive.do(key, "Within")
    assert olive.at_work(key) == {"After": 1}

    key = olive.begin("each")
    instances = [one["elementInstanceKey"] for one in olive.elements(key) if one["type"] == "SUB_PROCESS"]
    olive.modify(key, terminateInstructions=[{"elementInstanceKey": instances[0]}])
    assert olive.at_work(key) == {"Part": 2, "Within": 1}
    ending = [{"elementInstanceKey": instances[1]}]
    olive.modify(key, terminateInstructions=ending, activateInstructions=[{"elementId": "After"}])
    assert olive.at_work(key) == {"After": 1}

    key = olive.begin("turn")
    olive.modify(key, terminateInstructions=[{"elementId": "Within"}])
    assert olive.state(key) == "TERMINATED"


def test_a_decision_inside_what_is_ended_is_not_stepped_past(olive: Caller) -> None:
    olive.deploy(parts("signed", properties=_SIGNED))
    key = olive.begin("signed")
    told = olive.modify(key, expect=403, terminateInstructions=[{"elementId": "Part"}])
    assert "answers for this task with their name" in told["detail"]
    assert olive.at_work(key) == {"Part": 3, "Within": 2}


def test_a_time_that_no_database_could_keep_is_refused(olive: Caller) -> None:
    olive.deploy(parts("timely"))
    key = olive.begin("timely")
    task = olive.ask("/user-tasks/search", {"filter": {"processInstanceKey": key}})["items"][0]["userTaskKey"]
    olive.ask(f"/user-tasks/{task}/assignment", {"assignee": "olive"}, expect=204)
    beyond = ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0001-06-01T00:00:00Z")
    for at in beyond:
        for name in ("dueDate", "followUpDate"):
            found = olive.http.patch(f"/user-tasks/{task}", json={"changeset": {name: at}})
            assert (found.status_code, name in found.json()["detail"]) == (400, True)
    for at in beyond[:2]:
        olive.ask("/process-instances/search", {"filter": {"startDate": {"$gt": at}}}, expect=400)
        asked = {"page": {"after": cursor("startDate:0", at, 1)}, "sort": [{"field": "startDate"}]}
        olive.ask("/process-instances/search", asked, expect=400)
    for value in (2**63, True, "1"):
        asked = {"page": {"after": cursor("startDate:0", "2026-01-01T00:00:00+00:00", value)}}
        olive.ask("/process-instances/search", {**asked, "sort": [{"field": "startDate"}]}, expect=400)


def cursor(*values: Any) -> str:
    """A cursor that no search has given."""
    return base64.b64encode(json.dumps(values).encode()).decode()


def test_a_long_number_comes_back_with_every_digit(olive: Caller) -> None:
    olive.deploy(parts("exactly"))
    key = olive.begin("exactly", parcel=199801897533492281, weight=0.5)
    assert olive.variables(key).items() >= {("parcel", 199801897533492281), ("weight", 0.5)}
    asked = {"filter": {"variables": [{"name": "parcel", "value": "199801897533492281"}]}}
    assert [each["processInstanceKey"] for each in olive.ask("/process-instances/search", asked)["items"]] == [key]


def computed(process_id: str, expression: str) -> str:
    """A task, then a script, then another task."""
    return diagram(
        process_id,
        f"""
        <bpmn:startEvent id="Start"/>
        <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Ask"/>
        <bpmn:userTask id="Ask"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
        <bpmn:sequenceFlow id="f2" sourceRef="Ask" targetRef="Reckon"/>
        <bpmn:scriptTask id="Reckon"><bpmn:extensionElements>
          <zeebe:script expression="{expression}" resultVariable="made"/></bpmn:extensionElements></bpmn:scriptTask>
        <bpmn:sequenceFlow id="f3" sourceRef="Reckon" targetRef="After"/>
        <bpmn:userTask id="After"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
        <bpmn:sequenceFlow id="f4" sourceRef="After" targetRef="End"/>
        <bpmn:endEvent id="End"/>
        """,
    )


@pytest.mark.parametrize("expression", ["=count", "=function(x) x", "={inside: [abs]}"])
def test_a_function_where_a_value_is_wanted_is_an_incident_and_loses_nobodys_work(
    olive: Caller, expression: str
) -> None:
    olive.deploy(computed("functional", expression))
    key = olive.begin("functional")
    olive.do(key, "Ask", answer=1)
    assert (olive.at_work(key), olive.variables(key)["answer"]) == ({"Reckon": 1}, 1)
    [stopped] = olive.ask("/incidents/search", {"filter": {"processInstanceKey": key, "state": "ACTIVE"}})["items"]
    assert "gave a function" in stopped["errorMessage"]
    olive.ask("/expression/evaluation", {"expression": expression}, expect=400)


def test_a_range_is_told_as_feel_writes_it_and_closes_no_search(olive: Caller) -> None:
    olive.deploy(computed("ranging", "={from: [1..3]}"))
    key = olive.begin("ranging")
    olive.do(key, "Ask")
    assert olive.variables(key)["made"] == {"from": "[1..3]"}
    assert olive.ask("/variables/search", {"filter": {"name": "made"}})["page"]["totalItems"] >= 1
    assert olive.ask("/expression/evaluation", {"expression": "=[1..3]"})["result"] == "[1..3]"


def test_a_number_beyond_all_others_is_told_so_that_everybody_can_read_the_answer(olive: Caller) -> None:
    olive.deploy(computed("vast", "=[10**400, -(10**400), 1/3, 2**70]"))
    key = olive.begin("vast")
    olive.do(key, "Ask")
    made = olive.variables(key)["made"]
    assert [isinstance(each, str) and Decimal(each) for each in made[:2]] == [Decimal("1E400"), Decimal("-1E400")]
    assert made[2:] == [1 / 3, 2.0**70]
    assert Decimal(olive.ask("/expression/evaluation", {"expression": "=10**400"})["result"]) == Decimal("1E400")


def test_a_search_tells_the_beginning_of_a_long_value_and_all_of_it_when_asked(olive: Caller) -> None:
    olive.deploy(computed("lengthy", "=string length(text)"))
    key = olive.begin("lengthy", text="x" * 9_000, short="y")
    [task] = olive.ask("/user-tasks/search", {"filter": {"processInstanceKey": key}})["items"]
    for path, wanted in (
        ("/variables/search", {"processInstanceKey": key}),
        (f"/user-tasks/{task['userTaskKey']}/variables/search", {}),
        (f"/user-tasks/{task['userTaskKey']}/effective-variables/search", {}),
    ):
        found = {one["name"]: one for one in olive.ask(path, {"filter": wanted})["items"]}
        assert (len(found["text"]["value"]), found["text"]["isTruncated"]) == (8_191, True), path
        assert (found["short"]["value"], found["short"]["isTruncated"]) == ('"y"', False)
        whole = {one["name"]: one for one in olive.ask(f"{path}?truncateValues=false", {"filter": wanted})["items"]}
        assert (len(whole["text"]["value"]), whole["text"]["isTruncated"]) == (9_002, False)
        long = olive.ask(path, {"filter": {**wanted, "isTruncated": True}})["items"]
        assert [one["name"] for one in long] == ["text"]
        assert "truncateValues" in olive.ask(f"{path}?truncateValues=perhaps", expect=400)["detail"]
    variable = found["text"]["variableKey"]
    assert len(olive.http.get(f"/variables/{variable}").json()["value"]) == 9_002


def test_elements_are_found_by_their_keys_and_ordered_by_them(olive: Caller) -> None:
    olive.deploy(computed("keyed", "=1"))
    for _ in range(5):
        olive.begin("keyed")
    ordered = {"filter": {"processDefinitionId": "keyed"}, "sort": [{"field": "elementInstanceKey"}]}
    tasks = olive.ask("/user-tasks/search", ordered)["items"]
    keys = [each["elementInstanceKey"] for each in tasks]
    assert (len(keys), keys) == (5, sorted(keys, key=int)), "as their numbers say, in tables"
    pages, after = [], {}
    while page := olive.ask("/user-tasks/search", {**ordered, "page": {"limit": 2, **after}}):
        if not page["items"]:
            break
        pages += [each["elementInstanceKey"] for each in page["items"]]
        after = {"after": page["page"]["endCursor"]}
    assert pages == keys
    elements = olive.ask("/element-instances/search", {**ordered, "filter": {"elementInstanceKey": {"$in": keys}}})
    assert [each["elementInstanceKey"] for each in elements["items"]] == keys, "and inside instances"
    wanted = {"elementInstanceKey": {"$in": [keys[3], keys[1], "1", "9" * 25]}}
    found = {each["elementInstanceKey"] for each in olive.ask("/user-tasks/search", {"filter": wanted})["items"]}
    assert found == {keys[1], keys[3]}
    others = {**ordered["filter"], "elementInstanceKey": {"$notIn": [keys[0]]}}
    assert len(olive.ask("/user-tasks/search", {"filter": others})["items"]) == 4
    for unknown in ("1", str(2**62), "9" * 25):
        nothing = {"filter": {"elementInstanceKey": unknown}}
        assert olive.ask("/user-tasks/search", nothing)["items"] == []
        assert olive.ask("/element-instances/search", nothing)["items"] == []
        assert olive.http.get(f"/element-instances/{unknown}").status_code == 404
        assert olive.http.get(f"/variables/{unknown}").status_code == 404
        assert olive.http.get(f"/decision-definitions/{unknown}").status_code == 404
    for name in ("elementInstanceKey", "processInstanceKey"):
        many = {"filter": {name: {"$in": [str(number) for number in range(140_000)]}}}
        for path in ("/element-instances/search", "/user-tasks/search"):
            assert "at most 1000" in olive.ask(path, many, expect=400)["detail"]
    for refused in ("none", 7, ["1"]):
        assert (
            "elementInstanceKey"
            in olive.ask(
                "/user-tasks/search", {"filter": {"elementInstanceKey": {"$in": [keys[0], refused]}}}, expect=400
            )["detail"]
        )


WHOSE = """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Ask"/>
    <bpmn:userTask id="Ask"><bpmn:extensionElements><zeebe:userTask/>
      <zeebe:assignmentDefinition assignee="=who" candidateUsers="=users"/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="Ask" targetRef="End"/>
    <bpmn:endEvent id="End"/>
"""


@pytest.mark.parametrize("name", ["9" * 30, "²", "9223372036854775808"])
def test_a_name_of_digits_that_are_no_key_is_a_name_that_nobody_has(olive: Caller, name: str) -> None:
    olive.deploy(diagram("whose", WHOSE))
    for variables in ({"who": name}, {"users": [name, "olive"]}):
        key = olive.begin("whose", **variables)
        olive.do(key, "Ask")
        assert olive.state(key) == "COMPLETED"


LONG = """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Ask"/>
    <bpmn:userTask id="Ask" name="{name}"><bpmn:extensionElements><zeebe:userTask/>
      <zeebe:taskSchedule dueDate="2027-01-01"/>
      <zeebe:properties><zeebe:property name="deadline" value="=called"/></zeebe:properties></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="Ask" targetRef="End"/>
    <bpmn:endEvent id="End"/>
"""


@pytest.fixture(scope="module")
def on_postgresql(
    request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Caller]:
    """A database that keeps no more than its columns hold."""
    with running_on("postgresql", request, seeded, tmp_path_factory.mktemp("corners-pg") / "data") as server:
        caller = Caller(server)
        yield caller
        caller.http.close()


def test_what_a_database_cannot_hold_stops_nobody(on_postgresql: Caller) -> None:
    olive = on_postgresql
    olive.deploy(diagram("long", LONG.format(name="n" * 300)), computed("null", "=&quot;a\\u0000b&quot;"))
    key = olive.begin("long", called=None)
    [task] = olive.ask("/user-tasks/search", {"filter": {"processInstanceKey": key}})["items"]
    assert task["name"] == "n" * 200
    olive.do(key, "Ask")
    assert olive.state(key) == "COMPLETED"
    key = olive.begin("long", called="d" * 100)
    [stopped] = olive.ask("/incidents/search", {"filter": {"processInstanceKey": key}})["items"]
    assert "more than 80 characters" in stopped["errorMessage"]
    key = olive.begin("null")
    olive.do(key, "Ask")
    assert olive.variables(key)["made"] == "a\ufffdb"
    asked = {
        "page": {"after": cursor("processDefinitionVersion:0", 2**40, 1)},
        "sort": [{"field": "processDefinitionVersion"}],
    }
    olive.ask("/process-instances/search", asked, expect=400)


def test_what_the_contract_has_and_is_not_served_says_why(olive: Caller) -> None:
    refused = [each for each in OPERATIONS if missing.reason(each) is not None]
    for operation in refused:
        path = operation.path.replace("{}", "2251799813685249")
        answer = olive.http.request(operation.method, path)
        assert answer.status_code == 501, (operation.name, answer.status_code)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"] == missing.reason(operation)
    assert len(refused) > 100
    first = refused[0]
    stranger = {"Authorization": "Bearer none"}
    assert olive.http.request(first.method, first.path, headers=stranger).status_code == 401
    for method, path in (("GET", "/nothing"), ("POST", "/"), ("DELETE", first.path), (first.method, f"{first.path}/")):
        assert olive.http.request(method, path).status_code == 404, (method, path)


BROUGHT = """
    <bpmn:extensionElements><zeebe:properties><zeebe:property name="variable:weight" value="number"/>
      <zeebe:property name="startVariables" value="weight"/></zeebe:properties></bpmn:extensionElements>
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Fork"/>
    <bpmn:parallelGateway id="Fork"/>
    <bpmn:sequenceFlow id="f2" sourceRef="Fork" targetRef="Caught"/>
    <bpmn:intermediateCatchEvent id="Caught"><bpmn:signalEventDefinition signalRef="weighed"/></bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f3" sourceRef="Caught" targetRef="After"/>
    <bpmn:userTask id="After"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f4" sourceRef="After" targetRef="End"/>
    <bpmn:endEvent id="End"/>
    <bpmn:subProcess id="Beside" triggeredByEvent="true">
      <bpmn:startEvent id="Heard" isInterrupting="false"><bpmn:signalEventDefinition signalRef="weighed"/></bpmn:startEvent>
      <bpmn:sequenceFlow id="b1" sourceRef="Heard" targetRef="Within"/>
      <bpmn:userTask id="Within"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
      <bpmn:sequenceFlow id="b2" sourceRef="Within" targetRef="BesideEnd"/>
      <bpmn:endEvent id="BesideEnd"/>
    </bpmn:subProcess>
    <bpmn:sequenceFlow id="f5" sourceRef="Fork" targetRef="Other"/>
    <bpmn:userTask id="Other"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f6" sourceRef="Other" targetRef="End"/>
"""


def test_a_corrected_variable_stands_against_what_the_event_brought(olive: Caller) -> None:
    olive.deploy(diagram("scales", BROUGHT, before='<bpmn:signal id="weighed" name="weighed"/>'))
    key = olive.begin("scales", weight=1)
    olive.ask("/signals/broadcast", {"signalName": "weighed", "variables": {"weight": "heavy"}})
    found = olive.ask("/incidents/search", {"filter": {"processInstanceKey": key, "state": "ACTIVE"}})["items"]
    assert {each["elementId"] for each in found} == {"Caught", "Beside"}
    oscar = Caller(olive.server, "oscar")
    for each in found:
        asked = {
            "incidentKeys": [each["incidentKey"]],
            "act": "correct",
            "variable": "weight",
            "value": 7,
            "reason": "typo",
        }
        proposed = oscar.ask("/convenor/incidents/proposals", asked, expect=201)["mendingKey"]
        olive.ask(f"/convenor/incidents/proposals/{proposed}/approval")
        olive.server.hours.settle()
    oscar.http.close()
    assert (olive.at_work(key).keys() >= {"After", "Within", "Other"}, olive.variables(key)) == (True, {"weight": 7})


def test_an_instance_of_more_open_tasks_than_messages_may_answer_each_other_is_cancelled(
    olive: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "MAX_DELIVERIES", 1)
    olive.deploy(parts("crowded"))
    key = olive.begin("crowded")
    assert olive.at_work(key)["Within"] == 2
    olive.ask(f"/process-instances/{key}/cancellation", expect=204)
    assert olive.state(key) == "TERMINATED"


MAPPED = """
    <bpmn:startEvent id="Start">
      <bpmn:extensionElements><zeebe:ioMapping>
        <zeebe:output source="=weight * 2" target="twice"/>
      </zeebe:ioMapping></bpmn:extensionElements>
      <bpmn:{kind}EventDefinition id="by" {kind}Ref="event"/>
    </bpmn:startEvent>
    <bpmn:subProcess id="Beside" triggeredByEvent="true">
      <bpmn:startEvent id="More" isInterrupting="false">
        <bpmn:messageEventDefinition id="more" messageRef="again"/>
      </bpmn:startEvent>
      <bpmn:sequenceFlow id="f3" sourceRef="More" targetRef="Within"/>
      <bpmn:userTask id="Within"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
      <bpmn:sequenceFlow id="f4" sourceRef="Within" targetRef="BesideEnd"/>
      <bpmn:endEvent id="BesideEnd"/>
    </bpmn:subProcess>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="After"/>
    <bpmn:userTask id="After"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="After" targetRef="End"/>
    <bpmn:endEvent id="End"/>
"""
AGAIN = """
  <bpmn:message id="again" name="again-{kind}"><bpmn:extensionElements>
    <zeebe:subscription correlationKey="=twice"/>
  </bpmn:extensionElements></bpmn:message>
"""


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_a_process_that_maps_what_its_start_brings_takes_nothing_else(olive: Caller, kind: str) -> None:
    process, event = f"by-{kind}", f"parcel-{kind}"
    before = f'<bpmn:{kind} id="event" name="{event}"/>' + AGAIN.format(kind=kind)
    olive.deploy(diagram(process, MAPPED.format(kind=kind), before=before))
    brought = {"weight": 3, "sender": "somebody"}
    if kind == "message":
        olive.ask("/messages/correlation", {"name": event, "correlationKey": "", "variables": brought})
    else:
        olive.ask("/signals/broadcast", {"signalName": event, "variables": brought})
    found = olive.ask("/process-instances/search", {"filter": {"processDefinitionId": process}})["items"]
    assert [olive.variables(each["processInstanceKey"]) for each in found] == [{"twice": 6}]
    olive.ask("/messages/correlation", {"name": f"again-{kind}", "correlationKey": "6"})
    assert olive.at_work(found[0]["processInstanceKey"]).keys() >= {"After", "Within"}


LATER = """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Later"/>
    <bpmn:intermediateCatchEvent id="Later">
      <bpmn:timerEventDefinition id="t"><bpmn:timeDuration>=wait</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="Later" targetRef="After"/>
    <bpmn:userTask id="After"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="f3" sourceRef="After" targetRef="End"/>
    <bpmn:endEvent id="End"/>
"""


def test_a_correction_takes_the_json_that_it_is_sent(olive: Caller) -> None:
    olive.deploy(diagram("later", LATER))
    key = olive.begin("later", wait="soon")
    found = olive.ask("/incidents/search", {"filter": {"processInstanceKey": key}})["items"][0]["incidentKey"]
    oscar = Caller(olive.server, "oscar")
    asked = {"incidentKeys": [found], "act": "correct", "variable": "wait", "reason": "typo"}
    told = oscar.ask("/convenor/incidents/proposals", asked, expect=400)
    assert told["detail"] == "Say which value the variable is to have."
    proposed = oscar.ask("/convenor/incidents/proposals", {**asked, "value": "PT0S"}, expect=201)["mendingKey"]
    olive.ask(f"/convenor/incidents/proposals/{proposed}/approval")
    olive.server.hours.settle()
    oscar.http.close()
    assert (olive.at_work(key), olive.variables(key)["wait"]) == ({"After": 1}, "PT0S")


def test_who_cancels_what_has_gone_on_meanwhile_cancels_it(
    on_postgresql: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read, to see whose it is, before somebody else's step: it is locked as it is by then."""
    olive = on_postgresql
    olive.deploy(parts("overtaken"))
    key = olive.begin("overtaken")
    find_for = seeing.find_for

    def overtaken(*asked: Any) -> Any:
        monkeypatch.setattr(seeing, "find_for", find_for)
        found = find_for(*asked)
        other = threading.Thread(target=olive.do, args=(key, "Within"))
        other.start()
        other.join()
        return found

    monkeypatch.setattr(seeing, "find_for", overtaken)
    olive.ask(f"/process-instances/{key}/cancellation", expect=204)
    assert olive.state(key) == "TERMINATED"
    done = olive.http.get(f"/process-instances/{key}/statistics/element-instances").json()["items"]
    assert {each["elementId"]: each["completed"] for each in done if each["completed"]}["Within"] == 1
