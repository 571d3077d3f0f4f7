"""Entries: what they hold, when they commit, and that the database keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from app import audit
from app.audit import AuditEntry, AuditSeal
from app.identity.person import Person
from app.store.database import db

ADA = Person(1, "ada", "Ada Marsh", area_key=1, roles=frozenset({("idva", 7), ("agency-spoc", 7)}), client="robot")
SECRET = "Zwetschgenbaum told us where she hides"


def entries() -> list[AuditEntry]:
    return list(db.session.execute(select(AuditEntry).order_by(AuditEntry.key)).scalars())


def test_an_entry_tells_who_did_what_to_which_reference_and_proves_content_without_holding_it(app: Flask) -> None:
    audit.record(
        "work.hand-over", actor=ADA, subject="item:5", case_key=9, meeting_key=8, instance_key=7, detail=SECRET
    )
    audit.record("work.hand-over", actor=2, role="operator", subject="item:5", detail=SECRET)
    audit.record("timer.fired", detail="other")
    db.session.commit()
    first, second, third = entries()
    assert (first.actor, first.role, first.client) == (1, "agency-spoc idva", "robot")
    assert (first.case_key, first.meeting_key, first.instance_key, first.subject) == (9, 8, 7, "item:5")
    assert first.digest == second.digest != third.digest
    assert (second.actor, second.role, third.actor) == (2, "operator", None)
    row = db.session.execute(text("SELECT * FROM audit_entry")).all()
    assert "Zwetschgenbaum" not in repr(row)


def test_an_entry_commits_with_what_was_done_or_not_at_all(app: Flask) -> None:
    audit.record("work.complete", actor=ADA)
    db.session.rollback()
    assert entries() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET action = 'nothing'",
        "UPDATE audit_entry SET actor = NULL",
        "UPDATE audit_entry SET sequence = 99",
        "UPDATE audit_entry SET sequence = 99, link = 'x', action = 'nothing'",
        "DELETE FROM audit_entry",
        "UPDATE audit_seal SET root = 'x'",
        "DELETE FROM audit_seal",
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_the_database_refuses_to_change_or_remove_what_is_recorded(app: Flask, change: str, sealed: bool) -> None:
    audit.record("work.complete", actor=ADA)
    db.session.commit()
    audit.seal_pending()
    if not sealed:
        audit.record("work.claim", actor=ADA)
        db.session.commit()
    with pytest.raises(DatabaseError, match="append-only"):
        db.session.execute(text(change))
    db.session.rollback()
    assert len(entries()) == (1 if sealed else 2)


def test_the_models_cannot_change_an_entry_either(app: Flask) -> None:
    audit.record("work.complete", actor=ADA)
    db.session.commit()
    for statement in (update(AuditEntry).values(action="x"), delete(AuditEntry)):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(statement)
        db.session.rollback()
    audit.seal_pending()
    with pytest.raises(DatabaseError, match="append-only"):
        db.session.execute(delete(AuditSeal))
    db.session.rollback()


def page(app: Flask, body: Any, methods: list[str] | None = None) -> None:
    app.add_url_rule("/page", "page", body, methods=methods or ["GET"])


def test_a_page_that_shows_content_is_recorded_once_with_its_request(app: Flask) -> None:
    def show() -> str:
        audit.view(ADA, "case", subject="case:9", case_key=9)
        audit.view(ADA, "case", subject="case:9", case_key=9)
        audit.view(ADA, "document", subject="document:4", case_key=9)
        return "shown"

    page(app, show)
    assert app.test_client().get("/page").text == "shown"
    assert [(e.action, e.subject, e.request_id) for e in entries()] == [
        ("view.case", "case:9", "request-1"),
        ("view.document", "document:4", "request-1"),
    ]


def test_a_request_that_writes_takes_its_views_along(app: Flask) -> None:
    def do() -> str:
        audit.record("work.complete", actor=ADA)
        audit.view(ADA, "task", subject="item:5")
        return "done"

    page(app, do, ["POST"])
    app.test_client().post("/page")
    assert sorted(e.action for e in entries()) == ["view.task", "work.complete"]


def test_what_was_shown_is_recorded_even_when_what_was_done_is_rolled_back(app: Flask) -> None:
    def refuse() -> str:
        audit.record("work.complete", actor=ADA)
        audit.view(ADA, "task", subject="item:5")
        g.rolled_back = True
        return "these answers are wrong"

    page(app, refuse, ["POST"])
    app.test_client().post("/page")
    assert [e.action for e in entries()] == ["view.task"]


def test_a_page_whose_view_cannot_be_recorded_is_not_sent(app: Flask) -> None:
    def show() -> str:
        audit.view(ADA, "x" * 300, subject="case:9")
        db.session.execute(text("SELECT 1"))
        return "the secret"

    page(app, show)
    with app.test_client() as client:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        if db.engine.dialect.name == "sqlite":
            db.session.execute(text("ALTER TABLE audit_entry RENAME TO elsewhere"))
            db.session.commit()
        answer = client.get("/page")
    assert answer.status_code == 500
    assert "the secret" not in answer.text
