"""A database of an earlier version, with a case half way in it, is brought up to date and goes on: nothing in it is lost."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import MetaData, func, select

from app import audit, schema
from app.agencies.models import Area
from app.demo import story
from app.store.database import db
from tests.support.differences import differences
from tests.support.installation import Blank

FIRST = "0001"


def rows() -> dict[str, int]:
    """How many rows each table of the database holds."""
    db.session.rollback()
    with db.engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in found.sorted_tables
            if table.name != "alembic_version"
        }


def go_back(app: Flask) -> None:
    schema.init_migrations(app)
    db.session.rollback()
    downgrade(directory=str(schema.FOLDER), revision=FIRST)


def test_the_first_schema_is_brought_up_to_date_with_what_it_holds(blank: Blank, tmp_path: Path) -> None:
    with blank.copy(tmp_path / "data") as installation, installation.app() as app:
        story.begin(app, db.session.execute(select(Area.key)).scalar_one())
        audit.seal_pending()
        before = rows()
        assert before["submission"] >= 5
        go_back(app)
        old = rows()
        assert set(old) < set(before)
        assert {name: before[name] for name in old} == old
        schema.migrate(app)
        assert rows() == before
        assert differences() == []
        story.plan_meeting(story.meeting_day(11))
        audit.seal_pending()
        assert audit.verify().findings == []
