"""Statistics: how many instances run, where they stand, what has stopped, what is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from app.access.permissions import Permission
from app.api import drawing, incidents, listing, search, seeing
from app.api.attributes import TENANT, Attribute, Kind, always, element, nothing, tenant
from app.api.blueprints import Blueprint, caller
from app.api.errors import SearchRefused
from app.api.insides import ElementCounts
from app.api.listing import Listed
from app.api.process_definitions import find as find_definition
from app.api.process_instances import SEARCHABLE as INSTANCES
from app.api.schemas import FilterOnly, SearchQuery
from app.api.search import Searchable
from app.api.seeing import visible as visible_instances
from app.api.statistics_shapes import (
    Cause,
    DefinitionCount,
    MessageSubscription,
    StoppedDefinition,
    SubscriptionCount,
    VariableName,
    VersionCount,
    found_of,
)
from app.runtime import elements, releases
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, ProcessDefinition, Subscription
from app.store.database import db

MOST_INSTANCES = 2_000

blueprint = Blueprint("statistics", "Counting")


# ------------------------------------------------------------------------------------------------ definitions
_BY_ID = Listed.of(
    {
        "processDefinitionId": Kind.TEXT,
        "tenantId": Kind.TEXT,
        "activeInstancesWithIncidentCount": Kind.NUMBER,
        "activeInstancesWithoutIncidentCount": Kind.NUMBER,
    },
    ("processDefinitionId",),
)
_BY_VERSION = Listed.of(
    {
        "processDefinitionId": Kind.TEXT,
        "processDefinitionKey": Kind.KEY,
        "processDefinitionName": Kind.TEXT,
        "processDefinitionVersion": Kind.NUMBER,
        "tenantId": Kind.TEXT,
        "activeInstancesWithIncidentCount": Kind.NUMBER,
        "activeInstancesWithoutIncidentCount": Kind.NUMBER,
    },
    ("processDefinitionVersion",),
)


def _counts(*groups: Any, where: Sequence[ColumnElement[bool]] = ()) -> list[Any]:
    """Running instances that the person may see, with and without incident, by group."""
    query = visible_instances(caller()).where(Instance.status == InstanceStatus.ACTIVE, *where)
    with_incident = func.sum(case((Instance.has_incident, 1), else_=0))
    return list(
        db.session.execute(
            query.with_only_columns(*groups, func.count(), with_incident, maintain_column_froms=True).group_by(*groups)
        )
    )


@blueprint.searching("/process-definitions/statistics/process-instances")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, found_of(DefinitionCount))
def count_by_definition(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the running instances by process."""
    rows: dict[str, list[Any]] = {}
    for row in _counts(Instance.process_id, ProcessDefinition.version, ProcessDefinition.name):
        rows.setdefault(row[0], []).append(row)
    found = [
        {
            "processDefinitionId": process_id,
            "tenantId": TENANT,
            "latestProcessDefinitionName": max(of, key=lambda row: row[1])[2],
            "hasMultipleVersions": len(of) > 1,
            "activeInstancesWithoutIncidentCount": sum(row[3] - int(row[4] or 0) for row in of),
            "activeInstancesWithIncidentCount": sum(int(row[4] or 0) for row in of),
        }
        for process_id, of in rows.items()
    ]
    return listing.run(found, _BY_ID, asked)


@blueprint.searching("/process-definitions/statistics/process-instances-by-version")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, found_of(VersionCount))
def count_by_version(asked: dict[str, Any]) -> dict[str, Any]:
    """Get the running instances of a process by version."""
    groups = (Instance.process_id, Instance.definition_key, ProcessDefinition.name, ProcessDefinition.version)
    found = [
        {
            "processDefinitionId": process_id,
            "processDefinitionKey": str(definition_key),
            "processDefinitionName": name,
            "tenantId": TENANT,
            "processDefinitionVersion": version,
            "activeInstancesWithIncidentCount": int(stopped or 0),
            "activeInstancesWithoutIncidentCount": total - int(stopped or 0),
        }
        for process_id, definition_key, name, version, total, stopped in _counts(*groups)
    ]
    return listing.run(found, _BY_VERSION, asked)


