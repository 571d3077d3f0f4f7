"""Who attends: invitation, whether they can comply, the Chair's ruling, the signature. Nobody unsigned gets case data (D4g)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from app.access.facts import Attendance, MeetingFacts, Stage
from app.cases.dossiers import seal_for, unseal_for
from app.cases.timeline import note
from app.meetings import agenda
from app.meetings.errors import MeetingMoved, UnknownMeeting
from app.meetings.models import (
    AgendaStatus,
    Attendee,
    AttendeeCase,
    AttendeeRole,
    Meeting,
    MeetingState,
    Ruling,
)
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.flushing import written_alike
from app.store.shelf import rows_of

STATEMENT_VERSION = "1"


@dataclass(frozen=True)
class Who:
    """An attendee's particulars (F-M6): sealed, for some of them have no account."""

    name: str
    job_title: str = ""
    organisation: str = ""


def find(attendee_key: int) -> Attendee:
    """:raises UnknownMeeting: no such attendee."""
    row = db.session.get(Attendee, attendee_key)
    if row is None:
        raise UnknownMeeting("There is no such attendee.", resource_id=str(attendee_key))
    return row


def who_is(attendee: Attendee) -> Who:
    """The particulars of an attendee."""
    value = unseal_for(attendee.meeting_key, attendee.sealed, f"attendee:{attendee.key}")
    assert isinstance(value, dict)
    return Who(value["name"], value.get("jobTitle", ""), value.get("organisation", ""))


def add(
    meeting_key: int,
    who: Who,
    *,
    user_key: int | None = None,
    agency_key: int | None = None,
    role: AttendeeRole = AttendeeRole.CORE,
    mode: str = "inPerson",
    non_core_type: str | None = None,
    chair_approved: bool | None = None,
    cases: Iterable[int] = (),
) -> Attendee:
    """Add an attendee; somebody with an account is added once. Cases name what a non-core or guest attendee is invited for."""
    row = None
    if user_key is not None:
        row = attendee_for(meeting_key, user_key)
    wanted = set(cases)
    if row is None:
        have: set[int] = set()
        row = Attendee(key=new_key(), meeting_key=meeting_key, user_key=user_key, joined_at=business_now())
        row.role, row.agency_key, row.mode = role, agency_key, mode
        row.sealed = seal_for(
            meeting_key,
            {"name": who.name, "jobTitle": who.job_title, "organisation": who.organisation},
            f"attendee:{row.key}",
        )
        db.session.add(row)
    else:
        have = invited_cases(row.key) if wanted else set()
    if non_core_type is not None:
        row.non_core_type = non_core_type
    if chair_approved is not None:
        row.chair_approved = chair_approved
    for case_key in sorted(wanted - have):
        db.session.add(AttendeeCase(attendee=row, attendee_key=row.key, case_key=case_key))
    return row


def fetch(meeting_keys: Collection[int]) -> None:
    """Read the attendees of several meetings in one statement: those of each are then known."""
    if meeting_keys:
        rows_of(Attendee.meeting_key, meeting_keys, Attendee)


def of_meeting(meeting_key: int) -> list[Attendee]:
    """Attendees in the order they were added."""
    return rows_of(Attendee.meeting_key, (meeting_key,), Attendee)[meeting_key]


def attendee_for(meeting_key: int, user_key: int) -> Attendee | None:
    """The attendee that a user is at a meeting."""
    return next((row for row in of_meeting(meeting_key) if row.user_key == user_key), None)


def invited_cases(attendee_key: int) -> set[int]:
    """Cases a non-core or guest attendee is invited for."""
    return {row.case_key for row in _cases_of((attendee_key,))[attendee_key]}


def _cases_of(attendee_keys: Collection[int]) -> dict[int, list[AttendeeCase]]:
    return rows_of(AttendeeCase.attendee_key, attendee_keys, AttendeeCase)


