"""The engine through the official client: started and waited for, looked into, changed, signalled, decided, many at once."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from camunda_orchestration_sdk import models as m
from camunda_orchestration_sdk.errors import ApiError
from camunda_orchestration_sdk.types import File
from sqlalchemy import select

from app.cases.models import Case
from app.demo import story
from app.operations import mending
from app.runtime.models import Instance
from app.store import jobs
from app.store.database import db
from app.store.jobs import Handler, Job, JobState, handlers
from tests.support.api_server import Server, running_on
from tests.support.diagrams import diagram

TWO = diagram(
    "two",
    """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Choose"/>
    <bpmn:exclusiveGateway id="Choose" default="f3"/>
    <bpmn:sequenceFlow id="f2" sourceRef="Choose" targetRef="First">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=slow</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f3" sourceRef="Choose" targetRef="Reckon"/>
    <bpmn:userTask id="First" name="The first">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:boundaryEvent id="Late" attachedToRef="First">
      <bpmn:timerEventDefinition>
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P3D</bpmn:timeDuration>
      </bpmn:timerEventDefinition>
    </bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f6" sourceRef="Late" targetRef="End"/>
    <bpmn:sequenceFlow id="f4" sourceRef="First" targetRef="Reckon"/>
    <bpmn:scriptTask id="Reckon">
      <bpmn:extensionElements><zeebe:script expression="=base + 1" resultVariable="more"/></bpmn:extensionElements>
    </bpmn:scriptTask>
    <bpmn:sequenceFlow id="f5" sourceRef="Reckon" targetRef="End"/>
    <bpmn:endEvent id="End"/>
    """,
)
ALARM = diagram(
    "alarm",
    """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="g1" sourceRef="Start" targetRef="Wait"/>
    <bpmn:intermediateCatchEvent id="Wait"><bpmn:signalEventDefinition signalRef="bell"/></bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="g2" sourceRef="Wait" targetRef="Letter"/>
    <bpmn:intermediateCatchEvent id="Letter">
      <bpmn:messageEventDefinition messageRef="letter"/>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="g3" sourceRef="Letter" targetRef="End"/>
    <bpmn:endEvent id="End"/>
    """,
    before="""<bpmn:signal id="bell" name="bell"/>
    <bpmn:message id="letter" name="letter"><bpmn:extensionElements>
      <zeebe:subscription correlationKey="=number"/></bpmn:extensionElements></bpmn:message>""",
)
INNER = diagram(
    "inner",
    """
    <bpmn:startEvent id="Begin"/>
    <bpmn:sequenceFlow id="i1" sourceRef="Begin" targetRef="Inside"/>
    <bpmn:userTask id="Inside"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:sequenceFlow id="i2" sourceRef="Inside" targetRef="Over"/>
    <bpmn:endEvent id="Over"/>
    """,
)
MANY = diagram(
    "many",
    """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="m1" sourceRef="Start" targetRef="Fork"/>
    <bpmn:parallelGateway id="Fork"/>
    <bpmn:sequenceFlow id="m2" sourceRef="Fork" targetRef="Join"/>
    <bpmn:sequenceFlow id="m3" sourceRef="Fork" targetRef="Call"/>
    <bpmn:sequenceFlow id="m4" sourceRef="Fork" targetRef="Part"/>
    <bpmn:sequenceFlow id="m5" sourceRef="Fork" targetRef="Either"/>
    <bpmn:sequenceFlow id="m6" sourceRef="Fork" targetRef="Each"/>
    <bpmn:sequenceFlow id="m7" sourceRef="Call" targetRef="Join"/>
    <bpmn:parallelGateway id="Join"/>
    <bpmn:sequenceFlow id="m8" sourceRef="Join" targetRef="End"/>
    <bpmn:callActivity id="Call"><bpmn:extensionElements>
      <zeebe:calledElement processId="inner" propagateAllChildVariables="false"/></bpmn:extensionElements></bpmn:callActivity>
    <bpmn:subProcess id="Part">
      <bpmn:startEvent id="PartStart"/>
      <bpmn:sequenceFlow id="p1" sourceRef="PartStart" targetRef="Within"/>
      <bpmn:userTask id="Within"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
      <bpmn:sequenceFlow id="p2" sourceRef="Within" targetRef="PartEnd"/>
      <bpmn:endEvent id="PartEnd"/>
    </bpmn:subProcess>
    <bpmn:sequenceFlow id="m9" sourceRef="Part" targetRef="End"/>
    <bpmn:eventBasedGateway id="Either"/>
    <bpmn:sequenceFlow id="m10" sourceRef="Either" targetRef="Bell"/>
    <bpmn:sequenceFlow id="m11" sourceRef="Either" targetRef="Day"/>
    <bpmn:intermediateCatchEvent id="Bell"><bpmn:signalEventDefinition signalRef="bell"/></bpmn:intermediateCatchEvent>
    <bpmn:intermediateCatchEvent id="Day"><bpmn:timerEventDefinition>
      <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P90D</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="m12" sourceRef="Bell" targetRef="End"/>
    <bpmn:sequenceFlow id="m13" sourceRef="Day" targetRef="End"/>
    <bpmn:userTask id="Each"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>
        <zeebe:loopCharacteristics inputCollection="=[1, 2]" inputElement="one"/></bpmn:extensionElements>
      </bpmn:multiInstanceLoopCharacteristics></bpmn:userTask>
    <bpmn:sequenceFlow id="m14" sourceRef="Each" targetRef="End"/>
    <bpmn:endEvent id="End"/>
    """,
    before='<bpmn:signal id="bell" name="bell"/>',
)
POSTAGE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="stamps" name="Stamps" namespace="http://x">
  <decision id="postage" name="Postage">
    <decisionTable id="table" hitPolicy="UNIQUE">
      <input id="in" label="Weight"><inputExpression id="ie" typeRef="number"><text>weight</text></inputExpression></input>
      <output id="out" name="price" typeRef="number"/>
      <rule id="light"><inputEntry id="e1"><text>&lt;= 100</text></inputEntry>
        <outputEntry id="o1"><text>1</text></outputEntry></rule>
      <rule id="heavy"><inputEntry id="e2"><text>&gt; 100</text></inputEntry>
        <outputEntry id="o2"><text>3</text></outputEntry></rule>
    </decisionTable>
  </decision>
</definitions>
"""
WEIGH_FORM = json.dumps(
    {
        "id": "weigh-form",
        "type": "default",
        "schemaVersion": 16,
        "components": [{"type": "number", "key": "weight", "id": "Field_1", "label": "Weight in grams"}],
    }
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_on(request.param, request, seeded, tmp_path_factory.mktemp("engine") / "data") as found:
        sources = {"two.bpmn": TWO, "alarm.bpmn": ALARM, "stamps.dmn": POSTAGE, "weigh.form": WEIGH_FORM}
        files = [File(payload=io.BytesIO(text.encode()), file_name=name) for name, text in sources.items()]
        found.client("olive").create_deployment(data=m.CreateDeploymentData(resources=files))
        yield found


@pytest.fixture
def olive(server: Server) -> Any:
    return server.client("olive")


def begin(server: Server, process_id: str = "two", username: str = "olive", **more: Any) -> Any:
    asked = m.ProcessCreationById.from_dict({"processDefinitionId": process_id, **more})
    return server.client(username).create_process_instance(data=asked)


def slowly(server: Server, **variables: Any) -> str:
    return str(begin(server, variables={"slow": True, "base": 1, **variables}).process_instance_key)


def status(act: Any, *args: Any, **more: Any) -> int:
    with pytest.raises(ApiError) as refused:
        act(*args, **more)
    return int(refused.value.status_code)


def state_of(server: Server, key: str) -> str:
    return str(server.client("olive").get_process_instance(process_instance_key=key).state.value)


def tasks(server: Server, key: str) -> list[Any]:
    asked = {"filter": {"processInstanceKey": key, "state": "CREATED"}}
    return list(server.client("olive").search_user_tasks(data=m.UserTaskSearchQuery.from_dict(asked)).items)


def elements(server: Server, key: str, **more: Any) -> list[Any]:
    asked = m.ElementInstanceSearchQuery.from_dict({"filter": {"processInstanceKey": key, **more}})
    return list(server.client("olive").search_element_instances(data=asked).items)


# ------------------------------------------------------------------------------------------------ with result
def test_an_instance_that_ends_at_once_brings_its_variables(server: Server) -> None:
    made = begin(server, variables={"slow": False, "base": 1}, awaitCompletion=True)
    assert made.variables.to_dict().items() >= {"slow": False, "base": 1, "more": 2}.items()
    some = begin(server, variables={"slow": False, "base": 1}, awaitCompletion=True, fetchVariables=["more"])
    assert some.variables.to_dict() == {"more": 2}


def test_an_instance_is_waited_for_and_goes_on_when_nobody_waits_any_more(server: Server, olive: Any) -> None:
    variables = {"slow": True, "base": 5, "mark": "late"}
    assert status(begin, server, variables=variables, awaitCompletion=True, requestTimeout=100) == 504
    asked = {"filter": {"elementId": "First", "state": "CREATED"}, "sort": [{"field": "creationDate", "order": "DESC"}]}
    [task, *_] = olive.search_user_tasks(data=m.UserTaskSearchQuery.from_dict(asked)).items
    olive.complete_user_task(user_task_key=task.user_task_key, data=m.UserTaskCompletionRequest())
    assert state_of(server, task.process_instance_key) == "COMPLETED"

    found: list[Any] = []
    client = server.fresh_client("olive")
    client.get_topology()
    asked_for = {
        "processDefinitionId": "two",
        "variables": variables,
        "awaitCompletion": True,
        "requestTimeout": 30_000,
    }
    creation = m.ProcessCreationById.from_dict(asked_for)
    before = {each.user_task_key for each in olive.search_user_tasks(data=m.UserTaskSearchQuery.from_dict(asked)).items}
    waiting = threading.Thread(target=lambda: found.append(client.create_process_instance(data=creation)))
    waiting.start()
    new: list[Any] = []
    while not new and waiting.is_alive():
        every = olive.search_user_tasks(data=m.UserTaskSearchQuery.from_dict(asked)).items
        new = [each for each in every if each.user_task_key not in before]
    olive.complete_user_task(user_task_key=new[0].user_task_key, data=m.UserTaskCompletionRequest())
    waiting.join(timeout=60)
    assert found[0].variables.to_dict()["more"] == 6


# ------------------------------------------------------------------------------------------------ inside
def test_elements_flows_and_counts_of_an_instance(server: Server, olive: Any) -> None:
    key = slowly(server)
    found = {each.element_id: each for each in elements(server, key)}
    assert set(found) == {"two", "First", "Late"}
    assert (found["two"].type_.value, found["two"].element_instance_key) == ("PROCESS", key)
    assert (found["First"].type_.value, found["First"].state.value) == ("USER_TASK", "ACTIVE")
    assert found["Late"].type_.value == "BOUNDARY_EVENT"
    one = olive.get_element_instance(element_instance_key=found["First"].element_instance_key)
    assert one.element_name == "The first"
    flows = olive.get_process_instance_sequence_flows(process_instance_key=key).items
    assert {each.element_id for each in flows} == {"f1", "f2"}
    counts = olive.get_process_instance_statistics(process_instance_key=key).items
    assert {each.element_id: (each.active, each.completed) for each in counts} == {
        "Start": (0, 1),
        "Choose": (0, 1),
        "First": (1, 0),
    }
    [itself] = olive.get_process_instance_call_hierarchy(process_instance_key=key)
    assert itself.process_instance_key == key
    waits = m.ElementInstanceWaitStateQuery.from_dict({"filter": {"processInstanceKey": key}})
    details = [each.details for each in olive.search_element_instance_wait_states(data=waits).items]
    assert {each.wait_state_type for each in details} == {"USER_TASK", "TIMER"}
    waiting = olive.get_process_instance_wait_state_statistics(process_instance_key=key).items
    assert {each.element_id: each.waiting_count for each in waiting} == {"First": 1, "Late": 1}

    [task] = tasks(server, key)
    olive.complete_user_task(user_task_key=task.user_task_key, data=m.UserTaskCompletionRequest())
    [done] = elements(server, key, type="USER_TASK")
    assert (done.state.value, done.end_date is not None) == ("COMPLETED", True)
    assert [each.state.value for each in elements(server, key, type="PROCESS")] == ["COMPLETED"]
    assert {each.element_id for each in elements(server, key)} == {"two", "First"}, (
        "of all else only its number is kept"
    )
    counts = olive.get_process_instance_statistics(process_instance_key=key).items
    told = {each.element_id: (each.completed, each.canceled) for each in counts}
    assert told == dict.fromkeys(("Start", "Choose", "First", "Reckon", "End"), (1, 0))
    flows = olive.get_process_instance_sequence_flows(process_instance_key=key).items
    assert {each.element_id for each in flows} == {"f1", "f2", "f4", "f5"}
    assert elements(server, "5" * 18) == []


def test_insides_are_searched_without_naming_an_instance(server: Server, olive: Any) -> None:
    keys = {slowly(server, shade="teal"), slowly(server, shade="teal", size=1)}
    first = m.ElementInstanceSearchQuery.from_dict({"filter": {"elementId": "First", "state": "ACTIVE"}})
    found = {each.process_instance_key for each in olive.search_element_instances(data=first).items}
    assert found >= keys
    held = m.VariableSearchQuery.from_dict({"filter": {"name": "shade", "value": '"teal"'}})
    assert {each.process_instance_key for each in olive.search_variables(data=held).items} == keys
    timers = m.ElementInstanceWaitStateQuery.from_dict({"filter": {"waitStateType": "TIMER", "elementId": "Late"}})
    assert {each.process_instance_key for each in olive.search_element_instance_wait_states(data=timers).items} >= keys
    for nobody in ("rosa", "oscar"):
        client = server.client(nobody)
        assert client.search_element_instances(data=first).items == []
        assert client.search_variables(data=held).items == []


def test_instances_and_tasks_are_found_by_what_is_inside(server: Server, olive: Any) -> None:
    key = slowly(server, mood="calm", depth=7)
    other = slowly(server, mood="calm")

    def instances(**wanted: Any) -> set[str]:
        asked = m.ProcessInstanceSearchQuery.from_dict({"filter": wanted})
        return {each.process_instance_key for each in olive.search_process_instances(data=asked).items}

    def found_tasks(**wanted: Any) -> set[str]:
        asked = m.UserTaskSearchQuery.from_dict({"filter": wanted})
        return {each.process_instance_key for each in olive.search_user_tasks(data=asked).items}

    calm, deep = {"name": "mood", "value": '"calm"'}, {"name": "depth", "value": {"$neq": "8"}}
    assert instances(variables=[calm]) == {key, other}
    assert instances(variables=[calm, deep]) == {key}
    assert instances(variables=[calm, {"name": "depth", "value": {"$exists": True}}]) == {key}
    assert instances(variables=[calm], elementId="First", elementInstanceState="ACTIVE") == {key, other}
    assert instances(variables=[calm], elementId="Reckon") == set()
    assert instances(processInstanceKey=key, hasElementInstanceIncident=True) == set()
    assert instances(**{"$or": [{"variables": [deep]}, {"processInstanceKey": other}]}) >= {key, other}
    assert instances(variables=[calm], tags=["one"]) == set()
    assert found_tasks(processInstanceVariables=[calm]) == {key, other}
    assert found_tasks(processInstanceVariables=[calm, deep], state="CREATED") == {key}
    assert found_tasks(localVariables=[calm]) == set()
    [first] = elements(server, key, elementId="First")
    local = m.SetVariableRequest.from_dict({"variables": {"mood": "glad"}, "local": True})
    olive.create_element_instance_variables(element_instance_key=first.element_instance_key, data=local)
    assert found_tasks(localVariables=[{"name": "mood", "value": {"$like": '"g*'}}]) == {key}
    for wrong in (["x"], [{"name": "mood"}], "mood", [], [{"name": 1, "value": "1"}], [{**calm, "more": 1}]):
        for address in ("process-instances", "user-tasks"):
            name = "variables" if address == "process-instances" else "localVariables"
            answer = httpx.post(
                f"{server.url}/v2/{address}/search",
                headers={"Authorization": f"Bearer {server.token('olive')}"},
                json={"filter": {name: wrong}},
            )
            assert (answer.status_code, name in answer.json()["detail"]) == (400, True), (address, wrong)


def test_variables_are_found_by_scope_and_set(server: Server, olive: Any) -> None:
    key = slowly(server, colour="red")

    def found(**more: Any) -> dict[str, Any]:
        asked = m.VariableSearchQuery.from_dict({"filter": {"processInstanceKey": key, **more}})
        return {each.name: each for each in olive.search_variables(data=asked).items}

    assert json.loads(found()["colour"].value) == "red"
    assert set(found(name={"$like": "c*"})) == {"colour"}
    one = olive.get_variable(variable_key=found()["colour"].variable_key)
    assert (one.name, one.scope_key, one.value) == ("colour", key, '"red"')
    change = m.SetVariableRequest.from_dict({"variables": {"colour": "blue"}})
    olive.create_element_instance_variables(element_instance_key=key, data=change)
    assert found()["colour"].value == '"blue"'
    [first] = elements(server, key, elementId="First")
    local = m.SetVariableRequest.from_dict({"variables": {"colour": "green"}, "local": True})
    olive.create_element_instance_variables(element_instance_key=first.element_instance_key, data=local)
    assert found(scopeKey=first.element_instance_key)["colour"].value == '"green"'
    assert found(scopeKey=key)["colour"].value == '"blue"'
    refused = server.client("cora").create_element_instance_variables
    assert status(refused, element_instance_key=key, data=change) == 403
    gone = server.client("rosa").get_variable
    assert status(gone, variable_key=found()["base"].variable_key) == 404


def test_everything_at_work_is_an_element_with_its_scope(server: Server, olive: Any) -> None:
    files = [File(payload=io.BytesIO(t.encode()), file_name=n) for n, t in (("inner.bpmn", INNER), ("many.bpmn", MANY))]
    olive.create_deployment(data=m.CreateDeploymentData(resources=files))
    key = str(begin(server, "many").process_instance_key)
    found = elements(server, key, state="ACTIVE")
    kinds = sorted((each.element_id, each.type_.value) for each in found)
    assert kinds == sorted(
        [
            ("many", "PROCESS"),
            ("Join", "PARALLEL_GATEWAY"),
            ("Call", "CALL_ACTIVITY"),
            ("Inside", "USER_TASK"),
            ("Part", "SUB_PROCESS"),
            ("Within", "USER_TASK"),
            ("Either", "EVENT_BASED_GATEWAY"),
            ("Each", "MULTI_INSTANCE_BODY"),
            ("Each", "USER_TASK"),
            ("Each", "USER_TASK"),
        ]
    )
    keys = {each.element_id: each.element_instance_key for each in found if each.type_.value != "USER_TASK"}
    for inner, outer in (("Inside", "Call"), ("Within", "Part"), ("Each", "Each")):
        inside = elements(server, key, elementInstanceScopeKey=keys[outer])
        assert {each.element_id for each in inside} == {inner}
    assert {each.process_definition_id for each in found if each.element_id == "Inside"} == {"inner"}
    waits = m.ElementInstanceWaitStateQuery.from_dict({"filter": {"processInstanceKey": key}})
    waiting = olive.search_element_instance_wait_states(data=waits).items
    kinds = sorted((each.element_id, each.details.wait_state_type) for each in waiting)
    assert [each for each in kinds if each[1] == "USER_TASK"] == [
        ("Each", "USER_TASK"),
        ("Each", "USER_TASK"),
        ("Inside", "USER_TASK"),
        ("Within", "USER_TASK"),
    ]
    assert {kind for _, kind in kinds} == {"USER_TASK", "TIMER", "SIGNAL"}


# ------------------------------------------------------------------------------------------------ changing
def test_tokens_are_begun_moved_and_ended(server: Server, olive: Any) -> None:
    key = slowly(server)
    moved = m.ProcessInstanceModificationInstruction.from_dict(
        {
            "moveInstructions": [
                {
                    "sourceElementInstruction": {"sourceType": "byId", "sourceElementId": "First"},
                    "targetElementId": "Reckon",
                    "variableInstructions": [{"variables": {"base": 40}}],
                }
            ]
        }
    )
    olive.modify_process_instance(process_instance_key=key, data=moved)
    assert state_of(server, key) == "COMPLETED"

    key = slowly(server)
    [first] = elements(server, key, elementId="First")
    again = {
        "activateInstructions": [{"elementId": "First"}],
        "terminateInstructions": [{"elementInstanceKey": first.element_instance_key}],
    }
    change = m.ProcessInstanceModificationInstruction.from_dict(again)
    olive.modify_process_instance(process_instance_key=key, data=change)
    [second] = elements(server, key, elementId="First", state="ACTIVE")
    assert second.element_instance_key != first.element_instance_key
    assert status(olive.modify_process_instance, process_instance_key=key, data=change) == 409
    nowhere = m.ProcessInstanceModificationInstruction.from_dict({"activateInstructions": [{"elementId": "Nowhere"}]})
    assert status(olive.modify_process_instance, process_instance_key=key, data=nowhere) == 400
    ending = m.ProcessInstanceModificationInstruction.from_dict({"terminateInstructions": [{"elementId": "First"}]})
    assert status(server.client("cora").modify_process_instance, process_instance_key=key, data=ending) == 403
    olive.modify_process_instance(process_instance_key=key, data=ending)
    assert state_of(server, key) == "TERMINATED"


def test_what_is_about_a_case_is_not_changed_from_outside(server: Server, olive: Any) -> None:
    key = slowly(server)
    with server.app.app_context():
        if db.session.execute(db.select(Case.key).limit(1)).scalar() is None:
            story.begin(server.app, 0)
        row = db.session.get(Instance, int(key))
        assert row is not None
        row.case_key = db.session.execute(db.select(Case.key).limit(1)).scalar_one()
        db.session.commit()
    cora = server.client("cora")
    ending = m.ProcessInstanceModificationInstruction.from_dict({"terminateInstructions": [{"elementId": "First"}]})
    change = m.SetVariableRequest.from_dict({"variables": {"base": 2}})
    assert status(cora.modify_process_instance, process_instance_key=key, data=ending) == 403
    assert status(cora.create_element_instance_variables, element_instance_key=key, data=change) == 403
    assert status(olive.get_process_instance, process_instance_key=key) == 404
    assert status(olive.modify_process_instance, process_instance_key=key, data=ending) == 404
    asked = m.VariableSearchQuery.from_dict({"filter": {"processInstanceKey": key}})
    assert {each.name for each in cora.search_variables(data=asked).items} >= {"base", "slow"}
    assert olive.search_variables(data=asked).items == []


def in_pages_of_one(client: Any, **asked: Any) -> list[str]:
    """Every message subscription that a search finds, a page for each."""
    found, page = [], {"limit": 1}
    while True:
        asked["page"] = page
        told = client.search_message_subscriptions(data=m.MessageSubscriptionSearchQuery.from_dict(asked))
        if not told.items:
            return sorted(found)
        found.append(told.items[0].message_subscription_key)
        page = {"limit": 1, "after": told.page.end_cursor}


def test_a_signal_reaches_everything_that_waits(server: Server, olive: Any) -> None:
    keys = [begin(server, "alarm", variables={"number": f"N-{n}"}).process_instance_key for n in range(2)]
    sent = olive.broadcast_signal(data=m.SignalBroadcastRequest.from_dict({"signalName": "bell"}))
    assert sent.signal_key.isdigit()
    waiting = m.MessageSubscriptionSearchQuery.from_dict({"filter": {"messageName": "letter"}})
    found = olive.search_message_subscriptions(data=waiting).items
    assert {each.process_instance_key for each in found} >= set(keys)
    assert {each.correlation_key for each in found} >= {"N-0", "N-1"}
    assert in_pages_of_one(olive, sort=[{"field": "messageName"}], filter={"messageName": "letter"}) == sorted(
        each.message_subscription_key for each in found
    ), "instances of one process wait at the same place for the same message"
    counted = olive.get_process_definition_message_subscription_statistics().items
    assert counted[0].active_subscriptions >= 2
    assert status(server.client("cora").broadcast_signal, data=m.SignalBroadcastRequest(signal_name="bell")) == 403


# ------------------------------------------------------------------------------------------------ decisions, files
def test_a_decision_is_found_read_and_evaluated(server: Server, olive: Any) -> None:
    asked = m.DecisionDefinitionSearchQuery.from_dict({"filter": {"decisionDefinitionId": "postage"}})
    [found] = olive.search_decision_definitions(data=asked).items
    assert (found.name, found.decision_requirements_name) == ("Postage", "Stamps")
    again = olive.get_decision_definition(decision_definition_key=found.decision_definition_key)
    assert again.decision_definition_id == "postage"
    assert "<decisionTable" in olive.get_decision_definition_xml(decision_definition_key=found.decision_definition_key)
    needed = m.DecisionRequirementsSearchQuery.from_dict({"filter": {"decisionRequirementsId": "stamps"}})
    [requirements] = olive.search_decision_requirements(data=needed).items
    key = requirements.decision_requirements_key
    assert olive.get_decision_requirements(decision_requirements_key=key).resource_name == "stamps.dmn"
    assert "<decisionTable" in olive.get_decision_requirements_xml(decision_requirements_key=key)

    body = m.DecisionEvaluationByID.from_dict({"decisionDefinitionId": "postage", "variables": {"weight": 250}})
    told = olive.evaluate_decision(data=body)
    assert json.loads(told.output) == 3
    [table] = told.evaluated_decisions
    assert [rule.rule_id for rule in table.matched_rules] == ["heavy"]
    assert [e.to_dict() for e in table.evaluated_inputs] == [
        {"inputId": "in", "inputName": "Weight", "inputValue": "250"}
    ]
    [gave] = table.matched_rules[0].evaluated_outputs
    assert (gave.output_id, gave.output_name, gave.output_value) == ("out", "price", "3")
    by_key = {"decisionDefinitionKey": found.decision_definition_key, "variables": {"weight": 1}}
    assert json.loads(olive.evaluate_decision(data=m.DecisionEvaluationByKey.from_dict(by_key)).output) == 1
    assert status(server.client("rosa").evaluate_decision, data=body) == 403
    unknown = m.DecisionEvaluationByID.from_dict({"decisionDefinitionId": "nothing"})
    assert status(olive.evaluate_decision, data=unknown) == 404


def test_published_files_are_found_and_read(server: Server, olive: Any) -> None:
    asked = m.ResourceSearchQuery.from_dict({"filter": {"resourceName": "weigh.form"}})
    [form] = olive.search_resources(data=asked).items
    assert olive.get_resource(resource_key=form.resource_key).resource_name == "weigh.form"
    assert olive.get_resource_content(resource_key=form.resource_key).to_dict()["id"] == "weigh-form"
    assert olive.get_form_by_key(form_key=form.resource_key).form_id == "weigh-form"
    asked = m.ResourceSearchQuery.from_dict({"filter": {"resourceName": "two.bpmn"}})
    [drawn] = olive.search_resources(data=asked).items
    assert status(olive.get_resource_content, resource_key=drawn.resource_key) == 406
    assert b"bpmn:process" in olive.get_resource_content_binary(resource_key=drawn.resource_key).payload.read()
    assert status(server.client("rosa").get_resource, resource_key=form.resource_key) == 403


# ------------------------------------------------------------------------------------------------ many at once
def test_many_instances_are_cancelled_and_each_that_is_refused_says_why(server: Server, olive: Any) -> None:
    keys = [slowly(server) for _ in range(3)]
    asked = {"filter": {"processInstanceKey": {"$in": keys}}}
    begun = olive.cancel_process_instances_batch_operation(
        data=m.ProcessInstanceCancellationBatchOperationRequest.from_dict(asked)
    )
    assert begun.batch_operation_type.value == "CANCEL_PROCESS_INSTANCE"
    olive.cancel_process_instance(process_instance_key=keys[0], data=m.CancelProcessInstanceRequest())
    server.hours.settle()
    told = olive.get_batch_operation(batch_operation_key=begun.batch_operation_key)
    counts = (told.operations_total_count, told.operations_completed_count, told.operations_failed_count)
    assert (told.state.value, counts, told.actor_id) == ("PARTIALLY_COMPLETED", (3, 2, 1), "olive")
    assert [state_of(server, key) for key in keys] == ["TERMINATED"] * 3
    items = m.BatchOperationItemSearchQuery.from_dict(
        {"filter": {"batchOperationKey": begun.batch_operation_key, "state": "FAILED"}}
    )
    [failed] = olive.search_batch_operation_items(data=items).items
    assert failed.process_instance_key == keys[0]
    assert "ended" in failed.error_message
    mine = m.BatchOperationSearchQuery.from_dict({"filter": {"operationType": "CANCEL_PROCESS_INSTANCE"}})
    assert begun.batch_operation_key in {b.batch_operation_key for b in olive.search_batch_operations(data=mine).items}
    assert status(server.client("rosa").get_batch_operation, batch_operation_key=begun.batch_operation_key) == 404


def test_tokens_of_many_instances_are_moved(server: Server, olive: Any) -> None:
    keys = [slowly(server) for _ in range(2)]
    asked = {
        "filter": {"processInstanceKey": {"$in": keys}},
        "moveInstructions": [{"sourceElementId": "First", "targetElementId": "Reckon"}],
    }
    request = m.ProcessInstanceModificationBatchOperationRequest.from_dict(asked)
    olive.modify_process_instances_batch_operation(data=request)
    server.hours.settle()
    assert [state_of(server, key) for key in keys] == ["COMPLETED"] * 2


def test_a_batch_is_suspended_resumed_and_cancelled(server: Server, olive: Any) -> None:
    key = slowly(server)
    asked = m.ProcessInstanceCancellationBatchOperationRequest.from_dict({"filter": {"processInstanceKey": key}})
    batch = olive.cancel_process_instances_batch_operation(data=asked).batch_operation_key
    olive.suspend_batch_operation(batch_operation_key=batch)
    server.hours.settle()
    assert state_of(server, key) == "ACTIVE"
    assert status(olive.suspend_batch_operation, batch_operation_key=batch) == 409
    olive.resume_batch_operation(batch_operation_key=batch)
    olive.cancel_batch_operation(batch_operation_key=batch)
    server.hours.settle()
    assert (state_of(server, key), olive.get_batch_operation(batch_operation_key=batch).state.value) == (
        "ACTIVE",
        "CANCELED",
    )
    assert status(olive.resume_batch_operation, batch_operation_key=batch) == 409


def test_everything_that_has_stopped_is_tried_again(server: Server, olive: Any) -> None:
    oscar = server.client("oscar")
    key = str(begin(server, variables={"slow": "perhaps", "base": 1}).process_instance_key)
    found = olive.search_process_instance_incidents(process_instance_key=key).items
    assert [each.element_id for each in found] == ["Choose"]
    [stopped] = elements(server, key, hasIncident=True, elementId="Choose")
    assert stopped.incident_key == found[0].incident_key
    inside = olive.search_element_instance_incidents(
        element_instance_key=stopped.element_instance_key, data=m.IncidentSearchQuery()
    ).items
    assert [each.incident_key for each in inside] == [found[0].incident_key]
    causes = olive.get_process_instance_statistics_by_error().items
    assert len(causes) == 1
    cause = causes[0]
    by_definition = m.IncidentProcessInstanceStatisticsByDefinitionQuery.from_dict(
        {"filter": {"errorHashCode": cause.error_hash_code}}
    )
    assert olive.get_process_instance_statistics_by_definition(data=by_definition).items
    change = m.SetVariableRequest.from_dict({"variables": {"slow": False}})
    olive.create_element_instance_variables(element_instance_key=key, data=change)
    assert status(olive.resolve_process_instance_incidents, process_instance_key=key) == 403
    begun = oscar.resolve_process_instance_incidents(process_instance_key=key)
    server.hours.settle()
    assert oscar.get_batch_operation(batch_operation_key=begun.batch_operation_key).state.value == "COMPLETED"
    assert state_of(server, key) == "COMPLETED"

    other = str(begin(server, variables={"slow": "perhaps", "base": 1}).process_instance_key)
    olive.create_element_instance_variables(element_instance_key=other, data=change)
    asked = {"filter": {"processInstanceKey": other}}
    oscar.resolve_incidents_batch_operation(
        data=m.ProcessInstanceIncidentResolutionBatchOperationRequest.from_dict(asked)
    )
    server.hours.settle()
    assert state_of(server, other) == "COMPLETED"


def test_counts_of_the_area(server: Server, olive: Any) -> None:
    slowly(server)
    by_definition = {
        each.process_definition_id: each for each in olive.get_process_definition_instance_statistics().items
    }
    assert by_definition["two"].active_instances_without_incident_count >= 1
    asked = m.ProcessDefinitionInstanceVersionStatisticsQuery.from_dict({"filter": {"processDefinitionId": "two"}})
    [version] = olive.get_process_definition_instance_version_statistics(data=asked).items
    assert version.process_definition_version == 1
    found = olive.get_process_definition_statistics(process_definition_key=version.process_definition_key).items
    counts = {each.element_id: each for each in found}
    assert counts["First"].active >= 1
    assert counts["Choose"].completed >= 1
    shipped = m.ProcessDefinitionSearchQuery.from_dict({"filter": {"processDefinitionId": "marac-case"}})
    key = olive.search_process_definitions(data=shipped).items[0].process_definition_key
    names = olive.search_process_definition_variable_names(process_definition_key=key).items
    assert "caseId" in {each.name for each in names}


# ------------------------------------------------------------------------------------------------ tasks, expressions, oneself
def test_a_task_is_changed_by_its_holder_and_tells_who_did_what(server: Server, olive: Any) -> None:
    key = slowly(server)
    [task] = tasks(server, key)
    changes = {"priority": 80, "followUpDate": "2026-03-05T09:00:00Z", "dueDate": "2026-03-06T09:00:00Z"}
    change = m.UserTaskUpdateRequest.from_dict({"changeset": changes})
    olive.update_user_task(user_task_key=task.user_task_key, data=change)
    [told] = tasks(server, key)
    assert (told.priority, told.due_date.day, told.follow_up_date.day) == (80, 6, 5)
    nobody = m.UserTaskUpdateRequest.from_dict({"changeset": {"candidateGroups": ["auditor"]}})
    assert status(olive.update_user_task, user_task_key=task.user_task_key, data=nobody) == 400
    assert status(server.client("rosa").update_user_task, user_task_key=task.user_task_key, data=change) == 404
    olive.complete_user_task(user_task_key=task.user_task_key, data=m.UserTaskCompletionRequest())
    assert status(olive.update_user_task, user_task_key=task.user_task_key, data=change) == 409

    def logged(**filter_: Any) -> list[str]:
        asked = m.UserTaskAuditLogSearchQueryRequest.from_dict({"filter": filter_})
        found = olive.search_user_task_audit_logs(user_task_key=task.user_task_key, data=asked).items
        assert {each.actor_id for each in found} <= {"olive"}
        return [each.operation_type.value for each in found]

    assert logged() == ["UPDATE", "COMPLETE"]
    assert logged(operationType="COMPLETE", actorId="olive") == ["COMPLETE"]
    assert logged(operationType="ASSIGN") == []


def test_a_deadline_of_a_case_is_no_tasks_due_date(server: Server) -> None:
    with server.app.app_context():
        if db.session.execute(db.select(Case.key).limit(1)).scalar() is None:
            story.begin(server.app, 0)
    cora = server.client("cora")
    asked = m.UserTaskSearchQuery.from_dict({"filter": {"state": "CREATED", "dueDate": {"$exists": True}}})
    [task, *_] = cora.search_user_tasks(data=asked).items
    change = m.UserTaskUpdateRequest.from_dict({"changeset": {"dueDate": "2027-03-06T09:00:00Z"}})
    assert status(cora.update_user_task, user_task_key=task.user_task_key, data=change) in (400, 403)


def test_an_expression_is_tried_with_an_instances_variables(server: Server, olive: Any) -> None:
    key = slowly(server, colour="red")

    def tried(expression: str, username: str = "olive", **more: Any) -> httpx.Response:
        """The client sends an expression only together with a scope."""
        headers = {"Authorization": f"Bearer {server.token(username)}"}
        body = {"expression": expression, **more}
        return httpx.post(f"{server.url}/v2/expression/evaluation", headers=headers, json=body, timeout=60)

    asked = {"expression": '=colour + "dish"', "scopeKey": key}
    told = olive.evaluate_expression(data=m.ExpressionEvaluationRequest.from_dict(asked))
    assert told.result == "reddish"
    assert tried("=1 + two", variables={"two": 2}).json()["result"] == 3
    assert tried('=colour + "dish"', scopeKey=key, variables={"colour": "blu"}).json()["result"] == "bludish"
    broken = tried("=nothing + 1").json()
    assert broken["result"] is None
    assert broken["warnings"]
    for wrong in ("1 + 1", "=1 +"):
        assert tried(wrong).status_code == 400
    assert tried("=1", "rosa").status_code == 403


def test_who_the_token_is_for(olive: Any) -> None:
    me = olive.get_authentication()
    assert (me.username, "process-owner" in me.roles) == ("olive", True)


def test_what_failed_outside_an_instance_is_listed_and_resolved_like_any_incident(server: Server) -> None:
    """A job that has failed for good belongs to no instance: the contract's keys are -1, and nothing else is amiss with it."""
    oscar = server.client("oscar")
    begin(server, variables={"slow": "perhaps", "base": 1})
    with server.app.app_context():
        handlers.register("test.job", Handler(lambda job: None))
        made = [jobs.enqueue("test.job", dedupe_key=f"test:{number}", max_attempts=1) for number in range(2)]
        for each in made:
            each.state, each.attempts, each.error = JobState.FAILED, 1, "ValueError: not told"
        db.session.commit()
        mending.look()
    asked = {"filter": {"errorType": "JOB_NO_RETRIES", "state": "ACTIVE", "processDefinitionId": "convenor"}}
    failed = oscar.search_incidents(data=m.IncidentSearchQuery.from_dict(asked)).items
    assert [(each.element_id, each.process_instance_key, each.process_definition_key) for each in failed] == [
        ("test.job", "-1", "-1")
    ] * 2
    assert "not told" not in failed[0].error_message
    assert oscar.get_incident(incident_key=failed[0].incident_key).element_instance_key == "-1"
    every = {each.incident_key for each in oscar.search_incidents(data=m.IncidentSearchQuery.from_dict({})).items}
    for field in m.IncidentSearchQuerySortRequestField:
        seen, after = set(), None
        while True:
            page = {"limit": 2} if after is None else {"limit": 2, "after": after}
            found = oscar.search_incidents(
                data=m.IncidentSearchQuery.from_dict({"sort": [{"field": field.value}], "page": page})
            )
            if not found.items:
                break
            seen |= {each.incident_key for each in found.items}
            after = found.page.end_cursor
        assert seen == every, field
    with_instance = {"filter": {"processInstanceKey": {"$exists": False}}}
    assert len(oscar.search_incidents(data=m.IncidentSearchQuery.from_dict(with_instance)).items) == 2
    assert status(server.client("olive").resolve_incident, incident_key=failed[0].incident_key) == 403
    oscar.resolve_incident(incident_key=failed[0].incident_key)
    with server.app.app_context():
        states = {job.key: job.state for job in db.session.execute(select(Job).where(Job.kind == "test.job")).scalars()}
        assert sorted(states.values()) == [JobState.FAILED, JobState.QUEUED]
        db.session.rollback()
    assert oscar.get_incident(incident_key=failed[0].incident_key).state.value == "RESOLVED"
    oscar.resolve_incident(incident_key=failed[1].incident_key)
    assert oscar.search_incidents(data=m.IncidentSearchQuery.from_dict(asked)).items == []


# ------------------------------------------------------------------------------------------------ orders
SEARCHES = {
    "/batch-operation-items/search": m.BatchOperationItemSearchQuerySortRequestField,
    "/batch-operations/search": m.BatchOperationSearchQuerySortRequestField,
    "/decision-definitions/search": m.DecisionDefinitionSearchQuerySortRequestField,
    "/decision-requirements/search": m.DecisionRequirementsSearchQuerySortRequestField,
    "/element-instances/search": m.ElementInstanceSearchQuerySortRequestField,
    "/incidents/search": m.IncidentSearchQuerySortRequestField,
    "/jobs/search": m.JobSearchQuerySortRequestField,
    "/process-definitions/search": m.ProcessDefinitionSearchQuerySortRequestField,
    "/process-instances/search": m.ProcessInstanceSearchQuerySortRequestField,
    "/resources/search": m.ResourceSearchQuerySortRequestField,
    "/user-tasks/search": m.UserTaskSearchQuerySortRequestField,
    "/variables/search": m.VariableSearchQuerySortRequestField,
}


@pytest.mark.parametrize("path", SEARCHES)
def test_every_order_of_the_contract_is_taken_and_paged(server: Server, path: str) -> None:
    if path in ("/element-instances/search", "/variables/search"):
        filter_ = {"processInstanceKey": slowly(server)}
    else:
        begin(server, variables={"slow": "perhaps", "base": 1})
        filter_ = {}
    headers = {"Authorization": f"Bearer {server.token('olive')}"}
    with httpx.Client(base_url=f"{server.url}/v2", headers=headers, timeout=60) as http:
        for field in SEARCHES[path]:
            for order in ("ASC", "DESC"):
                asked = {"filter": filter_, "sort": [{"field": field.value, "order": order}], "page": {"limit": 2}}
                first = http.post(path, json=asked)
                assert first.status_code == 200, (field, first.text)
                cursor = first.json()["page"]["endCursor"]
                if cursor is not None:
                    second = http.post(path, json={**asked, "page": {"limit": 2, "after": cursor}})
                    assert second.status_code == 200, (field, second.text)
                    assert not {str(i) for i in first.json()["items"]} & {str(i) for i in second.json()["items"]}


def test_instances_are_found_by_their_batch_and_definitions_by_what_they_are(server: Server, olive: Any) -> None:
    key = slowly(server)
    asked = m.ProcessInstanceCancellationBatchOperationRequest.from_dict({"filter": {"processInstanceKey": key}})
    batch = olive.cancel_process_instances_batch_operation(data=asked).batch_operation_key
    server.hours.settle()
    query = {"filter": {"batchOperationKey": batch, "hasRetriesLeft": False}}
    found = olive.search_process_instances(data=m.ProcessInstanceSearchQuery.from_dict(query)).items
    assert [each.process_instance_key for each in found] == [key]
    wanted = {"filter": {"hasStartForm": False, "state": "ACTIVE", "processDefinitionId": "two"}}
    assert olive.search_process_definitions(data=m.ProcessDefinitionSearchQuery.from_dict(wanted)).items
    wanted["filter"]["hasStartForm"] = True
    assert olive.search_process_definitions(data=m.ProcessDefinitionSearchQuery.from_dict(wanted)).items == []
    [first] = elements(server, slowly(server), elementId="First")
    by_element = {"filter": {"elementInstanceKey": first.element_instance_key}}
    [task] = olive.search_user_tasks(data=m.UserTaskSearchQuery.from_dict(by_element)).items
    assert task.element_id == "First"
