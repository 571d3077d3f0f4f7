"""An application with only the register of people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.identity import models
from app.settings import Settings
from app.store.database import db, prepare_engine


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(env="test", data=tmp_path)  # type: ignore[arg-type]


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = Flask("identity-test")
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        for table in (models.User, models.RoleGrant, models.WebSession):
            table.__table__.create(db.engine)  # type: ignore[attr-defined]
        yield app
        db.session.remove()
        db.engine.dispose()
