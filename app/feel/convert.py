"""Between FEEL's values, Python's, and JSON that keeps their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from app.feel import calendar
from app.feel.errors import FeelLimitError, FeelTypeError
from app.feel.frame import MAX_STRING, TOO_LONG
from app.feel.numbers import CONTEXT, NumberError, is_whole
from app.feel.temporal import DAY, Date, DateTime, DayTimeDuration, Time, YearMonthDuration, Zone
from app.feel.temporal_text import iso, parse_date, parse_date_time, parse_duration, parse_time
from app.feel.values import Function, Range, Value, kind

PLAIN = frozenset(
    (type(None), bool, str, Decimal, Date, Time, DateTime, DayTimeDuration, YearMonthDuration, Range, Function)
)
MAX_DEPTH = 100
MAX_ENTRIES = 200_000


class _Size:
    """Bounds the number of entries that one conversion walks over, shared parts counted each time."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_ENTRIES

    def count(self, entries: int, depth: int) -> None:
        self.left -= entries
        if self.left < 0 or depth > MAX_DEPTH:
            raise FeelLimitError("This value has too many entries or is nested too deeply.")


# ------------------------------------------------------------------------------------------------ from Python
def from_python(value: Any) -> Value:
    """The FEEL value of a Python one. Raises FeelTypeError for what has no counterpart, FeelLimitError for what is too large."""
    return _from_python(value, 0, _Size())


def _from_python(value: Any, depth: int, size: _Size) -> Value:
    if type(value) is str:
        return _short(value)
    if type(value) in PLAIN:
        return value if type(value) is not Decimal else _finite(value)
    if isinstance(value, Enum):
        return _from_python(value.value, depth + 1, size)
    if isinstance(value, str):
        return _short(str(value))
    if isinstance(value, int):
        return CONTEXT.create_decimal(value)
    if isinstance(value, float | Decimal):
        return _finite(value)
    if isinstance(value, datetime):
        clock = _time(value, value.tzinfo, value.utcoffset())
        return DateTime(
            Date(value.year, value.month, value.day), clock, value.fold if isinstance(clock.zone, str) else 0
        )
    if isinstance(value, date):
        return Date(value.year, value.month, value.day)
    if isinstance(value, time):
        return _time(value, value.tzinfo, value.utcoffset())
    if isinstance(value, timedelta):
        return DayTimeDuration(value.days * DAY + value.seconds + Decimal(value.microseconds).scaleb(-6))
    if isinstance(value, Mapping):
        size.count(len(value) + 1, depth)
        return {str(key): _from_python(entry, depth + 1, size) for key, entry in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray | memoryview):
        size.count(len(value) + 1, depth)
        return [_from_python(entry, depth + 1, size) for entry in value]
    raise FeelTypeError(f"A value of the type {type(value).__name__} cannot be used in an expression.")


def _short(value: str) -> str:
    if len(value) > MAX_STRING:
        raise FeelLimitError(TOO_LONG)
    return value


def _finite(value: float | Decimal) -> Decimal:
    number = CONTEXT.create_decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite():
        raise FeelTypeError("Only finite numbers can be used in an expression.")
    return number


def _time(value: datetime | time, info: tzinfo | None, offset: timedelta | None) -> Time:
    zone: Zone = None
    if isinstance(info, ZoneInfo) and info.key is not None and info.key not in ("UTC", "Etc/UTC"):
        zone = info.key
    elif offset is not None:
        zone = int(offset.total_seconds())
    return Time(value.hour, value.minute, value.second + Decimal(value.microsecond).scaleb(-6), zone)


# ------------------------------------------------------------------------------------------------ to Python
def to_python(value: Value) -> Any:
    """The ordinary Python value: int or Decimal, date, time, datetime; durations as ISO text; lists and dicts.

    Dates beyond the year 9999 come back as ISO text. Raises FeelTypeError for ranges and functions.
    """
    return _to_python(value, 0, _Size())


def _to_python(value: Value, depth: int, size: _Size) -> Any:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Decimal):
        return int(value) if is_whole(value) and value.adjusted() < 34 else value
    if isinstance(value, list):
        size.count(len(value) + 1, depth)
        return [_to_python(entry, depth + 1, size) for entry in value]
    if isinstance(value, dict):
        size.count(len(value) + 1, depth)
        return {key: _to_python(entry, depth + 1, size) for key, entry in value.items()}
    if isinstance(value, DayTimeDuration | YearMonthDuration):
        return iso(value)
    if isinstance(value, Date):
        return to_date(value) if 1 <= value.year <= 9999 else iso(value)
    if isinstance(value, DateTime):
        return to_datetime(value) if 1 <= value.date.year <= 9999 else iso(value)
    if isinstance(value, Time):
        seconds = int(value.second)
        micro = int((value.second - seconds).scaleb(6))
        return time(value.hour, value.minute, seconds, micro, tzinfo=to_tzinfo(value.zone))
    raise FeelTypeError(f"A {kind(value)} cannot be kept as a variable.")


