"""The database schema: bringing it up to date, and refusing to serve one that this code does not know."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, upgrade

from app.errors import Unavailable
from app.store.database import db

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


class SchemaMismatch(Unavailable):
    """The database's schema is not the one this code serves; the message says which side to upgrade."""


def init_app(app: Flask) -> None:
    """Register Flask-Migrate with our folder."""
    Migrate(app, db, directory=str(FOLDER), render_as_batch=True, compare_type=True)


def migrate(app: Flask) -> None:
    """Bring the schema up to date."""
    with app.app_context():
        upgrade(directory=str(FOLDER))


def _script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return ScriptDirectory.from_config(config)


def check(app: Flask) -> None:
    """:raises SchemaMismatch: the database is older or newer than this code."""
    script = _script()
    head = script.get_current_head()
    with app.app_context(), db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if current is None or current in known:
        raise SchemaMismatch(
            "The database schema is older than this version of Convenor: upgrade the database with `convenor migrate`."
        )
    raise SchemaMismatch(
        "The database schema is newer than this version of Convenor: upgrade Convenor, or restore an earlier backup."
    )
