"""What a form is told about the world: the time, the options to choose from, the names that FEEL may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from app import feel

LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Context:
    """What is known when a page is drawn or checked.

    :param now: business time, with a time zone.
    :param values: the names offered to FEEL beside the form's own: options (`agencies`, `people`), the risk tool,
        parameters (`params`). Plain Python values.
    """

    now: datetime
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The day it is in London."""
        return self.now.astimezone(LONDON).date()

    @cached_property
    def environment(self) -> feel.Environment:
        """FEEL's view of the time and the parameters."""
        params = self.values.get("params")
        return feel.Environment(now=lambda: self.now, params=params if isinstance(params, Mapping) else {})