def record_compliance(attendee_key: int, *, can_comply: bool, reason: str, ruling: Ruling | None, by: int) -> Attendee:
    """Record what an attendee said of the statement, and the Chair's ruling on somebody who cannot comply (D1).

    :raises MeetingMoved: somebody cannot comply and there is no ruling.
    """
    row = find(attendee_key)
    if not can_comply and ruling is None:
        raise MeetingMoved("The Chair must rule on somebody who cannot comply.", resource_id=str(attendee_key))
    row.can_comply, row.ruling, row.ruled_by = can_comply, (None if can_comply else ruling), by
    row.sealed_reason = seal_for(row.meeting_key, reason, f"attendee-reason:{row.key}") if reason else None
    written_alike(row, "can_comply", "ruling", "ruled_by", "sealed_reason")
    if not can_comply:
        note(row.meeting_key, "ruling", title=str(ruling), actor=by, facts={"attendee": str(row.key)})
    return row


def cannot_comply(attendee_key: int, *, reason: str, by: int | None) -> Attendee:
    """Somebody says when asked to sign that they cannot keep to the statement: they wait for the Chair's ruling, unsigned."""
    row = find(attendee_key)
    row.can_comply, row.ruling, row.ruled_by = False, None, None
    row.sealed_reason = seal_for(row.meeting_key, reason, f"attendee-reason:{row.key}") if reason else None
    note(row.meeting_key, "cannot-comply", actor=by, facts={"attendee": str(row.key)})
    return row


def restrict(attendee_key: int, cases: Iterable[int]) -> None:
    """The Chair lets somebody hear some cases only (London DSA App E); nobody gains a case that they were not invited for."""
    row, wanted = find(attendee_key), set(cases)
    have = invited_cases(attendee_key)
    if row.role == AttendeeRole.CORE:
        for case_key in wanted - have:
            db.session.add(AttendeeCase(attendee_key=attendee_key, case_key=case_key))
    for case_key in have - wanted:
        db.session.delete(_for_case(attendee_key, case_key))


def reason_of(attendee: Attendee) -> str:
    """Why an attendee cannot comply."""
    if attendee.sealed_reason is None:
        return ""
    return str(unseal_for(attendee.meeting_key, attendee.sealed_reason, f"attendee-reason:{attendee.key}"))


def require_admitted(row: Attendee) -> None:
    """:raises MeetingMoved: the Chair has excluded the person, or has not yet ruled."""
    if row.ruling == Ruling.EXCLUDED or (row.can_comply is False and row.ruling is None):
        raise MeetingMoved("The Chair has not admitted this person to the meeting.", resource_id=str(row.key))


def sign(attendee_key: int, *, via: str, witnessed_by: int | None = None) -> Attendee:
    """Record a signature under the confidentiality statement. Signing again changes nothing.

    :param via: ``account``, ``device`` (the room's device, witnessed) or ``link``.
    :raises MeetingMoved: the Chair has excluded the person, or has not yet ruled.
    """
    row = find(attendee_key)
    require_admitted(row)
    if row.signed_at is None:
        row.signed_at, row.signed_via, row.witnessed_by = business_now(), via, witnessed_by
        row.statement_version = STATEMENT_VERSION
        note(row.meeting_key, "signed", actor=row.user_key, facts={"attendee": str(row.key), "via": via})
    return row


def mark_absent(attendee_key: int, absent: bool, *, by: int) -> Attendee:
    """Record that somebody expected is not here, or has come after all. The conference does not wait for who is not here.

    :raises MeetingMoved: they have signed, so they were here.
    """
    row = find(attendee_key)
    if row.signed_at is not None:
        raise MeetingMoved("This person has signed the attendance sheet.", resource_id=str(attendee_key))
    row.apologies = absent
    note(row.meeting_key, "absent" if absent else "arrived", actor=by, facts={"attendee": str(row.key)})
    return row


def read_statement(meeting_key: int, *, by: int) -> None:
    """The Chair has read the confidentiality statement aloud (D3)."""
    meeting = db.session.get(Meeting, meeting_key)
    if meeting is not None:
        meeting.statement_version, meeting.statement_read_at = STATEMENT_VERSION, business_now()
        meeting.statement_read_by = by
        if meeting.state in (MeetingState.PLANNED, MeetingState.AGENDA_ISSUED):
            meeting.state = MeetingState.IN_SESSION


