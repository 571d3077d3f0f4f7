"""The database schema: bringing it up to date, and refusing to serve one that this code cannot.

Migrations expand: what they add, code of the version before does without. So that processes can be exchanged one by one, a revision's name
says which code may go on serving it: ``0012_0010`` is revision 12, and code whose newest revision is 10 or 11 may. A revision that takes
something away or changes what something means is called ``0012`` only, and is served by nothing older.
"""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection, inspect, text
from sqlalchemy.orm import Session

from app.errors import Unavailable
from app.store.database import db

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
RESTORING = "restoring"  # instead of a revision, until a restored database may be served
_FROM = re.compile(r"(?P<number>\d{4})_(?P<oldest>\d{4})")
_REVISION = re.compile(r"^(down_revision|revision) = ['\"]?([\w-]+)['\"]?$", re.MULTILINE)


class SchemaMismatch(Unavailable):
    """The database's schema is not the one this code serves; the message says which side to upgrade."""


def init_migrations(app: Flask) -> None:
    """Register Flask-Migrate with our folder. Imported only where migrations run: a start should not pay for it."""
    from flask_migrate import Migrate

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(FOLDER), render_as_batch=True, compare_type=True)


def migrate(app: Flask) -> None:
    """Bring the schema up to date; nothing to do when it is, or is a later one that this code serves.

    :raises SchemaMismatch: it is newer than this code can serve.
    """
    known, head = _revisions()
    with app.app_context():
        current = _current()
        if current == head or _serves(head, current, known):
            return
        if current is not None and current not in known:
            raise SchemaMismatch(_HALF if current == RESTORING else _NEWER)
        from flask_migrate import upgrade

        init_migrations(app)
        upgrade(directory=str(FOLDER))


def check(app: Flask) -> None:
    """:raises SchemaMismatch: the database is older than this code, or newer than it can serve."""
    known, head = _revisions()
    with app.app_context():
        current = _current()
    if current == head or _serves(head, current, known):
        return
    if current is None or current in known:
        raise SchemaMismatch(_OLDER)
    raise SchemaMismatch(_HALF if current == RESTORING else _NEWER)


_OLDER = "The database schema is older than this version of Convenor: upgrade the database with `convenor migrate`."
_HALF = "A restore into this database has not come to its end: empty the database and restore the backup again."
_LATER = (
    "The database has the schema of a later version of Convenor, of which this one does not know everything: "
    "use the later version for this."
)
_NEWER = "The database schema is newer than this version of Convenor: upgrade Convenor, or restore an earlier backup."


def check_own(app: Flask) -> None:
    """For what must know every table and column there is (a backup).

    :raises SchemaMismatch: the schema is not this code's own.
    """
    check(app)
    with app.app_context():
        if _current() != newest():
            raise SchemaMismatch(_LATER)


def set_revision(connection: Connection | Session, revision: str) -> None:
    """Say in the caller's transaction which schema the database has."""
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def newest() -> str:
    """This code's own schema."""
    return _revisions()[1]


def _serves(head: str, current: str | None, known: set[str]) -> bool:
    """Whether code of the revision ``head`` may serve a later one."""
    found = _FROM.fullmatch(current or "")
    return found is not None and current not in known and found["oldest"] <= head[:4] < found["number"]


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
