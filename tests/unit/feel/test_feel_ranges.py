"""How points and ranges lie to each other, case by case (DMN 1.5, table 80)."""

from __future__ import annotations

import pytest

from app.feel import FeelSyntaxError, evaluate

TRUE = """
before(1, 10)
before(1, [2..10])
before([1..10), 10)
before([1..10], [15..20])
before([1..10), [10..20])
before([1..10], (10..20])
after(10, 5)
after(12, [1..5])
after(10, [1..10))
after((1..10], 1)
after([11..20], [1..10])
after([11..20], [1..11))
after((11..20], [1..11])
meets([1..5], [5..10])
met by([5..10], [1..5])
overlaps([1..5], [3..8])
overlaps([3..8], [1..5])
overlaps([1..8], [3..5])
overlaps([3..5], [1..8])
overlaps([1..5], [5..8])
overlaps([5..8], [1..5])
overlaps before([1..5], [3..8])
overlaps before([1..5], [5..8])
overlaps before([1..5), (1..5])
overlaps before([1..5], (1..5])
overlaps after([3..8], [1..5])
overlaps after([5..8], [1..5])
overlaps after((1..5], [1..5))
overlaps after((1..5], [1..5])
finishes(10, [1..10])
finishes([5..10], [1..10])
finishes([5..10), [1..10))
finishes([1..10], [1..10])
finishes((1..10], [1..10])
finished by([1..10], 10)
finished by([1..10], [5..10])
includes([1..10], 5)
includes([1..10], 10)
includes([1..10], [4..6])
includes((1..10], (1..5])
includes([1..10], (1..10))
includes([1..10), [5..10))
includes([1..10], [1..10])
during(5, [1..10])
during(1, [1..10])
during([4..6], [1..10))
during((1..5], (1..10])
during((1..10), [1..10])
starts(1, [1..10])
starts([1..5], [1..10])
starts((1..5], (1..10])
starts([1..10), [1..10])
starts((1..10), (1..10))
started by([1..10], 1)
started by((1..10], (1..5])
coincides(5, 5)
coincides([1..5], [1..5])
before((< 5), 6)
includes((> 5), 6)
includes((> 5), [6..7])
during((< 3), (< 5))
"""
FALSE = """
before(10, 1)
before(1, [1..10])
before(1, (1..10]) = false
before([1..10], 10)
before([1..10], [10..20])
after(5, 10)
after(5, [1..5])
after([1..10], 1)
after([11..20], [1..11])
meets([1..5), [5..10])
meets([1..5], (5..10])
meets([1..5], [6..10])
met by((5..10], [1..5])
overlaps([1..5], [6..8])
overlaps([1..5], (5..8])
overlaps([1..5), [5..8])
overlaps((5..8], [1..5])
overlaps before([1..5], [6..8])
overlaps before([1..5], (5..8])
overlaps before([1..5], [1..5))
overlaps before([1..5], [1..5])
overlaps after([6..8], [1..5])
overlaps after([5..8], [1..5))
overlaps after([1..5], [1..5))
overlaps after([1..5], [1..5])
finishes(10, [1..10))
finishes([5..10), [1..10])
finished by([1..10), 10)
includes([1..10], 12)
includes([1..10), 10)
includes((1..10], [1..5])
during(12, [1..10])
during(10, [1..10))
starts(1, (1..10])
starts(2, [1..10])
starts((1..5], [1..10])
started by((1..10], 1)
coincides(3, 4)
coincides((1..5), [1..5])
coincides([1..5], [2..6])
before((> 5), 6)
includes((> 5), (> 4))
"""


@pytest.mark.parametrize("text", TRUE.strip().splitlines())
def test_this_is_so(text: str) -> None:
    assert evaluate(text, {}) is True


@pytest.mark.parametrize("text", FALSE.strip().splitlines())
def test_this_is_not_so(text: str) -> None:
    assert evaluate(text, {}) is False


@pytest.mark.parametrize(
    "text", ['before(1, "a")', "includes([1..5], null)", "meets(1, [1..5])", 'during("b", [1..5])']
)
def test_what_cannot_be_compared_is_null(text: str) -> None:
    assert evaluate(text, {}) is None


@pytest.mark.parametrize("text", ["[2..)", "(2..)", "(..2]", "(..2)"])
def test_a_range_without_an_end_equals_the_comparison_that_it_is(text: str) -> None:
    written = {"[2..)": ">=2", "(2..)": "> 2", "(..2]": "<=2", "(..2)": "< 2"}[text]
    assert evaluate(f'range("{text}") = {written}', {}) is True
    assert evaluate(f'range("{text}") != {written}', {}) is False


@pytest.mark.parametrize("mistake", ["a == b", "a => b", "a <> b", "a > > b", "a = = b"])
def test_operators_of_other_languages_are_mistakes(mistake: str) -> None:
    with pytest.raises(FeelSyntaxError):
        evaluate(mistake, {"a": 1, "b": 1})
