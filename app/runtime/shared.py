"""Values that several scopes hold, written once: a list that two thousand called processes have been handed is one list.

In memory they are the same object (values are never changed in place), and so they are again when the state has been read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

LARGE = 1_000  # characters of a text that is looked at as lists and contexts are
SAVES = 4_096  # bytes that must not be written for a value to go into the table
_TAG, _KIND = "$", "shared"

Rows = list[list[Any]]  # scope id, parent, packed values by name


def held_twice(values: Iterable[dict[str, Any]]) -> dict[int, int]:
    """How many variables hold a value, by its identity; only of those that more than one holds."""
    counts: dict[int, int] = {}
    for each in values:
        for value in each.values():
            kind = type(value)
            if kind is list or kind is dict or (kind is str and len(value) >= LARGE):
                counts[id(value)] = counts.get(id(value), 0) + 1
    return {known: count for known, count in counts.items() if count > 1}


def gathered(scopes: Rows) -> tuple[Rows, list[Any]]:
    """The scopes with references to a table, and the table. It is empty when that would save nothing to speak of."""
    held = held_twice(values for _, _, values in scopes)
    places: dict[int, int] = {}
    table: list[Any] = []
    if not held:
        return scopes, table
    for _, _, values in scopes:
        for value in values.values():
            count = held.pop(id(value), 0)
            if count and (count - 1) * len(orjson.dumps(value, default=str)) >= SAVES:
                places[id(value)] = len(table)
                table.append(value)
    if not table:
        return scopes, table
    return [[each, parent, _referring(values, places)] for each, parent, values in scopes], table


def _referring(values: dict[str, Any], places: dict[int, int]) -> dict[str, Any]:
    return {
        name: {_TAG: _KIND, "v": places[id(value)]} if id(value) in places else value for name, value in values.items()
    }


def spread(scopes: Rows, table: list[Any]) -> Rows:
    """The scopes as they were before: each reference is the value itself."""
    return [[each, parent, {n: _referred(v, table) for n, v in values.items()}] for each, parent, values in scopes]


def _referred(value: Any, table: list[Any]) -> Any:
    return table[value["v"]] if isinstance(value, dict) and value.get(_TAG) == _KIND else value
