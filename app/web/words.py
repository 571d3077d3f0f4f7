"""Instants in words, as people read them on a page: London time, working days of England and Wales."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from app.feel.holidays import is_bank_holiday, working_days_between
from app.store.clock import END_OF_DAY, LONDON

_WEEK = 7
_YEAR = 366
_LAST_SECOND = 59


@dataclass(frozen=True, slots=True)
class Due:
    """When something is due: ``words`` at a glance, ``exact`` for the record."""

    words: str
    exact: str
    late: bool


def local(instant: datetime) -> datetime:
    """The same instant on a London clock."""
    return instant.astimezone(LONDON)


def day_in_words(day: date) -> str:
    """3 March 2026."""
    return f"{day.day} {day:%B} {day.year}"


def weekday_in_words(day: date) -> str:
    """Tuesday 3 March 2026."""
    return f"{day:%A} {day_in_words(day)}"


def time_in_words(at: time) -> str:
    """2:05pm, 9am, midday, midnight."""
    if at.minute == 0 and at.hour in {0, 12}:
        return "midnight" if at.hour == 0 else "midday"
    minutes = f":{at.minute:02d}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'am' if at.hour < 12 else 'pm'}"


def moment_in_words(instant: datetime) -> str:
    """3 March 2026 at 2:05pm; the day alone for the last second of a day, which stands for the whole day."""
    there = local(instant)
    if there.time().replace(microsecond=0) == END_OF_DAY:
        return day_in_words(there.date())
    if there.second == _LAST_SECOND:  # counted back from the last second of a day: 15 hours before it is 9am
        there += timedelta(seconds=1)
    return f"{day_in_words(there.date())} at {time_in_words(there.time())}"


def point_in_words(instant: datetime) -> str:
    """As :func:`moment_in_words`; where something happens at the last second of a day, "end of 3 March 2026"."""
    whole_day = local(instant).time().replace(microsecond=0) == END_OF_DAY
    return f"End of {moment_in_words(instant)}" if whole_day else moment_in_words(instant)


def since_in_words(instant: datetime) -> str:
    """Since when something holds: the day alone when it holds from the beginning of it."""
    there = local(instant)
    return day_in_words(there.date()) if there.time() == time(0) else point_in_words(instant)


def due_words(instant: datetime | None, now: datetime) -> Due:
    """How far off something is: "today by midday", "tomorrow", "in 3 working days", "3 working days late"."""
    if instant is None:
        return Due("No due date", "", False)
    there, here = local(instant), local(now)
    whole_day = there.time().replace(microsecond=0) == END_OF_DAY
    exact = f"{there:%a} {moment_in_words(instant)}"
    if instant < now:
        return Due(_late(there, here), exact, True)
    by = "" if whole_day else f" by {time_in_words(there.time())}"
    days = (there.date() - here.date()).days
    if days == 0:
        return Due(f"today{by}", exact, False)
    if days == 1:
        return Due(f"tomorrow{by}", exact, False)
    if days <= 2 * _WEEK:
        working = _working_days(here.date(), there.date())
        return Due(f"in {_count(working, 'working day') if working else _count(days, 'day')}", exact, False)
    if days <= 12 * _WEEK:
        return Due(f"in {_count(days // _WEEK, 'week')}", exact, False)
    return Due(f"on {day_in_words(there.date())}", exact, False)


def _late(there: datetime, here: datetime) -> str:
    if there.date() == here.date():
        return f"late since {time_in_words(there.time())} today"
    days = (here.date() - there.date()).days
    if days > _YEAR:  # a slip of the pen, as a rule: nobody counts the working days of centuries
        return f"late since {day_in_words(there.date())}"
    working = _working_days(there.date(), here.date())
    if working:
        return f"{_count(working, 'working day')} late"
    return f"{_count(days, 'day')} late"


@lru_cache(maxsize=2_000)
def _working_days(start: date, end: date) -> int:
    """The tasks of a list are due on few different days."""
    return working_days_between(start, end, is_bank_holiday)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def count_words(number: int, one: str, many: str | None = None) -> str:
    """1 task, 2 tasks."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def size_words(size: int | None) -> str:
    """A file's size: 812 bytes, 34 KB, 1.2 MB."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} bytes"
    return f"{size // 1000} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


_ONE = {
    "working days": "working day",
    "calendar days": "calendar day",
    "answers": "answer",
    "incidents": "incident",
    "people": "person",
}
_DURATION = re.compile(r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$")


def _clock_words(text: str) -> str:
    try:
        return time_in_words(time.fromisoformat(text))
    except ValueError:
        return text


def parameter_words(type_: str, value: str, unit: str) -> str:
    """A parameter's value: P8D is "8 days", true is "yes"; others with their unit."""
    if type_ == "boolean":
        return {"true": "yes", "false": "no"}.get(value, value)
    if type_ == "time":
        return _clock_words(value)
    found = _DURATION.match(value) if type_ == "duration" else None
    if found and any(found.groups()):
        names = ("year", "month", "day", "hour", "minute")
        return " ".join(_count(int(n), name) for n, name in zip(found.groups(), names, strict=True) if n)
    if value == "1":
        unit = _ONE.get(unit, unit)
    return f"{value} {unit}".strip()
