"""Every address with a key, asked with keys of what the caller may not see: never an answer, never a change.

The addresses are those of the application itself, so that a new one is asked without anybody thinking of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.agencies.models import Area
from app.api import drawing
from app.cases.involvement import declare_conflict, lift_conflict
from app.cases.models import Case
from app.demo import story
from app.identity import register
from app.identity.roles import Role
from app.operations.publishing import publish
from app.runtime import batches
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.runtime.models import Incident, Instance, ProcessDefinition, ReleaseFile
from app.store.database import db, new_key
from app.store.keys import part_key
from app.work.models import WorkItem
from tests.support.api_server import Server, running
from tests.support.diagrams import diagram

ELSEWHERE = diagram(
    "elsewhere",
    """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Fork"/>
    <bpmn:parallelGateway id="Fork"/>
    <bpmn:sequenceFlow id="f2" sourceRef="Fork" targetRef="Work"/>
    <bpmn:sequenceFlow id="f3" sourceRef="Fork" targetRef="Choose"/>
    <bpmn:sequenceFlow id="f6" sourceRef="Fork" targetRef="Ask"/>
    <bpmn:serviceTask id="Work"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:userTask id="Ask"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:exclusiveGateway id="Choose"/>
    <bpmn:sequenceFlow id="f4" sourceRef="Choose" targetRef="A">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=colour = "red"</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f5" sourceRef="Choose" targetRef="B">
      <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=colour = "blue"</bpmn:conditionExpression>
    </bpmn:sequenceFlow>
    <bpmn:endEvent id="A"/>
    <bpmn:endEvent id="B"/>
    """,
)
DMN = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="there" name="There" namespace="http://x">
  <decision id="far" name="Far"><literalExpression id="le"><text>1</text></literalExpression></decision>
</definitions>
"""
FORM = '{"id": "far-form", "type": "default", "schemaVersion": 16, "components": []}'
# What an address with this body would do if the key were the caller's.
BODIES: dict[str, Any] = {
    "assignment": {"assignee": "olive"},
    "modification": {"terminateInstructions": [{"elementId": "Ask"}]},
    "variables": {"variables": {"colour": "red"}},
    "error": {"errorCode": "E1"},
    "jobs": {"changeset": {"retries": 5}},
    "user-tasks": {"changeset": {"priority": 5}},
    "migration": {"targetProcessDefinitionKey": "1", "mappingInstructions": []},
}
# A process owner, a co-ordinator, a worker outside, an operator.
ASKERS = ("olive", "cora", "rosa", "oscar")
CONFLICTED = ("olive", "cora", "rosa", "oscar")


