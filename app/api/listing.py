"""Searches of what no table holds, for instance the variables of an instance: the same filters, orders and pages, over
what has been drawn already. The search must name what it looks at, so that there is never much of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import null

from app.api.attributes import MAX_VALUES, Attribute, Kind, like, operators_of
from app.api.errors import SearchRefused
from app.api.search import DEFAULT_LIMIT, MAX_WAYS, NO_WAYS, UNREADABLE

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """What can be filtered and sorted by.

    :param kinds: by the names of the contract.
    :param words: for enumerations, the words of the contract.
    :param order: the order when none is asked for, and of what is alike in the order that is.
    :param hidden: names that filter and are not shown: how to read them from an item.
    """

    kinds: Mapping[str, Kind]
    words: Mapping[str, frozenset[str]]
    order: tuple[str, ...]
    hidden: Mapping[str, Callable[[Item], Any]]

    @classmethod
    def of(
        cls,
        kinds: Mapping[str, Kind],
        order: Sequence[str],
        *,
        words: Mapping[str, Iterable[str]] | None = None,
        hidden: Mapping[str, Callable[[Item], Any]] | None = None,
    ) -> Listed:
        return cls(kinds, {n: frozenset(w) for n, w in (words or {}).items()}, tuple(order), hidden or {})

    def read(self, item: Item, name: str) -> Any:
        return self.hidden[name](item) if item and name in self.hidden else item.get(name)


def run(items: Sequence[Item], listed: Listed, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the response.

    :raises SearchRefused: the filter, order or page is not understood.
    """
    return ordered(matching(items, listed, asked), listed, asked)


def matching(
    items: Sequence[Item], listed: Listed, asked: Mapping[str, Any], *, called: Mapping[str, str] | None = None
) -> list[Item]:
    """Those that the filter finds.

    :param called: what the request calls an attribute, where that is another name.
    :raises SearchRefused: the filter is not understood, also when there is nothing.
    """
    wanted = asked.get("filter") or {}
    try:
        _fits({}, listed, wanted, top=True)
    except SearchRefused as refused:
        outer = (called or {}).get(refused.resource_id or "")
        if outer is None or refused.resource_id is None:
            raise
        raise SearchRefused(refused.message.replace(refused.resource_id, outer), resource_id=outer) from None
    return [item for item in items if _fits(item, listed, wanted, top=True)]


