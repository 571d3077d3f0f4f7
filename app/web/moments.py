"""A date, and a time with it, as typed into the fields of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from app.store.clock import END_OF_DAY, LONDON, business_now

FURTHEST_YEARS = 20  # a retention review lies ten years ahead, and may be moved by as many

_TIME = re.compile(r"^\s*(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?\s*$", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and what it means.

    :param value: the instant, London time; None when it is not one.
    :param error: what is wrong and where, for the error summary: (anchor, message).
    """

    value: datetime | None
    error: tuple[str, str] | None


def read_time(text: str) -> time | None:
    """9:30, 09.30, 2:05pm, 14:05, 9am."""
    found = _TIME.match(text)
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def read_day(fields: Mapping[str, str], name: str) -> date | None:
    """The day of three fields `name-day`, `name-month`, `name-year`."""
    parts = [fields.get(f"{name}-{part}", "").strip() for part in ("day", "month", "year")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts) or len(parts[2]) != 4:
        return None
    try:
        return date(int(parts[2]), int(parts[1]), int(parts[0]))
    except ValueError:
        return None


def is_empty(fields: Mapping[str, str], name: str) -> bool:
    """Whether nothing was typed into any of the fields."""
    return not any(fields.get(f"{name}-{part}", "").strip() for part in ("day", "month", "year", "time"))


def read_moment(
    fields: Mapping[str, str], name: str, what: str, *, needs_time: bool, empty: time = END_OF_DAY
) -> Typed:
    """The instant of a date and a time to come. What is in the past is for the caller to judge.

    :param what: what it is, for the message: "new date".
    :param needs_time: without it, an empty time stands for ``empty``.
    :param empty: what holds from a day on begins with it; what is due on a day is due at its end.
    """
    day = read_day(fields, name)
    if day is None:
        return Typed(None, (f"{name}-day", f"Enter the {what}, for example 27 3 2026"))
    text = fields.get(f"{name}-time", "")
    if day.year > business_now().year + FURTHEST_YEARS:
        return Typed(None, (f"{name}-day", f"The {what} must be within the next {FURTHEST_YEARS} years"))
    at = empty if not text.strip() and not needs_time else read_time(text)
    if at is None:
        return Typed(None, (f"{name}-time", "Enter the time, for example 9:30am or 14:00"))
    found = datetime.combine(day, at, LONDON)
    if found.astimezone(UTC).astimezone(LONDON).time() != at:
        return Typed(None, (f"{name}-time", "There is no such time on that day: the clocks go forward then"))
    return Typed(found, None)
