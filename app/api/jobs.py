"""Jobs: service tasks that workers outside do. Handed out with a lease, completed, failed, thrown as an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

from flask import Response, current_app
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from app import audit
from app.access import decide
from app.access.facts import EVERY_TYPE, AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api import drawing, search, waiting
from app.api.attributes import TENANT, Attribute, Kind, always, element, nothing, tenant
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.job_shapes import Activated, Activation, ErrorThrown, JobChange, JobCompletion, JobFailure, Jobs
from app.api.schemas import SearchQuery
from app.api.search import Searchable
from app.cases.involvement import cases_in_conflict
from app.errors import Invalid, NotAllowed, NotFound
from app.identity.person import Person
from app.runtime import outside_jobs, releases
from app.runtime.job_models import OutsideJob, OutsideJobState
from app.runtime.models import Instance
from app.runtime.outside_jobs import Handed
from app.settings import Settings
from app.store.database import db

blueprint = Blueprint("jobs", "Work for workers outside")

_STATES = {
    **{str(each): str(each) for each in OutsideJobState},
    **dict.fromkeys(("MIGRATED", "PRIORITY_UPDATED", "RETRIES_UPDATED", "TIMED_OUT", "TIMEOUT_UPDATED")),
}
_LISTENER_EVENTS = (
    "ASSIGNING",
    "BEFORE_ALL",
    "CANCEL",
    "CANCELING",
    "COMPLETING",
    "CREATING",
    "END",
    "START",
    "UPDATING",
)
_failed_with_retries = and_(OutsideJob.state == OutsideJobState.FAILED, OutsideJob.retries > 0)

SEARCHABLE = Searchable(
    attributes={
        "jobKey": Attribute(OutsideJob.key.expression, Kind.KEY),
        "type": Attribute(OutsideJob.type.expression),
        "worker": Attribute(OutsideJob.worker.expression),
        "state": Attribute(OutsideJob.state.expression, words=_STATES),
        "kind": always("BPMN_ELEMENT", "AD_HOC_SUB_PROCESS", "EXECUTION_LISTENER", "TASK_LISTENER"),
        "listenerEventType": always("UNSPECIFIED", *_LISTENER_EVENTS),
        "retries": Attribute(OutsideJob.retries.expression, Kind.NUMBER),
        "priority": Attribute(OutsideJob.priority.expression, Kind.NUMBER),
        "deadline": Attribute(OutsideJob.deadline.expression, Kind.MOMENT, nullable=True),
        "endTime": Attribute(OutsideJob.ended_at.expression, Kind.MOMENT, nullable=True),
        "creationTime": Attribute(OutsideJob.created_at.expression, Kind.MOMENT),
        "lastUpdateTime": Attribute(OutsideJob.updated_at.expression, Kind.MOMENT),
        "errorCode": Attribute(OutsideJob.error_code.expression, nullable=True),
        "errorMessage": Attribute(OutsideJob.error_message.expression, nullable=True),
        "hasFailedWithRetriesLeft": Attribute(_failed_with_retries, Kind.FLAG),
        "isDenied": nothing(Kind.FLAG),
        "deniedReason": nothing(),
        "elementId": Attribute(OutsideJob.element_id.expression),
        "elementInstanceKey": element(OutsideJob.instance_key.expression, OutsideJob.task_id.expression),
        "processDefinitionId": Attribute(OutsideJob.process_id.expression),
        "processDefinitionKey": Attribute(OutsideJob.definition_key.expression, Kind.KEY),
        "processInstanceKey": Attribute(OutsideJob.instance_key.expression, Kind.KEY),
        "tenantId": tenant(),
    },
    key=OutsideJob.key.expression,
)


# ------------------------------------------------------------------------------------------------ who may
def _facts(area_key: int) -> AreaFacts:
    return AreaFacts(area_key, demo=agencies.area(area_key).demo)


def _given(person: Person) -> tuple[str, ...]:
    """The types of work that the installation gives an account."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.job_types_of(person.username)


def worker() -> tuple[Person, int]:
    """A person who may do the work of an area: a worker outside acts as one.

    :raises NotAllowed: it is not theirs to do.
    """
    person = caller()
    area_key = area_of(person)
    decide.require(person, Permission.JOB_WORK, _facts(area_key))
    return person, area_key


def _require_type(person: Person, area_key: int, type_: str) -> None:
    """Go on only if work of a type is somebody's. :raises NotAllowed: the installation does not give it to them."""
    facts = replace(_facts(area_key), job_type=type_, job_types_given=_given(person))
    if not decide.allowed(person, Permission.JOB_WORK, facts):
        raise NotAllowed(
            "This account is not given jobs of this type. Whoever runs Convenor says in CONVENOR_OUTSIDE_WORKERS which "
            "types each account may have."
        )


