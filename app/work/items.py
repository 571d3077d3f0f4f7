"""One task: looking at it, claiming, releasing, handing over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from app import audit
from app.access import decide
from app.access.items import may_receive, still_holds
from app.access.permissions import Permission
from app.cases.dossiers import seal_for
from app.errors import NotFound
from app.identity import register
from app.identity.person import Person
from app.store.clock import business_now
from app.store.database import db, new_key
from app.work import drafts
from app.work.eligibility import allowed, barred, item_facts, require_known, require_may_hold
from app.work.errors import HeldByAnother, ItemClosed, NotHeld, SamePerson, UnknownItem
from app.work.inhand import taken_already
from app.work.mirror import holders
from app.work.models import Handover, ItemState, WorkItem
from app.work.ports import ports


@dataclass(frozen=True)
class ItemView:
    """A task as one person may deal with it."""

    item: WorkItem
    mine: bool
    holder_name: str | None
    may_claim: bool
    may_release: bool
    may_hand_over: bool
    may_complete: bool
    separate: bool


_LOADED = select(WorkItem).where(WorkItem.key == bindparam("item"))
_LOCKED = _LOADED.with_for_update().execution_options(populate_existing=True)


def load(key: int, *, lock: bool = False) -> WorkItem:
    """A task by key; one that this transaction has taken in hand is locked already.

    :raises UnknownItem: no such task.
    """
    taken = taken_already(key)
    if taken is not None:
        return taken
    item = db.session.execute(_LOCKED if lock else _LOADED, {"item": key}).scalar_one_or_none()
    if item is None:
        raise UnknownItem("There is no such task.", resource_id=str(key))
    return item


def by_key(keys: Iterable[int]) -> dict[int, WorkItem]:
    """Tasks by key, in one statement; those that are."""
    rows = db.session.execute(select(WorkItem).where(WorkItem.key.in_(set(keys)))).scalars()
    return {row.key: row for row in rows}


def name_of(user_key: int | None) -> str | None:
    """A user's name; None for nobody."""
    return register.names_of([user_key]).get(user_key) if user_key is not None else None


def may_know(person: Person, item: WorkItem) -> bool:
    """Whether the person may know that the task exists: those who may take it, did it, or oversee the list.

    A conflict of interest hides also what the person has done in the case.
    """
    if item.completed_by != person.key:
        return allowed(person, Permission.WORK_ITEM_SEE, item)
    facts = item_facts(item)
    return facts.case is None or not decide.in_conflict(person, facts.case)


def open_item(key: int, person: Person) -> ItemView:
    """A task as the person may see it, open or closed.

    :raises UnknownItem: none, or none that they may know of.
    """
    item = load(key)
    if not may_know(person, item):
        raise UnknownItem("There is no such task.", resource_id=str(key))
    open_ = item.state == ItemState.OPEN
    mine = item.assignee == person.key
    free = item.assignee in (None, person.key)
    return ItemView(
        item=item,
        mine=mine,
        holder_name=person.name if mine else name_of(item.assignee),
        may_claim=open_ and item.assignee is None and allowed(person, Permission.WORK_ITEM_CLAIM, item),
        may_release=open_ and mine and bool(item.roles or item.candidate_users),
        may_hand_over=open_ and (mine or allowed(person, Permission.WORK_ITEM_REASSIGN, item)),
        may_complete=open_
        and free
        and allowed(person, Permission.WORK_ITEM_COMPLETE if mine else Permission.WORK_ITEM_CLAIM, item),
        separate=person.key not in barred(item),
    )


def require_open(item: WorkItem) -> None:
    """:raises ItemClosed: it has been completed, or is no longer needed."""
    if item.state == ItemState.OPEN:
        return
    if item.state == ItemState.COMPLETED:
        who = name_of(item.completed_by) or "somebody else"
        raise ItemClosed(
            f"This task was completed by {who}.", resource_id=str(item.key), by=item.completed_by, at=item.completed_at
        )
    raise ItemClosed("This task is no longer needed.", resource_id=str(item.key), by=None, at=item.closed_at)


def require_free(person: Person, item: WorkItem) -> None:
    """:raises HeldByAnother: somebody else holds it."""
    if item.assignee not in (None, person.key):
        holder = item.assignee or 0
        raise HeldByAnother(
            f"{name_of(holder) or 'Somebody else'} has this task.", resource_id=str(item.key), holder=holder
        )


