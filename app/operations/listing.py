"""Planning a meeting and listing a case for one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import notices
from app.cases import deadlines, submissions
from app.meetings import agenda, attendance, planning
from app.meetings.models import MeetingState
from app.operations.circulation import make_again, reached, taking_part
from app.operations.registry import case_of, meeting_of, operation
from app.operations.standing import invite_standing
from app.operations.states import as_instant
from app.runtime import service as runtime
from app.runtime.ports import OperationContext

MEETING_DATES = {
    "meetingStart": "date and time",
    "agendaIssue": "date and time",
    "researchDue": "date and time",
    "actionListDue": "date",
    "minutesDue": "date",
    "papersDestroyedDue": "date",
}
MODES = {"IN_PERSON": "inPerson", "VIRTUAL": "virtual", "HYBRID": "hybrid"}


@operation(
    "plan-meeting",
    "Set the meeting's date and its deadlines",
    inputs={**MEETING_DATES, "meetingId?": "id"},
)
def plan_meeting(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Set the date and every deadline that hangs on it; invite the standing members."""
    meeting_key = meeting_of(context, inputs)
    plan = submissions.latest(meeting_key, "marac-meeting-plan")
    answers = submissions.read(plan) if plan else {}
    start, others = _instants(context, inputs)
    meeting = planning.plan(
        meeting_key,
        start,
        others,
        venue=str(answers.get("venue") or answers.get("videoChannel") or ""),
        mode=MODES.get(str(answers.get("meetingMode")), "inPerson"),
        by=plan.submitted_by if plan else None,
    )
    meeting.kind = str(answers.get("meetingKind") or "SCHEDULED").lower()
    invite_standing(meeting_key)


def _instants(context: OperationContext, inputs: Mapping[str, Any]) -> tuple[datetime, dict[str, datetime]]:
    named = {name: as_instant(inputs[name], context.element_id) for name in MEETING_DATES}
    return named.pop("meetingStart"), named


@operation("move-meeting", "Move the meeting's date and what hangs on it", inputs={**MEETING_DATES, "meetingId?": "id"})
def move_meeting(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Carry out the recorded decision to move. Everybody invited is told, and once research is asked whoever has to answer it:
    its date moves too. The agenda that is out gives the old date: every copy is made again (01-marac §9, X17). Who has not answered is
    named on it while research is due already."""
    start, others = _instants(context, inputs)
    meeting = planning.move(meeting_of(context, inputs), start, others, runtime.rearm_deadline)
    people = {a.user_key for a in attendance.of_meeting(meeting.key) if a.user_key is not None}
    asked = taking_part(meeting) if meeting.state != MeetingState.PLANNED else set()
    make_again(meeting, {"returns": False})
    for recipients, path in reached(meeting, asked, people):
        notices.send(
            notices.Template.MEETING_MOVED,
            sorted(recipients),
            reference=meeting.reference,
            due=start,
            path=path,
            dedupe=context.idempotency_key,
            area_key=meeting.area_key,
        )


@operation("find-next-meeting", "Find the next meeting", outputs={"nextMeetingAgendaIssue": "date and time"})
def find_next_meeting(context: OperationContext, _inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """When the agenda of the next scheduled meeting goes out; null when no meeting is planned (DMN-M5)."""
    upcoming = planning.upcoming(context.area_key, kind="scheduled")
    issue = deadlines.current(upcoming[0].key, "agendaIssue") if upcoming else None
    return {"nextMeetingAgendaIssue": issue.due_at if issue else None}


@operation(
    "add-to-agenda",
    "Put the case on a meeting's agenda",
    inputs={"meetingId": "id", "caseId?": "id"},
    outputs={"meetingId": "id"},
)
def add_to_agenda(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the parties to the agenda (B10)."""
    meeting_key = meeting_of(context, inputs)
    agenda.add(meeting_key, case_of(context, inputs), by=None)
    return {"meetingId": str(meeting_key)}
