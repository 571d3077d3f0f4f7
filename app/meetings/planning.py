"""Planning a conference: its date, the deadlines that hang on it, and moving it by a recorded decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app import feel
from app.agencies import parameters
from app.cases import deadlines
from app.cases.dossiers import next_reference, open_dossier, seal_for, unseal_for
from app.cases.models import DossierKind
from app.cases.timeline import note
from app.meetings.errors import MeetingMoved, UnknownMeeting, WrongMeetingDate
from app.meetings.following import follow
from app.meetings.models import Meeting, MeetingMove, MeetingState
from app.runtime.language import to_plain
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.remembering import once

UPCOMING = (MeetingState.PLANNED, MeetingState.AGENDA_ISSUED)


@dataclass(frozen=True)
class Rule:
    """Where one of a meeting's deadlines comes from. The instant itself is worked out in the diagram, from the same parameters.

    :param parameter: the names of the parameters that the rule uses.
    """

    rule: str
    parameter: str
    source: str


RULES: Mapping[str, Rule] = {
    "meetingStart": Rule("the date that was planned", "", "the co-ordinator's plan"),
    "agendaIssue": Rule(
        '=add days(deadline("meetingStart"), -params.agendaLeadTime)',
        "agendaLeadTime",
        "Hillingdon ISA 4; London DSA App D",
    ),
    "researchDue": Rule(
        '=date and time(add working days(date(deadline("meetingStart")), -params.researchDueWorkingDays), '
        "params.researchDueTime)",
        "researchDueWorkingDays, researchDueTime",
        "MARAC procedure, section 3",
    ),
    "papersDestroyedDue": Rule('=date(deadline("meetingStart"))', "", "Hillingdon ISA 4 (Security)"),
    "actionListDue": Rule(
        '=add working days(date(deadline("meetingStart")), params.actionListDueWorkingDays)',
        "actionListDueWorkingDays",
        "MARAC procedure, section 3",
    ),
    "minutesDue": Rule(
        '=add working days(date(deadline("meetingStart")), params.minutesDueWorkingDays)',
        "minutesDueWorkingDays",
        "MARAC procedure, section 3",
    ),
}
_AHEAD = ("agendaIssue", "researchDue")
Instants = Mapping[str, datetime]


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


def plan(meeting_key: int, starts_at: datetime, others: Instants, *, venue: str, mode: str, by: int | None) -> Meeting:
    """Give a meeting its date and set the deadlines that hang on it.

    :param others: the other deadlines by name, as the diagram worked them out.
    :raises WrongMeetingDate: in the past.
    """
    meeting = find(meeting_key)
    if starts_at <= business_now():
        raise WrongMeetingDate("The meeting must start in the future.", resource_id=str(meeting_key))
    meeting.starts_at, meeting.mode = starts_at, mode
    meeting.venue = seal_for(meeting_key, venue, "venue")
    for name, at in {"meetingStart": starts_at, **others}.items():
        rule = _rule_of(meeting, name, at)
        deadlines.record(meeting_key, name, at, rule=rule.rule, parameter=rule.parameter, source=rule.source, by=by)
    note(meeting_key, "meeting-planned", actor=by, facts={"startsAt": starts_at.isoformat()})
    return meeting


def _rule_of(meeting: Meeting, name: str, at: datetime) -> Rule:
    """The rule of a deadline with the values that its parameters have now; an emergency meeting gives no time ahead."""
    rule = RULES.get(name, Rule("", "", ""))
    if name in _AHEAD and at == meeting.starts_at:
        return Rule('=deadline("meetingStart")', "", rule.source)
    values = parameters.values(meeting.area_key)
    used = [f"{each} = {to_plain(values[each])}" for each in rule.parameter.split(", ") if each in values]
    return Rule(rule.rule, ", ".join(used), rule.source)


def decide_move(meeting_key: int, starts_at: datetime, *, by: int, reason: str) -> MeetingMove:
    """Record the decision to move a meeting. The diagram then works out what hangs on it and calls :func:`move`.

    :raises MeetingMoved: it has begun or ended. :raises WrongMeetingDate: in the past.
    """
    meeting = find(meeting_key)
    if meeting.state not in UPCOMING:
        raise MeetingMoved("This meeting has begun, so its date cannot be moved.", resource_id=str(meeting_key))
    if starts_at <= business_now():
        raise WrongMeetingDate("The new date must be in the future.", resource_id=str(meeting_key))
    row = MeetingMove(
        key=new_key(), meeting_key=meeting_key, from_at=meeting.starts_at, to_at=starts_at, by=by, at=business_now()
    )
    row.reason = seal_for(meeting_key, reason, f"move:{row.key}")
    db.session.add(row)
    return row


def is_running(meeting: Meeting) -> bool:
    """Whether a meeting is to come or in session."""
    return meeting.state in (*UPCOMING, MeetingState.IN_SESSION)


def decide_presiding(meeting_key: int, user_key: int | None, *, by: int, reason: str) -> Meeting:
    """Record who presides at a meeting: a deputy, or None for the Chair.

    :raises MeetingMoved: the meeting is over.
    """
    meeting = find(meeting_key)
    if not is_running(meeting):
        raise MeetingMoved("This meeting is over.", resource_id=str(meeting_key))
    meeting.presiding_key, meeting.presiding_by, meeting.presiding_at = user_key, by, business_now()
    meeting.presiding_reason = seal_for(meeting_key, reason, f"presiding:{meeting_key}")
    note(meeting_key, "presiding-decided", actor=by, facts={"user": str(user_key or "")})
    return meeting


def presiding_reason(meeting: Meeting) -> str:
    """Why somebody presides in the Chair's place."""
    sealed = meeting.presiding_reason
    return str(unseal_for(meeting.key, sealed, f"presiding:{meeting.key}")) if sealed else ""


