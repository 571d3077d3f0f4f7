"""What follows a dot: a context's entries, and the parts of dates, times, durations and ranges (DMN 1.5, table 64)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from app.feel.calendar import weekday
from app.feel.frame import MISSING
from app.feel.numbers import floor_divide
from app.feel.temporal import DAY, Date, DateTime, DayTimeDuration, Time, YearMonthDuration
from app.feel.values import Range, Spend, Value


def _offset(seconds: int | None) -> DayTimeDuration | None:
    return None if seconds is None else DayTimeDuration(Decimal(seconds))


def _part(value: DayTimeDuration, unit: int, modulus: int | None) -> Decimal:
    """Whole units of a duration, with its sign."""
    whole = floor_divide(abs(value.seconds), Decimal(unit))[0]
    if modulus is not None:
        whole = whole % modulus
    return -whole if value.seconds < 0 and whole else whole


def _seconds_part(value: DayTimeDuration) -> Decimal:
    rest = floor_divide(abs(value.seconds), Decimal(60))[1]
    return -rest if value.seconds < 0 and rest else rest


def _months_part(value: YearMonthDuration, whole_years: bool) -> Decimal:
    years, months = divmod(abs(value.months), 12)
    part = years if whole_years else months
    return Decimal(-part if value.months < 0 else part)


_DATE: dict[str, Callable[[Date], Value]] = {
    "year": lambda v: Decimal(v.year),
    "month": lambda v: Decimal(v.month),
    "day": lambda v: Decimal(v.day),
    "weekday": lambda v: Decimal(weekday(v.days)),
}
_TIME: dict[str, Callable[[Time], Value]] = {
    "hour": lambda v: Decimal(v.hour),
    "minute": lambda v: Decimal(v.minute),
    "second": lambda v: Decimal(int(v.second)),
    "time offset": lambda v: _offset(v.offset),
    "timezone": lambda v: v.zone if isinstance(v.zone, str) else None,
}


def _of_date(name: str) -> Callable[[DateTime], Value]:
    return lambda v: _DATE[name](v.date)


def _of_time(name: str) -> Callable[[DateTime], Value]:
    return lambda v: _TIME[name](v.time)


PROPERTIES: dict[type, dict[str, Callable[..., Value]]] = {
    Date: _DATE,
    Time: _TIME,
    DateTime: {
        **{name: _of_date(name) for name in _DATE},
        **{name: _of_time(name) for name in _TIME},
        "time offset": lambda v: _offset(v.offset),
    },
    DayTimeDuration: {
        "days": lambda v: _part(v, int(DAY), None),
        "hours": lambda v: _part(v, 3600, 24),
        "minutes": lambda v: _part(v, 60, 60),
        "seconds": _seconds_part,
    },
    YearMonthDuration: {
        "years": lambda v: _months_part(v, True),
        "months": lambda v: _months_part(v, False),
    },
    Range: {
        "start": lambda v: v.start,
        "end": lambda v: v.end,
        "start included": lambda v: v.start_included,
        "end included": lambda v: v.end_included,
    },
}


def read(value: Value, name: str, spend: Spend) -> Value:
    """The property of that name, or MISSING. On a list: the list of the entries' properties."""
    kind_of = type(value)
    if kind_of is dict:
        return value.get(name, MISSING)
    if kind_of is list:
        spend(len(value))
        found = [read(entry, name, spend) for entry in value]
        return [None if entry is MISSING else entry for entry in found]
    reader = PROPERTIES.get(kind_of, {}).get(name)
    return MISSING if reader is None else reader(value)
