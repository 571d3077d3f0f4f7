"""Searches of what no table holds."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.api import listing
from app.api.attributes import Kind
from app.api.errors import SearchRefused
from app.api.listing import Listed


def at(hour: int) -> datetime:
    return datetime(2026, 3, 2, hour, tzinfo=UTC)


ITEMS: list[dict[str, Any]] = [
    {"name": "b", "value": "1", "key": "9", "state": "ON", "at": at(9), "count": 1, "flag": True},
    {"name": "a", "value": "3", "key": "10", "state": "OFF", "at": at(10), "count": 3, "flag": False},
    {"name": "c", "value": "2", "key": "8", "state": "ON", "at": None, "count": 2, "flag": True},
]
LISTED = Listed.of(
    {
        "name": Kind.TEXT,
        "value": Kind.TEXT,
        "key": Kind.KEY,
        "state": Kind.TEXT,
        "at": Kind.MOMENT,
        "count": Kind.NUMBER,
        "flag": Kind.FLAG,
        "twice": Kind.TEXT,
    },
    ("name",),
    words={"state": ("ON", "OFF", "GONE")},
    hidden={"twice": lambda item: str(item["name"]) * 2},
)


def names(**asked: Any) -> str:
    return "".join(item["name"] for item in listing.run(ITEMS, LISTED, asked)["items"])


def cursor(*parts: Any) -> str:
    return base64.b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ({}, "abc"),
        ({"name": "b"}, "b"),
        ({"name": {"$in": ["a", "c"], "$neq": "c"}}, "a"),
        ({"name": {"$notIn": ["a"]}}, "bc"),
        ({"name": {"$like": "?"}, "value": {"$like": "3*"}}, "a"),
        ({"name": {"$like": "\\*"}}, ""),
        ({"key": "0010"}, "a"),
        ({"state": "ON", "flag": True}, "bc"),
        ({"state": "GONE"}, ""),
        ({"at": {"$exists": False}}, "c"),
        ({"at": {"$gt": "2026-03-02T09:00:00Z"}}, "a"),
        ({"at": {"$lte": "2026-03-02T10:00:00+01:00"}}, "b"),
        ({"count": {"$gte": 2, "$lt": 3}}, "c"),
        ({"twice": "bb"}, "b"),
        ({"$or": [{"name": "a"}, {"count": 2}]}, "ac"),
        ({"$or": [{"name": "a"}, {"count": 2}], "flag": True}, "c"),
    ],
)
def test_filters(filter_: dict[str, Any], found: str) -> None:
    assert names(filter=filter_) == found


@pytest.mark.parametrize(
    ("pattern", "held", "like"),
    [
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b?*d", "abcd", True),
        ("*b?*d", "abd", False),
        ("a*b\\*", "axb*", True),
        ("a*b\\*", "axbc", False),
        ("*", "", True),
        ("", "a", False),
        ("*a" * 300 + "*b", "a" * 5_000, False),
        ("*a" * 300 + "*", "a" * 5_000, True),
    ],
)
def test_no_pattern_takes_for_ever(pattern: str, held: str, like: bool) -> None:
    found = listing.run([{**ITEMS[0], "value": held}], LISTED, {"filter": {"value": {"$like": pattern}}})
    assert bool(found["items"]) is like


def test_orders_put_what_is_empty_last_and_keys_by_their_number() -> None:
    assert names(sort=[{"field": "value", "order": "DESC"}]) == "acb"
    assert names(sort=[{"field": "key"}]) == "cba"
    assert names(sort=[{"field": "at"}]) == "bac"
    assert names(sort=[{"field": "at", "order": "DESC"}]) == "abc"
    assert names(sort=[{"field": "state"}, {"field": "name", "order": "DESC"}]) == "acb"


def test_pages_forwards_and_backwards() -> None:
    first = listing.run(ITEMS, LISTED, {"page": {"limit": 2}})
    assert first["page"]["totalItems"] == 3
    second = listing.run(ITEMS, LISTED, {"page": {"limit": 2, "after": first["page"]["endCursor"]}})
    assert [item["name"] for item in second["items"]] == ["c"]
    back = listing.run(ITEMS, LISTED, {"page": {"limit": 2, "before": second["page"]["startCursor"]}})
    assert back["items"] == first["items"]
    assert names(page={"from_": 2}) == "c"
    beyond = listing.run(ITEMS, LISTED, {"page": {"from_": 5}})
    assert (beyond["items"], beyond["page"]["endCursor"]) == ([], None)


@pytest.mark.parametrize("sort", [[], [{"field": "state"}], [{"field": "at", "order": "DESC"}], [{"field": "flag"}]])
def test_a_page_follows_the_one_before_whatever_came_or_went_meanwhile(sort: list[dict[str, str]]) -> None:
    """Each item that was there all along is seen once, with one item to a page and one that comes and goes between them."""
    passing = {"name": "0", "value": "0", "key": "1", "state": "OFF", "at": at(12), "count": 0, "flag": False}
    seen, after, page = "", None, 0
    while True:
        there = [passing, *ITEMS] if page % 2 else ITEMS
        asked = {"sort": sort, "page": {"limit": 1, **({"after": after} if after else {})}}
        found = listing.run(there, LISTED, asked)
        if not found["items"]:
            break
        seen, after, page = seen + found["items"][0]["name"], found["page"]["endCursor"], page + 1
    assert seen.replace("0", "") == names(sort=sort)


def test_items_alike_in_all_that_they_are_ordered_by_are_told_apart_by_their_places() -> None:
    alike = [{**ITEMS[0], "count": number} for number in range(5)]
    seen, after = [], None
    for _ in range(3):
        found = listing.run(alike, LISTED, {"page": {"limit": 2, **({"after": after} if after else {})}})
        seen, after = seen + [item["count"] for item in found["items"]], found["page"]["endCursor"]
    assert seen == [0, 1, 2, 3, 4]
    back = listing.run(alike, LISTED, {"page": {"limit": 3, "before": after}})
    assert [item["count"] for item in back["items"]] == [1, 2, 3]


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": {"colour": "1"}},
        {"filter": {"name": "none", "colour": "1"}},
        {"filter": {"count": {"$like": "a*"}}},
        {"filter": {"name": {"$gt": "a"}}},
        {"filter": {"name": {"$near": "a"}}},
        {"filter": {"name": {"$in": "a"}}},
        {"filter": {"name": {"$exists": "a"}}},
        {"filter": {"name": 5}},
        {"filter": {"state": "SLEEPING"}},
        {"filter": {"key": "x"}},
        {"filter": {"at": "tomorrow"}},
        {"filter": {"$or": []}},
        {"filter": {"$or": [{"$or": [{"name": "a"}]}]}},
        {"sort": [{"field": "colour"}]},
        {"page": {"after": "AAAA"}},
        {"page": {"after": cursor("name:0", "1")}},
        {"page": {"after": cursor("name:0", ["b"], "1")}},
        {"page": {"after": cursor("name:0", [1], 0)}},
        {"page": {"after": cursor("name:0", [], 0)}},
        {"page": {"after": cursor("value:0,name:0", ["1"], 0)}},
        {"sort": [{"field": "key"}], "page": {"after": cursor("key:0,name:0", ["x", "b"], 0)}},
        {"sort": [{"field": "at"}], "page": {"after": cursor("at:0,name:0", ["soon", "b"], 0)}},
        {"sort": [{"field": "count"}], "page": {"after": cursor("count:0,name:0", [True, "b"], 0)}},
        {"page": {"after": cursor("name:0", ["b"], 0), "from_": 2}},
    ],
)
@pytest.mark.parametrize("items", [ITEMS, []], ids=["some", "none"])
def test_what_is_not_understood_is_refused(items: list[dict[str, Any]], asked: dict[str, Any]) -> None:
    with pytest.raises(SearchRefused):
        listing.run(items, LISTED, asked)


def test_the_values_that_a_filter_names() -> None:
    assert listing.named({"filter": {"key": "5"}}, "key") == ["5"]
    assert listing.named({"filter": {"key": {"$in": ["5", "6"]}}}, "key") == ["5", "6"]
    assert listing.named({"filter": {"key": {"$gt": "5"}}}, "key") is None
    assert listing.named({}, "key") is None


@pytest.mark.parametrize("ways", [[], [{}], [{"state": "ON"}, {}], "x", [1], [{"state": "ON"}] * 51])
def test_ways_that_are_none_are_refused(ways: Any) -> None:
    with pytest.raises(SearchRefused) as refused:
        listing.run([], LISTED, {"filter": {"$or": ways}})
    assert refused.value.resource_id == "$or"


def test_a_filter_of_another_name_is_refused_by_that_name() -> None:
    with pytest.raises(SearchRefused, match=r"^shown ") as refused:
        listing.matching([], LISTED, {"filter": {"state": "SLEEPING"}}, called={"state": "shown"})
    assert refused.value.resource_id == "shown"
