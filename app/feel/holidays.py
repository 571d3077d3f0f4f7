"""Bank holidays and working days of England and Wales."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from app.feel.errors import FeelLimitError

MAX_SPAN = 40_000  # days that a count of working days may walk over: more than a hundred years
IsHoliday = Callable[[date], bool]


@lru_cache(512)
def _year(year: int) -> Any:
    import holidays as holiday_data  # large: only where somebody counts working days

    return holiday_data.country_holidays("GB", subdiv="ENG", years=year)


def is_bank_holiday(day: date) -> bool:
    """Whether the day is a bank holiday in England and Wales."""
    return day in _year(day.year)


def is_working_day(day: date, is_holiday: IsHoliday) -> bool:
    return day.weekday() < 5 and not is_holiday(day)


def next_working_day(day: date, is_holiday: IsHoliday) -> date:
    """The first working day after the day."""
    return add_working_days(day, 1, is_holiday)


def add_working_days(day: date, count: int, is_holiday: IsHoliday) -> date:
    """The day some working days later (earlier when negative). The day itself is day 0 and is not counted."""
    if abs(count) > MAX_SPAN:
        raise FeelLimitError(f"At most {MAX_SPAN:,} working days can be added.")
    step = timedelta(days=1 if count >= 0 else -1)
    left = abs(count)
    while left:
        day += step
        if is_working_day(day, is_holiday):
            left -= 1
    return day


def working_days_between(start: date, end: date, is_holiday: IsHoliday) -> int:
    """Working days after the start up to and including the end; negative when the end comes first.

    So `add working days(start, working days between(start, end))` is the end, when the end is a working day.
    """
    if end < start:
        return -working_days_between(end, start, is_holiday)
    span = (end - start).days
    if span > MAX_SPAN:
        raise FeelLimitError(f"Working days can be counted over at most {MAX_SPAN:,} days.")
    return sum(is_working_day(start + timedelta(days=n), is_holiday) for n in range(1, span + 1))
