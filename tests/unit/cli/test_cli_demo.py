"""How far the demo's time may be moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.agencies.models import Area
from app.cli import serve_commands
from app.cli.demo_commands import _within_reach
from app.cli.main import main
from app.errors import Invalid
from app.store.database import db, new_key

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("days", [9_999_999, 99_999_999_999_999, 400_000])
def test_time_does_not_go_where_nothing_brings_it_back_from(days: int) -> None:
    with pytest.raises(Invalid, match="no further than the year 2999"):
        _within_reach(days * 86_400_000_000, NOW)


def test_time_goes_on_for_centuries() -> None:
    assert _within_reach(86_400_000_000 * 300_000, NOW) == timedelta(days=300_000)


@pytest.mark.parametrize("command", [["demo", "advance", "P1D"], ["demo", "people"], ["token", "cora"], ["serve"]])
def test_the_demo_is_refused_where_an_area_is_real(
    app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setattr(serve_commands, "application", lambda *_, **__: app)
    for name in ("CONVENOR_ENV", "CONVENOR_DATA", "CONVENOR_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONVENOR_ENV", "demo")
    with app.app_context():
        db.session.add(Area(key=new_key(), slug="borsetshire", name="Borsetshire"))
        db.session.commit()
    assert main(command) == 1
    assert capsys.readouterr().err.startswith("convenor: This database holds an area that is not the demo's.")
