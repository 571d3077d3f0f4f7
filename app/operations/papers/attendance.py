"""The confidentiality statement with its attendance sheet (01-marac D1–D4)."""

from __future__ import annotations

from app.cases.dossiers import find_case
from app.documents import statement
from app.documents.content.attendance import (
    AttendanceRow,
    AttendanceSheet,
    AttendeeRole,
    Mode,
    Ruling,
    RulingRow,
    SignedBy,
)
from app.documents.models import Document
from app.meetings import attendance, planning
from app.operations.papers.common import header, meeting_details, person_name

ROLES = {
    "core": AttendeeRole.CORE,
    "nonCore": AttendeeRole.NON_CORE,
    "guest": AttendeeRole.GUEST,
    "observer": AttendeeRole.OBSERVER,
}
RULINGS = {"continue": Ruling.CONTINUE, "continueRestricted": Ruling.RESTRICTED, "excluded": Ruling.EXCLUDED}
SIGNED = {"account": SignedBy.ACCOUNT, "device": SignedBy.ROOM_DEVICE, "link": SignedBy.LINK}


def build_attendance(document: Document) -> AttendanceSheet:
    """Fill the sheet."""
    meeting = planning.find(document.meeting_key or 0)
    rows, rulings = [], []
    for person in attendance.of_meeting(meeting.key):
        who = attendance.who_is(person)
        rows.append(
            AttendanceRow(
                name=who.name,
                job_title=who.job_title,
                organisation=who.organisation,
                mode=Mode.VIRTUAL if person.mode == "virtual" else Mode.IN_PERSON,
                role=ROLES[person.role],
                signed_at=person.signed_at,
                signed_by=SIGNED.get(person.signed_via or ""),
                witnessed_by=person_name(person.witnessed_by),
                cases_admitted=tuple(find_case(k).reference for k in sorted(attendance.invited_cases(person.key))),
                privacy_confirmed=person.virtual_privacy,
            )
        )
        if person.can_comply is False and person.ruling is not None:
            rulings.append(
                RulingRow(
                    name=who.name,
                    organisation=who.organisation,
                    reason=attendance.reason_of(person),
                    ruling=RULINGS[person.ruling],
                    ruled_by=person_name(person.ruled_by),
                    ruled_at=meeting.statement_read_at or document.created_at,
                )
            )
    return AttendanceSheet(
        header=header(document),
        meeting=meeting_details(meeting),
        statement=statement.statement(meeting.statement_version or attendance.STATEMENT_VERSION),
        read_by=person_name(meeting.statement_read_by),
        read_at=meeting.statement_read_at,
        rows=tuple(rows),
        rulings=tuple(rulings),
    )
