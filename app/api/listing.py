"""Searches of what no table holds, for instance the variables of an instance: the same filters, orders and pages, over
what has been drawn already. The search must name what it looks at, so that there is never much of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    :param order: the order when none is asked for.
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
    found = list(found)
    rules = [(rule["field"], rule.get("order", "ASC") == "DESC") for rule in asked.get("sort") or []]
    rules = rules or [(name, False) for name in listed.order]
    for name, descending in reversed(rules):
        if name not in listed.kinds:
            known = ", ".join(sorted(listed.kinds))
            raise SearchRefused(f"Results cannot be ordered by {name[:60]}. Supported: {known}.", resource_id=name)
        some = [item for item in found if listed.read(item, name) is not None]
        none = [item for item in found if listed.read(item, name) is None]
        some.sort(key=lambda item: _sortable(listed.kinds[name], listed.read(item, name)), reverse=descending)
        found = some + none
    return _page(found, ",".join(f"{name}:{int(down)}" for name, down in rules), asked.get("page") or {})


def _page(found: Sequence[Item], names: str, page: Mapping[str, Any]) -> dict[str, Any]:
    after, before = page.get("after"), page.get("before")
    if (after is not None) + (before is not None) + ("from_" in page) > 1:
        raise SearchRefused("A page has one of from, after and before.")
    limit = page.get("limit", DEFAULT_LIMIT)
    start = page.get("from_", 0)
    if after:
        start = _place(after, names) + 1
    end = start + limit
    if before:
        end = _place(before, names)
        start = max(0, end - limit)
    shown = found[start:end]
    return {
        "items": [dict(item) for item in shown],
        "page": {
            "totalItems": len(found),
            "hasMoreTotalItems": False,
            "startCursor": _cursor(names, start) if shown else None,
            "endCursor": _cursor(names, start + len(shown) - 1) if shown else None,
        },
    }


def _cursor(names: str, place: int) -> str:
    return base64.b64encode(orjson.dumps([names, place])).decode()


def _place(cursor: str, names: str) -> int:
    try:
        found = orjson.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        raise SearchRefused(UNREADABLE) from None
    if not isinstance(found, list) or len(found) != 2 or found[0] != names or not isinstance(found[1], int):
        raise SearchRefused(UNREADABLE)
    return max(found[1], 0)


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
        return (held in values) is (operator == "$in")
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
    """The values that a filter names by ``$eq`` or ``$in``; None when it does not say."""
    given = (asked.get("filter") or {}).get(name)
    if isinstance(given, Mapping):
        given = given.get("$eq", given.get("$in"))
    if given is None:
        return None
    return [str(each) for each in given] if isinstance(given, list) else [str(given)]
