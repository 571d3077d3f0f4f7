"""Dates and times as people type them."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from app.store.clock import END_OF_DAY, LONDON
from app.web.moments import read_day, read_moment, read_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9", time(9)),
        ("9:30", time(9, 30)),
        ("09.30", time(9, 30)),
        ("14:05", time(14, 5)),
        ("2:05pm", time(14, 5)),
        ("12am", time(0)),
        ("12 PM", time(12)),
        (" 9am ", time(9)),
        ("", None),
        ("24:00", None),
        ("9:60", None),
        ("13pm", None),
        ("0am", None),
        ("half nine", None),
        ("٩:٣٠", None),
    ],
)
def test_times(text: str, expected: time | None) -> None:
    assert read_time(text) == expected


def fields(day: str, month: str, year: str, at: str = "") -> dict[str, str]:
    return {"date-day": day, "date-month": month, "date-year": year, "date-time": at}


@pytest.mark.parametrize(
    ("day", "month", "year", "expected"),
    [
        ("3", "03", "2026", date(2026, 3, 3)),
        (" 29 ", "2", "2028", date(2028, 2, 29)),
        ("29", "2", "2026", None),
        ("", "2", "2026", None),
        ("3", "3", "0", None),
        ("-3", "3", "2026", None),
        ("3", "March", "2026", None),
        ("³", "3", "2026", None),
        ("3", "3", "20260", None),
        ("3", "3", "26", None),
    ],
)
def test_days(day: str, month: str, year: str, expected: date | None) -> None:
    assert read_day(fields(day, month, year), "date") == expected


def test_a_moment_is_london_time() -> None:
    found = read_moment(fields("1", "7", "2026", "9:30"), "date", "new date", needs_time=True)
    assert found.value == datetime(2026, 7, 1, 9, 30, tzinfo=LONDON)
    assert found.value is not None
    assert found.value.utcoffset() is not None
    assert found.value.utcoffset().total_seconds() == 3600  # type: ignore[union-attr]


def test_without_a_time_a_day_ends_at_its_last_second() -> None:
    found = read_moment(fields("3", "3", "2026"), "date", "new date", needs_time=False)
    assert found.value == datetime.combine(date(2026, 3, 3), END_OF_DAY, LONDON)


def test_what_holds_from_a_day_on_begins_with_it() -> None:
    found = read_moment(fields("1", "7", "2026"), "date", "first day", needs_time=False, empty=time(0))
    assert found.value == datetime(2026, 7, 1, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (("29", "3", "2026", "1:30am"), "There is no such time on that day: the clocks go forward then"),
        (("29", "3", "26", "9am"), "Enter the new date, for example 27 3 2026"),
        (("29", "3", "2206", "9am"), "The new date must be within the next 20 years"),
    ],
)
def test_a_date_that_cannot_be_meant_is_refused(typed: tuple[str, str, str, str], error: str) -> None:
    found = read_moment(fields(*typed), "date", "new date", needs_time=True)
    assert found.value is None
    assert found.error is not None
    assert found.error[1] == error


def test_a_missing_time_is_asked_for_where_it_is_needed() -> None:
    found = read_moment(fields("3", "3", "2026"), "date", "new date", needs_time=True)
    assert found.value is None
    assert found.error == ("date-time", "Enter the time, for example 9:30am or 14:00")


def test_a_wrong_day_is_named_and_anchored() -> None:
    found = read_moment(fields("31", "2", "2026", "9"), "date", "new date", needs_time=True)
    assert found.error == ("date-day", "Enter the new date, for example 27 3 2026")
