"""Process instances: start, look at, cancel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Response
from sqlalchemy import ColumnElement, and_, exists, or_, select
from werkzeug.exceptions import GatewayTimeout

from app import audit
from app.access import decide
from app.access.permissions import Permission
from app.api import drawing, listing, scanning, search, seeing, waiting
from app.api.attributes import TENANT, Attribute, Kind, condition, nothing, tenant
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.listing import Listed
from app.api.schemas import (
    Operation,
    ProcessInstances,
    ProcessInstanceSchema,
    SearchQuery,
    Started,
    StartInstance,
)
from app.api.search import Opening, Searchable
from app.cases.models import Case
from app.cases.search import cases_for
from app.errors import Conflict, Invalid, NotAllowed
from app.identity.person import Person
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.batches import BatchItem
from app.runtime.job_models import OutsideJob, OutsideJobState
from app.runtime.models import Incident, Instance, InstanceStatus, ProcessDefinition
from app.store.database import db
from app.work import starting

# What a client may send that would change how an instance runs, and is not supported.
_NOT_TAKEN = {
    "startInstructions": "An instance begins at its start event; where it stands is changed by a modification.",
    "runtimeInstructions": "An instance runs to its end, or is cancelled.",
    "tags": "Instances have no tags.",
    "businessId": "The business id of an instance about a case is the reference that the case gets; others have none.",
    "versionTag": "Versions have no tags; name one by its number.",
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


_reference = select(Case.reference).where(Case.key == Instance.case_key).correlate(Instance).scalar_subquery()
_CAUSE = {"errorMessage": Attribute(Incident.message.expression, within=_with_incident, sortable=False)}
_BUSINESS_ID = {"businessId": Attribute(_reference, nullable=True)}


def _opening(wanted: Mapping[str, Any], others: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """What no column of an instance holds: what is inside it, why it stopped, its case's reference, tags."""
    found: list[ColumnElement[bool]] = []
    if "tags" in wanted:
        found.append(scanning.tagged(wanted["tags"]))
    if "businessId" in wanted:  # also where instances are looked for of which the person may not know the case
        known = [case.key for case in cases_for(caller(), limit=seeing.ALL_CASES)]
        found += condition(_BUSINESS_ID, {"businessId": wanted["businessId"]})
        found.append(or_(Instance.case_key.is_(None), Instance.case_key.in_(known)))
    causes = [_stopped_for(wanted["incidentErrorHashCode"])] if "incidentErrorHashCode" in wanted else []
    causes += condition(_CAUSE, {name: given for name, given in wanted.items() if name in _CAUSE})
    if causes:
        found.append(scanning.telling_where(and_(*causes), [*others, *found]))
    within = {name: given for name, given in wanted.items() if name in scanning.INSTANCE_FILTERS}
    if within:
        found.append(scanning.holding(within, [*others, *found]))
    return and_(*found)


def _stopped_for(given: Any) -> ColumnElement[bool]:
    """Whether something has stopped for a cause of this number, as the statistics give it."""
    known = db.session.execute(select(Incident.message).where(Incident.state == "ACTIVE").distinct()).scalars()
    listed = Listed.of({"incidentErrorHashCode": Kind.NUMBER}, ())
    causes = [{"incidentErrorHashCode": drawing.hash_of(each), "message": each} for each in known]
    found = listing.matching(causes, listed, {"filter": {"incidentErrorHashCode": given}})
    return _with_incident(Incident.message.in_([each["message"] for each in found]))


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
        "suspendedDate": nothing(Kind.MOMENT),
        "tenantId": tenant(),
        "processInstanceKey": Attribute(Instance.key.expression, Kind.KEY),
        "parentProcessInstanceKey": nothing(Kind.KEY),
        "parentElementInstanceKey": nothing(Kind.KEY),
        "hasRetriesLeft": Attribute(_retried, Kind.FLAG, sortable=False),
        "batchOperationKey": _batch,
        "batchOperationId": _batch,
    },
    key=Instance.key.expression,
    sortable_only=_BUSINESS_ID,
    opening=Opening(
        frozenset((*scanning.INSTANCE_FILTERS, *_CAUSE, "incidentErrorHashCode", "tags", "businessId")), _opening
    ),
)


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
        "businessId": drawing.references([row.case_key]).get(row.case_key or 0),
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
    found = search.run(seeing.visible(caller()), SEARCHABLE, asked)
    known = drawing.references(row.case_key for row, _ in found.rows)
    return found.answer(lambda row: drawing.instance(row[0], row[1], known))


@blueprint.route("/process-instances/<key>")
@blueprint.response(200, ProcessInstanceSchema)
def get_instance(key: str) -> dict[str, Any]:
    """Get a process instance."""
    row, definition = seeing.find(key)
    return drawing.instance(row, definition, drawing.references([row.case_key]))


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
    row, _ = seeing.find_for(person, key)
    if row.case_key is not None or row.meeting_key is not None:
        raise NotAllowed("A case or a meeting ends by the steps of its procedure; it cannot be cancelled.")
    facts = replace(seeing.facts_of_area(row.area_key), starter=row.started_by)
    decide.require(person, Permission.INSTANCE_CANCEL, facts, resource_id=key)
    runtime.cancel_instance(row.key, by=person.key)
    audit.record("procedure.cancel", actor=person, subject=f"instance:{row.key}", instance_key=row.key)
