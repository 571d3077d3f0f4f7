"""Who may do what through the API, how it refuses, and how searches page: the official client and bare requests."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from camunda_orchestration_sdk.errors import ApiError
from camunda_orchestration_sdk.models import (
    CreateDeploymentData,
    DecisionInstanceSearchQuery,
    IncidentResolutionRequest,
    IncidentSearchQuery,
    ProcessCreationById,
    ProcessCreationByKey,
    ProcessDefinitionSearchQuery,
    ProcessInstanceSearchQuery,
    UserTaskAssignmentRequest,
    UserTaskSearchQuery,
)
from camunda_orchestration_sdk.types import File
from sqlalchemy import delete, select, update

from app import audit, devidp
from app.agencies import service as agencies
from app.agencies.models import Area
from app.api import seeing
from app.cases import attachments, involvement
from app.cases.models import Case, TimelineEvent
from app.demo import story
from app.demo.acting import person
from app.demo.cast import everybody
from app.identity import register
from app.identity.roles import Role
from app.meetings.models import AgendaItem
from app.operations.publishing import publish, shipped_files
from app.runtime import service as runtime
from app.runtime.mending.elsewhere import raise_elsewhere
from app.runtime.models import Incident, Instance, ProcessDefinition
from app.store.database import db, new_key
from app.store.worker import WorkerBeat
from app.work import items, reach
from app.work.models import ItemState, WorkItem
from tests.support.api_server import Server, running_on

STUCK = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="stuck" name="Stuck" isExecutable="true">
    <bpmn:startEvent id="Start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Fork"/>
    <bpmn:exclusiveGateway id="Fork">
      <bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing><bpmn:outgoing>f3</bpmn:outgoing>
    </bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="f2" sourceRef="Fork" targetRef="A">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=colour = "red"</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f3" sourceRef="Fork" targetRef="B">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=colour = "blue"</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:endEvent id="A"><bpmn:incoming>f2</bpmn:incoming></bpmn:endEvent>
    <bpmn:endEvent id="B"><bpmn:incoming>f3</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The borough with two meetings planned and one case listed."""
    with running_on(request.param, request, seeded, tmp_path_factory.mktemp("access") / "data") as found:
        with found.app.app_context():
            story.begin(found.app, 0)
        yield found


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def as_(server: Server, username: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.token(username)}"}


def case_key(server: Server) -> int:
    return int(server.given(lambda: db.session.execute(select(Case.key).order_by(Case.key).limit(1)).scalar_one()))


def task_of(server: Server, username: str, element_id: str) -> Any:
    asked = UserTaskSearchQuery.from_dict({"filter": {"elementId": element_id, "state": "CREATED"}})
    return server.client(username).search_user_tasks(data=asked).items[0]


