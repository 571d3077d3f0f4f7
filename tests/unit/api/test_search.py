"""Order, pages and cursors, held against a small table; every page size, both ways."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.api import search
from app.api.attributes import Attribute, Kind
from app.api.errors import SearchRefused
from app.api.search import Searchable
from app.store.clock import ClockOffset
from app.store.database import db, prepare_engine

# A table that is there already: `microseconds` stands for any number, empty where it is negative.
_EMPTY_IF_NEGATIVE = db.case((ClockOffset.microseconds < 0, None), else_=ClockOffset.microseconds)
SEARCHABLE = Searchable(
    attributes={
        "key": Attribute(ClockOffset.id.expression, Kind.NUMBER),
        "weight": Attribute(_EMPTY_IF_NEGATIVE, Kind.NUMBER, nullable=True),
    },
    key=ClockOffset.id.expression,
)


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    app = Flask("search")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        ClockOffset.__table__.create(db.engine)  # type: ignore[attr-defined]
        yield app


def fill(weights: list[int | None]) -> None:
    db.session.execute(db.delete(ClockOffset))
    db.session.add_all(
        ClockOffset(id=n, microseconds=-1 if weight is None else weight) for n, weight in enumerate(weights, start=1)
    )
    db.session.flush()


def run(**asked: Any) -> search.Found:
    return search.run(select(ClockOffset.id), SEARCHABLE, asked)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    weights=st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=9),
    limit=st.integers(1, 4),
    descending=st.booleans(),
)
def test_pages_hold_everything_once_in_order_both_ways(
    app: Flask, weights: list[int | None], limit: int, descending: bool
) -> None:
    fill(weights)
    sort = [{"field": "weight", "order": "DESC" if descending else "ASC"}]
    full = run(sort=sort)
    assert full.page["totalItems"] == len(weights)
    known = [weights[key - 1] for key in full.rows if weights[key - 1] is not None]
    assert known == sorted(known, reverse=descending)
    assert all(weights[key - 1] is None for key in full.rows[len(known) :])
    forwards: list[int] = []
    page = run(sort=sort, page={"limit": limit})
    last = page
    while page.rows:
        forwards += page.rows
        last, page = page, run(sort=sort, page={"limit": limit, "after": page.page["endCursor"]})
    assert forwards == full.rows
    backwards = list(last.rows)
    page = last
    while page.rows:
        page = run(sort=sort, page={"limit": limit, "before": page.page["startCursor"]})
        backwards = page.rows + backwards
    assert backwards == full.rows
    db.session.rollback()


def test_without_an_order_the_oldest_comes_first(app: Flask) -> None:
    fill([5, 4, 3])
    assert run().rows == [1, 2, 3]
    assert run(page={"from_": 1, "limit": 1}).rows == [2]
    assert run(page={"limit": 0}).rows == []
    assert run(page={"limit": 0}).page == {
        "totalItems": 3,
        "hasMoreTotalItems": False,
        "startCursor": None,
        "endCursor": None,
    }
    db.session.rollback()


def test_ways_are_joined_by_or(app: Flask) -> None:
    fill([1, 2, 3])
    assert run(filter={"$or": [{"weight": 1}, {"weight": 3, "key": 3}]}).rows == [1, 3]
    assert run(filter={"key": {"$gt": 1}, "$or": [{"weight": 1}, {"weight": 3}]}).rows == [3]
    db.session.rollback()


def cursor(*values: Any) -> str:
    return base64.b64encode(orjson.dumps(list(values))).decode()


@pytest.mark.parametrize(
    "asked",
    [
        {"page": {"after": "!"}},
        {"page": {"after": "AAAA"}},
        {"page": {"after": cursor()}},
        {"page": {"after": cursor("", "1")}},
        {"page": {"after": cursor("", None)}},
        {"page": {"after": cursor("weight:0", 1, 1)}},
        {"page": {"after": cursor("", 1, 2)}},
        {"page": {"after": cursor("", 1), "before": cursor("", 1)}},
        {"page": {"after": cursor("", 1), "from_": 1}},
        {"sort": [{"field": "colour"}]},
        {"filter": {"$or": []}},
        {"filter": {"$or": "weight"}},
        {"filter": {"$or": [3]}},
    ],
)
def test_what_is_not_understood_is_refused(app: Flask, asked: dict[str, Any]) -> None:
    fill([1])
    with pytest.raises(SearchRefused):
        run(**asked)
    db.session.rollback()
