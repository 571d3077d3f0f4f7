"""Looking at instances without moving them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.runtime import codec, releases
from app.runtime.errors import Fault, UnreadableState
from app.runtime.language import to_plain
from app.runtime.models import Incident, IncidentState, Instance, Subscription, TimerRow
from app.runtime.offering import task_opened
from app.runtime.ports import TaskOpened
from app.runtime.step import find, load
from app.store.database import db


@dataclass(frozen=True, slots=True)
class ElementState:
    """How an element of a diagram stands in an instance.

    :param active: tokens at it now.
    :param completed: how often it has been completed.
    :param incident: whether it has stopped.
    """

    active: int = 0
    completed: int = 0
    incident: bool = False


def instance(instance_key: int) -> Instance:
    """:raises InstanceNotFound: there is none."""
    return find(instance_key)


def variables(instance_key: int, task_id: int | None = None) -> dict[str, Any]:
    """The variables of an instance, or those that one of its open tasks sees, as FEEL values. Empty once destroyed.

    :raises InstanceNotFound: there is no such instance.
    """
    row = find(instance_key)
    if not row.state:
        return {}
    diagrams = releases.parsed(row.release_key).diagrams
    if task_id is None:
        return codec.root_variables(row.state, diagrams, row.process_id)
    wf, _ = load(row)
    try:
        task = wf.get_task_from_id(task_id)
    except LookupError:
        return codec.root_variables(row.state, diagrams, row.process_id)
    return wf.scopes.visible(task.scope)


def plain_variables(instance_key: int, task_id: int | None = None) -> dict[str, Any]:
    """The same as ordinary JSON: numbers as numbers, times as ISO text."""
    return {name: to_plain(value) for name, value in variables(instance_key, task_id).items()}


@dataclass(frozen=True, slots=True)
class Offer:
    """Whom an open user task is for by now.

    :param assignee: the expression for the one who has it, as written.
    """

    task: TaskOpened
    assignee: str | None


def offer(instance_key: int, task_id: int) -> Offer | None:
    """Ask the diagram again whom an open task is for; None when it is not open, or cannot be asked.

    :raises InstanceNotFound: there is no such instance.
    """
    row = find(instance_key)
    if not row.state:
        return None
    try:
        wf, _ = load(row)
    except UnreadableState:  # of a later version while both run, or damaged
        return None
    found = next((task for task in wf.user_tasks() if task.id == task_id), None)
    if found is None:
        return None
    spec = found.task_spec
    try:
        return Offer(task_opened(row, task_id, spec.plan.seen(spec, found)), spec.plan.assignee)
    except Fault:
        return None


def element_states(instance_key: int, process_id: str | None = None) -> dict[str, ElementState]:
    """How each element of the instance's diagram stands, or of a process it calls; elements never reached are left out.

    :raises InstanceNotFound: there is no such instance.
    """
    row = find(instance_key)
    if not row.state:
        return {}
    wf, _ = load(row)
    process = process_id or row.process_id
    active = wf.active_elements().get(process, {})
    done = wf.done.get(process, {})
    stopped = set()
    for task_id in wf.incidents:
        task = wf.get_task_from_id(task_id)
        if task.workflow.spec.process_id == process and task.task_spec.bpmn_id:
            stopped.add(task.task_spec.bpmn_id)
    return {
        element: ElementState(active.get(element, 0), done.get(element, 0), element in stopped)
        for element in sorted({*active, *done, *stopped})
    }


def processes_of(instance_key: int) -> list[str]:
    """The processes that an instance has been in: its own first, then those it called, by id."""
    row = find(instance_key)
    if not row.state:
        return [row.process_id]
    wf, _ = load(row)
    return [row.process_id, *sorted({*wf.done, *wf.active_elements()} - {row.process_id})]


def incidents(instance_key: int, *, only_active: bool = True) -> list[Incident]:
    """Incidents of an instance, oldest first."""
    query = select(Incident).where(Incident.instance_key == instance_key)
    if only_active:
        query = query.where(Incident.state == IncidentState.ACTIVE)
    return list(db.session.execute(query.order_by(Incident.key)).scalars())


def cause_of(row: Incident) -> str:
    """Why something has stopped, in sentences: what happened, what the expression saw (types, never values), and why."""
    saw = ", ".join(f"{name} ({kind})" for name, kind in (row.details.get("saw") or {}).items())
    parts = [row.message, f"It saw: {saw}." if saw else "", *(row.details.get("why") or ())]
    return " ".join(dict.fromkeys(part for part in parts if part))


def timers(instance_key: int) -> list[TimerRow]:
    """Armed timers of an instance, soonest first."""
    query = select(TimerRow).where(TimerRow.instance_key == instance_key, TimerRow.due_at.is_not(None))
    return list(db.session.execute(query.order_by(TimerRow.due_at)).scalars())


def waiting_messages(instance_key: int) -> list[Subscription]:
    """What an instance waits for from outside."""
    return list(db.session.execute(select(Subscription).where(Subscription.instance_key == instance_key)).scalars())


def of_case(case_key: int) -> list[Instance]:
    """Instances of a case, oldest first."""
    return list(
        db.session.execute(select(Instance).where(Instance.case_key == case_key).order_by(Instance.key)).scalars()
    )


def variables_of_cases(case_keys: Collection[int]) -> dict[int, dict[str, Any]]:
    """The variables of the oldest instance of each case as ordinary JSON, in one statement; a case without one is left out."""
    oldest = select(func.min(Instance.key)).where(Instance.case_key.in_(case_keys)).group_by(Instance.case_key)
    found = {}
    for row in db.session.execute(select(Instance).where(Instance.key.in_(oldest))).scalars():
        if row.case_key is not None and row.state:
            known = codec.root_variables(row.state, releases.parsed(row.release_key).diagrams, row.process_id)
            found[row.case_key] = {name: to_plain(value) for name, value in known.items()}
    return found


def of_meeting(meeting_key: int) -> list[Instance]:
    """Instances of a meeting, oldest first."""
    query = select(Instance).where(Instance.meeting_key == meeting_key).order_by(Instance.key)
    return list(db.session.execute(query).scalars())
