"""Functions that look at the calendar, the clock and the case: Convenor's own, and now() and today()."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.feel import holidays
from app.feel.arithmetic import shift
from app.feel.convert import from_python, to_date
from app.feel.errors import FeelTypeError
from app.feel.frame import NoValue, State
from app.feel.registry import builtin
from app.feel.temporal import Date, DateTime, DayTimeDuration
from app.feel.values import Value

GROUP = "Working days, the clock and the case"
LONDON = ZoneInfo("Europe/London")
_DATE = "date: date | date and time"
_DAY = 86_400


def _day(value: Date | DateTime) -> Date:
    """The London day of a date and time with a zone; otherwise the day as written."""
    if isinstance(value, Date):
        return value
    if value.time.zone is None:
        return value.date
    return DateTime.from_epoch(value.epoch, "Europe/London").date


def _as_in_london(instant: datetime) -> Value:
    """With the offset of London's clocks: its day is London's, and at half past midnight in summer not the one before."""
    there = instant.astimezone(LONDON)
    offset = there.utcoffset()
    return from_python(there.replace(tzinfo=None if offset is None else timezone(offset), fold=0))


def _moved(state: State, value: Date | DateTime, count: int) -> Date | DateTime:
    start = _day(value)
    try:
        moved = from_python(holidays.add_working_days(to_date(start), count, state.env.is_holiday))
    except FeelTypeError as error:
        raise NoValue(error.message) from None
    if isinstance(value, Date):
        return Date(moved.year, moved.month, moved.day)
    local = value if value.time.zone is None else DateTime.from_epoch(value.epoch, "Europe/London")
    return DateTime(Date(moved.year, moved.month, moved.day), local.time)


@builtin(
    "add days",
    f"{_DATE}, days: number | days and time duration",
    returns="any",
    group=GROUP,
    summary="The date so many days later (earlier when negative). A date and time keeps its time of day in London, also "
    "where the clocks change in between; hours and minutes beside the days are added as they pass. A date stays a date.",
    example='add days(date("2026-03-31"), duration("-P8D")) = date("2026-03-23")',
)
def add_days(value: Date | DateTime, span: Decimal | DayTimeDuration) -> Date | DateTime:
    seconds = span.seconds if isinstance(span, DayTimeDuration) else int(span) * _DAY
    days = int(seconds / _DAY)
    start = _day(value)
    try:
        moved = Date.from_days(start.days + days)
        if isinstance(value, Date):
            return moved
        local = value if value.time.zone is None else DateTime.from_epoch(value.epoch, "Europe/London")
        there, rest = DateTime(moved, local.time), Decimal(seconds) - days * _DAY
        return shift(there, DayTimeDuration(rest), 1) if rest else there
    except (FeelTypeError, ValueError) as error:
        raise NoValue(str(error)) from None


@builtin(
    "add working days",
    f"{_DATE}, days: number",
    returns="any",
    group=GROUP,
    summary="The date so many working days later (earlier when negative). The date itself is day 0. Working days skip "
    "weekends and bank holidays of England and Wales. A date and time keeps its time of day in London.",
    example='add working days(date("2026-12-24"), 2) = date("2026-12-30")',
    state=True,
)
def add_working_days(state: State, value: Date | DateTime, days: Decimal) -> Date | DateTime:
    state.spend(abs(int(days)) // 10)
    return _moved(state, value, int(days))


@builtin(
    "next working day",
    _DATE,
    returns="any",
    group=GROUP,
    summary="The first working day after the date.",
    example='next working day(date("2026-12-24")) = date("2026-12-29")',
    state=True,
)
def next_working_day(state: State, value: Date | DateTime) -> Date | DateTime:
    return _moved(state, value, 1)


@builtin(
    "working days between",
    "from: date | date and time, to: date | date and time",
    returns="number",
    group=GROUP,
    summary="The working days after the first date up to and including the second; negative when the second is earlier.",
    example='working days between(date("2026-12-24"), date("2026-12-30")) = 2',
    state=True,
)
def working_days_between(state: State, start: Date | DateTime, end: Date | DateTime) -> Decimal:
    first, last = _day(start), _day(end)
    state.spend(abs(last.days - first.days) // 10)
    try:
        return Decimal(holidays.working_days_between(to_date(first), to_date(last), state.env.is_holiday))
    except FeelTypeError as error:
        raise NoValue(error.message) from None


@builtin(
    "is working day",
    _DATE,
    returns="boolean",
    group=GROUP,
    summary="Whether the date is neither at a weekend nor a bank holiday of England and Wales.",
    example='is working day(date("2026-12-25")) = false',
    state=True,
)
def is_working_day(state: State, value: Date | DateTime) -> bool:
    try:
        return holidays.is_working_day(to_date(_day(value)), state.env.is_holiday)
    except FeelTypeError as error:
        raise NoValue(error.message) from None


@builtin(
    "now",
    returns="date and time",
    group=GROUP,
    summary="The date and time in London at which the expression is evaluated.",
    example='now() > date and time("2020-01-01T00:00:00Z")',
    state=True,
)
def now(state: State) -> Value:
    return _as_in_london(state.env.now())


@builtin(
    "today",
    returns="date",
    group=GROUP,
    summary="The date in London on which the expression is evaluated.",
    example='today() > date("2020-01-01")',
    state=True,
)
def today(state: State) -> Value:
    return from_python(state.env.now().astimezone(LONDON).date())


@builtin(
    "deadline",
    "name: string",
    returns="date and time",
    group=GROUP,
    summary="The case's deadline of that name, in London's time; null when the case has none.",
    example='deadline("researchDue") = null',
    state=True,
)
def deadline(state: State, name: str) -> Value:
    found = state.env.deadline(name)
    if found is None:
        raise NoValue(f"The case has no deadline “{name}”.", fault=False)
    return _as_in_london(found)
