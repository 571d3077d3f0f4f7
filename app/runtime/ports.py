"""What the engine room needs from the rooms above it; they fill :data:`ports` at start-up.

Everything here is called inside the step's transaction: it may only write to the database, and raising rolls the step back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from app.runtime.errors import OperationError

__all__ = [
    "Deadlines",
    "History",
    "HistoryEvent",
    "OpenTask",
    "Operation",
    "OperationContext",
    "OperationError",
    "Operations",
    "Parameters",
    "Ports",
    "TaskClosed",
    "TaskMoved",
    "TaskOpened",
    "UserTasks",
    "ports",
]


# ------------------------------------------------------------------------------------------------ user tasks
@dataclass(frozen=True, slots=True)
class TaskOpened:
    """A user task waits for a person. Everything in it was evaluated once, when the task was entered.

    :param process_id: the process the task is drawn in: the called process, inside a call activity.
    :param started_by: who started the instance; None when nobody did.
    :param lane: the innermost lane's name, a role's title.
    :param due: the instant it is due; a date in the diagram is the end of that day in London.
    :param properties: the extension properties, FEEL ones evaluated: agency, case, deadline, basis, separateFrom, room, …
    """

    instance_key: int
    task_id: int
    area_key: int
    case_key: int | None
    meeting_key: int | None
    release_key: int
    definition_key: int
    started_by: int | None
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
    priority: int
    properties: Mapping[str, Any]
    headers: Mapping[str, str]
    documentation: str


@dataclass(frozen=True, slots=True)
class TaskClosed:
    """A user task has ended: completed by somebody, or cancelled by the diagram.

    :ivar own_deadline: whether its deadline is its own, and no open task of the instance has it too.
    """

    instance_key: int
    task_id: int
    completed: bool
    own_deadline: bool = False


@dataclass(frozen=True, slots=True)
class TaskMoved:
    """An open user task, as the release draws it that its instance moves to.

    :param task: evaluated again; its dates are left out, because they do not change.
    :param changed: what is drawn differently: ``name``, ``documentation``, ``form``, ``assignment``, ``priority``, and
        ``property:<name>`` for each property. What is not named stays as it was entered.
    """

    task: TaskOpened
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class OpenTask:
    """When an open user task was entered, and when it is due."""

    opened: datetime
    due: datetime | None


class UserTasks(Protocol):
    """The work list."""

    def opened(self, task: TaskOpened) -> object: ...

    def closed(self, task: TaskClosed) -> object: ...

    def follow(self, about: Mapping[str, Any]) -> object:
        """A completion that was accepted takes its course: do what its form brings with it, before the engine goes on."""
        ...

    def expect(self, instance_keys: Collection[int]) -> object:
        """Tasks of several instances may close next: read them together."""
        ...

    def about(self, dossiers: Collection[int]) -> Collection[int]:
        """The instances in which a task about one of these cases or meetings is open."""
        ...

    def due_moved(self, instance_key: int, task_id: int, due: datetime | None) -> object:
        """A deadline that the task's due date asks for has moved."""
        ...

    def open_tasks(self, instance_key: int) -> Mapping[int, OpenTask]:
        """The open tasks of an instance, by task id."""
        ...

    def moved(
        self, instance_key: int, release_key: int, tasks: Sequence[TaskMoved], renamed: Mapping[tuple[str, str], str]
    ) -> dict[str, Any]:
        """The instance runs on another release.

        :param renamed: (process, old element id) to new ones, of what has been done too.
        :returns: what to give back to :meth:`moved_back`.
        """
        ...

    def moved_back(self, instance_key: int, before: Mapping[str, Any]) -> object:
        """The move is undone.

        :raises Conflict: somebody has touched one of the tasks since.
        """
        ...


# ------------------------------------------------------------------------------------------------ operations
@dataclass(slots=True)
class OperationContext:
    """What an operation knows of the step that runs it.

    :param idempotency_key: the same when the same step is tried again, and for no other.
    :param now: business time.
    """

    instance_key: int
    area_key: int
    case_key: int | None
    meeting_key: int | None
    element_id: str
    task_id: int
    idempotency_key: str
    now: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    _publish: Callable[[str, str, Mapping[str, Any], str | None], None] | None = None
    _bind: Callable[[str, int | None], None] | None = None

    def publish_message(
        self, name: str, key: str, payload: Mapping[str, Any] | None = None, ttl: str | None = None
    ) -> None:
        """Send a message to whoever waits for it, in the same transaction, after this step.

        :param ttl: how long it is kept for somebody who does not wait yet, ISO 8601.
        """
        if self._publish is not None:
            self._publish(name, key, payload or {}, ttl)

    def bind_case(self, case_key: int | None) -> None:
        """Say which case the instance belongs to from now on."""
        self.case_key = case_key
        if self._bind is not None:
            self._bind("case_key", case_key)

    def bind_meeting(self, meeting_key: int | None) -> None:
        """Say which meeting the instance belongs to from now on."""
        self.meeting_key = meeting_key
        if self._bind is not None:
            self._bind("meeting_key", meeting_key)