@blueprint.searching("/process-definitions/<key>/statistics/element-instances")
@blueprint.arguments(FilterOnly, required=False)
@blueprint.response(200, ElementCounts)
def count_elements(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Get where the instances of a version stand, those that the person may look into; the filter is that of instances. How often an
    element was cancelled is not kept: always 0."""
    definition = find_definition(key)
    query = visible_instances(caller()).where(
        Instance.definition_key == definition.key, *search.conditions(INSTANCES, asked.get("filter") or {})
    )
    rows = [(row, of) for row, of in db.session.execute(query.limit(MOST_INSTANCES + 1))]
    if len(rows) > MOST_INSTANCES:
        raise SearchRefused(f"There are more than {MOST_INSTANCES} instances. Narrow the filter.")
    instances = [row for row, _ in seeing.open_to(caller(), rows, Permission.INSTANCE_READ) if row.state]
    seeing.looked_into(instances, "path")
    active: dict[str, int] = {}
    completed: dict[str, int] = {}
    for row in instances:
        _count(row, active, completed)
    stopped: dict[str, int] = {}
    keys = [row.key for row in instances]
    of_keys = select(Incident.element_id).where(Incident.instance_key.in_(keys), Incident.state == IncidentState.ACTIVE)
    for element_id in db.session.execute(of_keys).scalars():
        stopped[element_id] = stopped.get(element_id, 0) + 1
    names = sorted({*active, *completed, *stopped})
    return {
        "items": [
            {
                "elementId": name,
                "active": max(active.get(name, 0) - stopped.get(name, 0), 0),
                "canceled": 0,
                "incidents": stopped.get(name, 0),
                "completed": completed.get(name, 0),
            }
            for name in names
        ]
    }


def _count(row: Instance, active: dict[str, int], completed: dict[str, int]) -> None:
    wf = elements.opened(row)
    if wf is None:
        return
    for name, count in wf.done.get(row.process_id, {}).items():
        completed[name] = completed.get(name, 0) + count
    if row.status == InstanceStatus.ACTIVE:
        for name, count in wf.active_elements().get(row.process_id, {}).items():
            active[name] = active.get(name, 0) + count


@blueprint.searching("/process-definitions/<key>/variable-names/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, found_of(VariableName))
def search_variable_names(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Search the names of the variables that a version declares."""
    definition = find_definition(key)
    declared = releases.parsed(definition.release_key).diagrams.processes[definition.process_id].declarations
    found = [{"name": name} for name in sorted(declared.names)]
    return listing.run(found, Listed.of({"name": Kind.TEXT}, ("name",)), asked)


# ------------------------------------------------------------------------------------------------ messages
SUBSCRIPTIONS = Searchable(
    attributes={
        "processDefinitionId": Attribute(Subscription.process_id.expression),
        "processDefinitionKey": Attribute(Instance.definition_key.expression, Kind.KEY),
        "processDefinitionName": Attribute(ProcessDefinition.name.expression, nullable=True),
        "processDefinitionVersion": Attribute(ProcessDefinition.version.expression, Kind.NUMBER),
        "processInstanceKey": Attribute(Subscription.instance_key.expression, Kind.KEY),
        "elementId": Attribute(Subscription.event_id.expression),
        "elementInstanceKey": element(Subscription.instance_key.expression, Subscription.task_id.expression),
        "messageSubscriptionKey": element(Subscription.instance_key.expression, Subscription.task_id.expression),
        "lastUpdatedDate": Attribute(Subscription.opened_at.expression, Kind.MOMENT),
        "messageName": Attribute(Subscription.message.expression),
        "correlationKey": Attribute(Subscription.correlation_key.expression),
        "tenantId": tenant(),
        "messageSubscriptionState": always("CREATED", "CORRELATED", "DELETED", "MIGRATED"),
        "messageSubscriptionType": always("PROCESS_EVENT", "START_EVENT"),
        "businessId": nothing(),
        "toolName": nothing(),
        "inboundConnectorType": nothing(),
    },
    key=Subscription.instance_key.expression,
    also=(Attribute(Subscription.task_id.expression, Kind.KEY), Attribute(Subscription.event_id.expression)),
    default=(("lastUpdatedDate", False),),
)


def _subscriptions() -> search.Query:
    """What instances wait for that the person may see into: about no case and no meeting. A correlation key may tell of a
    case, and what it waits for tells how far it is."""
    seen = visible_instances(caller()).where(Instance.case_key.is_(None), Instance.meeting_key.is_(None))
    keys = seen.with_only_columns(Instance.key, maintain_column_froms=True)
    return (
        select(Subscription, Instance, ProcessDefinition)
        .join(Instance, Instance.key == Subscription.instance_key)
        .join(ProcessDefinition, ProcessDefinition.key == Instance.definition_key)
        .where(Subscription.kind == "message", Instance.key.in_(keys))
    )


@blueprint.searching("/message-subscriptions/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, found_of(MessageSubscription))
def search_subscriptions(asked: dict[str, Any]) -> dict[str, Any]:
    """Search message subscriptions: what instances about no case and no meeting wait for."""
    return search.run(_subscriptions(), SUBSCRIPTIONS, asked).answer(lambda row: _subscription(*row))


def _subscription(row: Subscription, instance: Instance, of: ProcessDefinition) -> dict[str, Any]:
    return {
        "businessId": None,
        "messageSubscriptionKey": drawing.element_key(row.instance_key, row.task_id),
        "processDefinitionId": row.process_id,
        "processDefinitionKey": str(instance.definition_key),
        "processInstanceKey": str(row.instance_key),
        "rootProcessInstanceKey": str(row.instance_key),
        "elementId": row.event_id,
        "elementInstanceKey": drawing.element_key(row.instance_key, row.task_id),
        "messageSubscriptionState": "CREATED",
        "lastUpdatedDate": row.opened_at,
        "messageName": row.message,
        "correlationKey": row.correlation_key or None,
        "messageSubscriptionType": "PROCESS_EVENT",
        "toolProperties": {},
        "processDefinitionName": of.name,
        "processDefinitionVersion": of.version,
        "toolName": None,
        "inboundConnectorType": None,
        "tenantId": TENANT,
    }


@blueprint.searching("/process-definitions/statistics/message-subscriptions")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, found_of(SubscriptionCount))
def count_subscriptions(asked: dict[str, Any]) -> dict[str, Any]:
    """Get how many instances of each version wait for messages; the filter is that of message subscriptions."""
    groups = (Subscription.process_id, Instance.definition_key)
    rows = db.session.execute(
        _subscriptions()
        .where(*search.conditions(SUBSCRIPTIONS, asked.get("filter") or {}))
        .with_only_columns(
            *groups, func.count(func.distinct(Subscription.instance_key)), func.count(), maintain_column_froms=True
        )
        .group_by(*groups)
    )
    found = [
        {
            "processDefinitionId": process_id,
            "tenantId": TENANT,
            "processDefinitionKey": str(definition_key),
            "processInstancesWithActiveSubscriptions": instances,
            "activeSubscriptions": total,
        }
        for process_id, definition_key, instances, total in rows
    ]
    kinds = {"processDefinitionId": Kind.TEXT, "processDefinitionKey": Kind.KEY, "tenantId": Kind.TEXT}
    return listing.ordered(found, Listed.of(kinds, ("processDefinitionId", "processDefinitionKey")), asked)


# ------------------------------------------------------------------------------------------------ incidents
@blueprint.searching("/incidents/statistics/process-instances-by-error")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, found_of(Cause))
def count_by_error(asked: dict[str, Any]) -> dict[str, Any]:
    """Get how many instances have stopped for each cause."""
    rows = _stopped(Incident.message)
    found = [
        {"errorHashCode": drawing.hash_of(message), "errorMessage": message, "activeInstancesWithErrorCount": count}
        for message, count in rows
    ]
    kinds = {"errorMessage": Kind.TEXT, "activeInstancesWithErrorCount": Kind.NUMBER, "errorHashCode": Kind.NUMBER}
    return listing.run(found, Listed.of(kinds, ("errorMessage",)), asked)


