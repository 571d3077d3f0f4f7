"""How far a process instance is: its elements counted, the flows it took, what it waits for, what it called."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import select

from app.api import drawing, element_instances, listing, seeing
from app.api.attributes import TENANT, Kind
from app.api.blueprints import Blueprint
from app.api.listing import Listed
from app.api.process_instances import find
from app.api.schemas import PageTold, SearchQuery, key
from app.errors import NotFound
from app.runtime import elements
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.runtime.models import Instance, ProcessDefinition, StartKind, Subscription, TimerRow
from app.store.database import db
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
    ("elementInstanceKey",),
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
    row, definition = find(key)
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
    """Get the element statistics of a process instance."""
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
def _waiting(row: Instance, definition: ProcessDefinition) -> list[dict[str, Any]]:
    drawn = {
        each["elementInstanceKey"]: each
        for each in element_instances.inside(row, definition)
        if each["state"] == "ACTIVE"
    }
    found: list[dict[str, Any]] = []

    def add(task_id: int, details: dict[str, Any]) -> None:
        element = drawn.get(drawing.element_key(row.key, task_id))
        if element is not None:
            found.append(
                {
                    "rootProcessInstanceKey": str(row.key),
                    "processInstanceKey": str(row.key),
                    "elementInstanceKey": element["elementInstanceKey"],
                    "elementId": element["elementId"],
                    "elementType": element["type"],
                    "tenantId": TENANT,
                    "bpmnProcessId": element["processDefinitionId"],
                    "details": details,
                }
            )

    items = select(WorkItem).where(WorkItem.instance_key == row.key, WorkItem.state == ItemState.OPEN)
    for item in db.session.execute(items).scalars():
        due = None if item.due_at is None else item.due_at.isoformat()
        add(item.task_id, {"waitStateType": "USER_TASK", "taskKey": str(item.key), "dueDate": due})
    jobs = select(OutsideJob).where(OutsideJob.instance_key == row.key, OutsideJob.ended_at.is_(None))
    for job in db.session.execute(jobs).scalars():
        add(
            job.task_id,
            {
                "waitStateType": "JOB",
                "jobKey": str(job.key),
                "jobType": job.type,
                "jobKind": "BPMN_ELEMENT",
                "listenerEventType": None,
                "retries": job.retries,
            },
        )
    timers = select(TimerRow).where(TimerRow.instance_key == row.key, TimerRow.due_at.is_not(None))
    for timer in db.session.execute(timers).scalars():
        due_at = None if timer.due_at is None else int(timer.due_at.timestamp() * 1000)
        add(timer.task_id, {"waitStateType": "TIMER", "dueDate": due_at, "repetitions": None})
    for waiting in db.session.execute(select(Subscription).where(Subscription.instance_key == row.key)).scalars():
        if waiting.kind == StartKind.SIGNAL:
            add(waiting.task_id, {"waitStateType": "SIGNAL", "signalName": waiting.message})
        else:
            told = {"messageName": waiting.message, "correlationKey": waiting.correlation_key or None}
            add(waiting.task_id, {"waitStateType": "MESSAGE", **told})
    return found


@blueprint.searching("/element-instances/wait-states/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, WaitStates)
def search_wait_states(asked: dict[str, Any]) -> dict[str, Any]:
    """Search what the instances that the filter names wait for: people, workers outside, timers, messages, signals."""
    found: list[dict[str, Any]] = []
    for each in element_instances.named_instances(asked):
        try:
            found += _waiting(*seeing.path_of(each))
        except NotFound:
            continue
    return listing.run(found, WAITING, asked)


@blueprint.route("/process-instances/<key>/statistics/wait-states")
@blueprint.response(200, WaitingCounts)
def wait_state_statistics(key: str) -> dict[str, Any]:
    """Get how many of an instance's tokens wait at each element."""
    counts: dict[str, set[str]] = {}
    for each in _waiting(*seeing.path_of(key)):
        counts.setdefault(each["elementId"], set()).add(each["elementInstanceKey"])
    return {"items": [{"elementId": name, "waitingCount": len(found)} for name, found in sorted(counts.items())]}