@pytest.fixture(scope="module")
def server(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(seeded, tmp_path_factory.mktemp("keys") / "data") as found:
        with found.app.app_context():
            story.begin(found.app, 0)
            rosa = register.find_user("rosa")
            assert rosa is not None
            register.grant_role(rosa.key, Role.OUTSIDE_WORKER, area_key=rosa.area_key)
            db.session.commit()
        yield found


@pytest.fixture(scope="module")
def keys(server: Server) -> dict[str, list[str]]:
    """Keys of everything there is in another area, and of a case of this one, by what they are keys of."""
    with server.app.app_context():
        area = Area(key=new_key(), slug="elsewhere", name="Elsewhere", demo=True, second_person=False)
        db.session.add(area)
        stranger = register.register_person(
            subject="stranger", username="stranger", name="Sam Stranger", area_key=area.key
        )
        files = {"elsewhere.bpmn": ELSEWHERE.encode(), "there.dmn": DMN.encode(), "far.form": FORM.encode()}
        release = publish(area, files, by=stranger.key)
        instance = runtime.start("elsewhere", {}, area_key=area.key, by=stranger.key)
        db.session.flush()
        batches.begin("CANCEL_PROCESS_INSTANCE", [(instance.key, instance.key)], area_key=area.key, by=stranger.key)
        db.session.commit()
        file_keys = {
            row.kind: row.key
            for row in db.session.execute(select(ReleaseFile).where(ReleaseFile.release_key == release.key)).scalars()
        }
        incident = db.session.execute(select(Incident).where(Incident.instance_key == instance.key)).scalar_one()
        batch = db.session.execute(
            select(batches.BatchOperation.key).where(batches.BatchOperation.area_key == area.key)
        )
        case = db.session.execute(select(Case.key).limit(1)).scalar_one()
        found = {
            "process-definitions": [
                db.session.execute(
                    select(ProcessDefinition.key).where(ProcessDefinition.area_key == area.key)
                ).scalar_one()
            ],
            "process-instances": [instance.key],
            "user-tasks": [_one(WorkItem, instance)],
            "work-items": [_one(WorkItem, instance)],
            "jobs": [_one(OutsideJob, instance)],
            "incidents": [incident.key],
            "element-instances": [drawing.element_key(instance.key, incident.task_id), instance.key],
            "variables": [part_key(instance.key, 1)],
            "batch-operations": [batch.scalar_one()],
            "decision-definitions": [part_key(file_keys["dmn"], 1)],
            "decision-requirements": [file_keys["dmn"]],
            "resources": list(file_keys.values()),
            "forms": [file_keys["form"]],
            "cases": [case],
        }
        everything = sorted({str(key) for some in found.values() for key in some})
        return {**{name: [str(key) for key in some] for name, some in found.items()}, "": everything}


def _one(model: Any, instance: Instance) -> int:
    return int(db.session.execute(select(model.key).where(model.instance_key == instance.key)).scalar_one())


def _keyed(server: Server) -> list[tuple[str, str, str]]:
    """Method, address and what the key is of, for every address with a key."""
    found = []
    for rule in server.app.url_map.iter_rules():
        if not rule.endpoint.startswith("api_") or rule.endpoint.startswith("api_missing.") or not rule.arguments:
            continue
        kind = rule.rule.removeprefix("/v2/").removeprefix("convenor/").split("/")[0]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found.append((method, rule.rule, kind))
    return sorted(found)


def _state(server: Server) -> tuple[Any, ...]:
    """What must not change."""
    with server.app.app_context():
        return (
            db.session.execute(select(Instance.key, Instance.revision, Instance.status).order_by(Instance.key)).all(),
            db.session.execute(
                select(WorkItem.key, WorkItem.state, WorkItem.assignee, WorkItem.priority).order_by(WorkItem.key)
            ).all(),
            db.session.execute(
                select(OutsideJob.key, OutsideJob.state, OutsideJob.retries).order_by(OutsideJob.key)
            ).all(),
            db.session.execute(select(Incident.key, Incident.state).order_by(Incident.key)).all(),
            db.session.execute(select(batches.BatchOperation.key, batches.BatchOperation.state)).all(),
        )


def sweep(server: Server, keys: dict[str, list[str]], askers: tuple[str, ...], without: set[str]) -> int:
    """Ask every address with a key; how often. Each answer must be 403 or 404, and nothing may have changed."""
    before = _state(server)
    asked = 0
    opened = []
    with httpx.Client(base_url=server.url, timeout=60) as http:
        for username in askers:
            headers = {"Authorization": f"Bearer {server.token(username)}"}
            for method, rule, kind in _keyed(server):
                if kind in without:
                    continue
                last = rule.rsplit("/", 1)[1]
                body = BODIES.get(kind if last.startswith("<") else last, {})
                for key in keys.get(kind) or keys[""]:
                    head, _, rest = rule.partition("<")
                    address = head + key + rest.partition(">")[2]
                    more = {} if method in ("GET", "DELETE") else {"json": body}
                    answer = http.request(method, address, headers=headers, **more)
                    asked += 1
                    if answer.status_code not in (403, 404):
                        opened.append((username, method, address, answer.status_code, answer.text[:100]))
    assert opened == []
    assert _state(server) == before
    return asked


def test_a_key_of_another_area_opens_nothing(server: Server, keys: dict[str, list[str]]) -> None:
    assert sweep(server, keys, ASKERS, without={"cases"}) > 200


def test_a_key_of_a_case_opens_nothing_to_those_who_have_nothing_to_do_with_it(server: Server) -> None:
    """Process owners and operators see procedures and incidents, and no case."""
    with server.app.app_context():
        case = db.session.execute(select(Case).limit(1)).scalar_one()
        instance = db.session.execute(select(Instance).where(Instance.case_key == case.key)).scalars().first()
        assert instance is not None
        item = db.session.execute(select(WorkItem).where(WorkItem.case_key == case.key)).scalars().first()
        assert item is not None
        element = drawing.element_key(instance.key, item.task_id)
        found = {
            "process-instances": [instance.key],
            "user-tasks": [item.key],
            "work-items": [item.key],
            "element-instances": [element, instance.key],
            "variables": [part_key(instance.key, 1)],
            "cases": [case.key],
        }
        everything = sorted({str(key) for some in found.values() for key in some})
        keys = {**{name: [str(key) for key in some] for name, some in found.items()}, "": everything}
    assert sweep(server, keys, ("olive", "oscar"), without={"incidents"}) > 100


def test_a_conflict_of_interest_hides_everything_of_the_case(server: Server) -> None:
    """By key and in every search: jobs, incidents, tasks, elements, variables, counts. Nobody's role is stronger."""
    with server.app.app_context():
        case, instance, keys = _stopped_in_a_case()
        db.session.commit()
    with httpx.Client(base_url=server.url, timeout=60) as http:
        before = _counted(server, http, "olive")
        ruled = []
        with server.app.app_context():
            for username in CONFLICTED:
                user = register.find_user(username)
                assert user is not None
                ruled.append(declare_conflict(case, user_key=user.key, reason="Kin.", by=user.key).key)
            db.session.commit()
        try:
            assert sweep(server, keys, CONFLICTED, without=set()) > 200
            hidden = {instance, *keys[""]}
            for username in CONFLICTED:
                headers = {"Authorization": f"Bearer {server.token(username)}"}
                for rule in server.app.url_map.iter_rules():
                    if not rule.rule.endswith("/search") or rule.arguments - {"only_reads"}:
                        continue
                    answer = http.post(rule.rule, headers=headers, json={"page": {"limit": 1000}})
                    assert answer.status_code in (200, 400, 403, 501), rule.rule
                    for item in answer.json().get("items", ()):
                        assert not hidden & {str(value) for value in item.values()}, (username, rule.rule)
            after = _counted(server, http, "olive")
            assert {name: before[name] - after[name] for name in before} == {
                "jobs": 1,
                "incidents": 1,
                "created": 1,
                "stopped": 1,
            }
        finally:
            with server.app.app_context():
                for each in ruled:
                    lift_conflict(each, by=0)
                db.session.commit()


def _stopped_in_a_case() -> tuple[int, str, dict[str, list[str]]]:
    """A process of the area that has stopped, has a job and a task, and is about the case: keys of it all."""
    area = db.session.execute(select(Area).where(Area.slug != "elsewhere")).scalars().first()
    case = db.session.execute(select(Case).limit(1)).scalar_one()
    owner = register.find_user("olive")
    assert area is not None
    assert owner is not None
    publish(area, {"elsewhere.bpmn": ELSEWHERE.encode()}, by=owner.key)
    instance = runtime.start("elsewhere", {}, area_key=area.key, by=owner.key)
    instance.case_key = case.key
    db.session.flush()
    item, job = _one(WorkItem, instance), _one(OutsideJob, instance)
    db.session.get_one(WorkItem, item).case_key = case.key
    incident = db.session.execute(select(Incident).where(Incident.instance_key == instance.key)).scalar_one()
    found = {
        "process-instances": [instance.key],
        "user-tasks": [item],
        "work-items": [item],
        "jobs": [job],
        "incidents": [incident.key],
        "element-instances": [drawing.element_key(instance.key, incident.task_id), instance.key],
        "variables": [part_key(instance.key, 1)],
        "cases": [case.key],
    }
    everything = sorted({str(key) for some in found.values() for key in some})
    return (
        case.key,
        str(instance.key),
        {**{name: [str(key) for key in some] for name, some in found.items()}, "": everything},
    )


def _counted(server: Server, http: httpx.Client, username: str) -> dict[str, int]:
    """How much there is for somebody, where only a number is told."""
    headers = {"Authorization": f"Bearer {server.token(username)}"}

    def total(path: str) -> int:
        return int(http.post(f"/v2/{path}/search", headers=headers, json={}).json()["page"]["totalItems"])

    span = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    jobs = http.get("/v2/jobs/statistics/global", headers=headers, params=span).json()
    causes = http.post("/v2/incidents/statistics/process-instances-by-error", headers=headers).json()["items"]
    return {
        "jobs": total("jobs"),
        "incidents": total("incidents"),
        "created": int(jobs["created"]["count"]),
        "stopped": sum(each["activeInstancesWithErrorCount"] for each in causes),
    }


def test_searches_find_nothing_of_another_area(server: Server, keys: dict[str, list[str]]) -> None:
    instance = keys["process-instances"][0]
    hidden = set(keys[""])
    found = []
    with httpx.Client(base_url=server.url, timeout=60) as http:
        for username in ASKERS:
            headers = {"Authorization": f"Bearer {server.token(username)}"}
            for rule in server.app.url_map.iter_rules():
                if not rule.rule.endswith("/search") or rule.arguments - {"only_reads"}:
                    continue
                for asked in ({}, {"filter": {"processInstanceKey": instance}}):
                    answer = http.post(rule.rule, headers=headers, json=asked)
                    assert answer.status_code in (200, 400, 403, 501), rule.rule
                    shown = hidden & {str(v) for item in answer.json().get("items", ()) for v in item.values()}
                    if shown:
                        found.append((username, rule.rule, shown))
    assert found == []


def test_a_key_of_another_area_inside_a_request_opens_nothing(server: Server, keys: dict[str, list[str]]) -> None:
    [instance], [definition] = keys["process-instances"], keys["process-definitions"]
    [decision] = keys["decision-definitions"]
    before = _state(server)
    mine = {"filter": {"processInstanceKey": instance}}
    moves = [{"sourceElementId": "Ask", "targetElementId": "A"}]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/process-instances", {"processDefinitionKey": definition}),
        ("/process-instances/cancellation", mine),
        ("/process-instances/modification", {**mine, "moveInstructions": moves}),
        ("/process-instances/incident-resolution", mine),
        ("/decision-definitions/evaluation", {"decisionDefinitionKey": decision}),
        ("/expression/evaluation", {"expression": "=colour", "scopeKey": instance}),
        ("/element-instances/search", {"filter": {"elementInstanceKey": keys["element-instances"][0]}}),
        ("/variables/search", {"filter": {"scopeKey": keys["element-instances"][0]}}),
        ("/batch-operation-items/search", {"filter": {"batchOperationKey": keys["batch-operations"][0]}}),
    ]
    with httpx.Client(base_url=f"{server.url}/v2", timeout=60) as http:
        for username in ASKERS:
            headers = {"Authorization": f"Bearer {server.token(username)}"}
            for path, body in asked:
                answer = http.post(path, headers=headers, json=body)
                assert answer.status_code in (200, 403, 404), (path, answer.text)
                if answer.status_code == 200:
                    told = answer.json()
                    assert told.get("items", []) == [], (username, path)
                    batch = told.get("batchOperationKey")
                    if batch is not None:
                        one = http.get(f"/batch-operations/{batch}", headers=headers).json()
                        assert (one["operationsTotalCount"], one["state"]) == (0, "COMPLETED")
    after = _state(server)
    assert after[:-1] == before[:-1], "but for the batch operations that found nothing"


