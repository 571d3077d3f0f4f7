"""Listing a case, inviting agencies, and issuing the agenda."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import documents, notices
from app.agencies import service as agencies
from app.agencies.models import ContactRole, Tier
from app.cases import deadlines, submissions
from app.cases.dossiers import find_case
from app.cases.involvement import involve
from app.cases.models import Ground
from app.identity import register
from app.identity.roles import Role
from app.meetings import agenda, attendance, planning
from app.meetings.attendance import Who
from app.meetings.models import AgendaStatus, AttendeeRole, Meeting, MeetingState
from app.operations.papers.agenda import prepared
from app.operations.registry import case_of, key_of, meeting_of, operation
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
    """Carry out the recorded decision to move; everybody invited is told."""
    start, others = _instants(context, inputs)
    meeting = planning.move(meeting_of(context, inputs), start, others, runtime.rearm_deadline)
    people = {a.user_key for a in attendance.of_meeting(meeting.key) if a.user_key is not None}
    notices.send(
        notices.Template.MEETING_MOVED,
        sorted(people),
        reference=meeting.reference,
        due=start,
        path=f"/meetings/{meeting.key}",
        dedupe=f"moved:{meeting.key}:{start.isoformat()}",
        area_key=meeting.area_key,
    )


@operation("find-next-meeting", "Find the next meeting", outputs={"nextMeetingAgendaIssue": "date and time"})
def find_next_meeting(context: OperationContext, _inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """When the agenda of the next scheduled meeting goes out; null when no meeting is planned (DMN-M5)."""
    upcoming = planning.upcoming(context.area_key, kind="scheduled")
    issue = deadlines.current(upcoming[0].key, "agendaIssue") if upcoming else None
    return {"nextMeetingAgendaIssue": issue.due_at if issue else None}


def invite_standing(meeting_key: int) -> None:
    """Chair, co-ordinator, and each core agency's representatives and IDVA: they attend every meeting."""
    meeting = planning.find(meeting_key)
    names = agencies.names(meeting.area_key)
    core = {a.key for a in agencies.agencies(meeting.area_key, (Tier.CORE,))}
    for role in (
        Role.MARAC_CHAIR,
        Role.MARAC_COORDINATOR,
        Role.AGENCY_REPRESENTATIVE,
        Role.POLICE_REPRESENTATIVE,
        Role.IDVA,
    ):
        for person in register.holders(role, area_key=meeting.area_key):
            agency = next((at for held, at in person.roles if held == role and at), person.agency_key)
            if role.of_agency and agency not in core:
                continue
            attendance.add(
                meeting_key,
                Who(person.name, role.title, names.get(agency or 0, "")),
                user_key=person.key,
                agency_key=agency,
            )


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


