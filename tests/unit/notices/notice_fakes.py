"""A directory, a post office and a wall clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.notices.job import Sender
from app.notices.service import JOB_KIND, MAX_ATTEMPTS
from app.store import jobs
from app.store.database import db
from app.store.jobs import Handler, Handlers

START = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)


class Wall:
    """Wall time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for place in ("app.store.jobs.wall_now", "app.notices.job.wall_now", "app.notices.service.wall_now"):
            monkeypatch.setattr(place, lambda: self.now)
        monkeypatch.setattr("app.store.leases.wall_now", lambda: self.now)
        monkeypatch.setattr("app.store.jobs.business_now", lambda: self.now)
        monkeypatch.setattr("app.notices.message.wall_now", lambda: self.now)
        monkeypatch.setattr("app.notices.transport.monotonic", lambda: (self.now - START).total_seconds())

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


class FakeDirectory:
    def __init__(self) -> None:
        self.people = {1: "ada@example.org", 2: "grace@example.org"}
        self.refs = {"attendee:7": "visitor@example.org"}
        self.secrets = {"attendee:7": "s3cr3t-Token"}

    def email_of(self, user_key: int) -> str | None:
        return self.people.get(user_key)

    def email_of_ref(self, ref: str) -> str | None:
        return self.refs.get(ref)

    def secret_of_ref(self, ref: str) -> str | None:
        return self.secrets.get(ref)


def run_due(handlers: Handlers) -> int:
    """Claim and run what is due, once, as a worker does; the number of jobs that ended well."""
    done = 0
    claimed = jobs.claim("test", timedelta(seconds=10), limit=500)
    db.session.commit()
    for job in claimed:
        handler = handlers.get(job.kind)
        assert handler is not None
        try:
            handler.run(job)
            assert jobs.finish(job.key, "test")
            db.session.commit()
            done += 1
        except Exception as error:
            db.session.rollback()
            last = jobs.release(job.key, "test", str(error), job.max_attempts)
            db.session.commit()
            if last and handler.failed:
                handler.failed(job, error)
                db.session.commit()
    return done


class Post:
    """A transport that keeps what it is given, or raises what it is told to; and the worker on it."""

    def __init__(self, directory: FakeDirectory, wall: Wall, ledger: Path) -> None:
        self.taken: list[EmailMessage] = []
        self.error: Exception | None = None
        self.tries = 0
        self.wall = wall
        sender = Sender(self, directory, "https://convenor.example", "convenor@example.org", ledger)
        self.handlers = Handlers()
        self.handlers.register(JOB_KIND, Handler(run=sender.run, failed=sender.give_up, max_attempts=MAX_ATTEMPTS))

    def deliver(self, message: EmailMessage, name: str) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.taken.append(message)

    def work(self) -> int:
        return run_due(self.handlers)


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())
