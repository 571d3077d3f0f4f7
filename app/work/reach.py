"""Which tasks are a person's to see in lists, as SQL. What every page asks is built once for everybody: who asks stands in parameters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Select,
    String,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    true,
    tuple_,
)

from app.access.items import AGENCY_LEADS, AREA_LEADS, OVERSEERS
from app.cases.involvement import cases_closed_to
from app.identity.models import RoleGrant
from app.identity.person import Person
from app.store.database import db
from app.work.models import BY_NAME, Candidate, ItemState, WorkItem, named_candidate


@dataclass(frozen=True)
class Asker:
    """What SQL needs to know of who asks: values, or the parameters that stand for them.

    :ivar candidates: whatever an item may be offered to that the person is: their roles, and they by name.
    :ivar named: what stands in the place of a role for the person by name.
    :ivar at_agencies: role and agency of those that are held at one.
    :ivar agencies: those that the person belongs to or acts for.
    :ivar led: agencies whose tasks the person may give to others.
    :ivar acting: agencies at which the person has a role.
    :ivar acts: whether the person has a role at all; ``leads``, one that oversees the area; ``takes``, one that may take over what is late.
    """

    key: Any
    area: Any
    candidates: Any
    named: Any
    at_agencies: Any
    agencies: Any
    led: Any
    acting: Any
    acts: Any
    leads: Any
    takes: Any


ANYBODY = Asker(
    **{name: bindparam(f"asker_{name}", type_=BigInteger()) for name in ("key", "area")},
    named=bindparam("asker_named", type_=String()),
    **{name: bindparam(f"asker_{name}", expanding=True) for name in ("candidates", "at_agencies", "agencies")},
    **{name: bindparam(f"asker_{name}", type_=BigInteger(), expanding=True) for name in ("led", "acting")},
    **{name: bindparam(f"asker_{name}", type_=Boolean()) for name in ("acts", "leads", "takes")},
)


def asker(person: Person) -> dict[str, Any]:
    """The parameters of a statement that was built for anybody, when a person asks."""
    named = named_candidate(person.key)
    at_agencies = [(role, agency) for role, agency in person.roles if agency is not None]
    values = Asker(
        key=person.key,
        area=person.area_key,
        candidates=[named, *person.role_slugs],
        named=named,
        at_agencies=at_agencies,
        agencies=list(person.agencies),
        led=[agency for role, agency in at_agencies if role in AGENCY_LEADS],
        acting=[agency for _, agency in at_agencies],
        acts=bool(person.roles),
        leads=_leads(person),
        takes=may_oversee(person),
    )
    return {f"asker_{field.name}": getattr(values, field.name) for field in fields(values)}


def _leads(person: Person) -> bool:
    return any(person.has_role(role) for role in AREA_LEADS)


def _offered() -> Select[int]:
    """The keys of items that one of the person's roles may take, or that are offered to the person by name: the same rule as
    :func:`app.access.items.is_candidate`. What is an agency's is for those who hold the role there."""
    return select(Candidate.item_key).where(
        Candidate.area_key == ANYBODY.area,
        # Said twice, so that the index of roles is used: of “one of these, each with its own rule” SQLite sees only the area.
        Candidate.role.in_(ANYBODY.candidates),
        or_(
            Candidate.agency_key.is_(None),
            tuple_(Candidate.role, Candidate.agency_key).in_(ANYBODY.at_agencies),
            Candidate.role == ANYBODY.named,
        ),
    )


def _held(constant: bool) -> ColumnElement[bool]:
    """Items that the person has and still may have: the same rule as :func:`app.access.items.still_holds`.

    :param constant: the person's roles are; see :class:`app.identity.person.Person`.
    """
    offered = _offered().where(Candidate.item_key == WorkItem.key).exists()
    return and_(_has(), or_(_given(constant), offered))


def _has() -> ColumnElement[bool]:
    # Found by who has them: of an area's open tasks, which have an index too, there may be a hundred thousand.
    return and_(WorkItem.assignee == ANYBODY.key, WorkItem.area_key + 0 == ANYBODY.area)


