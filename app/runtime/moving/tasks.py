"""Open user tasks of a moved instance: what the other release draws differently, and which due dates its rules would change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.runtime.engine.host import Entry
from app.runtime.engine.task import FlowTask
from app.runtime.engine.workflow import Instance
from app.runtime.errors import Fault
from app.runtime.moving.arming import as_of
from app.runtime.moving.elements import ElementMap
from app.runtime.moving.outlook import DeadlineChange, Obstacle, TaskChange
from app.runtime.moving.translation import Translation
from app.runtime.moving.words import titled
from app.runtime.parsed import ParsedRelease
from app.runtime.ports import OpenTask
from app.runtime.specs.entry import UserTaskPlan

_OWN = frozenset(("deadline",))  # what a task has set stays its own


@dataclass(slots=True)
class Seen:
    """An open task as the other release sees it."""

    task: FlowTask
    entry: Entry
    changed: frozenset[str]


@dataclass(slots=True)
class Tasks:
    """What became of the open tasks."""

    seen: list[Seen] = field(default_factory=list)
    changes: list[TaskChange] = field(default_factory=list)
    deadlines: list[DeadlineChange] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


class TaskOutlook:
    """For one restored instance.

    :param recompute: names of deadlines, or ids of tasks, whose due date a person wants computed again.
    """

    def __init__(
        self,
        wf: Instance,
        made: Translation,
        elements: ElementMap,
        releases: tuple[ParsedRelease, ParsedRelease],
        known: Mapping[int, OpenTask],
        recompute: Collection[str],
    ) -> None:
        self.wf, self.made, self.elements, self.known = wf, made, elements, known
        self.source, self.target = releases
        self.recompute = frozenset(recompute)
        self.found = Tasks()

    def run(self) -> Tasks:
        for task in self.wf.user_tasks():
            old = self.made.origins[task.id]
            changed = self._changed(task, old)
            try:
                entry = task.task_spec.plan.seen(task.task_spec, task)
            except Fault as fault:
                self._stands_in_the_way(task, fault.message)
                continue
            self.found.seen.append(Seen(task, entry, changed))
            self._tell(task, old, changed)
            self._due(task, old.plan, entry)
        return self.found

    def _stands_in_the_way(self, task: FlowTask, why: str) -> None:
        spec = task.task_spec
        self.found.obstacles.append(
            Obstacle(
                task.workflow.spec.process_id,
                spec.bpmn_id,
                f"{titled(spec)} is open, and the other release cannot be asked about it: {why}",
                "Mend its expression.",
            )
        )

    def _changed(self, task: FlowTask, old: Any) -> frozenset[str]:
        spec = task.task_spec
        was, now = old.plan, spec.plan
        pairs = {
            "name": (old.bpmn_name, spec.bpmn_name),
            "documentation": (old.documentation, spec.documentation),
            "assignment": (_assignment(old), _assignment(spec)),
            "priority": (was.priority, now.priority),
            "headers": (dict(was.headers), dict(now.headers)),
        }
        found = {name for name, (a, b) in pairs.items() if a != b}
        if was.form_id != now.form_id or self._form(self.source, was) != self._form(self.target, now):
            found.add("form")
        for name in {*was.properties, *now.properties} - _OWN:
            if was.properties.get(name) != now.properties.get(name):
                found.add(f"property:{name}")
        return frozenset(found)

    def _form(self, release: ParsedRelease, plan: UserTaskPlan) -> bytes | None:
        return release.form(plan.form_id) if plan.form_id else None

    def _tell(self, task: FlowTask, old: Any, changed: frozenset[str]) -> None:
        spec = task.task_spec
        process_id = task.workflow.spec.process_id
        was = old.plan.properties.get("separateFrom")
        now = spec.plan.properties.get("separateFrom")
        if was and (not now or self.elements.of(process_id, was) != now):
            self.found.notes.append(
                f"{titled(spec)} is kept separate from {was} now, and would be from {now or 'no other task'}."
            )
        if not changed and old.bpmn_id == spec.bpmn_id:
            return
        self.found.changes.append(
            TaskChange(
                task.id,
                process_id,
                old.bpmn_id,
                spec.bpmn_id,
                spec.bpmn_name or spec.bpmn_id,
                old.plan.form_id,
                spec.plan.form_id,
                "form" in changed,
                tuple(sorted(changed)),
                "assignment" in changed,
            )
        )

    # ---- due dates
    def _due(self, task: FlowTask, was: UserTaskPlan, entry: Entry) -> None:
        """A task's due date stays, whatever its rule says now, unless a person has named it."""
        spec, plan = task.task_spec, task.task_spec.plan
        own = task.internal_data.get("deadline")
        rule = was.due, was.properties.get("deadline")
        named = {spec.bpmn_id, self.made.origins[task.id].bpmn_id, *(own or ())[:1], entry.deadline or spec.bpmn_id}
        asked = bool(named & self.recompute)
        if asked:
            self.found.named |= named & self.recompute
        if rule == (plan.due, plan.properties.get("deadline")) and not asked:
            return
        known = self.known.get(task.id)
        host = self.wf.host
        try:
            with as_of(host, known.opened if known is not None else None):
                host.begin_recording()
                would_be = plan.due_at(spec, task)
                bound, parameters = host.recorded_deadlines(), host.recorded_parameters()
        except Fault as fault:
            if asked:
                self._stands_in_the_way(task, fault.message)
                return
            would_be, bound, parameters = None, (), {}
        if asked and would_be is None:
            self._stands_in_the_way(task, "its due date is empty.")
            return
        case = _text(entry.properties.get("case"))
        if asked:
            self._take(task, entry, case, would_be, bound)
        self.found.deadlines.append(
            DeadlineChange(
                task.id,
                task.workflow.spec.process_id,
                spec.bpmn_id,
                entry.deadline if asked or own is None else own[0],
                case,
                known.due if known is not None else None,
                would_be,
                asked,
                plan.due or "",
                ", ".join(f"{name} = {value}" for name, value in parameters.items()),
                plan.properties.get("basis", ""),
            )
        )

    def _take(
        self, task: FlowTask, entry: Entry, case: str | None, at: datetime | None, bound: tuple[str, ...]
    ) -> None:
        """The new rule from now on. The deadline itself is moved by whoever records the decision, after the step."""
        data = task.internal_data
        for key in ("dueby", "deadline"):
            data.pop(key, None)
        if bound:
            data["dueby"] = list(bound)
        if entry.deadline is not None:
            data["deadline"] = [entry.deadline, case]
        elif bound and at is not None:
            data["dueat"] = int(at.timestamp() * 1000)
        else:
            data.pop("dueat", None)


def _assignment(spec: Any) -> tuple[Any, ...]:
    plan = spec.plan
    return spec.lane, plan.assignee, plan.candidate_groups, plan.candidate_users


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)
