"""How long the spans are in which jobs are counted over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.api.errors import SearchRefused
from app.api.job_statistics import _width

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "asked", "minutes"),
    [
        (1, "PT1H", 60),
        (1, "P1D", 1_440),
        (1, "P1DT2H3M60S", 1_440 + 120 + 3 + 1),
        (30, "P7D", 10_080),
        (0.1, None, 1),
        (1, None, 15),
        (30, None, 240),
        (365, None, 10_080),
        (36_500, None, 10_080),
    ],
)
def test_a_span_is_as_long_as_asked_or_about_two_hundredths(days: float, asked: Any, minutes: int) -> None:
    assert _width(START, START + timedelta(days=days), asked) == timedelta(minutes=minutes)


@pytest.mark.parametrize("asked", ["", "P", "PT", "1H", "PT1S", "P8D", "PT-1H", "P1M", 60, True, {"$eq": "PT1H"}])
def test_what_is_no_span_is_refused(asked: Any) -> None:
    with pytest.raises(SearchRefused) as refused:
        _width(START, START + timedelta(days=1), asked)
    assert refused.value.resource_id == "resolution"


def test_too_many_spans_and_a_time_that_runs_backwards_are_refused() -> None:
    with pytest.raises(SearchRefused, match="1000 spans"):
        _width(START, START + timedelta(days=1), "PT1M")
    with pytest.raises(SearchRefused, match="after"):
        _width(START, START, None)
