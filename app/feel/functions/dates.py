"""Parts of dates (DMN 1.5, table 82), and `is`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from app.feel import calendar
from app.feel.frame import State
from app.feel.registry import builtin
from app.feel.temporal import Date, DateTime, Time
from app.feel.values import Value, equal

GROUP = "Dates"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DATE = "date: date | date and time"


def day(value: Date | DateTime) -> Date:
    return value.date if isinstance(value, DateTime) else value


@builtin(
    "day of year",
    _DATE,
    returns="number",
    group=GROUP,
    summary="The day's number in its year.",
    example="day of year(date(2026, 9, 17)) = 260",
)
def day_of_year(value: Date | DateTime) -> Decimal:
    on = day(value)
    return Decimal(on.days - calendar.days_from_civil(on.year, 1, 1) + 1)


@builtin(
    "day of week",
    _DATE,
    returns="string",
    group=GROUP,
    summary="The name of the weekday.",
    example='day of week(date(2026, 9, 17)) = "Thursday"',
)
def day_of_week(value: Date | DateTime) -> str:
    return _DAYS[calendar.weekday(day(value).days) - 1]


@builtin(
    "month of year",
    _DATE,
    returns="string",
    group=GROUP,
    summary="The name of the month.",
    example='month of year(date(2026, 9, 17)) = "September"',
)
def month_of_year(value: Date | DateTime) -> str:
    return _MONTHS[day(value).month - 1]


@builtin(
    "week of year",
    _DATE,
    returns="number",
    group=GROUP,
    summary="The number of the week, as ISO 8601 counts them.",
    example="week of year(date(2026, 9, 17)) = 38",
)
def week_of_year(value: Date | DateTime) -> Decimal:
    on = day(value)
    cycle_year = 2000 + on.year % 400  # the calendar, weekdays included, repeats itself every 400 years
    return Decimal(date(cycle_year, on.month, on.day).isocalendar().week)


@builtin(
    "is",
    "value1: any, value2: any",
    returns="boolean",
    group="True and false",
    summary="Whether two values are the same: times and zones must be written the same, not only mean the same instant.",
    example="is(1, 1.0)",
    state=True,
)
def same(state: State, first: Value, second: Value) -> bool:
    if type(first) is not type(second):
        return False
    if isinstance(first, Time | DateTime):
        return bool(first == second)
    return equal(first, second, state.spend) is True
