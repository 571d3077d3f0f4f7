"""London days: when something due on a day is due, summer time included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import event

from app.store.clock import (
    as_of,
    business_now,
    clock,
    end_of_day,
    load_offset,
    start_of_day,
    store_advance,
    wall_now,
)
from app.store.database import db


def test_a_day_ends_in_london() -> None:
    assert end_of_day(date(2026, 1, 5)) == datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC)
    assert end_of_day(date(2026, 7, 5)) == datetime(2026, 7, 5, 22, 59, 59, tzinfo=UTC)
    assert start_of_day(date(2026, 7, 5)) == datetime(2026, 7, 4, 23, 0, tzinfo=UTC)


def test_the_demo_moves_business_time_for_every_process(app: Flask, tmp_path: Path) -> None:
    clock.freeze(None)
    with app.app_context():
        store_advance(timedelta(days=3), tmp_path)
        db.session.commit()
        clock.set_offset(timedelta(0))  # another process, which has not looked yet
        load_offset()
        assert timedelta(days=2, hours=23) < business_now() - wall_now() < timedelta(days=3, hours=1)
        db.session.rollback()
    clock.set_offset(timedelta(0))


def test_a_moved_clock_is_seen_at_once_and_asked_for_seldom(app: Flask, tmp_path: Path) -> None:
    clock.freeze(None)
    with app.app_context():
        load_offset(tmp_path)
        store_advance(timedelta(days=3), tmp_path)
        db.session.commit()
        clock.set_offset(timedelta(0))  # another process
        load_offset(tmp_path)
        assert business_now() - wall_now() > timedelta(days=2)
        asked: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
        load_offset(tmp_path)
        assert asked == []
        load_offset(tmp_path / "elsewhere")
        assert "clock_offset" in asked[-1]
        db.session.rollback()
    clock.set_offset(timedelta(0))


def test_business_time_stands_still_for_what_was_decided_before() -> None:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    with as_of(at):
        assert business_now() == at
        with as_of(at - timedelta(days=1)):
            assert business_now() == at - timedelta(days=1)
        assert business_now() == at
        assert abs(wall_now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert business_now() != at
