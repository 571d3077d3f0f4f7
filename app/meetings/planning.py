"""Planning a conference: its date, the deadlines that hang on it, and moving it by a recorded decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import feel
from app.agencies import parameters
from app.cases import deadlines
from app.cases.dossiers import next_reference, open_dossier, seal_for, unseal_for
from app.cases.models import DossierKind
from app.cases.timeline import note
from app.meetings.errors import MeetingMoved, UnknownMeeting, WrongMeetingDate
from app.meetings.models import Meeting, MeetingState
from app.store.clock import LONDON, business_now
from app.store.database import db

UPCOMING = (MeetingState.PLANNED, MeetingState.AGENDA_ISSUED)


@dataclass(frozen=True)
class Rule:
    """How one of a meeting's deadlines follows from its start.

    :param expression: FEEL over ``start`` (date and time) and ``params``.
    """

    name: str
    expression: str
    parameter: str
    source: str


_DAY_END = 'time("23:59:59@Europe/London")'
_ISSUE = "start - params.agendaLeadTime"

RULES = (
    Rule("meetingStart", "start", "", "the co-ordinator's plan"),
    Rule("agendaReminder", "start - params.agendaReminderLead", "agendaReminderLead", "design default"),
    Rule("agendaIssue", _ISSUE, "agendaLeadTime", "Hillingdon ISA 4; London DSA App D"),
    Rule("referralCutoff", _ISSUE, "agendaLeadTime", "Hillingdon ISA 4; London DSA App D"),
    Rule(
        "researchDue",
        "date and time(add working days(date(start), -params.researchDueWorkingDays),"
        ' time(string(params.researchDueTime) + "@Europe/London"))',
        "researchDueWorkingDays, researchDueTime",
        "design default",
    ),
    Rule("papersDestroyedDue", f"date and time(date(start), {_DAY_END})", "", "Hillingdon ISA 4 (Security)"),
    Rule(
        "actionListDue",
        f"date and time(add working days(date(start), params.actionListDueWorkingDays), {_DAY_END})",
        "actionListDueWorkingDays",
        "design default",
    ),
    Rule(
        "minutesDue",
        f"date and time(add working days(date(start), params.minutesDueWorkingDays), {_DAY_END})",
        "minutesDueWorkingDays",
        "design default",
    ),
)


def create(area_key: int, *, by: int, kind: str = "scheduled") -> Meeting:
    """Open a meeting with its dossier; it has no date yet."""
    dossier = open_dossier(DossierKind.MEETING, area_key)
    meeting = Meeting(
        key=dossier.key,
        area_key=area_key,
        reference=next_reference(area_key, "MEETING"),
        kind=kind,
        created_by=by,
        created_at=dossier.created_at,
    )
    db.session.add(meeting)
    db.session.flush()
    note(meeting.key, "meeting-opened", title="Meeting opened", actor=by)
    return meeting


def find(meeting_key: int) -> Meeting:
    """:raises UnknownMeeting: no such meeting."""
    row = db.session.get(Meeting, meeting_key)
    if row is None:
        raise UnknownMeeting("There is no such meeting.", resource_id=str(meeting_key))
    return row


def instants(area_key: int, starts_at: datetime) -> dict[str, datetime]:
    """Every deadline of a meeting that starts then, by name."""
    start = starts_at.astimezone(LONDON)
    values: Mapping[str, Any] = parameters.values(area_key)
    env = feel.Environment(now=business_now, params=values)
    found = {}
    for rule in RULES:
        at = feel.to_python(feel.evaluate(rule.expression, {"start": feel.from_python(start)}, env))
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise WrongMeetingDate(f"The deadline {rule.name} cannot be worked out: check {rule.parameter}.")
        found[rule.name] = at
    return found


def plan(meeting_key: int, starts_at: datetime, *, venue: str, mode: str, by: int | None) -> Meeting:
    """Give a meeting its date and set the deadlines that hang on it.

    :raises WrongMeetingDate: in the past.
    """
    meeting = find(meeting_key)
    if starts_at <= business_now():
        raise WrongMeetingDate("The meeting must start in the future.", resource_id=str(meeting_key))
    meeting.starts_at, meeting.mode = starts_at, mode
    meeting.venue = seal_for(meeting_key, venue, "venue")
    at = instants(meeting.area_key, starts_at)
    for rule in RULES:
        deadlines.record(
            meeting_key,
            rule.name,
            at[rule.name],
            rule=rule.expression,
            parameter=rule.parameter,
            source=rule.source,
            by=by,
        )
    note(meeting_key, "meeting-planned", actor=by, facts={"startsAt": starts_at.isoformat()})
    return meeting


def move(meeting_key: int, starts_at: datetime, *, by: int, reason: str, rearm: deadlines.Rearm) -> Meeting:
    """Move a meeting's date: a recorded decision that moves every deadline and re-arms every timer that hangs on it.

    :raises MeetingMoved: it has begun or ended. :raises WrongMeetingDate: in the past.
    """
    meeting = find(meeting_key)
    if meeting.state not in UPCOMING:
        raise MeetingMoved("This meeting has begun, so its date cannot be moved.", resource_id=str(meeting_key))
    if starts_at <= business_now():
        raise WrongMeetingDate("The new date must be in the future.", resource_id=str(meeting_key))
    at = instants(meeting.area_key, starts_at)
    for rule in RULES:
        current = deadlines.current(meeting_key, rule.name)
        if current is not None and current.met_at is None and current.due_at != at[rule.name]:
            deadlines.move(meeting_key, rule.name, at[rule.name], by=by, reason=reason, rearm=rearm)
    note(
        meeting_key,
        "meeting-moved",
        actor=by,
        facts={
            "from": meeting.starts_at.isoformat() if meeting.starts_at else "",
            "to": starts_at.isoformat(),
        },
    )
    meeting.starts_at = starts_at
    return meeting


def venue_of(meeting: Meeting) -> str:
    """Where it is held."""
    return str(unseal_for(meeting.key, meeting.venue, "venue")) if meeting.venue else ""


def upcoming(area_key: int, after: datetime | None = None, kind: str | None = None) -> list[Meeting]:
    """Meetings planned to start after an instant (now when None), soonest first."""
    query = select(Meeting).where(
        Meeting.area_key == area_key,
        Meeting.starts_at > (after or business_now()),
        Meeting.state.in_([str(s) for s in UPCOMING]),
    )
    if kind is not None:
        query = query.where(Meeting.kind == kind)
    return list(db.session.execute(query.order_by(Meeting.starts_at)).scalars())


def meetings(area_key: int, limit: int = 100) -> list[Meeting]:
    """The latest meetings of an area, newest first; those without a date first."""
    return list(
        db.session.execute(
            select(Meeting)
            .where(Meeting.area_key == area_key)
            .order_by(Meeting.starts_at.is_not(None), Meeting.starts_at.desc(), Meeting.key.desc())
            .limit(limit)
        ).scalars()
    )


def previous(meeting: Meeting) -> Meeting | None:
    """The meeting before this one in the same area."""
    return db.session.execute(
        select(Meeting)
        .where(
            Meeting.area_key == meeting.area_key,
            Meeting.key != meeting.key,
            Meeting.starts_at < (meeting.starts_at or business_now()),
            Meeting.state != MeetingState.CANCELLED,
        )
        .order_by(Meeting.starts_at.desc())
        .limit(1)
    ).scalar()


def length(cases: int, area_key: int) -> timedelta:
    """How long a meeting with so many cases takes (``caseSlot``; 01-marac §3)."""
    slot = feel.to_json(parameters.values(area_key).get("caseSlot"))
    minutes = feel.evaluate('duration(v) / duration("PT1M")', {"v": slot}) if isinstance(slot, str) else None
    return timedelta(minutes=float(minutes or 15)) * cases
