"""FEEL's + - * / ** and unary minus (DMN 1.5, 10.3.2.13.5 and tables 55 to 59). None means: not defined for these."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from app.feel.numbers import CONTEXT, NumberError, floor_divide
from app.feel.temporal import DAY, Date, DateTime, DayTimeDuration, Time, YearMonthDuration
from app.feel.values import Value

_MAX_EXPONENT = 100_000


def _seconds(value: Decimal) -> DayTimeDuration:
    return DayTimeDuration(value)


def add(left: Value, right: Value) -> Value:
    kind_of_left, kind_of_right = type(left), type(right)
    if kind_of_left is kind_of_right:
        if kind_of_left is Decimal:
            return CONTEXT.add(left, right)
        if kind_of_left is str:
            return left + right
        if kind_of_left is DayTimeDuration:
            return _seconds(CONTEXT.add(left.seconds, right.seconds))
        if kind_of_left is YearMonthDuration:
            return YearMonthDuration(left.months + right.months)
        return None
    if kind_of_right in (DayTimeDuration, YearMonthDuration):
        return shift(left, right, 1)
    if kind_of_left in (DayTimeDuration, YearMonthDuration):
        return shift(right, left, 1)
    return None


def subtract(left: Value, right: Value) -> Value:
    kind_of_left, kind_of_right = type(left), type(right)
    if kind_of_left is kind_of_right:
        if kind_of_left is Decimal:
            return CONTEXT.subtract(left, right)
        if kind_of_left is DayTimeDuration:
            return _seconds(CONTEXT.subtract(left.seconds, right.seconds))
        if kind_of_left is YearMonthDuration:
            return YearMonthDuration(left.months - right.months)
        if kind_of_left is Time:
            if (left.zone is None) != (right.zone is None):
                return None
            return _seconds(left.order - right.order)
        if kind_of_left is Date:
            return _seconds((left.days - right.days) * DAY)
    if kind_of_left in (Date, DateTime) and kind_of_right in (Date, DateTime):
        first = DateTime.at_midnight(left) if isinstance(left, Date) else left
        second = DateTime.at_midnight(right) if isinstance(right, Date) else right
        if (first.time.zone is None) != (second.time.zone is None):
            return None
        return _seconds(first.epoch - second.epoch)
    if kind_of_right in (DayTimeDuration, YearMonthDuration):
        return shift(left, right, -1)
    return None


def shift(value: Value, duration: DayTimeDuration | YearMonthDuration, sign: int) -> Value:
    """A date, time, or date and time moved by a duration."""
    if isinstance(duration, YearMonthDuration):
        if isinstance(value, Date):
            return value.plus_months(sign * duration.months)
        if isinstance(value, DateTime):
            return DateTime(value.date.plus_months(sign * duration.months), value.time)
        return None
    seconds = sign * duration.seconds
    if isinstance(value, Date):
        return Date.from_days(int(floor_divide(value.days * DAY + seconds, DAY)[0]))
    if isinstance(value, DateTime):
        return DateTime.from_epoch(value.epoch + seconds, value.time.zone)
    if isinstance(value, Time):
        return Time.from_seconds(floor_divide(value.seconds + seconds, DAY)[1], value.zone)
    return None


def multiply(left: Value, right: Value) -> Value:
    if type(right) is not Decimal:
        left, right = right, left
    if type(right) is not Decimal:
        return None
    if type(left) is Decimal:
        return CONTEXT.multiply(left, right)
    if type(left) is DayTimeDuration:
        return _seconds(CONTEXT.multiply(left.seconds, right))
    if type(left) is YearMonthDuration:
        return YearMonthDuration(int(CONTEXT.multiply(Decimal(left.months), right)))
    return None


def divide(left: Value, right: Value) -> Value:
    kind_of_left, kind_of_right = type(left), type(right)
    if kind_of_right is Decimal:
        if not right:
            return None
        if kind_of_left is Decimal:
            return CONTEXT.divide(left, right)
        if kind_of_left is DayTimeDuration:
            return _seconds(CONTEXT.divide(left.seconds, right))
        if kind_of_left is YearMonthDuration:
            return YearMonthDuration(int(CONTEXT.divide(Decimal(left.months), right)))
        return None
    if kind_of_left is kind_of_right is DayTimeDuration:
        return CONTEXT.divide(left.seconds, right.seconds) if right.seconds else None
    if kind_of_left is kind_of_right is YearMonthDuration:
        return CONTEXT.divide(Decimal(left.months), Decimal(right.months)) if right.months else None
    return None


def power(left: Value, right: Value) -> Value:
    if type(left) is not Decimal or type(right) is not Decimal or abs(right) > _MAX_EXPONENT:
        return None
    return CONTEXT.power(left, right)


def negate(value: Value) -> Value:
    if type(value) is Decimal:
        return CONTEXT.minus(value)
    if type(value) is DayTimeDuration:
        return _seconds(-value.seconds)
    if type(value) is YearMonthDuration:
        return YearMonthDuration(-value.months)
    return None


OPERATIONS: dict[str, Callable[[Value, Value], Value]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "**": power,
}
FAILURES = (NumberError, ValueError, OverflowError)
