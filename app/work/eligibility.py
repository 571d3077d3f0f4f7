"""Who may take a task: access decides; this room tells it the facts. Four eyes (``separateFrom``) among them."""

from __future__ import annotations

from sqlalchemy import and_, false, or_, select

from app.access import decide
from app.access.facts import ItemFacts
from app.access.items import OVERSEERS
from app.access.permissions import Permission
from app.cases.facts import conflict_facts
from app.identity.models import RoleGrant
from app.identity.person import Person
from app.store.database import db
from app.store.keys import key_in
from app.store.remembering import once
from app.work.errors import NotOffered, SamePerson, UnknownItem
from app.work.models import Handover, ItemState, WorkItem


def barred(item: WorkItem) -> frozenset[int]:
    """Users who did, hold, or handed over the task that this one must be separate from, and a person named by ``separateFromPerson``."""
    apart = key_in(str(item.properties.get("separateFromPerson") or ""))
    named = frozenset(() if apart is None else {apart})
    if item.separate_from is None:
        return named
    return named | once(
        ("barred", item.instance_key, item.separate_from), (WorkItem, Handover), lambda: _separate(item)
    )


def _separate(item: WorkItem) -> frozenset[int]:
    rows = db.session.execute(
        select(WorkItem.completed_by, WorkItem.assignee, Handover.from_user)
        .outerjoin(Handover, Handover.item_key == WorkItem.key)
        .where(
            WorkItem.instance_key == item.instance_key,
            WorkItem.element_id == item.separate_from,
            WorkItem.state != ItemState.CANCELLED,
        )
    )
    return frozenset(key for row in rows for key in row if key is not None)


def item_facts(item: WorkItem) -> ItemFacts:
    """A task as access sees it."""
    return ItemFacts(
        area_key=item.area_key,
        roles=frozenset(item.roles),
        agency_key=item.agency_key,
        users=frozenset(item.candidate_users),
        assignee=item.assignee,
        taken=item.assignee is not None and item.taken_by == item.assignee,
        was_there=lambda: _was_there(item),
        barred=barred(item),
        case=conflict_facts(item.case_key, item.area_key) if item.case_key is not None else None,
    )


def agency_for(item: WorkItem, person: Person) -> int | None:
    """The agency that what a person does in a task belongs to: the task's own; else the one that they act for in a role that may do it."""
    return item.agency_key if item.agency_key is not None else person.acting_for(item.roles)


def _was_there(item: WorkItem) -> bool:
    """Whether whoever has a task ever had a role at its agency, or has lost a role by which they had it since they have it."""
    of = [RoleGrant.agency_key == item.agency_key] if item.agency_key is not None else []
    if item.state == ItemState.OPEN and item.roles and item.claimed_at is not None:
        by = [*OVERSEERS, *(item.roles if item.agency_key is None else ())]
        of.append(and_(RoleGrant.to_at > item.claimed_at, RoleGrant.role.in_(by)))
    theirs = select(RoleGrant.key).where(RoleGrant.user_key == item.assignee, or_(false(), *of))
    return db.session.execute(theirs.limit(1)).first() is not None


def allowed(person: Person, permission: Permission, item: WorkItem) -> bool:
    """Whether a person may do something with a task."""
    return decide.allowed(person, permission, item_facts(item))


def require_known(person: Person, item: WorkItem) -> ItemFacts:
    """The facts of the task, for what is asked next.

    :raises UnknownItem: the person may not know of it.
    """
    facts = item_facts(item)
    if not decide.allowed(person, Permission.WORK_ITEM_SEE, facts):
        raise UnknownItem("There is no such task.", resource_id=str(item.key))
    return facts


def require_may_hold(person: Person, item: WorkItem, facts: ItemFacts) -> None:
    """The person may hold the task: they do already, or it is offered to them.

    :raises SamePerson: they did the task it must be separate from.
    :raises NotOffered: they may see it, but it is for others to do.
    """
    if person.key in facts.barred:
        raise SamePerson(
            "A second person must do this task, because you did the one it follows.", resource_id=str(item.key)
        )
    held = facts.assignee == person.key and decide.allowed(person, Permission.WORK_ITEM_COMPLETE, facts)
    if not held and not decide.allowed(person, Permission.WORK_ITEM_CLAIM, facts):
        raise NotOffered("This task is for others to do.", resource_id=str(item.key))
