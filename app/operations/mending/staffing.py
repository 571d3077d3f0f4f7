"""Tasks that nobody can do: offered to a role or a person that is not there, held by somebody who is not, or for nobody at all.

A role is found however it was lost: never given, ended, or everybody who holds it shut out. A person is not there when nobody has the key,
when they are shut out or have no role left, when they work in another area, or when they have left the agency that the task is for or
lost the role by which they took it. A case
that a conflict of interest closes to whoever has a task, or to everybody it is offered to, is one that nobody can work on.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, String, and_, cast, exists, literal, or_, select

from app.access import decide
from app.access.items import AGENCY_LEADS, AREA_LEADS, OVERSEERS
from app.agencies import service as agencies
from app.cases.facts import conflict_facts
from app.cases.models import ConflictOfInterest
from app.errors import NotFound
from app.identity import register
from app.identity.models import RoleGrant, User
from app.identity.roles import role_title
from app.runtime import service as runtime
from app.runtime.mending import raise_elsewhere
from app.store.database import db
from app.work import reach
from app.work.mirror import holders
from app.work.models import BY_NAME, Candidate, ItemState, WorkItem

AT_MOST = 500
ROLE = "ROLE"


def without_anybody() -> list[WorkItem]:
    """Open tasks that nobody holds and nobody may take, and those held by somebody who is not there."""
    found = [*_offered_in_vain(), *_with_nobody(), *_closed_to_all()]
    return list({item.key: item for item in found}.values())


def tell(item: WorkItem) -> None:
    """Make it an incident."""
    roles = " or ".join(role_title(role) for role in item.roles)
    agency = agencies.names(item.area_key).get(item.agency_key) if item.agency_key is not None else None
    where = f" at {agency}" if agency else ""
    if _is_closed_to_all(item):
        message = "Nobody can do this task: a conflict of interest closes its case to whoever has it, or to everybody it is for."
    elif item.assignee is not None:
        message = "Nobody can do this task: whoever has it is not known, has been shut out, has lost the role for it, or works elsewhere."
    elif roles:
        message = f"Nobody can take this task: it is for {roles}{where}, and nobody holds that role."
    elif item.candidate_users:
        message = "Nobody can take this task: it is for a person who is not known, has been shut out, or works in another area."
    else:
        message = "Nobody can take this task: the diagram gives it to a person whom nobody knows."
    found = None if roles and item.assignee is None else runtime.offer(item.instance_key, item.task_id)
    raise_elsewhere(
        ROLE,
        message,
        area_key=item.area_key,
        instance_key=item.instance_key,
        process_id=item.process_id,
        element_id=item.element_id,
        task_id=item.task_id,
        details={
            "roles": list(item.roles),
            "agency": str(item.agency_key) if item.agency_key is not None else None,
            **({"expression": found.assignee} if found is not None and found.assignee else {}),
        },
    )


# ------------------------------------------------------------------------------------------------ with nobody
def _with_nobody() -> list[WorkItem]:
    here = or_(User.area_key.is_(None), User.area_key == WorkItem.area_key)
    there = exists(select(User.key).where(User.key == WorkItem.assignee, User.active.is_(True), here))
    acts = exists(select(RoleGrant.key).where(RoleGrant.user_key == WorkItem.assignee, register.HELD_NOW))
    offered = exists(select(Candidate.item_key).where(Candidate.item_key == WorkItem.key))
    query = select(WorkItem).where(
        WorkItem.is_open(),
        or_(
            and_(WorkItem.assignee.is_not(None), or_(~there, ~acts, _has_left(), _has_lost_the_role())),
            and_(WorkItem.assignee.is_(None), ~offered),
        ),
    )
    return list(db.session.execute(query.order_by(WorkItem.key).limit(AT_MOST)).scalars())


def _has_left() -> ColumnElement[bool]:
    """Whoever has a task had a role at its agency, or one that it is offered to or by which they took it over, and has none of them now:
    the same rule as :func:`app.access.items.still_holds` of what was given by name."""
    theirs = select(RoleGrant.key).where(RoleGrant.user_key == WorkItem.assignee, register.HELD_NOW)
    leads = and_(RoleGrant.agency_key.is_(None), RoleGrant.role.in_(OVERSEERS))
    has = theirs.where(or_(RoleGrant.agency_key == WorkItem.agency_key, leads))
    return and_(reach.was_there(WorkItem.assignee), ~exists(has), ~_is_offered_to_its_holder())


def _is_offered_to_its_holder() -> ColumnElement[bool]:
    by_role = select(RoleGrant.key).correlate(
        WorkItem, Candidate
    )  # two levels up: SQLAlchemy would ask among all tasks
    by_role = by_role.where(
        RoleGrant.user_key == WorkItem.assignee,
        register.HELD_NOW,
        RoleGrant.role == Candidate.role,
        or_(Candidate.agency_key.is_(None), RoleGrant.agency_key == Candidate.agency_key),
    )
    by_name = Candidate.role == literal(BY_NAME) + cast(WorkItem.assignee, String)
    return exists(select(Candidate.item_key).where(Candidate.item_key == WorkItem.key, or_(by_name, exists(by_role))))


def _has_lost_the_role() -> ColumnElement[bool]:
    """Whoever has a task took it, or was handed it, by a role that they do not hold any more: the same rule as
    :func:`app.access.items.still_holds`."""
    held = select(RoleGrant.key).where(RoleGrant.user_key == WorkItem.assignee, register.HELD_NOW)
    leads = or_(
        RoleGrant.role.in_(AREA_LEADS),
        and_(RoleGrant.role.in_(AGENCY_LEADS), RoleGrant.agency_key == WorkItem.agency_key),
    )
    return and_(WorkItem.taken_by == WorkItem.assignee, ~_is_offered_to_its_holder(), ~exists(held.where(leads)))


# ------------------------------------------------------------------------------------------------ closed by a conflict of interest
def _closed_to_all() -> list[WorkItem]:
    closed = select(ConflictOfInterest.case_key).where(ConflictOfInterest.lifted_at.is_(None))
    query = select(WorkItem).where(WorkItem.is_open(), WorkItem.case_key.in_(closed)).order_by(WorkItem.key)
    return [item for item in db.session.execute(query).scalars() if _is_closed_to_all(item)][:AT_MOST]


def _is_closed_to_all(item: WorkItem) -> bool:
    """Whether there are people for a task, and the case is closed to each."""
    if item.case_key is None:
        return False
    people = register.people_for({item.assignee} if item.assignee is not None else holders(item)).values()
    case = conflict_facts(item.case_key, item.area_key)
    return bool(people) and all(decide.in_conflict(person, case) for person in people)


# ------------------------------------------------------------------------------------------------ offered to nobody
class _Staff:
    """Who is there, asked once for each role at each agency."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int | None, int], bool] = {}

    def has(self, role: str, agency_key: int | None, area_key: int) -> bool:
        asked = (role, agency_key, area_key)
        if asked not in self._known:
            self._known[asked] = self._find(role, agency_key, area_key)
        return self._known[asked]

    def _find(self, role: str, agency_key: int | None, area_key: int) -> bool:
        if role.startswith(BY_NAME):
            try:
                person = register.person_for(int(role.removeprefix(BY_NAME)))
            except NotFound:
                return False
            return bool(person.roles) and person.area_key == area_key
        return bool(register.holders(role, agency_key=agency_key, area_key=area_key))


