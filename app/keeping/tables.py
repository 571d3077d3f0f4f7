"""Copying every table from one database to another, whatever the two are, without reading or changing what the values mean.

JSON travels as its own text, so that an SQL null stays one and a document keeps the order of its keys. All other values travel as
themselves. Tables are copied in the order of their references.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    type_coerce,
)
from sqlalchemy import table as table_named
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine

BATCH = 1_000


def ordered(metadata: MetaData) -> list[Table]:
    """Every table of ours, referenced tables first."""
    return list(metadata.sorted_tables)


def count(connection: Connection, table: Table) -> int:
    """How many rows a table holds."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def digest(file: Connection, name: str, columns: Iterable[str]) -> str:
    """SHA-256 over a table of a backup: every value as the file has it, with its kind and length, in the order of the rows."""
    found = sha256()
    listed: list[ColumnElement[Any]] = [column(each) for each in columns]
    for row in file.execute(select(*listed).select_from(table_named(name)).order_by(column("rowid"))):
        for value in row:
            raw = value if isinstance(value, bytes) else str(value).encode()
            found.update(f"{type(value).__name__} {len(raw)} ".encode())
            found.update(raw)
    return found.hexdigest()


def copy(source: Connection, target: Connection, table: Table) -> int:
    """Copy all rows of a table; how many there were. The caller owns both transactions."""
    copied = 0
    for rows in _read(source, table):
        _write(target, table, rows)
        copied += len(rows)
    return copied


def _read(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    columns = [_as_text(source, column).label(column.name) if _is_json(column.type) else column for column in table.c]
    query: Select[Any] = select(*columns).order_by(*table.primary_key.columns)
    result = source.execution_options(yield_per=BATCH).execute(query)
    for part in result.partitions():
        yield [dict(row._mapping) for row in part]


def _write(target: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    values = {column.name: _from_text(target, column) for column in table.c if _is_json(column.type)}
    target.execute(insert(table).values(values) if values else insert(table), rows)


def _is_json(kind: TypeEngine[Any]) -> bool:
    inner = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return isinstance(inner, JSON)


def _as_text(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    if connection.dialect.name == "sqlite":
        return type_coerce(column, Text)
    return cast(column, Text)


def _from_text(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    given = bindparam(str(column.key), type_=Text)
    if connection.dialect.name == "sqlite":
        return given
    return cast(given, column.type)
