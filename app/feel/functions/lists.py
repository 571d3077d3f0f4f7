"""Functions on lists (DMN 1.5, table 76). Positions count from 1; negative ones from the end."""

from __future__ import annotations

import functools
from decimal import Decimal

from app.feel.frame import NoValue, State
from app.feel.registry import builtin
from app.feel.values import Function, Value, equal, order_key

GROUP = "Lists"


def _index(values: list[Value], position: Decimal) -> int:
    """The Python index of a position. Raises NoValue when the list has no such entry."""
    place = int(position)
    if place == 0 or abs(place) > len(values):
        raise NoValue(f"The list has {len(values)} entries, so there is no position {place}.")
    return place - 1 if place > 0 else len(values) + place


@builtin(
    "list contains",
    "list: list, element: any",
    returns="boolean",
    group=GROUP,
    summary="Whether an entry equals the value.",
    example="list contains([1, 2, 3], 2)",
    state=True,
)
def list_contains(state: State, values: list[Value], element: Value) -> bool:
    return any(equal(value, element, state.spend) is True for value in values)


@builtin(
    "count",
    "list: list",
    returns="number",
    group=GROUP,
    summary="The number of entries.",
    example="count([1, 2, 3]) = 3",
)
def count(values: list[Value]) -> Decimal:
    return Decimal(len(values))


@builtin(
    "sublist",
    "list: list, start position: number, length?: number",
    returns="list",
    group=GROUP,
    summary="A part of a list.",
    example="sublist([4, 5, 6], 1, 2) = [4, 5]",
)
def sublist(values: list[Value], start: Decimal, length: Decimal | None = None) -> list[Value]:
    begin = _index(values, start)
    if length is None:
        return values[begin:]
    if length < 1 or begin + int(length) > len(values):
        raise NoValue("sublist(…): the list is not that long.")
    return values[begin : begin + int(length)]


def _joined(values: tuple[Value, ...]) -> list[Value]:
    return [entry for value in values for entry in (value if type(value) is list else [value])]


@builtin(
    "append",
    "list: list, item: any",
    returns="list",
    group=GROUP,
    summary="The list with one or more entries at its end.",
    example="append([1], 2, 3) = [1, 2, 3]",
    rest=True,
)
def append(values: list[Value], *items: Value) -> list[Value]:
    return [*values, *items]


@builtin(
    "concatenate",
    "list: any",
    returns="list",
    group=GROUP,
    summary="One list of the entries of several.",
    example="concatenate([1, 2], [3]) = [1, 2, 3]",
    rest=True,
)
def concatenate(*values: Value) -> list[Value]:
    return _joined(values)


@builtin(
    "union",
    "list: any",
    returns="list",
    group=GROUP,
    summary="One list of the entries of several, without repetitions.",
    example="union([1, 2], [2, 3]) = [1, 2, 3]",
    rest=True,
    state=True,
)
def union(state: State, *values: Value) -> list[Value]:
    return _distinct(state, _joined(values))


@builtin(
    "insert before",
    "list: list, position: number, newItem: any",
    returns="list",
    group=GROUP,
    summary="The list with a new entry at a position.",
    example="insert before([1, 3], 1, 2) = [2, 1, 3]",
)
def insert_before(values: list[Value], position: Decimal, item: Value) -> list[Value]:
    index = _index(values, position)
    return [*values[:index], item, *values[index:]]


@builtin(
    "remove",
    "list: list, position: number",
    returns="list",
    group=GROUP,
    summary="The list without the entry at a position.",
    example="remove([1, 2, 3], 2) = [1, 3]",
)
def remove(values: list[Value], position: Decimal) -> list[Value]:
    index = _index(values, position)
    return values[:index] + values[index + 1 :]


@builtin(
    "list replace",
    "list: list, position: number, newItem: any",
    "list: list, match: function, newItem: any",
    returns="list",
    group=GROUP,
    summary="The list with the entry at a position, or every entry that a function(item, newItem) picks, replaced.",
    example="list replace([2, 4, 7, 8], 3, 6) = [2, 4, 6, 8]",
)
def list_replace(values: list[Value], position: Decimal | Function, item: Value) -> list[Value]:
    if isinstance(position, Decimal):
        index = _index(values, position)
        return [*values[:index], item, *values[index + 1 :]]
    if len(position.parameters) != 2:
        raise NoValue("list replace(…): the function needs two parameters, the entry and the new entry.")
    picked = [position.call(value, item) for value in values]
    if any(not isinstance(choice, bool) for choice in picked):
        raise NoValue("list replace(…): the function must give true or false.")
    return [item if choice else value for value, choice in zip(values, picked, strict=True)]


@builtin(
    "reverse",
    "list: list",
    returns="list",
    group=GROUP,
    summary="The entries in reverse.",
    example="reverse([1, 2, 3]) = [3, 2, 1]",
)
def reverse(values: list[Value]) -> list[Value]:
    return values[::-1]


@builtin(
    "index of",
    "list: list, match: any",
    returns="list",
    group=GROUP,
    summary="The positions of the entries that equal the value.",
    example="index of([1, 2, 3, 2], 2) = [2, 4]",
    state=True,
)
def index_of(state: State, values: list[Value], match: Value) -> list[Value]:
    return [Decimal(place) for place, value in enumerate(values, 1) if equal(value, match, state.spend) is True]


def _distinct(state: State, values: list[Value]) -> list[Value]:
    kept: list[Value] = []
    for value in values:
        state.spend(1 + len(kept))
        if not any(equal(value, other, state.spend) is True for other in kept):
            kept.append(value)
    return kept


@builtin(
    "distinct values",
    "list: list",
    returns="list",
    group=GROUP,
    summary="The list without repetitions.",
    example="distinct values([1, 2, 3, 2, 1]) = [1, 2, 3]",
    state=True,
)
def distinct_values(state: State, values: list[Value]) -> list[Value]:
    return _distinct(state, values)


@builtin(
    "flatten",
    "list: list",
    returns="list",
    group=GROUP,
    summary="The entries of the list and of all lists in it.",
    example="flatten([[1, 2], [[3]], 4]) = [1, 2, 3, 4]",
    state=True,
)
def flatten(state: State, values: list[Value]) -> list[Value]:
    flat: list[Value] = []
    pending = list(reversed(values))
    while pending:
        state.spend(1)
        value = pending.pop()
        if type(value) is list:
            pending.extend(reversed(value))
        else:
            flat.append(value)
    return flat


@builtin(
    "sort",
    "list: list, precedes?: function",
    returns="list",
    group=GROUP,
    summary="The list in order; a function(a, b) says whether a comes first.",
    example="sort([3, 1, 4], function(x, y) x < y) = [1, 3, 4]",
    state=True,
)
def sort(state: State, values: list[Value], precedes: Function | None = None) -> list[Value]:
    state.spend(len(values) * max(1, len(values).bit_length()))
    if precedes is None:
        keys = [order_key(value) for value in values]
        if any(key is None for key in keys) or len({type(value) for value in values}) > 1:
            raise NoValue("sort(…) without a function needs values of one ordered type.")
        return [values[i] for i in sorted(range(len(values)), key=keys.__getitem__)]
    if len(precedes.parameters) not in (0, 2):
        raise NoValue("sort(…): the function needs two parameters.")

    def order(first: Value, second: Value) -> int:
        state.spend(1)
        if precedes.call(first, second) is True:
            return -1
        return 1 if precedes.call(second, first) is True else 0

    return sorted(values, key=functools.cmp_to_key(order))
