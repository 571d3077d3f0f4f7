"""Keeps the work list in step with the engine: called by the runtime when user tasks open and close, in the step's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import chain

from sqlalchemy import select

from app.identity import register
from app.identity.models import RoleGrant, User
from app.identity.roles import Role, role_from_title
from app.runtime import releases
from app.runtime.ports import TaskClosed, TaskOpened
from app.runtime.turn import turn
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.flushing import written_alike
from app.store.keys import key_in
from app.store.remembering import once, told
from app.work import ddl  # noqa: F401 - whom an item is offered to, and what goes when it closes, are rules of its table
from app.work.models import ItemState, WorkItem
from app.work.ports import ports

LONGEST_NAME = 200
_ROLES = frozenset(str(role) for role in Role)
_KNOWN, _OPENED = "work.items-at-hand", "work.items-opened"


def _key(value: object) -> int | None:
    return key_in(str(value or ""))


def _user(value: str | None) -> int | None:
    """The user a diagram names: by key, or by user name as stock tools write it."""
    key = _key(value)
    if not value or key is not None:
        return key
    user = register.find_user(value)
    return user.key if user is not None else None


def called(name: str | None, element_id: str) -> str:
    """What lists call a task: as much of its name as they hold."""
    return (name or element_id)[:LONGEST_NAME]


def offered_to(task: TaskOpened) -> tuple[list[str], list[int], int | None]:
    """Whom the diagram gives a task to: roles, users who may take it, and the one who has it already.

    Where it names nobody, whoever started the instance has it. Where it names only people whom nobody knows, nobody does, and that
    is found as an incident; a stranger's diagram, which brings names of elsewhere, goes to whoever started it all the same.
    """
    lane = role_from_title(task.lane or "")
    roles = list(task.candidate_groups) or ([str(lane)] if lane else [task.lane] if task.lane else [])
    assignee = _user(task.assignee)
    users = [ports.candidate(key) for user in task.candidate_users if (key := _user(user))]
    if any(role not in _ROLES for role in roles) and (deployer := releases.stranger_behind(task.release_key)):
        users.append(deployer)  # holds the roles that only the stranger's diagram knows
    if not (assignee or roles or users):
        stranger = releases.stranger_behind(task.release_key)
        if stranger or not (task.assignee or task.candidate_users):
            assignee = task.started_by or stranger
    return roles, users, assignee


def opened(task: TaskOpened) -> None:
    """A user task waits: list it for its holder or its roles, and tell them."""
    properties = dict(task.properties)
    roles, users, assignee = offered_to(task)
    case_key = _key(properties.get("case")) or task.case_key
    item = WorkItem(
        key=new_key(),
        area_key=task.area_key,
        instance_key=task.instance_key,
        task_id=task.task_id,
        process_id=task.process_id,
        element_id=task.element_id,
        name=called(task.name, task.element_id),
        release_key=task.release_key,
        form_id=task.form_id,
        case_key=case_key,
        meeting_key=task.meeting_key,
        dossier_key=case_key or task.meeting_key,
        agency_key=_key(properties.get("agency")),
        roles=roles,
        candidate_users=users,
        assignee=assignee,
        due_at=task.due,
        follow_up_at=task.follow_up,
        deadline=properties.get("deadline") or None,
        priority=task.priority,
        properties=properties,
        documentation=task.documentation,
        created_at=business_now(),
        claimed_at=business_now() if assignee else None,
    )
    db.session.add(item)
    _at_hand()[(item.instance_key, item.task_id)] = item
    once(_OPENED, (), set[int]).add(item.key)
    if ports.notifier is not None and not properties.get("sheet") and not properties.get("room"):
        with turn() as running:
            running.together(_tell, item)


def offer_again(task: TaskOpened) -> None:
    """Nobody can do an open task: it goes to those whom the diagram names by now. Whoever gets it is told."""
    item = _find(task.instance_key, task.task_id)
    if item is None or item.state != ItemState.OPEN:
        return
    before = (item.roles, item.candidate_users, item.assignee)
    item.roles, item.candidate_users, item.assignee = offered_to(task)
    if before == (item.roles, item.candidate_users, item.assignee):
        return
    item.taken_by, item.claimed_at = None, business_now() if item.assignee else None
    db.session.flush()
    _tell([item])


def _tell(items: list[WorkItem]) -> None:
    """Tell people of the tasks that wait for them: who they are is asked once for all that a turn has opened and left open."""
    if ports.notifier is None:
        return
    items = [item for item in items if item.state == ItemState.OPEN]
    offered = [item for item in items if item.assignee is None]
    known = _holding_all({(role, item.agency_key, item.area_key) for item in offered for role in item.roles})
    for item in items:
        by_role = (known[(role, item.agency_key, item.area_key)] for role in item.roles)
        users = [item.assignee] if item.assignee else sorted({*item.candidate_users, *chain.from_iterable(by_role)})
        ports.notifier.assigned(item, users)


def holders(item: WorkItem) -> list[int]:
    """Users who may take an item by role or by name."""
    offered = [(role, item.agency_key, item.area_key) for role in item.roles]
    known = _holding_all(set(offered))
    return sorted({*item.candidate_users, *chain.from_iterable(known[each] for each in offered)})


def _holding_all(wanted: set[register.Asked]) -> dict[register.Asked, list[int]]:
    """Who holds roles, each at an agency and in an area, in one question, and once in a transaction."""
    memory: dict[register.Asked, list[int]] = once("holders", (User, RoleGrant), dict)
    if missing := wanted - memory.keys():
        found = register.holders_of(missing)
        memory.update({each: [person.key for person in people] for each, people in found.items()})
    return memory


def just_opened(item: WorkItem) -> bool:
    """Whether this transaction has opened the task."""
    return item.key in (told(_OPENED) or ())


def expect(instance_keys: Collection[int]) -> None:
    """The open tasks of these instances may close next: they are read together, and stay at hand."""
    query = select(WorkItem).where(WorkItem.instance_key.in_(instance_keys), WorkItem.state == ItemState.OPEN)
    with db.session.no_autoflush:  # those that wait to be written are at hand
        found = db.session.execute(query).scalars().all()
    _at_hand().update({(item.instance_key, item.task_id): item for item in found})


def about(dossiers: Collection[int]) -> set[int]:
    """The instances in which a task about one of these cases or meetings is open."""
    query = select(WorkItem.instance_key).where(WorkItem.dossier_key.in_(dossiers), WorkItem.state == ItemState.OPEN)
    return set(db.session.execute(query.distinct()).scalars())


def _at_hand() -> dict[tuple[int, int], WorkItem]:
    """The items that this transaction knows, by instance and task. One that closes ten thousand looks at the session once."""
    return once(_KNOWN, (), _in_session)


def _in_session() -> dict[tuple[int, int], WorkItem]:
    rows = (*db.session.new, *db.session.identity_map.values())
    return {(row.instance_key, row.task_id): row for row in rows if isinstance(row, WorkItem)}


def closed(task: TaskClosed) -> WorkItem | None:
    """A user task ended in the engine: completed by somebody (already marked), or no longer needed."""
    item = _find(task.instance_key, task.task_id)
    if item is None:
        return None
    if item.state == ItemState.OPEN:
        item.state = ItemState.COMPLETED if task.completed else ItemState.CANCELLED
        item.closed_at = business_now()
        if task.completed:
            item.completed_at = business_now()
        written_alike(item, "completed_by", "completed_at")  # as of the task whose completion has closed this one
    return item


def _find(instance_key: int, task_id: int) -> WorkItem | None:
    """The item of a task: one at hand (locked for its completion a moment ago, opened or read by this transaction), or asked for."""
    known = _at_hand().get((instance_key, task_id))
    if known is not None:
        return known
    query = select(WorkItem).where(WorkItem.instance_key == instance_key, WorkItem.task_id == task_id)
    with db.session.no_autoflush:
        return db.session.execute(query).scalar_one_or_none()


def due_moved(instance_key: int, task_id: int, due: datetime | None) -> None:
    """A deadline moved: the open item shows the new instant."""
    item = _find(instance_key, task_id)
    if item is not None and item.state == ItemState.OPEN:
        item.due_at = due