# ------------------------------------------------------------------------------------------------ tokens and problems
@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic cm9zYTpyb3Nh"])
def test_without_a_valid_token_every_address_answers_401(http: httpx.Client, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    for method, path in (
        ("GET", "/v2/topology"),
        ("POST", "/v2/user-tasks/search"),
        ("POST", "/v2/deployments"),
        ("GET", "/v2/convenor/cases"),
        ("GET", "/v2/nothing/here"),
    ):
        response = http.request(method, path, headers=headers)
        assert response.status_code == 401
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        body = response.json()
        assert set(body) == {"type", "title", "status", "detail", "instance"}
        assert body["instance"] == response.headers["X-Request-Id"]


def test_a_browsers_session_is_no_token(http: httpx.Client) -> None:
    assert http.get("/v2/topology", headers={"Cookie": "session=anything"}).status_code == 401


def test_somebody_deactivated_is_refused_at_once(server: Server, http: httpx.Client) -> None:
    headers = as_(server, "nora")
    assert http.get("/v2/topology", headers=headers).status_code == 200
    with server.app.app_context():
        user = register.find_user("nora")
        assert user is not None
        register.deactivate(user.key)
        db.session.commit()
    assert http.get("/v2/topology", headers=headers).status_code == 401


def test_an_unknown_address_and_a_malformed_request_are_problems(server: Server, http: httpx.Client) -> None:
    headers = as_(server, "cora")
    for method, path in (("GET", "/v2/jobs/activation"), ("PUT", "/v2/topology"), ("GET", "/v2/user-tasks/abc")):
        response = http.request(method, path, headers=headers)
        assert response.status_code == 404
        assert response.headers["Content-Type"] == "application/problem+json"
    for body in (
        b"{",
        b'{"page": {"limit": "many"}}',
        b'{"page": {"limit": 10001}}',
        b'{"filter": {"colour": "red"}}',
        b'{"filter": {"state": "SLEEPING"}}',
        b'{"filter": {"priority": {"$near": 5}}}',
        b'{"filter": {"dueDate": "tomorrow"}}',
        b'{"filter": {"processInstanceKey": "x"}}',
        b'{"sort": [{"field": "colour"}]}',
        b'{"page": {"after": "AAAA"}}',
        b'{"page": {"after": "AAAA", "before": "AAAA"}}',
        b'{"shape": 1}',
    ):
        response = http.post(
            "/v2/user-tasks/search", content=body, headers={**headers, "Content-Type": "application/json"}
        )
        assert response.status_code == 400, body
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["detail"]


def test_status_is_public_and_needs_a_worker(server: Server, http: httpx.Client) -> None:
    server.hours.settle()
    assert http.get("/v2/status").status_code == 204
    assert server.client("rosa").get_status() is None
    assert http.get("/v2/convenor/health", headers=as_(server, "rosa")).json()["status"] == "ready"
    with server.app.app_context():
        db.session.execute(db.delete(WorkerBeat))
        db.session.commit()
    assert http.get("/v2/status").status_code == 503
    topology = server.client("rosa").get_topology()
    assert topology.brokers[0].partitions[0].health.value == "unhealthy"


def test_the_description_of_the_api_is_openapi_3_1(http: httpx.Client) -> None:
    described = http.get("/v2/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert "/v2/user-tasks/{key}/completion" in described["paths"]
    assert described["security"] == [{"bearer": []}]


# ------------------------------------------------------------------------------------------------ cases
def test_a_case_is_told_to_those_who_may_know_of_it_only(server: Server, http: httpx.Client) -> None:
    key = case_key(server)
    for username in ("rosa", "cora", "chidi"):
        body = http.get(f"/v2/convenor/cases/{key}", headers=as_(server, username))
        assert body.status_code == 200
        assert body.json()["state"] == "LISTED"
        assert "Marsh" not in body.text
        listed = http.get("/v2/convenor/cases", headers=as_(server, username)).json()
        assert [each["caseKey"] for each in listed["items"]] == [str(key)]
    unknown = http.get(f"/v2/convenor/cases/{key + 1}", headers=as_(server, "oscar"))
    for username in ("spoc.housing", "olive", "oscar", "audrey"):
        headers = as_(server, username)
        hidden = http.get(f"/v2/convenor/cases/{key}", headers=headers)
        assert hidden.status_code == 404
        assert hidden.json()["detail"] == unknown.json()["detail"]
        assert http.get("/v2/convenor/cases", headers=headers).json()["items"] == []


def test_every_look_at_a_case_is_recorded(server: Server, http: httpx.Client) -> None:
    key = case_key(server)
    request_id = http.get(f"/v2/convenor/cases/{key}", headers=as_(server, "chidi")).headers["X-Request-Id"]

    def entry() -> tuple[str, int | None, str | None]:
        row = db.session.execute(select(audit.AuditEntry).where(audit.AuditEntry.request_id == request_id)).scalar_one()
        return row.action, row.case_key, row.client

    assert server.given(entry) == ("view.case-summary", key, "chidi")


def test_people_who_must_not_see_cases_see_no_instance_and_no_task_of_them(server: Server) -> None:
    seen = server.client("cora").search_process_instances(data=ProcessInstanceSearchQuery())
    assert {each.process_definition_id for each in seen.items} >= {"marac-case", "marac-meeting"}
    of_case = next(each for each in seen.items if each.process_definition_id == "marac-case").process_instance_key
    key = task_of(server, "cora", "InviteAgencies").user_task_key
    for username in ("olive", "otto", "oscar", "audrey", "spoc.housing"):
        client = server.client(username)
        assert client.search_user_tasks(data=UserTaskSearchQuery()).items == []
        found = client.search_process_instances(data=ProcessInstanceSearchQuery())
        assert of_case not in {each.process_instance_key for each in found.items}
        for look in (
            lambda c=client: c.get_process_instance(process_instance_key=of_case),
            lambda c=client: c.get_user_task(user_task_key=key),
            lambda c=client: c.search_user_task_variables(user_task_key=key),
            lambda c=client: c.get_user_task_form(user_task_key=key),
        ):
            with pytest.raises(ApiError) as refused:
                look()
            assert refused.value.status_code == 404


@pytest.mark.parametrize("conflicts", [False, True], ids=["as it is", "with conflicts of interest"])
def test_what_a_search_shows_is_what_the_rule_for_one_says(server: Server, conflicts: bool) -> None:
    """For every person and every task and instance of the story: listed in SQL if, and only if, the one rule allows it."""
    case = case_key(server)
    with server.app.app_context():
        if conflicts:
            by = person("chidi").key
            involvement.declare_conflict(case, user_key=person("cora").key, reason="Kin.", by=by)
            involvement.declare_conflict(case, agency_key=person("ida").agency_key, reason="Kin.", by=by)
        tasks = list(db.session.execute(select(WorkItem)).scalars())
        instances = list(db.session.execute(select(Instance)).scalars())
        assert len(tasks) > 10
        for each in everybody():
            who = person(each.username)
            known = select(WorkItem.key).where(reach.known_to(who))
            listed = set(db.session.execute(known, reach.asker(who)).scalars())
            for task in tasks:
                known = items.may_know(who, task)
                found = task.key in listed
                assert found == known or (known and task.state != ItemState.OPEN), (each, task.element_id)
            if who.area_key is None:
                continue
            shown = {row.key for row, _ in db.session.execute(seeing.visible(who))}
            for instance in instances:
                assert (instance.key in shown) == seeing.may_see(who, instance), (each, instance.process_id)
        db.session.rollback()


@pytest.mark.parametrize("conflicts", [False, True], ids=["as it is", "with conflicts of interest"])
def test_what_is_found_inside_is_what_the_person_may_look_into(
    server: Server, http: httpx.Client, conflicts: bool
) -> None:
    """Searches that name no instance tell of exactly the instances that the person may open one by one."""
    key = case_key(server)
    ruled: list[int] = []
    with server.app.app_context():
        instances = [str(each) for each in db.session.execute(select(Instance.key)).scalars()]
        if conflicts:
            by = person("chidi").key
            for username in ("cora", "olive"):
                whom = person(username).key
                ruled.append(involvement.declare_conflict(key, user_key=whom, reason="Kin.", by=by).key)
            db.session.commit()
    searches = ("element-instances", "variables", "element-instances/wait-states")
    try:
        shown: dict[str, set[str]] = {}
        for username in ("cora", "chidi", "rosa", "olive", "oscar", "audrey", "ida", "spoc.housing"):
            headers = as_(server, username)
            one_by_one = {
                each
                for each in instances
                if http.get(f"/v2/element-instances/{each}", headers=headers).status_code == 200
            }
            for search in searches:
                answer = http.post(f"/v2/{search}/search", headers=headers, json={"page": {"limit": 1000}})
                if answer.status_code == 404:  # works in no area
                    assert one_by_one == set()
                    continue
                found = {item["processInstanceKey"] for item in answer.json()["items"]}
                assert found <= one_by_one, (username, search)
                assert search != "element-instances" or found == one_by_one, username
                assert answer.json()["page"]["totalItems"] == len(answer.json()["items"])
            shown[username] = one_by_one
        of_case = {str(i) for i in server.given(_instances_of, key)}
        assert (of_case <= shown["cora"]) is not conflicts
        assert of_case <= shown["chidi"]
        heard = {str(each) for each in server.given(_instances_hearing, key)}
        assert heard
        assert heard <= shown["chidi"]
        assert heard.isdisjoint(shown["cora"]) is conflicts, "what is inside a meeting tells of all its cases"
        assert not any(of_case & shown[who] for who in ("rosa", "olive", "oscar", "audrey", "ida", "spoc.housing"))
    finally:
        with server.app.app_context():
            for each in ruled:
                involvement.lift_conflict(each, by=person("chidi").key)
            db.session.commit()


def test_counts_and_causes_tell_of_no_case_that_the_person_may_not_look_into(
    server: Server, http: httpx.Client
) -> None:
    """Who referred the case knows that it is there, and may start its procedure; how far it is in the MARAC is not theirs."""
    key = case_key(server)
    instance = server.given(_instances_of, key)[0]
    definition = server.given(lambda: db.session.get(Instance, instance).definition_key)

    def has_stopped(active: bool) -> None:
        if active:
            raise_elsewhere(
                "ROLE",
                "Nobody can do AuthoriseSharing.",
                area_key=person("cora").area_key or 0,
                instance_key=instance,
                task_id=999,
            )
        else:
            db.session.execute(delete(Incident).where(Incident.task_id == 999))
        db.session.commit()

    def counted(username: str) -> list[Any]:
        path, named = (
            f"/v2/process-definitions/{definition}/statistics/element-instances",
            {"processInstanceKey": str(instance)},
        )
        answer = http.post(path, headers=as_(server, username), json={"filter": named})
        return list(answer.json()["items"])

    def stopped(username: str) -> int:
        why = {"filter": {"errorMessage": {"$like": "*AuthoriseSharing*"}}}
        answer = http.post("/v2/process-instances/search", headers=as_(server, username), json=why)
        return int(answer.json()["page"]["totalItems"])

    server.given(has_stopped, True)
    try:
        assert counted("chidi")
        assert (counted("rosa"), counted("ida")) == ([], [])
        assert (stopped("chidi"), stopped("rosa"), stopped("ida")) == (1, 0, 0)
    finally:
        server.given(has_stopped, False)


def test_a_search_inside_cases_is_recorded_for_each(server: Server, http: httpx.Client) -> None:
    key = case_key(server)
    asked = {"filter": {"name": "caseId"}, "page": {"limit": 0}}
    answer = http.post("/v2/variables/search", headers=as_(server, "chidi"), json=asked)
    request_id = answer.headers["X-Request-Id"]
    assert (answer.json()["items"], answer.json()["page"]["totalItems"] > 0) == ([], True)

    def recorded() -> set[int | None]:
        rows = db.session.execute(select(audit.AuditEntry).where(audit.AuditEntry.request_id == request_id)).scalars()
        return {row.case_key for row in rows if row.action == "view.instance-variables"}

    assert key in server.given(recorded)


def _instances_hearing(key: int) -> list[int]:
    """The instances of the meeting that hears a case."""
    of_meeting = select(AgendaItem.meeting_key).where(AgendaItem.case_key == key)
    query = select(Instance.key).where(Instance.case_key.is_(None), Instance.meeting_key.in_(of_meeting))
    return list(db.session.execute(query).scalars())


def _instances_of(key: int) -> list[int]:
    return list(db.session.execute(select(Instance.key).where(Instance.case_key == key)).scalars())


def test_what_tables_decided_is_for_those_who_may_read_the_record(server: Server, http: httpx.Client) -> None:
    key = case_key(server)
    chidi = server.client("chidi")
    everything = chidi.search_decision_instances(data=DecisionInstanceSearchQuery.from_dict({})).items
    assert everything
    assert {each.state.value for each in everything} == {"EVALUATED"}
    of_case = {str(each) for each in server.given(_instances_of, key)}
    one = next(each for each in everything if each.process_instance_key in of_case)
    definition = http.get(
        f"/v2/decision-definitions/{one.decision_definition_key}", headers=as_(server, "olive")
    ).json()
    assert definition["decisionDefinitionId"] == one.decision_definition_id
    asked = {
        "filter": {"processInstanceKey": one.process_instance_key, "decisionDefinitionId": one.decision_definition_id}
    }
    found = chidi.search_decision_instances(data=DecisionInstanceSearchQuery.from_dict(asked)).items
    assert one.decision_evaluation_instance_key in {each.decision_evaluation_instance_key for each in found}
    answer = http.get(f"/v2/decision-instances/{one.decision_evaluation_instance_key}", headers=as_(server, "chidi"))
    whole = chidi.get_decision_instance(decision_evaluation_instance_key=one.decision_evaluation_instance_key)
    assert (whole.result, whole.element_instance_key) == (one.result, one.element_instance_key)
    xml = chidi.get_decision_definition_xml(decision_definition_key=whole.decision_definition_key)
    assert whole.evaluated_inputs
    assert all(f'<input id="{each.input_id}"' in xml for each in whole.evaluated_inputs)
    assert whole.matched_rules
    element = chidi.get_decision_definition(decision_definition_key=whole.decision_definition_key)
    assert element.decision_definition_id == whole.decision_definition_id

    def views() -> set[tuple[str, int | None]]:
        rows = db.session.execute(
            select(audit.AuditEntry).where(audit.AuditEntry.request_id == answer.headers["X-Request-Id"])
        ).scalars()
        return {(row.action, row.case_key) for row in rows}

    assert ("view.decisions", key) in server.given(views)
    for username in ("rosa", "olive", "oscar", "ida", "spoc.housing"):
        client = server.client(username)
        assert client.search_decision_instances(data=DecisionInstanceSearchQuery.from_dict({})).items == []
        with pytest.raises(ApiError) as refused:
            client.get_decision_instance(decision_evaluation_instance_key=one.decision_evaluation_instance_key)
        assert refused.value.status_code == 404
    with server.app.app_context():
        ruled = involvement.declare_conflict(
            key, user_key=person("cora").key, reason="Kin.", by=person("chidi").key
        ).key
        db.session.commit()
    try:
        left = server.client("cora").search_decision_instances(data=DecisionInstanceSearchQuery.from_dict({})).items
        assert not of_case & {each.process_instance_key for each in left}
    finally:
        with server.app.app_context():
            involvement.lift_conflict(ruled, by=person("chidi").key)
            db.session.commit()


def test_what_was_decided_before_the_record_said_where_is_found_as_far_as_it_can_be_known(server: Server) -> None:
    chidi = server.client("chidi")
    everything = DecisionInstanceSearchQuery.from_dict({})
    before = {d.decision_evaluation_instance_key: d for d in chidi.search_decision_instances(data=everything).items}
    of_case = {str(each) for each in server.given(_instances_of, case_key(server))}
    assert len(of_case) > 1
    one = next(each for each in before.values() if each.process_instance_key in of_case)
    part, event = one.decision_evaluation_instance_key, int(one.decision_evaluation_key)

    def found(*, without: tuple[str, ...]) -> Any:
        with server.app.app_context():
            row = db.session.get(TimelineEvent, event)
            assert row is not None
            kept, row.facts = row.facts, {name: fact for name, fact in row.facts.items() if name not in without}
            db.session.commit()
        try:
            told = chidi.search_decision_instances(data=everything).items
        finally:
            with server.app.app_context():
                db.session.execute(update(TimelineEvent).where(TimelineEvent.key == event).values(facts=kept))
                db.session.commit()
        assert {each.decision_evaluation_instance_key for each in told} >= {
            k for k in before if int(k.partition("-")[0]) != event
        }
        return next((each for each in told if each.decision_evaluation_instance_key == part), None)

    places = ("instance", "task", "release")
    earlier = found(without=places)
    assert (earlier.decision_definition_key, earlier.result) == (one.decision_definition_key, one.result)
    assert earlier.process_instance_key is None, "the case has several instances"
    assert found(without=(*places, "tables", "result")) is None, "what the table saw is not known: nothing is made up"


def test_the_business_id_of_a_case_is_its_reference(server: Server) -> None:
    key = case_key(server)
    reference = str(server.given(lambda: db.session.get(Case, key).reference))  # type: ignore[union-attr]
    of_case = {str(each) for each in server.given(_instances_of, key)}

    def instances(username: str, wanted: Any) -> dict[str, Any]:
        asked = ProcessInstanceSearchQuery.from_dict(
            {"filter": {"businessId": wanted}, "sort": [{"field": "businessId", "order": "DESC"}]}
        )
        found = server.client(username).search_process_instances(data=asked).items
        return {each.process_instance_key: each.business_id for each in found}

    assert instances("cora", reference) == dict.fromkeys(of_case, reference)
    assert set(instances("cora", {"$like": f"{reference[:3]}*"})) >= of_case
    assert not of_case & set(instances("cora", {"$exists": False}))
    assert instances("olive", {"$exists": True}) == {}
    tasks = UserTaskSearchQuery.from_dict({"filter": {"businessId": reference}})
    found = server.client("cora").search_user_tasks(data=tasks).items
    assert found
    assert {each.business_id for each in found} == {reference}
    assert server.client("spoc.housing").search_user_tasks(data=tasks).items == []
    one = server.client("cora").get_process_instance(process_instance_key=next(iter(of_case)))
    assert one.business_id == reference


@pytest.mark.parametrize("name", ["startInstructions", "runtimeInstructions", "tags", "businessId", "versionTag"])
def test_what_a_start_does_not_take_is_refused_with_why(server: Server, http: httpx.Client, name: str) -> None:
    value: Any = "one" if name in ("businessId", "versionTag") else ["one"] if name == "tags" else [{"elementId": "A"}]
    body = {"processDefinitionId": "marac-case", name: value}
    answer = http.post("/v2/process-instances", headers=as_(server, "rosa"), json=body)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"{name} is not supported. ")


def test_variables_and_form_are_for_those_who_may_take_the_task(server: Server) -> None:
    """The Chair oversees the list and knows of the task; what it holds is for the co-ordinator."""
    key = task_of(server, "cora", "InviteAgencies").user_task_key
    assert server.client("chidi").get_user_task(user_task_key=key).element_id == "InviteAgencies"
    for look in (
        lambda: server.client("chidi").search_user_task_variables(user_task_key=key),
        lambda: server.client("chidi").get_user_task_form(user_task_key=key),
    ):
        with pytest.raises(ApiError) as refused:
            look()
        assert refused.value.status_code == 404
    form = server.client("cora").get_user_task_form(user_task_key=key)
    task = server.client("cora").get_user_task(user_task_key=key)
    assert form.form_key == task.form_key
    assert json.loads(form.schema)["id"] == form.form_id
    found = server.client("cora").search_user_task_variables(user_task_key=key)
    names = [each.name for each in found.items]
    assert names == sorted(names)
    assert "caseId" in names
    assert "Marsh" not in json.dumps([each.to_dict() for each in found.items])


def test_a_task_tells_what_its_case_knows_to_those_who_may_look_into_the_case(server: Server) -> None:
    """An agency that flags a case must not learn from its task what was consented to, decided, or asked of others."""
    case = case_key(server)

    def offer(role: str | None) -> int:
        key = task_of(server, "cora", "InviteAgencies").user_task_key
        item = db.session.get(WorkItem, int(key))
        item.roles = ["marac-coordinator", *([role] if role else [])]
        db.session.commit()
        return int(key)

    def told(username: str, key: int) -> set[str]:
        asks = (
            server.client(username).search_user_task_variables,
            server.client(username).search_user_task_effective_variables,
        )
        return {each.name for ask in asks for each in ask(user_task_key=str(key)).items}

    key = server.given(offer, "agency-spoc")
    try:
        assert "caseId" in told("cora", key)
        assert told("spoc.housing", key) == set()
        seen = server.given(
            lambda: (
                db.session.execute(
                    select(audit.AuditEntry.case_key).where(audit.AuditEntry.action == "view.task-variables")
                )
                .scalars()
                .all()
            )
        )
        assert set(seen) == {case}
    finally:
        server.given(offer, None)


def test_a_conflict_of_interest_beats_the_role(server: Server, http: httpx.Client) -> None:
    key = case_key(server)
    task = task_of(server, "cora", "InviteAgencies").user_task_key
    with server.app.app_context():
        ruled = involvement.declare_conflict(
            key, user_key=person("cora").key, reason="She knows the family.", by=person("chidi").key
        ).key
        db.session.commit()
    try:
        assert http.get(f"/v2/convenor/cases/{key}", headers=as_(server, "cora")).status_code == 404
        with pytest.raises(ApiError) as refused:
            server.client("cora").get_user_task(user_task_key=task)
        assert refused.value.status_code == 404
        found = server.client("cora").search_user_tasks(data=UserTaskSearchQuery())
        assert task not in {each.user_task_key for each in found.items}
        instances = server.client("cora").search_process_instances(data=ProcessInstanceSearchQuery())
        assert {each.process_definition_id for each in instances.items} == {"marac-meeting"}
    finally:
        with server.app.app_context():
            involvement.lift_conflict(ruled, by=person("chidi").key)
            db.session.commit()


def test_a_task_that_somebody_holds_is_not_taken_from_them(server: Server, http: httpx.Client) -> None:
    key = task_of(server, "ida", "ContactVictim").user_task_key
    ida, ivor = server.client("ida"), server.client("ivor")
    assert http.post(f"/v2/convenor/work-items/{key}/claim", headers=as_(server, "ida")).status_code == 204
    held = ida.get_user_task(user_task_key=key)
    assert held.assignee == "ida"
    with pytest.raises(ApiError) as refused:
        ida.assign_user_task(
            user_task_key=key, data=UserTaskAssignmentRequest(assignee="ida.unknown", action="On leave.")
        )
    assert refused.value.status_code == 400
    with pytest.raises(ApiError) as kept:
        server.client("cora").assign_user_task(
            user_task_key=key, data=UserTaskAssignmentRequest(assignee="cora", allow_override=False)
        )
    assert kept.value.status_code == 409
    assert ivor.search_user_tasks(data=UserTaskSearchQuery.from_dict({"filter": {"assignee": "ivor"}})).items == []
    ida.unassign_user_task(user_task_key=key)


def test_another_area_is_another_world(server: Server, http: httpx.Client) -> None:
    """Somebody with every role of another area sees nothing of this one, and cannot tell that it is there."""
    with server.app.app_context():
        area = Area(key=new_key(), slug="elsewhere", name="Elsewhere", demo=True, second_person=False)
        db.session.add(area)
        db.session.flush()
        roles = [(str(role), None) for role in Role if not role.of_agency]
        register.register_person("zed", "Zed Farr", email=None, agency_key=None, area_key=area.key, roles=roles)
        db.session.commit()
        task = db.session.execute(select(WorkItem.key).where(WorkItem.element_id == "InviteAgencies")).scalar_one()
        instance = db.session.execute(select(Instance.key).limit(1)).scalar_one()
        definition = db.session.execute(select(ProcessDefinition.key).limit(1)).scalar_one()
    headers = as_(server, "zed")
    for part in ("user-tasks", "process-instances", "process-definitions", "incidents"):
        found = http.post(f"/v2/{part}/search", json={}, headers=headers)
        assert (found.status_code, found.json()["page"]["totalItems"]) == (200, 0), part
    assert http.get("/v2/convenor/cases", headers=headers).json()["items"] == []
    for method, path in (
        ("GET", f"/v2/user-tasks/{task}"),
        ("GET", f"/v2/user-tasks/{task}/form"),
        ("POST", f"/v2/user-tasks/{task}/variables/search"),
        ("POST", f"/v2/user-tasks/{task}/completion"),
        ("DELETE", f"/v2/user-tasks/{task}/assignee"),
        ("POST", f"/v2/convenor/work-items/{task}/claim"),
        ("GET", f"/v2/convenor/work-items/{task}/answers"),
        ("GET", f"/v2/process-instances/{instance}"),
        ("POST", f"/v2/process-instances/{instance}/cancellation"),
        ("GET", f"/v2/process-definitions/{definition}"),
        ("GET", f"/v2/process-definitions/{definition}/xml"),
        ("GET", f"/v2/convenor/cases/{case_key(server)}"),
    ):
        assert http.request(method, path, headers=headers).status_code == 404, path
    wanted = {"processDefinitionKey": str(definition)}
    assert http.post("/v2/process-instances", json=wanted, headers=headers).status_code == 404


# ------------------------------------------------------------------------------------------------ starting and answering
def test_a_procedure_about_a_case_takes_no_variables(server: Server) -> None:
    def start(username: str, variables: dict[str, Any]) -> int:
        asked = ProcessCreationById.from_dict({"processDefinitionId": "marac-case", "variables": variables})
        with pytest.raises(ApiError) as refused:
            server.client(username).create_process_instance(data=asked)
        return refused.value.status_code

    assert start("rosa", {"refer": True}) == 400
    assert start("olive", {}) == 404
    assert start("cora", {}) == 404


def test_a_case_begins_on_the_latest_version_of_its_procedure(server: Server) -> None:
    client = server.client("rosa")
    wanted = ProcessDefinitionSearchQuery.from_dict({"filter": {"processDefinitionId": "marac-case"}})
    [old] = client.search_process_definitions(data=wanted).items
    with server.app.app_context():
        files = shipped_files()
        files["marac-case.bpmn"] = files["marac-case.bpmn"].replace(
            b"<bpmn:definitions", b"<!-- next --><bpmn:definitions", 1
        )
        publish(agencies.area(person("olive").area_key or 0), files, by=None)
        db.session.commit()
    asked = ProcessCreationByKey.from_dict({"processDefinitionKey": old.process_definition_key})
    with pytest.raises(ApiError) as refused:
        client.create_process_instance(data=asked)
    assert refused.value.status_code == 409
    [new] = client.search_process_definitions(data=wanted).items
    assert new.version == old.version + 1
    by_id = ProcessCreationById.from_dict({"processDefinitionId": "marac-case"})
    assert client.create_process_instance(data=by_id).process_definition_version == new.version


def test_a_file_of_somebody_else_is_no_answer(server: Server, http: httpx.Client) -> None:
    """A reference among the answers must be the person's own upload for the same case."""
    instance = server.client("rosa").create_process_instance(
        data=ProcessCreationById.from_dict({"processDefinitionId": "marac-case"})
    )
    asked = {"filter": {"processInstanceKey": instance.process_instance_key}}
    [task] = server.client("rosa").search_user_tasks(data=UserTaskSearchQuery.from_dict(asked)).items
    headers = as_(server, "rosa")
    address = f"/v2/convenor/work-items/{task.user_task_key}/files"
    sent = http.post(address, headers=headers, files={"file": ("notes.txt", b"What she said.", "text/plain")})
    assert sent.json() == {"id": sent.json()["id"], "name": "notes.txt", "size": 14, "type": "text/plain"}
    assert http.post(address, headers=headers, files={"file": ("a.exe", b"MZ", "text/plain")}).status_code == 400
    assert http.post(address, headers=headers).status_code == 400
    assert http.post(address, headers=as_(server, "mark"), files={"file": ("n.txt", b"x")}).status_code == 404

    from app.api.work_items import _own_file
    from app.errors import Invalid

    with server.app.app_context():
        item = db.session.get(WorkItem, int(task.user_task_key))
        assert item is not None
        assert attachments.name_of(_own_file(sent.json()["id"], item, person("rosa"))) == "notes.txt"
        for key, who in ((sent.json()["id"], "mark"), ("123", "rosa"), ("../1", "rosa")):
            with pytest.raises(Invalid):
                _own_file(key, item, person(who))


# ------------------------------------------------------------------------------------------------ incidents
def test_an_incident_is_seen_and_retried_by_the_operator_alone(server: Server) -> None:
    olive, oscar = server.client("olive"), server.client("oscar")
    sent = File(payload=io.BytesIO(STUCK.encode()), file_name="stuck.bpmn")
    olive.create_deployment(data=CreateDeploymentData(resources=[sent]))
    asked = ProcessCreationById.from_dict({"processDefinitionId": "stuck", "variables": {"colour": "green"}})
    instance = olive.create_process_instance(data=asked).process_instance_key
    assert olive.get_process_instance(process_instance_key=instance).has_incident
    where = IncidentSearchQuery.from_dict(
        {"filter": {"processInstanceKey": instance, "state": "ACTIVE", "errorType": "CONDITION_ERROR"}}
    )
    [found] = oscar.search_incidents(data=where).items
    assert (found.element_id, found.process_definition_id) == ("Fork", "stuck")
    assert oscar.get_incident(incident_key=found.incident_key).error_message == found.error_message
    assert "green" not in found.error_message

    def resolve(username: str, key: str) -> int:
        with pytest.raises(ApiError) as refused:
            server.client(username).resolve_incident(incident_key=key, data=IncidentResolutionRequest())
        return refused.value.status_code

    assert resolve("olive", found.incident_key) == 403
    assert resolve("cora", found.incident_key) == 403
    oscar.resolve_incident(incident_key=found.incident_key, data=IncidentResolutionRequest())
    [still] = oscar.search_incidents(data=where).items
    with server.app.app_context():
        runtime.set_variables(int(instance), {"colour": "blue"}, by=None)
        db.session.commit()
    oscar.resolve_incident(incident_key=still.incident_key, data=IncidentResolutionRequest())
    assert oscar.search_incidents(data=where).items == []
    assert olive.get_process_instance(process_instance_key=instance).state.value == "COMPLETED"
    assert resolve("oscar", still.incident_key) == 409


# ------------------------------------------------------------------------------------------------ paging
@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["dueDate", "creationDate", "priority", "completionDate", "name"])
def test_pages_forwards_and_backwards_hold_every_task_once(server: Server, field: str, order: str) -> None:
    client = server.client("cora")

    def page(**asked: Any) -> Any:
        query = {"sort": [{"field": field, "order": order}], "page": {"limit": 2, **asked}}
        return client.search_user_tasks(data=UserTaskSearchQuery.from_dict(query))

    everything = client.search_user_tasks(
        data=UserTaskSearchQuery.from_dict({"sort": [{"field": field, "order": order}]})
    )
    keys = [each.user_task_key for each in everything.items]
    assert len(keys) == everything.page.total_items
    assert len(keys) > 4
    forwards, at = [], page()
    while at.items:
        assert at.page.total_items == len(keys)
        forwards += [each.user_task_key for each in at.items]
        last, at = at, page(after=at.page.end_cursor)
    assert forwards == keys
    backwards = [each.user_task_key for each in last.items]
    at = page(before=last.page.start_cursor)
    while at.items:
        backwards = [each.user_task_key for each in at.items] + backwards
        at = page(before=at.page.start_cursor)
    assert backwards == keys
    assert [each.user_task_key for each in page(**{"from": 1}).items] == keys[1:3]


