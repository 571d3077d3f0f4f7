"""The work list of a person: mine, my team's, and what a co-ordinator oversees. Overdue first, then soonest due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, ScalarSelect, Select, bindparam, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, load_only

from app.access.permissions import Permission
from app.agencies import service as agencies
from app.agencies.models import Agency
from app.cases.clearance import names_for_all
from app.cases.models import Case
from app.cases.search import cases_named
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.store.clock import business_now
from app.store.database import db
from app.work.eligibility import allowed
from app.work.models import Candidate, ItemState, WorkItem
from app.work.reach import Way, asker, scope, views_of, way

LISTED = 1_000  # nobody reads on: who has more narrows the list

# What a line says of an item; anything else of it is read when it is asked for, item by item.
_SHOWN = ("area_key", "agency_key", "assignee", "case_key", "deadline", "due_at", "meeting_key", "name")

# An item, its case, and the names of its agency and of who has it.
_Line = tuple[WorkItem, Case | None, str | None, str | None]


@dataclass(frozen=True)
class InboxRow:
    """One line of the list. ``parties`` is empty for those not cleared to see names."""

    item: WorkItem
    reference: str
    agency_name: str
    holder_name: str | None
    parties: list[str]
    overdue: bool


@dataclass(frozen=True)
class InboxPage:
    """One page of results.

    :ivar total: how many there are; one more than :data:`LISTED` where there are more than those, which have no page.
    """

    rows: list[InboxRow]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        return _pages(self.total, self.size)

    @property
    def cut(self) -> bool:
        """Whether there are more than are listed."""
        return self.total > LISTED


def _pages(total: int, size: int) -> int:
    return max(1, -(-min(total, LISTED) // size))


def count(*conditions: ColumnElement[bool]) -> Select[int]:
    """How many items there are under some conditions; counting ends at ``most``, a parameter: one more than :data:`LISTED`."""
    counted = select(WorkItem.key).where(*conditions).limit(bindparam("most", type_=Integer()))
    return select(func.count()).select_from(counted.subquery())


def search(
    person: Person,
    *,
    view: str = "mine",
    overdue: bool = False,
    process: str | None = None,
    role: str | None = None,
    agency: int | None = None,
    text: str = "",
    page: int = 1,
    size: int = 25,
    total: int | None = None,
) -> InboxPage:
    """Open tasks of a view, filtered. ``text`` is a reference, part of what is asked, or (for those cleared) a name.

    :param total: how many there are, from :func:`app.work.overview.overview`, where nothing is filtered.
    """
    view = view if view in views_of(person) else "team"
    wanted = _wanted(person, overdue, process, role, agency, text)
    how, who = way(person), asker(person)
    if total is None:
        query = count(scope(view, how), *wanted)
        total = db.session.execute(query, {**who, "most": LISTED + 1}).scalar() or 0
    page = max(1, min(page, _pages(total, size)))
    if not total:
        return InboxPage([], 0, page, size)
    lines = _lines(scope(view, how), *wanted) if wanted else _whole(view, how)
    found = db.session.execute(lines, {**who, "size": size, "before": (page - 1) * size}).all()
    return InboxPage(_rows(person, found), total, page, size)


def _wanted(
    person: Person, overdue: bool, process: str | None, role: str | None, agency: int | None, text: str
) -> list[ColumnElement[bool]]:
    """The conditions of a search."""
    wanted: list[ColumnElement[bool]] = []
    if overdue:
        wanted.append(WorkItem.due_at < business_now())
    if process:
        wanted.append(WorkItem.process_id == process)
    if role:
        wanted.append(exists().where(Candidate.item_key == WorkItem.key, Candidate.role == role))
    if agency is not None:
        wanted.append(WorkItem.agency_key == agency)
    if text.strip():
        like = f"%{text.strip().lower()}%"
        by_reference = select(Case.key).where(func.lower(Case.reference).like(like))
        named = cases_named(person, text)
        wanted.append(
            or_(
                WorkItem.case_key.in_(by_reference),
                func.lower(WorkItem.name).like(like),
                WorkItem.case_key.in_(named) if named else WorkItem.key < 0,
            )
        )
    return wanted


@cache
def _whole(view: str, how: Way) -> Select[WorkItem, Case, str, str]:
    """A page of a view that is not narrowed: what is asked nearly always."""
    return _lines(scope(view, how))


def _lines(*conditions: ColumnElement[bool]) -> Select[WorkItem, Case, str, str]:
    """A page of the items under some conditions, each with what a line says besides: looked up for the page alone."""
    found = select(WorkItem).where(*conditions).order_by(*_order(WorkItem))
    limited = found.limit(bindparam("size", type_=Integer())).offset(bindparam("before", type_=Integer()))
    item = aliased(WorkItem, limited.subquery())
    return (
        select(item, Case, _name(Agency, item.agency_key), _name(User, item.assignee))
        .outerjoin(Case, Case.key == item.case_key)
        .options(load_only(*(getattr(item, name) for name in _SHOWN)))
        .order_by(*_order(item))
    )


def _name(of: type[Agency] | type[User], key: InstrumentedAttribute[int | None]) -> ScalarSelect[str]:
    """Looked up for each line: PostgreSQL makes its plan anew at every page, and each table that is joined makes that longer."""
    return select(of.name).where(of.key == key).scalar_subquery()


def _order(item: type[WorkItem]) -> tuple[Any, ...]:
    """Late ones first, then soonest due."""
    return item.due_at.asc().nulls_last(), item.priority.desc(), item.key


def rows_of(person: Person, items: list[WorkItem]) -> list[InboxRow]:
    """Items as lines of a list, with names only for those cleared."""
    cases = {c.key: c for c in _cases({i.case_key for i in items if i.case_key})}
    agency_names = agencies.names(items[0].area_key) if any(i.agency_key for i in items) else {}
    holders = register.names_of({i.assignee for i in items if i.assignee})
    return _rows(
        person,
        [
            (i, cases.get(i.case_key or 0), agency_names.get(i.agency_key or 0), holders.get(i.assignee or 0))
            for i in items
        ],
    )


def _rows(person: Person, found: Sequence[_Line]) -> list[InboxRow]:
    now = business_now()
    cases = {case.key: case for _, case, _, _ in found if case is not None}
    parties = names_for_all(person, list(cases.values())) if cases else {}
    return [
        InboxRow(
            item=item,
            reference=case.reference if case is not None else "",
            agency_name=agency_name or "",
            holder_name=holder_name,
            parties=parties.get(item.case_key or 0, []),
            overdue=item.due_at is not None and item.due_at < now,
        )
        for item, case, agency_name, holder_name in found
    ]


def of_subject(person: Person, *, case_key: int | None = None, meeting_key: int | None = None) -> list[InboxRow]:
    """Tasks of a case or a meeting, open ones first by when they are due, then closed ones: those the person may know of."""
    query = select(WorkItem).where(WorkItem.state != ItemState.CANCELLED)
    if case_key is not None:
        query = query.where(WorkItem.case_key == case_key)
    if meeting_key is not None:
        query = query.where(WorkItem.meeting_key == meeting_key)
    ordered = query.order_by(WorkItem.state != ItemState.OPEN, WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.key)
    found = [
        item
        for item in db.session.execute(ordered).scalars()
        if item.completed_by == person.key or allowed(person, Permission.WORK_ITEM_SEE, item)
    ]
    return rows_of(person, found)


def _cases(keys: set[int]) -> list[Case]:
    return list(db.session.execute(select(Case).where(Case.key.in_(keys))).scalars()) if keys else []
