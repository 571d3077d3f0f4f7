# mypy: allow-subclassing-any
"""An instance while it is in memory: the process, its running sub-processes and called processes, scopes, incidents;
and the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop
from typing import Any, Protocol, cast

from app import feel
from app.runtime.declarations import Declarations
from app.runtime.engine.events import Events
from app.runtime.engine.flow import Flow, SubInstance
from app.runtime.engine.fold import fold
from app.runtime.engine.host import Entry, Host, Note, NoteKind
from app.runtime.engine.task import FlowTask, parts
from app.runtime.errors import Fault, OperationError, TaskNotOpen
from app.runtime.language import condition, tell
from app.runtime.scopes import Scopes
from app.runtime.spiff import BpmnWorkflow, TaskState

STEP_BUDGET = 10_000
FOLD_EVERY = 200
MAX_CALL_DEPTH = 50


class Blueprints(Protocol):
    """The parsed processes of a release, by process id, and the sub-processes inside them, by
    ``process/sub-process``."""

    def get(self, key: str, default: Any = None, /) -> Any: ...

    def __getitem__(self, key: str, /) -> Any: ...


@dataclass(slots=True)
class Incident:
    """What stopped a task, for a person to mend."""

    kind: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A completion of a user task that has been accepted and has not taken its course yet.

    :ivar by: who completed it.
    :ivar at: when, in microseconds since 1970, business time: what was written with it is not later than what follows.
    :ivar variables: what was given, as FEEL values.
    :ivar about: what the rooms above need to go on with; opaque here.
    """

    task_id: int
    by: int | None
    at: int
    variables: Mapping[str, Any]
    about: Mapping[str, Any]


class FeelConditions:
    """Stands where SpiffWorkflow expects a script engine; it is only ever asked for conditions of sequence flows."""

    def evaluate(self, task: FlowTask, expression: str, external_context: object = None) -> bool:
        top = task.top
        return condition(expression, task.data, top.host.env, task.workflow.spec.names)


