"""The meetings that somebody may know of."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.access import decide
from app.identity.person import Person
from app.meetings import attendance
from app.meetings.models import Meeting, MeetingState
from app.meetings.planning import UPCOMING
from app.store.database import db

_TO_COME = (*UPCOMING, MeetingState.IN_SESSION)
_CHUNK = 100


def to_come(person: Person) -> list[Meeting]:
    """Those planned and the one that is held now, soonest first; those without a date last."""
    if person.area_key is None:
        return []
    soonest = (
        select(Meeting)
        .where(Meeting.area_key == person.area_key, Meeting.state.in_([str(state) for state in _TO_COME]))
        .order_by(Meeting.starts_at.is_(None), Meeting.starts_at, Meeting.key)
    )
    return _known(person, db.session.execute(soonest).scalars().all())


def over(person: Person, limit: int) -> list[Meeting]:
    """Those held or cancelled, latest first, at most ``limit`` of them."""
    if person.area_key is None:
        return []
    latest = (
        select(Meeting)
        .where(Meeting.area_key == person.area_key, Meeting.state.not_in([str(state) for state in _TO_COME]))
        .order_by(Meeting.starts_at.is_(None), Meeting.starts_at.desc(), Meeting.key.desc())
        .limit(_CHUNK)
    )
    found: list[Meeting] = []
    for start in range(0, limit * _CHUNK, _CHUNK):  # few of an area's meetings may be the person's
        rows = db.session.execute(latest.offset(start)).scalars().all()
        found += _known(person, rows)
        if len(found) >= limit or len(rows) < _CHUNK:
            break
    return found[:limit]


def _known(person: Person, meetings: Collection[Meeting]) -> list[Meeting]:
    attendance.fetch([meeting.key for meeting in meetings])
    return [meeting for meeting in meetings if decide.may_know_of(person, attendance.facts_of(meeting))]
