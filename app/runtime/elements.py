"""What is inside an instance: its elements at work, its variables by scope, the flows it took. Nothing moves.

Finished elements are folded into counters, so that only those at work have a number of their own here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.runtime import releases
from app.runtime.dialect.xml import BPMN, read_xml
from app.runtime.engine.task import FlowTask
from app.runtime.engine.workflow import Instance as Engine
from app.runtime.language import to_plain
from app.runtime.models import Instance
from app.runtime.specs.activities import (
    DecisionTask,
    PassTask,
    ReceiveTask,
    ScriptTask,
    SendTask,
    ServiceTask,
    UserTask,
)
from app.runtime.specs.events import BoundaryEvent, CatchEvent, EndEvent, StartEvent, ThrowEvent, Trigger
from app.runtime.specs.gateways import Choice, EventBasedGateway, ExclusiveGateway, InclusiveGateway, ParallelGateway
from app.runtime.specs.multi_instance import MultiInstance
from app.runtime.specs.subprocesses import CallActivity, EventSubProcess, SubProcess
from app.runtime.spiff import TaskState
from app.runtime.step import load

PROCESS = "PROCESS"
_AT_WORK = TaskState.READY | TaskState.WAITING | TaskState.STARTED
# The words of the Camunda 8 API, most particular first.
KINDS: tuple[tuple[type, str], ...] = (
    (UserTask, "USER_TASK"),
    (ScriptTask, "SCRIPT_TASK"),
    (ServiceTask, "SERVICE_TASK"),
    (DecisionTask, "BUSINESS_RULE_TASK"),
    (SendTask, "SEND_TASK"),
    (ReceiveTask, "RECEIVE_TASK"),
    (PassTask, "TASK"),
    (CallActivity, "CALL_ACTIVITY"),
    (EventSubProcess, "EVENT_SUB_PROCESS"),
    (SubProcess, "SUB_PROCESS"),
    (MultiInstance, "MULTI_INSTANCE_BODY"),
    (InclusiveGateway, "INCLUSIVE_GATEWAY"),
    (ExclusiveGateway, "EXCLUSIVE_GATEWAY"),
    (ParallelGateway, "PARALLEL_GATEWAY"),
    (EventBasedGateway, "EVENT_BASED_GATEWAY"),
    (BoundaryEvent, "BOUNDARY_EVENT"),
    (CatchEvent, "INTERMEDIATE_CATCH_EVENT"),
    (ThrowEvent, "INTERMEDIATE_THROW_EVENT"),
    (Trigger, "START_EVENT"),
    (StartEvent, "START_EVENT"),
    (EndEvent, "END_EVENT"),
)


@dataclass(frozen=True, slots=True)
class ElementAtWork:
    """A token at an element.

    :ivar scope: the task of the sub-process, called process or multi-instance body around it; 0 for the process itself.
    """

    task_id: int
    process_id: str
    element_id: str
    name: str
    kind: str
    scope: int
    incident: bool


@dataclass(frozen=True, slots=True)
class ScopedVariable:
    """A variable of one scope. :ivar scope: 0 for the process, else the task that has it."""

    scope: int
    name: str
    value: Any


def kind_of(spec: Any) -> str:
    """What kind of element a specification is, in the words of the contract."""
    return next((word for class_, word in KINDS if isinstance(spec, class_)), "UNKNOWN")


def opened(row: Instance) -> Engine | None:
    """The instance in memory; None when it has been destroyed."""
    return load(row)[0] if row.state else None


def at_work(wf: Engine) -> list[ElementAtWork]:
    """Every token that is drawn: activities, gateways, events; those that wait beside an activity too."""
    found = []
    for flow in wf.flows():
        for task in flow.tasks.values():
            spec = task.task_spec
            if getattr(spec, "bpmn_id", None) and task.has_state(_AT_WORK):
                scope = task._parent if task.is_instance else task.workflow.parent_task_id or 0
                found.append(
                    ElementAtWork(
                        task.id,
                        task.workflow.spec.process_id,
                        spec.bpmn_id,
                        getattr(spec, "bpmn_name", None) or spec.bpmn_id,
                        kind_of(spec),
                        scope,
                        task.id in wf.incidents,
                    )
                )
    return sorted(found, key=lambda each: each.task_id)


def variables_by_scope(wf: Engine) -> list[ScopedVariable]:
    """Every variable with the scope that has it, as JSON. Of two scopes of one task the inner one hides the other."""
    return [
        ScopedVariable(abs(scope_id), name, to_plain(value))
        for scope_id, scope in wf.scopes.by_id.items()
        for name, value in sorted(scope.values.items())
        if scope_id >= 0 or -scope_id not in wf.scopes or name not in wf.scopes.local(-scope_id)
    ]


def task_of(wf: Engine, task_id: int) -> FlowTask | None:
    """A token by its number; None when it is not at work any more."""
    try:
        task = wf.get_task_from_id(task_id)
    except LookupError:
        return None
    return task if task.has_state(_AT_WORK) else None


# ------------------------------------------------------------------------------------------------ flows
def flows_taken(row: Instance, wf: Engine) -> list[str]:
    """The sequence flows that were taken for certain, by id.

    An element that has been completed took all its flows, unless it chooses. Of a choice, the flow to an element that was
    reached is certain when nothing else leads there that was completed.
    """
    root = read_xml(releases.diagram(row.definition_key), "")
    process = next(node for node in root.iter(f"{BPMN}process") if node.get("id") == row.process_id)
    done = wf.done.get(row.process_id, {})
    reached = set(done) | set(wf.active_elements().get(row.process_id, {}))
    flows = [
        (node.get("id"), node.get("sourceRef"), node.get("targetRef")) for node in process.iter(f"{BPMN}sequenceFlow")
    ]
    choosing = {name for name, spec in _drawn(row, wf) if isinstance(spec, Choice | EventBasedGateway)}
    taken = []
    for flow_id, source, target in flows:
        if not done.get(source):
            continue
        others = {s for _, s, t in flows if t == target and s != source and done.get(s)}
        if source not in choosing or (target in reached and not others):
            taken.append(str(flow_id))
    return taken


def _drawn(row: Instance, wf: Engine) -> Iterator[tuple[str, Any]]:
    for spec in wf.subprocess_specs.values():
        if spec.process_id == row.process_id:
            for one in spec.task_specs.values():
                if getattr(one, "bpmn_id", None):
                    yield one.bpmn_id, one
