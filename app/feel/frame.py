"""What a running expression has: its variables, its surroundings and its budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Protocol

from app.feel.errors import FeelLimitError
from app.feel.holidays import is_bank_holiday
from app.feel.values import Value

MAX_STEPS = 200_000
MAX_CALLS = 100
MAX_LIST = 100_000
MAX_STRING = 1_000_000
TOO_LONG = f"A text may have at most {MAX_STRING:,} characters."


class _Missing:
    """Stands for "no such name", which is not the same as null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


class Variables(Protocol):
    """Where an expression finds its variables: a dict, or anything that answers `get` like one."""

    def get(self, key: str, default: Any, /) -> Any: ...


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def _no_deadline(_: str) -> datetime | None:
    return None


@dataclass(frozen=True, slots=True)
class Environment:
    """What an evaluation may know besides its variables.

    :param now: business time, an aware datetime; `today()` is its date in London.
    :param params: the area's parameters, `params.<key>` in FEEL.
    :param deadline: the case's deadline of that name as an aware datetime, or None.
    :param is_holiday: whether a date is a bank holiday.
    """

    now: Callable[[], datetime] = _wall_clock
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    deadline: Callable[[str], datetime | None] = _no_deadline
    is_holiday: Callable[[date], bool] = is_bank_holiday


EMPTY = Environment()


@dataclass(frozen=True, slots=True)
class Note:
    """Why a part of an expression gave null. `position` is its offset in the text.

    `fault` tells a mistake (a text where a number belongs) from a value that is simply not there.
    """

    position: int
    text: str
    fault: bool = True


class State:
    """The budget and the notes of one evaluation."""

    __slots__ = ("calls", "converted", "env", "notes", "steps")

    def __init__(self, env: Environment, notes: list[Note] | None = None) -> None:
        self.env = env
        self.notes = notes
        self.steps = MAX_STEPS
        self.calls = 0
        self.converted: dict[str, tuple[Any, Value]] | None = None  # as given, and as FEEL has it

    def spend(self, steps: int) -> None:
        """Use up a part of the budget. Raises FeelLimitError when it is gone."""
        self.steps -= steps
        if self.steps < 0:
            raise FeelLimitError("This expression takes too many steps. Make its lists shorter or split it up.")

    def spend_string(self, length: int) -> None:
        """Account for a text that was just made."""
        if length > MAX_STRING:
            raise FeelLimitError(TOO_LONG)
        self.spend(length >> 6)

    def spend_list(self, length: int) -> None:
        """Account for a list that was just made."""
        if length > MAX_LIST:
            raise FeelLimitError(f"A list may have at most {MAX_LIST:,} entries.")
        self.spend(length)

    def note(self, position: int, text: str, fault: bool = True) -> None:
        """Write down why something is null, when somebody asked."""
        if self.notes is not None and len(self.notes) < 100:
            self.notes.append(Note(position, text, fault))


class Frame:
    """One scope: its own names, and the scope around it. The outermost holds the variables as they were given."""

    __slots__ = ("parent", "state", "values")

    def __init__(self, values: Variables, parent: Frame | None, state: State) -> None:
        self.values = values
        self.parent = parent
        self.state = state


class NoValue(Exception):
    """A function has no answer for its arguments."""

    def __init__(self, reason: str, fault: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault


Run = Callable[[Frame], Value]
