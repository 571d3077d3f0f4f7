"""A task taken in hand to be completed: locked with its instance, and what completing it asks for read along."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, union_all

from app.agencies.models import Agency
from app.cases import involvement, parties
from app.cases.models import Case, ConflictOfInterest, Dossier, Involvement, Party
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

    The dossier, the case, the agency, the person's draft and whether the task is chased; conflicts of interest and grounds; what
    the form offers.
    """
    if item.dossier_key is None:
        return
    wanted = _asked_for(item.release_key, item.form_id) if item.form_id is not None else frozenset()
    kinds = union_all(*(select(literal(kind).label("kind")) for kind in range(5))).subquery("kinds")
    waits = exists().where(
        Subscription.area_key == item.area_key,
        Subscription.message == CLOSED,
        Subscription.correlation_key == str(item.key),
    )
    begins = exists().where(StartSubscription.area_key == item.area_key, StartSubscription.name == CLOSED)

    def of(kind: int, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(kinds.c.kind == kind, *conditions)

    rows = db.session.execute(
        select(
            kinds.c.kind, Dossier, Case, Agency, Draft, ConflictOfInterest, Involvement, Party, User, or_(waits, begins)
        )
        .select_from(kinds)
        .outerjoin(Dossier, of(0, Dossier.key == item.dossier_key))
        .outerjoin(Case, of(0, Case.key == item.case_key))
        .outerjoin(Agency, of(0, Agency.key == item.agency_key))
        .outerjoin(Draft, of(0, Draft.item_key == item.key, Draft.user_key == person.key))
        .outerjoin(
            ConflictOfInterest,
            of(1, ConflictOfInterest.case_key == item.case_key, ConflictOfInterest.lifted_at.is_(None)),
        )
        .outerjoin(Involvement, of(2, Involvement.case_key == item.case_key, Involvement.until.is_(None)))
        .outerjoin(Party, of(3, Party.case_key == (item.case_key if PARTIES in wanted else None)))
        .outerjoin(
            User, of(4, User.agency_key == (item.agency_key if USERS in wanted else None), User.active.is_(True))
        )
    ).all()
    found: list[list[Any]] = [
        [row[4 + kind] for row in rows if row.kind == kind and row[4 + kind]] for kind in range(5)
    ]
    drafts, ruled, involved, people, users = found
    tell(("draft", item.key, person.key), (Draft,), (drafts[0] if drafts else None,))
    tell(("chased", item.key), (), rows[0][-1])
    if item.case_key is not None:
        involvement.read_already(item.case_key, ruled, involved)
        if PARTIES in wanted:
            parties.read_already(item.case_key, people)
    if item.agency_key is not None and USERS in wanted:
        register.read_already(item.agency_key, users)


@lru_cache(maxsize=512)
def _asked_for(release_key: int, form_id: str) -> frozenset[bytes]:
    """Which of the lists that can be read along a form asks for. Releases never change."""
    content = releases.form(release_key, form_id)
    return frozenset(name for name in (PARTIES, USERS) if name in content)
