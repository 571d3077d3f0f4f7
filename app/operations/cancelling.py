"""Cancelling a meeting: a recorded decision; its cases wait for another (01-marac X17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import audit, documents, notices
from app.cases import deadlines
from app.cases.dossiers import find_case
from app.cases.timeline import note
from app.documents.models import DocumentStatus
from app.identity.person import Person
from app.meetings import agenda, attendance, planning
from app.meetings.models import AgendaStatus, Meeting, MeetingState
from app.operations import addressees
from app.operations.circulation import taking_part
from app.operations.holding import any_held, dispose
from app.operations.procedure import tell
from app.operations.registry import meeting_of, operation
from app.runtime.ports import OperationContext


def cancel(meeting_key: int, reason: str, person: Person) -> Meeting:
    """Decide to cancel a meeting; its procedure ends in this transaction.

    :raises MeetingMoved: it has begun or ended.
    """
    meeting = planning.decide_cancel(meeting_key, by=person.key, reason=reason)
    tell("meeting-cancelled", meeting_key, {}, area_key=meeting.area_key)
    audit.record("meeting.cancel", actor=person, meeting_key=meeting_key, detail=reason)
    return meeting


@operation(
    "cancel-meeting",
    "Cancel what hangs on the meeting",
    inputs={"meetingId?": "id"},
    outputs={"listedCases": "list"},
)
def cancel_meeting(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its deadlines lapse, its papers are destroyed or, where they tell of a case under a legal hold, put away; everybody invited is told.

    :returns: the cases that were on its list.
    """
    meeting = planning.find(meeting_of(context, inputs))
    issued = meeting.state != MeetingState.PLANNED
    meeting.state = MeetingState.CANCELLED
    for deadline in deadlines.in_force(meeting.key):
        if deadline.met_at is None:
            deadlines.lapse(meeting.key, deadline.name)
    listed = []
    for line in agenda.items(meeting.key):
        if line.status in (AgendaStatus.LISTED, AgendaStatus.CIRCULATED):
            line.status = AgendaStatus.WITHDRAWN
            case = find_case(line.case_key)
            if case.meeting_key == meeting.key:
                case.meeting_key = None
            note(case.key, "meeting-cancelled", title=meeting.reference, facts={"meeting": str(meeting.key)})
            listed.append(str(case.key))
    for paper in documents.list_for(meeting_key=meeting.key):
        if paper.status != DocumentStatus.DESTROYED:
            dispose(paper)
    _tell(meeting, issued=issued)
    return {"listedCases": listed}


def _tell(meeting: Meeting, *, issued: bool) -> None:
    people = {a.user_key for a in attendance.of_meeting(meeting.key) if a.user_key is not None}
    if issued:
        people = people.union(*addressees.contacts_there(taking_part(meeting)).values())
    notices.send(
        notices.Template.MEETING_CANCELLED_HELD if any_held(meeting.key) else notices.Template.MEETING_CANCELLED,
        sorted(people),
        reference=meeting.reference,
        due=meeting.starts_at,
        path=f"/meetings/{meeting.key}",
        dedupe=f"cancelled:{meeting.key}",
        area_key=meeting.area_key,
    )
