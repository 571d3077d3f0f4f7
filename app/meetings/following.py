"""What hangs on a deadline that is moved follows it, by its own rule (DESIGN rule 4; docs/decisions/0002-deadlines-drawn.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import select

from app import feel
from app.agencies import parameters
from app.cases import deadlines
from app.cases.models import Deadline
from app.meetings.models import AgendaItem, Meeting
from app.runtime.errors import Fault
from app.runtime.language import instant_of
from app.store.clock import business_now
from app.store.database import db

NEARLY = timedelta(minutes=1)  # between what `now()` was for a rule, and when its deadline was entered
Deadlines = Callable[[str], datetime | None]


def follow(
    meeting: Meeting,
    name: str,
    moved: tuple[datetime, datetime],
    *,
    but: Collection[str],
    by: int,
    reason: str,
    rearm: deadlines.Rearm,
) -> None:
    """Move the deadlines of a meeting, and of the cases on its agenda, whose rule looks at one that has just been moved.

    Each goes where its rule now puts it, but not into the past. One that stands elsewhere than its rule put it was given its own time by a
    decision, and stays.

    :param moved: from when to when.
    :param but: the meeting's own that its diagram has worked out.
    """
    before, after = moved
    listed = select(AgendaItem.case_key).where(AgendaItem.meeting_key == meeting.key)
    for dossier in (meeting.key, *db.session.execute(listed).scalars().all()):
        for each in deadlines.in_force(dossier):
            if (
                each.met_at is not None
                or f'deadline("{name}")' not in each.rule
                or (dossier == meeting.key and each.name in but)
            ):
                continue
            others = _deadlines_of(dossier, meeting.key)
            entered = _entered(each)
            was = _instant(each.rule, meeting.area_key, entered, entered, _with(others, name, before))
            if was is None or abs(was - each.due_at) > NEARLY:
                continue
            now = business_now()
            at = _instant(each.rule, meeting.area_key, entered, now, _with(others, name, after))
            if at is not None and (at := max(at, now)) != each.due_at:
                deadlines.move(dossier, each.name, at, by=by, reason=reason, rearm=rearm)


def _instant(rule: str, area_key: int, now: datetime, agreed: datetime, deadline: Deadlines) -> datetime | None:
    """Where a rule puts a deadline; None for one that looks at more than deadlines, parameters and the clock.

    :param now: what ``now()`` is: when the deadline was first entered, so that half of the time that was left stays half.
    :param agreed: as of when the parameters count.
    """
    env = feel.Environment(now=lambda: now, params=parameters.values(area_key, agreed), deadline=deadline)
    try:
        return instant_of(feel.evaluate(rule.strip().removeprefix("="), {}, env), "The rule")
    except (feel.FeelError, Fault):
        return None


def _entered(row: Deadline) -> datetime:
    """When a deadline was first entered, however often it has been moved since."""
    at, earlier = row.set_at, row.moved_from
    while earlier is not None:
        asked = select(Deadline.set_at, Deadline.moved_from).where(Deadline.key == earlier)
        found = db.session.execute(asked).one()
        at, earlier = found.set_at, found.moved_from
    return at


def _deadlines_of(dossier: int, meeting_key: int) -> Deadlines:
    def due(name: str) -> datetime | None:
        found = deadlines.current(dossier, name) or deadlines.current(meeting_key, name)
        return found.due_at if found is not None else None

    return due


def _with(others: Deadlines, name: str, at: datetime) -> Deadlines:
    return lambda wanted: at if wanted == name else others(wanted)
