"""What went into a decision's tables and came out of them, as the contract has it: columns by their ids and by what people call them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from app.decisions.columns import Column, Columns, columns_of
from app.runtime import releases


@lru_cache(maxsize=512)
def columns(release_key: int, decision_id: str) -> Columns:
    """The columns of a decision of a release. A release never changes."""
    return columns_of(releases.parsed(release_key).model_of(decision_id).decision(decision_id).element)


def inputs(known: Columns, seen: Mapping[str, Any]) -> list[dict[str, str]]:
    """:param seen: plain values by the labels of their columns."""
    found = ((known.inputs.get(label) or Column(label, label), value) for label, value in seen.items())
    return [{"inputId": each.id, "inputName": each.name, "inputValue": as_json(value)} for each, value in found]


def outputs(known: Columns, decision_name: str, given: Any, place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the only rule that matched gave.

    :param given: a plain value: a context by names where the table has several outputs.
    :param place: the rule.
    """
    several = isinstance(given, dict) and None not in known.outputs
    named: dict[str | None, Any] = given if several else {None: given}
    return [
        {"outputId": each.id, "outputName": each.name, "outputValue": as_json(value), **place}
        for name, value in named.items()
        for each in [known.outputs.get(name) or Column(name or decision_name, name or decision_name)]
    ]


def as_json(value: Any) -> str:
    return orjson.dumps(value).decode()
