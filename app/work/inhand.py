"""A task taken in hand to be completed: locked with its instance, and what completing it asks for read along."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, union_all

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
    row = db.session.execute(
        select(WorkItem, Instance)
        .join(Instance, Instance.key == WorkItem.instance_key)
        .where(WorkItem.key == key)
        .with_for_update(of=[Instance, WorkItem])
        .execution_options(populate_existing=True)
    ).one_or_none()
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
    """What completing the task asks for in any case, in one statement: one kind of row after the other, side by side in the columns.

    The dossier, the agency, the person's draft and whether the task is chased; the case with its conflicts of interest, grounds
    and deadlines; what the form offers.
    """
    case_key, wanted = item.case_key, _asked_for(item)
    if item.dossier_key is None:
        return
    kinds: list[tuple[type[Any], ColumnElement[bool]]] = [
        (Dossier, Dossier.key == item.dossier_key),
        (Draft, and_(Draft.item_key == item.key, Draft.user_key == person.key)),
    ]
    if item.agency_key is not None:
        kinds.append((Agency, Agency.key == item.agency_key))
        if USERS in wanted:
            kinds.append((User, and_(User.agency_key == item.agency_key, User.active.is_(True))))
    if case_key is not None:
        listed = select(Case.meeting_key).where(Case.key == case_key).scalar_subquery()
        owners = or_(Deadline.dossier_key.in_({case_key, item.meeting_key or case_key}), Deadline.dossier_key == listed)
        kinds += [
            (Case, Case.key == case_key),
            (ConflictOfInterest, and_(ConflictOfInterest.case_key == case_key, ConflictOfInterest.lifted_at.is_(None))),
            (Involvement, and_(Involvement.case_key == case_key, Involvement.until.is_(None))),
            (Deadline, and_(owners, Deadline.superseded_at.is_(None))),
        ]
        if PARTIES in wanted:
            kinds.append((Party, Party.case_key == case_key))
    found, chased = _side_by_side(kinds, _is_chased(item))
    tell(("chased", item.key), (), chased)
    tell(("draft", item.key, person.key), (Draft,), (next(iter(found[Draft]), None),))
    if USERS in wanted and item.agency_key is not None:
        register.read_already(item.agency_key, found[User])
    if case_key is not None:
        involvement.read_already(case_key, found[ConflictOfInterest], found[Involvement])
        if PARTIES in wanted:
            parties.read_already(case_key, found[Party])
        meetings = {case.meeting_key for case in found[Case]} | {item.meeting_key}
        deadlines.read_already({case_key} | {key for key in meetings if key is not None}, found[Deadline])


def _side_by_side(
    kinds: list[tuple[type[Any], ColumnElement[bool]]], also: ColumnElement[bool]
) -> tuple[dict[type[Any], list[Any]], bool]:
    """Rows of several tables that have nothing to do with each other, in one statement; and the answer to a question."""
    numbers = union_all(*(select(literal(number).label("number")) for number in range(len(kinds)))).subquery("kinds")
    query = select(*(kind for kind, _ in kinds), numbers.c.number, also).select_from(numbers)
    for number, (kind, condition) in enumerate(kinds):
        query = query.outerjoin(kind, and_(numbers.c.number == number, condition))
    found: dict[type[Any], list[Any]] = {kind: [] for kind, _ in kinds}
    rows = db.session.execute(query).all()
    for row in rows:
        if (one := row[row.number]) is not None:
            found[kinds[row.number][0]].append(one)
    return found, bool(rows[0][-1])


def _is_chased(item: WorkItem) -> ColumnElement[bool]:
    waits = exists().where(
        Subscription.area_key == item.area_key,
        Subscription.message == CLOSED,
        Subscription.correlation_key == str(item.key),
    )
    return or_(waits, exists().where(StartSubscription.area_key == item.area_key, StartSubscription.name == CLOSED))


def _asked_for(item: WorkItem) -> frozenset[bytes]:
    """Which of the lists that can be read along the task's form asks for."""
    return _lists_of(item.release_key, item.form_id) if item.form_id is not None else frozenset()


@lru_cache(maxsize=512)
def _lists_of(release_key: int, form_id: str) -> frozenset[bytes]:
    """Releases never change."""
    content = releases.form(release_key, form_id)
    return frozenset(name for name in (PARTIES, USERS) if name in content)
