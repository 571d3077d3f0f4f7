"""A task taken in hand to be completed: locked with its instance, and what completing it asks for read along."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import bindparam, select

from app.identity.person import Person
from app.runtime import releases
from app.runtime.models import Instance
from app.runtime.turn import hold
from app.store.database import db
from app.store.remembering import tell, told
from app.work import along
from app.work.errors import UnknownItem
from app.work.models import WorkItem
from app.work.ports import ports

_LISTS = (b"parties", b"agencyUsers")  # as forms name them

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
    if item.dossier_key is not None:
        tell(("chased", item.key), (), along.read(item, person, _further(item)))
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


def _further(item: WorkItem) -> tuple[along.Kind, ...]:
    """What completing a task of the form goes on to ask for; else the lists that the form offers."""
    if item.form_id is None:
        return ()
    found = ports.along.get(item.form_id)
    return found if found is not None else _lists_of(item.release_key, item.form_id)


@lru_cache(maxsize=512)
def _lists_of(release_key: int, form_id: str) -> tuple[along.Kind, ...]:
    """Releases never change."""
    content = releases.form(release_key, form_id)
    return (along.PARTIES, along.COLLEAGUES) if any(name in content for name in _LISTS) else ()
