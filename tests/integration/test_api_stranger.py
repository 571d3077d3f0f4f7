"""A diagram that nobody here has drawn, deployed and run by the official client: a task without a form, a FEEL gateway,
a script, a lane nobody knows, a boundary timer, messages, an incident."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from camunda_orchestration_sdk.api.process_definition import get_start_process_form
from camunda_orchestration_sdk.errors import ApiError, NotFoundError
from camunda_orchestration_sdk.models import (
    CancelProcessInstanceRequest,
    CreateDeploymentData,
    MessageCorrelationRequest,
    MessagePublicationRequest,
    ProcessCreationById,
    ProcessCreationByKey,
    ProcessDefinitionSearchQuery,
    ProcessInstanceSearchQuery,
    UserTaskAssignmentRequest,
    UserTaskCompletionRequest,
    UserTaskSearchQuery,
)
from camunda_orchestration_sdk.types import File

from app.agencies.models import Area
from app.store.database import db
from tests.support.api_server import Server, running_on

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn">
"""

PARCEL = (
    HEAD
    + """
  <bpmn:process id="parcel" name="A parcel arrives" isExecutable="true">
    <bpmn:laneSet id="lanes">
      <bpmn:lane id="lane_desk" name="Front desk"><bpmn:flowNodeRef>Weigh</bpmn:flowNodeRef></bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="Start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Reckon"/>
    <bpmn:scriptTask id="Reckon" name="Reckon the limit">
      <bpmn:extensionElements><zeebe:script expression="=base * 2" resultVariable="limit"/></bpmn:extensionElements>
      <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing>
    </bpmn:scriptTask>
    <bpmn:sequenceFlow id="f2" sourceRef="Reckon" targetRef="Weigh"/>
    <bpmn:userTask id="Weigh" name="Weigh the parcel">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:boundaryEvent id="TooLate" attachedToRef="Weigh">
      <bpmn:outgoing>f7</bpmn:outgoing>
      <bpmn:timerEventDefinition id="timer_1">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT2H</bpmn:timeDuration>
      </bpmn:timerEventDefinition>
    </bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f7" sourceRef="TooLate" targetRef="Chase"/>
    <bpmn:userTask id="Chase" name="Find out where it is">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:incoming>f7</bpmn:incoming><bpmn:outgoing>f8</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f8" sourceRef="Chase" targetRef="Chased"/>
    <bpmn:endEvent id="Chased"><bpmn:incoming>f8</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="f3" sourceRef="Weigh" targetRef="Heavy"/>
    <bpmn:exclusiveGateway id="Heavy" name="Over the limit?" default="f5">
      <bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f4</bpmn:outgoing><bpmn:outgoing>f5</bpmn:outgoing>
    </bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="f4" name="yes" sourceRef="Heavy" targetRef="Refuse">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=weight &gt; limit</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f5" name="no" sourceRef="Heavy" targetRef="Taken"/>
    <bpmn:userTask id="Refuse" name="Refuse the parcel">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f6</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f6" sourceRef="Refuse" targetRef="Refused"/>
    <bpmn:endEvent id="Refused"><bpmn:incoming>f6</bpmn:incoming></bpmn:endEvent>
    <bpmn:endEvent id="Taken"><bpmn:incoming>f5</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""
)

LETTER = (
    HEAD
    + """
  <bpmn:message id="Message_1" name="letter-arrived">
    <bpmn:extensionElements><zeebe:subscription correlationKey="=number"/></bpmn:extensionElements>
  </bpmn:message>
  <bpmn:process id="letter" name="Wait for a letter" isExecutable="true">
    <bpmn:startEvent id="Start"><bpmn:outgoing>g1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="g1" sourceRef="Start" targetRef="Wait"/>
    <bpmn:intermediateCatchEvent id="Wait" name="Letter">
      <bpmn:incoming>g1</bpmn:incoming><bpmn:outgoing>g2</bpmn:outgoing>
      <bpmn:messageEventDefinition id="m_1" messageRef="Message_1"/>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="g2" sourceRef="Wait" targetRef="Done"/>
    <bpmn:endEvent id="Done"><bpmn:incoming>g2</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""
)

