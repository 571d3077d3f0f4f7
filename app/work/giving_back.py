"""Tasks that go back to those who may do them, because whoever has one may not have it any more."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from app import audit
from app.errors import NotFound
from app.identity import register
from app.identity.person import Person
from app.store.database import db
from app.work.items import hand_over_targets
from app.work.models import ItemState, WorkItem
from app.work.ports import ports


def give_back(case_key: int, is_closed_to: Callable[[Person], bool], *, by: Person) -> list[WorkItem]:
    """The open tasks of a case held by people to whom it is closed go back to the others they are for, who are told.

    A task that is for nobody else stays with whoever has it, who cannot open it: that is an incident, and somebody must decide.
    """
    held = select(WorkItem).where(
        WorkItem.case_key == case_key, WorkItem.state == ItemState.OPEN, WorkItem.assignee.is_not(None)
    )
    back = []
    for item in db.session.execute(held.order_by(WorkItem.key).with_for_update()).scalars():
        if not _is_closed_to_its_holder(item, is_closed_to):
            continue
        others = [key for key, _ in hand_over_targets(item)]
        if not others:
            continue
        item.assignee = item.taken_by = item.claimed_at = None
        audit.record("work.release", actor=by, subject=f"item:{item.key}", case_key=item.case_key)
        if ports.notifier is not None:
            ports.notifier.given_back(item, others)
        back.append(item)
    return back


def _is_closed_to_its_holder(item: WorkItem, is_closed_to: Callable[[Person], bool]) -> bool:
    try:
        return is_closed_to(register.person_for(item.assignee or 0))
    except NotFound:
        return False
