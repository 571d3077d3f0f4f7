"""The work list of a person: mine, my team's, and what a co-ordinator oversees. Overdue first, then soonest due."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, any_, exists, func, or_, select

from app.access.items import AGENCY_LEADS, AREA_LEADS
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases.clearance import names_for_all
from app.cases.involvement import cases_in_conflict
from app.cases.models import Case, ConflictOfInterest
from app.cases.search import cases_named
from app.identity import register
from app.identity.person import Person
from app.store.clock import business_now
from app.store.database import db
from app.store.remembering import once
from app.work.eligibility import allowed
from app.work.models import Candidate, ItemState, WorkItem, named_candidate

LISTED = 1_000  # nobody reads on: who has more narrows the list
OVERSEERS = ("marac-coordinator", "marac-chair", "deputy-chair")


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


def may_oversee(person: Person) -> bool:
    """Whether the list of everything in the area is the person's to see."""
    return any(person.has_role(role) for role in OVERSEERS)


def _offered(person: Person) -> Select[int]:
    """The keys of items that one of the person's roles may take, or that are offered to the person by name."""
    clauses = [Candidate.role == named_candidate(person.key)]
    for role, agency in person.roles:
        match = [Candidate.role == role]
        if agency is not None:
            match.append(or_(Candidate.agency_key == agency, Candidate.agency_key.is_(None)))
        clauses.append(and_(*match))
    # Said twice, so that the index of roles is used: of “one of these, each with its own rule” SQLite sees only the area.
    listed = Candidate.role.in_([named_candidate(person.key), *person.role_slugs])
    return select(Candidate.item_key).where(Candidate.area_key == person.area_key, listed, or_(*clauses))


def known_to(person: Person) -> ColumnElement[bool]:
    """Items, open or closed, that the person may know of: offered to them, held or done by them, or theirs to oversee.

    The same rule as :func:`app.work.items.may_know`, for searches; a closed item is listed for those who held, did or oversee it.
    """
    ways = [WorkItem.key.in_(_offered(person)), WorkItem.assignee == person.key, WorkItem.completed_by == person.key]
    if any(person.has_role(role) for role in AREA_LEADS):
        ways.append(WorkItem.area_key == person.area_key)
    led = [at for role, at in person.roles if role in AGENCY_LEADS and at is not None]
    if led:
        ways.append(WorkItem.agency_key.in_(led))
    known = [WorkItem.area_key == person.area_key, or_(*ways)]
    if conflicted := _conflicted_cases(person):
        known.append(or_(WorkItem.case_key.is_(None), WorkItem.case_key.not_in(conflicted)))
    return and_(*known)


def _scope(person: Person, view: str) -> ColumnElement[bool]:
    """Open items of a view, but for cases that a conflict of interest closes to the person."""
    if view == "mine":
        scope = and_(WorkItem.is_open(), WorkItem.assignee == person.key)
    elif view == "all" and may_oversee(person):
        scope = and_(WorkItem.is_open(), WorkItem.area_key == person.area_key)
    else:
        # One set of keys, of open tasks (what is offered goes with its task's end): a database that may choose goes through
        # every task for “one of these, or mine”, and PostgreSQL compares each with each while it knows too little of new ones.
        mine = select(WorkItem.key).where(WorkItem.assignee == person.key, WorkItem.state == ItemState.OPEN)
        scope = _one_of(_offered(person).union(mine))
    if conflicted := _conflicted_cases(person):
        scope = and_(scope, or_(WorkItem.case_key.is_(None), WorkItem.case_key.not_in(conflicted)))
    return scope


def _one_of(keys: CompoundSelect[int]) -> ColumnElement[bool]:
    """Items of these keys: on PostgreSQL fetched first, and each looked up, whatever it believes about how many there are."""
    if db.engine.dialect.name == "postgresql":
        return WorkItem.key == any_(func.array(keys.scalar_subquery()))
    return WorkItem.key.in_(keys)


def views_of(person: Person) -> tuple[str, ...]:
    """The lists that are the person's to see."""
    return ("mine", "team", "all") if may_oversee(person) else ("mine", "team")


