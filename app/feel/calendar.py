"""The proleptic Gregorian calendar for any year, and zone offsets for any instant.

Python's `datetime` stops at the years 1 and 9999; FEEL dates (DMN 1.5, 10.3.2.3.4) do not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MAX_YEAR = 999_999_999
_CYCLE = 400  # the calendar repeats itself every 400 years
_CYCLE_DAYS = 146_097
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    return 29 if month == 2 and is_leap(year) else _MONTH_DAYS[month - 1]


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    year -= month <= 2
    era = year // _CYCLE
    year_of_era = year - era * _CYCLE
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _CYCLE_DAYS + day_of_era - 719_468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Year, month and day of a count of days since 1970-01-01."""
    days += 719_468
    era = days // _CYCLE_DAYS
    day_of_era = days - era * _CYCLE_DAYS
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    return year_of_era + era * _CYCLE + (month <= 2), month, day


def weekday(days: int) -> int:
    """ISO weekday of a count of days since 1970-01-01: Monday is 1."""
    return (days + 3) % 7 + 1


@lru_cache(256)
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is not a time zone") from error


def _supported_year(year: int) -> int:
    """A year that `datetime` knows, with the same calendar and the zone rules of the nearest known era."""
    if year < 400:
        return 400 + year % _CYCLE
    if year > 9000:
        return 8400 + year % _CYCLE
    return year


def offset_at_local(name: str, year: int, month: int, day: int, seconds: int, fold: int = 0) -> int:
    """Seconds east of UTC in the zone when its clocks show that local date and second of the day.

    :param fold: 1 for the second time that they show it, in the hour that is repeated when clocks go back.
    """
    local = datetime(_supported_year(year), month, day) + timedelta(seconds=seconds)
    offset = local.replace(tzinfo=zone(name), fold=fold).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def offset_at_instant(name: str, epoch_seconds: int) -> int:
    """Seconds east of UTC in the zone at that instant."""
    days, seconds = divmod(epoch_seconds, 86_400)
    year, month, day = civil_from_days(days)
    instant = datetime(_supported_year(year), month, day, tzinfo=UTC) + timedelta(seconds=seconds)
    offset = instant.astimezone(zone(name)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def standard_offset(name: str) -> int:
    """Seconds east of UTC in the zone on 1 January 1970: what a time of day without a date is given."""
    offset = _EPOCH.astimezone(zone(name)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