@pytest.mark.parametrize("who", ["olive", "rosa", "cora"])
def test_whether_there_is_such_an_instance_in_another_area_is_not_told(
    server: Server, keys: dict[str, list[str]], who: str
) -> None:
    """By no difference between the answers about what is there and what is nowhere."""
    there, nowhere = int(keys["process-instances"][0]), new_key()
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/v2/element-instances/{}", None),
        ("PUT", "/v2/element-instances/{}/variables", {"variables": {"a": 1}}),
        ("POST", "/v2/element-instances/{}/incidents/search", {}),
        ("POST", "/v2/process-instances/{}/incidents/search", {}),
        ("GET", "/v2/variables/{}", None),
    ]
    headers = {"Authorization": f"Bearer {server.token(who)}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60) as http:
        for method, path, body in asked:
            for one, other in ((str(there), str(nowhere)), (part_key(there, 1), part_key(nowhere, 1))):
                found = [http.request(method, path.format(key), json=body) for key in (one, other)]
                assert {answer.status_code for answer in found} <= {403, 404}, path
                told = [(answer.status_code, answer.json()["title"]) for answer in found]
                assert told[0] == told[1], (path, one)


def test_what_the_contract_has_and_convenor_has_not_says_why(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.token('olive')}"}
    with httpx.Client(base_url=server.url, timeout=60) as http:
        answer = http.put("/v2/clock", headers=headers, json={"timestamp": 1})
        assert (answer.status_code, answer.headers["Content-Type"]) == (501, "application/problem+json")
        assert "clock" in answer.json()["detail"]
        keyed = http.post("/v2/process-instances/5/suspension", headers=headers)
        assert (keyed.status_code, "suspended" in keyed.json()["detail"]) == (501, True)
        assert http.put("/v2/clock").status_code == 401
        assert http.get("/v2/nothing/here", headers=headers).status_code == 404