@blueprint.searching("/incidents/statistics/process-instances-by-definition")
@blueprint.arguments(SearchQuery)
@blueprint.response(200, found_of(StoppedDefinition))
def count_stopped(asked: dict[str, Any]) -> dict[str, Any]:
    """Get how many instances of each version have stopped for one cause: `errorHashCode`, as the other statistics give it."""
    code = (asked.get("filter") or {}).get("errorHashCode")
    if not isinstance(code, int):
        raise SearchRefused("errorHashCode is needed in the filter.", resource_id="errorHashCode")
    groups = (Incident.message, Instance.definition_key)
    counts: dict[int, int] = {}
    for message, definition_key, count in _stopped(*groups):
        if drawing.hash_of(message) == code:
            counts[definition_key] = counts.get(definition_key, 0) + count
    found = []
    for definition_key, count in counts.items():
        of = releases.definition(definition_key)
        found.append(
            {
                "processDefinitionId": of.process_id,
                "processDefinitionKey": str(of.key),
                "processDefinitionName": of.name or of.process_id,
                "processDefinitionVersion": of.version,
                "tenantId": TENANT,
                "activeInstancesWithErrorCount": count,
                "errorHashCode": code,
            }
        )
    kinds = {
        "processDefinitionId": Kind.TEXT,
        "processDefinitionKey": Kind.KEY,
        "processDefinitionName": Kind.TEXT,
        "processDefinitionVersion": Kind.NUMBER,
        "tenantId": Kind.TEXT,
        "activeInstancesWithErrorCount": Kind.NUMBER,
        "errorHashCode": Kind.NUMBER,
    }
    return listing.run(found, Listed.of(kinds, ("processDefinitionId", "processDefinitionVersion")), asked)


def _stopped(*groups: Any) -> list[Any]:
    query = incidents.visible(caller()).where(
        Incident.state == IncidentState.ACTIVE, Incident.instance_key.is_not(None)
    )
    counted = func.count(func.distinct(Incident.instance_key))
    return list(
        db.session.execute(query.with_only_columns(*groups, counted, maintain_column_froms=True).group_by(*groups))
    )
