"""How the database is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from app.store import database
from tests.support import unsynced


def test_what_is_committed_on_sqlite_outlives_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SYNCHRONOUS", unsynced.SHIPPED)
    engine = create_engine(f"sqlite:///{tmp_path / 'db'}")
    database.prepare_engine(engine)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("synchronous", "journal_mode")
        }
    engine.dispose()
    assert found == {"synchronous": 2, "journal_mode": "wal"}, "2 is FULL"
