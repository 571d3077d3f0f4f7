"""The transactions of requests without sign-in and pages, on the database of an application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from app.factory import _transactions
from app.store.database import db, prepare_engine


@contextmanager
def bare(app: Flask) -> Iterator[Flask]:
    """An application to which a test may add routes that anybody may call."""
    made = Flask("bare")
    made.config["SQLALCHEMY_DATABASE_URI"] = app.config["SQLALCHEMY_DATABASE_URI"]
    db.init_app(made)
    with made.app_context():
        prepare_engine(db.engine)
    _transactions(made, None)
    yield made
    with made.app_context():
        db.engine.dispose()
