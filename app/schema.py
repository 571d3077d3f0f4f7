"""The database schema: bringing it up to date, and refusing to serve one that this code does not know."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from sqlalchemy import inspect, text

from app.errors import Unavailable
from app.store.database import db

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
_REVISION = re.compile(r"^(down_revision|revision) = ['\"]?([\w-]+)['\"]?$", re.MULTILINE)


class SchemaMismatch(Unavailable):
    """The database's schema is not the one this code serves; the message says which side to upgrade."""


def init_migrations(app: Flask) -> None:
    """Register Flask-Migrate with our folder. Imported only where migrations run: a start should not pay for it."""
    from flask_migrate import Migrate

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(FOLDER), render_as_batch=True, compare_type=True)


def migrate(app: Flask) -> None:
    """Bring the schema up to date; nothing to do when it is."""
    known, head = _revisions()
    with app.app_context():
        current = _current()
        if current == head:
            return
        if current is not None and current not in known:
            raise SchemaMismatch(_NEWER)
        from flask_migrate import upgrade

        init_migrations(app)
        upgrade(directory=str(FOLDER))


def check(app: Flask) -> None:
    """:raises SchemaMismatch: the database is older or newer than this code."""
    known, head = _revisions()
    with app.app_context():
        current = _current()
    if current == head:
        return
    raise SchemaMismatch(_OLDER if current is None or current in known else _NEWER)


_OLDER = "The database schema is older than this version of Convenor: upgrade the database with `convenor migrate`."
_NEWER = "The database schema is newer than this version of Convenor: upgrade Convenor, or restore an earlier backup."


def newest() -> str:
    """The schema that this code serves."""
    return _revisions()[1]


def _revisions() -> tuple[set[str], str]:
    """Every revision this code knows, and the newest: the one that no other follows."""
    known: set[str] = set()
    followed: set[str] = set()
    for path in (FOLDER / "versions").glob("*.py"):
        found = dict(_REVISION.findall(path.read_text(encoding="utf-8")))
        known.add(found["revision"])
        followed.add(found.get("down_revision", "None"))
    heads = known - followed
    if len(heads) != 1:
        raise SchemaMismatch("The migrations have no single newest revision.")
    return known, heads.pop()


def _current() -> str | None:
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
