"""A task taken in hand to be completed: locked with its instance, and what completing it asks for read along."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, exists, literal, or_, select, union_all

from app.agencies.models import Agency
from app.cases import deadlines, involvement, parties
from app.cases.models import Case, ConflictOfInterest, Deadline, Dossier, Involvement, Party
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.runtime import releases
from app.runtime.models import Instance, StartSubscription, Subscription
from app.runtime.turn import hold
from app.store.database import db
from app.store.remembering import tell, told
from app.work.errors import UnknownItem
from app.work.models import Draft, WorkItem

PARTIES, USERS = b"parties", b"agencyUsers"  # as forms name them
CLOSED = "task-closed"  # the message by which whoever chases a task hears that it is over

_TAKE = (
    select(WorkItem, Instance)
    .join(Instance, Instance.key == WorkItem.instance_key)
    .where(WorkItem.key == bindparam("key"))
    .with_for_update(of=[Instance, WorkItem])
    .execution_options(populate_existing=True)
)


def take(key: int, person: Person) -> WorkItem:
    """A task as it is now, locked together with its instance until the transaction ends.

    The instance is locked first, as a step does, so that a step and a person never wait for each other. What access must know
    of the case is read after the lock.

    :raises UnknownItem: no such task.
    """
    taken = told(_taken(key))
    if taken is not None:
        found: WorkItem = taken
        return found
    row = db.session.execute(_TAKE, {"key": key}).one_or_none()
    if row is None:
        raise UnknownItem("There is no such task.", resource_id=str(key))
    item, instance = row
    tell(_taken(key), (), item)
    hold([instance])
    _read_along(item, person)
    return item


def taken_already(key: int) -> WorkItem | None:
    """The task, when this transaction has locked it."""
    found: WorkItem | None = told(_taken(key))
    return found


def nobody_chases(item: WorkItem) -> bool:
    """Whether it is known that nobody waits to hear that the task is over.

    Whoever chases it was begun by a step of its instance, and that is locked.
    """
    return told(("chased", item.key)) is False


def _taken(key: int) -> tuple[str, int]:
    return ("taken", key)


def _read_along(item: WorkItem, person: Person) -> None:
    """What completing the task asks for in any case, in one statement: the dossier, the agency, the person's draft and whether the
    task is chased; the case with its conflicts of interest, grounds and deadlines; what the form offers."""
    case_key, agency_key, wanted = item.case_key, item.agency_key, _asked_for(item)
    if item.dossier_key is None:
        return
    kinds: list[type[Any]] = [Dossier, Draft, Deadline]
    if agency_key is not None:
        kinds += [Agency, User] if USERS in wanted else [Agency]
    if case_key is not None:
        kinds += [Case, ConflictOfInterest, Involvement, *([Party] if PARTIES in wanted else [])]
    asked = {
        "dossier": item.dossier_key,
        "item": item.key,
        "reference": str(item.key),
        "person": person.key,
        "area": item.area_key,
        "agency": agency_key,
        "case": case_key,
        "meeting": item.meeting_key,
    }
    found: dict[type[Any], list[Any]] = {kind: [] for kind in kinds}
    rows = db.session.execute(_side_by_side(tuple(kinds)), asked).all()
    for row in rows:
        if (one := row[row.number]) is not None:
            found[kinds[row.number]].append(one)
    tell(("chased", item.key), (), bool(rows[0].chased))
    tell(("draft", item.key, person.key), (Draft,), (next(iter(found[Draft]), None),))
    if agency_key is not None and User in found:
        register.read_already(agency_key, found[User])
    if case_key is not None:
        involvement.read_already(case_key, found[ConflictOfInterest], found[Involvement])
        if Party in found:
            parties.read_already(case_key, found[Party])
    owners = {case_key, item.meeting_key, *(case.meeting_key for case in found.get(Case, ()))}
    deadlines.read_already({key for key in owners if key is not None}, found[Deadline])


@lru_cache(maxsize=32)
def _side_by_side(kinds: tuple[type[Any], ...]) -> Select[Any]:
    """Rows of several tables that have nothing to do with each other, one kind after the other, each in columns of its own."""
    case, area = bindparam("case", type_=BigInteger), bindparam("area", type_=BigInteger)
    listed = select(Case.meeting_key).where(Case.key == case).scalar_subquery()
    owners = Deadline.dossier_key.in_((case, bindparam("meeting", type_=BigInteger), listed))
    conditions: dict[type[Any], ColumnElement[bool]] = {
        Dossier: Dossier.key == bindparam("dossier"),
        Draft: and_(Draft.item_key == bindparam("item"), Draft.user_key == bindparam("person")),
        Agency: Agency.key == bindparam("agency"),
        User: and_(User.agency_key == bindparam("agency"), User.active.is_(True)),
        Case: Case.key == case,
        ConflictOfInterest: and_(ConflictOfInterest.case_key == case, ConflictOfInterest.lifted_at.is_(None)),
        Involvement: and_(Involvement.case_key == case, Involvement.until.is_(None)),
        Deadline: and_(owners, Deadline.superseded_at.is_(None)),
        Party: Party.case_key == case,
    }
    waits = exists().where(
        Subscription.area_key == area,
        Subscription.message == CLOSED,
        Subscription.correlation_key == bindparam("reference"),
    )
    chased = or_(waits, exists().where(StartSubscription.area_key == area, StartSubscription.name == CLOSED))
    numbers = union_all(*(select(literal(number).label("number")) for number in range(len(kinds)))).subquery("kinds")
    query = select(*kinds, numbers.c.number, chased.label("chased")).select_from(numbers)
    for number, kind in enumerate(kinds):
        query = query.outerjoin(kind, and_(numbers.c.number == number, conditions[kind]))
    return query


def _asked_for(item: WorkItem) -> frozenset[bytes]:
    """Which of the lists that can be read along the task's form asks for."""
    return _lists_of(item.release_key, item.form_id) if item.form_id is not None else frozenset()


@lru_cache(maxsize=512)
def _lists_of(release_key: int, form_id: str) -> frozenset[bytes]:
    """Releases never change."""
    content = releases.form(release_key, form_id)
    return frozenset(name for name in (PARTIES, USERS) if name in content)