def ordered(found: Sequence[Item], listed: Listed, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The page that is asked for, as the body of the response.

    :raises SearchRefused: the order or page is not understood.
    """
    rules = [(rule["field"], rule.get("order", "ASC") == "DESC") for rule in asked.get("sort") or []]
    for name, _ in rules:
        if name not in listed.kinds:
            known = ", ".join(sorted(listed.kinds))
            raise SearchRefused(f"Results cannot be ordered by {name[:60]}. Supported: {known}.", resource_id=name)
    rules += [(name, False) for name in listed.order if name not in dict(rules)]
    found = list(found)
    for name, descending in reversed(rules):
        some = [item for item in found if listed.read(item, name) is not None]
        none = [item for item in found if listed.read(item, name) is None]
        some.sort(key=lambda item: _sortable(listed.kinds[name], listed.read(item, name)), reverse=descending)
        found = some + none
    return _page(found, listed, rules, asked.get("page") or {})


_Rules = Sequence[tuple[str, bool]]


def _page(found: Sequence[Item], listed: Listed, rules: _Rules, page: Mapping[str, Any]) -> dict[str, Any]:
    after, before = page.get("after"), page.get("before")
    if (after is not None) + (before is not None) + ("from_" in page) > 1:
        raise SearchRefused("A page has one of from, after and before.")
    limit = page.get("limit", DEFAULT_LIMIT)
    start = page.get("from_", 0)
    if after:
        start = _place(found, listed, rules, after, beyond=True)
    end = start + limit
    if before:
        end = _place(found, listed, rules, before, beyond=False)
        start = max(0, end - limit)
    shown = found[start:end]
    return {
        "items": [dict(item) for item in shown],
        "page": {
            "totalItems": len(found),
            "hasMoreTotalItems": False,
            "startCursor": _cursor(found, listed, rules, start) if shown else None,
            "endCursor": _cursor(found, listed, rules, start + len(shown) - 1) if shown else None,
        },
    }


# A cursor holds what an item is ordered by, and which of those it is that are alike in all of it: items that come or go elsewhere meanwhile
# make the next page neither skip nor repeat one.
def _held(item: Item, listed: Listed, rules: _Rules) -> list[Any]:
    return [listed.read(item, name) for name, _ in rules]


def _names(rules: _Rules) -> str:
    return ",".join(f"{name}:{int(down)}" for name, down in rules)


def _cursor(found: Sequence[Item], listed: Listed, rules: _Rules, place: int) -> str:
    held = _held(found[place], listed, rules)
    alike = 0
    while alike < place and _held(found[place - alike - 1], listed, rules) == held:
        alike += 1
    return base64.b64encode(orjson.dumps([_names(rules), held, alike])).decode()


def _place(found: Sequence[Item], listed: Listed, rules: _Rules, cursor: str, *, beyond: bool) -> int:
    """Where the item of a cursor stands, or would if it has gone; with ``beyond`` the next one."""
    try:
        read = orjson.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        raise SearchRefused(UNREADABLE) from None
    if not isinstance(read, list) or len(read) != 3 or read[0] != _names(rules):
        raise SearchRefused(UNREADABLE)
    if not isinstance(read[1], list) or len(read[1]) != len(rules) or not isinstance(read[2], int):
        raise SearchRefused(UNREADABLE)
    kinds = [listed.kinds[name] for name, _ in rules]
    at = [_read(kind, value) for kind, value in zip(kinds, read[1], strict=True)]
    earlier = alike = 0
    for item in found:
        held = [
            None if value is None else _sortable(kind, value)
            for kind, value in zip(kinds, _held(item, listed, rules), strict=True)
        ]
        alike += held == at
        earlier += _precedes(held, at, rules)
    return earlier + min(max(read[2], 0) + beyond, alike)


def _precedes(held: Sequence[Any], at: Sequence[Any], rules: _Rules) -> bool:
    """Whether the first comes before the second; what is empty comes last."""
    for one, other, (_, descending) in zip(held, at, rules, strict=True):
        if one != other:
            if one is None or other is None:
                return other is None
            return bool(one > other if descending else one < other)
    return False


def _read(kind: Kind, value: Any) -> Any:
    """A value of a cursor as it is sorted by."""
    if value is None:
        return None
    try:
        if type(value) is not {Kind.NUMBER: int, Kind.FLAG: bool}.get(kind, str):
            raise ValueError
        return _sortable(kind, datetime.fromisoformat(str(value)).astimezone(UTC) if kind is Kind.MOMENT else value)
    except (ValueError, OverflowError):
        raise SearchRefused(UNREADABLE) from None


def _sortable(kind: Kind, value: Any) -> Any:
    return int(value) if kind in (Kind.KEY, Kind.ELEMENT) else value


# ------------------------------------------------------------------------------------------------ filters
def _fits(item: Item, listed: Listed, wanted: Mapping[str, Any], *, top: bool) -> bool:
    """Every part is looked at even when an earlier one does not fit, so that nothing unknown is ever ignored."""
    fits = True
    for name, asked in wanted.items():
        if name == "$or" and top:
            if not isinstance(asked, list) or not 1 <= len(asked) <= MAX_WAYS:
                raise SearchRefused(NO_WAYS, resource_id="$or")
            if not all(isinstance(way, Mapping) and way for way in asked):
                raise SearchRefused(NO_WAYS, resource_id="$or")
            ways = [_fits(item, listed, way, top=False) for way in asked]
            fits = any(ways) and fits
            continue
        kind = listed.kinds.get(name)
        if kind is None:
            known = ", ".join(sorted(listed.kinds))
            raise SearchRefused(f"{name[:60]} is not supported in this filter. Supported: {known}.", resource_id=name)
        for operator, value in operators_of(name, asked).items():
            fits = _holds(listed, name, kind, operator, value, listed.read(item, name)) and fits
    return fits


def _holds(listed: Listed, name: str, kind: Kind, operator: str, asked: Any, held: Any) -> bool:
    if operator == "$exists":
        if not isinstance(asked, bool):
            raise SearchRefused(f"$exists of {name} must be true or false.", resource_id=name)
        return (held is not None) is asked
    if operator in ("$in", "$notIn"):
        if not isinstance(asked, list) or len(asked) > MAX_VALUES:
            raise SearchRefused(f"{operator} of {name} must be a list of at most {MAX_VALUES}.", resource_id=name)
        values = [_value(listed, name, kind, each) for each in asked]
        return held is not None and (held in values) is (operator == "$in")
    if operator == "$like":
        if kind not in (Kind.TEXT, Kind.KEY) or not isinstance(asked, str):
            raise SearchRefused(f"$like is not supported for {name}.", resource_id=name)
        return isinstance(held, str) and like(asked, held)
    if operator not in _COMPARISONS:
        raise SearchRefused(f"The operator {operator[:20]} is not known.", resource_id=name)
    if operator not in ("$eq", "$neq") and kind not in (Kind.NUMBER, Kind.MOMENT):
        raise SearchRefused(f"{operator} is not supported for {name}.", resource_id=name)
    value = _value(listed, name, kind, asked)
    if operator == "$neq":
        return bool(held is not None and held != value)
    return held is not None and _COMPARISONS[operator](held, value)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda held, value: held == value,
    "$neq": lambda held, value: held != value,
    "$gt": lambda held, value: held > value,
    "$gte": lambda held, value: held >= value,
    "$lt": lambda held, value: held < value,
    "$lte": lambda held, value: held <= value,
}


def _value(listed: Listed, name: str, kind: Kind, given: Any) -> Any:
    if name in listed.words:
        if not isinstance(given, str) or given not in listed.words[name]:
            raise SearchRefused(f"{name} must be one of {', '.join(sorted(listed.words[name]))}.", resource_id=name)
        return given
    found = Attribute(null(), Kind.KEY if kind is Kind.ELEMENT else kind).value(name, given)
    return str(int(given)) if kind in (Kind.KEY, Kind.ELEMENT) else found


def named(asked: Mapping[str, Any], name: str) -> list[str] | None:
    """The values that a filter names by ``$eq`` or ``$in``; None when it does not say.

    :raises SearchRefused: they are too many.
    """
    given = (asked.get("filter") or {}).get(name)
    if isinstance(given, Mapping):
        given = given.get("$eq", given.get("$in"))
    if given is None:
        return None
    if isinstance(given, list) and len(given) > MAX_VALUES:
        raise SearchRefused(f"$in of {name} must be a list of at most {MAX_VALUES}.", resource_id=name)
    return [str(each) for each in given] if isinstance(given, list) else [str(given)]
