"""The agenda: which cases a meeting hears, in which order, and how far each is."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from app.cases.dossiers import find_case
from app.cases.models import Case
from app.cases.timeline import note
from app.meetings.errors import MeetingMoved
from app.meetings.models import AgendaItem, AgendaStatus, Meeting, MeetingState
from app.meetings.planning import find
from app.store.clock import business_now
from app.store.database import db

GONE = (AgendaStatus.WITHDRAWN,)


def items(meeting_key: int, *, withdrawn: bool = False) -> list[AgendaItem]:
    """The agenda in order."""
    query = select(AgendaItem).where(AgendaItem.meeting_key == meeting_key)
    if not withdrawn:
        query = query.where(AgendaItem.status.not_in([str(s) for s in GONE]))
    return list(db.session.execute(query.order_by(AgendaItem.position, AgendaItem.key)).scalars())


def item_of(meeting_key: int, case_key: int) -> AgendaItem | None:
    """The line of a case on a meeting's agenda."""
    return db.session.execute(
        select(AgendaItem).where(AgendaItem.meeting_key == meeting_key, AgendaItem.case_key == case_key)
    ).scalar_one_or_none()


def add(meeting_key: int, case_key: int, *, by: int | None) -> AgendaItem:
    """Put a case on a meeting's agenda; it leaves the agenda it was waiting on. Adding it twice changes nothing.

    :raises MeetingMoved: its agenda has been issued: research has gone out without this case.
    """
    meeting = find(meeting_key)
    if meeting.state != MeetingState.PLANNED:
        raise MeetingMoved(
            "The agenda of this meeting has been issued; choose a later one.", resource_id=str(meeting_key)
        )
    case = find_case(case_key)
    if case.meeting_key not in (None, meeting_key):
        earlier = item_of(case.meeting_key or 0, case_key)
        if earlier is not None and earlier.status in (AgendaStatus.LISTED, AgendaStatus.CIRCULATED):
            earlier.status = AgendaStatus.WITHDRAWN
    row = item_of(meeting_key, case_key)
    if row is None:
        last = db.session.execute(
            select(func.max(AgendaItem.position)).where(AgendaItem.meeting_key == meeting_key)
        ).scalar()
        row = AgendaItem(meeting_key=meeting_key, case_key=case_key, position=(last or 0) + 1, added_at=business_now())
        db.session.add(row)
    row.status = AgendaStatus.LISTED
    case.meeting_key = meeting_key
    note(case_key, "listed", title=meeting.reference, actor=by, facts={"meeting": str(meeting_key)})
    db.session.flush()
    return row


def set_status(meeting_key: int, case_key: int, status: AgendaStatus) -> None:
    """Move a line of the agenda on."""
    row = item_of(meeting_key, case_key)
    if row is None:
        return
    row.status = status
    if status is AgendaStatus.IN_DISCUSSION:
        row.opened_at = business_now()
    if status in (AgendaStatus.HEARD, AgendaStatus.ADJOURNED):
        row.closed_at = business_now()


def cases(meeting_key: int) -> list[Case]:
    """The cases on the agenda in order."""
    found = [db.session.get(Case, item.case_key) for item in items(meeting_key)]
    return [case for case in found if case is not None]


def meetings_of(case_key: int) -> list[int]:
    """Every meeting on whose agenda a case stands or stood, oldest first."""
    found = select(AgendaItem.meeting_key).where(AgendaItem.case_key == case_key).order_by(AgendaItem.key)
    return list(dict.fromkeys(db.session.execute(found).scalars()))


def lines_of(case_keys: Collection[int]) -> dict[int, AgendaItem]:
    """The latest line of each case on any agenda, by case; cases on none are left out."""
    rows = db.session.execute(
        select(AgendaItem)
        .where(AgendaItem.case_key.in_(case_keys), AgendaItem.status != AgendaStatus.WITHDRAWN)
        .order_by(AgendaItem.key)
    ).scalars()
    return {row.case_key: row for row in rows}


def meeting_hearing(case_key: int) -> Meeting | None:
    """The latest meeting on whose agenda a case stands."""
    return db.session.execute(
        select(Meeting)
        .join(AgendaItem, AgendaItem.meeting_key == Meeting.key)
        .where(AgendaItem.case_key == case_key, AgendaItem.status != AgendaStatus.WITHDRAWN)
        .order_by(AgendaItem.key.desc())
        .limit(1)
    ).scalar()
