# mypy: allow-subclassing-any
"""Gateways. The joins are our own: a token is a waiting join task that knows which flow it came by."""

from __future__ import annotations

from typing import Any

from app.runtime.engine.task import LIVE, FlowTask
from app.runtime.errors import Fault
from app.runtime.language import condition
from app.runtime.specs.base import Element
from app.runtime.specs.definitions import Definition, FirstOf
from app.runtime.specs.events import Catcher
from app.runtime.spiff import TaskState


class Choice(Element):
    """Chooses among flows with conditions, in the order of the file.

    :ivar flows: (condition or None, name of the next element); None is the default flow.
    """

    routes_itself = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flows: list[tuple[str | None, str]] = []

    def connect_flow(self, text: str | None, following: Any) -> None:
        self.flows.append((text, following.name))
        self._outputs.append(following.name)
        following._connect_notify(self)

    def holding(self, t: FlowTask, *, first_only: bool) -> list[str]:
        """Where the token goes.

        :raises Fault: a condition is not true or false, or nothing holds and there is no default flow.
        """
        found: list[str] = []
        for text, following in self.flows:
            if text is not None and condition(text, t.data, t.top.host.env, t.workflow.spec.names):
                found.append(following)
                if first_only:
                    break
        found = found or [following for text, following in self.flows if text is None][:1]
        if not found:
            texts = [text for text, _ in self.flows if text]
            raise Fault(
                "No condition holds at this gateway and it has no default flow.",
                kind="CONDITION",
                details={"conditions": texts},
            )
        return found

    def go(self, t: FlowTask, names: list[str]) -> None:
        t._sync_children([self._wf_spec.task_specs[name] for name in names], TaskState.FUTURE)


class ExclusiveGateway(Choice):
    def _run_hook(self, t: FlowTask) -> bool:
        self.go(t, self.holding(t, first_only=True))
        return True


class Join(Element):
    """Firing takes one token of each flow that has one, and no more."""

    def _update_hook(self, t: FlowTask) -> bool:
        t.internal_data.setdefault("via", t.parent.task_spec.name)
        if not t.has_state(TaskState.WAITING):
            t._set_state(TaskState.WAITING)
        tokens: dict[str, FlowTask] = {}
        for other in sorted((x for x in t.workflow.waiting.values() if x.task_spec is self), key=lambda x: x.id):
            tokens.setdefault(other.internal_data["via"], other)
        if not self.may_fire(t, set(tokens)):
            return False
        keep = tokens[t.internal_data["via"]]
        for other in tokens.values():
            if other is not keep:
                other.cancel()
        if keep is t:
            return True
        keep._ready()
        return False

    def may_fire(self, t: FlowTask, filled: set[str]) -> bool:
        return set(self._inputs) <= filled


class ParallelGateway(Join):
    """Waits for a token on every incoming flow; sends one out on every outgoing flow."""


class InclusiveGateway(Join, Choice):
    """Waits for every token that may still come; sends one out on every flow whose condition holds."""

    def may_fire(self, t: FlowTask, filled: set[str]) -> bool:
        """BPMN 2.0, 13.4.3: no other token may still reach an empty incoming flow, unless it can reach a filled one
        too.

        An armed boundary event may bring a token here, so it is waited for; but that a token might come by way of a
        boundary event does not let the gateway go on without it. What has fired here but not yet gone on may come
        round again.
        """
        empty = set(self._inputs) - filled
        if not empty:
            return True
        for other in t.workflow.tasks.values():
            spec = other.task_spec
            if spec is self:
                if other.has_state(TaskState.READY):
                    return False
                continue
            if not other.has_state(LIVE | TaskState.FUTURE) or spec.is_trigger or spec.name == "(join)":
                continue
            if self.reachable(spec) & empty and not self.reachable(spec, attached=False) & filled:
                return False
        return True

    def reachable(self, spec: Any, *, attached: bool = True) -> frozenset[str]:
        """The elements a token at the element can still pass before it comes here. Computed once for each release.

        :param attached: by way of boundary events too.
        """
        cache: dict[tuple[str, bool], frozenset[str]] = self.__dict__.setdefault("_reach", {})
        key = (spec.name, attached)
        if key not in cache:
            seen: set[str] = set()
            todo = [spec]
            while todo:
                found = todo.pop()
                if found is self or found.name in seen:
                    continue
                seen.add(found.name)
                todo += [x for x in found.outputs if attached or not x.is_boundary]
            cache[key] = frozenset(seen)
        return cache[key]

    def _run_hook(self, t: FlowTask) -> bool:
        self.go(t, self.holding(t, first_only=False))
        return True


class EventBasedGateway(Catcher, Element):
    """Waits for the first of several events; the others are forgotten."""

    routes_itself = True

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: FirstOf, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition: FirstOf = event_definition
        self.branch: dict[str, str] = {}

    def connect(self, following: Any) -> None:
        """The gateway waits in place of the event that follows it."""
        definition: Definition = following.event_definition
        self.event_definition.definitions.append(definition)
        self.branch[definition.key] = following.name
        following.event_definition = Definition(definition.key)
        super().connect(following)

    def _run_hook(self, t: FlowTask) -> bool:
        following = self._wf_spec.task_specs[self.branch[t.internal_data["fired"]]]
        t._sync_children([following], TaskState.FUTURE)
        result = t.internal_data.pop("result", None)
        if result:
            t.children[0].internal_data["result"] = result
        del t.internal_data["fired"]
        return True
