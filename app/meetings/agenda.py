"""The agenda: which cases a meeting hears, in which order, and how far each is."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from app.cases.dossiers import find_case
from app.cases.models import Case
from app.cases.timeline import note
from app.meetings.errors import MeetingMoved
from app.meetings.models import AgendaItem, AgendaStatus, Meeting, MeetingState
from app.meetings.planning import find
from app.store.clock import business_now
from app.store.database import db
from app.store.flushing import written_alike
from app.store.shelf import fetch, rows_of

GONE = (AgendaStatus.WITHDRAWN,)


def items(meeting_key: int, *, withdrawn: bool = False) -> list[AgendaItem]:
    """The agenda in order."""
    found = [row for row in _lines(meeting_key) if withdrawn or row.status not in GONE]
    return sorted(found, key=lambda row: (row.position, row.key))


def item_of(meeting_key: int, case_key: int) -> AgendaItem | None:
    """The line of a case on a meeting's agenda."""
    return next((row for row in _lines(meeting_key) if row.case_key == case_key), None)


def _lines(meeting_key: int) -> list[AgendaItem]:
    return rows_of(AgendaItem.meeting_key, (meeting_key,), AgendaItem)[meeting_key]


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
        last = max((line.position for line in _lines(meeting_key)), default=0)
        row = AgendaItem(meeting_key=meeting_key, case_key=case_key, position=last + 1, added_at=business_now())
        db.session.add(row)
    row.status = AgendaStatus.LISTED
    case.meeting_key = meeting_key
    note(case_key, "listed", title=meeting.reference, actor=by, facts={"meeting": str(meeting_key)})
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
    written_alike(row, "status", "opened_at", "closed_at")


def cases(meeting_key: int) -> list[Case]:
    """The cases on the agenda in order."""
    lines = items(meeting_key)
    fetch(Case, [line.case_key for line in lines])
    found = [db.session.get(Case, line.case_key) for line in lines]
    return [case for case in found if case is not None]


def meetings_of(case_key: int) -> list[int]:
    """Every meeting on whose agenda a case stands or stood, oldest first."""
    found = select(AgendaItem.meeting_key).where(AgendaItem.case_key == case_key).order_by(AgendaItem.key)
    return list(dict.fromkeys(db.session.execute(found).scalars()))


def lines_of(case_keys: Collection[int]) -> dict[int, AgendaItem]:
    """The latest line of each case on any agenda, by case; cases on none are left out."""
    found = rows_of(AgendaItem.case_key, case_keys, AgendaItem)
    return {row.case_key: row for rows in found.values() for row in rows if row.status != AgendaStatus.WITHDRAWN}


def meeting_hearing(case_key: int) -> Meeting | None:
    """The latest meeting on whose agenda a case stands."""
    line = lines_of((case_key,)).get(case_key)
    return db.session.get(Meeting, line.meeting_key) if line is not None else None
