"""What is drawn to happen when a user task is not completed: the timers on it, where they lead, and what waits there.

Nothing here moves an instance. Expressions are evaluated as the engine would evaluate them, at the moment asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app import feel
from app.decisions import DecisionError
from app.errors import ConvenorError
from app.runtime.errors import Fault, InstanceEnded
from app.runtime.language import evaluate, instant_of
from app.runtime.scopes import ROOT
from app.runtime.specs.activities import DecisionTask, ServiceTask
from app.runtime.specs.base import mapped
from app.runtime.specs.definitions import Timer
from app.runtime.specs.events import BoundaryEvent, CatchEvent
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.process import ProcessSpec
from app.runtime.specs.subprocesses import CallActivity
from app.runtime.step import find, load
from app.runtime.world import World


@dataclass(frozen=True, slots=True)
class TimerAhead:
    """A timer on a task that has not come.

    :param leads_to: the name of the first drawn thing after it.
    :param calls: the process that it calls; None when it leads elsewhere.
    :param given: the variables that the called process gets.
    """

    at: datetime
    interrupting: bool
    leads_to: str
    calls: str | None
    given: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """One value of a collection that a process works through, and the instant its timer waits for."""

    value: Any
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Chased:
    """A step of a procedure that chases a task of another instance.

    :param roles: who is told, for a step that tells somebody.
    :param calls: the process that it calls instead, with the variables it gets.
    """

    at: datetime
    roles: tuple[str, ...] = ()
    calls: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)


class Forecast:
    """What lies ahead in one instance.

    :raises InstanceNotFound, InstanceEnded: there is no such instance, or its state has been destroyed.
    """

    def __init__(self, instance_key: int) -> None:
        self._wf, self._world = load(find(instance_key))

    def timers(self, task_id: int) -> list[TimerAhead]:
        """The timers on an open task, soonest first; for one instance of several, those of the whole activity too.

        :raises InstanceEnded: the task is no longer open.
        """
        try:
            on = self._wf.get_task_from_id(task_id)
        except LookupError:
            raise InstanceEnded("This task is no longer open.", resource_id=str(task_id)) from None
        found = []
        for task in _boundaries(on):
            due = task.internal_data.get("due", {}).get(task.task_spec.event_definition.key)
            if due is None:
                continue
            target = _first_drawn(task.task_spec)
            called = target.blueprint if isinstance(target, CallActivity) else None
            found.append(
                TimerAhead(
                    at=datetime.fromtimestamp(due / 1000, UTC),
                    interrupting=task.task_spec.cancel_activity,
                    leads_to=target.bpmn_name or "" if target is not None else "",
                    calls=called,
                    given=self._given(task, target) if called else {},
                )
            )
        return sorted(found, key=lambda timer: timer.at)

    def _given(self, task: Any, call: CallActivity) -> Mapping[str, Any]:
        try:
            given = mapped(task, call.inputs_map)
        except Fault:
            return {}
        return {**self._wf.scopes.visible(task.scope), **given} if call.all_in else given

    def chases(self, element_id: str, item: str) -> list[Chased]:
        """What this instance does about a task of another one that its diagram names: the steps on the way to a call that
        is given the task's element as `subjectElement`.

        :param item: what a call that runs once for each of several is about, for instance an agency's key.
        """
        for spec in (self._wf.spec, *self._wf.subprocess_specs.values()):
            if spec.process_id == self._wf.spec.process_id:
                for call, body in _calls_about(spec, element_id):
                    return list(self._way(spec, call, body, item))
        return []

    def _way(self, spec: ProcessSpec, call: CallActivity, body: MultiInstance | None, item: str) -> Iterator[Chased]:
        seen = self._wf.scopes.visible(ROOT)
        if body is not None and body.item:
            seen[body.item] = item
        at: datetime | None = None
        for step in _path(spec, body or call):
            if isinstance(step, CatchEvent) and isinstance(step.event_definition, Timer):
                at = _instant(step.event_definition, seen, self._world.env, spec.names)
            elif at is not None and isinstance(step, ServiceTask) and "roles" in dict(step.inputs_map):
                roles = self._value(dict(step.inputs_map)["roles"], seen, spec)
                if isinstance(roles, list):
                    yield Chased(at, tuple(str(role) for role in roles))
        if at is not None:
            given = {target: self._value(source, seen, spec) for target, source in call.inputs_map}
            yield Chased(at, calls=call.blueprint, given=given)

    def _value(self, source: str, seen: Mapping[str, Any], spec: ProcessSpec) -> Any:
        try:
            return evaluate(source, seen, self._world.env, spec.names)
        except Fault:
            return None

    def turns(
        self,
        process_id: str,
        variables: Mapping[str, Any],
        at: datetime,
        supposed: Mapping[str, datetime] | None = None,
    ) -> list[Turn]:
        """What a called process that works through the result of a decision would do, had it been called at an instant.

        Each turn is one result of the decision, with the instant of the timer that the turn waits for first. A process
        of another shape gives none, and neither does a decision that fails: the incident would come then.

        :param supposed: deadlines that the process will find, although nobody has set them yet.
        """
        spec = self._wf.subprocess_specs.get(process_id)
        shape = _shape(self._wf.subprocess_specs, spec) if spec is not None else None
        if spec is None or shape is None:
            return []
        decision, body, timer = shape
        env = _at(self._world, at, supposed or {})
        try:
            values = self._world.release.model_of(decision).evaluate(decision, variables, env).value
        except (DecisionError, feel.FeelError, ConvenorError):
            return []
        found = []
        for value in values if isinstance(values, list) else []:
            seen = {**variables, body.item or "": value}
            found.append(Turn(value, _instant(timer, seen, env, spec.names)))
        return found

    def under_way(self, marks: Mapping[str, Any]) -> list[Turn]:
        """The turns of processes that are already running for the task: their waiting timers that see variables with
        these values."""
        found = []
        for task in self._wf.event_manager.tasks.values():
            definition = getattr(task.task_spec, "event_definition", None)
            due = task.internal_data.get("due", {}).get(getattr(definition, "key", None))
            if not isinstance(task.task_spec, CatchEvent) or due is None:
                continue
            seen = self._wf.scopes.visible(task.scope)
            body = task.workflow.parent_task_id
            item = _item_of(self._wf.get_task_from_id(body)) if body else None
            if item is not None and all(seen.get(name) == value for name, value in marks.items()):
                found.append(Turn(seen.get(item), datetime.fromtimestamp(due / 1000, UTC)))
        return found


def _boundaries(task: Any) -> Iterator[Any]:
    split = task.parent
    while split is not None:
        yield from (
            t
            for t in split.children
            if isinstance(t.task_spec, BoundaryEvent) and isinstance(t.task_spec.event_definition, Timer)
        )
        split = split.parent if split.task_spec.is_body else None


def _calls_about(spec: ProcessSpec, element_id: str) -> Iterator[tuple[CallActivity, MultiInstance | None]]:
    bodies = {s.inner: s for s in spec.task_specs.values() if isinstance(s, MultiInstance)}
    for name, call in spec.task_specs.items():
        if isinstance(call, CallActivity) and ("subjectElement", f'="{element_id}"') in call.inputs_map:
            yield call, bodies.get(name)


def _path(spec: ProcessSpec, target: Any) -> list[Any]:
    """The elements on the shortest way from the start of a process to one of them, itself left out."""
    came: dict[str, Any] = {spec.start.name: None}
    todo = [spec.start]
    while todo:
        found = todo.pop(0)
        if found is target:
            way = []
            while came[found.name] is not None:
                found = came[found.name]
                way.append(found)
            return way[::-1]
        for following in found.outputs:
            if following.name not in came:
                came[following.name] = found
                todo.append(following)
    return []


def _at(world: World, at: datetime, supposed: Mapping[str, datetime]) -> feel.Environment:
    def deadline(name: str) -> datetime | None:
        return world.env.deadline(name) or supposed.get(name)

    return feel.Environment(now=lambda: at, params=world.env.params, deadline=deadline)


def _instant(timer: Timer, seen: Mapping[str, Any], env: feel.Environment, names: frozenset[str]) -> datetime | None:
    try:
        return instant_of(evaluate(timer.expression, seen, env, names), f"The timer {timer.key}")
    except Fault:
        return None


def _first_drawn(spec: Any) -> Any:
    """The first activity or event with a name after an element; gateways and what has no name are passed over."""
    seen: set[str] = set()
    todo = list(spec.outputs)
    while todo:
        found = todo.pop(0)
        if found.name in seen:
            continue
        seen.add(found.name)
        if isinstance(found, CallActivity) or (getattr(found, "bpmn_name", None) and not found.is_split):
            return found
        todo += list(found.outputs)
    return None


def _shape(specs: Mapping[str, ProcessSpec], process: ProcessSpec) -> tuple[str, MultiInstance, Timer] | None:
    """A decision whose results are worked through one by one, each beginning with a timer for a date."""
    results = {s.result_variable: s.decision for s in process.task_specs.values() if isinstance(s, DecisionTask)}
    for body in process.task_specs.values():
        if not isinstance(body, MultiInstance):
            continue
        decision = results.get(body.items.removeprefix("=").strip())
        inner = process.task_specs[body.inner]
        steps = specs.get(getattr(inner, "blueprint", ""))
        if decision is None or steps is None:
            continue
        for step in steps.task_specs.values():
            if isinstance(step, CatchEvent) and isinstance(step.event_definition, Timer):
                return decision, body, step.event_definition
    return None


def _item_of(task: Any) -> str | None:
    """The name that one instance of several knows its item by."""
    parent = task.parent
    return parent.task_spec.item if parent is not None and isinstance(parent.task_spec, MultiInstance) else None
