"""Installations that are prepared once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from app.factory import create_app
from app.settings import Env, Settings
from app.store.clock import clock
from app.store.database import db
from tests.support.hours import START


@contextmanager
def opened(settings: Settings, source: Path | None = None) -> Iterator[Flask]:
    """An application over its data, which are a copy when there is a source; let go of afterwards."""
    if source is not None:
        shutil.copytree(source, settings.data)
    app = create_app(settings)
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextmanager
def prepared(folder: Path, source: Path | None = None, database: str = "") -> Iterator[Flask]:
    """An application to prepare data with, while business time stands still at the beginning."""
    settings = Settings(env=Env.TEST, data=folder, base_url="http://127.0.0.1:8000", database_url=database)
    clock.freeze(START)
    try:
        with opened(settings, source) as app:
            yield app
    finally:
        clock.freeze(None)
