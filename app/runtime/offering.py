"""What the work list is told of a user task: what its diagram says, evaluated."""

from __future__ import annotations

from app.runtime.engine.host import Entry
from app.runtime.models import Instance
from app.runtime.ports import TaskOpened


def task_opened(row: Instance, task_id: int, entry: Entry) -> TaskOpened:
    """A user task of an instance, for the work list."""
    return TaskOpened(
        instance_key=row.key,
        task_id=task_id,
        area_key=row.area_key,
        case_key=row.case_key,
        meeting_key=row.meeting_key,
        release_key=row.release_key,
        definition_key=row.definition_key,
        started_by=row.started_by,
        process_id=entry.process_id,
        element_id=entry.element_id,
        name=entry.name,
        form_id=entry.form_id,
        lane=entry.lane,
        assignee=entry.assignee,
        candidate_groups=entry.candidate_groups,
        candidate_users=entry.candidate_users,
        due=entry.due,
        follow_up=entry.follow_up,
        priority=50 if entry.priority is None else entry.priority,
        properties=entry.properties,
        headers=entry.headers,
        documentation=entry.documentation or "",
    )