def _count(query: Select[int]) -> Select[int]:
    """How many there are; counting ends where the list does."""
    return select(func.count()).select_from(query.limit(LISTED + 1).subquery())


def counts(person: Person) -> dict[str, int]:
    """How many open tasks each view has, up to one more than :data:`LISTED`."""
    views = views_of(person)
    numbers = (_count(select(WorkItem.key).where(_scope(person, view))).scalar_subquery() for view in views)
    return dict(zip(views, db.session.execute(select(*numbers)).one(), strict=True))


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

    :param total: how many there are, from :func:`counts`, where nothing is filtered.
    """
    now = business_now()
    query = select(WorkItem).where(_scope(person, view))
    if overdue:
        query = query.where(WorkItem.due_at < now)
    if process:
        query = query.where(WorkItem.process_id == process)
    if role:
        query = query.where(exists().where(Candidate.item_key == WorkItem.key, Candidate.role == role))
    if agency is not None:
        query = query.where(WorkItem.agency_key == agency)
    if text.strip():
        wanted = f"%{text.strip().lower()}%"
        by_reference = select(Case.key).where(func.lower(Case.reference).like(wanted))
        named = cases_named(person, text)
        query = query.where(
            or_(
                WorkItem.case_key.in_(by_reference),
                func.lower(WorkItem.name).like(wanted),
                WorkItem.case_key.in_(named) if named else WorkItem.key < 0,
            )
        )
    if total is None:
        total = db.session.execute(_count(query.with_only_columns(WorkItem.key))).scalar() or 0
    page = max(1, min(page, _pages(total, size)))
    if not total:
        return InboxPage([], 0, page, size)
    ordered = query.order_by(WorkItem.due_at.asc().nulls_last(), WorkItem.priority.desc(), WorkItem.key)
    items = list(db.session.execute(ordered.limit(size).offset((page - 1) * size)).scalars())
    return InboxPage(rows_of(person, items), total, page, size)


def team_items(person: Person) -> Select[WorkItem]:
    """Open tasks of the person and of their roles, but for cases that a conflict of interest closes to them."""
    return select(WorkItem).where(_scope(person, "team"))


def rows_of(person: Person, items: list[WorkItem]) -> list[InboxRow]:
    """Items as lines of a list, with names only for those cleared."""
    now = business_now()
    cases = {c.key: c for c in _cases({i.case_key for i in items if i.case_key})}
    agency_names = agencies.names(items[0].area_key) if any(i.agency_key for i in items) else {}
    holders = register.names_of({i.assignee for i in items if i.assignee})
    parties = names_for_all(person, list(cases.values())) if cases else {}
    return [
        InboxRow(
            item=item,
            reference=cases[item.case_key].reference if item.case_key in cases else "",
            agency_name=agency_names.get(item.agency_key or 0, ""),
            holder_name=holders.get(item.assignee or 0),
            parties=parties.get(item.case_key or 0, []),
            overdue=item.due_at is not None and item.due_at < now,
        )
        for item in items
    ]


def of_subject(person: Person, *, case_key: int | None = None, meeting_key: int | None = None) -> list[InboxRow]:
    """Tasks of a case or a meeting, open ones first by when they are due, then closed ones: those the person may know of."""
    query = select(WorkItem).where(WorkItem.state != ItemState.CANCELLED)
    if case_key is not None:
        query = query.where(WorkItem.case_key == case_key)
    if meeting_key is not None:
        query = query.where(WorkItem.meeting_key == meeting_key)
    ordered = query.order_by(
        WorkItem.state != ItemState.OPEN, WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.key
    ).limit(200)
    found = [
        item
        for item in db.session.execute(ordered).scalars()
        if item.completed_by == person.key or allowed(person, Permission.WORK_ITEM_SEE, item)
    ]
    return rows_of(person, found)


def _cases(keys: set[int]) -> list[Case]:
    return list(db.session.execute(select(Case).where(Case.key.in_(keys))).scalars()) if keys else []


def _conflicted_cases(person: Person) -> list[int]:
    return once(
        ("cases in conflict", person.key),
        (ConflictOfInterest,),
        lambda: list(db.session.execute(cases_in_conflict(person)).scalars()),
    )
