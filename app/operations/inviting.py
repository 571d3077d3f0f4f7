"""Inviting agencies to a case: the standing members to every meeting, others to the case that they are named for (01-marac B11)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import audit
from app.agencies import service as agencies
from app.cases import submissions
from app.cases.dossiers import find_case
from app.cases.involvement import grounds, involve
from app.cases.models import Case, Ground
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.meetings import agenda, attendance, planning
from app.meetings.attendance import Who
from app.meetings.errors import MeetingMoved
from app.meetings.models import AgendaStatus, AttendeeRole
from app.operations.circulation import issue_late
from app.operations.procedure import tell
from app.operations.registry import case_of, key_of, operation
from app.runtime.ports import OperationContext

ASKED_BEFORE = frozenset({Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED})


@operation(
    "invite-agencies",
    "Invite the non-core and guest agencies of the case",
    inputs={"meetingId?": "id", "caseId?": "id"},
    outputs={"lateAgencies": "list"},
)
def invite_agencies(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Invite what B11 named and, where needed, the Chair approved (DMN-M6 rows 3–5). Refused agencies are not invited.

    A case that has been moved to another meeting takes its invitations along; for a meeting that was cancelled nobody is invited.

    :returns: the agencies that come after the research requests have gone out: they get their own copy of the agenda now,
        and are asked what they hold.
    """
    case_key = case_of(context, inputs)
    case = find_case(case_key)
    meeting_key = key_of(case.meeting_key or inputs.get("meetingId"), "meeting", context.element_id)
    wanted = submissions.latest(case_key, "marac-invitations")
    if wanted is None or not planning.is_running(planning.find(meeting_key)):
        return {"lateAgencies": []}
    approved = _approved(case_key, since=wanted.submitted_at)
    invited = [
        row
        for row in submissions.read(wanted).get("invitations") or []
        if not _of_other_type(row) or key_of(row.get("agency"), "agency", context.element_id) in approved
    ]
    for row in invited:
        _invite(case, meeting_key, row, context.element_id)
    named = dict.fromkeys(key_of(row.get("agency"), "agency", context.element_id) for row in invited)
    late = [key for key in named if _is_late(meeting_key, case_key, key)]
    meeting = planning.find(meeting_key)
    for agency_key in late:
        involve(case_key, agency_key, Ground.RESEARCH_OPEN)
        issue_late(meeting, agency_key, case_key)
    return {"lateAgencies": [str(key) for key in late]}


def _of_other_type(row: Mapping[str, Any]) -> bool:
    return row.get("kind") != "GUEST" and row.get("nonCoreType") == "OTHER"


def _invite(case: Case, meeting_key: int, row: Mapping[str, Any], element_id: str | None) -> None:
    agency_key = key_of(row.get("agency"), "agency", element_id)
    names = agencies.names(case.area_key)
    guest = row.get("kind") == "GUEST"
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
            chair_approved=True if _of_other_type(row) else None,
            cases=[case.key],
        )
    if not people and row.get("invitee"):
        attendance.add(
            meeting_key,
            Who(str(row["invitee"]), "Guest" if guest else "Representative", names.get(agency_key, "")),
            agency_key=agency_key,
            role=role,
            cases=[case.key],
        )


def _is_late(meeting_key: int, case_key: int, agency_key: int) -> bool:
    """Whether the research requests of the case have gone out, and not to this agency."""
    line = agenda.item_of(meeting_key, case_key)
    gone_out = line is not None and line.status == AgendaStatus.CIRCULATED
    return gone_out and not ASKED_BEFORE & grounds(case_key).get(agency_key, set())


def _approved(case_key: int, since: datetime) -> set[int]:
    decision = submissions.latest(case_key, "marac-agency-approval")
    if decision is None or decision.submitted_at < since:
        return set()
    rows = submissions.read(decision).get("approvals") or []
    return {int(r["value"]) for r in rows if r.get("decision") == "APPROVE" and str(r.get("value")).isdigit()}


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