class Instance(Flow, BpmnWorkflow):
    """One running process.

    :param spec: its process.
    :param blueprints: every process and sub-process of its release.
    :param start_at: the start event that a message, signal or timer chose; None for the plain one.
    :ivar rest: what came with that event and is not declared so; all of it, if the start event maps it.
    :ivar accepted: completions that come before anything else that happens in the instance.
    :ivar stands: it takes what comes from outside and does not go on.
    """

    parent_task = None

    def __init__(
        self,
        spec: Any,
        blueprints: Blueprints,
        host: Host,
        *,
        variables: Mapping[str, Any] | None = None,
        start_at: str | None = None,
        fresh: bool = True,
    ) -> None:
        self.host = host
        self.waiting = {}
        self.ready: dict[int, FlowTask] = {}
        self.runnable: list[int] = []  # a heap: the tasks that may have become runnable in this step
        self.incidents: dict[int, Incident] = {}
        self.entries: dict[int, Entry] = {}
        self.done: dict[str, dict[str, int]] = {}
        self.accepted: list[Accepted] = []
        self.stands = False
        declared = spec.declarations if start_at else Declarations()
        self.rest: dict[str, Any]
        admitted, self.rest = declared.split(variables or {})
        if start_at and any(event.bpmn_id == start_at and event.outputs_map for event in spec.start_events):
            admitted, self.rest = {}, {**admitted, **self.rest}
        self.scopes = Scopes(admitted)
        self.last_id = 0
        self.start_at = start_at
        super().__init__(spec, blueprints, script_engine=FeelConditions(), deserializing=True)
        self.event_manager = Events(self)
        host.engine = self
        if fresh:
            self.begin()

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    # ---- sub-workflows
    def create_subprocess(self, my_task: FlowTask, spec_name: str) -> SubInstance:
        if my_task.workflow.depth >= MAX_CALL_DEPTH:
            raise Fault(f"Calls nest more than {MAX_CALL_DEPTH} deep; the process seems to call itself.", kind="CALL")
        spec = self.subprocess_specs.get(spec_name)
        if spec is None:
            raise Fault(f"The process {spec_name} is not part of the release.", kind="CALL")
        if not any(event.plain for event in spec.start_events):
            raise Fault(f"The process {spec_name} can only be started by an event, not called.", kind="CALL")
        sub = self.subprocesses[my_task.id] = SubInstance(spec, my_task, self)
        sub.begin()
        return sub

    def flows(self) -> list[Flow]:
        return [self, *self.subprocesses.values()]

    def get_task_from_id(self, task_id: int) -> FlowTask:
        if task_id in self.tasks:
            return self.tasks[task_id]
        for sub in self.subprocesses.values():
            if task_id in sub.tasks:
                return cast("FlowTask", sub.tasks[task_id])
        raise LookupError(task_id)

    # ---- the step
    def advance(self, budget: int = STEP_BUDGET, fold_every: int = FOLD_EVERY) -> int:
        """Run everything that needs nobody, in the order of creation; then fire what is due, the earliest first, each
        with all that follows from it before the next. Returns the number of steps.

        So an instance that is woken late goes the way it would have gone in time. A diagram that does not come to rest
        within the budget gets an incident on the task that would be next. Thousands of timers that are due together are no
        loop: after three quarters of it the next of those that waited already is left for the next wake, which is due at once.
        """
        if self.stands:
            return 0
        steps, last_id = 0, self.last_id
        self.runnable = sorted(i for i, task in self.ready.items() if self._may_run(task))
        self.event_manager.forget_times()
        now = _milliseconds(self.host.now)
        while (task := self._next() or self.event_manager.earliest_due(now)) is not None:
            if steps >= budget * 3 // 4 and task.has_state(TaskState.WAITING) and task.id <= last_id:
                break
            if steps >= budget:
                what = f"The process took more than {budget:,} steps without waiting."
                self.raise_incident(task, Fault(what, kind="LOOP"))
                break
            if task.has_state(TaskState.READY):
                self.attempt(task)
            else:
                task.task_spec._update(task)
            steps += 1
            if fold_every and steps % fold_every == 0:
                fold(self)
        return steps

    def _next(self) -> FlowTask | None:
        """The oldest task that needs nobody."""
        while self.runnable:
            task = self.ready.get(heappop(self.runnable))
            if task is not None and self._may_run(task):
                return task
        return None

    def _may_run(self, task: FlowTask) -> bool:
        return task.id not in self.incidents and not _waits_for_person(task) and not _waits_for_worker(task)

    def attempt(self, task: FlowTask) -> bool:
        """Run one task. False: it stays as it was, with an incident."""
        try:
            task.run()
        except OperationError as error:
            return self._throw(task, error)
        except Fault as fault:
            self.raise_incident(task, fault)
            return False
        return True

    def _throw(self, task: FlowTask, error: OperationError, payload: Mapping[str, Any] | None = None) -> bool:
        """An operation's BPMN error goes to what the diagram draws for it."""
        if self.event_manager.throw_error(task, error.code, payload):
            return True
        self.raise_incident(task, Fault(error.message, kind="ERROR", details={"code": error.code}))
        return False

    def raise_incident(self, task: FlowTask, fault: Fault) -> None:
        tell(fault.details, task.data, self.host.env, task.workflow.spec.names)
        self.incidents[task.id] = Incident(fault.kind, fault.message, fault.details)

    def retry(self, task_id: int) -> None:
        """Try a task with an incident again; what waited for it to be entered is armed after it."""
        self.incidents.pop(task_id, None)
        task = self.get_task_from_id(task_id)
        if task.has_state(TaskState.WAITING | TaskState.STARTED):
            task.task_spec.resume(task)
        self.advance()

    def rearm(self, deadline: str) -> int:
        """A deadline has moved: compute every timer again that is bound to it. Returns how many.

        What is due now fires with the next :meth:`advance`. A timer that waits with an incident for the deadline is
        tried again.
        """
        count = 0
        for task in list(self.event_manager.tasks.values()):
            for definition in parts(task.task_spec.event_definition):
                if deadline in task.internal_data.get("bound", {}).get(definition.key, ()):
                    before = task.internal_data["due"].get(definition.key)
                    try:
                        definition.rearm(task)
                    except Fault as fault:
                        self.raise_incident(task, fault)
                    count += task.internal_data["due"].get(definition.key) != before or task.id in self.incidents
        for task_id in [i for i, incident in self.incidents.items() if incident.details.get("deadline") == deadline]:
            self.retry(task_id)
            count += 1
        return count

    # ---- people
    def user_tasks(self) -> list[FlowTask]:
        """The open user tasks, oldest first."""
        return [t for _, t in sorted(self.ready.items()) if _waits_for_person(t)]

    def complete_task(self, task_id: int, variables: Mapping[str, Any] | None = None) -> None:
        """A person has done it. What goes wrong afterwards is an incident: the work itself is never lost.

        :raises TaskNotOpen: it is not open any more.
        """
        task = self.ready.get(task_id)
        if task is None or not _waits_for_person(task):
            raise TaskNotOpen("This task is no longer open.", resource_id=str(task_id))
        self._done(task, variables)

    def _done(self, task: FlowTask, variables: Mapping[str, Any] | None) -> None:
        task.internal_data["result"] = _values(variables)
        self.attempt(task)
        self.advance()

    # ---- workers outside
    def outside_jobs(self) -> list[FlowTask]:
        """The service tasks that wait for somebody outside, oldest first."""
        return [t for _, t in sorted(self.ready.items()) if _waits_for_worker(t)]

    def _job(self, task_id: int) -> FlowTask:
        task = self.ready.get(task_id)
        if task is None or not _waits_for_worker(task):
            raise TaskNotOpen("This job is no longer open.", resource_id=str(task_id))
        return task

    def complete_job(self, task_id: int, variables: Mapping[str, Any] | None = None) -> None:
        """Somebody outside has done it. What goes wrong afterwards is an incident, as for a person's work.

        :raises TaskNotOpen: it is not open any more.
        """
        self._done(self._job(task_id), variables)

    def throw_job_error(
        self, task_id: int, code: str, message: str, variables: Mapping[str, Any] | None = None
    ) -> bool:
        """Somebody outside throws a BPMN error. False: nothing catches it, and it is an incident.

        :raises TaskNotOpen: it is not open any more.
        """
        caught = self._throw(self._job(task_id), OperationError(code, message), _values(variables))
        self.advance()
        return caught

    # ---- events from outside
    def deliver(self, task_id: int, name: str, variables: Mapping[str, Any]) -> bool:
        """Give a message to the one task that waits for it. The instance does not advance yet."""
        task = self.event_manager.tasks.get(task_id)
        return task is not None and self.event_manager.give(task, name, _values(variables))

    def message(self, name: str, key: str | None = None, variables: Mapping[str, Any] | None = None) -> bool:
        """Give a message to the oldest task that waits for it, and go on."""
        found = self.event_manager.deliver_message(name, key, _values(variables))
        self.advance()
        return found

    def signal(self, name: str, variables: Mapping[str, Any] | None = None) -> int:
        count = self.event_manager.deliver_signal(name, _values(variables))
        self.advance()
        return count

    def next_due(self) -> int | None:
        """The earliest instant something is due, in milliseconds since 1970."""
        return min(
            (at for t in self.event_manager.tasks.values() for at in t.internal_data.get("due", {}).values()),
            default=None,
        )

    def cancel_all(self) -> None:
        """Cancel the whole instance, its sub-processes and called processes with it."""
        Flow.cancel(self)
        self.subprocesses.clear()

    # ---- what is told
    def finished(self, task: FlowTask) -> None:
        """Count what is done, by process and element, for the coloured diagram; report it.

        The start of an event sub-process is counted when its body begins.
        """
        spec = task.task_spec
        element = getattr(spec, "bpmn_id", None)
        if element is None or spec.is_trigger:
            return
        if not task.is_instance:
            counts = self.done.setdefault(task.workflow.spec.process_id, {})
            counts[element] = counts.get(element, 0) + 1
        self.note(task, NoteKind.COMPLETED)

    def note(self, task: FlowTask, kind: NoteKind, **details: Any) -> None:
        spec = task.task_spec
        name, element = getattr(spec, "bpmn_name", None), spec.bpmn_id or spec.name
        self.host.note(Note(kind, task.workflow.spec.process_id, element, task.id, name, details))

    def active_elements(self) -> dict[str, dict[str, int]]:
        """How many tokens are at each element, by process."""
        found: dict[str, dict[str, int]] = {}
        for flow in self.flows():
            counts = found.setdefault(flow.spec.process_id, {})  # type: ignore[attr-defined]
            for task in flow.tasks.values():
                spec = task.task_spec
                if getattr(spec, "bpmn_id", None) and not spec.is_body and task.has_state(_AT_WORK):
                    if spec.is_boundary or spec.is_trigger:
                        continue
                    counts[spec.bpmn_id] = counts.get(spec.bpmn_id, 0) + 1
        return {process: counts for process, counts in found.items() if counts}


_AT_WORK = TaskState.READY | TaskState.WAITING | TaskState.STARTED


def _waits_for_person(task: FlowTask) -> bool:
    return bool(task.task_spec.manual) and "result" not in task.internal_data


def _waits_for_worker(task: FlowTask) -> bool:
    return "job" in task.internal_data and "result" not in task.internal_data


def _values(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: feel.from_python(value) for name, value in (variables or {}).items()}


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
