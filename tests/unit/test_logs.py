"""Log lines: one JSON object each, and nothing of what people typed."""

from __future__ import annotations

import json
import logging
import sys

from flask import Flask, g

from app.logs import JsonLines

SECRET = "Elin Marsh"


def line(record: logging.LogRecord) -> dict[str, object]:
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("app.some", logging.WARNING, __file__, 1, message, args, None)
    vars(made).update(more)
    return made


def test_a_line_says_what_when_and_where_and_what_came_with_it() -> None:
    found = line(record("sent %d\nnotices", 3, item=7))
    assert (found["event"], found["level"], found["logger"], found["item"]) == (
        "sent 3\nnotices",
        "warning",
        "app.some",
        7,
    )
    assert str(found["timestamp"]).endswith("Z")
    assert "request_id" not in found


def test_an_exception_is_told_by_type_and_place_only() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        made = logging.LogRecord("app.some", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    found = line(made)
    assert found["exception"] == "ValueError"
    assert any("test_logs.py" in place for place in found["at"])  # type: ignore[attr-defined]
    assert SECRET not in json.dumps(found)


def test_a_line_of_a_request_carries_its_id() -> None:
    with Flask("small").test_request_context():
        g.request_id = "abc"
        assert line(record("seen"))["request_id"] == "abc"