def _given(constant: bool) -> ColumnElement[bool]:
    """Of the items that the person has those that they may have whether they are offered them or not.

    Whose roles have never changed was nowhere before, and has lost nothing: PostgreSQL, which plans this again and again while much
    changes, takes half as long where it is not asked.
    """
    acts, leads, takes = (flag == true() for flag in (ANYBODY.acts, ANYBODY.leads, ANYBODY.takes))
    named = or_(WorkItem.taken_by.is_(None), WorkItem.taken_by != WorkItem.assignee)
    here = (
        acts if constant else and_(acts, or_(WorkItem.agency_key.in_(ANYBODY.acting), takes, ~was_there(ANYBODY.key)))
    )
    return or_(leads, WorkItem.agency_key.in_(ANYBODY.led), and_(named, here))


def was_there(person: Any) -> ColumnElement[bool]:
    """That somebody ever had a role at a task's agency or, of one that is offered to roles, has lost one by which they had it since."""
    offered = select(Candidate.item_key).correlate(
        WorkItem, RoleGrant
    )  # two levels up: SQLAlchemy would ask among all tasks
    offered = offered.where(
        Candidate.item_key == WorkItem.key,
        ~Candidate.role.startswith(BY_NAME, autoescape=True),
        or_(RoleGrant.role.in_(OVERSEERS), and_(WorkItem.agency_key.is_(None), Candidate.role == RoleGrant.role)),
    )
    lost = and_(RoleGrant.to_at > WorkItem.claimed_at, offered.exists())
    theirs = select(RoleGrant.key).where(RoleGrant.user_key == person)
    return theirs.where(or_(RoleGrant.agency_key == WorkItem.agency_key, lost)).exists()


def _without_conflict() -> ColumnElement[bool]:
    return or_(WorkItem.case_key.is_(None), WorkItem.case_key.not_in(cases_closed_to(ANYBODY.key, ANYBODY.agencies)))


def known_to(person: Person) -> ColumnElement[bool]:
    """Items, open or closed, that the person may know of: offered to them, held or done by them, or theirs to oversee.

    The same rule as :func:`app.work.items.may_know`, for searches; a closed item is listed for those who held, did or oversee it.
    The statement is run with :func:`asker`.
    """
    return _known(_leads(person), person.constant)


@cache
def _known(leads: bool, constant: bool) -> ColumnElement[bool]:
    here = and_(WorkItem.area_key == ANYBODY.area, _without_conflict())
    if leads:
        return here
    offered, held = WorkItem.key.in_(_offered()), _held(constant)
    return and_(here, or_(offered, held, WorkItem.completed_by == ANYBODY.key, WorkItem.agency_key.in_(ANYBODY.led)))


def may_oversee(person: Person) -> bool:
    """Whether the list of everything in the area is the person's to see."""
    return any(person.has_role(role) for role in OVERSEERS)


def views_of(person: Person) -> tuple[str, ...]:
    """The lists that are the person's to see."""
    return ("mine", "team", "all") if may_oversee(person) else ("mine", "team")


class Way(NamedTuple):
    """What the statement for a list depends on besides the list: the kind of database, and whether who asks has constant roles."""

    dialect: str
    constant: bool


def way(person: Person) -> Way:
    """How a person's lists are asked for."""
    return Way(db.engine.dialect.name, person.constant)


@cache
def scope(view: str, how: Way) -> ColumnElement[bool]:
    """Open items of a view, but for cases that a conflict of interest closes to who asks; the statement is run with :func:`asker`.

    :param view: one of :func:`views_of`.
    """
    if view == "mine":
        found = and_(WorkItem.is_open(), _held(how.constant))
    elif view == "all":
        found = and_(WorkItem.is_open(), WorkItem.area_key == ANYBODY.area)
    else:
        # One set of keys, of open tasks (what is offered goes with its task's end): a database that may choose goes through
        # every task for “one of these, or mine”, and PostgreSQL compares each with each while it knows too little of new ones.
        mine = select(WorkItem.key).where(_has(), _given(how.constant), WorkItem.state == ItemState.OPEN)
        found = _one_of(_offered().union_all(mine).cte("team_keys"), how.dialect)
    return and_(found, _without_conflict())


def _one_of(keys: CTE, dialect: str) -> ColumnElement[bool]:
    """Items of these keys: on PostgreSQL fetched first, and each looked up, whatever it believes about how many there are.

    The keys have a name, so that a statement that asks for them more than once finds them once.
    """
    if dialect == "postgresql":
        return WorkItem.key == any_(func.array(select(keys).scalar_subquery()))
    return WorkItem.key.in_(select(keys))