def _offered_in_vain() -> list[WorkItem]:
    staff = _Staff()
    offered = db.session.execute(select(Candidate.area_key, Candidate.role, Candidate.agency_key).distinct()).all()
    lonely = [row for row in offered if not staff.has(row.role, row.agency_key, row.area_key)]
    found: set[int] = set()
    for row in lonely:
        theirs = (
            select(WorkItem.key)
            .join(Candidate, Candidate.item_key == WorkItem.key)
            .where(
                Candidate.area_key == row.area_key,
                Candidate.role == row.role,
                Candidate.agency_key.is_(None) if row.agency_key is None else Candidate.agency_key == row.agency_key,
                WorkItem.state == ItemState.OPEN,
                WorkItem.assignee.is_(None),
            )
            .order_by(WorkItem.key)
            .limit(AT_MOST)
        )
        last = 0
        while len(found) < AT_MOST:  # most of them may be for others too, who are there
            keys = db.session.execute(theirs.where(WorkItem.key > last)).scalars().all()
            found |= _for_nobody_there(keys, staff)
            if len(keys) < AT_MOST:
                break
            last = keys[-1]
    first = sorted(found)[:AT_MOST]
    return list(db.session.execute(select(WorkItem).where(WorkItem.key.in_(first)).order_by(WorkItem.key)).scalars())


def _for_nobody_there(item_keys: Collection[int], staff: _Staff) -> set[int]:
    """Those of the tasks that are offered to nobody who is there."""
    offer = (Candidate.item_key, Candidate.role, Candidate.agency_key, Candidate.area_key)
    offers = db.session.execute(select(*offer).where(Candidate.item_key.in_(item_keys)))
    return set(item_keys) - {one.item_key for one in offers if staff.has(one.role, one.agency_key, one.area_key)}