@operation(
    "invite-agencies",
    "Invite the non-core and guest agencies of the case",
    inputs={"meetingId?": "id", "caseId?": "id"},
)
def invite_agencies(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Invite what B11 named and, where needed, the Chair approved (DMN-M6 rows 3–5). Refused agencies are not invited."""
    case_key = case_of(context, inputs)
    case = find_case(case_key)
    meeting_key = key_of(inputs.get("meetingId") or case.meeting_key, "meeting", context.element_id)
    wanted = submissions.latest(case_key, "marac-invitations")
    if wanted is None:
        return
    approved = _approved(case_key, since=wanted.submitted_at)
    names = agencies.names(case.area_key)
    for row in submissions.read(wanted).get("invitations") or []:
        agency_key = key_of(row.get("agency"), "agency", context.element_id)
        guest = row.get("kind") == "GUEST"
        other = not guest and row.get("nonCoreType") == "OTHER"
        if other and agency_key not in approved:
            continue
        involve(case_key, agency_key, Ground.GUEST if guest else Ground.ATTENDEE)
        role = AttendeeRole.GUEST if guest else AttendeeRole.NON_CORE
        people = register.holders(
            Role.GUEST_REPRESENTATIVE if guest else Role.AGENCY_REPRESENTATIVE, agency_key=agency_key
        )
        for person in people:
            attendance.add(
                meeting_key,
                Who(person.name, "Guest" if guest else "Representative", names.get(agency_key, "")),
                user_key=person.key,
                agency_key=agency_key,
                role=role,
                non_core_type=None if guest else str(row.get("nonCoreType") or "").lower() or None,
                chair_approved=True if other else None,
                cases=[case_key],
            )
        if not people and row.get("invitee"):
            attendance.add(
                meeting_key,
                Who(str(row["invitee"]), "Guest" if guest else "Representative", names.get(agency_key, "")),
                agency_key=agency_key,
                role=role,
                cases=[case_key],
            )


def _approved(case_key: int, since: Any) -> set[int]:
    decision = submissions.latest(case_key, "marac-agency-approval")
    if decision is None or decision.submitted_at < since:
        return set()
    rows = submissions.read(decision).get("approvals") or []
    return {int(r["value"]) for r in rows if r.get("decision") == "APPROVE" and str(r.get("value")).isdigit()}


@operation(
    "issue-agenda",
    "Issue the agenda and the research requests",
    inputs={"meetingId?": "id"},
    outputs={"agendaCases": "list"},
)
def issue_agenda(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """C1: the agenda goes to every core SPOC and deputy; a guest gets its own line only. One notice per contact and meeting."""
    meeting_key = meeting_of(context, inputs)
    meeting = planning.find(meeting_key)
    meeting.state = MeetingState.AGENDA_ISSUED
    deadlines.meet(meeting_key, "agendaIssue")
    _put_in_order(meeting_key)
    listed = agenda.items(meeting_key)
    for item in listed:
        item.status = AgendaStatus.CIRCULATED
    documents.request("agenda", area_key=meeting.area_key, meeting_key=meeting_key, created_by=meeting.created_by)
    recipients: set[int] = set()
    core = agencies.agencies(meeting.area_key, (Tier.CORE,))
    cases = [item.case_key for item in listed]
    for agency in core:
        request_agenda(meeting, agency.key, cases)
    for agency_key, own in _invited(meeting_key).items():
        if agency_key not in {agency.key for agency in core}:
            request_agenda(meeting, agency_key, [key for key in cases if key in own], partial=True)
    for agency in core:
        contacts = agencies.contacts(agency.key, (ContactRole.SPOC, ContactRole.DEPUTY), available=True)
        recipients.update(contact.user_key for contact in contacts)
    recipients.update(a.user_key for a in attendance.of_meeting(meeting_key) if a.user_key is not None)
    notices.send(
        notices.Template.AGENDA_ISSUED,
        sorted(recipients),
        reference=meeting.reference,
        due=meeting.starts_at,
        path=f"/meetings/{meeting_key}",
        dedupe=f"agenda:{meeting_key}",
        area_key=meeting.area_key,
    )
    return {"agendaCases": [str(item.case_key) for item in listed]}


def _put_in_order(meeting_key: int) -> None:
    """The places that the Co-ordinator gave; a case listed after that comes last."""
    _, lines = prepared(meeting_key)
    for place, item in enumerate(
        sorted(agenda.items(meeting_key), key=lambda i: (lines.get(i.case_key, {}).get("order") or 100, i.position))
    ):
        item.position = place + 1


def _invited(meeting_key: int) -> dict[int, set[int]]:
    """The cases that each agency outside the core is invited for (DMN-M6 rows 3 to 5)."""
    found: dict[int, set[int]] = {}
    for person in attendance.of_meeting(meeting_key):
        if person.agency_key is not None and person.role in (AttendeeRole.NON_CORE, AttendeeRole.GUEST):
            found.setdefault(person.agency_key, set()).update(attendance.invited_cases(person.key))
    return found


def request_agenda(meeting: Meeting, agency_key: int, cases: list[int], *, partial: bool = False) -> None:
    """Ask for one agency's copy of the agenda, with the cases named; none for an agency without a case."""
    if not cases:
        return
    documents.request(
        "agenda",
        area_key=meeting.area_key,
        meeting_key=meeting.key,
        copy_holder=agency_key,
        for_agency=agency_key,
        created_by=meeting.created_by,
        params={"cases": cases, "partial": partial},
    )