def decide_cancel(meeting_key: int, *, by: int, reason: str) -> Meeting:
    """Record the decision to cancel a meeting. The diagram then ends what hangs on it.

    :raises MeetingMoved: it has begun or ended.
    """
    meeting = find(meeting_key)
    if meeting.state not in UPCOMING:
        raise MeetingMoved(
            "This meeting has begun or is over, so it cannot be cancelled.", resource_id=str(meeting_key)
        )
    meeting.cancelled_by, meeting.cancelled_at = by, business_now()
    meeting.cancelled_reason = seal_for(meeting_key, reason, f"cancelled:{meeting_key}")
    note(meeting_key, "meeting-cancelled", actor=by)
    return meeting


def cancel_reason(meeting: Meeting) -> str:
    """Why a meeting was cancelled."""
    sealed = meeting.cancelled_reason
    return str(unseal_for(meeting.key, sealed, f"cancelled:{meeting.key}")) if sealed else ""


def move(meeting_key: int, starts_at: datetime, others: Instants, rearm: deadlines.Rearm) -> Meeting:
    """Carry out the newest decision to move: every deadline moves, and every timer bound to one is re-armed."""
    meeting = find(meeting_key)
    decision = db.session.execute(
        select(MeetingMove).where(MeetingMove.meeting_key == meeting_key).order_by(MeetingMove.key.desc()).limit(1)
    ).scalar()
    if decision is None:
        raise MeetingMoved("Nobody has decided to move this meeting.", resource_id=str(meeting_key))
    reason = str(unseal_for(meeting_key, decision.reason, f"move:{decision.key}"))
    meeting.starts_at = starts_at
    for name, at in {"meetingStart": starts_at, **others}.items():
        current = deadlines.current(meeting_key, name)
        if current is not None and current.met_at is None and current.due_at != at:
            deadlines.move(meeting_key, name, at, by=decision.by, reason=reason, rearm=rearm)
            follow(meeting, name, (current.due_at, at), but=others, by=decision.by, reason=reason, rearm=rearm)
    note(
        meeting_key,
        "meeting-moved",
        actor=decision.by,
        facts={"from": decision.from_at.isoformat() if decision.from_at else "", "to": starts_at.isoformat()},
    )
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
    query = query.order_by(Meeting.starts_at)
    return list(
        once(("upcoming", area_key, after, kind), (Meeting,), lambda: db.session.execute(query).scalars().all())
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
