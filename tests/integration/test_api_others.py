"""What other clients rely on than the official one for Python: those for JavaScript check every answer against the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_api_corners import Caller
from tests.support.api_server import running_on
from tests.support.diagrams import diagram

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_IN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

ASK = """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Ask"/>
    <bpmn:userTask id="Ask"><bpmn:extensionElements><zeebe:userTask/>
      <zeebe:taskSchedule dueDate="=date and time(&quot;2030-07-01T12:00:00+01:00&quot;)"/></bpmn:extensionElements></bpmn:userTask>
    <bpmn:boundaryEvent id="Late" attachedToRef="Ask" cancelActivity="false"><bpmn:timerEventDefinition id="t">
      <bpmn:timeDuration>P{days}D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f3" sourceRef="Late" targetRef="End2"/><bpmn:endEvent id="End2"/>
    <bpmn:sequenceFlow id="f2" sourceRef="Ask" targetRef="Weigh"/>
    <bpmn:serviceTask id="Weigh"><bpmn:extensionElements><zeebe:taskDefinition type="weighing"/></bpmn:extensionElements></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f4" sourceRef="Weigh" targetRef="End"/>
    <bpmn:endEvent id="End"/>
"""


def ask(process_id: str, days: int = 1) -> str:
    return diagram(process_id, ASK.format(days=days))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def olive(request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with running_on(request.param, request, seeded, tmp_path_factory.mktemp("others") / "data") as server:
        caller = Caller(server)
        yield caller
        caller.http.close()


def texts(told: Any) -> Iterator[str]:
    """Every text of an answer."""
    if isinstance(told, str):
        yield told
    for each in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from texts(each)


def test_every_moment_is_told_in_utc_and_ends_in_z(olive: Caller) -> None:
    olive.deploy(ask("moments"))
    for done in (False, True):
        key = olive.begin("moments")
        if done:
            olive.do(key, "Ask")
            olive.ask("/jobs/activation", {"type": "weighing", "timeout": 60_000, "maxJobsToActivate": 5})
    task = olive.ask("/user-tasks/search", {"filter": {"state": "CREATED"}})["items"][0]["userTaskKey"]
    changes = {"followUpDate": "2030-06-01T12:00:00+01:00"}
    changed = olive.http.patch(f"/user-tasks/{task}", json={"changeset": changes})
    assert (changed.status_code, changed.headers.get("content-type")) == (204, None), "what has no body has no type"
    span = {"from": "2020-01-01T00:00:00Z", "to": "2090-01-01T00:00:00Z"}
    asked: dict[str, Any] = {
        "/process-instances/search": None,
        "/user-tasks/search": None,
        f"/user-tasks/{task}/audit-logs/search": None,
        "/element-instances/search": {"filter": {"processInstanceKey": key}},
        "/element-instances/wait-states/search": None,
        "/jobs/search": None,
        "/jobs/statistics/by-types": {"filter": span},
        "/process-instances/cancellation": {"filter": {"processInstanceKey": key}},
        "/batch-operations/search": None,
        "/batch-operation-items/search": None,
    }
    found = {path: list(filter(_MOMENT.match, texts(olive.ask(path, body)))) for path, body in asked.items()}
    found["the task"] = list(filter(_MOMENT.match, texts(olive.http.get(f"/user-tasks/{task}").json())))
    assert {"2030-07-01T11:00:00Z", "2030-06-01T11:00:00Z"} <= set(found["the task"])
    assert not [each for moments in found.values() for each in moments if not _IN_UTC.fullmatch(each)]
    untold = {"/process-instances/cancellation", "/batch-operation-items/search"}
    assert {path for path, moments in found.items() if not moments} <= untold, "they were looked at"


def test_like_tells_large_letters_from_small_ones(olive: Caller) -> None:
    olive.deploy(ask("Large-and-small"))
    for pattern, count in {"Large-*": 1, "large-*": 0, "L?rge-and-small": 1, "l?rge*": 0}.items():
        asked = {"filter": {"processDefinitionId": {"$like": pattern}}}
        assert olive.ask("/process-definitions/search", asked)["page"]["totalItems"] == count, pattern


def deployed(caller: Caller, process_id: str, days: int = 1) -> tuple[str, int]:
    """The deployment, and the version that the process has by it."""
    files = [("resources", ("ask.bpmn", ask(process_id, days).encode(), "application/xml"))]
    told = caller.http.post("/deployments", files=files).json()
    return told["deploymentKey"], told["deployments"][0]["processDefinition"]["processDefinitionVersion"]


def test_systems_that_deploy_when_they_start_make_no_versions_of_what_has_not_changed(olive: Caller) -> None:
    first, other = deployed(olive, "shop"), deployed(olive, "store")
    assert (first[1], other[1]) == (1, 1)
    assert deployed(olive, "shop") == first
    assert deployed(olive, "store") == other
    changed = deployed(olive, "shop", 2)
    assert changed[1] == 2
    back = deployed(olive, "shop")
    assert back[1] == 3, "it has been replaced in between"
    assert deployed(olive, "store") == other
    otto = Caller(olive.server, "otto")
    assert deployed(otto, "shop")[1] == 4, "a stranger's diagram is started by whoever deployed it"
    otto.begin("shop")
    assert deployed(olive, "shop")[1] == 5
    olive.begin("shop")


def test_a_strangers_diagram_may_have_variables_of_the_names_that_are_given_to_every_procedure(olive: Caller) -> None:
    olive.deploy(ask("soup"))
    key = olive.begin("soup", starter="bread")
    assert olive.variables(key)["starter"] == "bread"
    assert olive.variables(key)["starterAgency"] is None


def test_a_job_is_found_by_and_told_with_who_had_it_last(olive: Caller) -> None:
    olive.deploy(ask("scales"))
    key = olive.begin("scales")
    olive.do(key, "Ask")
    asked = {"type": "weighing", "timeout": 60_000, "maxJobsToActivate": 50, "worker": "scales-1"}
    jobs = {each["processInstanceKey"]: each["jobKey"] for each in olive.ask("/jobs/activation", asked)["jobs"]}
    olive.ask(f"/jobs/{jobs[key]}/failure", {"retries": 1, "retryBackOff": 60_000}, expect=204)
    found = olive.ask("/jobs/search", {"filter": {"worker": "scales-1", "processInstanceKey": key}})["items"]
    assert [each["worker"] for each in found] == ["scales-1"]
