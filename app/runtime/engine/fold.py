"""Folding: finished branches leave the tree, so that a step costs the same after ten and after ten thousand earlier
ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.runtime.engine.task import OPEN, FlowTask

if TYPE_CHECKING:
    from app.runtime.engine.workflow import Instance


def fold(instance: Instance) -> None:
    """Drop every finished task that nothing looks at.

    What is kept: open tasks, each process's root, and the split around an activity whose task or boundary events are
    open. Everything else hangs directly under the root.
    """
    for flow in instance.flows():
        root, keep = flow.task_tree, {}
        for task in flow.tasks.values():
            if task._state & OPEN:
                keep[task.id] = task
                parent: FlowTask | None = flow.tasks.get(task._parent)
                if parent is not None and parent.task_spec.is_split:
                    keep[parent.id] = parent
        keep[root.id] = root
        if len(keep) == len(flow.tasks):
            continue
        for task in keep.values():
            task._children = [child for child in task._children if child in keep]
        for task in keep.values():
            if task is not root and task._parent not in keep:
                task._parent = root.id
                root._children.append(task.id)
        flow.tasks = dict(sorted(keep.items()))
        flow.last_task = None  # type: ignore[attr-defined]
