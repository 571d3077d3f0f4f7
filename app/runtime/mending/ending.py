"""Variables set from outside, cancelling, forgetting."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import delete, select, update

from app.runtime import outside_jobs
from app.runtime.accepting import drop
from app.runtime.errors import InstanceEnded
from app.runtime.models import (
    BufferedMessage,
    Incident,
    IncidentState,
    Instance,
    InstanceStatus,
    Subscription,
    TimerRow,
)
from app.runtime.moving_models import forget as forget_moves
from app.runtime.step import Unsettled, find, step
from app.runtime.turn import is_busy, turn
from app.store import jobs
from app.store.database import db


def set_variables(
    instance_key: int, variables: Mapping[str, Any], *, by: int | None, task_id: int | None = None
) -> Instance:
    """Set variables of an instance, or of what a task sees. No rule of mending is asked: see :func:`acts.correct`.

    :raises VariableRefused: not declared, or of another type.
    """
    with step(instance_key) as taken:
        task = taken.wf.task_tree if task_id is None else taken.wf.get_task_from_id(task_id)
        for name, value in task.workflow.spec.declarations.admit_all(variables).items():
            taken.wf.scopes.set(task.scope, name, value)
    return taken.row


def cancel_instance(instance_key: int, *, by: int | None) -> Instance:
    """End an instance and everything inside it; its open tasks close.

    :raises InstanceEnded: it has ended already.
    """
    with (
        turn()
    ):  # what a completion that it had accepted leads to elsewhere comes when the step is over; it may end the instance
        row = find(instance_key, lock=True)
        if row.status != InstanceStatus.ACTIVE:
            raise InstanceEnded("This procedure has ended.", resource_id=str(instance_key))
        with suppress(InstanceEnded), step(instance_key, unsettled=Unsettled.DROPPED) as taken:
            taken.terminated = True
            taken.wf.cancel_all()
    return row


def forget_case(case_key: int) -> None:
    """A case is destroyed: end its instances and destroy what the engine knows of them. While one of them is in the
    middle of a step it is done after that step."""
    if is_busy():
        with turn() as running:
            running.later(lambda: forget_case(case_key))
        return
    # First, for the end of an instance would start with it what it has kept waiting.
    db.session.execute(delete(BufferedMessage).where(BufferedMessage.case_key == case_key))
    keys = list(db.session.execute(select(Instance.key).where(Instance.case_key == case_key)).scalars())
    for key in keys:
        row = find(key, lock=True)
        if row.status == InstanceStatus.ACTIVE:
            drop(row)  # what would follow is about the case, and might make something of it anew
            cancel_instance(key, by=None)
        row.state, row.next_due, row.has_incident, row.correlation_key = b"", None, False, None
        jobs.cancel(f"wake:{key}")
    if keys:
        db.session.execute(delete(TimerRow).where(TimerRow.instance_key.in_(keys)))
        db.session.execute(delete(Subscription).where(Subscription.instance_key.in_(keys)))
        outside_jobs.forget(keys)
        forget_moves(keys)
        db.session.execute(
            update(Incident)
            .where(Incident.instance_key.in_(keys))
            .values(details={}, message="Destroyed with its case.", state=IncidentState.RESOLVED)
        )
    db.session.flush()
