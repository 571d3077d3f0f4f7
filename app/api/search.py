"""Searches: filter, order and page of a request pushed into SQL, and the page that the answer tells."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_

from app.api.attributes import LARGEST_NUMBER, Attribute, Kind, condition
from app.api.errors import SearchRefused
from app.api.parts import left
from app.store.database import db
from app.store.keys import LARGEST_KEY

DEFAULT_LIMIT = 100
Query = Select[*tuple[Any, ...]]
MAX_WAYS = 50
NO_WAYS = f"$or must be a list of filters, none of them empty, at most {MAX_WAYS}."
UNREADABLE = "The cursor of the page is not one that this search has given."


@dataclass(frozen=True)
class Opening:
    """Filters by what no column holds.

    :param condition: makes one condition of them, given what else the filter asks.
    """

    names: frozenset[str]
    condition: Callable[[Mapping[str, Any], Sequence[ColumnElement[bool]]], ColumnElement[bool]]


@dataclass(frozen=True)
class Searchable:
    """What can be searched.

    :param attributes: by the names of the contract.
    :param key: the column that tells apart what the order does not.
    :param also: columns that must do it too, where the key alone tells nothing apart.
    :param default: the order when none is asked for: attribute and whether descending.
    :param sortable_only: attributes to order by that are no filters.
    :param opening: filters by what no column holds.
    """

    attributes: Mapping[str, Attribute]
    key: ColumnElement[int]
    default: tuple[tuple[str, bool], ...] = ()
    sortable_only: Mapping[str, Attribute] = field(default_factory=dict)
    opening: Opening | None = None
    also: tuple[Attribute, ...] = ()


@dataclass(frozen=True)
class _Order:
    """One column of the order."""

    column: ColumnElement[Any]
    kind: Kind
    nullable: bool
    descending: bool

    def by(self, *, backwards: bool) -> list[ColumnElement[Any]]:
        """Empty values come last, whatever the direction; backwards everything turns round."""
        down = self.descending != backwards
        value = self.column.desc() if down else self.column.asc()
        if not self.nullable:
            return [value]
        empty = self.column.is_(None)
        return [empty.desc() if backwards else empty.asc(), value]

    def same(self, value: Any) -> ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == value

    def beyond(self, value: Any, *, backwards: bool) -> ColumnElement[bool]:
        """What comes strictly after the value, or before it when looking backwards."""
        if value is None:
            return self.column.is_not(None) if backwards else false()
        further = self.column < value if self.descending != backwards else self.column > value
        return or_(further, self.column.is_(None)) if self.nullable and not backwards else further


@dataclass(frozen=True)
class Found:
    """One page of results: the rows, and what the contract tells of the page."""

    rows: list[Any]
    page: dict[str, Any]

    def answer(self, draw: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The body of the response."""
        return {"items": [draw(row) for row in self.rows], "page": self.page}


def run(
    query: Query, searchable: Searchable, asked: Mapping[str, Any], values: Mapping[str, Any] | None = None
) -> Found:
    """Run a search within what the query already allows the person to see.

    :param values: of the query's parameters, where it has any.
    :raises SearchRefused: the filter, order or page is not understood.
    """
    query = query.where(*conditions(searchable, asked.get("filter") or {}))
    values = values or {}
    counted = query.with_only_columns(func.count(), maintain_column_froms=True)
    total = db.session.execute(counted, values).scalar() or 0
    names, orders = _orders(searchable, asked.get("sort") or [])
    page = asked.get("page") or {}
    limit = page.get("limit", DEFAULT_LIMIT)
    after, before = page.get("after"), page.get("before")
    if (after is not None) + (before is not None) + ("from_" in page) > 1:
        raise SearchRefused("A page has one of from, after and before.")
    backwards = before is not None
    if cursor := after or before:
        query = query.where(_beyond(orders, _read(cursor, names, orders), backwards=backwards))
    ordering = [clause for order in orders for clause in order.by(backwards=backwards)]
    width = len(query.column_descriptions)
    query = query.add_columns(*(order.column for order in orders)).order_by(*ordering).limit(limit)
    if not cursor:
        query = query.offset(page.get("from_", 0))
    rows = [tuple(row) for row in db.session.execute(query, values)]
    if backwards:
        rows.reverse()
    return Found(
        [row[:width] if width > 1 else row[0] for row in rows],
        {
            "totalItems": total,
            "hasMoreTotalItems": False,
            "startCursor": _cursor(names, rows[0][width:]) if rows else None,
            "endCursor": _cursor(names, rows[-1][width:]) if rows else None,
        },
    )


