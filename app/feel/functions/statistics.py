"""Functions that make one value of a list (DMN 1.5, table 76). Each takes a list, or its values as arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from app.feel.arithmetic import add, divide
from app.feel.frame import NoValue
from app.feel.numbers import CONTEXT, ONE
from app.feel.registry import builtin
from app.feel.values import Value, compare, order_key

GROUP = "Sums and statistics"
Implementation = Callable[[list[Value]], Value]


def _of_list(name: str, returns: str, summary: str, example: str, *, empty: bool = False) -> Callable[[Any], Any]:
    """Registers a function of a list. Unless `empty`, an empty list has no result."""

    def register(implementation: Implementation) -> Implementation:
        def guarded(values: list[Value]) -> Value:
            if not values and not empty:
                raise NoValue(f"{name}(…) of an empty list has no result.", fault=False)
            return implementation(values)

        builtin(name, "list: list", variadic=True, returns=returns, group=GROUP, summary=summary, example=example)(
            guarded
        )
        return implementation

    return register


def _numbers(values: list[Value]) -> list[Decimal]:
    if any(type(value) is not Decimal for value in values):
        raise NoValue("Every entry must be a number.")
    return values


def extreme(values: list[Value], sign: int) -> Value:
    """The greatest (sign 1) or least (sign -1) of values of one ordered type."""
    best = values[0]
    if order_key(best) is None:
        raise NoValue("These values have no order.")
    for value in values[1:]:
        order = compare(value, best)
        if order is None:
            raise NoValue("These values cannot be compared with each other.")
        if order * sign > 0:
            best = value
    return best


@_of_list("min", "any", "The least.", "min([1, 2, 3]) = 1")
def minimum(values: list[Value]) -> Value:
    return extreme(values, -1)


@_of_list("max", "any", "The greatest.", "max(1, 2, 3) = 3")
def maximum(values: list[Value]) -> Value:
    return extreme(values, 1)


@_of_list("sum", "any", "The sum of numbers or durations.", "sum([1, 2, 3]) = 6")
def total(values: list[Value]) -> Value:
    result = values[0]
    if order_key(result) is None or isinstance(result, str):
        raise NoValue("Every entry must be a number or a duration.")
    for value in values[1:]:
        result = None if isinstance(value, str) else add(result, value)
        if result is None:
            raise NoValue("Every entry must be a number or a duration.")
    return result


@_of_list("mean", "any", "The average.", "mean([1, 2, 3]) = 2")
def mean(values: list[Value]) -> Value:
    return divide(total(values), Decimal(len(values)))


@_of_list("product", "number", "The numbers multiplied.", "product([2, 3, 4]) = 24", empty=True)
def product(values: list[Value]) -> Decimal:
    if not values:
        raise NoValue("product(…) of an empty list has no result.")  # a mistake, says the conformance kit
    result = ONE
    for value in _numbers(values):
        result = CONTEXT.multiply(result, value)
    return result


@_of_list("median", "number", "The middle value.", "median([8, 2, 5, 3, 4]) = 4")
def median(values: list[Value]) -> Decimal:
    ordered = sorted(_numbers(values))
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return CONTEXT.divide(CONTEXT.add(ordered[middle - 1], ordered[middle]), Decimal(2))


@_of_list(
    "stddev",
    "number",
    "The standard deviation of a sample.",
    "stddev([2, 4, 7, 5]) = 2.081665999466132735282297706979931",
)
def deviation(values: list[Value]) -> Decimal:
    numbers = _numbers(values)
    if len(numbers) < 2:
        raise NoValue("stddev(…) needs at least two numbers.")
    average = CONTEXT.divide(total(values), Decimal(len(numbers)))
    squares = Decimal(0)
    for number in numbers:
        difference = CONTEXT.subtract(number, average)
        squares = CONTEXT.add(squares, CONTEXT.multiply(difference, difference))
    return CONTEXT.sqrt(CONTEXT.divide(squares, Decimal(len(numbers) - 1)))


@_of_list("mode", "list", "The most frequent numbers, in order.", "mode([6, 3, 9, 6, 6]) = [6]", empty=True)
def mode(values: list[Value]) -> list[Value]:
    times = Counter(_numbers(values))
    most = max(times.values(), default=0)
    return sorted(number for number, found in times.items() if found == most)


@_of_list("all", "boolean", "Whether every entry is true.", "all([true, false]) = false", empty=True)
def every(values: list[Value]) -> bool:
    if any(value is False for value in values):
        return False
    if any(value is not True for value in values):
        raise NoValue("all(…): every entry must be true or false.")
    return True


@_of_list("any", "boolean", "Whether at least one entry is true.", "any([false, true])", empty=True)
def some(values: list[Value]) -> bool:
    if any(value is True for value in values):
        return True
    if any(value is not False for value in values):
        raise NoValue("any(…): every entry must be true or false.")
    return False
