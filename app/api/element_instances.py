"""Element instances: what is at work in an instance, and the tasks that people and workers have done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import select

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api import drawing, incidents, listing, search, seeing
from app.api.attributes import TENANT, Kind, element_from
from app.api.blueprints import Blueprint, caller, key_from
from app.api.errors import SearchRefused
from app.api.listing import Listed
from app.api.process_instances import find
from app.api.schemas import Incidents, PageTold, SearchQuery, key, moment, nullable_text
from app.errors import Conflict, NotAllowed, NotFound
from app.runtime import elements, modifying
from app.runtime.elements import PROCESS
from app.runtime.job_models import OutsideJob
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, ProcessDefinition, Subscription
from app.store.database import db
from app.work.models import ItemState, WorkItem

MAX_INSTANCES = 50
_ENDED = {ItemState.OPEN: "ACTIVE", ItemState.COMPLETED: "COMPLETED", ItemState.CANCELLED: "TERMINATED"}

blueprint = Blueprint("element-instances", "What is inside running processes")

LISTED = Listed.of(
    {
        "processDefinitionId": Kind.TEXT,
        "startDate": Kind.MOMENT,
        "endDate": Kind.MOMENT,
        "elementId": Kind.TEXT,
        "elementName": Kind.TEXT,
        "type": Kind.TEXT,
        "state": Kind.TEXT,
        "hasIncident": Kind.FLAG,
        "tenantId": Kind.TEXT,
        "elementInstanceKey": Kind.ELEMENT,
        "processInstanceKey": Kind.KEY,
        "processDefinitionKey": Kind.KEY,
        "incidentKey": Kind.KEY,
        "elementInstanceScopeKey": Kind.ELEMENT,
    },
    ("elementInstanceKey",),
    words={
        "state": ("ACTIVE", "COMPLETED", "TERMINATED"),
        "type": {
            *(word for _, word in elements.KINDS),
            PROCESS,
            "AD_HOC_SUB_PROCESS",
            "AD_HOC_SUB_PROCESS_INNER_INSTANCE",
            "MANUAL_TASK",
            "SEQUENCE_FLOW",
            "UNKNOWN",
            "UNSPECIFIED",
        },
    },
    hidden={"elementInstanceScopeKey": lambda item: item["_scope"]},
)


class ElementInstance(Schema):
    processDefinitionId = nullable_text()
    startDate = moment()
    endDate = moment(nullable=True)
    elementId = fields.String(required=True)
    elementName = fields.String(required=True)
    type = fields.String(required=True)
    state = fields.String(required=True)
    hasIncident = fields.Boolean(required=True)
    tenantId = fields.String(required=True)
    elementInstanceKey = key("The element's key in its instance; the instance's own for the process")
    processInstanceKey = key("The instance's key")
    rootProcessInstanceKey = key("The same", nullable=True)
    processDefinitionKey = key("The version's key", nullable=True)
    incidentKey = key("What it has stopped with", nullable=True)


class ElementInstances(Schema):
    items = fields.List(fields.Nested(ElementInstance), required=True)
    page = fields.Nested(PageTold, required=True)


class VariablesSet(Schema):
    """Variables to set: where they are found looking outwards, or with `local` in the element's own scope."""

    variables = fields.Dict(keys=fields.String(), required=True)
    local = fields.Boolean(load_default=False)
    operationReference = fields.Integer()


# ------------------------------------------------------------------------------------------------ drawing
def inside(row: Instance, definition: ProcessDefinition) -> list[dict[str, Any]]:
    """The process itself, what is at work in it, and the tasks of people and workers that have ended."""
    known: dict[int, tuple[datetime, datetime | None, str]] = {}
    ended: list[tuple[int, str, str, str, str]] = []
    for item in db.session.execute(select(WorkItem).where(WorkItem.instance_key == row.key)).scalars():
        state = _ENDED[ItemState(item.state)]
        known[item.task_id] = (item.created_at, item.closed_at or item.completed_at, state)
        ended.append((item.task_id, item.process_id, item.element_id, item.name, "USER_TASK"))
    for job in db.session.execute(select(OutsideJob).where(OutsideJob.instance_key == row.key)).scalars():
        state = "ACTIVE" if job.ended_at is None else "COMPLETED" if job.state == "COMPLETED" else "TERMINATED"
        known[job.task_id] = (job.created_at, job.ended_at, state)
        ended.append((job.task_id, job.process_id, job.element_id, job.element_id, "SERVICE_TASK"))
    opened = select(Subscription.task_id, Subscription.opened_at).where(Subscription.instance_key == row.key)
    for task_id, at in db.session.execute(opened):
        known.setdefault(task_id, (at, None, "ACTIVE"))
    active = select(Incident).where(Incident.instance_key == row.key, Incident.state == IncidentState.ACTIVE)
    stopped = {incident.task_id: incident for incident in db.session.execute(active).scalars()}
    found = [_drawn(row, definition, 0, row.process_id, row.process_id, definition.name or row.process_id, PROCESS)]
    found[0].update(
        startDate=row.started_at,
        endDate=row.ended_at,
        state=row.status,
        hasIncident=bool(stopped),
        elementInstanceKey=str(row.key),
    )
    wf = elements.opened(row)
    at_work = elements.at_work(wf) if wf is not None and row.status == InstanceStatus.ACTIVE else []
    for each in at_work:
        drawn = _drawn(row, definition, each.task_id, each.process_id, each.element_id, each.name, each.kind)
        incident = stopped.get(each.task_id)
        started = known.get(each.task_id, (row.started_at, None, "ACTIVE"))[0]
        drawn.update(startDate=started, hasIncident=each.incident, incidentKey=str(incident.key) if incident else None)
        drawn["_scope"] = str(row.key) if each.scope == 0 else drawing.element_key(row.key, each.scope)
        found.append(drawn)
    seen = {each.task_id for each in at_work}
    for task_id, process_id, element_id, name, kind in ended:
        if task_id not in seen:
            drawn = _drawn(row, definition, task_id, process_id, element_id, name, kind)
            drawn["startDate"], drawn["endDate"], drawn["state"] = known[task_id]
            found.append(drawn)
    return found


