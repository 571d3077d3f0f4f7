"""Completing a user task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.runtime.errors import TaskNotOpen
from app.runtime.models import Instance
from app.runtime.step import step


def complete_task(
    instance_key: int,
    task_id: int,
    variables: Mapping[str, Any] | None = None,
    *,
    by: int | None,
    expected_revision: int | None = None,
) -> Instance:
    """A person has done a task: take the variables, run on to the next wait. What fails after it is an incident; the
    work is kept.

    :raises TaskNotOpen: somebody else has done it, or it was cancelled.
    :raises VariableRefused: a variable is not declared or of another type.
    :raises StaleInstance: the instance is not at the expected revision any more.
    """
    with step(instance_key, expected_revision=expected_revision) as taken:
        task = taken.wf.ready.get(task_id)
        if task is None:
            raise TaskNotOpen("This task is no longer open.", resource_id=str(task_id))
        given = task.workflow.spec.declarations.admit_all(variables or {})
        taken.completed_task = task_id
        taken.wf.complete_task(task_id, given)
    return taken.row