def _mine(job_key: str) -> tuple[Person, int]:
    """A job of the worker's area, and of no case that they have a conflict of interest in. :raises NotFound: none."""
    person, _ = worker()
    found = key_from(job_key)
    require_theirs(person, found)
    return person, found


def require_theirs(person: Person, job_key: int) -> None:
    """Go on only if a job is somebody's to work on.

    :raises NotAllowed: such work, or work of its type, is not theirs.
    :raises NotFound: it is of another area, or they have a conflict of interest.
    """
    area_key = area_of(person)
    decide.require(person, Permission.JOB_WORK, _facts(area_key))
    query = select(OutsideJob.area_key, OutsideJob.type, Instance.case_key).join(
        Instance, Instance.key == OutsideJob.instance_key
    )
    at = db.session.execute(query.where(OutsideJob.key == job_key)).one_or_none()
    if at is None or at.area_key != area_key or at.case_key in _barred(person):
        raise NotFound("There is no such job, or it has ended.", resource_id=str(job_key))
    _require_type(person, area_key, at.type)


def known_to(person: Person) -> list[ColumnElement[bool]]:
    """Which jobs a person may know of: those of their area, or of every area for somebody of the system; for a worker outside of its own
    types alone; none of a case that they have a conflict of interest in.

    :raises NotAllowed: jobs are not theirs to see.
    """
    facts = AreaFacts(person.area_key, job_types_given=_given(person))
    decide.require(person, Permission.JOB_READ, facts)
    of_others = select(Instance.key).where(Instance.case_key.in_(cases_in_conflict(person)))
    known: list[ColumnElement[bool]] = [OutsideJob.instance_key.not_in(of_others)]
    if not decide.allowed(person, Permission.JOB_READ, replace(facts, job_type=EVERY_TYPE)):
        known.append(or_(false(), *(_of_type(each) for each in facts.job_types_given)))
    return known if person.area_key is None else [OutsideJob.area_key == person.area_key, *known]


def _of_type(given: str) -> ColumnElement[bool]:
    """What a type that is given covers: itself, or what begins with it where it ends in an asterisk."""
    if not given.endswith("*"):
        return OutsideJob.type == given
    return func.substr(OutsideJob.type, 1, len(given) - 1) == given[:-1]


def _barred(person: Person) -> set[int]:
    return set(db.session.execute(cases_in_conflict(person)).scalars())


def _note(action: str, person: Person, job: OutsideJob, detail: str = "") -> None:
    audit.record(
        action, actor=person, subject=f"job:{job.key}", instance_key=job.instance_key, detail=detail or job.type
    )


# ------------------------------------------------------------------------------------------------ a worker's work
@blueprint.route("/jobs/activation", methods=["POST"])
@blueprint.arguments(Activation)
@blueprint.response(200, Activated)
def activate(asked: dict[str, Any]) -> dict[str, Any]:
    """Activate jobs.

    The worker has them until their deadline; then they go to the next that asks. When there is nothing, the request
    waits for as long as it asks for (`requestTimeout`; a minute at most; below 0 not at all).
    """
    person, area_key = worker()
    type_, barred = asked["type"], cases_in_conflict(person)
    _require_type(person, area_key, type_)
    patience = waiting.asked_for(asked["requestTimeout"])
    if not waiting.until(lambda: outside_jobs.any_waiting(area_key, type_, barred=barred), patience):
        return {"jobs": []}
    handed = outside_jobs.hand_out(
        area_key,
        type_,
        worker=asked["worker"],
        limit=asked["maxJobsToActivate"],
        timeout=timedelta(milliseconds=asked["timeout"]),
        names=asked["fetchVariable"] or None,
        barred=barred,
    )
    for each in handed:
        if each.instance.case_key is not None or each.instance.meeting_key is not None:
            audit.record(
                "job.hand-out",
                actor=person,
                subject=f"job:{each.job.key}",
                case_key=each.instance.case_key,
                meeting_key=each.instance.meeting_key,
                instance_key=each.instance.key,
                detail=type_,
            )
    return {"jobs": [_handed(each, lease=bool(asked["withLease"])) for each in handed]}


def _handed(each: Handed, *, lease: bool) -> dict[str, Any]:
    job = each.job
    definition = releases.definition(job.definition_key)
    assert job.deadline is not None
    return {
        "type": job.type,
        "processDefinitionId": job.process_id,
        "processDefinitionVersion": definition.version,
        "elementId": job.element_id,
        "customHeaders": job.headers,
        "worker": job.worker,
        "retries": job.retries,
        "deadline": int(job.deadline.astimezone(UTC).timestamp() * 1000),
        "variables": dict(each.variables),
        "tenantId": TENANT,
        "physicalTenantId": TENANT,
        "jobKey": str(job.key),
        "processInstanceKey": str(job.instance_key),
        "processDefinitionKey": str(job.definition_key),
        "elementInstanceKey": drawing.element_key(job.instance_key, job.task_id),
        "kind": "BPMN_ELEMENT",
        "listenerEventType": "UNSPECIFIED",
        "userTask": None,
        "tags": [],
        "rootProcessInstanceKey": str(job.instance_key),
        "businessId": None,
        "priority": job.priority,
        "jobLeaseToken": str(job.lease) if lease else None,
    }


