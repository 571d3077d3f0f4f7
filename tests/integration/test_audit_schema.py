"""The migrated schema guards the audit as the models do, in the whole application, and the guards hold in use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from app import audit
from app.factory import create_app
from app.schema import migrate
from app.settings import Settings
from app.store.database import db


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    migrate(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_a_migrated_database_refuses_to_change_what_is_recorded(app: Flask) -> None:
    audit.record("work.complete", actor=1)
    db.session.commit()
    assert audit.seal_pending() == 1
    for change in ("UPDATE audit_entry SET actor = 2", "DELETE FROM audit_entry", "DELETE FROM audit_seal"):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(text(change))
        db.session.rollback()
    assert audit.verify().sound


def test_every_page_is_closed_to_who_is_not_signed_in(app: Flask) -> None:
    """Only what anybody may use is open; everything else asks who it is, before it does anything."""
    from app.web.auth import API, OPEN

    client = app.test_client()
    asked = 0
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0]
        if blueprint in OPEN or rule.rule.startswith(API) or "GET" not in (rule.methods or set()):
            continue
        address = rule.build(dict.fromkeys(rule.arguments, "1"), append_unknown=False)
        assert address is not None, rule
        answer = client.get(address[1])
        assert answer.status_code in {302, 404}, (rule, answer.status_code)
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith("/sign-in"), rule
            asked += 1
    assert asked > 5
