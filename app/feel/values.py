"""FEEL's values: their kinds, equality and order (DMN 1.5, 10.3.2.2 and 10.3.2.13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from app.feel.numbers import floor_divide
from app.feel.temporal import Date, DateTime, DayTimeDuration, Time, YearMonthDuration

# A list holds values and a context maps names to values. The recursion is left out of the alias because lists are
# invariant: with it, every list comprehension in the function library would need a cast and prove nothing.
Value: TypeAlias = Any
Spend: TypeAlias = Callable[[int], None]

_MILLISECOND = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Range:
    """An interval. Only one written as a comparison, such as `(< 10)`, has an infinite end, which is None."""

    start: Value
    end: Value
    start_included: bool
    end_included: bool
    unbounded: bool = False


class Function:
    """A function as a value: one written in an expression, a knowledge model, or a built-in.

    :param types: the names of the parameters' types, None for those that are not declared.
    """

    __slots__ = ("call", "name", "parameters", "types")

    def __init__(
        self,
        parameters: tuple[str, ...],
        call: Callable[..., Value],
        name: str = "",
        types: tuple[str | None, ...] = (),
    ) -> None:
        self.parameters = parameters
        self.call = call
        self.name = name
        self.types = types or (None,) * len(parameters)

    def takes(self, wanted: tuple[str | None, ...]) -> bool:
        """Whether it can be called with arguments of these types; None and "Any" stand for a type not told."""
        return len(wanted) == len(self.parameters) and all(
            own in (None, "Any") or expected in (None, own) for own, expected in zip(self.types, wanted, strict=True)
        )

    def __repr__(self) -> str:
        return f"function({', '.join(self.parameters)})"


KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    Decimal: "number",
    str: "string",
    list: "list",
    dict: "context",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    DayTimeDuration: "days and time duration",
    YearMonthDuration: "years and months duration",
    Range: "range",
    Function: "function",
}


def kind(value: Value) -> str:
    """The name of the value's type in FEEL: "number", "string", "date and time", …; "null" for none."""
    return KINDS.get(type(value)) or ("function" if isinstance(value, Function) else "unknown")


def to_millisecond(seconds: Decimal) -> Decimal:
    """Clock readings are compared to the millisecond; finer fractions do not tell two of them apart."""
    return seconds if seconds == int(seconds) else floor_divide(seconds, _MILLISECOND)[0] * _MILLISECOND


def _not_counted(_: int) -> None:
    """For comparisons outside an evaluation, of values that were bounded when they came in."""


def equal(left: Value, right: Value, spend: Spend = _not_counted) -> bool | None:
    """FEEL's `=`: None when the two are of different kinds and neither is null.

    :param spend: is told how many entries are compared, so that an evaluation can stop at its budget.
    """
    kind_of_left = type(left)
    if kind_of_left is not type(right):
        if left is None or right is None:
            return False
        return None
    if kind_of_left is list:
        spend(len(left))
        return len(left) == len(right) and all(equal(x, y, spend) is True for x, y in zip(left, right, strict=True))
    if kind_of_left is dict:
        spend(len(left))
        return left.keys() == right.keys() and all(equal(left[key], right[key], spend) is True for key in left)
    if kind_of_left is DateTime:
        if (left.time.zone is None) != (right.time.zone is None):
            return False
        return to_millisecond(left.epoch) == to_millisecond(right.epoch)
    if kind_of_left is Time:
        if (left.zone is None) != (right.zone is None):
            return False
        return to_millisecond(left.order) == to_millisecond(right.order)
    if kind_of_left is Range:
        return (
            left.unbounded == right.unbounded
            and left.start_included == right.start_included
            and left.end_included == right.end_included
            and equal(left.start, right.start, spend) is True
            and equal(left.end, right.end, spend) is True
        )
    return bool(left == right)


def order_key(value: Value) -> Any:
    """What values of one kind are ordered by, or None for kinds without an order."""
    kind_of = type(value)
    if kind_of is Decimal or kind_of is str:
        return value
    if kind_of is Date:
        return value.days
    if kind_of is DateTime:
        return to_millisecond(value.epoch)
    if kind_of is Time:
        return to_millisecond(value.order)
    if kind_of is DayTimeDuration:
        return value.seconds
    if kind_of is YearMonthDuration:
        return value.months
    return None


def compare(left: Value, right: Value) -> int | None:
    """Negative, zero or positive as left is less than, equal to or greater than right; None when not comparable."""
    if type(left) is not type(right):
        return None
    first, second = order_key(left), order_key(right)
    if first is None:
        return None
    return int(first > second) - int(first < second)


def is_in_range(value: Value, interval: Range) -> bool | None:
    """Whether the value lies in the interval; None when it cannot be compared with an end."""
    if not interval.unbounded and (interval.start is None or interval.end is None):
        return None
    above: bool | None = True
    below: bool | None = True
    if interval.start is not None:
        order = compare(value, interval.start)
        above = None if order is None else order > 0 or (order == 0 and interval.start_included)
    if interval.end is not None:
        order = compare(value, interval.end)
        below = None if order is None else order < 0 or (order == 0 and interval.end_included)
    if above is None or below is None:
        return None
    return above and below


def matches(value: Value, test: Value, spend: Spend = _not_counted) -> bool | None:
    """A value against what a unary test evaluated to: a range, a list of either, or a value to equal."""
    if type(test) is Range and type(value) is not Range:
        return is_in_range(value, test)
    if type(test) is list:
        spend(len(test))
        if type(value) is list and equal(value, test, spend) is True:
            return True
        return any((is_in_range(value, t) if type(t) is Range else equal(value, t, spend)) is True for t in test)
    return equal(value, test, spend)
