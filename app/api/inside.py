"""What is inside instances, as the contract has it: elements at work and what is kept of those that have ended; variables by scope.

Elements at work are all there: activities, gateways that wait, events, sub-processes, multi-instance bodies. Of what has ended, the work of
people and of workers outside is kept; of everything else only how often it was completed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, select

from app.api import drawing
from app.api.attributes import TENANT, Kind
from app.api.listing import Listed
from app.api.seeing import Row
from app.api.values import is_long
from app.runtime import elements
from app.runtime.elements import PROCESS, ScopedVariable
from app.runtime.job_models import OutsideJob
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, ProcessDefinition, Subscription
from app.store.database import db
from app.store.keys import PLACES, part_key
from app.work.models import ItemState, WorkItem

_CHUNK = 500
_ENDED = {ItemState.OPEN: "ACTIVE", ItemState.COMPLETED: "COMPLETED", ItemState.CANCELLED: "TERMINATED"}

ELEMENTS = Listed.of(
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
    ("processInstanceKey", "elementInstanceKey"),
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
VARIABLES = Listed.of(
    {
        "name": Kind.TEXT,
        "value": Kind.TEXT,
        "tenantId": Kind.TEXT,
        "isTruncated": Kind.FLAG,
        "variableKey": Kind.ELEMENT,
        "scopeKey": Kind.ELEMENT,
        "processInstanceKey": Kind.KEY,
    },
    ("name", "scopeKey"),
)


# ------------------------------------------------------------------------------------------------ elements
@dataclass
class _Kept:
    """What the tables know of an instance's elements, by the element's number in it."""

    spans: dict[int, tuple[datetime, datetime | None, str]] = field(default_factory=dict)
    work: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    stopped: dict[int, Incident] = field(default_factory=dict)


def elements_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every process itself, what is at work in it, and the tasks of people and workers that have ended."""
    kept = _kept([row.key for row, _ in rows])
    return [each for row, definition in rows for each in _inside(row, definition, kept[row.key])]


def _kept(keys: Sequence[int]) -> dict[int, _Kept]:
    found = {key: _Kept() for key in keys}
    for item in rows_of(keys, lambda some: select(WorkItem).where(WorkItem.instance_key.in_(some))):
        of = found[item.instance_key]
        of.spans[item.task_id] = (item.created_at, item.closed_at or item.completed_at, _ENDED[ItemState(item.state)])
        of.work.append((item.task_id, item.process_id, item.element_id, item.name, "USER_TASK"))
    for job in rows_of(keys, lambda some: select(OutsideJob).where(OutsideJob.instance_key.in_(some))):
        of = found[job.instance_key]
        state = "ACTIVE" if job.ended_at is None else "COMPLETED" if job.state == "COMPLETED" else "TERMINATED"
        of.spans[job.task_id] = (job.created_at, job.ended_at, state)
        of.work.append((job.task_id, job.process_id, job.element_id, job.element_id, "SERVICE_TASK"))
    for wait in rows_of(keys, lambda some: select(Subscription).where(Subscription.instance_key.in_(some))):
        found[wait.instance_key].spans.setdefault(wait.task_id, (wait.opened_at, None, "ACTIVE"))
    for incident in rows_of(
        keys,
        lambda some: select(Incident).where(Incident.instance_key.in_(some), Incident.state == IncidentState.ACTIVE),
    ):
        found[incident.instance_key].stopped[incident.task_id] = incident
    return found


def rows_of(keys: Sequence[int], of: Callable[[Sequence[int]], Select[Any]]) -> Iterator[Any]:
    """What belongs to instances, a few hundred of them in each statement."""
    for start in range(0, len(keys), _CHUNK):
        yield from db.session.execute(of(keys[start : start + _CHUNK])).scalars()


def _inside(row: Instance, definition: ProcessDefinition, kept: _Kept) -> list[dict[str, Any]]:
    found = [_drawn(row, definition, 0, row.process_id, row.process_id, definition.name or row.process_id, PROCESS)]
    found[0].update(
        startDate=row.started_at,
        endDate=row.ended_at,
        state=row.status,
        hasIncident=bool(kept.stopped),
        elementInstanceKey=str(row.key),
    )
    wf = elements.opened(row) if row.status == InstanceStatus.ACTIVE else None
    at_work = elements.at_work(wf) if wf is not None else []
    for each in at_work:
        drawn = _drawn(row, definition, each.task_id, each.process_id, each.element_id, each.name, each.kind)
        incident = kept.stopped.get(each.task_id)
        started = kept.spans.get(each.task_id, (row.started_at, None, "ACTIVE"))[0]
        drawn.update(startDate=started, hasIncident=each.incident, incidentKey=str(incident.key) if incident else None)
        drawn["_scope"] = str(row.key) if each.scope == 0 else drawing.element_key(row.key, each.scope)
        found.append(drawn)
    seen = {each.task_id for each in at_work}
    for task_id, process_id, element_id, name, kind in kept.work:
        if task_id not in seen:
            drawn = _drawn(row, definition, task_id, process_id, element_id, name, kind)
            drawn["startDate"], drawn["endDate"], drawn["state"] = kept.spans[task_id]
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


# ------------------------------------------------------------------------------------------------ variables
def variables_of(row: Instance) -> list[dict[str, Any]]:
    """The variables of an instance; none when it has been destroyed."""
    wf = elements.opened(row)
    return [] if wf is None else drawn_variables(row.key, elements.variables_by_scope(wf))


def drawn_variables(instance_key: int, found: Iterable[ScopedVariable]) -> list[dict[str, Any]]:
    """Variables as the contract has them. A variable's place in its instance is made of scope and name."""
    taken: set[int] = set()
    told = []
    for each in sorted(found, key=lambda v: (v.scope, v.name)):
        place = zlib.crc32(f"{each.scope}:{each.name}".encode()) % PLACES
        while place in taken:
            place = (place + 1) % PLACES
        taken.add(place)
        value = orjson.dumps(each.value).decode()
        told.append(
            {
                "value": value,
                "isTruncated": is_long(value),
                "name": each.name,
                "tenantId": TENANT,
                "variableKey": part_key(instance_key, place),
                "scopeKey": str(instance_key) if each.scope == 0 else drawing.element_key(instance_key, each.scope),
                "processInstanceKey": str(instance_key),
                "rootProcessInstanceKey": str(instance_key),
            }
        )
    return told
