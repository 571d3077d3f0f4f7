"""What stands above the work list, in one statement: how many tasks each of its views has, and which research sheets wait.

What the procedures to be started depend on is read along: see :func:`app.work.starting.startable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, func, select, true

from app.agencies.models import Area
from app.cases.models import Case
from app.identity.person import Person
from app.runtime import releases
from app.store.database import db
from app.work.inbox import LISTED, count
from app.work.models import WorkItem
from app.work.reach import ANYBODY, Way, asker, scope, views_of, way
from app.work.research import SHEET


@dataclass(frozen=True, slots=True)
class Overview:
    """What waits for a person.

    :ivar counts: how many open tasks each view has, up to one more than :data:`app.work.inbox.LISTED`.
    :ivar sheets: how many research tasks wait for the person or their team, by the key of the meeting.
    """

    counts: dict[str, int]
    sheets: dict[int, int]


def overview(person: Person) -> Overview:
    """What waits for a person now."""
    views = views_of(person)
    rows = db.session.execute(_asked(views, way(person)), {**asker(person), "most": LISTED + 1}).all()
    *numbers, _, _, newest, _ = rows[0]
    if person.area_key is not None:
        releases.read_already(person.area_key, newest)
    return Overview(
        counts=dict(zip(views, numbers, strict=True)),
        sheets={row.meeting_key: row.number for row in rows if row.meeting_key is not None},
    )


@cache
def _asked(views: tuple[str, ...], how: Way) -> Select[Any]:
    """The counts, beside each of the sheets, or beside nothing when no sheet waits."""
    counts = select(*(count(scope(view, how)).scalar_subquery().label(view) for view in views)).subquery("counts")
    sheets = (
        select(Case.meeting_key, func.count().label("number"))
        .select_from(WorkItem)
        .join(Case, Case.key == WorkItem.case_key)
        .where(scope("team", how), Case.meeting_key.is_not(None), WorkItem.properties["sheet"].as_string() == SHEET)
        .group_by(Case.meeting_key)
        .subquery("sheets")
    )
    newest = releases.newest_of(ANYBODY.area).scalar_subquery()
    beside = counts.outerjoin(sheets, true()).outerjoin(Area, Area.key == ANYBODY.area)
    return select(counts, sheets, newest, Area).select_from(beside)
