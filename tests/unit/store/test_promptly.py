"""Jobs that begin when their request has committed: the answer waits for them, and a worker does what they could not."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, inspect, select

from app.agencies.models import Area
from app.store import promptly
from app.store.database import db
from app.store.jobs import Handler, Job, handlers
from app.store.worker import Worker
from tests.support.bare import bare


class Kind:
    """A kind of job that adds an area, and remembers in which threads it has run."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.broken = False
        self.sessions: list[object] = []

    def run(self, job: Job) -> None:
        self.threads.append(threading.current_thread().name)
        self.sessions.append(inspect(job).session)
        db.session.add(Area(slug="made", name="Made", demo=True, second_person=False))
        db.session.flush()
        if self.broken:
            raise RuntimeError("no")


@pytest.fixture
def kind() -> Iterator[Kind]:
    made = Kind()
    handlers.register("test.prompt", Handler(made.run, together=True))
    yield made
    del handlers._by_kind["test.prompt"]


@pytest.fixture
def pages(app: Flask) -> Iterator[Flask]:
    """One page that writes a job, and one that takes it back."""
    with bare(app) as made:

        @made.post("/prompt")
        def prompt() -> str:
            promptly.enqueue_promptly("test.prompt", {}, instance_key=1)
            return ""

        @made.post("/undone")
        def undone() -> str:
            promptly.enqueue_promptly("test.prompt", {}, instance_key=1)
            db.session.rollback()
            return ""

        yield made


def post(app: Flask, path: str) -> None:
    assert app.test_client().post(path).status_code == 200


def made(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.execute(select(Area.slug).where(Area.slug == "made")).scalars())


def left(app: Flask) -> int:
    with app.app_context():
        return len(db.session.execute(select(Job.key).where(Job.kind == "test.prompt")).all())


def test_it_has_run_when_the_answer_comes(pages: Flask, kind: Kind) -> None:
    post(pages, "/prompt")
    assert kind.threads == ["promptly"]
    assert kind.sessions == [None], "nor does it ask the session of another thread"
    assert made(pages) == ["made"]
    assert left(pages) == 0


def test_no_more_begin_than_there_are_places(pages: Flask, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promptly, "_places", threading.BoundedSemaphore(1))
    kind.broken = True
    for _ in range(2):
        post(pages, "/prompt")
    with promptly._places:
        post(pages, "/prompt")
    assert kind.threads == ["promptly"] * 2, "each gives its place back"
    assert left(pages) == 3


def test_what_it_needs_is_locked_before_the_job_as_by_a_worker(pages: Flask, kind: Kind) -> None:
    left_then: list[int] = []

    def prepare(jobs: Sequence[Job]) -> set[int]:
        left_then.append(len(db.session.execute(select(Job.key).where(Job.key.in_([job.key for job in jobs]))).all()))
        return set()

    handlers.register("test.prompt", Handler(kind.run, together=True, prepare=prepare))
    post(pages, "/prompt")
    assert left_then == [1]
    assert kind.threads == ["promptly"]


def test_what_is_undone_does_not_begin(pages: Flask, kind: Kind) -> None:
    post(pages, "/undone")
    assert kind.threads == []
    assert left(pages) == 0


def test_what_it_cannot_do_is_left_for_a_worker(pages: Flask, kind: Kind) -> None:
    kind.broken = True
    post(pages, "/prompt")
    assert made(pages) == []
    assert left(pages) == 1
    kind.broken = False
    Worker(pages, lease=timedelta(seconds=10), name="test").run_until_idle()
    assert made(pages) == ["made"]
    assert left(pages) == 0


def test_what_a_worker_was_first_to_do_is_not_done_again(
    pages: Flask, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all = promptly._run_all

    def late(app: Flask, jobs: list[Job], done: threading.Event) -> None:
        with app.app_context():
            db.session.execute(delete(Job).where(Job.kind == "test.prompt"))
            db.session.commit()
        run_all(app, jobs, done)

    monkeypatch.setattr(promptly, "_run_all", late)
    post(pages, "/prompt")
    assert kind.threads == []


def test_an_answer_waits_a_moment_and_no_longer(pages: Flask, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    may_go_on, has_ended = threading.Event(), threading.Event()
    run_all = promptly._run_all

    def slow(app: Flask, jobs: list[Job], done: threading.Event) -> None:
        may_go_on.wait(30)
        run_all(app, jobs, done)
        has_ended.set()

    monkeypatch.setattr(promptly, "_run_all", slow)
    monkeypatch.setattr(promptly, "PATIENCE", 0.01)
    post(pages, "/prompt")
    assert kind.threads == []
    may_go_on.set()
    assert has_ended.wait(30)
    assert made(pages) == ["made"]