@blueprint.route("/jobs/<key>/completion", methods=["POST"])
@blueprint.arguments(JobCompletion, required=False)
@blueprint.response(204)
def complete(asked: dict[str, Any], key: str) -> Response:
    """Complete a job. A second completion answers 404: the job has ended."""
    person, job_key = _mine(key)
    if asked.get("result"):
        raise Invalid("result is not supported: service tasks bring variables.", resource_id="result")
    if asked.get("businessId"):
        raise Invalid(
            "businessId is not supported: a job's worker gives its instance no name.", resource_id="businessId"
        )
    job = outside_jobs.complete(job_key, asked.get("variables"), token=asked.get("jobLeaseToken"))
    _note("job.complete", person, job)
    return Response(status=204)


@blueprint.route("/jobs/<key>/failure", methods=["POST"])
@blueprint.arguments(JobFailure, required=False)
@blueprint.response(204)
def fail(asked: dict[str, Any], key: str) -> Response:
    """Fail a job. With retries it is handed out again after `retryBackOff`; without, an incident waits to be mended.

    What the worker says is not kept when the instance is about a case or a meeting.
    """
    person, job_key = _mine(key)
    job = outside_jobs.fail(
        job_key,
        retries=asked.get("retries", 0),
        message=asked.get("errorMessage", ""),
        back_off=timedelta(milliseconds=asked.get("retryBackOff", 0)),
        variables=asked.get("variables"),
        token=asked.get("jobLeaseToken"),
    )
    _note("job.fail", person, job)
    return Response(status=204)


@blueprint.route("/jobs/<key>/error", methods=["POST"])
@blueprint.arguments(ErrorThrown)
@blueprint.response(204)
def throw_error(asked: dict[str, Any], key: str) -> Response:
    """Throw an error that the diagram knows. What nothing catches is an incident."""
    person, job_key = _mine(key)
    job = outside_jobs.throw_error(
        job_key,
        asked["errorCode"],
        message=asked["errorMessage"] or "",
        variables=asked["variables"],
        token=asked["jobLeaseToken"],
    )
    _note("job.error", person, job, asked["errorCode"])
    return Response(status=204)


@blueprint.route("/jobs/<key>", methods=["PATCH"])
@blueprint.arguments(JobChange)
@blueprint.response(204)
def change(asked: dict[str, Any], key: str) -> Response:
    """Update a job: its retries, how long its worker still has it (from now on), its priority."""
    person, job_key = _mine(key)
    changes = asked["changeset"]
    if all(value is None for value in changes.values()):
        raise Invalid("Say what to change: retries, timeout or priority.", resource_id="changeset")
    timeout = changes["timeout"]
    job = outside_jobs.change(
        job_key,
        retries=changes["retries"],
        timeout=None if timeout is None else timedelta(milliseconds=timeout),
        priority=changes["priority"],
        token=asked["jobLeaseToken"],
    )
    _note("job.update", person, job)
    return Response(status=204)


# ------------------------------------------------------------------------------------------------ looking
@blueprint.searching("/jobs/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Jobs)
def search_jobs(asked: dict[str, Any]) -> dict[str, Any]:
    """Search jobs. Nothing of their variables is shown."""
    return search.run(select(OutsideJob).where(*known_to(caller())), SEARCHABLE, asked).answer(_job)


def _job(job: OutsideJob) -> dict[str, Any]:
    return {
        "jobKey": str(job.key),
        "type": job.type,
        "worker": job.worker,
        "state": job.state,
        "kind": "BPMN_ELEMENT",
        "listenerEventType": "UNSPECIFIED",
        "retries": job.retries,
        "priority": job.priority,
        "isDenied": None,
        "deniedReason": None,
        "hasFailedWithRetriesLeft": job.state == OutsideJobState.FAILED and job.retries > 0,
        "errorCode": job.error_code,
        "errorMessage": job.error_message,
        "customHeaders": job.headers,
        "deadline": job.deadline,
        "creationTime": job.created_at,
        "lastUpdateTime": job.updated_at,
        "endTime": job.ended_at,
        "elementId": job.element_id,
        "elementInstanceKey": drawing.element_key(job.instance_key, job.task_id),
        "processDefinitionId": job.process_id,
        "processDefinitionKey": str(job.definition_key),
        "processInstanceKey": str(job.instance_key),
        "rootProcessInstanceKey": str(job.instance_key),
        "businessId": None,
        "tenantId": TENANT,
    }
