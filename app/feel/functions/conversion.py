"""Conversions between types (DMN 1.5, table 74)."""

from __future__ import annotations

import re
from decimal import Decimal

from app.feel.errors import FeelSyntaxError
from app.feel.frame import NoValue, State
from app.feel.numbers import number as number_of
from app.feel.numbers import plain
from app.feel.registry import builtin
from app.feel.temporal import Date, DateTime, Duration, Time, YearMonthDuration
from app.feel.temporal_text import iso, parse_date, parse_date_time, parse_duration, parse_time
from app.feel.values import Function, Range, Value

GROUP = "Conversion"
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z", re.A)
_SIMPLE_KEY = re.compile(r"[^\W\d]\w*(?: \w+)*\Z")


def text_of(state: State, value: Value, *, nested: bool = False) -> str:
    """A value as FEEL writes it; a text on its own without quotation marks."""
    state.spend(1)
    if isinstance(value, str):
        return _quoted(value) if nested else value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return f"[{', '.join(text_of(state, entry, nested=True) for entry in value)}]"
    if isinstance(value, dict):
        entries = (f"{_key(key)}: {text_of(state, entry, nested=True)}" for key, entry in value.items())
        return f"{{{', '.join(entries)}}}"
    if isinstance(value, Range):
        ends = f"{text_of(state, value.start, nested=True)}..{text_of(state, value.end, nested=True)}"
        return f"{'[' if value.start_included else '('}{ends}{']' if value.end_included else ')'}"
    if isinstance(value, Function):
        return "function"
    return iso(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _key(name: str) -> str:
    return name if _SIMPLE_KEY.match(name) else _quoted(name)


@builtin(
    "string",
    "from: any",
    returns="string",
    group=GROUP,
    summary="The value as text.",
    example='string(1.10) = "1.1"',
    state=True,
)
def string(state: State, value: Value) -> str:
    if value is None:
        raise NoValue("string(…) of null is null.", fault=False)
    return text_of(state, value)


@builtin(
    "number",
    "from: string, grouping separator?: string, decimal separator?: string",
    "from: number",
    returns="number",
    group=GROUP,
    summary="The number that a text is, with the separators it uses.",
    example='number("1 000,5", " ", ",") = 1000.5',
)
def number(value: str | Decimal, grouping: str | None = None, point: str | None = None) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if grouping not in (None, " ", ",", ".") or point not in (None, ",", ".") or (grouping and grouping == point):
        raise NoValue("number(…): a separator is a space, comma or point, and the two must differ.")
    if grouping:
        value = value.replace(grouping, "")
    if point:
        value = value.replace(point, ".")
    if not _NUMBER.match(value):
        raise NoValue("number(…): the text is not a number.")
    return number_of(value)


@builtin(
    "date",
    "from: string",
    "from: date | date and time",
    "year: number, month: number, day: number",
    returns="date",
    group=GROUP,
    summary="A date from text, from a date and time, or from year, month and day.",
    example='date("2026-03-31") = date(2026, 3, 31)',
)
def date(value: str | Date | DateTime | Decimal, month: Decimal = Decimal(0), day: Decimal = Decimal(0)) -> Date:
    if isinstance(value, Decimal):
        return Date(int(value), int(month), int(day))
    if isinstance(value, DateTime):
        return value.date
    found = parse_date(value) if isinstance(value, str) else value
    if found is None:
        raise NoValue("date(…): the text is not a date such as 2026-03-31.")
    return found


@builtin(
    "time",
    "from: string",
    "from: time | date and time",
    "from: date",
    "hour: number, minute: number, second: number, offset?: days and time duration",
    returns="time",
    group=GROUP,
    summary="A time of day from text, from a date and time, or from hour, minute and second.",
    example='time("14:30:00") = time(14, 30, 0)',
)
def time(value: Value, minute: Decimal = Decimal(0), second: Decimal = Decimal(0), offset: Value = None) -> Time:
    if isinstance(value, Decimal):
        return Time(int(value), int(minute), second, None if offset is None else int(offset.seconds))
    if isinstance(value, DateTime):
        return value.time
    if isinstance(value, Date):
        return Time(0, 0, Decimal(0), 0)
    found = parse_time(value) if isinstance(value, str) else value
    if found is None:
        raise NoValue("time(…): the text is not a time such as 14:30:00.")
    return found


@builtin(
    "date and time",
    "from: string",
    "from: date and time",
    "date: date | date and time, time: time",
    "date: date | date and time, timezone: string",
    "year: number, month: number, day: number, hour: number, minute: number, second: number, "
    "offset?: days and time duration",
    "year: number, month: number, day: number, hour: number, minute: number, second: number, timezone?: string",
    returns="date and time",
    group=GROUP,
    summary="A date and time from text, from a date and a time, or from its parts.",
    example='date and time("2026-03-31T14:30:00") = date and time(date("2026-03-31"), time("14:30:00"))',
)
def date_and_time(*parts: Value) -> DateTime:
    first = parts[0]
    if len(parts) == 1:
        found = parse_date_time(first) if isinstance(first, str) else first
        if found is None:
            raise NoValue("date and time(…): the text is not a date and time such as 2026-03-31T14:30:00.")
        return found
    if len(parts) == 2:
        day = first.date if isinstance(first, DateTime) else first
        if isinstance(parts[1], Time):
            return DateTime(day, parts[1])
        clock = first.time if isinstance(first, DateTime) else Time(0, 0, Decimal(0))
        return DateTime(day, Time(clock.hour, clock.minute, clock.second, parts[1]))
    zone = parts[6] if len(parts) > 6 else None
    if zone is not None and not isinstance(zone, str):
        zone = int(zone.seconds)
    year, month, day_of_month, hour, minute = (int(part) for part in parts[:5])
    return DateTime(Date(year, month, day_of_month), Time(hour, minute, parts[5], zone))


@builtin(
    "duration",
    "from: string",
    returns="duration",
    group=GROUP,
    summary="A duration from text: P5D is five days, PT4H four hours, P1M a month.",
    example='duration("P5D") = @"P5D"',
)
def duration(text: str) -> Duration:
    found = parse_duration(text)
    if found is None:
        raise NoValue("duration(…): the text is not a duration such as P5D or PT4H.")
    return found


@builtin(
    "years and months duration",
    "from: date | date and time, to: date | date and time",
    returns="duration",
    group=GROUP,
    summary="The whole months between two dates.",
    example='years and months duration(date("2025-12-22"), date("2027-03-01")) = duration("P1Y2M")',
)
def years_and_months(start: Date | DateTime, end: Date | DateTime) -> YearMonthDuration:
    first = start.date if isinstance(start, DateTime) else start
    last = end.date if isinstance(end, DateTime) else end
    months = (last.year - first.year) * 12 + last.month - first.month
    if months > 0 and last.day < first.day:
        months -= 1
    elif months < 0 and last.day > first.day:
        months += 1
    return YearMonthDuration(months)


@builtin(
    "range",
    "from: string",
    returns="range",
    group=GROUP,
    summary="A range from text.",
    example='range("[18..21)") = [18..21)',
)
def range_of(text: str) -> Range:
    from app.feel.range_text import parse_range  # the parser needs the registry's names first

    try:
        return parse_range(text)
    except FeelSyntaxError:
        raise NoValue("range(…): the text is not a range such as [18..21).") from None