def require_held(person: Person, item: WorkItem) -> None:
    """:raises HeldByAnother, NotHeld: the task is somebody else's, or nobody's."""
    require_free(person, item)
    if item.assignee is None:
        raise NotHeld("Nobody has this task now. Take it, and then send your answers.", resource_id=str(item.key))


def claim(key: int, person: Person) -> WorkItem:
    """Take a task. Taking one's own again changes nothing.

    :raises UnknownItem, ItemClosed, HeldByAnother, SamePerson: as they say.
    """
    item = load(key, lock=True)
    facts = require_known(person, item)
    require_open(item)
    require_free(person, item)
    require_may_hold(person, item, facts)
    if item.assignee is None:
        item.assignee = item.taken_by = person.key
        item.claimed_at = business_now()
        audit.record("work.claim", actor=person, subject=f"item:{item.key}", case_key=item.case_key)
    return item


def release(key: int, person: Person) -> WorkItem:
    """Give a task back to its roles.

    :raises UnknownItem, ItemClosed, HeldByAnother: as they say.
    """
    item = load(key, lock=True)
    require_known(person, item)
    require_open(item)
    require_free(person, item)
    if item.assignee == person.key and (item.roles or item.candidate_users):
        item.assignee = item.claimed_at = None
        audit.record("work.release", actor=person, subject=f"item:{item.key}", case_key=item.case_key)
    return item


def hand_over_targets(item: WorkItem) -> list[tuple[int, str]]:
    """Users a task may be handed to: those it is offered to, save its holder."""
    facts = item_facts(item)
    others = register.people_for(set(holders(item)) - {item.assignee or 0})
    found = [(one.key, one.name) for one in others.values() if may_receive(one, facts)]
    return sorted(found, key=lambda pair: pair[1])


def hand_over(key: int, to_user: int, reason: str, person: Person) -> WorkItem:
    """Give a task to somebody else, with a reason.

    :raises UnknownItem: not known to the person, or the other may not take it. :raises SamePerson: four eyes.
    """
    item = load(key, lock=True)
    if not may_know(person, item):
        raise UnknownItem("There is no such task.", resource_id=str(key))
    require_open(item)
    if item.assignee != person.key and not allowed(person, Permission.WORK_ITEM_REASSIGN, item):
        raise HeldByAnother(
            "Only its holder or the co-ordinator can hand this task over.", resource_id=str(key), holder=0
        )
    reassign(item, to_user, reason, by=person)
    return item


def reassign(item: WorkItem, to_user: int, reason: str, *, by: Person) -> None:
    """Give an open task to a user who may take it; recorded, and the new holder is told."""
    if to_user in barred(item):
        raise SamePerson("That person did the task this one must be separate from.", resource_id=str(item.key))
    if to_user not in {key for key, _ in hand_over_targets(item)}:
        raise UnknownItem("That person cannot take this task.", resource_id=str(item.key))
    row = Handover(
        key=new_key(),
        item_key=item.key,
        dossier_key=item.dossier_key,
        from_user=item.assignee,
        to_user=to_user,
        by=by.key,
        at=business_now(),
        reason=b"",
    )
    if item.dossier_key is not None:
        row.reason = seal_for(item.dossier_key, reason, f"handover:{row.key}")
    db.session.add(row)
    if item.assignee is not None and not _still_holds(item.assignee, item):
        drafts.pass_on(item, item.assignee, to_user)
    item.assignee = item.taken_by = to_user
    item.claimed_at = business_now()
    audit.record("work.hand-over", actor=by, subject=f"item:{item.key}", case_key=item.case_key, detail=reason)
    if ports.notifier is not None:
        ports.notifier.handed_over(item, to_user)


def _still_holds(user_key: int, item: WorkItem) -> bool:
    """Whether whoever has the task still has what it takes; somebody who is not known any more has not."""
    try:
        return still_holds(register.person_for(user_key), item_facts(item))
    except NotFound:
        return False


def take_over(item: WorkItem, reason: str, *, by: Person) -> None:
    """The next tier does the late task themselves, even without one of its roles; four eyes and conflicts still hold.

    :raises SamePerson: they did the task it must be separate from. :raises UnknownItem: a conflict of interest.
    """
    if by.key in barred(item):
        raise SamePerson("You did the task that this one must be separate from.", resource_id=str(item.key))
    facts = item_facts(item)
    if facts.case is not None and decide.in_conflict(by, facts.case):
        raise UnknownItem("There is no such task.", resource_id=str(item.key))
    item.assignee, item.taken_by, item.claimed_at = by.key, None, business_now()
    audit.record("work.take-over", actor=by, subject=f"item:{item.key}", case_key=item.case_key, detail=reason)
