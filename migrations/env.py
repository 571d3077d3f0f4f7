"""Alembic environment: runs inside the Flask application that asks for the migration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app

config = context.config
database = current_app.extensions["migrate"].db
options = dict(current_app.extensions["migrate"].configure_args)


@contextmanager
def rebuilding(connection: Any) -> Iterator[None]:
    """SQLite changes a table by making it anew, so that what refers to it dangles for a moment: looked at in the end instead.

    The switch works only outside a transaction, so it is set on the driver's connection before SQLAlchemy begins one.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    with database.engine.connect() as connection, rebuilding(connection):
        context.configure(connection=connection, target_metadata=database.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()
            if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise RuntimeError("The migration would leave rows that refer to nothing; nothing was changed.")
        connection.commit()


run()
