"""Filters of the contract as SQL, held against a small table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    select,
)

from app.api.attributes import Attribute, Kind, condition, nothing, tenant
from app.api.errors import SearchRefused
from app.store.database import UtcDateTime

THINGS = Table(
    "things",
    MetaData(),
    Column("key", Integer, primary_key=True),
    Column("name", String),
    Column("size", Integer),
    Column("at", UtcDateTime()),
    Column("open", Boolean),
)
ATTRIBUTES = {
    "thingKey": Attribute(THINGS.c.key, Kind.KEY),
    "name": Attribute(THINGS.c.name, nullable=True),
    "size": Attribute(THINGS.c.size, Kind.NUMBER),
    "at": Attribute(THINGS.c.at, Kind.MOMENT),
    "open": Attribute(THINGS.c.open, Kind.FLAG),
    "state": Attribute(THINGS.c.name, words={"CREATED": "pear", "FAILED": None}),
    "tag": nothing(),
    "tenantId": tenant(),
}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    THINGS.metadata.create_all(engine)
    with engine.connect() as found:
        rows = [("pear", 1), ("peach", 2), ("100%", 3), (None, 4), ("a_b", 5), ("back\\slash", 6)]
        found.execute(
            THINGS.insert(),
            [
                {"key": n, "name": name, "size": n * 10, "at": datetime(2026, 3, n, tzinfo=UTC), "open": n % 2 == 0}
                for name, n in rows
            ],
        )
        yield found


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"name": "pear"}, [1]),
        ({"name": {"$eq": "pear"}}, [1]),
        ({"name": {"$neq": "pear"}}, [2, 3, 5, 6]),
        ({"name": {"$exists": False}}, [4]),
        ({"name": {"$exists": True}}, [1, 2, 3, 5, 6]),
        ({"name": {"$in": ["pear", "peach"]}}, [1, 2]),
        ({"name": {"$in": []}}, []),
        ({"name": {"$notIn": ["pear", "peach"]}}, [3, 5, 6]),
        ({"name": {"$like": "pea*"}}, [1, 2]),
        ({"name": {"$like": "pea?"}}, [1]),
        ({"name": {"$like": "*%"}}, [3]),
        ({"name": {"$like": "a_b"}}, [5]),
        ({"name": {"$like": "?_?"}}, [5]),
        ({"name": {"$like": "*\\\\*"}}, [6]),
        ({"name": {"$like": "pea\\*"}}, []),
        ({"name": {"$like": "p*", "$neq": "pear"}}, [2]),
        ({"size": 20}, [2]),
        ({"size": {"$gt": 20, "$lte": 40}}, [3, 4]),
        ({"size": {"$gte": 50}}, [5, 6]),
        ({"size": {"$lt": 20}}, [1]),
        ({"at": {"$gte": "2026-03-05T00:00:00Z"}}, [5, 6]),
        ({"at": {"$lt": "2026-03-02T01:00:00+02:00"}}, [1]),
        ({"at": "2026-03-02T00:00:00+00:00"}, [2]),
        ({"open": True}, [2, 4, 6]),
        ({"thingKey": "3"}, [3]),
        ({"thingKey": {"$in": ["1", "9999999999999999999999999"]}}, [1]),
        ({"state": "CREATED"}, [1]),
        ({"state": {"$like": "C*"}}, [1]),
        ({"state": {"$like": "F*"}}, []),
        ({"thingKey": {"$like": "3*"}}, [3]),
        ({"state": "FAILED"}, []),
        ({"state": {"$neq": "FAILED"}}, [1, 2, 3, 4, 5, 6]),
        ({"state": {"$in": ["FAILED", "CREATED"]}}, [1]),
        ({"state": {"$notIn": ["FAILED"]}}, [1, 2, 3, 4, 5, 6]),
        ({"state": {"$notIn": ["FAILED", "CREATED"]}}, [2, 3, 5, 6]),
        ({"tag": "x"}, []),
        ({"tag": {"$exists": False}}, [1, 2, 3, 4, 5, 6]),
        ({"tenantId": "<default>"}, [1, 2, 3, 4, 5, 6]),
        ({"tenantId": "other"}, []),
    ],
)
def test_a_filter_finds(connection: Connection, given: dict[str, Any], keys: list[int]) -> None:
    query = select(THINGS.c.key).where(*condition(ATTRIBUTES, given)).order_by(THINGS.c.key)
    assert list(connection.execute(query).scalars()) == keys


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"},
        {"name": 3},
        {"name": ["pear"]},
        {"name": "nul\0"},
        {"name": {"$near": "pear"}},
        {"name": {"$gt": "pear"}},
        {"name": {"$in": "pear"}},
        {"name": {"$in": [1]}},
        {"name": {"$exists": "yes"}},
        {"name": None},
        {"name": {}},
        {"state": ["CREATED"]},
        {"size": "20"},
        {"size": True},
        {"size": 2**70},
        {"size": {"$like": "2*"}},
        {"at": "yesterday"},
        {"at": "2026-03-05"},
        {"at": "2026-13-05T00:00:00Z"},
        {"open": "true"},
        {"thingKey": 3},
        {"thingKey": "-3"},
        {"thingKey": "³"},
        {"thingKey": "1" * 26},
        {"state": "SLEEPING"},
    ],
)
def test_what_is_not_understood_is_refused_not_ignored(given: dict[str, Any]) -> None:
    with pytest.raises(SearchRefused) as refused:
        condition(ATTRIBUTES, given)
    assert refused.value.status == 400
    assert refused.value.message.endswith(".")
