"""Changing what a task says of itself: how urgent it is, when to look at it again, when it is due."""

from __future__ import annotations

from datetime import datetime

from app import audit
from app.access.permissions import Permission
from app.errors import Invalid, NotAllowed
from app.identity.person import Person
from app.work import items, mirror
from app.work.eligibility import allowed
from app.work.errors import UnknownItem
from app.work.models import WorkItem


def change(
    key: int,
    person: Person,
    *,
    priority: int | None = None,
    follow_up: datetime | None = None,
    due: datetime | None = None,
) -> WorkItem:
    """Change an open task; what is None stays. For its holder, and for who oversees the list.

    :raises UnknownItem: the person may not know of it. :raises ItemClosed: it is closed.
    :raises NotAllowed: somebody else holds it.
    :raises Invalid: its due date is a deadline of a case or a meeting, which is moved there, with a reason.
    """
    item = items.load(key, lock=True)
    if not items.may_know(person, item):
        raise UnknownItem("There is no such task.", resource_id=str(key))
    items.require_open(item)
    if item.assignee != person.key and not allowed(person, Permission.WORK_ITEM_REASSIGN, item):
        raise NotAllowed("Only its holder or who oversees the list can change this task.", resource_id=str(key))
    if due is not None and (item.deadline or item.dossier_key is not None):
        raise Invalid("A deadline of a case or a meeting is moved there, with a reason.", resource_id="dueDate")
    if priority is not None:
        item.priority = priority
    if follow_up is not None:
        item.follow_up_at = follow_up
    if due is not None:
        mirror.due_moved(item.instance_key, item.task_id, due)
    audit.record("work.change", actor=person, subject=f"item:{item.key}", case_key=item.case_key)
    return item
