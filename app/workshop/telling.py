"""A plan and a move as plain data, for the command line and the API alike. Element names and keys only: nothing of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.runtime.moving import DeadlineChange, MovedInstance, Obstacle, TaskChange, TimerChange
from app.workshop.moves import Progress
from app.workshop.planning import CasePlan, DraftTouched, Plan, version_of


def plan(found: Plan) -> dict[str, Any]:
    """A whole plan."""
    asked = found.asked
    return {
        "processDefinitionId": asked.target.process_id,
        "sourceVersion": asked.source.version if asked.source is not None else None,
        "targetVersion": asked.target.version,
        "targetProcessDefinitionKey": str(asked.target.key),
        "mapping": asked.elements.as_json(),
        "recomputeDeadlines": list(asked.recompute),
        "instances": len(found.cases),
        "canMove": found.can_move,
        "cannotMove": len(found.cases) - found.can_move,
        "reasons": [{"reason": why, "instances": count} for why, count in found.reasons()],
        "cases": [case(each) for each in found.cases],
    }


def case(found: CasePlan) -> dict[str, Any]:
    """One case of it."""
    told = found.plan
    return {
        "processInstanceKey": str(told.instance_key),
        "version": version_of(told.definition_key),
        "canMove": told.can_move,
        "obstacles": [obstacle(each) for each in told.obstacles],
        "notes": list(told.notes),
        "tasks": [_task(each) for each in told.tasks],
        "drafts": [_draft(each) for each in found.drafts],
        "timers": [_timer(each) for each in told.timers],
        "deadlines": [_deadline(each) for each in told.deadlines],
    }


def obstacle(each: Obstacle) -> dict[str, Any]:
    return {
        "processDefinitionId": each.process_id,
        "elementId": each.element_id or None,
        "message": each.message,
        "remedy": each.remedy,
    }


def _task(each: TaskChange) -> dict[str, Any]:
    return {
        "processDefinitionId": each.process_id,
        "elementId": each.element_id,
        "targetElementId": each.target_id,
        "name": each.name,
        "formId": each.form,
        "formChanged": each.form_changed,
        "changed": list(each.changed),
        "offeredAgain": each.reoffered,
    }


def _draft(each: DraftTouched) -> dict[str, Any]:
    return {"elementId": each.element_id, "people": each.people, "answersWithoutPlace": each.without_place}


def _timer(each: TimerChange) -> dict[str, Any]:
    return {
        "processDefinitionId": each.process_id,
        "elementId": each.element_id,
        "what": each.what,
        "due": _moment(each.due),
        "wouldBe": _moment(each.would_be),
        "deadlines": list(each.deadlines),
    }


def _deadline(each: DeadlineChange) -> dict[str, Any]:
    return {
        "processDefinitionId": each.process_id,
        "elementId": each.element_id,
        "name": each.name,
        "due": _moment(each.due),
        "wouldBe": _moment(each.would_be),
        "moves": each.moves,
    }


def progress(found: Progress) -> dict[str, Any]:
    """How a move stands."""
    return {
        "moveKey": str(found.key),
        "state": found.state,
        "processDefinitionId": found.process_id,
        "sourceVersion": found.source_version,
        "targetVersion": found.target_version,
        "requestedAt": _moment(found.requested_at),
        "undoAt": _moment(found.undo_at),
        "instances": found.total,
        "moved": found.moved,
        "failed": found.failed,
        "undone": found.undone,
        "left": found.waiting,
        "stopped": found.stopped,
        "canGoBack": found.can_go_back,
        "refusals": [{"processInstanceKey": str(each.instance_key), "reason": each.why} for each in found.refusals],
    }


def item(each: MovedInstance) -> dict[str, Any]:
    """One case of a move."""
    return {
        "processInstanceKey": str(each.instance_key),
        "state": each.state,
        "reason": each.why or None,
        "at": _moment(each.at),
        "canGoBack": each.can_go_back,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