def to_date(value: Date) -> date:
    """Raises FeelTypeError for years that Python's dates do not reach."""
    if not 1 <= value.year <= 9999:
        raise FeelTypeError("This date lies outside the years 1 to 9999.")
    return date(value.year, value.month, value.day)


def to_datetime(value: DateTime) -> datetime:
    """An aware datetime when the value has a zone or offset, otherwise a naive one."""
    day = to_date(value.date)
    seconds = int(value.time.second)
    micro = int((value.time.second - seconds).scaleb(6))
    return datetime(
        day.year,
        day.month,
        day.day,
        value.time.hour,
        value.time.minute,
        seconds,
        micro,
        tzinfo=to_tzinfo(value.time.zone),
        fold=value.fold,
    )


def to_tzinfo(zone: Zone) -> tzinfo | None:
    if zone is None:
        return None
    if isinstance(zone, str):
        return calendar.zone(zone)
    return UTC if zone == 0 else timezone(timedelta(seconds=zone))


# ------------------------------------------------------------------------------------------------ JSON
_TAG = "$"
_TAGS: dict[type, str] = {Date: "date", Time: "time", DateTime: "dateTime", DayTimeDuration: "duration"}
_TAGS[YearMonthDuration] = "duration"


def to_json(value: Value) -> Any:
    """JSON data from which `from_json` makes the same value again.

    Numbers, dates, times and durations become `{"$": type, "v": text}`; a context whose keys include "$" is wrapped.
    Raises FeelTypeError for functions, which cannot be stored.
    """
    return _to_json(from_python(value), 0, _Size())


def _to_json(value: Value, depth: int, size: _Size) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return {_TAG: "number", "v": str(value)}
    if isinstance(value, list):
        size.count(len(value) + 1, depth)
        return [_to_json(entry, depth + 1, size) for entry in value]
    if isinstance(value, dict):
        size.count(len(value) + 1, depth)
        entries = {key: _to_json(entry, depth + 1, size) for key, entry in value.items()}
        return {_TAG: "context", "v": entries} if _TAG in value else entries
    tag = _TAGS.get(type(value))
    if tag is not None:
        stored = {_TAG: tag, "v": iso(value)}
        return {**stored, "fold": 1} if isinstance(value, DateTime) and value.fold else stored
    if isinstance(value, Range):
        ends = [_to_json(value.start, depth + 1, size), _to_json(value.end, depth + 1, size)]
        flags = [value.start_included, value.end_included, value.unbounded]
        return {_TAG: "range", "v": ends + flags}
    raise FeelTypeError(f"A {kind(value)} cannot be kept as a variable.")


def from_json(data: Any) -> Value:
    """The value that `to_json` wrote. Plain JSON numbers are read too. Raises FeelTypeError for an unknown tag."""
    return _from_json(data, 0, _Size())


def _from_json(data: Any, depth: int, size: _Size) -> Value:
    if isinstance(data, list):
        size.count(len(data) + 1, depth)
        return [_from_json(entry, depth + 1, size) for entry in data]
    if not isinstance(data, dict):
        return from_python(data)
    size.count(len(data) + 1, depth)
    if _TAG not in data:
        return {key: _from_json(entry, depth + 1, size) for key, entry in data.items()}
    tag, content = data[_TAG], data.get("v")
    if tag == "context" and isinstance(content, dict):
        return {key: _from_json(entry, depth + 1, size) for key, entry in content.items()}
    if tag == "range" and isinstance(content, list) and len(content) == 5:
        start, end = (_from_json(entry, depth + 1, size) for entry in content[:2])
        return Range(start, end, bool(content[2]), bool(content[3]), bool(content[4]))
    if isinstance(content, str):
        value = _from_text(tag, content)
        if isinstance(value, DateTime) and data.get("fold") == 1:
            return DateTime(value.date, value.time, 1)
        if value is not None:
            return value
    raise FeelTypeError("This stored value cannot be read.")


def _decimal(text: str) -> Decimal:
    try:
        return CONTEXT.create_decimal(text)
    except NumberError:
        raise FeelTypeError("This stored number cannot be read.") from None


def _from_text(tag: Any, text: str) -> Value:
    if tag == "number":
        return _finite(_decimal(text))
    if tag == "date":
        return parse_date(text)
    if tag == "time":
        return parse_time(text)
    if tag == "dateTime":
        return parse_date_time(text)
    return parse_duration(text) if tag == "duration" else None
