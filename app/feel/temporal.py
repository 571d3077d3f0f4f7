"""FEEL's dates, times and durations (DMN 1.5, 10.3.2.3.4 to 10.3.2.3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.feel import calendar
from app.feel.numbers import CONTEXT, ZERO, floor_divide

DAY = Decimal(86_400)
MAX_OFFSET = 18 * 3600
MAX_SECONDS = Decimal(10) ** 24
MAX_MONTHS = 10**18
Zone = int | str | None  # seconds east of UTC, an IANA name, or local time


@dataclass(frozen=True, slots=True)
class Date:
    year: int
    month: int
    day: int

    def __post_init__(self) -> None:
        if abs(self.year) > calendar.MAX_YEAR or not 1 <= self.month <= 12:
            raise ValueError("not a date")
        if not 1 <= self.day <= calendar.days_in_month(self.year, self.month):
            raise ValueError("not a date")

    @property
    def days(self) -> int:
        """Days since 1970-01-01."""
        return calendar.days_from_civil(self.year, self.month, self.day)

    @staticmethod
    def from_days(days: int) -> Date:
        return Date(*calendar.civil_from_days(days))

    def plus_months(self, months: int) -> Date:
        """The same day some months on, clipped to the last day of its month."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Date(year, month + 1, min(self.day, calendar.days_in_month(year, month + 1)))


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day. `second` may have a fraction; `zone` is an offset in seconds, a zone's name, or None."""

    hour: int
    minute: int
    second: Decimal
    zone: Zone = None

    def __post_init__(self) -> None:
        if not (0 <= self.hour <= 23 and 0 <= self.minute <= 59 and 0 <= self.second < 60):
            raise ValueError("not a time")
        if isinstance(self.zone, str):
            calendar.zone(self.zone)
        elif self.zone is not None and abs(self.zone) > MAX_OFFSET:
            raise ValueError("not an offset")

    @property
    def seconds(self) -> Decimal:
        """Seconds since local midnight."""
        return self.hour * 3600 + self.minute * 60 + self.second

    @property
    def offset(self) -> int | None:
        """Seconds east of UTC; a named zone counts as on 1 January 1970."""
        return calendar.standard_offset(self.zone) if isinstance(self.zone, str) else self.zone

    @property
    def order(self) -> Decimal:
        """What times are compared by: seconds since midnight UTC, local time counting as UTC."""
        return self.seconds - (self.offset or 0)

    @staticmethod
    def from_seconds(seconds: Decimal, zone: Zone = None) -> Time:
        whole = int(seconds)
        return Time(whole // 3600, whole % 3600 // 60, seconds - whole // 60 * 60, zone)


@dataclass(frozen=True, slots=True)
class DateTime:
    """A date and time. `fold` is 1 for the second of two equal clock readings, when clocks go back in a named zone."""

    date: Date
    time: Time
    fold: int = 0

    @property
    def offset(self) -> int | None:
        """Seconds east of UTC, or None for local time."""
        zone = self.time.zone
        if isinstance(zone, str):
            day = self.date
            return calendar.offset_at_local(zone, day.year, day.month, day.day, int(self.time.seconds), self.fold)
        return zone

    @property
    def epoch(self) -> Decimal:
        """Seconds since 1970-01-01T00:00:00Z, local time counting as UTC."""
        return self.date.days * DAY + self.time.seconds - (self.offset or 0)

    @staticmethod
    def from_epoch(seconds: Decimal, zone: Zone = None) -> DateTime:
        if isinstance(zone, str):
            offset = calendar.offset_at_instant(zone, int(floor_divide(seconds, Decimal(1))[0]))
        else:
            offset = zone or 0
        days, rest = floor_divide(CONTEXT.add(seconds, offset), DAY)
        moment = DateTime(Date.from_days(int(days)), Time.from_seconds(rest, zone))
        if isinstance(zone, str) and moment.offset != offset:
            return DateTime(moment.date, moment.time, 1)
        return moment

    @staticmethod
    def at_midnight(date: Date) -> DateTime:
        """A date read as a date and time: midnight UTC (DMN 1.5, 10.3.2.3.6)."""
        return DateTime(date, Time(0, 0, ZERO, 0))


@dataclass(frozen=True, slots=True)
class DayTimeDuration:
    """A span of exact length, in seconds."""

    seconds: Decimal

    def __post_init__(self) -> None:
        if abs(self.seconds) > MAX_SECONDS:
            raise ValueError("not a duration")


@dataclass(frozen=True, slots=True)
class YearMonthDuration:
    """A span of calendar months."""

    months: int

    def __post_init__(self) -> None:
        if abs(self.months) > MAX_MONTHS:
            raise ValueError("not a duration")


Temporal = Date | Time | DateTime | DayTimeDuration | YearMonthDuration
Duration = DayTimeDuration | YearMonthDuration
