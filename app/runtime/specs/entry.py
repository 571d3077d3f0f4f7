"""Entering a user task: everything that is evaluated once, when it opens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from app.feel.values import kind
from app.runtime.engine.host import DeadlineRule, Entry
from app.runtime.errors import Fault
from app.runtime.language import article, instant_of, to_plain
from app.runtime.specs.base import value_of
from app.runtime.specs.definitions import LONGEST_DEADLINE

if TYPE_CHECKING:
    from app.runtime.engine.task import FlowTask


Read = TypeVar("Read")


@dataclass(slots=True)
class UserTaskPlan:
    """What the diagram says about a user task, as written."""

    form_id: str | None = None
    assignee: str | None = None
    candidate_groups: str | None = None
    candidate_users: str | None = None
    due: str | None = None
    follow_up: str | None = None
    priority: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def enter(self, spec: Any, t: FlowTask) -> Entry:
        """Evaluate it all; a named deadline is recorded now, before any boundary timer is armed.

        :raises Fault: something cannot be evaluated, or is of a wrong kind.
        """
        properties = self._properties(t)
        deadline = self._read(_text, t, self.properties.get("deadline"), "deadline", spec)
        case = self._read(_text, t, self.properties.get("case"), "case", spec)
        due = self._due(spec, t, deadline, case)
        follow_up = self._instant(t, self.follow_up, f"The follow-up date of {spec.bpmn_id}")
        return self._entry(spec, t, properties, due, follow_up)

    def seen(self, spec: Any, t: FlowTask) -> Entry:
        """The same of a task that is open already: nothing is recorded, and its dates are left out.

        :raises Fault: something cannot be evaluated, or is of a wrong kind.
        """
        return self._entry(spec, t, self._properties(t), None, None)

    def _properties(self, t: FlowTask) -> dict[str, Any]:
        return {name: to_plain(value_of(t, text)) if text else text for name, text in self.properties.items()}

    def _entry(
        self, spec: Any, t: FlowTask, properties: dict[str, Any], due: datetime | None, follow_up: datetime | None
    ) -> Entry:
        return Entry(
            task_id=t.id,
            process_id=t.workflow.spec.process_id,
            element_id=spec.bpmn_id,
            name=spec.bpmn_name,
            form_id=self.form_id,
            lane=spec.lane,
            assignee=self._read(_text, t, self.assignee, "assignee", spec),
            candidate_groups=self._read(_names, t, self.candidate_groups, "candidateGroups", spec),
            candidate_users=self._read(_names, t, self.candidate_users, "candidateUsers", spec),
            due=due,
            follow_up=follow_up,
            priority=self._read(_priority, t, self.priority, "priority", spec),
            properties=properties,
            headers=dict(self.headers),
            documentation=spec.documentation,
            deadline=_text(properties.get("deadline"), "deadline", spec),
        )

    def _due(self, spec: Any, t: FlowTask, deadline: str | None, case: str | None) -> datetime | None:
        host = t.top.host
        host.begin_recording()
        due = self.due_at(spec, t)
        asked = host.recorded_deadlines()
        if any(len(name) > LONGEST_DEADLINE for name in (*asked, deadline or "")):
            raise Fault(
                f"The task {spec.bpmn_id} is about a deadline whose name has more than {LONGEST_DEADLINE} characters.",
                kind="TIMER",
            )
        if asked:
            t.internal_data["dueby"] = list(asked)
        if due is not None and (asked or deadline is not None):
            t.internal_data["dueat"] = int(due.timestamp() * 1000)
        if deadline is None:
            return due
        if due is None:
            raise Fault(
                f"The task {spec.bpmn_id} sets the deadline {deadline}, but its due date is empty.",
                kind="TIMER",
                details={"expression": self.due, "deadline": deadline},
            )
        host.deadline_entered(
            DeadlineRule(
                name=deadline,
                at=due,
                rule=self.due or "",
                parameters=host.recorded_parameters(),
                source=self.properties.get("basis", ""),
                element_id=spec.bpmn_id,
                task_id=t.id,
                case=case,
            )
        )
        t.internal_data["deadline"] = [deadline, case]
        return due

    def due_at(self, spec: Any, t: FlowTask) -> datetime | None:
        """:raises Fault: the due date is no date."""
        return self._instant(t, self.due, f"The due date of {spec.bpmn_id}")

    def _read(self, read: Callable[[Any, str, Any], Read], t: FlowTask, text: str | None, what: str, spec: Any) -> Read:
        """:raises Fault: the value is of a wrong kind; the details hold the expression."""
        try:
            return read(None if text is None else to_plain(value_of(t, text)), what, spec)
        except Fault as fault:
            fault.details.setdefault("expression", text)
            raise

    def _instant(self, t: FlowTask, text: str | None, what: str) -> datetime | None:
        if not text:
            return None
        value = value_of(t, text)
        try:
            return None if value is None else instant_of(value, what)
        except Fault as fault:
            fault.details["expression"] = text
            raise


def _text(value: Any, what: str, spec: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Fault(f"The {what} of {spec.bpmn_id} is {_kind(value)} instead of a text.", kind="ASSIGNMENT")


def _names(value: Any, what: str, spec: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list) and all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
        return tuple(name for item in value if (name := str(item).strip()))
    raise Fault(f"The {what} of {spec.bpmn_id} are {_kind(value)} instead of a list of names.", kind="ASSIGNMENT")


def _priority(value: Any, what: str, spec: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100:
        return value
    raise Fault(f"The {what} of {spec.bpmn_id} is not a whole number from 0 to 100.", kind="ASSIGNMENT")


def _kind(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        value = Decimal(str(value))
    return article(kind(value))
