"""The points at which a test may end a process: every commit of a session is one, named or not."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.settings import Env, SettingsError
from app.store import faults, jobs
from app.store.database import db, short_write


@pytest.fixture
def killed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """What the process was sent, instead of being sent it."""
    sent: list[int] = []
    monkeypatch.setattr("os.kill", lambda _pid, number: sent.append(number))
    yield sent
    for side in ("before", "after"):
        if event.contains(Session, f"{side}_commit", faults._commit):
            event.remove(Session, f"{side}_commit", faults._commit)
    faults.arm(app.config["SETTINGS"], {})


@pytest.mark.parametrize("side", ["before", "after"])
def test_every_commit_is_a_point(app: Flask, killed: list[int], side: str) -> None:
    faults.arm(app.config["SETTINGS"], {faults.VARIABLE: f"worker.commit.{side}:3"})
    with app.app_context():
        jobs.enqueue("test.one")
        with db.session.begin_nested():
            jobs.enqueue("test.savepoint")
        db.session.commit()
        with short_write():
            jobs.enqueue("test.two")
        assert killed == []
        jobs.enqueue("test.three")
        db.session.commit()
    assert killed == [signal.SIGKILL]


def test_nothing_is_armed_outside_tests(app: Flask, killed: list[int]) -> None:
    production = replace(
        app.config["SETTINGS"],
        env=Env.PRODUCTION,
        base_url="https://convenor.example.gov.uk",
        oidc_issuer="https://id.example.gov.uk",
    )
    faults.arm(production, {faults.VARIABLE: "web.commit.before"})
    with app.app_context():
        db.session.commit()
    assert killed == []
    assert not event.contains(Session, "before_commit", faults._commit)


def test_a_point_that_is_not_there_is_said(app: Flask, killed: list[int]) -> None:
    with pytest.raises(SettingsError, match="no fault point"):
        faults.arm(app.config["SETTINGS"], {faults.VARIABLE: "web.commit.never"})
    assert killed == []
