# mypy: allow-subclassing-any
"""Delivery of events inside one instance: messages once, signals to all, errors and escalations outwards and nowhere
else."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from app.runtime.engine.host import NoteKind
from app.runtime.engine.task import FlowTask
from app.runtime.spiff import EventManager, TaskState

if TYPE_CHECKING:
    from app.runtime.engine.workflow import Instance


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Events(EventManager):
    """The tasks of an instance that wait for an event, by task id."""

    tasks: dict[int, FlowTask]

    def __init__(self, workflow: Instance) -> None:
        super().__init__(workflow)
        self._by_time: list[tuple[int, int]] | None = None  # a heap: when, and which task; None: to be made

    def add_task(self, my_task: FlowTask) -> None:
        super().add_task(my_task)
        if self._by_time is not None and (at := _due_at(my_task)) is not None:
            heappush(self._by_time, (at, my_task.id))

    # ---- time
    def forget_times(self) -> None:
        """Times may have changed from outside: look at every task again."""
        self._by_time = None

    def earliest_due(self, now: int) -> FlowTask | None:
        """The task whose time came first of all that are due now (in milliseconds since 1970) and have no incident."""
        if self._by_time is None:
            self._by_time = [(at, task.id) for task in self.tasks.values() if (at := _due_at(task)) is not None]
            heapify(self._by_time)
        while self._by_time and self._by_time[0][0] <= now:
            at, task_id = self._by_time[0]
            task = self.tasks.get(task_id)
            if task is not None and task_id not in task.top.incidents and _due_at(task) == at:
                return task
            heappop(self._by_time)
        return None

    # ---- from outside
    def give(self, task: FlowTask, name: str, payload: dict[str, Any]) -> bool:
        """A message to one waiting task."""
        definition = task.task_spec.message_of(task, name)
        if definition is None or not task.has_state(TaskState.WAITING):
            return False
        task.top.note(task, NoteKind.MESSAGE_RECEIVED, message=name)
        task.task_spec.receive(task, definition, payload)
        return True

    def deliver_message(self, name: str, key: str | None, payload: dict[str, Any]) -> bool:
        """A message is delivered once, to the task that has waited longest."""
        for task in sorted(self.tasks.values(), key=lambda t: t.id):
            if task.has_state(TaskState.WAITING):
                definition = task.task_spec.message_of(task, name)
                if definition is not None and definition.key_of(task) == key and self.give(task, name, payload):
                    return True
        return False

    def deliver_signal(self, name: str, payload: dict[str, Any], up_to: int | None = None) -> int:
        """A signal reaches everything that waits for it at this moment: first what interrupts nothing, so that nobody
        misses it for what it does to another.

        :param up_to: the last task that waited when it was sent, when that was earlier.
        """
        tasks = sorted(self.tasks.values(), key=lambda t: (t.task_spec.interrupts, t.id))
        if up_to is not None:
            tasks = [task for task in tasks if task.waits_since <= up_to]
        waiting = [(t, d) for t in tasks if (d := t.task_spec.signal_of(t, name))]
        count = 0
        for task, definition in waiting:
            if task.has_state(TaskState.WAITING) and task.id in self.tasks:
                task.task_spec.receive(task, definition, payload)
                count += 1
        return count

    # ---- errors and escalations
    def throw_error(self, task: FlowTask, code: str | None, payload: Mapping[str, Any] | None = None) -> bool:
        return self._outwards(task, "error", code, NoteKind.ERROR, payload or {})

    def throw_escalation(self, task: FlowTask, code: str | None) -> bool:
        return self._outwards(task, "escalation", code, NoteKind.ESCALATION)

    def _outwards(
        self, thrower: FlowTask, kind: str, code: str | None, note: NoteKind, payload: Mapping[str, Any] = _NOTHING
    ) -> bool:
        """Innermost first: what is attached to the activity, then what waits in the scope around it, and so on
        outwards.

        In one scope an event that names the code comes before one that catches every code.
        """
        task: FlowTask | None = thrower
        while task is not None:
            for catchers in (_attached(task), _inside(task)):
                exact = [t for t in catchers if t.task_spec.catches_code(kind, code, exactly=True)]
                every = [t for t in catchers if t.task_spec.catches_code(kind, code, exactly=False)]
                if exact or every:
                    catcher = (exact or every)[0]
                    catcher.top.note(catcher, note, code=code)
                    catcher.task_spec.receive(catcher, catcher.task_spec.event_definition, payload)
                    return True
            task = task.workflow.parent_task
        return False

    # ---- what SpiffWorkflow itself would do
    def catch(self, event: Any, internal: bool = True) -> int:
        """Every event of ours goes through the methods above."""
        return 0

    def update_collaboration(self, event: Any) -> None:
        """The service layer starts instances, not an event inside another instance."""


def _due_at(task: FlowTask) -> int | None:
    return min(task.internal_data.get("due", {}).values(), default=None)


def _attached(task: FlowTask) -> list[FlowTask]:
    """The waiting boundary events of the activity that this task is, or is an instance of."""
    split = task.parent
    if split is not None and split.task_spec.is_body:
        split = split.parent
    if split is None or not split.task_spec.is_split:
        return []
    return [t for t in split.children if t.has_state(TaskState.WAITING) and hasattr(t.task_spec, "catches_code")]


def _inside(task: FlowTask) -> list[FlowTask]:
    """The waiting starts of event sub-processes in the scope this task runs in. None is started by its own body."""
    return [
        t
        for t in list(task.workflow.waiting.values())
        if t.task_spec.is_trigger and task.task_spec not in t.task_spec.outputs
    ]
