"""Work items of an instance that has moved to another release: shown as it draws them, offered to whom it says, drafts kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.access.items import may_receive
from app.errors import Conflict
from app.identity import register
from app.runtime.ports import OpenTask, TaskMoved
from app.store.clock import business_now
from app.store.database import db
from app.store.keys import key_in
from app.work import drafts, mirror
from app.work.eligibility import item_facts
from app.work.models import FORMER, Draft, ItemState, WorkItem
from app.work.ports import ports

_KEPT = (
    "element_id",
    "name",
    "release_key",
    "form_id",
    "roles",
    "candidate_users",
    "assignee",
    "agency_key",
    "priority",
    "properties",
    "documentation",
)
_MOMENTS = ("claimed_at", "due_at")
_OFFER = frozenset({"assignment", "property:agency", "property:separateFrom"})


def open_tasks(instance_key: int) -> dict[int, OpenTask]:
    """When each open task of an instance was entered, and when it is due."""
    rows = db.session.execute(
        select(WorkItem.task_id, WorkItem.created_at, WorkItem.due_at).where(
            WorkItem.instance_key == instance_key, WorkItem.state == ItemState.OPEN
        )
    )
    return {task_id: OpenTask(created, due) for task_id, created, due in rows}


def hold(instance_key: int) -> None:
    """Lock the open tasks of an instance before the instance itself, as whoever completes one does: so nobody waits in a ring."""
    query = select(WorkItem.key).where(WorkItem.instance_key == instance_key, WorkItem.state == ItemState.OPEN)
    db.session.execute(query.order_by(WorkItem.key).with_for_update()).all()


def moved(
    instance_key: int, release_key: int, tasks: Sequence[TaskMoved], renamed: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """Show the open tasks as the other release draws them; what was done keeps its place under the new names, so that four eyes
    stay four.

    :returns: what :func:`moved_back` needs.
    :raises Conflict: a task that somebody has typed answers for would have no form.
    """
    items = {
        item.task_id: item
        for item in db.session.execute(select(WorkItem).where(WorkItem.instance_key == instance_key)).scalars()
    }
    before: dict[str, Any] = {"open": [], "done": []}
    for task in tasks:
        item = items.pop(task.task.task_id, None)
        if item is not None:
            before["open"].append(_move(item, task))
    for item in items.values():
        name = renamed.get((item.process_id, item.element_id))
        if name is not None:
            before["done"].append([str(item.key), item.element_id])
            item.properties = {**item.properties, FORMER: [*item.properties.get(FORMER, ()), item.element_id]}
            item.element_id = name
    db.session.flush()
    return before


def _move(item: WorkItem, moved_: TaskMoved) -> dict[str, Any]:
    task, changed = moved_.task, moved_.changed
    before = {name: getattr(item, name) for name in _KEPT}
    before.update({name: _text(getattr(item, name)) for name in _MOMENTS})
    item.element_id, item.release_key = task.element_id, task.release_key
    if "name" in changed or item.name == before["element_id"]:
        item.name = mirror.called(task.name, task.element_id)
    if "documentation" in changed:
        item.documentation = task.documentation
    if "priority" in changed:
        item.priority = task.priority
    if "form" in changed:
        _change_form(item, task.form_id)
    names = {name.partition(":")[2] for name in changed if name.startswith("property:")}
    if names:
        kept = {name: value for name, value in item.properties.items() if name not in names}
        item.properties = {**kept, **{name: task.properties[name] for name in names if name in task.properties}}
    if "agency" in names:
        item.agency_key = key_in(str(task.properties.get("agency") or ""))
    if changed & _OFFER:
        _offer_again(item, moved_)
    return {
        "key": str(item.key),
        "before": before,
        "after": {"assignee": item.assignee},
        "offered": bool(
            changed & _OFFER
        ),  # read by processes of the version before, which run beside this one while it is installed
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _change_form(item: WorkItem, form_id: str | None) -> None:
    if form_id is None and drafts_of([item.key]):
        raise Conflict(
            "Somebody has typed answers for a task that would have no form. Keep a form, or wait until it is done.",
            resource_id=str(item.key),
        )
    item.form_id = form_id


def _offer_again(item: WorkItem, moved_: TaskMoved) -> None:
    """Whoever has the task keeps it if they still may have it. Otherwise it is offered to those whom the diagram names now."""
    held_by = item.assignee
    if "assignment" in moved_.changed:
        item.roles, item.candidate_users, named = mirror.offered_to(moved_.task)
        if named is not None:
            item.assignee, item.taken_by = named, None
    db.session.flush()
    if item.assignee is not None and item.assignee == held_by and not _may_keep(item):
        item.assignee = None
    if item.assignee != held_by:
        item.claimed_at = business_now() if item.assignee is not None else None
    tell = [item.assignee] if item.assignee is not None else mirror.holders(item)
    if ports.notifier is not None and item.assignee in (None, *({item.assignee} - {held_by})):
        ports.notifier.assigned(item, tell)


def _may_keep(item: WorkItem) -> bool:
    return may_receive(register.person_for(item.assignee or 0), item_facts(item))


def moved_back(instance_key: int, before: Mapping[str, Any]) -> None:
    """The tasks as they were before the move.

    :raises Conflict: somebody has taken one of them since, or given it back.
    """
    for saved in before.get("open", ()):
        item = db.session.get(WorkItem, int(saved["key"]), populate_existing=True)
        if item is None or item.instance_key != instance_key:
            continue
        if item.state != ItemState.OPEN or item.assignee != saved["after"]["assignee"]:
            raise Conflict("Somebody has taken one of its tasks since, or given it back.", resource_id=saved["key"])
        was = saved["before"]
        for name in _KEPT:
            setattr(item, name, was[name])
        for name in _MOMENTS:
            setattr(item, name, datetime.fromisoformat(was[name]) if was[name] else None)
        db.session.flush()
    for key, element_id in before.get("done", ()):
        item = db.session.get(WorkItem, int(key))
        if item is not None:
            former = [name for name in item.properties.get(FORMER, ()) if name != element_id]
            kept = {name: value for name, value in item.properties.items() if name != FORMER}
            item.element_id, item.properties = element_id, {**kept, FORMER: former} if former else kept
    db.session.flush()


def drafts_of(item_keys: Sequence[int]) -> dict[int, int]:
    """How many people have typed something for each task and not sent it, by the task's key."""
    if not item_keys:
        return {}
    rows = db.session.execute(
        select(Draft.item_key, func.count()).where(Draft.item_key.in_(item_keys)).group_by(Draft.item_key)
    )
    return {key: count for key, count in rows}


def without_place(item: WorkItem, names: Collection[str]) -> int:
    """How many answers that have been typed for a task have no question among these names. What was typed is not told."""
    rows = db.session.execute(select(Draft).where(Draft.item_key == item.key)).scalars()
    return sum(1 for row in rows for name in drafts.answers_of(row) if not name.startswith("_") and name not in names)


def items_of(instance_key: int) -> dict[int, WorkItem]:
    """The open tasks of an instance, by task id."""
    rows = db.session.execute(
        select(WorkItem).where(WorkItem.instance_key == instance_key, WorkItem.state == ItemState.OPEN)
    ).scalars()
    return {row.task_id: row for row in rows}
