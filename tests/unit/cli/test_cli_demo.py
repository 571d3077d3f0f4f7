"""How far the demo's time may be moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.cli.demo_commands import _within_reach
from app.errors import Invalid

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("days", [9_999_999, 99_999_999_999_999, 400_000])
def test_time_does_not_go_where_nothing_brings_it_back_from(days: int) -> None:
    with pytest.raises(Invalid, match="no further than the year 2999"):
        _within_reach(days * 86_400_000_000, NOW)


def test_time_goes_on_for_centuries() -> None:
    assert _within_reach(86_400_000_000 * 300_000, NOW) == timedelta(days=300_000)
