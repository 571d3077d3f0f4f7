"""What a plan says of one instance: what stands in the way, and what would change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an instance cannot move.

    :param element_id: in the release it runs on; empty when it is about the instance as a whole.
    :param message: one sentence, never the value of a variable.
    :param remedy: what a process owner can do about it.
    """

    process_id: str
    element_id: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class TaskChange:
    """An open user task that the other release draws differently.

    :param form: the form it has afterwards.
    :param form_changed: another form, or the same form with other content.
    :param changed: what else: name, form, assignment, properties, …
    :param reoffered: it is offered to others than before.
    """

    task_id: int
    process_id: str
    element_id: str
    target_id: str
    name: str
    form_before: str | None
    form: str | None
    form_changed: bool
    changed: tuple[str, ...]
    reoffered: bool


@dataclass(frozen=True, slots=True)
class TimerChange:
    """A timer that the move touches.

    :param what: ``kept`` (its rule has changed, its instant has not), ``recomputed``, ``new`` or ``gone``.
    :param due: when it is due afterwards; for one that is gone, when it was.
    :param would_be: when it would be due by the other release's rule; None where that cannot be told.
    :param deadlines: the named deadlines that it hangs on.
    """

    process_id: str
    element_id: str
    what: str
    due: datetime | None
    would_be: datetime | None = None
    deadlines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadlineChange:
    """The due date of an open task whose rule differs in the other release.

    :param name: the named deadline; None for a task's own due date.
    :param case: the case it belongs to where that is not the instance's own.
    :param due: as it is, None when there is none.
    :param would_be: by the other release's rule, counted from when the task was opened.
    :param moves: whether it is to be computed again because a person says so.
    """

    task_id: int
    process_id: str
    element_id: str
    name: str | None
    case: str | None
    due: datetime | None
    would_be: datetime | None
    moves: bool
    rule: str = ""
    parameter: str = ""
    source: str = ""


@dataclass(slots=True)
class InstancePlan:
    """What moving one instance would mean. It can move when there are no obstacles.

    :ivar named: which of the names to compute again this instance has.
    """

    instance_key: int
    definition_key: int
    revision: int
    case_key: int | None
    meeting_key: int | None
    obstacles: list[Obstacle] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tasks: list[TaskChange] = field(default_factory=list)
    timers: list[TimerChange] = field(default_factory=list)
    deadlines: list[DeadlineChange] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    @property
    def can_move(self) -> bool:
        return not self.obstacles

    @property
    def why(self) -> str:
        """Every obstacle in one text."""
        return " ".join(dict.fromkeys(f"{each.message} {each.remedy}".strip() for each in self.obstacles))
