"""Instants in words: London days, working days of England and Wales."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.store.clock import LONDON, end_of_day
from app.web import words

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=LONDON)  # a Wednesday


def at(day: int, month: int = 3, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("instant", "expected", "late"),
    [
        (None, "No due date", False),
        (end_of_day(NOW.date()), "today", False),
        (at(4, hour=12), "today by midday", False),
        (at(4, hour=14, minute=5), "today by 2:05pm", False),
        (end_of_day(NOW.date() + timedelta(days=1)), "tomorrow", False),
        (at(5, hour=9), "tomorrow by 9am", False),
        (end_of_day(NOW.date() + timedelta(days=2)), "in 2 working days", False),
        (at(9), "in 3 working days", False),  # Monday: the weekend does not count
        (at(7), "in 2 working days", False),  # Saturday: the last working day before it is Friday
        (at(1, month=4), "in 4 weeks", False),
        (at(1, month=9), "on 1 September 2026", False),
        (at(4, hour=8), "late since 8am today", True),
        (at(3), "1 working day late", True),
        (datetime(1026, 3, 4, 12, tzinfo=UTC), "late since 4 March 1026", True),  # somebody's slip of the pen
        (end_of_day(at(27, month=2).date()), "3 working days late", True),  # Friday: Monday, Tuesday, Wednesday
    ],
)
def test_due_in_words(instant: datetime | None, expected: str, late: bool) -> None:
    found = words.due_words(instant, NOW)
    assert (found.words, found.late) == (expected, late)


def test_late_over_a_weekend_counts_days_while_no_working_day_has_passed() -> None:
    sunday = datetime(2026, 3, 8, 10, tzinfo=LONDON)
    assert words.due_words(end_of_day(at(6).date()), sunday).words == "2 days late"


def test_good_friday_and_easter_monday_are_not_working_days() -> None:
    thursday = datetime(2026, 4, 2, 10, tzinfo=LONDON)
    assert words.due_words(end_of_day(at(7, month=4).date()), thursday).words == "in 1 working day"


def test_the_exact_words_leave_out_a_time_that_stands_for_the_whole_day() -> None:
    assert words.due_words(end_of_day(at(6).date()), NOW).exact == "Fri 6 March 2026"
    assert words.due_words(at(6, hour=17), NOW).exact == "Fri 6 March 2026 at 5pm"


def test_instants_are_told_in_london_time() -> None:
    assert words.moment_in_words(datetime(2026, 7, 1, 23, 15, tzinfo=UTC)) == "2 July 2026 at 12:15am"


@pytest.mark.parametrize(
    ("type_", "value", "unit", "expected"),
    [
        ("duration", "P8D", "", "8 days"),
        ("duration", "PT4H", "", "4 hours"),
        ("duration", "P1Y6M", "", "1 year 6 months"),
        ("duration", "P", "", "P"),
        ("boolean", "true", "", "yes"),
        ("number", "5", "working days", "5 working days"),
        ("number", "1", "working days", "1 working day"),
        ("time", "12:00", "time of day", "midday"),
        ("time", "17:30:00", "", "5:30pm"),
        ("time", "noon", "", "noon"),
    ],
)
def test_parameters_in_words(type_: str, value: str, unit: str, expected: str) -> None:
    assert words.parameter_words(type_, value, unit) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [(None, ""), (0, "0 bytes"), (999, "999 bytes"), (34_500, "34 KB"), (1_234_567, "1.2 MB")]
)
def test_sizes(size: int | None, expected: str) -> None:
    assert words.size_words(size) == expected
