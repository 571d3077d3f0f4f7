# mypy: allow-subclassing-any
"""What every element of ours shares, and the small functions for expressions and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from app.runtime.engine.task import FlowTask
from app.runtime.errors import Fault
from app.runtime.language import evaluate
from app.runtime.scopes import MISSING, Overlay, View
from app.runtime.spiff import BpmnSpecMixin, TaskState

Mappings: TypeAlias = "tuple[tuple[str, str], ...]"  # (target, source)


class Step:
    """Comes before SpiffWorkflow's own class in the bases: nothing is predicted, and a fault on entry is an
    incident."""

    routes_itself = False
    waits_for_event = False
    is_boundary = False
    is_split = False
    is_body = False
    is_trigger = False
    is_event_body = False
    calls = False
    interrupts = False
    manual: bool

    def _predict(self, my_task: Any, seen: Any = None, looked_ahead: int = 0, mask: Any = None) -> None:
        """Children are made when a task has run."""

    def _update(self, my_task: FlowTask) -> None:
        if my_task.id in my_task.top.incidents:
            return
        try:
            super()._update(my_task)  # type: ignore[misc]
        except Fault as fault:  # it could not even start: it waits, with an incident
            my_task._set_state(TaskState.WAITING)
            my_task.top.raise_incident(my_task, fault)

    def resume(self, t: FlowTask) -> None:
        """Try again after an incident."""
        if t.has_state(TaskState.WAITING):
            self._update(t)


class Element(Step, BpmnSpecMixin):
    """An element that is drawn."""

    def test(self) -> None:
        """The checker has looked already."""


def value_of(t: FlowTask, text: str, variables: Any = None) -> Any:
    """The FEEL value of a text of the dialect, as the task sees it."""
    return evaluate(text, t.data if variables is None else variables, t.top.host.env, t.workflow.spec.names)


def mapped(
    t: FlowTask,
    mappings: Mappings,
    variables: Mapping[str, Any] | None = None,
    onto: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Evaluate mappings in order; each sees the targets before it. A dotted target makes a context.

    :param onto: what is there already, for output mappings: a dotted target completes a context, and the rest of it stays.
    """
    done: dict[str, Any] = {}
    behind = t.data if variables is None else variables
    for target, source in mappings:
        value = value_of(t, source, Overlay(done, behind))
        head, *rest = target.split(".")
        if rest and onto is not None and head not in done:
            done[head] = onto.get(head)
        done[head] = _nest(done.get(head), rest, value)
    return done


def handed_on(t: FlowTask, mappings: Mappings, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What output mappings write outside the element."""
    return mapped(t, mappings, variables, View(t.top.scopes, t.gives_to))


def _nest(current: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    base = dict(current) if isinstance(current, dict) else {}
    base[path[0]] = _nest(base.get(path[0]), path[1:], value)
    return base


def write(t: FlowTask, scope: int, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
    """Write variables outwards from a scope: all of them or, when one is of the wrong type, none.

    :raises Fault: a value is not of the declared type; the message names the variable, never the value.
    """
    values = dict(values)
    check(t, values)
    scopes = t.top.scopes
    for name, value in values.items():
        scopes.set(scope, name, value)


def check(t: FlowTask, values: Mapping[str, Any]) -> None:
    """:raises Fault: a value is not of the declared type; the message names the variable, never the value."""
    for name, value in values.items():
        wrong = t.workflow.spec.declarations.mismatch(name, value)
        if wrong is not None:
            details = {"variable": name, "expression": _source(t, name)}
            raise Fault(wrong, kind="VARIABLE", details={key: value for key, value in details.items() if value})


def taken(t: FlowTask, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a process takes of what an event brings from outside when no mapping says it: the variables that it declares,
    and those that are local to where the event is. A process that declares none takes everything."""
    declared, scopes = t.workflow.spec.declarations, t.top.scopes
    if not declared:
        return dict(payload)
    return {n: v for n, v in payload.items() if n in declared.types or scopes.get(t.scope, n) is not MISSING}


def _source(t: FlowTask, name: str) -> str | None:
    """The expression from which the element makes a variable."""
    spec = t.task_spec
    sources = {target.split(".")[0]: source for target, source in getattr(spec, "outputs_map", ())}
    if name not in sources and getattr(spec, "result_variable", None) == name:
        return getattr(spec, "expression", None)
    return sources.get(name)