def admit(meeting_key: int, case_key: int) -> list[Attendee]:
    """Admit those invited for a case while it is discussed (D6.1); who is now in the room for it."""
    now, admitted = business_now(), []
    for attendee, row in _invited_for(meeting_key, case_key):
        if attendee.ruling != Ruling.EXCLUDED:
            row.admitted_at, row.released_at = now, None
            admitted.append(attendee)
    return admitted


def release(meeting_key: int, case_key: int) -> None:
    """Release those who were admitted for a case (D6.9)."""
    for _, row in _invited_for(meeting_key, case_key):
        if row.admitted_at is not None and row.released_at is None:
            row.released_at = business_now()


def _invited_for(meeting_key: int, case_key: int) -> list[tuple[Attendee, AttendeeCase]]:
    """The attendees who are there for named cases, of those whom this case is among."""
    people = of_meeting(meeting_key)
    own = _cases_of([attendee.key for attendee in people])
    return [(attendee, row) for attendee in people for row in own[attendee.key] if row.case_key == case_key]


def _for_case(attendee_key: int, case_key: int) -> AttendeeCase | None:
    return next((row for row in _cases_of((attendee_key,))[attendee_key] if row.case_key == case_key), None)


def _attendance(row: Attendee, own: AttendeeCase | None, *, one_case: bool) -> Attendance:
    admitted, ruling = True, row.ruling
    if one_case and _by_case(row):
        if ruling == Ruling.RESTRICTED and own is not None:
            ruling = Ruling.CONTINUE
        admitted = own is not None and own.admitted_at is not None and own.released_at is None
    return Attendance(
        kind=row.role,
        signed=row.signed_at is not None,
        admitted=admitted,
        can_comply=row.can_comply,
        ruling=ruling,
    )


def _by_case(row: Attendee) -> bool:
    """Whether somebody is in the room for named cases only: not of a core agency, or restricted by the Chair."""
    return row.role != AttendeeRole.CORE or row.ruling == Ruling.RESTRICTED


def attending(case_keys: Collection[int]) -> Mapping[int, tuple[Mapping[int, Attendance], bool]]:
    """For access: who attends the meeting that hears each case, and whether its discussion is open now."""
    lines = agenda.lines_of(case_keys)
    meetings = {line.meeting_key for line in lines.values()}
    people = rows_of(Attendee.meeting_key, meetings, Attendee)
    guests = [row.key for found in people.values() for row in found if _by_case(row)]
    admitted = {(own.attendee_key, own.case_key): own for rows in _cases_of(guests).values() for own in rows}
    return {
        case_key: (
            {
                row.user_key: _attendance(row, admitted.get((row.key, case_key)), one_case=True)
                for row in people.get(line.meeting_key, [])
                if row.user_key is not None
            },
            line.status == AgendaStatus.IN_DISCUSSION,
        )
        for case_key, line in lines.items()
    }


_STAGES = {
    MeetingState.PLANNED: Stage.PLANNED,
    MeetingState.AGENDA_ISSUED: Stage.CIRCULATED,
    MeetingState.IN_SESSION: Stage.IN_SESSION,
    MeetingState.CLOSED: Stage.CLOSED,
    MeetingState.MINUTES_ISSUED: Stage.CLOSED,
    MeetingState.CANCELLED: Stage.CLOSED,
}


def facts_of(meeting: Meeting) -> MeetingFacts:
    """A meeting as access sees it."""
    rows = of_meeting(meeting.key)
    return MeetingFacts(
        meeting_key=meeting.key,
        area_key=meeting.area_key,
        stage=_STAGES[MeetingState(meeting.state)],
        invited={row.agency_key: row.role for row in rows if row.agency_key is not None},
        attendance={row.user_key: _attendance(row, None, one_case=False) for row in rows if row.user_key is not None},
        presiding=meeting.presiding_key,
    )
