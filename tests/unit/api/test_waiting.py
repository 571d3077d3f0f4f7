"""Requests that wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app.api import waiting

LONG, SHORT = timedelta(seconds=60), timedelta(milliseconds=120)


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def after(looks: int) -> Iterator[bool]:
    while True:
        looks -= 1
        yield looks < 0


def test_how_long() -> None:
    asked = [waiting.asked_for(milliseconds) for milliseconds in (None, 0, -1, 1500, 10_000_000)]
    assert [each.total_seconds() for each in asked] == [10, 10, 0, 1.5, 60]


def test_what_is_so_already_needs_no_waiting() -> None:
    assert waiting.until(lambda: True, timedelta(0))
    assert not waiting.until(lambda: False, timedelta(0))


def test_it_looks_until_it_is_so_or_the_time_is_up() -> None:
    looks = after(2)
    assert waiting.until(lambda: next(looks), LONG)
    assert not waiting.until(lambda: False, SHORT)


def test_where_too_many_wait_the_answer_comes_at_once() -> None:
    held = 0
    while waiting.PLACES.acquire(blocking=False):
        held += 1
    try:
        looks = after(1)
        assert not waiting.until(lambda: next(looks), LONG)
    finally:
        for _ in range(held):
            waiting.PLACES.release()
    assert held == 3


def test_whoever_waits_is_answered_when_the_server_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_ending", threading.Event())
    looks = after(1000)

    def look() -> bool:
        waiting.end()
        return next(looks)

    assert not waiting.until(look, LONG)
    assert waiting.until(lambda: True, LONG), "what is so is still told"