class Operation(Protocol):
    """What a service task may do.

    ``inputs`` and ``outputs`` are names and declared types; an input whose name ends in ``?`` may be left out.
    """

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> Mapping[str, str]: ...

    @property
    def outputs(self) -> Mapping[str, str]: ...

    def run(self, context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Do it. Inputs are FEEL values; outputs may be Python ones.

        :raises OperationError: a BPMN error that the diagram may catch.
        :raises ConvenorError: it failed; its message becomes an incident, and what it wrote is undone.
        """
        ...


class Operations(Protocol):
    """The registry of operations."""

    def get(self, name: str) -> Operation | None: ...

    def names(self) -> Collection[str]: ...


# ------------------------------------------------------------------------------------------------ deadlines, parameters
class Deadlines(Protocol):
    """The named deadlines of cases and meetings."""

    def lookup(self, case_key: int | None, meeting_key: int | None, name: str) -> datetime | None: ...

    def expect(self, dossiers: Sequence[tuple[int | None, int | None]]) -> object:
        """The deadlines of these cases and meetings are about to be asked for: read them together."""
        ...

    def reach(self, dossier: int) -> Collection[int]:
        """Whose deadlines one of this case or meeting may be: its own, and those of the cases that are listed for the meeting."""
        ...

    def record(
        self,
        case_key: int | None,
        meeting_key: int | None,
        name: str,
        at: datetime,
        *,
        rule: str,
        parameter: str,
        source: str,
        instance_key: int,
        task_id: int,
    ) -> object:
        """A task that sets the deadline has been entered."""
        ...

    def met(self, case_key: int | None, meeting_key: int | None, name: str) -> object:
        """The task that set the deadline has been completed."""
        ...


class Parameters(Protocol):
    """The area's parameters, FEEL's ``params``."""

    def values(self, area_key: int, at: datetime) -> Mapping[str, Any]: ...


# ------------------------------------------------------------------------------------------------ history
@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """Something that happened in an instance. No personal data.

    :param kind: completed, decided, timer, message-sent, message-received, signal-sent, error, escalation, called,
        operation, incident, started, ended.
    :param title: the element's name, or its id.
    """

    kind: str
    at: datetime
    instance_key: int
    area_key: int
    case_key: int | None
    meeting_key: int | None
    process_id: str
    element_id: str
    task_id: int
    title: str
    details: Mapping[str, Any]


class History(Protocol):
    """The case's timeline."""

    def note(self, event: HistoryEvent) -> object: ...


# ------------------------------------------------------------------------------------------------ nobody has filled them
class _NoUserTasks:
    def opened(self, task: TaskOpened) -> None: ...

    def closed(self, task: TaskClosed) -> None: ...

    def follow(self, about: Mapping[str, Any]) -> None:
        return None

    def expect(self, instance_keys: Collection[int]) -> None:
        return None

    def about(self, dossiers: Collection[int]) -> Collection[int]:
        return ()

    def due_moved(self, instance_key: int, task_id: int, due: datetime | None) -> None: ...

    def open_tasks(self, instance_key: int) -> Mapping[int, OpenTask]:
        return {}

    def moved(
        self, instance_key: int, release_key: int, tasks: Sequence[TaskMoved], renamed: Mapping[tuple[str, str], str]
    ) -> dict[str, Any]:
        return {}

    def moved_back(self, instance_key: int, before: Mapping[str, Any]) -> None: ...


class _NoOperations:
    def get(self, name: str) -> Operation | None:
        return None

    def names(self) -> Collection[str]:
        return ()


class _NoDeadlines:
    def lookup(self, case_key: int | None, meeting_key: int | None, name: str) -> datetime | None:
        return None

    def expect(self, dossiers: Sequence[tuple[int | None, int | None]]) -> None:
        return None

    def reach(self, dossier: int) -> Collection[int]:
        return (dossier,)

    def record(self, case_key: int | None, meeting_key: int | None, name: str, at: datetime, **_: object) -> None: ...

    def met(self, case_key: int | None, meeting_key: int | None, name: str) -> None: ...


class _NoParameters:
    def values(self, area_key: int, at: datetime) -> Mapping[str, Any]:
        return MappingProxyType({})


class _NoHistory:
    def note(self, event: HistoryEvent) -> None: ...


@dataclass
class Ports:
    """The rooms above, as the engine room sees them."""

    user_tasks: UserTasks = field(default_factory=_NoUserTasks)
    operations: Operations = field(default_factory=_NoOperations)
    deadlines: Deadlines = field(default_factory=_NoDeadlines)
    parameters: Parameters = field(default_factory=_NoParameters)
    history: History = field(default_factory=_NoHistory)


ports = Ports()
