"""What of an instance is mirrored in other tables: the difference between before a step and after it is what the step writes there."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.runtime import retries
from app.runtime.engine.task import parts
from app.runtime.engine.workflow import Instance as Engine


@dataclass(slots=True)
class Snapshot:
    """What of an instance is mirrored in other tables.

    :ivar own: by user task the deadline that it has set for itself; not one of the case or meeting by which it is due.
    """

    tasks: set[int] = field(default_factory=set)
    own: dict[int, str] = field(default_factory=dict)
    jobs: set[int] = field(default_factory=set)
    timers: dict[tuple[int, str, str], int | None] = field(default_factory=dict)
    subscriptions: dict[tuple[int, str], tuple[str, str, str, str]] = field(default_factory=dict)
    incidents: dict[int, tuple[str, str]] = field(default_factory=dict)


def snapshot(wf: Engine) -> Snapshot:
    """What is mirrored of an instance in memory."""
    found = Snapshot()
    for task in wf.event_manager.tasks.values():
        data = task.internal_data
        for definition in parts(task.task_spec.event_definition):
            if definition.kind == "timer" and definition.key in data.get("due", {}):
                for name in data.get("bound", {}).get(definition.key, ("",)):
                    found.timers[(task.id, definition.key, name)] = data["due"][definition.key]
            elif definition.kind in ("message", "signal") and definition.key in data.get("sub", {}):
                row = (
                    definition.kind,
                    definition.name,
                    data["sub"][definition.key] or "",
                    task.workflow.spec.process_id,
                )
                found.subscriptions[(task.id, definition.key)] = row
    for task in wf.user_tasks():
        found.tasks.add(task.id)
        due_by, named = task.internal_data.get("dueby", ()), task.internal_data.get("deadline", ())[:1]
        if named and named[0] not in due_by:
            found.own[task.id] = named[0]
        for name in (*due_by, *named):
            found.timers[(task.id, f"due:{task.task_spec.bpmn_id}", name)] = None
    found.jobs = {task.id for task in wf.outside_jobs()}
    for task_id, incident in wf.incidents.items():
        if not retries.is_pending(wf, task_id):
            found.incidents[task_id] = (incident.kind, incident.message)
    return found
