"""Values across the border: Python, JSON, and text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from app.feel import FeelLimitError, FeelTypeError, evaluate, from_json, from_python, kind, to_json, to_python
from app.feel.temporal import Date


class Tool(StrEnum):
    DASH = "SAFELIVES_DASH_24"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (3, "number"),
        (0.1, "number"),
        (Decimal("1.10"), "number"),
        ("x", "string"),
        (Tool.DASH, "string"),
        (date(2026, 1, 31), "date"),
        (time(14, 30), "time"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "date and time"),
        (timedelta(days=5), "days and time duration"),
        ([1], "list"),
        ((1, 2), "list"),
        ({"a": 1}, "context"),
    ],
)
def test_python_values_have_a_kind(value: Any, name: str) -> None:
    assert kind(from_python(value)) == name


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        14,
        Decimal("0.1"),
        "text",
        date(2026, 2, 28),
        time(14, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 7, 1, 9, 30, tzinfo=ZoneInfo("Europe/London")),
        datetime(2026, 7, 1, 9, 30, 0, 123_456, tzinfo=UTC),
        datetime(2026, 7, 1, 9, 30),
        datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"), fold=1),
        [1, {"a": [date(2026, 1, 1)]}],
    ],
)
def test_values_go_in_and_come_out_the_same(value: Any) -> None:
    assert to_python(from_python(value)) == value


def test_the_hour_that_comes_twice_is_kept_apart() -> None:
    first = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/London"))
    second = from_python(first.replace(fold=1))
    assert evaluate("b - a", {"a": first, "b": second}) == evaluate('@"PT1H"', {})
    assert evaluate('a + @"PT1H" = b', {"a": first, "b": second}) is True
    assert from_json(to_json(second)) == second
    assert to_python(second).fold == 1


def test_what_python_lacks_comes_out_as_text() -> None:
    assert to_python(evaluate('duration("P1DT2H")', {})) == "P1DT2H"
    assert to_python(evaluate('duration("P1Y2M")', {})) == "P1Y2M"
    assert to_python(Date(12026, 1, 1)) == "12026-01-01"


@pytest.mark.parametrize("text", ["count", "[1..2]"])
def test_functions_and_ranges_do_not_come_out(text: str) -> None:
    with pytest.raises(FeelTypeError):
        to_python(evaluate(text, {}))


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "true",
        "1.10",
        "12345678901234567890.123456789",
        '"text"',
        '@"2026-01-31"',
        '@"-12026-01-31"',
        '@"14:30:00.125+01:00"',
        '@"14:30:00@Europe/London"',
        '@"2026-07-01T14:30:00@Europe/London"',
        '@"P1DT2H"',
        '@"-P14M"',
        '[1, [2, null], {a: @"P1D"}]',
        '{"$": "date", v: "x", b: {"$": 1}}',
        "[1..5)",
        "(< 3)",
    ],
)
def test_storage_keeps_every_value_and_its_type(text: str) -> None:
    value = evaluate(text, {})
    stored = orjson.dumps(to_json(value))
    again = from_json(orjson.loads(stored))
    assert again == value
    assert repr(again) == repr(value)


@pytest.mark.parametrize(
    "data",
    [
        {"$": "number", "v": "x"},
        {"$": "number", "v": "NaN"},
        {"$": "date", "v": "x"},
        {"$": "os"},
        {"$": "range", "v": []},
    ],
)
def test_broken_storage_is_refused(data: Any) -> None:
    with pytest.raises(FeelTypeError):
        from_json(data)


def test_plain_json_is_read_too() -> None:
    assert from_json({"a": 1, "b": [True, None, "x"]}) == {"a": Decimal(1), "b": [True, None, "x"]}


def test_shared_data_is_not_copied_without_end() -> None:
    shared: list[Any] = [1]
    for _ in range(30):
        shared = [shared, shared]
    for convert in (from_python, to_python, to_json, from_json):
        with pytest.raises(FeelLimitError):
            convert(shared)


def test_variables_are_converted_once_in_an_evaluation() -> None:
    assert evaluate("count(a) + count(a) + a[1]", {"a": [1, 2]}) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('date("12026-02-28") + @"P1D"', '"12026-03-01"'),
        ('date("-0001-03-01") - @"P1D"', '"-0001-02-28"'),
        ('@"2026-10-25T00:30:00@Europe/London" + @"PT1H"', '"2026-10-25T01:30:00@Europe/London"'),
        ('@"2026-06-01T12:00:00@Europe/London" - @"2026-06-01T12:00:00Z"', '"-PT1H"'),
        ('@"12026-06-01T12:00:00@Europe/London" + @"PT24H"', '"12026-06-02T12:00:00@Europe/London"'),
        ('@"2026-01-31T10:00:00+05:30"', '"2026-01-31T10:00:00+05:30"'),
        ('duration("PT36H")', '"P1DT12H"'),
        ('duration("PT0S")', '"PT0S"'),
        ('duration("P0Y")', '"P0M"'),
        ("1e3", '"1000"'),
        ("1.50", '"1.5"'),
        ("-0", '"0"'),
    ],
)
def test_values_as_text(text: str, expected: str) -> None:
    assert evaluate(f"string({text})", {}) == evaluate(expected, {})
