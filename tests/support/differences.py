"""Whether the models and the migrations make the same database."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Index, text
from sqlalchemy.schema import CreateIndex

from app.store.database import db, tell_conditions


def differences() -> list[Any]:
    """What only the models say, or only the database has.

    On SQLite Alembic cannot compare an index with an expression in it: its words are compared instead.
    """
    on_sqlite = db.engine.dialect.name == "sqlite"
    for table in db.metadata.tables.values():
        tell_conditions(table, db.engine.dialect.name)
    expressed = {
        str(index.name): index
        for table in db.metadata.tables.values()
        for index in table.indexes
        if on_sqlite and not all(isinstance(each, Column) for each in index.expressions)
    }
    with db.engine.connect() as connection:
        found = compare_metadata(
            MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_object": lambda _object, name, kind, *_: kind != "index" or name not in expressed,
                },
            ),
            db.metadata,
        )
        there = dict(connection.execute(text("SELECT name, sql FROM sqlite_master")).all()) if on_sqlite else {}
    return [*found, *((name, there.get(name)) for name, index in expressed.items() if there.get(name) != _words(index))]


def _words(index: Index) -> str:
    return str(CreateIndex(index).compile(db.engine))
