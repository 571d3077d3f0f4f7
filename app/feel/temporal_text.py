"""Dates, times and durations as text: ISO 8601 as XML Schema has it, with zone names after an at sign."""

from __future__ import annotations

import re
from decimal import Decimal

from app.feel.numbers import floor_divide
from app.feel.temporal import DAY, Date, DateTime, DayTimeDuration, Duration, Temporal, Time, YearMonthDuration, Zone

_DATE = re.compile(r"(-?(?:[1-9]\d{4,8}|\d{4}))-(\d\d)-(\d\d)\Z", re.A)
_TIME = re.compile(
    r"(\d\d):(\d\d):(\d\d(?:\.\d{1,30})?)"
    r"(Z|z|[+-]\d\d:\d\d(?::\d\d)?|@[A-Za-z_]+(?:[/+\-][A-Za-z0-9_+\-]+)*)?\Z",
    re.A,
)
_DURATION = re.compile(
    r"(-)?P(?=[\dT])(?:(\d{1,12})Y)?(?:(\d{1,12})M)?(?:(\d{1,18})D)?"
    r"(?:T(?=\d)(?:(\d{1,18})H)?(?:(\d{1,18})M)?(?:(\d{1,18}(?:\.\d{0,30})?)S)?)?\Z",
    re.A,
)


def parse_date(text: str) -> Date | None:
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        return Date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _parse_zone(text: str | None) -> Zone:
    if text is None:
        return None
    if text in ("Z", "z"):
        return 0
    if text[0] == "@":
        return text[1:]
    parts = [int(part) for part in text[1:].split(":")]
    if any(part > 59 for part in parts[1:]):
        raise ValueError("not an offset")
    seconds = parts[0] * 3600 + parts[1] * 60 + (parts[2] if len(parts) > 2 else 0)
    return -seconds if text[0] == "-" else seconds


def parse_time(text: str) -> Time | None:
    match = _TIME.match(text)
    if match is None:
        return None
    try:
        return Time(int(match[1]), int(match[2]), Decimal(match[3]), _parse_zone(match[4]))
    except ValueError:
        return None


def parse_date_time(text: str) -> DateTime | None:
    """A date and time; a date alone is local midnight."""
    day, separator, clock = text.partition("T")
    date = parse_date(day)
    if date is None:
        return None
    if clock.startswith("24:00:00"):  # ISO 8601: the end of that day
        time = parse_time("00" + clock[2:])
        return None if time is None or time.second else DateTime(Date.from_days(date.days + 1), time)
    time = parse_time(clock) if separator else Time(0, 0, Decimal(0))
    return None if time is None else DateTime(date, time)


def parse_duration(text: str) -> Duration | None:
    match = _DURATION.match(text)
    if match is None:
        return None
    sign = -1 if match[1] else 1
    years, months, *rest = match.groups()[1:]
    try:
        if years or months:
            if any(rest):
                return None
            return YearMonthDuration(sign * (int(years or 0) * 12 + int(months or 0)))
        days, hours, minutes, seconds = (Decimal(part or 0) for part in rest)
        return DayTimeDuration(sign * (days * DAY + hours * 3600 + minutes * 60 + seconds))
    except ValueError:
        return None


def parse_at_literal(text: str) -> Temporal | None:
    """What `@"…"` means: whichever of duration, time, date, date and time the text is (DMN 1.5, 10.3.2.3)."""
    return parse_duration(text) or parse_time(text) or parse_date(text) or parse_date_time(text)


def _two_digits(seconds: Decimal) -> str:
    whole = int(seconds)
    fraction = seconds - whole
    return f"{whole:02d}{format(fraction.normalize(), 'f')[1:] if fraction else ''}"


def _zone_text(zone: Zone) -> str:
    if zone is None:
        return ""
    if isinstance(zone, str):
        return "@" + zone
    if zone == 0:
        return "Z"
    minutes, seconds = divmod(abs(zone), 60)
    tail = f":{seconds:02d}" if seconds else ""
    return f"{'-' if zone < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}{tail}"


def _duration_text(seconds: Decimal) -> str:
    days, rest = floor_divide(abs(seconds), DAY)
    hours, rest = floor_divide(rest, Decimal(3600))
    minutes, rest = floor_divide(rest, Decimal(60))
    clock = (f"{int(hours)}H" if hours else "") + (f"{int(minutes)}M" if minutes else "")
    if rest:
        clock += f"{format(rest.normalize(), 'f')}S"
    text = (f"{int(days)}D" if days else "") + (f"T{clock}" if clock else "")
    return f"{'-' if seconds < 0 else ''}P{text or 'T0S'}"


def iso(value: Temporal) -> str:
    """ISO 8601 text that parses back to the same value."""
    if isinstance(value, Date):
        return f"{'-' if value.year < 0 else ''}{abs(value.year):04d}-{value.month:02d}-{value.day:02d}"
    if isinstance(value, Time):
        return f"{value.hour:02d}:{value.minute:02d}:{_two_digits(value.second)}{_zone_text(value.zone)}"
    if isinstance(value, DateTime):
        return f"{iso(value.date)}T{iso(value.time)}"
    if isinstance(value, DayTimeDuration):
        return _duration_text(value.seconds)
    years, months = divmod(abs(value.months), 12)
    text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
    return f"{'-' if value.months < 0 else ''}P{text}"
