"""What expressions mean: operators, structure, names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.feel import Function, Range, compile_expression, evaluate, unary

VARIABLES: dict[str, Any] = {
    "riskTicks": 15,
    "tool": "SAFELIVES_DASH_24",
    "Monthly Salary": Decimal("1000.50"),
    "fact-finding": 3,
    "people": [{"name": "A", "age": 10}, {"name": "B", "age": 17}, {"name": "C", "age": 40}],
    "nothing": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("2 ** 3 ** 2", "64"),
        ("-2 ** 2", "4"),
        ("10 - 4 - 3", "3"),
        ("7 / 2", "3.5"),
        ("1/3", "0.3333333333333333333333333333333333"),
        ("0.1 + 0.2", "0.3"),
        (".5 + 1e2", "100.5"),
        ('"a" + "b"', '"ab"'),
        ('"\\u00e9\\t\\"x\\\\"', '"é\t\\"x\\\\"'),
        ('"\\U01F600"', '"😀"'),
        ("--3", "3"),
        ("5 // a comment\n + 1", "6"),
        ("5 /* a\ncomment */ + 1", "6"),
        ('date("2026-01-31") + duration("P1M")', 'date("2026-02-28")'),
        ('@"2026-03-29T00:30:00@Europe/London" + @"PT1H"', '@"2026-03-29T02:30:00@Europe/London"'),
        ('@"2026-03-31" - @"2026-03-01"', '@"P30D"'),
        ('@"14:00:00" - @"12:30:00"', '@"PT1H30M"'),
        ('@"P1D" * 3', '@"P3D"'),
        ('3 * @"P1M"', '@"P3M"'),
        ('@"P1Y" / @"P6M"', "2"),
        ('-@"P1D"', '@"-P1D"'),
        ('@"23:30:00" + @"PT1H"', '@"00:30:00"'),
        ("Monthly Salary * 12", "12006"),
        ("fact-finding - 1", "2"),
        ("riskTicks-1", "14"),
        ('if riskTicks >= 14 then "high" else "standard"', '"high"'),
        ('if nothing then "x" else "y"', '"y"'),
        ("for x in [1, 2], y in [10, 20] return x + y", "[11, 21, 12, 22]"),
        ("for i in 3..1 return i", "[3, 2, 1]"),
        ("for i in [1..3) return i", "[1, 2]"),
        ('for d in @"2026-01-30"..@"2026-02-01" return d.day', "[30, 31, 1]"),
        ("for i in 1..4 return if i < 3 then 1 else partial[-1] + partial[-2]", "[1, 1, 2, 3]"),
        ("for x in 5 return x", "[5]"),
        ("some p in people satisfies p.age < 18", "true"),
        ("every p in people satisfies p.age < 18", "false"),
        ("some x in [1, 2], y in [2, 3] satisfies x = y", "true"),
        ("every x in [] satisfies x", "true"),
        ("people[age < 18].name", '["A", "B"]'),
        ("people[item.age > 18][1].name", '"C"'),
        ("people[-1].name", '"C"'),
        ("[1, 2, 3][item >= 2]", "[2, 3]"),
        ("people.age", "[10, 17, 40]"),
        ("{a: 1, b: a + 1, c: {d: b * 2}}.c.d", "4"),
        ('{"my key": 1, b: my key + 1}.b', "2"),
        ("{first name: 1}.first name", "1"),
        ("{double: function(x) x * 2, r: double(4)}.r", "8"),
        ("(function(a, b) a - b)(b: 1, a: 5)", "4"),
        ("{f: function(n) if n < 2 then 1 else n * f(n - 1), r: f(5)}.r", "120"),
        ("5 between 1 and 10 and true", "true"),
        ("5 in [1..5)", "false"),
        ("5 in (1..5]", "true"),
        ("5 in ]1..5[", "false"),
        ("5 in (< 3, > 4)", "true"),
        ("5 in (1, 5)", "true"),
        ("5 in [1, 5]", "true"),
        ("5 in (2 + 3)", "true"),
        ("[1, 2] in [[1, 2], [3]]", "true"),
        ("(< 10).end", "10"),
        ("[1..5].start included", "true"),
        ('@"2026-09-17".weekday', "4"),
        ('@"2026-09-17T14:30:15Z".hour', "14"),
        ('@"2026-06-17T14:30:15@Europe/London".time offset', '@"PT1H"'),
        ('@"-P1DT2H".hours', "-2"),
        ('@"P14M".years', "1"),
        ("1 instance of number", "true"),
        ("null instance of Any", "false"),
        ("[1, 2] instance of list<number>", "true"),
        ('[1, "a"] instance of list<number>', "false"),
        ("{a: 1} instance of context<a: number>", "true"),
        ("[1..2] instance of range<number>", "true"),
        ("count instance of function<list>->number", "true"),
        ("count instance of function<string>->number", "false"),
        ("substring instance of function<string, number>->string", "true"),
        ("(function(a: string) a) instance of function<string>->string", "true"),
        ("(function(a: string) a) instance of function<number>->string", "false"),
        ("(function(a) a) instance of function<number>->string", "true"),
        ('@"P1D" instance of days and time duration', "true"),
        ('"a" = "a"', "true"),
        ("1 = 1.0", "true"),
        ("null = null", "true"),
        ("nothing != 1", "true"),
        ("{a: [1]} = {a: [1]}", "true"),
        ('@"P1Y" = @"P12M"', "true"),
        ('@"2026-01-01T10:00:00Z" = @"2026-01-01T11:00:00+01:00"', "true"),
        ('@"2026-01-01T24:00:00" = @"2026-01-02T00:00:00"', "true"),
        ("1 < 2 and 2 < 3 and 3 < 4", "true"),
        ("false or nothing = null or false", "true"),
    ],
)
def test_an_expression_has_this_value(text: str, expected: str) -> None:
    value = evaluate(text, VARIABLES)
    wanted = evaluate(expected, {})
    assert value == wanted
    assert type(value) is type(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "riskTick >= 14",
        '1 = "1"',
        '"14" > 3',
        'nothing < 3 and "x" = "x"',
        "true and nothing",
        "false or nothing",
        "1 / 0",
        '"a" - "b"',
        "10 ** 100000",
        "[1, 2, 3][4]",
        "nothing.name",
        "tool.length",
        '@"2026-01-01" + 1',
        '@"2026-01-01" < @"2026-01-01T00:00:00Z"',
        "[5..1]",
        "for x in nothing return x",
        '["a"]["b"]',
        "people(1)",
        '(function(a: number) a)("x")',
        "(function(a) a)(1, 2)",
        "nothing between 1 and 2",
        "5 in nothing.x",
    ],
)
def test_what_has_no_answer_is_null_or_false_but_never_true(text: str) -> None:
    assert evaluate(text, VARIABLES) in (None, False)


@pytest.mark.parametrize(
    ("left", "right", "conjunction", "disjunction"),
    [
        ("true", "true", True, True),
        ("true", "false", False, True),
        ("true", "null", None, True),
        ("false", "false", False, False),
        ("false", "null", False, None),
        ("null", "null", None, None),
        ("true", '"yes"', None, True),
    ],
)
def test_logic_has_three_values(left: str, right: str, conjunction: bool | None, disjunction: bool | None) -> None:
    for one, other in ((left, right), (right, left)):
        assert evaluate(f"{one} and {other}", {}) is conjunction
        assert evaluate(f"{one} or {other}", {}) is disjunction


@pytest.mark.parametrize(
    ("tests", "value", "expected"),
    [
        ("-", 1, True),
        ("", None, True),
        ("14", 14, True),
        (">= 14", 13, False),
        ("[10..14)", 14, False),
        ('"A", "B"', "B", True),
        ('not("A", "B")', "B", False),
        ("not(null)", None, False),
        ("null", None, True),
        ("? > 3 and ? < 5", 4, True),
        ('contains(?, "ab")', "xabx", True),
        ("riskTicks", 15, True),
        ("< riskTicks", 3, True),
        ("riskTicks > 20", 3, False),
        ("true", True, True),
        ("false", None, False),
        ("[1, 2, 3]", 2, True),
        ("> 3", "x", None),
        ("!= 3", 4, True),
        ("not(< 3)", 2, False),
    ],
)
def test_a_cell_tests_its_input(tests: str, value: Any, expected: bool | None) -> None:
    assert unary(tests, value, VARIABLES) is expected


def test_names_of_several_words_are_read_longest_first() -> None:
    assert evaluate("a b + c", {"a b": 1, "a b + c": 10, "c": 2}) == 10
    assert evaluate("a b + c", {"a b": 1, "c": 2}) == 3


def test_a_name_may_begin_with_a_word_of_the_language() -> None:
    assert evaluate("if applicable + 1", {"if applicable": 1}) == 2
    assert evaluate("if c then 1 else for all", {"for all": 3, "c": False}) == 3
    assert evaluate("x.in + x.for", {"x": {"in": 1, "for": 2}}) == 3


def test_a_variable_that_has_a_functions_name_does_not_hide_the_function() -> None:
    assert evaluate("count(items) + count", {"count": 1, "items": [1, 2]}) == 3


def test_free_names_are_those_taken_from_outside() -> None:
    text = "for x in list return x + y + {a: z, b: a}.b + (function(p) p + q)(1) + count(params.days)"
    assert compile_expression(text).free_names() == {"list", "y", "z", "q", "params"}


def test_functions_and_ranges_are_values() -> None:
    assert isinstance(evaluate("function(a, b) a", {}), Function)
    assert evaluate("(> 3)", {}) == Range(Decimal(3), None, False, False, True)


def test_expressions_are_compiled_once() -> None:
    assert compile_expression("1 + 1") is compile_expression("1 + 1")
