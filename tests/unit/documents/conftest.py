"""An application with one SQLite file, invented keys, and a worker that the test drives by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from document_fakes import FakeKeys
from flask import Flask

from app import documents
from app.documents.models import Document
from app.store.database import db, prepare_engine
from app.store.jobs import Handlers, Job, claim, finish, release


@pytest.fixture
def keys() -> FakeKeys:
    return FakeKeys()


@pytest.fixture
def app(tmp_path: Path, keys: FakeKeys) -> Iterator[Flask]:
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    db.init_app(app)
    documents.init_app(app, keys)
    with app.app_context():
        prepare_engine(db.engine)
        db.metadata.create_all(db.engine, tables=[Document.__table__, Job.__table__])
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def handlers() -> Handlers:
    handlers = Handlers()
    documents.register_jobs(handlers)
    return handlers


@pytest.fixture
def work(app: Flask, handlers: Handlers) -> Callable[[], int]:
    """Run what is due, once, as a worker does; says how many jobs ended."""

    def run() -> int:
        done = 0
        jobs = claim("test", timedelta(seconds=10), limit=50)
        db.session.commit()
        for job in jobs:
            handler = handlers.get(job.kind)
            assert handler is not None
            try:
                handler.run(job)
                assert finish(job.key, "test")
                db.session.commit()
                done += 1
            except Exception as error:
                db.session.rollback()
                last = release(job.key, "test", str(error), job.max_attempts)
                db.session.commit()
                if last and handler.failed:
                    handler.failed(job, error)
                    db.session.commit()
        return done

    return run