def conditions(searchable: Searchable, given: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """A filter as conditions.

    :raises SearchRefused: it is not understood.
    """
    found = _all_of(searchable, {name: wanted for name, wanted in given.items() if name != "$or"}, ())
    if "$or" in given:
        ways = given["$or"]
        if not isinstance(ways, list) or not 1 <= len(ways) <= MAX_WAYS:
            raise SearchRefused(NO_WAYS, resource_id="$or")
        if not all(isinstance(way, Mapping) and way for way in ways):
            raise SearchRefused(NO_WAYS, resource_id="$or")
        found.append(or_(*(and_(*_all_of(searchable, way, found)) for way in ways)))
    return found


def _all_of(
    searchable: Searchable, given: Mapping[str, Any], others: Sequence[ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """The conditions of one filter. :param others: what must hold besides."""
    opening = searchable.opening
    names = opening.names if opening is not None else frozenset()
    plain = {name: wanted for name, wanted in given.items() if name not in names}
    found = condition(searchable.attributes, plain, others=names)
    inside = {name: wanted for name, wanted in given.items() if name in names}
    if opening is not None and inside:
        found.append(opening.condition(inside, [*others, *found]))
    return found


def _orders(searchable: Searchable, given: Sequence[Mapping[str, Any]]) -> tuple[str, list[_Order]]:
    asked = [(rule["field"], rule.get("order", "ASC") == "DESC") for rule in given] or list(searchable.default)
    known = {name: each for name, each in searchable.attributes.items() if each.sortable and each.within is None}
    known.update(searchable.sortable_only)
    orders = []
    for name, descending in asked:
        attribute = known.get(name)
        if attribute is None:
            raise SearchRefused(
                f"Results cannot be ordered by {name[:60]}. Supported: {', '.join(sorted(known))}.", resource_id=name
            )
        if attribute.kind is Kind.ELEMENT:
            whole, place = attribute.column.clauses
            orders += [_Order(part, Kind.KEY, False, descending) for part in (left(whole), place)]
        elif attribute.kind is Kind.FLAG:  # a cursor compares: false comes before true
            orders.append(_Order(case((attribute.column, 1), else_=0), Kind.NUMBER, False, descending))
        elif not attribute.constant:
            orders.append(_Order(attribute.column, attribute.kind, attribute.nullable, descending))
    down = orders[0].descending if orders else False
    orders.append(_Order(searchable.key, Kind.KEY, False, down))
    orders += [_Order(each.column, each.kind, False, down) for each in searchable.also]
    return ",".join(f"{name}:{int(descending)}" for name, descending in asked), orders


def _beyond(orders: Sequence[_Order], values: Sequence[Any], *, backwards: bool) -> ColumnElement[bool]:
    ways = []
    for place, order in enumerate(orders):
        same = [each.same(value) for each, value in zip(orders[:place], values[:place], strict=True)]
        ways.append(and_(*same, order.beyond(values[place], backwards=backwards)))
    return or_(*ways)


def _cursor(names: str, values: Sequence[Any]) -> str:
    return base64.b64encode(orjson.dumps([names, *values])).decode()


def _read(cursor: str, names: str, orders: Sequence[_Order]) -> list[Any]:
    try:
        found = orjson.loads(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        raise SearchRefused(UNREADABLE) from None
    if not isinstance(found, list) or not found or found[0] != names or len(found) != 1 + len(orders):
        raise SearchRefused(UNREADABLE)
    return [_value(order, value) for order, value in zip(orders, found[1:], strict=True)]


def _value(order: _Order, value: Any) -> Any:
    if value is None and order.nullable:
        return None
    if order.kind in (Kind.KEY, Kind.NUMBER):
        largest = LARGEST_KEY if order.kind is Kind.KEY else LARGEST_NUMBER
        understood = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= largest
    elif order.kind is Kind.FLAG:
        understood = isinstance(value, bool)
    else:
        understood = isinstance(value, str) and "\0" not in value
    if not understood:
        raise SearchRefused(UNREADABLE)
    if order.kind is Kind.MOMENT:
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            raise SearchRefused(UNREADABLE) from None
    return value
