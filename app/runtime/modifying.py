"""Changing where an instance stands: tokens ended, tokens begun, variables set. Who may is asked above.

A decision is never stepped past: an element where a person or a table decides is neither ended nor moved away from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import Conflict, Invalid, NotAllowed
from app.runtime import releases
from app.runtime.declarations import Declarations
from app.runtime.engine.task import LIVE, FlowTask
from app.runtime.engine.workflow import Instance as Engine
from app.runtime.mending.guard import guards_of
from app.runtime.models import Instance
from app.runtime.specs.activities import Activity
from app.runtime.specs.events import CatchEvent, EndEvent, Split, ThrowEvent, disarm_attached
from app.runtime.specs.gateways import Choice, EventBasedGateway, ExclusiveGateway, Join
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.spiff import TaskState
from app.runtime.step import step

MAX_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """Variables to set before an element begins. :ivar scope: an element around it, or empty for the process."""

    variables: Mapping[str, Any]
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin an element. :ivar inside: the task of the sub-process to begin it in, when several of them run."""

    element_id: str
    given: Sequence[Given] = ()
    inside: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """End tokens: one by its number, or all at an element."""

    element_id: str = ""
    task_id: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """End tokens and begin as many at another element."""

    source: End
    target: Begin


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change, in one step: what is begun is begun first, so that nothing ends for want of a token."""

    begin: Sequence[Begin] = ()
    move: Sequence[Move] = ()
    end: Sequence[End] = field(default_factory=tuple)


def modify(instance_key: int, changes: Changes) -> Instance:
    """Change where an instance stands, and run on to the next wait. Without a token left it ends.

    :raises Invalid: an element is not drawn, or cannot be begun. :raises Conflict: nothing is at work where something is
        to end. :raises NotAllowed: it would step past a decision.
    :raises InstanceEnded, VariableRefused: see :mod:`app.runtime.step`, :mod:`app.runtime.declarations`.
    """
    with step(instance_key) as taken:
        wf = taken.wf
        leaving: list[FlowTask] = []
        for move in changes.move:
            sources = _at(taken.row, wf, move.source)
            leaving += sources
            for source in sources:
                scope = source.workflow.parent_task_id or None
                inside = move.target.inside
                _begin(wf, Begin(move.target.element_id, move.target.given, scope if inside is None else inside))
        for begun in changes.begin:
            _begin(wf, begun)
        for end in changes.end:
            leaving += _at(taken.row, wf, end)
        for task in {task.id: task for task in leaving}.values():
            _end(task)
        if any(_alive(task) for task in wf.tasks.values()):
            for flow in wf.flows():
                flow.update_waiting_tasks()  # a join may have waited for what has ended
            wf.advance()
        else:
            taken.terminated = True
            wf.cancel_all()
    return taken.row


def write_variables(
    instance_key: int, variables: Mapping[str, Any], *, task_id: int | None = None, local: bool = False
) -> Instance:
    """Set variables where they are found looking outwards from an element, or in its own scope.

    :raises VariableRefused: not declared, or of another type. :raises LookupError: the element is not at work.
    """
    with step(instance_key) as taken:
        task = taken.wf.task_tree if task_id is None else taken.wf.get_task_from_id(task_id)
        _write(task, variables, local=local)
    return taken.row


def _write(task: FlowTask, variables: Mapping[str, Any], *, local: bool) -> None:
    declared: Declarations = task.workflow.spec.declarations
    scopes = task.top.scopes
    scope = task.scope
    if local and task is not task.top.task_tree:
        scope = task.id
        if scope not in scopes:
            scopes.open(scope, task.outer)
    for name, value in declared.admit_all(variables).items():
        if local:
            scopes.set_local(scope, name, value)
        else:
            scopes.set(scope, name, value)


# ------------------------------------------------------------------------------------------------ ending
def _at(row: Instance, wf: Engine, what: End) -> list[FlowTask]:
    """The tokens that are meant.

    :raises Conflict: none. :raises NotAllowed: a decision is to be taken there.
    """
    found = []
    for flow in wf.flows():
        for task in flow.tasks.values():
            spec = task.task_spec
            drawn = getattr(spec, "bpmn_id", None)
            if not drawn or not task.has_state(LIVE) or spec.is_boundary or spec.is_trigger:
                continue
            if task.id == what.task_id or (drawn == what.element_id and not task.is_instance):
                found.append(task)
    if not found:
        named = what.element_id or "this key"
        raise Conflict(f"Nothing is at work at {named} that could be ended.", resource_id=what.element_id or None)
    guards = guards_of(releases.parsed(row.release_key))
    for task in found:
        for ending in _with_what_is_inside(task):
            guard = guards.get(ending.workflow.spec.process_id)
            why = guard.decisions.get(ending.task_spec.bpmn_id) if guard else None
            if why is not None:
                raise NotAllowed(why, resource_id=ending.task_spec.bpmn_id)
    return found


def _with_what_is_inside(task: FlowTask) -> Iterator[FlowTask]:
    """A token, and every other that ends with it: of its instances, its sub-process, what it calls."""
    yield task
    for child in task.children:
        yield from _with_what_is_inside(child)
    inside = task.top.subprocesses.get(task.id)
    for other in inside.tasks.values() if inside is not None else ():
        if other.has_state(LIVE) and getattr(other.task_spec, "bpmn_id", None):
            yield from _with_what_is_inside(other)


def _end(task: FlowTask) -> None:
    if task.has_state(TaskState.FINISHED_MASK):
        return
    task.cancel()
    disarm_attached(task)
    if task.is_instance:
        body = task.parent
        if not body.task_spec.at_work(body):
            _end(body)  # a body goes on with the instances that are left, and ends with the last
        return
    flow = task.workflow
    around = flow.parent_task_id
    if around and not any(_alive(other) for other in flow.tasks.values()):
        inside = task.top.get_task_from_id(around)
        _end(inside)


def _alive(task: FlowTask) -> bool:
    """Whether a token goes on by itself: what only waits beside others, or for others to come, does not count."""
    spec = task.task_spec
    level = task.workflow.spec
    if not task.has_state(LIVE) or spec is level.start or spec is level.end:
        return False
    return not (spec.is_boundary or spec.is_trigger)


# ------------------------------------------------------------------------------------------------ beginning
def _begin(wf: Engine, what: Begin) -> None:
    flow = _level(wf, what)
    for given in what.given:
        _give(wf, flow, given)
    specs = flow.spec.task_specs
    spec = specs.get(f"{what.element_id}.split") or specs[what.element_id]
    task = flow.task_tree._add_child(spec, TaskState.FUTURE)
    task.task_spec._update(task)


def _level(wf: Engine, what: Begin) -> Any:
    """The process or running sub-process that an element is drawn in.

    :raises Invalid: there is none, or more than one and nobody says which.
    """
    element_id = what.element_id
    levels = [flow for flow in wf.flows() if element_id in flow.spec.task_specs]  # type: ignore[attr-defined]
    if what.inside is not None:
        chosen = [flow for flow in levels if flow.parent_task_id == what.inside]  # type: ignore[attr-defined]
        levels = chosen or levels
    if not levels:
        drawn = any(element_id in spec.task_specs for spec in wf.subprocess_specs.values())
        if drawn:
            raise Invalid(
                f"{element_id} is drawn in a sub-process that is not running. Begin the sub-process.",
                resource_id=element_id,
            )
        raise Invalid(f"There is no element {element_id} in this process.", resource_id=element_id)
    if len(levels) > 1:
        raise Invalid(
            f"{element_id} is drawn in a sub-process that runs several times. Say in which, by ancestorElementInstanceKey.",
            resource_id=element_id,
        )
    spec = levels[0].spec.task_specs[element_id]  # type: ignore[attr-defined]
    if not _may_begin(spec):
        raise Invalid(
            f"{element_id} cannot be begun by itself. Begin an activity, an event that waits or is thrown, or an exclusive "
            "gateway.",
            resource_id=element_id,
        )
    return levels[0]


def _may_begin(spec: Any) -> bool:
    if spec.is_event_body or isinstance(spec, Join | Split):
        return False
    return isinstance(
        spec,
        Activity | MultiInstance | CatchEvent | ThrowEvent | EndEvent | ExclusiveGateway | EventBasedGateway | Choice,
    )


def _give(wf: Engine, flow: Any, given: Given) -> None:
    owner = flow.task_tree
    if given.scope and given.scope != flow.spec.process_id:
        around = flow
        while around is not wf:
            owner = wf.get_task_from_id(around.parent_task_id)
            if owner.task_spec.bpmn_id == given.scope:
                _write(owner, given.variables, local=True)
                return
            around = owner.workflow
        raise Invalid(f"{given.scope} is no element around the one that is begun.", resource_id=given.scope)
    _write(wf.task_tree, given.variables, local=False)
