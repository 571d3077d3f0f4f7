"""Bank holidays of England and Wales, against what others say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import holidays as others
import pytest
from flask import Flask

from app import feel
from app.feel.holidays import _year, is_bank_holiday, proclaim
from app.store.clock import end_of_day
from app.web.words import due_words

# From gov.uk/bank-holidays, where a day stands in for one at a weekend both are named.
PUBLISHED = {
    2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-25 12-26 12-27 12-28",
    2022: "01-01 01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-25 12-26 12-27",
    2023: "01-01 01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-26 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-25 12-26 12-27 12-28",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_days_are_those_that_the_government_publishes(year: int) -> None:
    assert sorted(f"{day:%m-%d}" for day in _year(year)) == PUBLISHED[year].split()


@pytest.mark.parametrize("part", ["ENG", "WLS"])
def test_two_centuries_agree_with_the_library(part: str) -> None:
    for year in range(1875, 2101):
        said = {day for day in others.country_holidays("GB", subdiv=part, years=year) if day.year == year}
        if year == 1974:  # the first New Year's Day by proclamation, which the library begins a year later
            said.add(date(1974, 1, 1))
        assert said == _year(year), year


@pytest.fixture
def _none_proclaimed() -> Iterator[None]:
    yield
    proclaim({})


@pytest.mark.usefixtures("_none_proclaimed")
@pytest.mark.parametrize("settings", [{"bank_holidays": "2027-06-07,-2027-05-31"}], indirect=True)
def test_days_proclaimed_since_count_wherever_working_days_are_counted(app: Flask) -> None:
    assert str(feel.to_python(feel.evaluate('add working days(date("2027-06-04"), 1)', {}))) == "2027-06-08"
    assert feel.evaluate('is working day(date("2027-05-31"))', {}) is True
    assert due_words(end_of_day(date(2027, 6, 8)), end_of_day(date(2027, 6, 4))).words == "in 1 working day"
    assert is_bank_holiday(date(2027, 5, 3)), "the others stay"


def test_any_date_can_be_asked_about() -> None:
    assert not is_bank_holiday(date.min)
    assert is_bank_holiday(date(9999, 12, 27))  # for a Saturday
    assert not is_bank_holiday(date.max)