CLAIM = (
    HEAD
    + """
  <bpmn:message id="Message_2" name="claim-made"/>
  <bpmn:process id="claim" name="Settle a claim" isExecutable="true">
    <bpmn:startEvent id="Start"><bpmn:outgoing>h1</bpmn:outgoing>
      <bpmn:messageEventDefinition id="m_2" messageRef="Message_2"/>
    </bpmn:startEvent>
    <bpmn:sequenceFlow id="h1" sourceRef="Start" targetRef="Settle"/>
    <bpmn:userTask id="Settle" name="Settle it">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
      <bpmn:incoming>h1</bpmn:incoming><bpmn:outgoing>h2</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="h2" sourceRef="Settle" targetRef="Settled"/>
    <bpmn:endEvent id="Settled"><bpmn:incoming>h2</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""
)


WEIGH_FORM = {
    "type": "default",
    "id": "weigh-form",
    "schemaVersion": 16,
    "executionPlatform": "Camunda Cloud",
    "executionPlatformVersion": "8.6.0",
    "components": [
        {"type": "text", "id": "t1", "text": "# Weigh it"},
        {"type": "number", "id": "n1", "key": "weight", "label": "Weight in kg", "validate": {"required": True}},
        {"type": "textfield", "id": "n2", "key": "remark", "label": "Remark"},
    ],
}
ASKED = PARCEL.replace('id="parcel"', 'id="parcel-asked"').replace(
    'name="Weigh the parcel">\n      <bpmn:extensionElements>',
    'name="Weigh the parcel">\n      <bpmn:extensionElements><zeebe:formDefinition formId="weigh-form"/>',
)
DECISION = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="stamps" name="Stamps" namespace="http://stamps">
  <decision id="postage" name="Postage">
    <decisionTable id="t" hitPolicy="FIRST">
      <input id="i"><inputExpression id="ie" typeRef="number"><text>weight</text></inputExpression></input>
      <output id="o" name="stamp" typeRef="string"/>
      <rule id="r1"><inputEntry id="a"><text>&lt; 2</text></inputEntry><outputEntry id="b"><text>"small"</text></outputEntry></rule>
      <rule id="r2"><inputEntry id="c"><text>-</text></inputEntry><outputEntry id="d"><text>"large"</text></outputEntry></rule>
    </decisionTable>
  </decision>
</definitions>
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_on(request.param, request, seeded, tmp_path_factory.mktemp("stranger") / "data") as found:
        yield found


def deploy(server: Server, files: dict[str, str], username: str = "olive") -> Any:
    resources = [File(payload=io.BytesIO(text.encode()), file_name=name) for name, text in files.items()]
    return server.client(username).create_deployment(data=CreateDeploymentData(resources=resources))


def begin(server: Server, process_id: str, variables: dict[str, Any], username: str = "olive") -> str:
    asked = ProcessCreationById.from_dict({"processDefinitionId": process_id, "variables": variables})
    return server.client(username).create_process_instance(data=asked).process_instance_key


def tasks(server: Server, instance_key: str, username: str = "olive", **more: Any) -> list[Any]:
    asked = UserTaskSearchQuery.from_dict({"filter": {"processInstanceKey": instance_key, "state": "CREATED", **more}})
    return server.client(username).search_user_tasks(data=asked).items


def state_of(server: Server, instance_key: str) -> str:
    return server.client("olive").get_process_instance(process_instance_key=instance_key).state.value


def complete(server: Server, key: str, variables: dict[str, Any] | None = None, username: str = "olive") -> None:
    body = UserTaskCompletionRequest.from_dict({"variables": variables} if variables is not None else {})
    server.client(username).complete_user_task(user_task_key=key, data=body)


@pytest.fixture(scope="module")
def parcel(server: Server) -> Any:
    """The stranger's diagram, deployed together with another."""
    return deploy(server, {"parcel.bpmn": PARCEL, "letter.bpmn": LETTER})


def test_what_was_deployed_is_told(server: Server, parcel: Any) -> None:
    told = {d.process_definition.process_definition_id: d.process_definition for d in parcel.deployments}
    assert set(told) == {"parcel", "letter"}
    assert told["parcel"].resource_name == "parcel.bpmn"
    assert told["parcel"].process_definition_version == 1
    assert parcel.tenant_id == "<default>"
    again = deploy(server, {"parcel.bpmn": PARCEL, "letter.bpmn": LETTER})
    assert again.deployment_key == parcel.deployment_key


def test_the_diagram_comes_back_as_it_was_sent(server: Server, parcel: Any) -> None:
    client = server.client("olive")
    key = parcel.deployments[1].process_definition.process_definition_key
    definition = client.get_process_definition(process_definition_key=key)
    assert (definition.process_definition_id, definition.name) == ("parcel", "A parcel arrives")
    assert client.get_process_definition_xml(process_definition_key=key) == PARCEL
    assert get_start_process_form.sync_detailed(key, client=client.client).status_code == 204


def test_a_heavy_parcel_takes_the_condition_and_a_light_one_the_default(server: Server, parcel: Any) -> None:
    heavy = begin(server, "parcel", {"base": 10})
    [weigh] = tasks(server, heavy)
    assert (weigh.element_id, weigh.form_key, weigh.candidate_groups) == ("Weigh", None, ["Front desk"])
    assert weigh.candidate_users == ["olive"]
    complete(server, weigh.user_task_key, {"weight": 21})
    [refuse] = tasks(server, heavy)
    assert (refuse.element_id, refuse.assignee) == ("Refuse", "olive")
    complete(server, refuse.user_task_key)
    assert state_of(server, heavy) == "COMPLETED"

    light = begin(server, "parcel", {"base": 10})
    complete(server, tasks(server, light)[0].user_task_key, {"weight": 20})
    assert state_of(server, light) == "COMPLETED"


def test_the_task_sees_what_the_script_reckoned(server: Server, parcel: Any) -> None:
    instance = begin(server, "parcel", {"base": 4})
    [weigh] = tasks(server, instance)
    found = server.client("olive").search_user_task_variables(user_task_key=weigh.user_task_key)
    values = {each.name: json.loads(each.value) for each in found.items}
    assert (values["base"], values["limit"]) == (4, 8)
    complete(server, weigh.user_task_key, {"weight": 1})


def test_nobody_weighs_it_and_the_boundary_timer_fires(server: Server, parcel: Any) -> None:
    instance = begin(server, "parcel", {"base": 10})
    server.hours.advance(hours=1, minutes=59)
    assert [t.element_id for t in tasks(server, instance)] == ["Weigh"]
    server.hours.advance(minutes=1)
    [chase] = tasks(server, instance)
    assert chase.element_id == "Chase"
    cancelled = UserTaskSearchQuery.from_dict({"filter": {"processInstanceKey": instance, "state": "CANCELED"}})
    assert server.client("olive").search_user_tasks(data=cancelled).items == []
    complete(server, chase.user_task_key)
    assert state_of(server, instance) == "COMPLETED"


def test_only_whoever_deployed_it_starts_it_and_sees_its_tasks(server: Server, parcel: Any) -> None:
    instance = begin(server, "parcel", {"base": 10})
    key = tasks(server, instance)[0].user_task_key
    for other in ("otto", "rosa"):
        with pytest.raises(ApiError) as refused:
            begin(server, "parcel", {"base": 10}, other)
        assert refused.value.status_code == 404
        assert tasks(server, instance, other) == []
        with pytest.raises(NotFoundError):
            server.client(other).get_user_task(user_task_key=key)
        with pytest.raises(NotFoundError):
            complete(server, key, {"weight": 1}, other)
    assert state_of(server, instance) == "ACTIVE"


def test_a_task_is_claimed_and_given_back(server: Server, parcel: Any) -> None:
    client = server.client("olive")
    instance = begin(server, "parcel", {"base": 10})
    key = tasks(server, instance)[0].user_task_key
    client.assign_user_task(user_task_key=key, data=UserTaskAssignmentRequest(assignee="olive"))
    assert client.get_user_task(user_task_key=key).assignee == "olive"
    assert [t.user_task_key for t in tasks(server, instance, assignee="olive")] == [key]
    client.unassign_user_task(user_task_key=key)
    assert client.get_user_task(user_task_key=key).assignee is None
    complete(server, key, {"weight": 1})
    assert client.get_user_task(user_task_key=key).state.value == "COMPLETED"
    with pytest.raises(ApiError) as late:
        complete(server, key, {"weight": 1})
    assert late.value.status_code == 409
    assert "completed by Olive Brandt" in late.value.content.decode()


def test_a_task_given_by_name_is_not_given_back(server: Server, parcel: Any) -> None:
    instance = begin(server, "parcel", {"base": 1})
    complete(server, tasks(server, instance)[0].user_task_key, {"weight": 9})
    with pytest.raises(ApiError) as refused:
        server.client("olive").unassign_user_task(user_task_key=tasks(server, instance)[0].user_task_key)
    assert refused.value.status_code == 409


def test_an_instance_is_cancelled_by_whoever_started_it_or_a_process_owner(server: Server, parcel: Any) -> None:
    instance = begin(server, "parcel", {"base": 10})
    with pytest.raises(ApiError) as refused:
        server.client("cora").cancel_process_instance(
            process_instance_key=instance, data=CancelProcessInstanceRequest()
        )
    assert refused.value.status_code == 403
    server.client("olive").cancel_process_instance(process_instance_key=instance, data=CancelProcessInstanceRequest())
    assert state_of(server, instance) == "TERMINATED"
    assert tasks(server, instance) == []
    with pytest.raises(ApiError) as late:
        server.client("olive").cancel_process_instance(
            process_instance_key=instance, data=CancelProcessInstanceRequest()
        )
    assert late.value.status_code == 409
    other = begin(server, "parcel", {"base": 10})
    server.client("otto").cancel_process_instance(process_instance_key=other, data=CancelProcessInstanceRequest())
    assert state_of(server, other) == "TERMINATED"


def test_a_message_is_correlated_with_the_instance_that_waits(server: Server, parcel: Any) -> None:
    client = server.client("olive")
    instance = begin(server, "letter", {"number": "L-1"})
    asked = MessageCorrelationRequest.from_dict({"name": "letter-arrived", "correlationKey": "L-1", "variables": {}})
    assert client.correlate_message(data=asked).process_instance_key == instance
    assert state_of(server, instance) == "COMPLETED"
    with pytest.raises(NotFoundError) as nobody:
        client.correlate_message(data=asked)
    assert "Nobody waits" in nobody.value.content.decode()


def test_a_message_is_kept_for_its_time_to_live(server: Server, parcel: Any) -> None:
    client = server.client("olive")
    asked = {"name": "letter-arrived", "correlationKey": "L-2", "timeToLive": 3_600_000, "messageId": "once"}
    assert client.publish_message(data=MessagePublicationRequest.from_dict(asked)).message_key.isdigit()
    assert state_of(server, begin(server, "letter", {"number": "L-2"})) == "COMPLETED"
    with pytest.raises(ApiError) as repeated:
        client.publish_message(data=MessagePublicationRequest.from_dict(asked))
    assert repeated.value.status_code == 409


def claims(server: Server) -> list[tuple[str, str]]:
    """Every claim that is being settled, by its instance."""
    asked = {"filter": {"processDefinitionId": "claim", "state": "ACTIVE"}}
    found = server.client("olive").search_process_instances(data=ProcessInstanceSearchQuery.from_dict(asked)).items
    return sorted(
        (each.process_instance_key, variables_of(server, each.process_instance_key)["text"]) for each in found
    )


def variables_of(server: Server, instance_key: str) -> dict[str, Any]:
    [task] = tasks(server, instance_key)
    found = server.client("olive").search_user_task_variables(user_task_key=task.user_task_key)
    return {each.name: json.loads(each.value) for each in found.items}


def test_messages_of_one_key_start_one_instance_after_the_other(server: Server, parcel: Any) -> None:
    """However they come: two at the same moment are one instance and one that waits."""
    deploy(server, {"claim.bpmn": CLAIM})
    client = server.client("olive")

    def make(text: str, **more: Any) -> None:
        asked = {"name": "claim-made", "correlationKey": "C-1", "timeToLive": 3_600_000, "variables": {"text": text}}
        assert client.publish_message(data=MessagePublicationRequest.from_dict(asked | more)).message_key.isdigit()

    with ThreadPoolExecutor(4) as several:
        list(several.map(make, ["c"] * 4))
    make("dropped", timeToLive=0)
    make("none", correlationKey="")
    refused = MessageCorrelationRequest.from_dict({"name": "claim-made", "correlationKey": "C-1"})
    with pytest.raises(NotFoundError):
        client.correlate_message(data=refused)
    assert sorted(text for _, text in claims(server)) == ["c", "none"]
    make("last")
    settled = []
    for _ in range(4):
        [instance] = [key for key, text in claims(server) if text == "c"]
        settled.append(instance)
        if len(settled) % 2:
            complete(server, tasks(server, instance)[0].user_task_key)
        else:
            client.cancel_process_instance(process_instance_key=instance, data=CancelProcessInstanceRequest())
    assert len(set(settled)) == 4
    [last] = [key for key, text in claims(server) if text == "last"]
    complete(server, tasks(server, last)[0].user_task_key)
    assert [text for _, text in claims(server)] == ["none"]
    assert client.correlate_message(data=refused).process_instance_key


def test_only_those_who_may_deploy_may_publish_messages(server: Server) -> None:
    for username in ("rosa", "cora", "audrey"):
        with pytest.raises(ApiError) as refused:
            server.client(username).publish_message(data=MessagePublicationRequest(name="letter-arrived"))
        assert refused.value.status_code == 403


def test_definitions_are_found_filtered_ordered_and_paged(server: Server, parcel: Any) -> None:
    client = server.client("olive")

    def ids(**asked: Any) -> list[str]:
        found = client.search_process_definitions(data=ProcessDefinitionSearchQuery.from_dict(asked))
        return [each.process_definition_id for each in found.items]

    assert ids(filter={"processDefinitionId": "parcel"}) == ["parcel"]
    assert ids(filter={"processDefinitionId": {"$like": "p?rc*"}, "isLatestVersion": True}) == ["parcel"]
    assert ids(
        filter={"processDefinitionId": {"$in": ["letter", "parcel"]}},
        sort=[{"field": "processDefinitionId", "order": "DESC"}],
    ) == ["parcel", "letter"]
    everything = ids(sort=[{"field": "processDefinitionId"}])
    seen: list[str] = []
    page: dict[str, Any] = {"limit": 3}
    while True:
        asked = {"sort": [{"field": "processDefinitionId"}], "page": page}
        found = client.search_process_definitions(data=ProcessDefinitionSearchQuery.from_dict(asked))
        assert found.page.total_items == len(everything)
        if not found.items:
            break
        seen += [each.process_definition_id for each in found.items]
        page = {"after": found.page.end_cursor, "limit": 3}
    assert seen == everything


def test_by_key_an_older_version_can_be_started(server: Server, parcel: Any) -> None:
    key = next(
        d.process_definition.process_definition_key
        for d in parcel.deployments
        if d.process_definition.process_definition_id == "parcel"
    )
    newer = deploy(server, {"parcel.bpmn": PARCEL.replace("A parcel arrives", "A parcel comes")})
    assert newer.deployments[0].process_definition.process_definition_version == 2
    client = server.client("olive")
    asked = ProcessCreationByKey.from_dict({"processDefinitionKey": key, "variables": {"base": 1}})
    old = client.create_process_instance(data=asked)
    new = client.create_process_instance(
        data=ProcessCreationById.from_dict(
            {"processDefinitionId": "parcel", "variables": {"base": 1}, "fetchVariables": ["limit"]}
        )
    )
    assert (old.process_definition_version, new.process_definition_version) == (1, 2)
    found = client.search_process_instances(
        data=ProcessInstanceSearchQuery.from_dict(
            {"filter": {"processDefinitionId": "parcel", "processDefinitionVersion": {"$gte": 2}, "state": "ACTIVE"}}
        )
    )
    assert [each.process_instance_key for each in found.items] == [new.process_instance_key]


def test_a_diagram_that_cannot_run_is_refused_with_element_and_remedy(server: Server) -> None:
    broken = PARCEL.replace("=weight &gt; limit", "=weight &gt; &gt;")
    with pytest.raises(ApiError) as refused:
        deploy(server, {"parcel.bpmn": broken})
    body = json.loads(refused.value.content)
    assert refused.value.status_code == 400
    assert [e["elementId"] for e in body["errors"] if e["severity"] == "error"] == ["f4"]
    assert all(e["remedy"] for e in body["errors"])


def test_nothing_is_deployed_live_where_a_second_person_is_needed(server: Server) -> None:
    def second_person(needed: bool) -> None:
        with server.app.app_context():
            for area in db.session.execute(db.select(Area)).scalars():
                area.second_person = needed
            db.session.commit()

    second_person(True)
    try:
        with pytest.raises(ApiError) as refused:
            deploy(server, {"parcel.bpmn": PARCEL})
        assert refused.value.status_code == 403
        assert "command line" in refused.value.content.decode()
    finally:
        second_person(False)
    with pytest.raises(ApiError) as stranger:
        deploy(server, {"parcel.bpmn": PARCEL}, "rosa")
    assert stranger.value.status_code == 403


def test_a_diagram_a_decision_and_a_form_are_one_release(server: Server) -> None:
    files = {"asked.bpmn": ASKED, "weigh.form": json.dumps(WEIGH_FORM), "stamps.dmn": DECISION}
    told = deploy(server, files).deployments
    [form] = [d.form for d in told if d.form]
    [requirements] = [d.decision_requirements for d in told if d.decision_requirements]
    [decision] = [d.decision_definition for d in told if d.decision_definition]
    assert (form.form_id, form.resource_name) == ("weigh-form", "weigh.form")
    assert (decision.decision_definition_id, decision.name) == ("postage", "Postage")
    assert decision.decision_requirements_key == requirements.decision_requirements_key
    assert (requirements.decision_requirements_id, requirements.resource_name) == ("stamps", "stamps.dmn")

    instance = begin(server, "parcel-asked", {"base": 10})
    [weigh] = tasks(server, instance)
    client = server.client("olive")
    shown = client.get_user_task_form(user_task_key=weigh.user_task_key)
    assert shown.form_key == weigh.form_key == form.form_key
    assert json.loads(shown.schema) == WEIGH_FORM
    with pytest.raises(ApiError) as refused:
        complete(server, weigh.user_task_key, {"remark": "Wet"})
    assert refused.value.status_code == 400
    complete(server, weigh.user_task_key, {"weight": 21, "remark": "Wet"})
    [refuse] = tasks(server, instance)
    assert refuse.element_id == "Refuse"
    seen = {
        v.name: json.loads(v.value) for v in client.search_user_task_variables(user_task_key=refuse.user_task_key).items
    }
    assert seen["weight"] == 21
    assert "remark" not in seen


def test_people_are_named_by_user_name_as_stock_tools_write_it(server: Server) -> None:
    """A name that nobody has is nobody's: the task goes to whoever started it."""

    def named(process_id: str, assignment: str) -> Any:
        diagram = PARCEL.replace('id="parcel"', f'id="{process_id}"').replace(
            'name="Refuse the parcel">\n      <bpmn:extensionElements>',
            f'name="Refuse the parcel">\n      <bpmn:extensionElements><zeebe:assignmentDefinition {assignment}/>',
        )
        deploy(server, {f"{process_id}.bpmn": diagram})
        instance = begin(server, process_id, {"base": 1})
        complete(server, tasks(server, instance)[0].user_task_key, {"weight": 9})
        return instance

    by_name = named("for-otto", 'assignee="otto"')
    assert tasks(server, by_name) == []
    [task] = tasks(server, by_name, "otto")
    assert (task.element_id, task.assignee) == ("Refuse", "otto")
    complete(server, task.user_task_key, username="otto")
    assert state_of(server, by_name) == "COMPLETED"

    offered = named("for-two", 'candidateUsers="otto, audrey"')
    assert tasks(server, offered) == []
    assert [t.candidate_users for t in tasks(server, offered, "audrey", candidateUser="audrey")] == [["otto", "audrey"]]
    assert tasks(server, offered, "audrey", candidateUser="olive") == []
    [task] = tasks(server, offered, "otto", candidateUser={"$in": ["otto", "nobody"]})
    complete(server, task.user_task_key, username="otto")

    nobody = named("for-nobody", 'assignee="demo"')
    assert [t.assignee for t in tasks(server, nobody)] == ["olive"]


def test_two_scripts_complete_the_same_task_and_one_wins(server: Server, parcel: Any) -> None:
    instance = begin(server, "parcel", {"base": 10})
    key = tasks(server, instance)[0].user_task_key
    clients = [server.fresh_client("olive") for _ in range(4)]
    at_once = threading.Barrier(len(clients))

    def act(client: Any) -> int:
        body = UserTaskCompletionRequest.from_dict({"variables": {"weight": 99}})
        client.get_topology()
        at_once.wait(timeout=60)
        try:
            client.complete_user_task(user_task_key=key, data=body)
        except ApiError as refused:
            return int(refused.status_code)
        return 204

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = sorted(pool.map(act, clients))
    assert answers == [204, 409, 409, 409]
    assert [t.element_id for t in tasks(server, instance)] == ["Refuse"]
