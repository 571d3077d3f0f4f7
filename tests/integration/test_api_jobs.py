"""Workers outside: the official client takes the work of a diagram's service tasks, brings results, fails, throws errors."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from camunda_orchestration_sdk import CamundaAsyncClient, ConnectedJobContext, WorkerConfig
from camunda_orchestration_sdk.errors import ApiError
from camunda_orchestration_sdk.models import (
    CancelProcessInstanceRequest,
    CreateDeploymentData,
    IncidentResolutionRequest,
    IncidentSearchQuery,
    JobActivationRequest,
    JobBatchUpdateRequest,
    JobCompletionRequest,
    JobErrorRequest,
    JobErrorStatisticsQuery,
    JobFailRequest,
    JobSearchQuery,
    JobTimeSeriesStatisticsQuery,
    JobTypeStatisticsQuery,
    JobUpdateRequest,
    JobWorkerStatisticsQuery,
    ProcessCreationById,
    UserTaskSearchQuery,
)
from camunda_orchestration_sdk.runtime.job_worker import JobError, JobFailure
from camunda_orchestration_sdk.types import File

from app.cases.involvement import declare_conflict, lift_conflict
from app.cases.models import Case
from app.demo import story
from app.identity import register
from app.identity.models import User
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.runtime.models import Instance
from app.store.clock import wall_now
from app.store.database import db
from tests.support.api_server import Server, running_on
from tests.support.diagrams import diagram
from tests.support.hours import START

SCALES = diagram(
    "scales",
    """
    <bpmn:startEvent id="Start"/>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Weigh"/>
    <bpmn:serviceTask id="Weigh" name="Weigh it">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="weigh" retries="2"/>
        <zeebe:taskHeaders><zeebe:header key="unit" value="kg"/></zeebe:taskHeaders>
      </bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:boundaryEvent id="Broken" attachedToRef="Weigh">
      <bpmn:errorEventDefinition errorRef="broken"/>
    </bpmn:boundaryEvent>
    <bpmn:boundaryEvent id="Late" attachedToRef="Weigh">
      <bpmn:timerEventDefinition>
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT2H</bpmn:timeDuration>
      </bpmn:timerEventDefinition>
    </bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="Weigh" targetRef="End"/>
    <bpmn:sequenceFlow id="f3" sourceRef="Broken" targetRef="Repair"/>
    <bpmn:sequenceFlow id="f4" sourceRef="Late" targetRef="Repair"/>
    <bpmn:userTask id="Repair" name="Repair the scales">
      <bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="f5" sourceRef="Repair" targetRef="End"/>
    <bpmn:endEvent id="End"/>
    """,
    before='<bpmn:error id="broken" name="Broken" errorCode="BROKEN"/>',
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_on(request.param, request, seeded, tmp_path_factory.mktemp("jobs") / "data") as found:
        files = [File(payload=io.BytesIO(SCALES.encode()), file_name="scales.bpmn")]
        found.client("olive").create_deployment(data=CreateDeploymentData(resources=files))
        yield found


@pytest.fixture(autouse=True)
def nothing_left(server: Server) -> None:
    """Every test begins without jobs of the others."""
    with server.app.app_context():
        db.session.execute(db.update(OutsideJob).values(ended_at=wall_now(), state="CANCELED"))
        db.session.commit()


def begin(server: Server, **variables: Any) -> Any:
    asked = {"processDefinitionId": "scales", "variables": variables}
    return server.client("olive").create_process_instance(data=ProcessCreationById.from_dict(asked))


def take(server: Server, username: str = "olive", **more: Any) -> list[Any]:
    asked = {"type": "weigh", "timeout": 60_000, "maxJobsToActivate": 10, "worker": "w", "requestTimeout": -1, **more}
    return list(server.client(username).activate_jobs(data=JobActivationRequest.from_dict(asked)).jobs)


def refused(act: Any, *args: Any, **more: Any) -> int:
    with pytest.raises(ApiError) as found:
        act(*args, **more)
    return int(found.value.status_code)


def jobs(server: Server, instance: Any) -> list[Any]:
    return jobs_of(server, instance.process_instance_key)


def jobs_of(server: Server, instance_key: str) -> list[Any]:
    asked = JobSearchQuery.from_dict({"filter": {"processInstanceKey": instance_key}})
    return list(server.client("olive").search_jobs(data=asked).items)


def state_of(server: Server, instance: Any) -> str:
    key = instance.process_instance_key
    return str(server.client("olive").get_process_instance(process_instance_key=key).state.value)


def tasks(server: Server, instance: Any) -> list[str]:
    asked = {"filter": {"processInstanceKey": instance.process_instance_key, "state": "CREATED"}}
    found = server.client("olive").search_user_tasks(data=UserTaskSearchQuery.from_dict(asked))
    return [task.element_id for task in found.items]


def test_a_worker_takes_a_job_and_completes_it_once(server: Server) -> None:
    client = server.client("olive")
    instance = begin(server, parcel=7, colour="red")
    [job] = take(server, fetchVariable=["parcel"])
    assert (job.element_id, job.type_, job.worker, job.retries) == ("Weigh", "weigh", "w", 2)
    assert job.process_instance_key == instance.process_instance_key
    assert job.custom_headers.to_dict() == {"unit": "kg"}
    assert job.variables.to_dict() == {"parcel": 7}
    assert take(server) == [], "it is handed out to one worker at a time"
    done = JobCompletionRequest.from_dict({"variables": {"weight": 12}})
    client.complete_job(job_key=job.job_key, data=done)
    assert state_of(server, instance) == "COMPLETED"
    [told] = jobs(server, instance)
    assert (told.state.value, told.job_key) == ("COMPLETED", job.job_key)
    assert told.end_time is not None
    assert refused(client.complete_job, job_key=job.job_key, data=done) == 404
    assert refused(client.fail_job, job_key=job.job_key, data=JobFailRequest(retries=1)) == 404


def test_a_worker_that_is_silent_loses_the_job_and_its_old_lease_counts_no_more(server: Server) -> None:
    client = server.client("olive")
    instance = begin(server)
    [first] = take(server, withLease=True)
    with server.app.app_context():
        db.session.execute(db.update(OutsideJob).values(deadline=wall_now() - timedelta(seconds=1)))
        db.session.commit()
    [second] = take(server, worker="other", withLease=True)
    assert second.job_key == first.job_key
    assert second.job_lease_token != first.job_lease_token
    late = JobCompletionRequest.from_dict({"jobLeaseToken": first.job_lease_token})
    assert refused(client.complete_job, job_key=first.job_key, data=late) == 409
    mine = JobCompletionRequest.from_dict({"jobLeaseToken": second.job_lease_token})
    client.complete_job(job_key=second.job_key, data=mine)
    assert state_of(server, instance) == "COMPLETED"


def test_failing_is_tried_again_after_the_pause_and_then_stops_with_an_incident(server: Server) -> None:
    client = server.client("olive")
    instance = begin(server)
    [job] = take(server)
    again = JobFailRequest.from_dict({"retries": 1, "errorMessage": "the scales are busy", "retryBackOff": 3_600_000})
    client.fail_job(job_key=job.job_key, data=again)
    assert take(server) == [], "it pauses"
    [told] = jobs(server, instance)
    assert (told.state.value, told.has_failed_with_retries_left, told.retries) == ("FAILED", True, 1)
    with server.app.app_context():
        db.session.execute(db.update(OutsideJob).values(available_at=wall_now()))
        db.session.commit()
    [job] = take(server)
    client.fail_job(job_key=job.job_key, data=JobFailRequest.from_dict({"retries": 0, "errorMessage": "no scales"}))
    assert take(server) == []
    query = {"filter": {"processInstanceKey": instance.process_instance_key, "state": "ACTIVE"}}
    [incident] = client.search_incidents(data=IncidentSearchQuery.from_dict(query)).items
    assert (incident.error_type.value, incident.element_id) == ("JOB_NO_RETRIES", "Weigh")
    assert "no scales" in incident.error_message
    assert refused(client.complete_job, job_key=job.job_key, data=JobCompletionRequest()) == 409
    server.client("oscar").resolve_incident(incident_key=incident.incident_key, data=IncidentResolutionRequest())
    [job] = take(server)
    client.complete_job(job_key=job.job_key, data=JobCompletionRequest())
    assert state_of(server, instance) == "COMPLETED"


def test_an_error_goes_where_the_diagram_catches_it(server: Server) -> None:
    client = server.client("olive")
    instance = begin(server)
    [job] = take(server)
    client.throw_job_error(job_key=job.job_key, data=JobErrorRequest.from_dict({"errorCode": "BROKEN"}))
    assert tasks(server, instance) == ["Repair"]
    [told] = jobs(server, instance)
    assert (told.state.value, told.error_code) == ("ERROR_THROWN", "BROKEN")

    unknown = begin(server)
    [job] = take(server)
    words = JobErrorRequest.from_dict({"errorCode": "Stolen by her brother"})
    assert refused(client.throw_job_error, job_key=job.job_key, data=words) == 400
    client.throw_job_error(job_key=job.job_key, data=JobErrorRequest.from_dict({"errorCode": "STOLEN"}))
    query = {"filter": {"processInstanceKey": unknown.process_instance_key, "state": "ACTIVE"}}
    [incident] = client.search_incidents(data=IncidentSearchQuery.from_dict(query)).items
    assert (incident.error_type.value, incident.job_key) == ("UNHANDLED_ERROR_EVENT", job.job_key)
    same = IncidentSearchQuery.from_dict({"filter": {"jobKey": job.job_key}, "sort": [{"field": "jobKey"}]})
    assert [each.incident_key for each in client.search_incidents(data=same).items] == [incident.incident_key]
    server.client("oscar").resolve_incident(incident_key=incident.incident_key, data=IncidentResolutionRequest())
    assert [job.job_key for job in take(server)] == [job.job_key]


def test_a_timer_or_a_cancellation_takes_the_job_away(server: Server) -> None:
    client = server.client("olive")
    cancelled = begin(server)
    [job] = take(server)
    client.cancel_process_instance(
        process_instance_key=cancelled.process_instance_key, data=CancelProcessInstanceRequest()
    )
    assert [told.state.value for told in jobs(server, cancelled)] == ["CANCELED"]
    assert refused(client.complete_job, job_key=job.job_key, data=JobCompletionRequest()) == 404
    late = begin(server)
    [job] = take(server)
    server.hours.advance(hours=3)
    assert tasks(server, late) == ["Repair"]
    assert refused(client.complete_job, job_key=job.job_key, data=JobCompletionRequest()) == 404


def test_a_request_waits_until_there_is_work(server: Server) -> None:
    found: list[Any] = []
    client = server.fresh_client("olive")
    client.get_topology()
    asked = {"type": "weigh", "timeout": 60_000, "maxJobsToActivate": 1, "requestTimeout": 30_000}
    waiting = threading.Thread(
        target=lambda: found.extend(client.activate_jobs(data=JobActivationRequest.from_dict(asked)).jobs)
    )
    waiting.start()
    instance = begin(server)
    waiting.join(timeout=60)
    assert [job.process_instance_key for job in found] == [instance.process_instance_key]


def test_a_lease_can_be_made_longer_and_work_more_urgent(server: Server) -> None:
    client = server.client("olive")
    first, urgent = begin(server), begin(server)

    def change(job_key: str, **changes: int) -> None:
        client.update_job(job_key=job_key, data=JobUpdateRequest.from_dict({"changeset": changes}))

    [told] = jobs(server, urgent)
    assert refused(change, told.job_key, timeout=60_000) == 409, "nobody has it"
    change(told.job_key, priority=10, retries=5)
    [job] = take(server, maxJobsToActivate=1)
    assert (job.process_instance_key, job.retries, job.priority) == (urgent.process_instance_key, 5, 10)
    change(job.job_key, timeout=3_600_000)
    [told] = jobs(server, urgent)
    assert told.deadline > wall_now() + timedelta(minutes=50)
    assert [j.process_instance_key for j in take(server)] == [first.process_instance_key]


def test_jobs_are_counted(server: Server) -> None:
    olive = server.client("olive")
    begin(server)
    [job] = take(server, worker="counter")
    olive.throw_job_error(job_key=job.job_key, data=JobErrorRequest.from_dict({"errorCode": "BROKEN"}))
    span = {"from_": START - timedelta(days=1), "to": START + timedelta(days=1)}
    everything = olive.get_global_job_statistics(job_type="weigh", **span)
    assert everything.created.count >= 1
    assert everything.failed.count >= 1
    wanted = {"filter": {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "jobType": "weigh"}}
    [by_type] = olive.get_job_type_statistics(data=JobTypeStatisticsQuery.from_dict(wanted)).items
    assert (by_type.job_type, by_type.created.count) == ("weigh", everything.created.count)
    workers = olive.get_job_worker_statistics(data=JobWorkerStatisticsQuery.from_dict(wanted)).items
    assert {each.worker: each.failed.count for each in workers}["counter"] == 1
    errors = olive.get_job_error_statistics(data=JobErrorStatisticsQuery.from_dict(wanted)).items
    assert "BROKEN" in {each.error_code for each in errors}
    none = {"filter": {**wanted["filter"], "from": "2026-03-20T00:00:00Z"}}
    assert olive.get_job_type_statistics(data=JobTypeStatisticsQuery.from_dict(none)).items == []


def test_jobs_are_counted_over_time(server: Server) -> None:
    olive = server.client("olive")

    def series(**wanted: Any) -> list[Any]:
        asked = {"filter": {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z", "jobType": "weigh", **wanted}}
        return list(olive.get_job_time_series_statistics(data=JobTimeSeriesStatisticsQuery.from_dict(asked)).items)

    before = sum(each.created.count for each in series())
    begin(server)
    [job] = take(server)
    olive.complete_job(job_key=job.job_key, data=JobCompletionRequest())
    found = series(resolution="PT1H")
    assert [each.time for each in found] == sorted(each.time for each in found)
    assert sum(each.created.count for each in found) == before + 1
    assert series(resolution="P7D")[0].time == datetime(2026, 3, 1, tzinfo=UTC)
    assert series(to="2026-03-01T01:00:00Z") == []
    for wrong in ({"resolution": "an hour"}, {"resolution": "PT1S"}, {"to": "2026-01-01T00:00:00Z"}, {"resolution": 5}):
        assert refused(series, **wrong) == 400


def test_many_jobs_are_changed_and_each_that_is_refused_says_why(server: Server) -> None:
    olive = server.client("olive")
    keys = [jobs(server, begin(server))[0].job_key for _ in range(3)]

    def change(changes: dict[str, Any], username: str = "olive", **wanted: Any) -> Any:
        asked = JobBatchUpdateRequest.from_dict({"filter": wanted, "changeset": changes})
        begun = server.client(username).update_jobs_batch_operation(data=asked)
        server.hours.settle()
        return olive.get_batch_operation(batch_operation_key=begun.batch_operation_key)

    told = change({"retries": 7, "priority": 3}, jobKey={"$in": keys})
    assert (told.state.value, told.operations_completed_count, told.batch_operation_type.value) == (
        "COMPLETED",
        3,
        "UPDATE_JOB",
    )
    assert {(job.retries, job.priority) for job in take(server, maxJobsToActivate=2)} == {(7, 3)}
    told = change({"timeout": 3_600_000}, jobKey={"$in": keys})
    assert (told.operations_completed_count, told.operations_failed_count) == (2, 1), "nobody has the third"
    for wrong in (({"retries": 5}, {}), ({}, {"jobKey": keys[0]}), ({"retries": 0}, {"jobKey": keys[0]})):
        assert refused(change, wrong[0], **wrong[1]) == 400
    assert refused(change, {"retries": 5}, "cora", jobKey=keys[0]) == 403


@contextmanager
def given(server: Server, workers: str) -> Iterator[None]:
    """An installation that gives accounts these types of work."""
    before = server.app.config["SETTINGS"]
    server.app.config["SETTINGS"] = replace(before, outside_workers=workers)
    try:
        yield
    finally:
        server.app.config["SETTINGS"] = before


def test_only_an_account_for_outside_work_gets_work_and_only_of_the_types_it_is_given(server: Server) -> None:
    begin(server)
    for username in ("rosa", "cora", "oscar", "audrey"):
        assert refused(take, server, username) == 403
    with server.app.app_context():
        user = register.find_user("rosa")
        assert user is not None
        register.grant_role(user.key, "outside-worker", area_key=user.area_key)
        db.session.commit()
    rosa, change = server.client("rosa"), JobUpdateRequest.from_dict({"changeset": {"retries": 9}})
    with given(server, "rosa=weigh"):
        [job] = take(server, "rosa")
    for workers in ("", "rosa=outside:scales", "cora=weigh"):
        with given(server, workers):
            with pytest.raises(ApiError, match="CONVENOR_OUTSIDE_WORKERS") as caught:
                take(server, "rosa")
            assert caught.value.status_code == 403
            assert refused(rosa.complete_job, job_key=job.job_key, data=JobCompletionRequest()) == 403
            assert refused(rosa.update_job, job_key=job.job_key, data=change) == 403
            many = JobBatchUpdateRequest.from_dict({"filter": {"type": "weigh"}, "changeset": {"retries": 9}})
            begun = rosa.update_jobs_batch_operation(data=many)
            assert rosa.search_jobs(data=JobSearchQuery()).items == [], "nor does it see them"
            assert len(server.client("oscar").search_jobs(data=JobSearchQuery()).items) >= 1
            told = server.client("oscar").get_batch_operation(batch_operation_key=begun.batch_operation_key)
            assert told.operations_total_count == 0
    with given(server, "cad-1=outside:cad-*; rosa=outside:scales,we*"):
        assert job.job_key in [each.job_key for each in rosa.search_jobs(data=JobSearchQuery()).items]
        rosa.complete_job(job_key=job.job_key, data=JobCompletionRequest())


def test_of_two_that_complete_one_job_one_wins_and_two_that_ask_get_different_work(server: Server) -> None:
    instances = [begin(server) for _ in range(4)]
    clients = [server.fresh_client("olive") for _ in range(4)]
    for client in clients:
        client.get_topology()
    asked = {"type": "weigh", "timeout": 60_000, "maxJobsToActivate": 2, "requestTimeout": -1}
    at_once = threading.Barrier(len(clients))

    def ask(client: Any) -> list[str]:
        at_once.wait(timeout=60)
        return [j.job_key for j in client.activate_jobs(data=JobActivationRequest.from_dict(asked)).jobs]

    with ThreadPoolExecutor(len(clients)) as pool:
        taken = [key for keys in pool.map(ask, clients) for key in keys]
    taken += [job.job_key for job in take(server)]
    assert sorted(taken) == sorted(job.job_key for instance in instances for job in jobs(server, instance))

    def complete(client: Any) -> int:
        at_once.wait(timeout=60)
        try:
            client.complete_job(job_key=taken[0], data=JobCompletionRequest())
        except ApiError as late:
            return int(late.status_code)
        return 204

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = sorted(pool.map(complete, clients))
    assert answers == [204, 404, 404, 404]


def test_the_clients_own_worker_serves_a_diagram(server: Server) -> None:
    """It polls, completes with what its function gives, throws what it raises, and sends its lease along."""
    parcels = {begin(server, parcel=n).process_instance_key: n for n in range(3)}
    left = set(parcels)

    async def weigh(job: ConnectedJobContext) -> dict[str, Any]:
        left.discard(job.process_instance_key)
        number = job.variables.to_dict()["parcel"]
        if number == 1:
            raise JobError("BROKEN", "no scales")
        if number == 2:
            raise JobFailure("no hands", retries=0)
        return {"weight": 12}

    async def serve() -> None:
        async with CamundaAsyncClient(configuration=server.configuration("olive")) as client:
            config = WorkerConfig("weigh", 60_000, 1_000, max_concurrent_jobs=2, worker_name="sdk", with_lease=True)
            worker = client.create_job_worker(config, weigh)
            while left or any(job.state.value == "CREATED" for key in parcels for job in jobs_of(server, key)):
                await asyncio.sleep(0.05)
            worker.stop()
            await worker.aclose()

    with ThreadPoolExecutor(1) as aside:  # a browser of another test may have an event loop in this thread
        aside.submit(lambda: asyncio.run(asyncio.wait_for(serve(), timeout=60))).result()
    states = {parcels[key]: jobs_of(server, key)[0].state.value for key in parcels}
    assert states == {0: "COMPLETED", 1: "ERROR_THROWN", 2: "FAILED"}


def test_what_a_worker_says_of_a_case_is_not_kept_and_every_hand_out_is_recorded(server: Server) -> None:
    """A case's words stay with the case; the worker sees the declared variables alone."""
    instance = begin(server, parcel=7)
    with server.app.app_context():
        story.begin(server.app, 0)
        row = db.session.get(Instance, int(instance.process_instance_key))
        assert row is not None
        case = row.case_key = db.session.execute(db.select(Case.key).limit(1)).scalar_one()
        worker = db.session.execute(db.select(User.key).where(User.username == "olive")).scalar_one()
        conflict = declare_conflict(case, user_key=worker, reason="A cousin", by=worker).key
        db.session.commit()
    assert take(server) == [], "a conflict of interest beats the grant"
    assert jobs(server, instance) == [], "nor is there a sign of it"
    counted = {"from_": START - timedelta(days=1), "to": START + timedelta(days=1)}
    without = server.client("olive").get_global_job_statistics(job_type="weigh", **counted).created.count
    with server.app.app_context():
        lift_conflict(conflict, by=worker)
        db.session.commit()
    everything = server.client("olive").get_global_job_statistics(job_type="weigh", **counted).created.count
    assert everything == without + 1
    [job] = take(server)
    with server.app.app_context():
        again = declare_conflict(case, user_key=worker, reason="A cousin", by=worker).key
        db.session.commit()
    body = JobFailRequest.from_dict({"retries": 0, "errorMessage": "Jane Doe was not at home"})
    assert refused(server.client("olive").fail_job, job_key=job.job_key, data=body) == 404
    with server.app.app_context():
        lift_conflict(again, by=worker)
        db.session.commit()
    server.client("olive").fail_job(job_key=job.job_key, data=body)
    with server.app.app_context():
        kept = db.session.get(OutsideJob, int(job.job_key))
        assert kept is not None
        assert kept.error_message is None
        said = db.session.execute(db.text("SELECT message FROM incident")).scalars().all()
        assert said
        assert not any("Jane" in each for each in said)
        recorded = db.session.execute(db.text("SELECT action, case_key FROM audit_entry")).all()
        assert ("job.hand-out", case) in {(action, key) for action, key in recorded}
        runtime.forget_case(case)
        db.session.commit()
    assert jobs(server, instance) == []
