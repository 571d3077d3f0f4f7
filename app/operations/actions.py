"""How an action ends, and who does it when its owner declines (01-marac E6, X13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from app.cases import actions, submissions
from app.cases.involvement import end, involve
from app.cases.models import Action, ActionStatus, Ground, Submission
from app.cases.timeline import note
from app.operations.registry import case_of, key_of, operation
from app.runtime.ports import OperationContext
from app.store.database import db
from app.work.models import WorkItem


@operation(
    "record-action-outcome",
    "Record how an action ended",
    inputs={"actionId": "id", "actionStatus": "string", "completedOn?": "date", "caseId?": "id"},
)
def record_action_outcome(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """E6: done, not possible, not done or superseded; the words stay sealed with the case."""
    action_key = key_of(inputs["actionId"], "action", context.element_id)
    action = actions.find(action_key)
    case_of(context, {"caseId": action.case_key})
    codes = {"DONE": ActionStatus.DONE, "NOT_POSSIBLE": ActionStatus.NOT_POSSIBLE, "NOT_DONE": ActionStatus.NOT_DONE}
    status = codes.get(str(inputs["actionStatus"]), ActionStatus.SUPERSEDED)
    latest = _newest(action, "marac-action-outcome", "action")
    completed = inputs.get("completedOn")
    if isinstance(completed, str):
        completed = date.fromisoformat(completed)
    actions.record_outcome(
        action_key,
        status,
        completed_on=completed,
        outcome=submissions.read(latest) if latest else {},
        by=latest.submitted_by if latest else None,
    )


def _newest(action: Action, form_id: str, name: str) -> Submission | None:
    """The newest form that was completed for this action: its work item names the action."""
    just = submissions.just_recorded(action.case_key, form_id)
    item = db.session.get(WorkItem, just.work_item_key) if just is not None and just.work_item_key is not None else None
    if item is not None and item.named_key(name) == action.key:
        return just
    return db.session.execute(
        select(Submission)
        .join(WorkItem, WorkItem.key == Submission.work_item_key)
        .where(
            Submission.dossier_key == action.case_key,
            Submission.form_id == form_id,
            WorkItem.deadline == f"{name}-{action.key}",
        )
        .order_by(Submission.submitted_at.desc(), Submission.key.desc())
        .limit(1)
    ).scalar_one_or_none()


def declined_words(action: Action) -> tuple[str | None, str | None]:
    """Why the owner declined an action, and why their agency stands by that; None while nobody has said so."""
    outcome = _newest(action, "marac-action-outcome", "action")
    answer = _newest(action, "marac-action-declined", "declined")
    said = submissions.read(outcome) if outcome is not None else {}
    dissent = submissions.read(answer).get("dissent") if answer is not None else None
    return (str(said.get("notDoneOutcome") or "") or None) if said.get("actionStatus") == "DECLINED" else None, dissent


@operation(
    "reassign-action",
    "Give an action to another owner",
    inputs={"actionId": "id", "ownerAgency": "id", "ownerPerson?": "id", "dueDate?": "date", "caseId?": "id"},
    outputs={"formerAgency": "id"},
)
def reassign_action(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """X13: somebody else of the same agency does it, or an agency that accepts it; a new owner may see the case."""
    action = actions.find(key_of(inputs["actionId"], "action", context.element_id))
    case_key = case_of(context, {"caseId": action.case_key})
    agency_key = key_of(inputs["ownerAgency"], "agency", context.element_id)
    due, former = inputs.get("dueDate"), action.owner_agency_key
    action.owner_agency_key = agency_key
    action.owner_user_key = int(inputs["ownerPerson"]) if str(inputs.get("ownerPerson") or "").isdigit() else None
    if due is not None:
        action.due_date = date.fromisoformat(due) if isinstance(due, str) else due
    end(case_key, agency_key, Ground.WITHDRAWN)
    involve(case_key, agency_key, Ground.ACTION_OWNER)
    involve(case_key, agency_key, Ground.KEPT)
    note(case_key, "action-reassigned", agency_key=agency_key, facts={"action": str(action.key)})
    return {"formerAgency": str(former)}
