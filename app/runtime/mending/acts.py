"""Mending one incident: correct a variable, skip the element, move the token. What each may not do is in :mod:`guard`
and :mod:`moves`; whose approval it takes is the matter of whoever calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.runtime.declarations import Declared
from app.runtime.engine.task import FlowTask
from app.runtime.engine.workflow import Instance as Engine
from app.runtime.errors import InstanceEnded, TaskNotOpen
from app.runtime.mending.beside import beside
from app.runtime.mending.elsewhere import let_go, resolve, retries
from app.runtime.mending.errors import MendingRefused
from app.runtime.mending.moves import Level, element_of, why_not_moved, why_not_skipped
from app.runtime.mending.retrying import find_incident
from app.runtime.models import Incident
from app.runtime.parsed import ParsedRelease
from app.runtime.specs.events import disarm_attached
from app.runtime.spiff import TaskState
from app.runtime.step import Step, find, load, step

GONE = "What had stopped has gone on in the meantime."
NOT_A_TASK = "This incident is not at an element of a diagram; mend its cause and try again."


@dataclass(frozen=True, slots=True)
class Target:
    """An element that the token may be moved to."""

    element_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Choices:
    """How an incident may be mended, besides trying again.

    :ivar revision: the instance's revision that this was worked out at.
    :ivar variables: those that may be corrected, by name, with the declared type (None: not declared).
    :ivar reserved: those that may not, and why.
    :ivar not_skipped: why it may not be skipped; None when it may.
    :ivar targets: where the token may be moved to.
    :ivar not_moved: why it may be moved nowhere; empty when it may.
    """

    revision: int
    variables: Mapping[str, Declared | None]
    reserved: Mapping[str, str]
    not_skipped: str | None
    targets: tuple[Target, ...]
    not_moved: str


def choices(incident_key: int) -> Choices:
    """How an incident may be mended.

    :raises InstanceNotFound, Conflict: no such incident, or it is over.
    """
    row = find_incident(incident_key)
    if row.instance_key is not None and row.kind in let_go:
        return Choices(find(row.instance_key).revision, {}, {}, None, (), NOT_A_TASK)
    if row.instance_key is None or row.task_id == 0:
        return Choices(0, {}, {}, NOT_A_TASK, (), NOT_A_TASK)
    instance = find(row.instance_key)
    try:
        wf, world = load(instance)
        task = _task(wf, row)
    except (InstanceEnded, TaskNotOpen):
        return Choices(instance.revision, {}, {}, GONE, (), GONE)
    level = _level(world.release, instance.area_key, wf, task)
    declared = task.workflow.spec.declarations.types
    seen = wf.scopes.visible(task.scope)
    names = sorted(declared) if declared else sorted({*seen, *(row.details.get("saw") or {})})
    reserved = {name: why for name in names if (why := level.guard.reserves(name)) is not None}
    not_moved = why_not_moved(task) or ""
    targets = () if not_moved else tuple(_target(one) for one in level.targets(task.task_spec))
    return Choices(
        instance.revision,
        {name: declared.get(name) for name in names if name not in reserved},
        reserved,
        why_not_skipped(level, task),
        targets,
        not_moved or ("" if targets else "There is nowhere the token may be moved to."),
    )


def correct(
    incident_key: int, variable: str, value: Any, *, by: int | None, expected_revision: int | None = None
) -> bool:
    """Correct one variable that the stopped task sees, and try again. True: it went on.

    :raises MendingRefused: a decision rests on the variable, or has written it.
    :raises VariableRefused: not declared, or of another type.
    :raises StaleInstance: the instance is not at the expected revision any more.
    """
    with _at(incident_key, expected_revision) as (row, taken, task):
        why = _level_of(taken, task).guard.reserves(variable)
        if why is not None:
            raise MendingRefused(f"{why} It cannot be corrected by mending.", resource_id=variable)
        admitted = task.workflow.spec.declarations.admit(variable, value)
        taken.wf.scopes.set(task.scope, variable, admitted)
        again = retries.get(row.kind)
        if again is None:
            if task.task_spec.waits_for_event or task.task_spec.is_event_body:
                task.internal_data.get("result", {}).pop(variable, None)  # what the event brought gives way to it
            taken.wf.retry(task.id)
            went_on = task.id not in taken.wf.incidents
    if again is not None:  # it has not stopped in the engine, which waits for a person
        went_on = again(row, by)
    if went_on:
        resolve(row, by)
    return went_on


def skip(incident_key: int, *, by: int | None, expected_revision: int | None = None) -> None:
    """Leave the element out and go on behind it: nothing of what it does is done, and its results are not set.

    What is no element, a message that was not taken, is let go: the instance is as it was.

    :raises MendingRefused: it is a decision, or a decision rests on it.
    """
    if (found := find_incident(incident_key)).kind in let_go:
        let_go[found.kind](found, by)
        resolve(found, by)
        return
    with _at(incident_key, expected_revision) as (row, taken, task):
        why = why_not_skipped(_level_of(taken, task), task)
        if why is not None:
            raise MendingRefused(f"{element_of(task.task_spec)} cannot be skipped. {why}", resource_id=row.element_id)
        _leave_out(taken.wf, task)
        taken.wf.advance()
        taken.history("skipped", row.process_id, row.element_id, task.id, _title(task), {})
    resolve(row, by)


def move(incident_key: int, target: str, *, by: int | None, expected_revision: int | None = None) -> None:
    """Take the token from where it has stopped and put it at another element of the same process or sub-process.

    :raises MendingRefused: the way leads past a decision, or the token cannot be put there.
    """
    with _at(incident_key, expected_revision) as (row, taken, task):
        level = _level_of(taken, task)
        there = task.workflow.spec.task_specs.get(target)
        why = why_not_moved(task) or (
            f"There is no element {target} beside it." if there is None else level.why_not(task.task_spec, there)
        )
        if why is not None:
            raise MendingRefused(f"The token cannot be moved to {target}. {why}", resource_id=target)
        _put(task, target)
        taken.wf.advance()
        taken.history("moved", row.process_id, row.element_id, task.id, _title(task), {"to": target})
    resolve(row, by)


@contextmanager
def _at(incident_key: int, expected_revision: int | None) -> Iterator[tuple[Incident, Step, FlowTask]]:
    row = find_incident(incident_key)
    if row.instance_key is None or row.task_id == 0:
        raise MendingRefused(NOT_A_TASK, resource_id=str(incident_key))
    with step(row.instance_key, expected_revision=expected_revision) as taken:
        yield row, taken, _task(taken.wf, row)


def _task(wf: Engine, row: Incident) -> FlowTask:
    """:raises TaskNotOpen: it has ended."""
    try:
        task = wf.get_task_from_id(row.task_id)
    except LookupError:
        raise TaskNotOpen(GONE, resource_id=str(row.key)) from None
    if task.has_state(TaskState.FINISHED_MASK):
        raise TaskNotOpen(GONE, resource_id=str(row.key))
    return task


def _level_of(taken: Step, task: FlowTask) -> Level:
    return _level(taken.world.release, taken.row.area_key, taken.wf, task)


def _level(release: ParsedRelease, area_key: int, wf: Engine, task: FlowTask) -> Level:
    """What has been done is counted by process: inside a sub-process or a called one it may have been done elsewhere, and does
    not count."""
    spec = task.workflow.spec
    is_top = task.workflow is wf
    return Level(release, spec, wf.done.get(spec.process_id, {}) if is_top else {}, beside(release, area_key))


def _target(spec: Any) -> Target:
    return Target(element_of(spec), getattr(spec, "bpmn_name", None) or element_of(spec))


def _title(task: FlowTask) -> str:
    return getattr(task.task_spec, "bpmn_name", None) or element_of(task.task_spec)


def _leave_out(wf: Engine, task: FlowTask) -> None:
    """End a task as if it had been done, without doing it. An event that is attached or waits beside the flow is not
    armed at all."""
    spec = task.task_spec
    wf.incidents.pop(task.id, None)
    if spec.is_boundary or spec.is_trigger:
        task.cancel()
        task.workflow.update_waiting_tasks()
        return
    for child in list(task.children):
        if not child.has_state(TaskState.FINISHED_MASK):
            child.cancel()
    inside = wf.subprocesses.pop(task.id, None)
    if inside is not None:
        inside.cancel()
    if spec.waits_for_event:
        wf.event_manager.tasks.pop(task.id, None)
        spec.event_definition.disarm(task)
    task.internal_data.pop("result", None)
    task._set_state(TaskState.COMPLETED)
    task._sync_children(spec.outputs, TaskState.FUTURE)
    spec._on_complete(task)


def _put(task: FlowTask, target: str) -> None:
    """A token at the target, through what stands before it; then the old one goes."""
    flow = task.workflow
    specs = flow.spec.task_specs
    entry = specs.get(f"{target}.split", specs[target])
    new = flow.task_tree._add_child(entry, TaskState.FUTURE)
    entry._update(new)
    disarm_attached(task)
    task.cancel()
    flow.update_waiting_tasks()
