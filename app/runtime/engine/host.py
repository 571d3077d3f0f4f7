"""What the engine asks of the world around an instance. The service layer fills it; tests give a small one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from app import feel
from app.runtime.errors import Fault

# How the type of a service task begins that somebody outside does.
OUTSIDE = "outside:"


class NoteKind(StrEnum):
    """What the engine reports while it runs, for the case's timeline."""

    COMPLETED = "completed"
    DECIDED = "decided"
    TIMER = "timer"
    MESSAGE_SENT = "message-sent"
    MESSAGE_RECEIVED = "message-received"
    SIGNAL_SENT = "signal-sent"
    ERROR = "error"
    ESCALATION = "escalation"
    CALLED = "called"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that happened to an element. No personal data."""

    kind: NoteKind
    process_id: str
    element_id: str
    task_id: int
    name: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A user task as it was entered: everything that is evaluated once, when the task opens."""

    task_id: int
    process_id: str
    element_id: str
    name: str | None
    form_id: str | None
    lane: str | None
    assignee: str | None
    candidate_groups: tuple[str, ...]
    candidate_users: tuple[str, ...]
    due: datetime | None
    follow_up: datetime | None
    priority: int | None
    properties: Mapping[str, Any]
    headers: Mapping[str, str]
    documentation: str | None
    deadline: str | None = None


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """A named deadline as a task computes it on entry."""

    name: str
    at: datetime
    rule: str
    parameters: Mapping[str, Any]
    source: str
    element_id: str
    task_id: int
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A message on its way out of an instance."""

    name: str
    key: str
    payload: Mapping[str, Any]
    ttl: str | None = None


class Host(Protocol):
    """The world around one instance during one step.

    :ivar engine: the instance itself, once it is in memory.
    """

    engine: Any

    @property
    def now(self) -> datetime:
        """Business time, the same throughout the step."""
        ...

    @property
    def env(self) -> feel.Environment: ...

    def begin_recording(self) -> None:
        """From here on remember which deadlines and parameters expressions ask for."""
        ...

    def recorded_deadlines(self) -> tuple[str, ...]: ...

    def recorded_parameters(self) -> Mapping[str, Any]: ...

    def is_outside(self, type_: str, task: Any) -> bool:
        """Whether a service task of this type is work for somebody outside, which the task waits for."""
        ...

    def operate(
        self, type_: str, task: Any, inputs: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Run a service operation.

        :raises Fault: no such operation, or it failed.
        :raises OperationError: it throws a BPMN error.
        """
        ...

    def decide(self, decision_id: str, task: Any, variables: Mapping[str, Any]) -> Any:
        """Evaluate a decision of the instance's release.

        :raises Fault: no such decision, or it failed.
        """
        ...

    def deadline_entered(self, rule: DeadlineRule) -> None: ...

    def deadline_met(self, name: str, task_id: int, case: str | None) -> None: ...

    def post(self, message: Posted) -> None: ...

    def broadcast(self, signal: str, payload: Mapping[str, Any]) -> None: ...

    def note(self, note: Note) -> None: ...


Decide = Callable[[Mapping[str, Any]], Any]
Operate = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class PlainHost:
    """A host for tests and rehearsals: everything in memory."""

    def __init__(
        self,
        clock: Callable[[], datetime] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        decisions: Mapping[str, Decide] | None = None,
        operations: Mapping[str, Operate] | None = None,
    ) -> None:
        self.engine: Any = None
        self.clock = clock or (lambda: datetime.now(UTC))
        self.params = dict(params or {})
        self.decisions = dict(decisions or {})
        self.operations = dict(operations or {})
        self.deadlines: dict[str, datetime] = {}
        self.met: list[str] = []
        self.posted: list[Posted] = []
        self.signals: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[Note] = []
        self._asked: list[str] = []
        self.env = feel.Environment(now=lambda: self.now, params=self.params, deadline=self._deadline)

    @property
    def now(self) -> datetime:
        return self.clock()

    def _deadline(self, name: str) -> datetime | None:
        self._asked.append(name)
        return self.deadlines.get(name)

    def begin_recording(self) -> None:
        self._asked = []

    def recorded_deadlines(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._asked))

    def recorded_parameters(self) -> Mapping[str, Any]:
        return {}

    def is_outside(self, type_: str, task: Any) -> bool:
        return type_ not in self.operations and type_.startswith(OUTSIDE)

    def operate(
        self, type_: str, task: Any, inputs: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        operation = self.operations.get(type_)
        if operation is None:
            raise Fault(f"There is no operation named {type_}.", kind="OPERATION")
        return {name: feel.from_python(value) for name, value in operation(inputs).items()}

    def decide(self, decision_id: str, task: Any, variables: Mapping[str, Any]) -> Any:
        decision = self.decisions.get(decision_id)
        if decision is None:
            raise Fault(f"There is no decision named {decision_id}.", kind="DECISION")
        return feel.from_python(decision(variables))

    def deadline_entered(self, rule: DeadlineRule) -> None:
        self.deadlines[rule.name] = rule.at

    def deadline_met(self, name: str, task_id: int, case: str | None) -> None:
        self.met.append(name)

    def post(self, message: Posted) -> None:
        self.posted.append(message)

    def broadcast(self, signal: str, payload: Mapping[str, Any]) -> None:
        self.signals.append((signal, dict(payload)))

    def note(self, note: Note) -> None:
        self.notes.append(note)
