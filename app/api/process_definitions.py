"""Process definitions: what is published in the person's area."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import aliased

from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import drawing, search
from app.api.attributes import Attribute, Kind, always, nothing, tenant
from app.api.blueprints import Blueprint, area_of, caller, key_from
from app.api.schemas import FormSchema, ProcessDefinitions, ProcessDefinitionSchema, SearchQuery
from app.api.search import Searchable
from app.errors import NotFound
from app.identity.person import Person
from app.runtime import releases
from app.runtime.models import ProcessDefinition
from app.store.database import db
from app.work import starting

blueprint = Blueprint("process-definitions", "Published processes")

_Newer = aliased(ProcessDefinition)
_newest = (
    select(func.max(_Newer.version))
    .where(_Newer.area_key == ProcessDefinition.area_key, _Newer.process_id == ProcessDefinition.process_id)
    .correlate(ProcessDefinition)
    .scalar_subquery()
)

SEARCHABLE = Searchable(
    attributes={
        "name": Attribute(ProcessDefinition.name.expression, nullable=True),
        "isLatestVersion": Attribute((ProcessDefinition.version == _newest), Kind.FLAG, sortable=False),
        "resourceName": Attribute(ProcessDefinition.resource.expression),
        "version": Attribute(ProcessDefinition.version.expression, Kind.NUMBER),
        "versionTag": nothing(),
        "hasStartForm": Attribute(literal(value=False), Kind.FLAG, sortable=False),
        "state": always("ACTIVE", "DELETED"),
        "processDefinitionId": Attribute(ProcessDefinition.process_id.expression),
        "tenantId": tenant(),
        "processDefinitionKey": Attribute(ProcessDefinition.key.expression, Kind.KEY),
    },
    key=ProcessDefinition.key.expression,
)


def visible(person: Person) -> search.Query:
    """The published processes that the person may see: all of the area, or those that they may start or have deployed."""
    area_key = area_of(person)
    query = select(ProcessDefinition).where(ProcessDefinition.area_key == area_key)
    if decide.allowed(person, Permission.PROCEDURE_READ, AreaFacts(area_key)):
        return query
    keys = [each.definition_key for each in starting.startable(person)]
    return query.where(or_(ProcessDefinition.key.in_(keys)))


def find(key: str) -> ProcessDefinition:
    """A process that the person may see.

    :raises NotFound: none.
    """
    query = visible(caller()).where(ProcessDefinition.key == key_from(key))
    row: ProcessDefinition | None = db.session.execute(query).scalar_one_or_none()
    if row is None:
        raise NotFound("There is no such process.", resource_id=key)
    return row


@blueprint.searching("/process-definitions/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, ProcessDefinitions)
def search_definitions(asked: dict[str, Any]) -> dict[str, Any]:
    """Search process definitions."""
    return search.run(visible(caller()), SEARCHABLE, asked).answer(drawing.definition)


@blueprint.route("/process-definitions/<key>")
@blueprint.response(200, ProcessDefinitionSchema)
def get_definition(key: str) -> dict[str, Any]:
    """Get a process definition."""
    return drawing.definition(find(key))


@blueprint.route("/process-definitions/<key>/xml")
@blueprint.response(200, content_type="text/xml", description="The BPMN file as it was published")
def get_xml(key: str) -> Response:
    """Get the diagram of a process definition."""
    return Response(releases.diagram(find(key).key), content_type="text/xml; charset=utf-8")


@blueprint.route("/process-definitions/<key>/form")
@blueprint.response(200, FormSchema)
@blueprint.alt_response(204, description="It has no start form")
def get_start_form(key: str) -> Response:
    """Get the start form of a process definition.

    A process begins with its first task, never with a form of its own, so that there is none.
    """
    find(key)
    return Response(status=204)
