"""Which tasks are a person's to see in lists, as SQL. It is built once for everybody; who asks stands in its parameters."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)

from app.access.items import AGENCY_LEADS, AREA_LEADS
from app.cases.involvement import CASES_IN_CONFLICT, conflict_of
from app.identity.person import Person
from app.store.database import db
from app.work.models import Candidate, ItemState, WorkItem, named_candidate

OVERSEERS = ("marac-coordinator", "marac-chair", "deputy-chair")


def _one(name: str) -> BindParameter[Any]:
    return bindparam(f"asker_{name}", type_=BigInteger())


def _several(name: str) -> BindParameter[Any]:
    return bindparam(f"asker_{name}", expanding=True)


def asker(person: Person) -> dict[str, Any]:
    """What the parameters stand for when a person asks."""
    named = named_candidate(person.key)
    at_agencies = [(role, agency) for role, agency in person.roles if agency is not None]
    return {
        "asker_key": person.key,
        "asker_area": person.area_key,
        "asker_candidates": [named, *person.role_slugs],
        "asker_anywhere": [named, *(role for role, agency in person.roles if agency is None)],
        "asker_at_agencies": at_agencies,
        "asker_of_agencies": [role for role, _ in at_agencies],
        "asker_leads": [agency for role, agency in at_agencies if role in AGENCY_LEADS],
        **conflict_of(person),
    }


# The keys of items that one of the person's roles may take, or that are offered to the person by name. A role at an agency takes what is
# offered there and what is offered to no agency.
_OFFERED = select(Candidate.item_key).where(
    Candidate.area_key == _one("area"),
    # Said twice, so that the index of roles is used: of “one of these, each with its own rule” SQLite sees only the area.
    Candidate.role.in_(_several("candidates")),
    or_(
        Candidate.role.in_(_several("anywhere")),
        tuple_(Candidate.role, Candidate.agency_key).in_(_several("at_agencies")),
        and_(Candidate.role.in_(_several("of_agencies")), Candidate.agency_key.is_(None)),
    ),
)
_NOT_IN_CONFLICT = or_(WorkItem.case_key.is_(None), WorkItem.case_key.not_in(CASES_IN_CONFLICT))
_OVERSEEN = WorkItem.area_key == _one("area")
_KNOWN = or_(
    WorkItem.key.in_(_OFFERED),
    WorkItem.assignee == _one("key"),
    WorkItem.completed_by == _one("key"),
    WorkItem.agency_key.in_(_several("leads")),
)


def known_to(person: Person) -> ColumnElement[bool]:
    """Items, open or closed, that the person may know of: offered to them, held or done by them, or theirs to oversee.

    The same rule as :func:`app.work.items.may_know`, for searches; a closed item is listed for those who held, did or oversee it.
    """
    oversees = any(person.has_role(role) for role in AREA_LEADS)
    ways = [_OVERSEEN] if oversees else [_OVERSEEN, _KNOWN]
    return and_(*ways, _NOT_IN_CONFLICT).params(**asker(person))


def may_oversee(person: Person) -> bool:
    """Whether the list of everything in the area is the person's to see."""
    return any(person.has_role(role) for role in OVERSEERS)


def views_of(person: Person) -> tuple[str, ...]:
    """The lists that are the person's to see."""
    return ("mine", "team", "all") if may_oversee(person) else ("mine", "team")


def dialect_name() -> str:
    """Which database the statement is for; see :func:`scope`."""
    return db.engine.dialect.name


@cache
def scope(view: str, dialect: str) -> ColumnElement[bool]:
    """Open items of one of a person's views, but for cases that a conflict of interest closes to them; to be run with :func:`asker`."""
    if view == "mine":
        found = and_(WorkItem.is_open(), WorkItem.assignee == _one("key"))
    elif view == "all":
        found = and_(WorkItem.is_open(), _OVERSEEN)
    else:
        # One set of keys, of open tasks (what is offered goes with its task's end): a database that may choose goes through
        # every task for “one of these, or mine”, and PostgreSQL compares each with each while it knows too little of new ones.
        mine = select(WorkItem.key).where(WorkItem.assignee == _one("key"), WorkItem.state == ItemState.OPEN)
        found = _one_of(_OFFERED.union(mine), dialect)
    return and_(found, _NOT_IN_CONFLICT)


def _one_of(keys: CompoundSelect[int], dialect: str) -> ColumnElement[bool]:
    """Items of these keys: on PostgreSQL fetched first, and each looked up, whatever it believes about how many there are."""
    if dialect == "postgresql":
        return WorkItem.key == any_(func.array(keys.scalar_subquery()))
    return WorkItem.key.in_(keys)
