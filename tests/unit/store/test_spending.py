"""Statements are counted for a request that begins an account, and for nobody else."""

from __future__ import annotations

import threading

from flask import Flask
from sqlalchemy import select

from app.store import spending
from app.store.database import db
from app.store.jobs import Job
from tests.support.bare import bare


def test_what_a_request_sends_is_counted(app: Flask) -> None:
    with app.app_context():
        assert spending.sent() is None
        spending.account(True)
        db.session.execute(select(Job.key)).all()
        db.session.execute(select(Job.kind)).all()
        db.session.commit()
        assert spending.sent() == 2
        spending.account(True)
        assert spending.sent() == 0
        spending.account(False)
        db.session.execute(select(Job.key)).all()
        assert spending.sent() is None


def test_another_thread_has_no_account(app: Flask) -> None:
    with app.app_context():
        spending.account(True)
        found: list[int | None] = []

        def other() -> None:
            with app.app_context():
                db.session.execute(select(Job.key)).all()
                found.append(spending.sent())

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert found == [None]
        assert spending.sent() == 0
        spending.account(False)


def test_a_request_that_only_reads_begins_none(app: Flask) -> None:
    found: list[int | None] = []
    with bare(app) as made:

        @made.route("/counted", methods=["GET", "POST"])
        def counted() -> str:
            found.append(spending.sent())
            return ""

        client = made.test_client()
        client.get("/counted")
        client.post("/counted")
        client.get("/counted")
    assert found == [None, 0, None]
