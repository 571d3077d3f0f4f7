# mypy: allow-subclassing-any
"""A process while it runs, whether it is the instance itself or inside one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.runtime.engine.task import FlowTask
from app.runtime.spiff import BpmnSubWorkflow, TaskState

if TYPE_CHECKING:
    from app.runtime.engine.workflow import Instance


class Flow:
    """What the instance and the workflows inside it share."""

    tasks: dict[int, FlowTask]
    waiting: dict[int, FlowTask]
    task_tree: FlowTask

    def begin(self) -> None:
        self.task_tree = FlowTask(self, self.spec.start, state=TaskState.FUTURE)  # type: ignore[attr-defined]
        self.task_tree._ready()

    def _remove_task(self, task_id: int) -> None:
        task = self.tasks[task_id]
        task._unindex()
        task.top.event_manager.tasks.pop(task_id, None)
        super()._remove_task(task_id)  # type: ignore[misc]

    def update_waiting_tasks(self) -> None:
        """Ask the joins again. Events wait for their own moment."""
        for task in list(self.waiting.values()):
            if task.id in self.waiting and not task.task_spec.waits_for_event and task.id not in task.top.incidents:
                task.task_spec._update(task)

    def end_at_once(self) -> None:
        """Terminate: cancel what is open and be complete."""
        for task in list(self.tasks.values()):
            if task.id in self.tasks:
                task.cancel()
        self.completed = True

    def _task_completed_notify(self, task: FlowTask) -> None:
        if task.task_spec.name == "(end)":
            self.completed = True
        if self.completed:
            self.completed_event(self)  # type: ignore[attr-defined]
        else:
            self.update_waiting_tasks()

    def cancel(self, success: bool = False) -> list[FlowTask]:
        open_ = [t for t in self.tasks.values() if not t.has_state(TaskState.FINISHED_MASK)]
        for task in open_:
            task.cancel()
        self.completed = True
        return open_


class SubInstance(Flow, BpmnSubWorkflow):
    """A running sub-process or called process.

    :ivar parent_task: the activity that it runs in.
    """

    def __init__(self, spec: Any, parent_task: FlowTask, top_workflow: Instance) -> None:
        self.waiting = {}
        self.parent_task = parent_task
        super().__init__(spec, parent_task.id, top_workflow, deserializing=True)

    @property
    def parent_workflow(self) -> Any:
        """The stock class looks for the task in every other sub-process."""
        return self.parent_task.workflow
