"""Incidents: what has stopped and waits for somebody to mend it, in an instance or outside one. They tell nothing of a case."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import case, func, or_, select

from app import audit
from app.access import decide
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.api import drawing, search, seeing
from app.api.attributes import Attribute, Kind, element, tenant
from app.api.blueprints import Blueprint, caller, key_from
from app.api.schemas import Incidents, IncidentSchema, Operation, SearchQuery
from app.api.search import Searchable
from app.cases.involvement import cases_in_conflict
from app.errors import NotFound
from app.identity.person import Person
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.runtime.models import Incident, IncidentState, Instance
from app.store.database import db

blueprint = Blueprint("incidents", "What has stopped")

_process = func.coalesce(func.nullif(Incident.process_id, ""), drawing.NO_PROCESS)
_error_type = case(drawing.ERROR_TYPES, value=Incident.kind, else_="UNKNOWN")

_job = (
    select(func.max(OutsideJob.key))
    .where(OutsideJob.instance_key == Incident.instance_key, OutsideJob.task_id == Incident.task_id)
    .correlate(Incident)
    .scalar_subquery()
)

SEARCHABLE = Searchable(
    attributes={
        "processDefinitionId": Attribute(_process),
        "errorType": Attribute(_error_type, words={word: word for word in drawing.ERROR_WORDS}),
        "errorMessage": Attribute(Incident.message.expression, sortable=False),
        "elementId": Attribute(Incident.element_id.expression),
        "creationTime": Attribute(Incident.created_at.expression, Kind.MOMENT),
        "state": Attribute(
            Incident.state.expression,
            words={**{str(each): str(each) for each in IncidentState}, **dict.fromkeys(("MIGRATED", "PENDING"))},
        ),
        "tenantId": tenant(),
        "incidentKey": Attribute(Incident.key.expression, Kind.KEY),
        "processDefinitionKey": Attribute(Instance.definition_key.expression, Kind.KEY, nullable=True),
        "processInstanceKey": Attribute(Incident.instance_key.expression, Kind.KEY, nullable=True),
        "elementInstanceKey": element(func.coalesce(Incident.instance_key, 0), Incident.task_id.expression),
        "jobKey": Attribute(_job, Kind.KEY, nullable=True),
    },
    key=Incident.key.expression,
)


def visible(person: Person) -> search.Query:
    """The incidents of the person's area and of none, or of every area for somebody of the system; none of a case that they have a
    conflict of interest in. Those of what failed outside an instance are among them.

    :raises NotAllowed: incidents are not theirs to see.
    """
    decide.require(person, Permission.INCIDENT_READ, AreaFacts(person.area_key))
    query = select(Incident, Instance.definition_key).outerjoin(Instance, Instance.key == Incident.instance_key)
    query = query.where(or_(Instance.case_key.is_(None), Instance.case_key.not_in(cases_in_conflict(person))))
    if person.area_key is None:
        return query
    return query.where(or_(Incident.area_key == person.area_key, Incident.area_key.is_(None)))


def _find(person: Person, key: str) -> tuple[Incident, int | None]:
    found = db.session.execute(visible(person).where(Incident.key == key_from(key))).one_or_none()
    if found is None:
        raise NotFound("There is no such incident.", resource_id=key)
    return found[0], found[1]


@blueprint.searching("/incidents/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Incidents)
def search_incidents(asked: dict[str, Any]) -> dict[str, Any]:
    """Search incidents."""
    return search.run(visible(caller()), SEARCHABLE, asked).answer(lambda row: drawing.incident(*row))


@blueprint.route("/incidents/<key>")
@blueprint.response(200, IncidentSchema)
def get_incident(key: str) -> dict[str, Any]:
    """Get an incident."""
    return drawing.incident(*_find(caller(), key))


@blueprint.route("/incidents/<key>/resolution", methods=["POST"])
@blueprint.arguments(Operation, required=False)
@blueprint.response(204)
def resolve(asked: dict[str, Any], key: str) -> Response:
    """Resolve an incident: try again what stopped. When it stops again there is a new incident, which says why.

    Nothing is skipped and no decision is taken for anybody.
    """
    resolve_as(caller(), key)
    return Response(status=204)


def resolve_as(person: Person, key: str) -> None:
    """Resolve an incident on behalf of a person.

    :raises NotFound, NotAllowed: it is not theirs to resolve. :raises Conflict: it is resolved already.
    """
    row, _ = _find(person, key)
    area = row.area_key if row.area_key is not None else person.area_key
    decide.require(person, Permission.INCIDENT_RETRY, AreaFacts(area), resource_id=key)
    went_on = runtime.retry_incident(row.key, by=person.key)
    audit.record(
        "incident.retry",
        actor=person,
        subject=f"incident:{row.key}",
        instance_key=row.instance_key,
        detail="went on" if went_on else "stopped again",
    )


def require_known(person: Person, instance_key: str) -> None:
    """Go on only if something has stopped in an instance that the person may know of, or the instance is theirs to see.

    :raises NotFound: neither, whether or not there is such an instance.
    """
    stopped = visible(person).where(Incident.instance_key == key_from(instance_key))
    if db.session.execute(stopped.with_only_columns(Incident.key, maintain_column_froms=True).limit(1)).first() is None:
        seeing.find_for(person, instance_key)


@blueprint.searching("/process-instances/<key>/incidents/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, Incidents)
def search_of_instance(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Search the incidents of a process instance."""
    person = caller()
    query = visible(person).where(Incident.instance_key == key_from(key))
    require_known(person, key)
    return search.run(query, SEARCHABLE, asked).answer(lambda row: drawing.incident(*row))
