"""Every function of the language."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from app.feel import Environment, evaluate, from_python, to_python
from app.feel.reference import reference_page
from app.feel.registry import BUILTINS


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_the_example_in_the_reference_holds(name: str) -> None:
    assert evaluate(BUILTINS[name].example, {}) is True


def test_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "users" / "feel-functions.md"
    assert page.read_text() == reference_page(), "Run: python -m app.feel.reference > docs/users/feel-functions.md"


def test_every_function_is_in_the_reference() -> None:
    assert all(f"### {name}\n" in reference_page() for name in BUILTINS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('substring("foobar", -2)', '"ar"'),
        ('substring("foobar", 3, 2)', '"ob"'),
        ('substring("\\U01F600abc", 2, 1)', '"a"'),
        ('substring before("foobar", "xyz")', '""'),
        ('substring after("foobar", "")', '"foobar"'),
        ('replace("reluctant", "r.*t", "X")', '"X"'),
        ('replace("abracadabra", "a.*?a", "*")', '"*c*bra"'),
        ('replace("darted", "^(.*?)d(.*)$", "$1c$2")', '"carted"'),
        ('replace("abcd", "(ab)|(a)", "[1=$1][2=$2]")', '"[1=ab][2=]cd"'),
        ('replace("a.b", "\\\\.", "\\\\$")', '"a$b"'),
        ('matches("hello world", "hello\\\\ sworld", "x")', "true"),
        ('matches("ABC", "abc", "i")', "true"),
        ('matches("hello world", "^\\p{IsBasicLatin}+$")', "true"),
        ('matches("hello world", "\\p{ I s B a s i c L a t i n }+", "x")', "true"),
        ('matches("é", "^\\P{IsBasicLatin}$")', "true"),
        ('matches("é", "[\\p{IsLatin-1Supplement}-[ë]]")', "true"),
        ('matches("b", "^[\\P{IsGreek}]$")', "true"),
        ('matches("x", "\\p{IsNowhere}")', "null"),
        ('matches("a\nb", "a.b")', "false"),
        ('matches("a\nb", "a.b", "s")', "true"),
        ('matches("a\nb", "^b", "m")', "true"),
        ('matches("d", "[a-z-[aeiou]]")', "true"),
        ('matches("e", "[a-z-[aeiou]]")', "false"),
        ('matches("żółć", "^[\\\\p{L}-[a-z]]+$")', "true"),
        ('matches("m", "[a-z-[b-y-[m]]]")', "true"),
        ('matches("é1", "^\\\\w\\\\d$")', "true"),
        ('matches("x", "^\\\\p{Lu}$")', "false"),
        ('split("John Doe", "\\\\s")', '["John", "Doe"]'),
        ('string join(["a", null, "c"])', '"ac"'),
        ('string join("a", ",")', '"a"'),
        ("decimal(1/3, 2)", "0.33"),
        ("decimal(114.215, 2)", "114.22"),
        ("decimal(1.5, 0)", "2"),
        ("decimal(123.4, -1)", "120"),
        ("floor(-1.5)", "-2"),
        ("ceiling(1.56, 1)", "1.6"),
        ("round up(-5.5, 0)", "-6"),
        ("round half down(-5.5, 0)", "-5"),
        ("modulo(10.1, -4.5)", "-3.4"),
        ('abs(@"-P5D")', '@"P5D"'),
        ("odd(1.5)", "false"),
        ("even(0)", "true"),
        ("min([3, 1, 2])", "1"),
        ('max("a", "c", "b")', '"c"'),
        ('sum([@"P1D", @"P2D"])', '@"P3D"'),
        ("mean(1, 2, 6)", "3"),
        ("median([6, 1, 2, 3])", "2.5"),
        ("mode([6, 1, 9, 6, 1])", "[1, 6]"),
        ("mode([])", "[]"),
        ("all([])", "true"),
        ("any([])", "false"),
        ("all(true, false)", "false"),
        ("count(5)", "1"),
        ("append([1], 2, [3])", "[1, 2, [3]]"),
        ("concatenate([1], 2, [3])", "[1, 2, 3]"),
        ("insert before([1, 2], -1, 9)", "[1, 9, 2]"),
        ("remove([1, 2, 3], -1)", "[1, 2]"),
        ("sublist([1, 2, 3], -2)", "[2, 3]"),
        ("list replace([1, 5, 2], function(item, newItem) item > newItem, 3)", "[1, 3, 2]"),
        ('sort(["b", "a"])', '["a", "b"]'),
        ("sort(list: [1, 3, 2], precedes: function(a, b) a > b)", "[3, 2, 1]"),
        ("list contains([1, null], null)", "true"),
        ("index of([1, 2, 1], 1)", "[1, 3]"),
        ('get value({a: {b: 1}}, ["a", "b"])', "1"),
        ('context put({a: {b: 1}}, ["a", "c"], 2)', "{a: {b: 1, c: 2}}"),
        ('string([1, "a", {b: null}])', '"[1, \\"a\\", {b: null}]"'),
        ('string(@"P1DT2H")', '"P1DT2H"'),
        ("string([1..5))", '"[1..5)"'),
        ('number("1.000,50", ".", ",")', "1000.5"),
        ('date(@"2026-01-31T23:59:00")', '@"2026-01-31"'),
        ('time(14, 30, 0, duration("PT1H"))', '@"14:30:00+01:00"'),
        ('time(@"2026-01-31")', '@"00:00:00Z"'),
        ('date and time(@"2026-01-31", "Europe/London")', '@"2026-01-31T00:00:00@Europe/London"'),
        ("date and time(2026, 1, 31, 12, 0, 0)", '@"2026-01-31T12:00:00"'),
        ('years and months duration(@"2026-01-31", @"2025-01-31")', '@"-P1Y"'),
        ('week of year(@"2027-01-01")', "53"),
        ('day of year(@"2024-12-31")', "366"),
        ('is(@"10:00:00Z", @"11:00:00+01:00")', "false"),
        ('range("(..10]")', "(<= 10)"),
        ('range("[date(\\"2026-01-01\\")..date(\\"2026-02-01\\")]").end', '@"2026-02-01"'),
        ("before(1, [2..3])", "true"),
        ("before([1..5), [5..6])", "true"),
        ("after([5..6], 4)", "true"),
        ("overlaps([1..5), [5..6])", "false"),
        ("overlaps before([1..5], [1..5])", "false"),
        ("finishes(point: 5, range: [1..5])", "true"),
        ("during((2..3), [2..3])", "true"),
        ("starts((1..5), [1..9])", "false"),
        ("coincides(1, 1)", "true"),
        ("meets([1..5], (5..6])", "false"),
    ],
)
def test_a_function_gives(text: str, expected: str) -> None:
    assert evaluate(text, {}) == evaluate(expected, {})


@pytest.mark.parametrize(
    "text",
    [
        'substring("abc", 0)',
        "string length(1)",
        'matches("a", "(")',
        'matches("a", "(a)\\\\1")',
        'matches("a", "a", "q")',
        'matches("a", "(?i)a")',
        'replace("abc", "x*", "y")',
        'replace("abc", "b", "\\\\x")',
        "sqrt(-1)",
        "log(0)",
        "decimal(1, 7000)",
        "modulo(1, 0)",
        "min([])",
        'sum([1, "a"])',
        "stddev([1])",
        "mean()",
        "sublist([1], 2)",
        'sort([1, "a"])',
        'date("2026-02-30")',
        'time("25:00:00")',
        'date and time("2026-01-01T00:00:00@Nowhere/Land")',
        'duration("P")',
        'number("1x")',
        'number("1.5", ".", ".")',
        'range("1..2")',
        "context put({}, [], 1)",
        "count(list: [1], more: 2)",
        'deadline("researchDue")',
    ],
)
def test_a_function_that_cannot_answer_gives_null(text: str) -> None:
    assert evaluate(text, {}) is None


# 2026: Christmas Day is a Friday; Boxing Day, a Saturday, is kept on Monday 28 December.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('add working days(@"2026-12-24", 0)', '@"2026-12-24"'),
        ('add working days(@"2026-12-24", 1)', '@"2026-12-29"'),
        ('add working days(@"2026-12-29", -1)', '@"2026-12-24"'),
        ('add working days(@"2026-04-02", 1)', '@"2026-04-07"'),
        ('next working day(@"2026-12-24")', '@"2026-12-29"'),
        ('working days between(@"2026-12-24", @"2026-12-29")', "1"),
        ('working days between(@"2026-12-29", @"2026-12-24")', "-1"),
        ('is working day(@"2026-12-28")', "false"),
        ('is working day(@"2026-12-29")', "true"),
        ('add working days(@"2026-07-31T23:30:00Z", 1)', '@"2026-08-03T00:30:00@Europe/London"'),
    ],
)
def test_working_days_skip_weekends_and_bank_holidays(text: str, expected: str) -> None:
    assert evaluate(text, {}) == evaluate(expected, {})


def test_the_environment_supplies_clock_parameters_deadlines_and_holidays() -> None:
    due = datetime(2026, 7, 2, 23, 30, tzinfo=UTC)
    env = Environment(
        now=lambda: datetime(2026, 7, 1, 23, 30, tzinfo=UTC),
        params=MappingProxyType({"agendaLeadTime": 5, "reviewAfter": "P28D"}),
        deadline=lambda name: due if name == "researchDue" else None,
        is_holiday=lambda day: day == date(2026, 7, 3),
    )
    assert to_python(evaluate("now()", {}, env)) == datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert to_python(evaluate("today()", {}, env)) == date(2026, 7, 2)  # past midnight in London
    assert evaluate("params.agendaLeadTime + 1", {}, env) == 6
    assert evaluate("date(now()) = today() and now().hour = 0", {}, env) is True  # not the day before, as in UTC
    assert evaluate('date(deadline("researchDue"))', {}, env) == from_python(date(2026, 7, 3))
    assert evaluate("today() + duration(params.reviewAfter)", {}, env) == from_python(date(2026, 7, 30))
    assert evaluate('deadline("researchDue") > now()', {}, env) is True
    assert evaluate("next working day(today())", {}, env) == from_python(date(2026, 7, 6))


def test_a_variable_called_params_comes_first() -> None:
    env = Environment(params=MappingProxyType({"a": 1}))
    assert evaluate("params.a", {"params": {"a": 2}}, env) == 2
