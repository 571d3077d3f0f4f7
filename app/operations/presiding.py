"""Who presides: the deputy chair in the Chair's place, at one meeting, by a recorded decision (01-marac 7H E-2; London DSA App E)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app import audit, notices
from app.agencies import service as agencies
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.meetings import planning
from app.meetings.attendance import Who
from app.meetings.errors import MeetingMoved
from app.meetings.models import Meeting
from app.operations.procedure import tell
from app.operations.registry import meeting_of, operation
from app.operations.signing import join
from app.runtime.ports import OperationContext
from app.store.database import db
from app.work.models import ItemState, WorkItem


def deputies(area_key: int) -> list[Person]:
    """Who may preside in the Chair's place."""
    return list(register.holders(Role.DEPUTY_CHAIR, area_key=area_key))


def decide(meeting_key: int, user_key: int | None, reason: str, person: Person) -> Meeting:
    """Decide who presides at a meeting: a deputy chair, or (None) the Chair again.

    The deputy is put on the attendance list, and the procedure gives them the Chair's tasks in the room.

    :raises MeetingMoved: the meeting is over, or that person is no deputy chair.
    """
    meeting = planning.find(meeting_key)
    deputy = next((one for one in deputies(meeting.area_key) if one.key == user_key), None)
    if user_key is not None and deputy is None:
        raise MeetingMoved("Only a deputy chair can preside in the Chair's place.", resource_id=str(meeting_key))
    planning.decide_presiding(meeting_key, user_key, by=person.key, reason=reason)
    if deputy is not None:
        organisation = agencies.names(meeting.area_key).get(deputy.agency_key or 0, "")
        who = Who(deputy.name, Role.DEPUTY_CHAIR.title, organisation)
        join(meeting_key, who, person, user_key=deputy.key, agency_key=deputy.agency_key)
    chosen = str(user_key) if user_key is not None else None
    tell("presiding-decided", meeting_key, {"chosenToPreside": chosen}, area_key=meeting.area_key)
    audit.record(
        "meeting.preside", actor=person, meeting_key=meeting_key, subject=f"user:{user_key or 0}", detail=reason
    )
    return meeting


@operation(
    "hand-chair-over",
    "Give the Chair's tasks in the room to who presides",
    inputs={"chosen?": "id", "meetingId?": "id"},
    outputs={"presiding": "id"},
)
def hand_chair_over(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Chair's open tasks in the room are offered to who presides too; one that a former deputy held is free again."""
    meeting = planning.find(meeting_of(context, inputs))
    presiding = int(inputs["chosen"]) if str(inputs.get("chosen") or "").isdigit() else None
    rows = db.session.execute(
        select(WorkItem).where(WorkItem.meeting_key == meeting.key, WorkItem.state == ItemState.OPEN)
    ).scalars()
    for item in rows:
        if item.flag("room") and str(Role.MARAC_CHAIR) in item.roles:
            _offer(item, presiding)
    if presiding is not None:
        notices.send(
            notices.Template.DECISION_NEEDED,
            [presiding],
            reference=meeting.reference,
            what="You preside at this meeting in the Chair's place.",
            due=meeting.starts_at,
            path=f"/meetings/{meeting.key}",
            dedupe=context.idempotency_key,
            area_key=meeting.area_key,
        )
    return {"presiding": str(presiding) if presiding is not None else None}


def _offer(item: WorkItem, presiding: int | None) -> None:
    if item.assignee is not None and item.assignee in item.candidate_users and item.assignee != presiding:
        item.assignee = item.claimed_at = None
    item.candidate_users = [presiding] if presiding is not None else []
