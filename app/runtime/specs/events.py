# mypy: allow-subclassing-any
"""Start, intermediate, boundary and end events, and the start of an event sub-process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.runtime.engine.host import NoteKind
from app.runtime.engine.task import OPEN, FlowTask, parts
from app.runtime.scopes import Overlay, View
from app.runtime.specs.base import Element, Mappings, Step, handed_on, mapped, taken, write
from app.runtime.specs.definitions import Coded, Definition, Message, Signal, Terminate, Timer
from app.runtime.spiff import SimpleBpmnTask, TaskState


class Catcher(Step):
    """Waits for its event. The task waits in the instance's event manager until the event comes.

    Beginning to wait never fires: what is due already is fired in its turn when the instance goes on.
    """

    waits_for_event = True
    event_definition: Definition
    outputs_map: Mappings = ()

    def _update_hook(self, t: FlowTask) -> bool:
        definition = self.event_definition
        if definition.kind == "none" or "fired" in t.internal_data:
            return True
        if not t.has_state(TaskState.WAITING):
            t._set_state(TaskState.WAITING)
        waited = t.id in t.top.event_manager.tasks
        definition.arm(t)
        t.top.event_manager.add_task(t)
        if waited and definition.is_due(t):
            t.internal_data.setdefault("fired", definition.key)
            t.top.note(t, NoteKind.TIMER, event=t.internal_data["fired"])
            return True
        return False

    def _on_ready_hook(self, t: FlowTask) -> None:
        t.top.event_manager.remove_task(t)
        self.event_definition.disarm(t)

    def _on_cancel(self, t: FlowTask) -> None:
        t.top.event_manager.remove_task(t)

    def receive(self, t: FlowTask, definition: Definition, payload: Mapping[str, Any]) -> None:
        """The event has come."""
        t.internal_data["fired"] = definition.key
        if payload:
            t.internal_data["result"] = dict(payload)
        self._update(t)

    def message_of(self, t: FlowTask, name: str) -> Message | None:
        """The message of this name that the task waits for."""
        keys = t.internal_data.get("sub", {})
        return next(
            (d for d in parts(self.event_definition) if isinstance(d, Message) and d.name == name and d.key in keys),
            None,
        )

    def signal_of(self, t: FlowTask, name: str) -> Signal | None:
        keys = t.internal_data.get("sub", {})
        return next(
            (d for d in parts(self.event_definition) if isinstance(d, Signal) and d.name == name and d.key in keys),
            None,
        )

    def catches_code(self, kind: str, code: str | None, *, exactly: bool) -> bool:
        definition = self.event_definition
        return isinstance(definition, Coded) and definition.kind == kind and definition.matches(code, exactly)


class Event(Element):
    """An event that is drawn."""

    outputs_map: Mappings = ()

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: Definition, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition = event_definition

    def deliver(self, t: FlowTask) -> None:
        """The payload becomes variables: all of it, or what the output mappings take from it."""
        got = t.internal_data.get("result") or {}
        if self.outputs_map:
            got = handed_on(t, self.outputs_map, Overlay(got, View(t.top.scopes, t.outer)))
        else:
            got = taken(t, got)
        write(t, t.outer, got)
        t.internal_data.pop("result", None)


class CatchingElement(Catcher, Event):
    """What every catching event is."""

    def _run_hook(self, t: FlowTask) -> bool:
        self.deliver(t)
        t.internal_data.pop("fired", None)
        return True


class CatchEvent(CatchingElement):
    """An intermediate event that waits."""


class StartEvent(Event):
    """A start event. What triggers it is the matter of whoever starts the instance, or of the event sub-process's
    trigger.

    :ivar plain: an instance started without an event begins here.
    """

    plain = True

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: Definition, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, Definition(bpmn_id), **kwargs)
        self.trigger_definition = event_definition

    def _run_hook(self, t: FlowTask) -> bool:
        """Output mappings see the variables the instance began with, and what came with its event: they alone take from that.

        What is declared but came with a wrong type is an incident, until a person has given the variable a value.
        """
        if self.plain and self.trigger_definition.kind != "none":
            return True  # of an event sub-process: mapped when its body began
        rest = t.internal_data.get("result", {})
        if self.outputs_map:
            write(t, t.outer, handed_on(t, self.outputs_map, Overlay(rest, t.data)))
        else:
            write(t, t.outer, {n: value for n, value in taken(t, rest).items() if t.data.get(n) is None})
        t.internal_data.pop("result", None)
        if self.outputs_map:
            _arm_again(t)
        return True


def _arm_again(start: FlowTask) -> None:
    """What the event sub-processes beside a start event wait for may rest on what it maps."""
    for t in list(start.workflow.waiting.values()):
        if t.task_spec.is_trigger:
            start.top.incidents.pop(t.id, None)
            start.top.event_manager.remove_task(t)
            t.task_spec.event_definition.disarm(t)
            t.task_spec._update(t)


class ThrowEvent(Event):
    """An intermediate event that throws, or a plain milestone. Its input mappings are what it sends along."""

    sent: Mappings = ()

    def _run_hook(self, t: FlowTask) -> bool:
        given = mapped(t, self.sent)
        self.event_definition.throw(t, given)
        if self.outputs_map and not t.has_state(TaskState.FINISHED_MASK):  # what catches it may have taken it away
            write(t, t.outer, handed_on(t, self.outputs_map, Overlay(given, t.data)))
        return True


class EndEvent(ThrowEvent):
    """The end of a path."""

    def _on_complete_hook(self, t: FlowTask) -> None:
        super()._on_complete_hook(t)
        if isinstance(self.event_definition, Terminate):
            t.workflow.end_at_once()


class Split(Step, SimpleBpmnTask):
    """Stands before an activity with boundary events: the activity is entered first, then its events are armed."""

    is_split = True

    def test(self) -> None:
        """The checker has looked already."""


class BoundaryEvent(CatchingElement):
    """An event attached to an activity. What an error brings goes no further, unless output mappings take it."""

    is_boundary = True
    armed_quietly = True

    def __init__(
        self, wf_spec: Any, bpmn_id: str, event_definition: Definition, cancel_activity: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(wf_spec, bpmn_id, event_definition, **kwargs)
        self.cancel_activity = self.interrupts = cancel_activity

    def _update_hook(self, t: FlowTask) -> bool:
        activity = activity_of(t)
        if activity is not None and activity.id in t.top.incidents and activity.has_state(TaskState.WAITING):
            t._set_state(TaskState.WAITING)  # armed when the activity has been entered
            return False
        return super()._update_hook(t)

    def deliver(self, t: FlowTask) -> None:
        if self.event_definition.kind == "error" and not self.outputs_map:
            t.internal_data.pop("result", None)
        super().deliver(t)

    def _on_ready_hook(self, t: FlowTask) -> None:
        was = t.internal_data.get("due", {}).get(self.event_definition.key)
        super()._on_ready_hook(t)
        if self.cancel_activity:  # at once, not when the engine comes round to it
            for other in t.parent.children:
                if other is not t and other.has_state(OPEN) and not _has_fired(other):
                    other.cancel()
        else:
            wait_again(t, was)


class Trigger(CatchingElement):
    """The start of an event sub-process, armed in the scope around it for as long as that scope lives."""

    is_trigger = True
    armed_quietly = True
    interrupting = True

    def _on_ready_hook(self, t: FlowTask) -> None:
        was = t.internal_data.get("due", {}).get(self.event_definition.key)
        super()._on_ready_hook(t)
        if self.interrupting:
            for other in list(t.workflow.tasks.values()):
                if other is not t and other.id in t.workflow.tasks and other.has_state(OPEN):
                    other.cancel()
        else:
            wait_again(t, was)

    def deliver(self, t: FlowTask) -> None:
        """The payload belongs to the body that starts now; see
        :class:`app.runtime.specs.subprocesses.EventSubProcess`."""


def _has_fired(t: FlowTask) -> bool:
    """Whether this is a boundary event whose token is on its way: what happens to the activity does not concern it."""
    return bool(t.task_spec.is_boundary and t.has_state(TaskState.READY))


def activity_of(t: FlowTask) -> FlowTask | None:
    """The activity that a boundary event is attached to."""
    return next((x for x in t.parent.children if not x.task_spec.is_boundary), None)


def arm_attached(t: FlowTask) -> None:
    """The activity has been entered at last: its boundary events begin to wait."""
    split = t.parent
    if split is not None and isinstance(split.task_spec, Split):
        for other in split.children:
            if isinstance(other.task_spec, BoundaryEvent) and other.has_state(TaskState.WAITING):
                other.task_spec._update(other)


def disarm_attached(t: FlowTask) -> None:
    """The activity is over: its boundary events stop waiting."""
    split = t.parent
    if split is not None and isinstance(split.task_spec, Split):
        for other in split.children:
            if isinstance(other.task_spec, BoundaryEvent) and other.has_state(TaskState.WAITING):
                other.cancel()


def wait_again(t: FlowTask, was: int | None) -> None:
    """A non-interrupting event goes on waiting; a cycle goes on counting from its last time."""
    definition = t.task_spec.event_definition
    left = t.internal_data.get("left", -1)
    if isinstance(definition, Timer) and (definition.shape != "cycle" or left == 1):
        return
    again = t.parent._add_child(t.task_spec, TaskState.WAITING)
    if isinstance(definition, Timer):
        again.internal_data.update({"from": was, "left": left - 1 if left > 0 else -1})
    if isinstance(definition, Signal):
        again.internal_data["since"] = t.waits_since
    t.task_spec._update(again)
