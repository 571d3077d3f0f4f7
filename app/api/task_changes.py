"""User tasks changed, and who has done what with one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import case, select

from app.access.permissions import Permission
from app.api import drawing, search
from app.api.attributes import TENANT, Attribute, Kind, always
from app.api.blueprints import Blueprint, caller, key_from
from app.api.moments import moment
from app.api.schemas import PageTold, SearchQuery, key, nullable_text
from app.api.search import Searchable
from app.api.work_items import known
from app.audit import AuditEntry
from app.errors import Invalid, NotAllowed
from app.identity.models import User
from app.runtime.language import within_calendar
from app.work import changing
from app.work.eligibility import allowed
from app.work.models import WorkItem

# Our actions in the words of the contract.
OPERATIONS = {
    "work.claim": "ASSIGN",
    "work.release": "UNASSIGN",
    "work.hand-over": "ASSIGN",
    "work.take-over": "ASSIGN",
    "work.complete": "COMPLETE",
    "work.change": "UPDATE",
}
_WORDS = ("CANCEL", "CREATE", "DELETE", "EVALUATE", "MIGRATE", "MODIFY", "RESOLVE", "RESUME", "SUSPEND", "UNKNOWN")

blueprint = Blueprint("task-changes", "Changing tasks, and who did")


def _shown_anywhere(at: datetime) -> None:
    """:raises ValidationError: databases and pages could not show the instant in every time zone."""
    try:
        within_calendar(at.astimezone(UTC))
    except OverflowError as error:
        raise ValidationError("The time lies beyond the calendar.") from error


class Changeset(Schema):
    dueDate = fields.AwareDateTime(allow_none=True, load_default=None, validate=_shown_anywhere)
    followUpDate = fields.AwareDateTime(allow_none=True, load_default=None, validate=_shown_anywhere)
    candidateUsers = fields.List(fields.String(), allow_none=True, load_default=None)
    candidateGroups = fields.List(fields.String(), allow_none=True, load_default=None)
    priority = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(0, 100))


class TaskUpdate(Schema):
    changeset = fields.Nested(Changeset, allow_none=True, load_default=None)
    action = fields.String(allow_none=True, load_default=None, validate=validate.Length(max=1000))


class LogEntry(Schema):
    auditLogKey = key("The entry's key")
    entityKey = key("The task's key")
    entityType = fields.String(required=True)
    operationType = fields.String(required=True)
    batchOperationKey = key("Always null", nullable=True)
    batchOperationType = nullable_text()
    timestamp = moment()
    actorId = nullable_text()
    actorType = nullable_text()
    agentElementId = nullable_text()
    tenantId = nullable_text()
    result = fields.String(required=True)
    category = fields.String(required=True)
    processDefinitionId = nullable_text()
    processDefinitionKey = key("Always null", nullable=True)
    processInstanceKey = key("The instance's key", nullable=True)
    rootProcessInstanceKey = key("The same", nullable=True)
    elementInstanceKey = key("The element's key in its instance", nullable=True)
    jobKey = key("Always null", nullable=True)
    userTaskKey = key("The task's key", nullable=True)
    decisionRequirementsId = nullable_text()
    decisionRequirementsKey = key("Always null", nullable=True)
    decisionDefinitionId = nullable_text()
    decisionDefinitionKey = key("Always null", nullable=True)
    decisionEvaluationKey = key("Always null", nullable=True)
    deploymentKey = key("Always null", nullable=True)
    formKey = key("Always null", nullable=True)
    resourceKey = key("Always null", nullable=True)
    relatedEntityKey = key("Always null", nullable=True)
    relatedEntityType = nullable_text()
    entityDescription = nullable_text()
    inboundChannelType = nullable_text()
    inboundChannelToolName = nullable_text()


class LogEntries(Schema):
    items = fields.List(fields.Nested(LogEntry), required=True)
    page = fields.Nested(PageTold, required=True)


_actor = select(User.username).where(User.key == AuditEntry.actor).correlate(AuditEntry).scalar_subquery()
SEARCHABLE = Searchable(
    attributes={
        "timestamp": Attribute(AuditEntry.wall_at.expression, Kind.MOMENT),
        "actorId": Attribute(_actor, nullable=True),
        "actorType": always("USER", "ANONYMOUS", "CLIENT", "UNKNOWN"),
        "result": always("SUCCESS", "FAIL"),
        "operationType": Attribute(
            case(OPERATIONS, value=AuditEntry.action), words={word: word for word in (*OPERATIONS.values(), *_WORDS)}
        ),
    },
    default=(("timestamp", False),),
    key=AuditEntry.key.expression,
)


@blueprint.route("/user-tasks/<key>", methods=["PATCH"])
@blueprint.arguments(TaskUpdate, required=False)
@blueprint.response(204)
def update(asked: dict[str, Any], key: str) -> Response:
    """Update a user task: its priority, when to look at it again, when it is due.

    For its holder, and for who oversees the list. A deadline of a case or a meeting is moved there, with a reason; whom a
    task is offered to is drawn in the diagram.
    """
    changes = asked.get("changeset") or {}
    for name in ("candidateUsers", "candidateGroups"):
        if changes.get(name) is not None:
            raise Invalid(
                f"{name} is not changed: whom a task is offered to is drawn in the diagram.", resource_id=name
            )
    if all(value is None for value in changes.values()):
        raise Invalid("Say what to change: priority, followUpDate or dueDate.", resource_id="changeset")
    changing.change(
        key_from(key),
        caller(),
        priority=changes.get("priority"),
        follow_up=changes.get("followUpDate"),
        due=changes.get("dueDate"),
    )
    return Response(status=204)


@blueprint.searching("/user-tasks/<key>/audit-logs/search")
@blueprint.arguments(SearchQuery, required=False)
@blueprint.response(200, LogEntries)
def search_log(asked: dict[str, Any], key: str) -> dict[str, Any]:
    """Search the audit log of a user task: who took it, gave it back, passed it on, changed or completed it.

    For its holder, and for who oversees the list. Who looked at it is for auditors, on their page.
    """
    item, person = known(key), caller()
    if person.key not in (item.assignee, item.completed_by) and not allowed(
        person, Permission.WORK_ITEM_REASSIGN, item
    ):
        raise NotAllowed("Only its holder or who oversees the list can see who has done what.", resource_id=key)
    query = select(AuditEntry).where(
        AuditEntry.subject == f"item:{item.key}",
        AuditEntry.business_at >= item.created_at,
        AuditEntry.action.in_(OPERATIONS),
    )
    if item.case_key is not None:
        query = query.where(AuditEntry.case_key == item.case_key)
    found = search.run(query, SEARCHABLE, asked)
    people = drawing.usernames(entry.actor for entry in found.rows)
    return found.answer(lambda entry: _drawn(entry, item, people))


def _drawn(entry: AuditEntry, item: WorkItem, people: dict[int, str]) -> dict[str, Any]:
    empty = dict.fromkeys(LogEntry().fields)
    return {
        **empty,
        "auditLogKey": str(entry.key),
        "entityKey": str(item.key),
        "entityType": "USER_TASK",
        "operationType": OPERATIONS.get(entry.action, "UNKNOWN"),
        "timestamp": entry.wall_at,
        "actorId": people.get(entry.actor or 0),
        "actorType": "USER",
        "tenantId": TENANT,
        "result": "SUCCESS",
        "category": "USER_TASKS",
        "processDefinitionId": item.process_id,
        "processInstanceKey": str(item.instance_key),
        "rootProcessInstanceKey": str(item.instance_key),
        "elementInstanceKey": drawing.element_key(item.instance_key, item.task_id),
        "userTaskKey": str(item.key),
    }
