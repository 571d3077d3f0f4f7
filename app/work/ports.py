"""What the work list needs from rooms beside or above it; filled at start-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.identity.person import Person
from app.work.along import Kind
from app.work.models import WorkItem


class Notifier(Protocol):
    """Tells people that something waits for them; never with a name or a detail of the case."""

    def assigned(self, item: WorkItem, users: list[int]) -> None:
        """A task waits for these users."""

    def given_back(self, item: WorkItem, users: list[int]) -> None:
        """Whoever had a task may not have it any more: it waits for these users again."""

    def handed_over(self, item: WorkItem, to_user: int) -> None:
        """A task was given to this user by somebody else."""


@dataclass(frozen=True)
class Subject:
    """What a procedure is about, as made at its start."""

    case_key: int | None
    meeting_key: int | None
    variables: Mapping[str, Any]


SubjectMaker = Callable[[int, str, Person, Mapping[str, str]], Subject]
Provider = Callable[[WorkItem, Person], Any]
Check = Callable[[WorkItem, dict[str, Any], Person], None]
Hook = Callable[[WorkItem, dict[str, Any], int, Person], None]


@dataclass
class WorkPorts:
    """The registry.

    :param notifier: how people are told; None tells nobody.
    :param subjects: by the process property ``subject``: makes the case or meeting when a procedure starts.
    :param providers: by name: what forms may offer as options (``agencies``, ``meetings``, …), worked out when a form asks.
    :param candidate: what a candidate user in a diagram means: a user's key, worked out from an attendee's.
    :param along: by form id: what completing a task of that form asks for, besides what every task does.
    :param checks: by form id: raises when the answers may not be taken, for a reason that no rule of the form can know.
    :param hooks: by form id: what else happens when a task is completed, before the engine goes on (item, clean answers, submission key,
        person). It may come a moment later (:func:`app.work.completion.follow`), and refuses nothing.
    """

    notifier: Notifier | None = None
    subjects: dict[str, SubjectMaker] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    along: Mapping[str, tuple[Kind, ...]] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    hooks: Mapping[str, list[Hook]] = field(default_factory=dict)
    candidate: Callable[[int], int] = field(default=lambda key: key)


ports = WorkPorts()
