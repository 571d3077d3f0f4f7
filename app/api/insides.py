"""How far a process instance is: its elements counted, the flows it took, what it waits for, what it called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import select

from app.access.permissions import Permission
from app.api import drawing, inside, moments, scanning, seeing
from app.api.attributes import TENANT, Kind
from app.api.blueprints import Blueprint
from app.api.listing import Listed
from app.api.schemas import PageTold, SearchQuery, key
from app.api.seeing import Row
from app.runtime import elements
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.runtime.models import StartKind, Subscription, TimerRow
from app.work.models import ItemState, WorkItem

blueprint = Blueprint("insides", "How far running processes are")

WAITING = Listed.of(
    {
        "elementInstanceKey": Kind.ELEMENT,
        "processInstanceKey": Kind.KEY,
        "rootProcessInstanceKey": Kind.KEY,
        "elementId": Kind.TEXT,
        "elementType": Kind.TEXT,
        "waitStateType": Kind.TEXT,
    },
    ("processInstanceKey", "elementInstanceKey"),
    words={"waitStateType": ("CONDITION", "JOB", "MESSAGE", "SIGNAL", "TIMER", "USER_TASK")},
    hidden={"waitStateType": lambda item: item["details"]["waitStateType"]},
)


class Called(Schema):
    processInstanceKey = key("The instance's key")
    processDefinitionKey = key("The version's key")
    processDefinitionName = fields.String(required=True)


class Flow(Schema):
    sequenceFlowId = fields.String(required=True)
    processInstanceKey = key("The instance's key")
    rootProcessInstanceKey = key("The same", nullable=True)
    processDefinitionKey = key("The version's key", nullable=True)
    processDefinitionId = fields.String(required=True, allow_none=True)
    elementId = fields.String(required=True)
    tenantId = fields.String(required=True)


class Flows(Schema):
    items = fields.List(fields.Nested(Flow), required=True)


class ElementCount(Schema):
    elementId = fields.String(required=True)
    active = fields.Integer(required=True)
    canceled = fields.Integer(required=True, metadata={"description": "Always 0: what was cancelled is not counted"})
    incidents = fields.Integer(required=True)
    completed = fields.Integer(required=True)


class ElementCounts(Schema):
    items = fields.List(fields.Nested(ElementCount), required=True)


class WaitingCount(Schema):
    elementId = fields.String(required=True)
    waitingCount = fields.Integer(required=True)


class WaitingCounts(Schema):
    items = fields.List(fields.Nested(WaitingCount), required=True)


class WaitState(Schema):
    rootProcessInstanceKey = key("The same", nullable=True)
    processInstanceKey = key("The instance's key")
    elementInstanceKey = key("The element's key in its instance")
    elementId = fields.String(required=True)
    elementType = fields.String(required=True)
    tenantId = fields.String(required=True)
    bpmnProcessId = fields.String(required=True)
    details = fields.Dict(required=True)


class WaitStates(Schema):
    items = fields.List(fields.Nested(WaitState), required=True)
    page = fields.Nested(PageTold, required=True)


@blueprint.route("/process-instances/<key>/call-hierarchy")
@blueprint.response(200, Called(many=True))
def call_hierarchy(key: str) -> list[dict[str, Any]]:
    """Get the call hierarchy: the instance itself, since a called process runs inside its caller."""
    row, definition = seeing.find(key)
    return [
        {
            "processInstanceKey": str(row.key),
            "processDefinitionKey": str(definition.key),
            "processDefinitionName": definition.name or definition.process_id,
        }
    ]


@blueprint.route("/process-instances/<key>/sequence-flows")
@blueprint.response(200, Flows)
def sequence_flows(key: str) -> dict[str, Any]:
    """Get the sequence flows that an instance took for certain.

    Completions are counted by element, so that a flow out of a choice is left out when something else that was completed
    leads to the same element.
    """
    row, definition = seeing.path_of(key)
    wf = elements.opened(row)
    return {
        "items": [
            {
                "sequenceFlowId": f"{row.key}_{flow}",
                "processInstanceKey": str(row.key),
                "rootProcessInstanceKey": str(row.key),
                "processDefinitionKey": str(definition.key),
                "processDefinitionId": row.process_id,
                "elementId": flow,
                "tenantId": TENANT,
            }
            for flow in (elements.flows_taken(row, wf) if wf is not None else [])
        ]
    }


@blueprint.route("/process-instances/<key>/statistics/element-instances")
@blueprint.response(200, ElementCounts)
def element_statistics(key: str) -> dict[str, Any]:
    """Get the element statistics of a process instance: how often each element was completed and is at work, gateways and events too. How
    often one was cancelled is not kept: always 0."""
    row, _ = seeing.path_of(key)
    stopped: dict[str, int] = {}
    for incident in runtime.incidents(row.key):
        stopped[incident.element_id] = stopped.get(incident.element_id, 0) + 1
    return {
        "items": [
            {
                "elementId": element,
                "active": state.active - min(stopped.get(element, 0), state.active),
                "canceled": 0,
                "incidents": stopped.get(element, 0),
                "completed": state.completed,
            }
            for element, state in runtime.element_states(row.key).items()
        ]
    }


# ------------------------------------------------------------------------------------------------ what it waits for
def _waiting(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What tokens of instances wait for, with the instance and the element of each."""
    drawn = {each["elementInstanceKey"]: each for each in inside.elements_of(rows) if each["state"] == "ACTIVE"}
    keys = [row.key for row, _ in rows]
    found: list[dict[str, Any]] = []

    def add(instance_key: int, task_id: int, details: dict[str, Any]) -> None:
        element = drawn.get(drawing.element_key(instance_key, task_id))
        if element is not None:
            found.append(
                {
                    "rootProcessInstanceKey": str(instance_key),
                    "processInstanceKey": str(instance_key),
                    "elementInstanceKey": element["elementInstanceKey"],
                    "elementId": element["elementId"],
                    "elementType": element["type"],
                    "tenantId": TENANT,
                    "bpmnProcessId": element["processDefinitionId"],
                    "details": details,
                }
            )

    def of_items(some: Sequence[int]) -> Any:
        return select(WorkItem).where(WorkItem.instance_key.in_(some), WorkItem.state == ItemState.OPEN)

    def of_jobs(some: Sequence[int]) -> Any:
        return select(OutsideJob).where(OutsideJob.instance_key.in_(some), OutsideJob.ended_at.is_(None))

    def of_timers(some: Sequence[int]) -> Any:
        return select(TimerRow).where(TimerRow.instance_key.in_(some), TimerRow.due_at.is_not(None))

    def of_subscriptions(some: Sequence[int]) -> Any:
        return select(Subscription).where(Subscription.instance_key.in_(some))

    for item in inside.rows_of(keys, of_items):
        due = None if item.due_at is None else moments.told(item.due_at)
        told: dict[str, Any] = {"waitStateType": "USER_TASK", "taskKey": str(item.key), "dueDate": due}
        add(item.instance_key, item.task_id, told)
    for job in inside.rows_of(keys, of_jobs):
        told = {
            "waitStateType": "JOB",
            "jobKey": str(job.key),
            "jobType": job.type,
            "jobKind": "BPMN_ELEMENT",
            "listenerEventType": None,
            "retries": job.retries,
        }
        add(job.instance_key, job.task_id, told)
    for timer in inside.rows_of(keys, of_timers):
        due_at = int(timer.due_at.timestamp() * 1000)
        told = {"waitStateType": "TIMER", "dueDate": due_at, "repetitions": None}
        add(timer.instance_key, timer.task_id, told)
    for waiting in inside.rows_of(keys, of_subscriptions):
        if waiting.kind == StartKind.SIGNAL:
            told = {"waitStateType": "SIGNAL", "signalName": waiting.message}
        else:
            key = waiting.correlation_key or None
            told = {"waitStateType": "MESSAGE", "messageName": waiting.message, "correlationKey": key}
        add(waiting.instance_key, waiting.task_id, told)
    return found


@blueprint.searching("/element-instances/wait-states/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, WaitStates)
def search_wait_states(asked: dict[str, Any]) -> dict[str, Any]:
    """Search what running instances wait for: people, workers outside, timers, messages, signals."""
    rows = scanning.for_search(asked, Permission.INSTANCE_READ, running=True)
    return scanning.answer(_waiting(rows), rows, WAITING, asked, "path")


@blueprint.route("/process-instances/<key>/statistics/wait-states")
@blueprint.response(200, WaitingCounts)
def wait_state_statistics(key: str) -> dict[str, Any]:
    """Get how many of an instance's tokens wait at each element."""
    counts: dict[str, set[str]] = {}
    for each in _waiting([seeing.path_of(key)]):
        counts.setdefault(each["elementId"], set()).add(each["elementInstanceKey"])
    return {"items": [{"elementId": name, "waitingCount": len(found)} for name, found in sorted(counts.items())]}
