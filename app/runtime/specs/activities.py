# mypy: allow-subclassing-any
"""Tasks: what is common to all activities, and each kind of task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.runtime.engine.host import NoteKind
from app.runtime.engine.task import FlowTask
from app.runtime.errors import Fault
from app.runtime.specs.base import Element, Mappings, check, handed_on, mapped, taken, value_of, write
from app.runtime.specs.definitions import Definition, Message
from app.runtime.specs.entry import UserTaskPlan
from app.runtime.specs.events import Catcher, arm_attached, disarm_attached


class Activity(Element):
    """Variable mappings, result, boundary events, multi-instance.

    :ivar own_scope: the activity has a scope of its own even without input mappings.
    """

    inputs_map: Mappings = ()
    outputs_map: Mappings = ()
    own_scope = False

    def enter(self, t: FlowTask) -> None:
        """Once, when a token arrives: open the scope and evaluate the input mappings."""
        if "in" in t.internal_data:
            return
        if self.own_scope or self.inputs_map:
            values = mapped(t, self.inputs_map)
            check(t, values)
            scopes = t.top.scopes
            if t.id not in scopes:
                scopes.open(t.id, t.outer)
            for name, value in values.items():
                scopes.set_local(t.id, name, value)
        t.internal_data["in"] = 1

    def _update_hook(self, t: FlowTask) -> bool:
        self.enter(t)
        return bool(super()._update_hook(t))

    def resume(self, t: FlowTask) -> None:
        super().resume(t)
        if t.id not in t.top.incidents:
            arm_attached(t)

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        """The variables that this activity produces."""
        result: dict[str, Any] = t.internal_data.get("result", {})
        return result

    def _run_hook(self, t: FlowTask) -> bool:
        produced = self.work(t)
        if self.outputs_map:
            scopes = t.top.scopes
            if t.id not in scopes:
                scopes.open(t.id, t.outer)
            for name, value in produced.items():
                scopes.set_local(t.id, name, value)
            write(t, t.gives_to, handed_on(t, self.outputs_map))
        else:
            write(t, t.scope, produced)
        if t.is_instance:
            if "result" in t.internal_data:
                t.internal_data["result"] = {}  # written: not once more when collecting is tried again
            t.parent.task_spec.collect(t.parent, t, t.data)
        t.internal_data.pop("result", None)
        return True

    def _on_complete_hook(self, t: FlowTask) -> None:
        super()._on_complete_hook(t)
        t.close_scopes()
        if t.is_instance:
            t.parent.task_spec.instance_done(t.parent)
        else:
            disarm_attached(t)


class PassTask(Activity):
    """``task`` and ``manualTask``: nothing for the engine to do; the token passes, as in Camunda 8."""


class UserTask(Activity):
    """Waits for a person."""

    plan: UserTaskPlan

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.manual = True
        self.plan = UserTaskPlan()

    def enter(self, t: FlowTask) -> None:
        if "in" in t.internal_data:
            return
        super().enter(t)
        try:
            t.top.entries[t.id] = self.plan.enter(self, t)
        except Fault:
            del t.internal_data["in"]
            raise

    def _on_complete_hook(self, t: FlowTask) -> None:
        super()._on_complete_hook(t)
        deadline = t.internal_data.pop("deadline", None)
        if deadline is not None:
            name, case = deadline
            t.top.host.deadline_met(name, t.id, case)


class ScriptTask(Activity):
    """One FEEL expression whose value becomes a variable."""

    expression = ""
    result_variable: str | None = None

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        value = value_of(t, self.expression)
        return {self.result_variable: value} if self.result_variable else {}


class ServiceTask(Activity):
    """A registered operation; or work for somebody outside, which the task waits for."""

    operation = ""
    headers: Mapping[str, str] = {}
    retries: str | None = None

    def enter(self, t: FlowTask) -> None:
        is_new = "in" not in t.internal_data
        super().enter(t)
        if is_new and t.top.host.is_outside(self.operation, t):
            t.internal_data["job"] = 1

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        if "job" in t.internal_data:
            t.top.note(t, NoteKind.OPERATION, operation=self.operation)
            return super().work(t)
        produced = t.top.host.operate(self.operation, t, t.data, self.headers)
        t.top.note(t, NoteKind.OPERATION, operation=self.operation)
        return produced


class DecisionTask(Activity):
    """A decision of the release."""

    decision = ""
    result_variable: str | None = None

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        value = t.top.host.decide(self.decision, t, t.top.scopes.visible(t.scope))
        return {self.result_variable: value} if self.result_variable else {}


class SendTask(Activity):
    """Sends a message; its input mappings other than ``correlationKey`` are the payload."""

    message: Message
    sent: Mappings = ()

    def enter(self, t: FlowTask) -> None:
        """The mappings are the message's, and are evaluated when it is sent."""
        t.internal_data["in"] = 1

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        given = mapped(t, self.sent)
        self.message.throw(t, given)
        return given if self.outputs_map else {}


class ReceiveTask(Activity, Catcher):
    """Waits for a message."""

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: Definition, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition = event_definition

    def work(self, t: FlowTask) -> Mapping[str, Any]:
        brought = super().work(t)
        return brought if self.outputs_map else taken(t, brought)

    def _run_hook(self, t: FlowTask) -> bool:
        done = super()._run_hook(t)
        t.internal_data.pop("fired", None)
        return done