def test_pages_in_the_order_of_elements_keys_hold_every_task_once(server: Server, http: httpx.Client) -> None:
    def page(**asked: Any) -> Any:
        body = {"sort": [{"field": "elementInstanceKey"}], "page": asked}
        return http.post("/v2/user-tasks/search", json=body, headers=as_(server, "cora")).json()

    keys = [each["elementInstanceKey"] for each in page()["items"]]
    assert len(keys) > 4
    assert keys == sorted(keys, key=int)
    found, at = [], page(limit=2)
    while at["items"]:
        found += [each["elementInstanceKey"] for each in at["items"]]
        at = page(limit=2, after=at["page"]["endCursor"])
    assert found == keys


def test_a_cursor_of_another_search_is_refused(server: Server, http: httpx.Client) -> None:
    headers = as_(server, "cora")
    first = http.post(
        "/v2/user-tasks/search", json={"sort": [{"field": "name"}], "page": {"limit": 1}}, headers=headers
    )
    cursor = first.json()["page"]["endCursor"]
    other = {"sort": [{"field": "dueDate"}], "page": {"after": cursor}}
    assert http.post("/v2/user-tasks/search", json=other, headers=headers).status_code == 400


def test_filters_combine(server: Server) -> None:
    client = server.client("cora")

    def elements(**wanted: Any) -> set[str]:
        asked = UserTaskSearchQuery.from_dict({"filter": wanted})
        return {each.element_id for each in client.search_user_tasks(data=asked).items}

    assert elements(elementId="InviteAgencies") == {"InviteAgencies"}
    assert elements(elementId="InviteAgencies", state="COMPLETED") == set()
    assert elements(
        **{"$or": [{"elementId": "InviteAgencies"}, {"elementId": "ContactVictim"}], "state": "CREATED"}
    ) == {
        "InviteAgencies",
        "ContactVictim",
    }
    assert "InviteAgencies" in elements(candidateGroup="marac-coordinator")
    assert "InviteAgencies" not in elements(candidateGroup={"$in": ["idva"]})
    assert elements(candidateGroup="idva", state="CREATED") == {"ContactVictim"}
    assert elements(state="FAILED") == set()
    assert elements(tenantId="<default>", name={"$like": "Invite*"}) == {"InviteAgencies"}
    assert elements(name={"$like": "Invite_further*"}) == set()
    assert elements(completionDate={"$exists": False}, assignee={"$exists": True}, elementId="PlanMeeting") == set()
    assert elements(dueDate={"$gt": "2026-01-01T00:00:00Z", "$lt": "2026-01-02T00:00:00Z"}) == set()


# ------------------------------------------------------------------------------------------------ the guide
def test_the_guides_example_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "developers" / "api.md").read_text()
    example = guide.split("```python\n")[1].split("```")[0]
    monkeypatch.setenv("CONVENOR", server.url)
    monkeypatch.setenv("SECRET", devidp.client_secret(server.app.config["SETTINGS"], "rosa"))
    monkeypatch.setenv("CAMUNDA_TOKEN_DISK_CACHE_DISABLE", "true")
    exec(compile(example, "api.md", "exec"), {})
    assert "Complete the risk checklist" in capsys.readouterr().out


def test_the_guide_names_every_address_that_is_served(http: httpx.Client) -> None:
    folder = Path(__file__).parents[2] / "docs" / "developers"
    guide = (folder / "api.md").read_text() + (folder / "api-coverage.md").read_text()
    for path in http.get("/v2/openapi.json").json()["paths"]:
        for part in path.removeprefix("/v2").split("/"):
            assert part.startswith("{") or part in guide, path
