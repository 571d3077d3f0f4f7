"""Element instances: what is at work in an instance, and the tasks that people and workers have done."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.api import drawing, incidents, inside, scanning, search, seeing
from app.api.blueprints import Blueprint, caller
from app.api.moments import moment
from app.api.parts import part_from
from app.api.schemas import Flag, Incidents, PageTold, SearchQuery, key, nullable_text, operation_reference
from app.errors import Conflict, NotAllowed, NotFound
from app.identity.freshness import require_fresh_or_machine
from app.runtime import elements, modifying
from app.runtime.models import Incident, Instance
from app.store.database import db

blueprint = Blueprint("element-instances", "What is inside running processes")


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
    local = Flag(load_default=False)
    operationReference = operation_reference()


def instance_part(text: str) -> tuple[str, int]:
    """The instance and the element in it that a key means; 0 for the instance itself.

    :raises NotFound: it is no such key.
    """
    found = part_from(text)
    if found is None:
        raise NotFound("There is no such element.", resource_id=text)
    return str(found[0]), found[1]


# ------------------------------------------------------------------------------------------------ addresses
@blueprint.searching("/element-instances/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, ElementInstances)
def search_elements(asked: dict[str, Any]) -> dict[str, Any]:
    """Search element instances: all that are at work; of those that have ended the process itself, tasks of people and jobs of workers
    outside. Of every other element that has ended (gateways, events, sub-processes, decisions, scripts, operations) only how often it was
    completed is kept, for the statistics.

    Of instances whose inside the person may see. Where nobody noted when an element began, its start is that of its instance.
    """
    rows = scanning.for_search(asked, Permission.INSTANCE_READ)
    return scanning.answer(inside.elements_of(rows), rows, inside.ELEMENTS, asked, "path")


@blueprint.route("/element-instances/<key>")
@blueprint.response(200, ElementInstance)
def get_element(key: str) -> dict[str, Any]:
    """Get an element instance: one that the search finds."""
    instance_key, _ = instance_part(key)
    found = next(
        (e for e in inside.elements_of([seeing.path_of(instance_key)]) if e["elementInstanceKey"] == key), None
    )
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
    row, _ = seeing.find(instance_key)
    if row.case_key is not None or row.meeting_key is not None:
        raise NotAllowed("Variables of a case or a meeting are set by its tasks, or corrected with an incident.")
    facts = AreaFacts(row.area_key, demo=agencies.area(row.area_key).demo, starter=row.started_by)
    decide.require(person, Permission.ENGINE_VARIABLE_CHANGE, facts, resource_id=key)
    require_fresh_or_machine(person)
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
    visible = incidents.visible(caller())  # first: who may see none is not told whether there is such an element
    instance_key, task_id = instance_part(key)
    query = visible.where(Incident.instance_key == int(instance_key))
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
