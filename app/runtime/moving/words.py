"""What elements are called in sentences."""

from __future__ import annotations

from typing import Any

from app.runtime.specs import activities, events, gateways, multi_instance, subprocesses

_KINDS: dict[type, str] = {
    activities.PassTask: "a task without work",
    activities.UserTask: "a user task",
    activities.ScriptTask: "a script task",
    activities.ServiceTask: "a service task",
    activities.DecisionTask: "a business rule task",
    activities.SendTask: "a send task",
    activities.ReceiveTask: "a receive task",
    subprocesses.SubProcess: "a sub-process",
    subprocesses.CallActivity: "a call activity",
    subprocesses.EventSubProcess: "an event sub-process",
    gateways.ExclusiveGateway: "an exclusive gateway",
    gateways.ParallelGateway: "a parallel gateway",
    gateways.InclusiveGateway: "an inclusive gateway",
    gateways.EventBasedGateway: "an event-based gateway",
    events.CatchEvent: "an event that waits",
    events.ThrowEvent: "an event that is thrown",
    events.EndEvent: "an end event",
    events.StartEvent: "a start event",
    events.BoundaryEvent: "a boundary event",
    multi_instance.MultiInstance: "a multi-instance activity",
}


def kind_of(spec: Any) -> str:
    """For instance ``a user task``."""
    return _KINDS.get(type(spec), "another element")


def titled(spec: Any) -> str:
    """An element by its name and id, as a process owner knows it."""
    name = getattr(spec, "bpmn_name", None)
    element = spec.bpmn_id or spec.name
    return f"“{' '.join(name.split())}” ({element})" if name else str(element)
