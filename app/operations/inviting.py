"""Inviting agencies to a case: the standing members to every meeting, others to the case that they are named for (01-marac B11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import audit
from app.agencies import service as agencies
from app.cases.dossiers import find_case
from app.cases.involvement import end, grounds, involve
from app.cases.models import Case, Ground
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.meetings import agenda, attendance, planning
from app.meetings.attendance import Who
from app.meetings.errors import MeetingMoved
from app.meetings.models import AgendaItem, AgendaStatus, AttendeeRole
from app.operations import invitations
from app.operations.circulation import invited_agencies, issue_late
from app.operations.invitations import Wanted
from app.operations.procedure import tell
from app.operations.registry import case_of, key_of, operation
from app.runtime.ports import OperationContext

ASKED_BEFORE = frozenset({Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED})
TO_BE_NAMED = "To be named"


@operation(
    "invite-agencies",
    "Invite the non-core and guest agencies of the case",
    inputs={"meetingId?": "id", "caseId?": "id"},
    outputs={"lateAgencies": "list"},
)
def invite_agencies(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Invite what B11 named and, where needed, the Chair approved (DMN-M6 rows 3–5). Refused agencies are not invited.

    One invitation may have waited for the Chair while another was sent. A case that has been moved to another meeting takes its invitations
    along; for a meeting that was cancelled nobody is invited.

    :returns: the agencies that come after the research requests have gone out: they get their own copy of the agenda now,
        and are asked what they hold.
    """
    case_key = case_of(context, inputs)
    case = find_case(case_key)
    meeting_key = key_of(case.meeting_key or inputs.get("meetingId"), "meeting", context.element_id)
    line = agenda.item_of(meeting_key, case_key)
    if line is None or not planning.is_running(planning.find(meeting_key)):
        return {"lateAgencies": []}
    settled = invitations.settled_since(case_key, line.added_at)
    newest = max((one.settled for one in settled), default=None)
    invited = [one for one in settled if one.may_come]
    known = {key for key, cases in invited_agencies(meeting_key).items() if case_key in cases}
    for one in invited:
        if one.settled == newest or one.agency_key not in known:
            _invite(case, meeting_key, one)
    late = [key for key in dict.fromkeys(one.agency_key for one in invited) if _is_late(line, key)]
    meeting = planning.find(meeting_key)
    for agency_key in late:
        involve(case_key, agency_key, Ground.RESEARCH_OPEN)
        issue_late(meeting, agency_key, case_key)
    return {"lateAgencies": [str(key) for key in late]}


def _invite(case: Case, meeting_key: int, wanted: Wanted) -> None:
    """Whoever represents the agency is on the attendance list; somebody still to be named, where nobody is known: the agency is asked all
    the same."""
    row, agency_key = wanted.row, wanted.agency_key
    names = agencies.names(case.area_key)
    guest = row.get("kind") == "GUEST"
    end(case.key, agency_key, Ground.WITHDRAWN)
    involve(case.key, agency_key, Ground.GUEST if guest else Ground.ATTENDEE)
    role = AttendeeRole.GUEST if guest else AttendeeRole.NON_CORE
    people = register.holders(Role.GUEST_REPRESENTATIVE if guest else Role.AGENCY_REPRESENTATIVE, agency_key=agency_key)
    for person in people:
        attendance.add(
            meeting_key,
            Who(person.name, "Guest" if guest else "Representative", names.get(agency_key, "")),
            user_key=person.key,
            agency_key=agency_key,
            role=role,
            non_core_type=None if guest else str(row.get("nonCoreType") or "").lower() or None,
            chair_approved=True if wanted.of_other_type else None,
            cases=[case.key],
        )
    if not people:
        attendance.add(
            meeting_key,
            Who(
                str(row.get("invitee") or TO_BE_NAMED),
                "Guest" if guest else "Representative",
                names.get(agency_key, ""),
            ),
            agency_key=agency_key,
            role=role,
            cases=[case.key],
        )


def _is_late(line: AgendaItem, agency_key: int) -> bool:
    """Whether the research requests of the case have gone out, and not to this agency."""
    asked = ASKED_BEFORE & grounds(line.case_key).get(agency_key, set())
    return line.status == AgendaStatus.CIRCULATED and not asked


def may_invite(case: Case) -> bool:
    """Whether another agency can still be invited: the case waits for its meeting."""
    line = agenda.item_of(case.meeting_key or 0, case.key)
    return line is not None and line.status in (AgendaStatus.LISTED, AgendaStatus.CIRCULATED)


def invite_another(case: Case, person: Person) -> None:
    """The Co-ordinator wants to invite another agency: the procedure asks which, and why.

    :raises MeetingMoved: the case is on no agenda, or has been heard.
    """
    if not may_invite(case):
        raise MeetingMoved("An agency can be invited while the case waits for its meeting.", resource_id=str(case.key))
    tell("agency-to-invite", case.key, {}, area_key=case.area_key)
    audit.record("case.invite", actor=person, case_key=case.key)