def _drawn(
    row: Instance, definition: ProcessDefinition, task_id: int, process_id: str, element_id: str, name: str, kind: str
) -> dict[str, Any]:
    return {
        "processDefinitionId": process_id,
        "startDate": row.started_at,
        "endDate": None,
        "elementId": element_id,
        "elementName": name,
        "type": kind,
        "state": "ACTIVE",
        "hasIncident": False,
        "tenantId": TENANT,
        "elementInstanceKey": drawing.element_key(row.key, task_id),
        "processInstanceKey": str(row.key),
        "rootProcessInstanceKey": str(row.key),
        "processDefinitionKey": str(definition.key),
        "incidentKey": None,
        "_scope": str(row.key),
    }


def instance_part(text: str) -> tuple[str, int]:
    """The instance and the element in it that a key means; 0 for the instance itself.

    :raises NotFound: it is no such key.
    """
    if len(text) <= 19:
        return str(key_from(text)), 0
    found = element_from(text)
    if found is None:
        raise NotFound("There is no such element.", resource_id=text)
    return str(found[0]), found[1]


def named_instances(asked: dict[str, Any]) -> list[str]:
    """The instances that a search looks into, as its filter names them.

    :raises SearchRefused: it names none, or too many.
    """
    wanted = listing.named(asked, "processInstanceKey")
    for name in ("elementInstanceKey", "elementInstanceScopeKey", "scopeKey", "variableKey"):
        named = listing.named(asked, name) if wanted is None else None
        if named is not None:
            wanted = [each[:-6] if len(each) > 19 else each for each in named]
    if wanted is None:
        raise SearchRefused("Name the instance in the filter: processInstanceKey.", resource_id="processInstanceKey")
    wanted = list(dict.fromkeys(wanted))
    if len(wanted) > MAX_INSTANCES:
        raise SearchRefused(f"Name at most {MAX_INSTANCES} instances.", resource_id="processInstanceKey")
    return wanted


# ------------------------------------------------------------------------------------------------ addresses
@blueprint.searching("/element-instances/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, ElementInstances)
def search_elements(asked: dict[str, Any]) -> dict[str, Any]:
    """Search element instances of the instances that the filter names.

    Elements at work are found, and the tasks that people and workers have ended. Of other elements only the number of
    completions is kept: see the statistics of the instance. Where nobody noted when an element began, its start is that
    of its instance.
    """
    found: list[dict[str, Any]] = []
    for each in named_instances(asked):
        try:
            found += inside(*seeing.path_of(each))
        except NotFound:
            continue
    return listing.run(found, LISTED, asked)


@blueprint.route("/element-instances/<key>")
@blueprint.response(200, ElementInstance)
def get_element(key: str) -> dict[str, Any]:
    """Get an element instance."""
    instance_key, _ = instance_part(key)
    found = next((e for e in inside(*seeing.path_of(instance_key)) if e["elementInstanceKey"] == key), None)
    if found is None:
        raise NotFound("There is no such element.", resource_id=key)
    return found


@blueprint.route("/element-instances/<key>/variables", methods=["PUT"])
@blueprint.arguments(VariablesSet)
@blueprint.response(204)
def set_variables(asked: dict[str, Any], key: str) -> Response:
    """Set variables of an element instance, or of a process instance by its own key.

    Only of instances about no case and no meeting, where diagrams go live without a second person. Variables of a case
    are corrected with an incident, under the rules of mending.
    """
    person = caller()
    instance_key, task_id = instance_part(key)
    row, _ = find(instance_key)
    if row.case_key is not None or row.meeting_key is not None:
        raise NotAllowed("Variables of a case or a meeting are set by its tasks, or corrected with an incident.")
    facts = AreaFacts(row.area_key, demo=agencies.area(row.area_key).demo, starter=row.started_by)
    decide.require(person, Permission.ENGINE_VARIABLE_CHANGE, facts, resource_id=key)
    try:
        modifying.write_variables(row.key, asked["variables"], task_id=task_id or None, local=asked["local"])
    except LookupError:
        raise Conflict("This element is not at work any more.", resource_id=key) from None
    audit.record(
        "instance.set-variables",
        actor=person,
        subject=f"instance:{row.key}",
        instance_key=row.key,
        detail=", ".join(sorted(asked["variables"])),
    )
    return Response(status=204)


@blueprint.searching("/element-instances/<key>/incidents/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Incidents)
def search_incidents(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Search the incidents of an element instance and of what is inside it; for a process instance's key, of all of it."""
    instance_key, task_id = instance_part(key)
    query = incidents.visible(caller()).where(Incident.instance_key == int(instance_key))
    incidents.require_known(caller(), instance_key)
    if task_id:
        row = db.session.get(Instance, int(instance_key))
        wf = elements.opened(row) if row is not None else None
        query = query.where(Incident.task_id.in_(_with_inside(wf, task_id)))
    return search.run(query, incidents.SEARCHABLE, asked).answer(lambda row: drawing.incident(*row))


def _with_inside(wf: Any, task_id: int) -> set[int]:
    found = {task_id}
    for each in elements.at_work(wf) if wf is not None else ():
        if each.scope in found:
            found.add(each.task_id)
    return found
