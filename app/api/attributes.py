"""What can be filtered and sorted by: how a name of the contract is held in a column, and its operators as SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, String, cast, false, literal, not_, null, true, tuple_
from sqlalchemy.types import TypeEngine

from app.api.errors import SearchRefused
from app.api.parts import Part, part_from, parts_from
from app.store.database import UtcDateTime
from app.store.keys import LARGEST_KEY

MAX_VALUES = 1000
TENANT = "<default>"
LARGEST_NUMBER = 2**31 - 1
NOWHERE: Part = (-1, 0)  # where nothing is
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


class Kind(Enum):
    """How a value is written in a request."""

    TEXT = "a string"
    KEY = "a numeric string"
    NUMBER = "a whole number"
    MOMENT = "a date and time with an offset"
    FLAG = "true or false"
    ELEMENT = "the key of an element instance"


@dataclass(frozen=True)
class Attribute:
    """One attribute of what is searched.

    :param column: the column or expression that holds it.
    :param words: for enumerations: each word of the contract with what the column holds; None for a state that never occurs.
    :param within: wraps a condition on the column, for a column of another table.
    :param nullable: whether it may be empty; what is empty comes last in any order.
    :param constant: whether it is the same everywhere, so that an order by it changes nothing.
    """

    column: ColumnElement[Any]
    kind: Kind = Kind.TEXT
    words: Mapping[str, Any] | None = None
    within: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None
    nullable: bool = False
    sortable: bool = True
    constant: bool = False

    def value(self, name: str, given: Any) -> Any:
        """A value of a request as the column holds it.

        :raises SearchRefused: it is of another kind.
        """
        if self.words is not None:
            if not isinstance(given, str) or given not in self.words:
                raise SearchRefused(f"{name} must be one of {', '.join(sorted(self.words))}.", resource_id=name)
            return self.words[given]
        found = _CONVERTERS[self.kind](given)
        if found is None:
            raise SearchRefused(f"{name} must be {self.kind.value}.", resource_id=name)
        return found

    def values(self, name: str, given: Sequence[Any]) -> list[Any]:
        """Several values, without those that never occur.

        :raises SearchRefused: one is of another kind.
        """
        if self.kind is not Kind.ELEMENT:
            return [held for each in given if (held := self.value(name, each)) is not None]
        if any(_key(each) is None for each in given):
            raise SearchRefused(f"{name} must be {self.kind.value}.", resource_id=name)
        return list(parts_from(given).values()) or [NOWHERE]


def nothing(kind: Kind = Kind.TEXT) -> Attribute:
    """An attribute of the contract that is always empty here."""
    return Attribute(cast(null(), _TYPES.get(kind, String())), kind, nullable=True, constant=True)


_TYPES: Mapping[Kind, TypeEngine[Any]] = {
    Kind.KEY: BigInteger(),
    Kind.NUMBER: BigInteger(),
    Kind.MOMENT: UtcDateTime(),
    Kind.FLAG: Boolean(),
}


def tenant() -> Attribute:
    """There is one tenant."""
    return always(TENANT)


def always(value: str, *others: str) -> Attribute:
    """An attribute of the contract that is one word here. :param others: words that never occur."""
    words = {value: value, **dict.fromkeys(others)} if others else None
    return Attribute(literal(value), words=words, constant=True)


def element(instance_key: ColumnElement[int], task_id: ColumnElement[int]) -> Attribute:
    """The key of an element instance, which is made of two columns."""
    return Attribute(tuple_(instance_key, task_id), Kind.ELEMENT)


def _element(given: Any) -> Part | None:
    """A key of something else finds nothing."""
    return None if _key(given) is None else part_from(given) or NOWHERE


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and len(given) <= 1000 and "\0" not in given else None


def _key(given: Any) -> int | None:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 25:
        return min(int(given), LARGEST_KEY)
    return None


def _number(given: Any) -> int | None:
    return given if isinstance(given, int) and not isinstance(given, bool) and abs(given) <= LARGEST_NUMBER else None


def _moment(given: Any) -> datetime | None:
    if not isinstance(given, str) or not _ISO.fullmatch(given):
        return None
    try:
        found = datetime.fromisoformat(given)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or beyond the calendar in UTC
        return None


def _flag(given: Any) -> bool | None:
    return given if isinstance(given, bool) else None


_CONVERTERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.KEY: _key,
    Kind.NUMBER: _number,
    Kind.MOMENT: _moment,
    Kind.FLAG: _flag,
    Kind.ELEMENT: _element,
}


# ------------------------------------------------------------------------------------------------ conditions
def condition(
    attributes: Mapping[str, Attribute], given: Mapping[str, Any], *, others: Collection[str] = ()
) -> list[ColumnElement[bool]]:
    """A filter as SQL conditions that must all hold.

    :param others: what is supported besides.

    :raises SearchRefused: an attribute, operator or value is not understood. Nothing is ever ignored.
    """
    found: list[ColumnElement[bool]] = []
    for name, wanted in given.items():
        attribute = attributes.get(name)
        if attribute is None:
            known = ", ".join(sorted({*attributes, *others}))
            raise SearchRefused(f"{name[:60]} is not supported in this filter. Supported: {known}.", resource_id=name)
        operators = operators_of(name, wanted)
        for operator, value in operators.items():
            made = _operator(name, attribute, operator, value)
            found.append(attribute.within(made) if attribute.within is not None else made)
    return found


def operators_of(name: str, wanted: Any) -> Mapping[str, Any]:
    """Operators with their values; a bare value is equal.

    :raises SearchRefused: there are none, which would find everything.
    """
    if not isinstance(wanted, Mapping):
        return {"$eq": wanted}
    if not wanted:
        raise SearchRefused(f"{name} needs an operator, for instance $eq.", resource_id=name)
    return wanted


def _operator(name: str, attribute: Attribute, operator: str, given: Any) -> ColumnElement[bool]:
    column = attribute.column
    if operator == "$exists":
        if not isinstance(given, bool):
            raise SearchRefused(f"$exists of {name} must be true or false.", resource_id=name)
        if attribute.kind is Kind.ELEMENT:
            return true() if given else false()
        return column.is_not(None) if given else column.is_(None)
    if operator in ("$in", "$notIn"):
        if not isinstance(given, list) or len(given) > MAX_VALUES:
            raise SearchRefused(f"{operator} of {name} must be a list of at most {MAX_VALUES}.", resource_id=name)
        values = attribute.values(name, given)
        return column.in_(values) if operator == "$in" else not_(column.in_(values))
    if operator == "$like":
        if attribute.kind not in (Kind.TEXT, Kind.KEY) or not isinstance(given, str):
            raise SearchRefused(f"$like is not supported for {name}.", resource_id=name)
        if attribute.words is not None:
            return column.in_(
                [held for word, held in attribute.words.items() if held is not None and like(given, word)]
            )
        text = cast(column, String) if attribute.kind is Kind.KEY else column
        return text.like(_pattern(given[:1000]), escape="\\")
    comparison = _COMPARISONS.get(operator)
    if comparison is None:
        raise SearchRefused(f"The operator {operator[:20]} is not known.", resource_id=name)
    if operator not in ("$eq", "$neq") and attribute.kind not in (Kind.NUMBER, Kind.MOMENT):
        raise SearchRefused(f"{operator} is not supported for {name}.", resource_id=name)
    value = attribute.value(name, given)
    if value is None:
        return false() if operator == "$eq" else true()
    return comparison(column, value)


_COMPARISONS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "$eq": lambda column, value: column == value,
    "$neq": lambda column, value: column != value,
    "$gt": lambda column, value: column > value,
    "$gte": lambda column, value: column >= value,
    "$lt": lambda column, value: column < value,
    "$lte": lambda column, value: column <= value,
}


def _pattern(text: str) -> str:
    """``*`` any characters, ``?`` one character, each taken as it is after a backslash."""
    made = []
    escaped = False
    for character in text:
        if escaped:
            made.append(f"\\{character}" if character in "%_\\" else character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            made.append({"*": "%", "?": "_", "%": "\\%", "_": "\\_"}.get(character, character))
    return "".join(made)


def like(text: str, held: str) -> bool:
    """Whether a text is like a pattern of the contract, ``*`` and ``?``. The parts between the stars are looked for one after the other, so
    that no pattern makes the search go back."""
    parts = [""]
    escaped = False
    for character in text:
        if not escaped and character == "\\":
            escaped = True
            continue
        if not escaped and character == "*":
            parts.append("")
        else:
            parts[-1] += "." if not escaped and character == "?" else re.escape(character)
        escaped = False
    if len(parts) == 1:
        return re.fullmatch(parts[0], held, re.DOTALL) is not None
    found = re.compile(parts[0], re.DOTALL).match(held)
    for part in (*parts[1:-1], rf"{parts[-1]}\Z"):
        found = re.compile(part, re.DOTALL).search(held, found.end()) if found else None
    return found is not None
