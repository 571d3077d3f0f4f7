# mypy: allow-subclassing-any
"""A token in the task tree. It has no data of its own: variables live in the instance's scopes."""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Any, cast

from app.runtime.scopes import ROOT, View
from app.runtime.spiff import Task, TaskState

if TYPE_CHECKING:
    from app.runtime.engine.workflow import Instance

OPEN = TaskState.NOT_FINISHED_MASK
LIVE = TaskState.READY | TaskState.WAITING | TaskState.STARTED


class FlowTask(Task):
    """SpiffWorkflow's task with a small integer for an id, indexed by state, without look-ahead and without data.

    Children are made when a task has run, never predicted, so that a tree holds only what is active and can be folded.
    """

    internal_data: dict[str, Any]
    _state: int

    def __init__(
        self, workflow: Any, task_spec: Any, parent: Any = None, state: int = TaskState.MAYBE, id: Any = None
    ) -> None:
        super().__init__(workflow, task_spec, parent, state, id or workflow.top_workflow.new_id())
        self._index(state)

    @classmethod
    def restore(cls, workflow: Any, task_spec: Any, id: int, state: int, parent: int | None) -> FlowTask:
        """A task as it was saved; the caller fills in children, trigger and internal data."""
        task = cls.__new__(cls)
        task.id, task.workflow, task.task_spec = id, workflow, task_spec
        task._parent, task._children, task._state = parent, [], state
        task.triggered, task.internal_data, task.thread_id, task.last_state_change = False, {}, 0, 0
        workflow.tasks[id] = task
        task._index(state)
        return task

    @property
    def top(self) -> Instance:
        return cast("Instance", self.workflow.top_workflow)

    # ---- variables
    @property
    def data(self) -> View:
        return View(self.top.scopes, self.scope)

    @data.setter
    def data(self, value: object) -> None:
        """Nothing is kept on a task."""

    def _inherit_data(self) -> None:
        """Nothing to inherit: reads look through the scopes."""

    @property
    def is_instance(self) -> bool:
        """Whether this is one instance of a multi-instance activity."""
        parent = self.parent
        return bool(self.triggered and parent is not None and parent.task_spec.is_body)

    @property
    def outer(self) -> int:
        """The scope around this task, not the one it may own. An instance of a multi-instance activity has one for
        its item and counter."""
        if self.is_instance:
            return -cast(int, self.id)
        return self.workflow.parent_task_id or ROOT

    @property
    def scope(self) -> int:
        """The scope whose variables this task sees."""
        scopes = self.top.scopes
        if self.id in scopes:
            return cast(int, self.id)
        if self.task_spec.is_boundary:  # a boundary event sees the activity's own variables
            for other in self.parent.children:
                if not other.task_spec.is_boundary and other.id in scopes:
                    return other.handed if other.task_spec.calls else cast(int, other.id)
        return self.outer

    @property
    def handed(self) -> int:
        """Of a call: the scope of what its input mappings make. The called process has copies of that and sees no more."""
        return -cast(int, self.id) if -self.id in self.top.scopes else self.outer

    @property
    def gives_to(self) -> int:
        """The scope from which output mappings write outwards. An instance of a multi-instance activity keeps what has the
        name of a variable of its own."""
        own = self.is_instance and self.id in self.top.scopes and not self.task_spec.calls
        return cast(int, self.id) if own else self.outer

    @property
    def waits_since(self) -> int:
        """The task with which its event began to wait: one that interrupts nothing waits on when it has come."""
        return cast(int, self.internal_data.get("since", self.id))

    def close_scopes(self) -> None:
        self.top.scopes.close(self.id)
        self.top.scopes.close(-self.id)

    # ---- state
    def _index(self, state: int) -> None:
        if state == TaskState.READY:
            self.top.ready[self.id] = self
            heappush(self.top.runnable, self.id)
        elif state == TaskState.WAITING:
            self.workflow.waiting[self.id] = self

    def _unindex(self) -> None:
        if self._state == TaskState.READY:
            self.top.ready.pop(self.id, None)
        elif self._state == TaskState.WAITING:
            self.workflow.waiting.pop(self.id, None)

    def _set_state(self, value: int) -> None:
        if value != self._state:
            self._unindex()
            self._state = value
            self._index(value)

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> FlowTask:
        task = FlowTask(self.workflow, task_spec, self, state=state)
        if state == TaskState.READY:
            task._ready()
        return task

    def run(self) -> bool:
        """Do what the element does. What goes wrong raises, and the task stays as it was.

        An event thrown inside may have cancelled the path this task is on: then nothing follows.
        """
        self.task_spec._run_hook(self)
        if not self.has_state(TaskState.FINISHED_MASK):
            self.complete()
        return True

    def complete(self) -> None:
        """Make what comes next, now that this task is done."""
        self._set_state(TaskState.COMPLETED)
        if not self.task_spec.routes_itself:
            self._sync_children(self.task_spec.outputs, TaskState.FUTURE)
        self.top.finished(self)
        self.task_spec._on_complete(self)

    def cancel(self) -> None:
        """End this task and the instances inside it. Tasks that came after a finished one are not its business."""
        if self.has_state(TaskState.FINISHED_MASK):
            return
        for child in self.children:
            child.cancel()
        self._set_state(TaskState.CANCELLED)
        self.task_spec._on_cancel(self)
        self.close_scopes()
        self.top.incidents.pop(self.id, None)

    def reset_branch(self, data: Any) -> list[Task]:
        raise TypeError("an instance is not reset: its history is folded away")


def parts(definition: Any) -> list[Any]:
    """The single definitions of an event, or of an event-based gateway."""
    return list(getattr(definition, "definitions", (definition,)))
