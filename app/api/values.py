"""How much of a variable's value a search tells: the beginning of a long one, or all of it where that is asked for."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

LONGEST_TOLD = 8191  # characters, as in Camunda 8


class ValuesAsked(Schema):
    """Whether long values are told by their beginning alone."""

    truncateValues = fields.Boolean(load_default=True, truthy={"true"}, falsy={"false"})


def is_long(value: str) -> bool:
    """Whether a value, as JSON, is told by its beginning unless all of it is asked for."""
    return len(value) > LONGEST_TOLD


def told(answer: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    """The body of a search of variables, with as much of their values as is asked for."""
    short = how["truncateValues"]
    items = [
        {**item, "value": item["value"][:LONGEST_TOLD]} if short else {**item, "isTruncated": False}
        for item in answer["items"]
    ]
    return {**answer, "items": items}
