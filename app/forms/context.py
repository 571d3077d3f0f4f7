"""What a form is told about the world: the time, the options to choose from, the names that FEEL may use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from app import feel

LONDON = ZoneInfo("Europe/London")
PARAMS = "params"


@dataclass(frozen=True)
class Context:
    """What is known when a page is drawn or checked.

    :param now: business time, with a time zone.
    :param values: the names offered to FEEL beside the form's own: options (`agencies`, `people`), the risk tools,
        parameters (`params`). Plain Python values. May work them out when they are asked for: only what an expression
        names is ever read.
    """

    now: datetime
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day it is in London."""
        return self.now.astimezone(LONDON).date()

    @cached_property
    def names(self) -> Mapping[str, Any]:
        """The values without the parameters, which FEEL reads from its environment one at a time."""
        return _Names(self.values)

    @cached_property
    def kept(self) -> dict[tuple[int, str], Any]:
        """What has been worked out in this context and may be asked for again: see :func:`app.forms.rows.standing`."""
        return {}

    @cached_property
    def environment(self) -> feel.Environment:
        """FEEL's view of the time and the parameters."""
        return feel.Environment(now=lambda: self.now, params=_Parameters(self.values))


class _Names(Mapping[str, Any]):
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        if name == PARAMS:
            raise KeyError(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name != PARAMS and name in self._values

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._values if name != PARAMS)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Parameters(Mapping[str, Any]):
    """The parameters, fetched when the first of them is asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @cached_property
    def _known(self) -> Mapping[str, Any]:
        found = self._values.get(PARAMS)
        return found if isinstance(found, Mapping) else {}

    def __getitem__(self, key: str) -> Any:
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
