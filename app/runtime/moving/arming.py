"""What waits around the open elements of a moved instance: events that the new diagram adds are armed, nothing fires, no instant changes.

A timer that is armed keeps its instant whatever its rule says now. It is bound to the deadlines that its new rule asks
for, so that a recorded move of one computes it again by that rule. An event that has fired before is not armed again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.runtime.engine.task import OPEN, FlowTask, parts
from app.runtime.engine.workflow import Instance
from app.runtime.errors import Fault
from app.runtime.language import cycle_of
from app.runtime.moving.elements import ElementMap, attached_to, split_of, triggers_of
from app.runtime.moving.outlook import Obstacle, TimerChange
from app.runtime.moving.translation import Translation
from app.runtime.moving.words import titled
from app.runtime.specs.base import value_of
from app.runtime.specs.definitions import Message, Timer
from app.runtime.specs.events import activity_of
from app.runtime.spiff import TaskState


@dataclass(slots=True)
class Armed:
    """What arming found.

    :ivar named: the names among those asked for that were computed again.
    :ivar renewed: tasks whose message or signal is another now: their subscriptions are new.
    """

    obstacles: list[Obstacle] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    timers: list[TimerChange] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    renewed: set[int] = field(default_factory=set)


class Arming:
    """For one restored instance.

    :param recompute: names of deadlines, or ids of timers, that a person wants computed again by the new rule.
    :param opened: when each open user task was entered, as far as that is known: what is attached to it counts from then.
    """

    def __init__(
        self,
        wf: Instance,
        made: Translation,
        elements: ElementMap,
        recompute: Collection[str] = (),
        opened: Mapping[int, datetime] | None = None,
    ) -> None:
        self.wf, self.made, self.elements, self.recompute = wf, made, elements, frozenset(recompute)
        self.opened = opened or {}
        self.found = Armed()

    def run(self) -> Armed:
        kept = list(self.wf.event_manager.tasks.values())
        for owner, flow in self.made.flows.items():
            inside: Any = self.wf if owner == 0 else self.wf.subprocesses[owner]
            for task in list(inside.tasks.values()):
                if task.has_state(OPEN) and self._may_have_events(task):
                    self._attach(task, flow.before)
                if task.has_state(OPEN):
                    self._inputs(task)
            self._triggers(inside, flow.before)
        for task in kept:
            self._again(task)
        for owner, spec, data in self.made.gone:
            self._gone(owner, spec, data)
        return self.found

    # ---- new events
    def _may_have_events(self, task: FlowTask) -> bool:
        spec = task.task_spec
        return bool(task.id in self.made.origins) and not (spec.is_boundary or spec.is_trigger or task.is_instance)

    def _inputs(self, task: FlowTask) -> None:
        """What an activity was given when it was entered stays what it was given."""
        was, spec = self.made.origins.get(task.id), task.task_spec
        if was is None or "in" not in task.internal_data:
            return
        if getattr(was, "inputs_map", ()) != getattr(spec, "inputs_map", ()):
            said = f"{titled(spec)} is given other values in the other release; here it keeps what it was given."
            if said not in self.found.notes:
                self.found.notes.append(said)

    def _attach(self, task: FlowTask, before: Any) -> None:
        spec, flow = task.task_spec, task.workflow
        split_spec = split_of(flow.spec, spec.name)
        if split_spec is None:
            return
        had = attached_to(before, self.made.origins[task.id].name)
        process_id = before.process_id
        known = {(self.elements.of(process_id, name), each.event_definition.kind) for name, each in had.items()}
        split = task.parent
        if split is None or split.task_spec is not split_spec:
            split = self._split(task, split_spec)
        for event in attached_to(flow.spec, spec.name).values():
            if (event.name, event.event_definition.kind) not in known:
                self._arm(split._add_child(event, TaskState.WAITING))

    def _split(self, task: FlowTask, spec: Any) -> FlowTask:
        """The activity had no events: put before it what they hang on."""
        parent = task.parent
        split: FlowTask = parent._add_child(spec, TaskState.COMPLETED)
        parent._children.remove(task.id)
        task._parent = split.id
        split._children.append(task.id)
        return split

    def _triggers(self, inside: Any, before: Any) -> None:
        """Event sub-processes that are new in a scope, unless an interrupting one has taken it over."""
        process_id = before.process_id
        if inside.completed or any(_took_over(task) for task in inside.tasks.values() if task.has_state(OPEN)):
            return
        known = {
            (self.elements.spec_name(process_id, each), each.event_definition.kind)
            for each in triggers_of(before).values()
        }
        for name, spec in triggers_of(inside.spec).items():
            if (name, spec.event_definition.kind) not in known:
                self._arm(inside.task_tree._add_child(spec, TaskState.WAITING))

    def _arm(self, task: FlowTask) -> None:
        """Begin to wait. What is due already fires with the instance's next step, not with the move."""
        spec = task.task_spec
        activity = activity_of(task) if spec.is_boundary else None
        if activity is not None and activity.id in self.wf.incidents and activity.has_state(TaskState.WAITING):
            return  # armed when the activity has been entered
        try:
            spec.event_definition.arm(task)
        except Fault as fault:
            self.found.obstacles.append(
                Obstacle(
                    task.workflow.spec.process_id,
                    spec.bpmn_id,
                    f"{titled(spec)} is new and cannot be armed: {fault.message}",
                    "Mend its expression, or set what it asks for first.",
                )
            )
            return
        self.wf.event_manager.add_task(task)
        if isinstance(spec.event_definition, Timer):
            due = _instant(task.internal_data["due"][spec.event_definition.key])
            self.found.timers.append(
                TimerChange(
                    task.workflow.spec.process_id, spec.bpmn_id, "new", due, due, _bound(task, spec.event_definition)
                )
            )
            if due <= self.wf.host.now:
                self.found.notes.append(f"{titled(spec)} is new and due already: it fires right after the move.")
        else:
            self.found.notes.append(f"{titled(spec)} is new and waits from now on.")

    # ---- what waits already
    def _again(self, task: FlowTask) -> None:
        origin = self.made.origins[task.id]
        process_id = task.workflow.spec.process_id
        were = {self.elements.of(process_id, each.key): each for each in parts(origin.event_definition)}
        for definition in parts(task.task_spec.event_definition):
            was = were.get(definition.key)
            if isinstance(definition, Timer) and isinstance(was, Timer):
                self._timer(task, was, definition)
            elif isinstance(definition, Message) and isinstance(was, Message):
                if (was.name, was.correlation) != (definition.name, definition.correlation):
                    self._message(task, was, definition)
            elif definition.kind == "signal" and was is not None and was.name != definition.name:
                self.found.renewed.add(task.id)
                self.found.notes.append(
                    f"{titled(task.task_spec)} waits for the signal {definition.name} instead of {was.name}."
                )

    def _message(self, task: FlowTask, was: Message, definition: Message) -> None:
        keys = task.internal_data.get("sub", {})
        if definition.key not in keys:
            return
        before = keys.pop(definition.key)
        try:
            definition.arm(task)
        except Fault as fault:
            keys[definition.key] = before
            self.found.obstacles.append(
                Obstacle(
                    task.workflow.spec.process_id,
                    task.task_spec.bpmn_id,
                    f"{titled(task.task_spec)} waits for another message, and its key cannot be told: {fault.message}",
                    "Mend the correlation key.",
                )
            )
            return
        self.found.renewed.add(task.id)
        if was.name != definition.name:
            self.found.notes.append(
                f"{titled(task.task_spec)} waits for the message {definition.name} instead of {was.name}."
            )

    def _timer(self, task: FlowTask, was: Timer, timer: Timer) -> None:
        data, spec = task.internal_data, task.task_spec
        if (was.shape, was.expression) == (timer.shape, timer.expression):
            if self._asked(task, timer, was):
                self.found.named |= self._names(task, timer, was) & self.recompute
            return
        if timer.key not in data.get("due", {}):
            return
        would_be, asked = self._would_be(task, timer)
        bound = data.setdefault("bound", {})
        if asked:
            bound[timer.key] = list(asked)
        else:
            bound.pop(timer.key, None)
        if not bound:
            del data["bound"]
        self._cycle(task, was, timer)
        what = "kept"
        if would_be is not None and self._asked(task, timer, was):
            self.found.named |= self._names(task, timer, was) & self.recompute
            data["due"][timer.key] = -int(-would_be.timestamp() * 1000 // 1)
            what = "recomputed"
        due = _instant(data["due"][timer.key])
        self.found.timers.append(
            TimerChange(task.workflow.spec.process_id, spec.bpmn_id or "", what, due, would_be, tuple(asked))
        )

    def _names(self, task: FlowTask, timer: Timer, was: Timer) -> set[str]:
        return {timer.key, was.key, *_bound(task, timer)}

    def _asked(self, task: FlowTask, timer: Timer, was: Timer) -> bool:
        return bool(self._names(task, timer, was) & self.recompute)

    def _would_be(self, task: FlowTask, timer: Timer) -> tuple[datetime | None, tuple[str, ...]]:
        """When the timer would be due by its new rule, and the deadlines that the rule asks for."""
        host, data = self.wf.host, task.internal_data
        activity = activity_of(task) if task.task_spec.is_boundary else None
        since = self.opened.get(activity.id) if activity is not None else None
        left = data.get("left")
        try:
            with as_of(host, since):
                host.begin_recording()
                value = value_of(task, timer.expression)
                at = None if value is None else timer._due(task, value, f"The timer {timer.key}")
        except (Fault, OverflowError, ValueError):
            at = None
        finally:
            data.pop("left", None)
            if left is not None:
                data["left"] = left
        return at, host.recorded_deadlines()

    def _cycle(self, task: FlowTask, was: Timer, timer: Timer) -> None:
        """A timer that becomes a cycle counts its turns from now; one that is a cycle no more stops counting."""
        data = task.internal_data
        if timer.shape == "cycle" and was.shape != "cycle":
            try:
                data["left"] = cycle_of(value_of(task, timer.expression), f"The timer {timer.key}")[0]
            except Fault:
                data["left"] = 1
        elif timer.shape != "cycle":
            data.pop("left", None)
            data.pop("from", None)

    def _gone(self, owner: int, spec: Any, data: dict[str, Any]) -> None:
        flow = self.made.flows[owner]
        for key, at in data.get("due", {}).items():
            self.found.timers.append(
                TimerChange(
                    flow.before.process_id,
                    spec.bpmn_id or key,
                    "gone",
                    _instant(at),
                    None,
                    tuple(data.get("bound", {}).get(key, ())),
                )
            )
        if not data.get("due"):
            self.found.notes.append(f"{titled(spec)} waits no more: it is not there in the other release.")


@contextmanager
def as_of(host: Any, at: datetime | None) -> Iterator[None]:
    """Let expressions see another instant as now."""
    if at is None:
        yield
        return
    now = host.now
    host.now = at
    try:
        yield
    finally:
        host.now = now


def _took_over(task: FlowTask) -> bool:
    """Whether this is the body of an interrupting event sub-process."""
    spec = task.task_spec
    if not spec.is_event_body:
        return False
    return any(each.is_trigger and each.interrupting for each in spec.inputs)


def _bound(task: FlowTask, timer: Timer) -> tuple[str, ...]:
    return tuple(task.internal_data.get("bound", {}).get(timer.key, ()))


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
