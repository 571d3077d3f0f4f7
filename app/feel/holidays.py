"""Bank holidays and working days of England and Wales.

Bank holidays follow the Banking and Financial Dealings Act 1971, Schedule 1, the proclamations under its section 1, and the common law
(Good Friday, Christmas Day); before 1971, the Acts of 1871 and 1875. The package `holidays` says the same, and a test holds this against
it; but it loads the calendars of all countries, which costs each process fifteen megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache

from dateutil.easter import easter

from app.feel.errors import FeelLimitError

MAX_SPAN = 40_000  # days that a count of working days may walk over: more than a hundred years
IsHoliday = Callable[[date], bool]

# By proclamation: days for one year alone, and days that were moved.
_ONCE = {
    1977: [(6, 7)],  # Silver Jubilee
    1981: [(7, 29)],  # wedding of the Prince of Wales
    1999: [(12, 31)],  # the millennium
    2002: [(6, 3)],  # Golden Jubilee
    2011: [(4, 29)],  # wedding of Prince William
    2012: [(6, 5)],  # Diamond Jubilee
    2022: [(6, 3), (9, 19)],  # Platinum Jubilee; state funeral of Queen Elizabeth II
    2023: [(5, 8)],  # coronation of King Charles III
}
_EARLY_MAY = {1995: (5, 8), 2020: (5, 8)}  # to Victory in Europe Day
_SPRING = {2002: (6, 4), 2012: (6, 4), 2022: (6, 2)}  # beside a jubilee


@lru_cache(512)
def _year(year: int) -> frozenset[date]:
    """The bank holidays of a year; where one falls on a weekend, that day and the weekday instead of it."""
    sunday = easter(year)
    found = {sunday - timedelta(days=2), sunday + timedelta(days=1)}
    for day in (date(year, 12, 25), date(year, 12, 26)):
        found |= {day, day + timedelta(days=2)} if day.weekday() >= 5 else {day}
    if year >= 1974:
        new_year = date(year, 1, 1)
        found |= {new_year, new_year + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[new_year.weekday()])}
    if year >= 1971:
        found |= {date(year, *_SPRING[year]) if year in _SPRING else _monday_by(year, 5, 31), _monday_by(year, 8, 31)}
    else:
        found.add(sunday + timedelta(days=50))
    if year >= 1978:
        found.add(date(year, *_EARLY_MAY[year]) if year in _EARLY_MAY else _monday_by(year, 5, 7))
    return frozenset(found.union(date(year, *day) for day in _ONCE.get(year, ())))


def _monday_by(year: int, month: int, latest: int) -> date:
    """The last Monday that is no later than a day of a month."""
    day = date(year, month, latest)
    return day - timedelta(days=day.weekday())


_proclaimed: dict[date, bool] = {}


def proclaim(days: Mapping[date, bool]) -> None:
    """Days that have been proclaimed since this version was made: True for one that is a bank holiday, False for one that was moved away.

    They hold for the whole process, in the place of those told before.
    """
    _proclaimed.clear()
    _proclaimed.update(days)


def is_bank_holiday(day: date) -> bool:
    """Whether the day is a bank holiday in England and Wales."""
    told = _proclaimed.get(day)
    return day in _year(day.year) if told is None else told


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
