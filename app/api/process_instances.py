"""Process instances: start, look at, cancel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import ColumnElement, and_, exists, or_, select
from werkzeug.exceptions import GatewayTimeout

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api import drawing, search, waiting
from app.api.attributes import TENANT, Attribute, Kind, nothing, tenant
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.schemas import (
    Operation,
    ProcessInstances,
    ProcessInstanceSchema,
    SearchQuery,
    Started,
    StartInstance,
)
from app.api.search import Searchable
from app.cases.clearance import may_see_case
from app.cases.dossiers import find_case
from app.cases.search import cases_for
from app.errors import Conflict, Invalid, NotAllowed, NotFound
from app.identity.person import Person
from app.meetings import attendance
from app.meetings.models import Meeting
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.batches import BatchItem
from app.runtime.job_models import OutsideJob, OutsideJobState
from app.runtime.models import Incident, Instance, InstanceStatus, ProcessDefinition
from app.store.database import db
from app.work import starting

ALL_CASES = 100_000
# What a client may send that would change how an instance runs, and is not supported.
_NOT_TAKEN = {
    "startInstructions": "An instance begins at its start event.",
    "runtimeInstructions": "An instance runs to its end.",
    "tags": "Instances have no tags.",
    "businessId": "Instances have no business id.",
}

blueprint = Blueprint("process-instances", "Running processes")


def _with_incident(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Incident.instance_key == Instance.key, Incident.state == "ACTIVE", condition)


def _in_batch(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(BatchItem.instance_key == Instance.key, condition)


_batch = Attribute(BatchItem.operation_key.expression, Kind.KEY, within=_in_batch, sortable=False)
_retried = exists().where(
    OutsideJob.instance_key == Instance.key, OutsideJob.state == OutsideJobState.FAILED, OutsideJob.retries > 0
)

SEARCHABLE = Searchable(
    attributes={
        "processDefinitionId": Attribute(Instance.process_id.expression),
        "processDefinitionName": Attribute(ProcessDefinition.name.expression, nullable=True),
        "processDefinitionVersion": Attribute(ProcessDefinition.version.expression, Kind.NUMBER),
        "processDefinitionVersionTag": nothing(),
        "processDefinitionKey": Attribute(Instance.definition_key.expression, Kind.KEY),
        "startDate": Attribute(Instance.started_at.expression, Kind.MOMENT),
        "endDate": Attribute(Instance.ended_at.expression, Kind.MOMENT, nullable=True),
        "state": Attribute(
            Instance.status.expression, words={**{str(each): str(each) for each in InstanceStatus}, "SUSPENDED": None}
        ),
        "hasIncident": Attribute(Instance.has_incident.expression, Kind.FLAG),
        "suspendedDate": nothing(),
        "tenantId": tenant(),
        "processInstanceKey": Attribute(Instance.key.expression, Kind.KEY),
        "parentProcessInstanceKey": nothing(),
        "parentElementInstanceKey": nothing(),
        "businessId": nothing(),
        "hasRetriesLeft": Attribute(_retried, Kind.FLAG, sortable=False),
        "batchOperationKey": _batch,
        "batchOperationId": _batch,
        "errorMessage": Attribute(Incident.message.expression, within=_with_incident, sortable=False),
    },
    key=Instance.key.expression,
)


def visible(person: Person) -> search.Query:
    """The instances that the person may see: those of cases and meetings that they may see, and of the others those
    that they started or that are theirs to look at by role."""
    area_key = area_of(person)
    ways: list[ColumnElement[bool]] = [
        Instance.case_key.in_([case.key for case in cases_for(person, limit=ALL_CASES)]),
        and_(Instance.case_key.is_(None), Instance.meeting_key.in_(_meetings(person, area_key))),
    ]
    of_neither = and_(Instance.case_key.is_(None), Instance.meeting_key.is_(None))
    facts = AreaFacts(area_key, demo=agencies.area(area_key).demo)
    if decide.allowed(person, Permission.INSTANCE_READ, facts):
        ways.append(of_neither)
    else:
        ways.append(and_(of_neither, Instance.started_by == person.key))
    return (
        select(Instance, ProcessDefinition)
        .join(ProcessDefinition, ProcessDefinition.key == Instance.definition_key)
        .where(Instance.area_key == area_key, or_(*ways))
    )


def _meetings(person: Person, area_key: int) -> list[int]:
    rows = db.session.execute(select(Meeting).where(Meeting.area_key == area_key)).scalars()
    return [row.key for row in rows if decide.allowed(person, Permission.MEETING_READ, attendance.facts_of(row))]


def find(key: str) -> tuple[Instance, ProcessDefinition]:
    """An instance that the person may see, and its definition.

    :raises NotFound: none.
    """
    return find_for(caller(), key)


def find_for(person: Person, key: str) -> tuple[Instance, ProcessDefinition]:
    """The same for somebody who does not ask in a request."""
    row = db.session.get(Instance, key_from(key))
    if row is None or not _may_see(person, row):
        raise NotFound("There is no such instance.", resource_id=key)
    return row, releases.definition(row.definition_key)


def _may_see(person: Person, row: Instance) -> bool:
    """The rule of :func:`visible` for one instance."""
    if person.area_key != row.area_key:
        return False
    if row.case_key is not None:
        return may_see_case(person, find_case(row.case_key))
    if row.meeting_key is not None:
        meeting = db.session.get(Meeting, row.meeting_key)
        return meeting is not None and decide.allowed(person, Permission.MEETING_READ, attendance.facts_of(meeting))
    facts = AreaFacts(row.area_key, demo=agencies.area(row.area_key).demo, starter=row.started_by)
    return decide.allowed(person, Permission.INSTANCE_READ, facts)


@blueprint.route("/process-instances", methods=["POST"])
@blueprint.arguments(StartInstance)
@blueprint.response(200, Started)
def start(asked: dict[str, Any]) -> dict[str, Any]:
    """Create a process instance.

    A procedure about a case or a meeting makes it, and takes no variables: its tasks ask for what it needs. With
    `awaitCompletion` the answer comes when the instance has ended, with its variables; 504 when that takes longer than
    `requestTimeout`, and 409 when it ended in another way. The instance goes on all the same.
    """
    for name, why in _NOT_TAKEN.items():
        if asked.get(name):
            raise Invalid(f"{name} is not supported. {why}", resource_id=name)
    person = caller()
    definition = _wanted(asked, area_of(person))
    row = starting.start_version(definition, person, asked["variables"])
    if asked["awaitCompletion"]:
        row = _ended(row, waiting.asked_for(asked.get("requestTimeout")))
    return {
        "processDefinitionId": row.process_id,
        "processDefinitionVersion": definition.version,
        "tenantId": TENANT,
        "variables": _variables(row, asked["fetchVariables"], everything=asked["awaitCompletion"]),
        "processDefinitionKey": str(definition.key),
        "processInstanceKey": str(row.key),
        "tags": [],
        "businessId": None,
    }


def _wanted(asked: dict[str, Any], area_key: int) -> ProcessDefinition:
    by_key, by_id = asked.get("processDefinitionKey"), asked.get("processDefinitionId")
    if (by_key is None) == (by_id is None):
        raise Invalid("Name the process by processDefinitionId or by processDefinitionKey, not by both.")
    if by_key is not None:
        return releases.definition(key_from(by_key), area_key=area_key)
    version = asked.get("processDefinitionVersion", -1)
    return releases.find_definition(area_key, str(by_id), None if version == -1 else version)


def _variables(row: Instance, names: list[str], *, everything: bool) -> dict[str, Any]:
    """The variables asked for, of an instance that is about no case: the caller has started it."""
    if not (names or everything) or row.case_key is not None or row.meeting_key is not None:
        return {}
    found = runtime.plain_variables(row.key)
    return {name: value for name, value in found.items() if not names or name in names}


def _ended(row: Instance, patience: timedelta) -> Instance:
    """Keep the new instance, and wait for its end.

    :raises GatewayTimeout: it has not come in time. :raises Conflict: it was cancelled.
    """
    key = row.key
    db.session.commit()

    def has_ended() -> bool:
        status = db.session.execute(select(Instance.status).where(Instance.key == key)).scalar()
        return status != InstanceStatus.ACTIVE

    if not waiting.until(has_ended, patience):
        raise GatewayTimeout
    found = runtime.instance(key)
    if found.status != InstanceStatus.COMPLETED:
        raise Conflict("The instance was cancelled before it was completed.", resource_id=str(key))
    return found


@blueprint.searching("/process-instances/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, ProcessInstances)
def search_instances(asked: dict[str, Any]) -> dict[str, Any]:
    """Search process instances."""
    return search.run(visible(caller()), SEARCHABLE, asked).answer(lambda row: drawing.instance(*row))


@blueprint.route("/process-instances/<key>")
@blueprint.response(200, ProcessInstanceSchema)
def get_instance(key: str) -> dict[str, Any]:
    """Get a process instance."""
    return drawing.instance(*find(key))


@blueprint.route("/process-instances/<key>/cancellation", methods=["POST"])
@blueprint.arguments(Operation, required=False)
@blueprint.response(204)
def cancel(asked: dict[str, Any], key: str) -> Response:
    """Cancel a process instance.

    Only an instance about no case and no meeting, by whoever started it or, in the demo area, a process owner: a case
    ends by the steps of its procedure.
    """
    cancel_as(caller(), key)
    return Response(status=204)


def cancel_as(person: Person, key: str) -> None:
    """Cancel an instance on behalf of a person.

    :raises NotFound, NotAllowed: it is not theirs to cancel. :raises InstanceEnded: it has ended already.
    """
    row, _ = find_for(person, key)
    if row.case_key is not None or row.meeting_key is not None:
        raise NotAllowed("A case or a meeting ends by the steps of its procedure; it cannot be cancelled.")
    facts = replace(facts_of_area(row.area_key), starter=row.started_by)
    decide.require(person, Permission.INSTANCE_CANCEL, facts, resource_id=key)
    runtime.cancel_instance(row.key, by=person.key)
    audit.record("procedure.cancel", actor=person, subject=f"instance:{row.key}", instance_key=row.key)


def facts_of_area(area_key: int) -> AreaFacts:
    """An area as access sees it."""
    return AreaFacts(area_key, demo=agencies.area(area_key).demo)
