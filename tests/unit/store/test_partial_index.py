"""An index of some rows is one in the database, of either kind."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, create_mock_engine, inspect
from sqlalchemy.dialects import postgresql

from app.store.database import partial_index


@pytest.fixture
def metadata() -> MetaData:
    found = MetaData()
    Table(
        "thing",
        found,
        Column("key", Integer, primary_key=True),
        Column("ended", Integer),
        partial_index("ix_thing_open", "key", where="ended IS NULL"),
    )
    return found


def test_on_sqlite(metadata: MetaData) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    (index,) = inspect(engine).get_indexes("thing")
    assert index["name"] == "ix_thing_open"
    assert str(index["dialect_options"]["sqlite_where"]) == "ended IS NULL"
    engine.dispose()


def test_on_postgresql(metadata: MetaData) -> None:
    told: list[str] = []
    engine = create_mock_engine(
        "postgresql+psycopg://",
        lambda ddl, *_, **__: told.append(str(ddl.compile(dialect=postgresql.dialect()))),  # type: ignore[no-untyped-call]
    )
    metadata.create_all(engine, checkfirst=False)
    assert "CREATE INDEX ix_thing_open ON thing (key) WHERE ended IS NULL" in told
