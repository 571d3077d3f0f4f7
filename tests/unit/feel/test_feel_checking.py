"""The static check finds what would silently be null."""

from __future__ import annotations

import pytest

from app.feel import check

TYPES = {
    "riskTicks": "number",
    "tool": "string",
    "highRisk": "boolean",
    "children": "list",
    "crime date": "date",
    "heardAt": "date and time",
    "wait": "duration",
    "person": "context",
    "whatever": "any",
}
PARAMS = ["agendaLeadTime", "visibleHighRiskThreshold"]


@pytest.mark.parametrize(
    "text",
    [
        'riskTicks >= 14 and tool = "SAFELIVES_DASH_24"',
        "highRisk or riskTicks > params.visibleHighRiskThreshold",
        "count(children) > 2",
        "children[age < 18]",
        "some c in children satisfies c.age < 18",
        "person.name = null",
        "add working days(crime date, 5) < today()",
        "heardAt + wait > now()",
        'heardAt < deadline("researchDue")',
        "whatever.x + 1 > riskTicks",
        "if highRisk then riskTicks else 0",
        'matches(tool, "^SAFE")',
        'list contains(["A", "B"], tool)',
        "{a: riskTicks, b: a + 1}.b",
        "(function(x) x + riskTicks)(1)",
        "min(riskTicks, 24) in [0..24]",
        "date(heardAt) = crime date",
        'tool in ("A", "B")',
        "riskTicks between 1 and 14",
    ],
)
def test_a_sound_expression_has_no_problems(text: str) -> None:
    assert check(text, TYPES, params=PARAMS) == []


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("riskTick >= 14", "There is no variable “riskTick”.", "Did you mean “riskTicks”?"),
        ("Tool = 1", "There is no variable “Tool”.", "Did you mean “tool”?"),
        ("zzz", "There is no variable “zzz”.", "Declare it"),
        ("cuont(children)", "There is no function “cuont”.", "Did you mean “count”?"),
        ("substring(tool)", "takes 2 or 3 arguments, not 1", "Write substring(string, start position, [length])."),
        ("sum()", "needs at least one argument", "Write sum(list)."),
        ("upper case(riskTicks)", "cannot be used with a number", "Write upper case(string)."),
        ("count(items: children)", "has no such arguments: items", "Write count(list)."),
        ("riskTicks()", "“riskTicks” is a number, not a function.", "Remove the brackets."),
        ('riskTicks = "14"', "compares a number with a text", "same type"),
        ("heardAt < crime date", "compares a date and time with a date", "same type"),
        ("highRisk > true", "needs values that have an order", "Use ="),
        ("crime date + 5", "“+” has no meaning between a date and a number", "Convert one"),
        ("tool and highRisk", "“and” joins conditions, but this is a text", "Compare it"),
        ("if riskTicks then 1 else 2", "“if” needs a condition", "Compare it"),
        ("crime date.hour", "A date has no “hour”.", "It has:"),
        ("crime date.moth", "A date has no “moth”.", "Did you mean “month”?"),
        ("params.agendaLeedTime", "There is no parameter “agendaLeedTime”.", "Did you mean “agendaLeadTime”?"),
        ('date("2026-02-30")', "not a date", "quotation marks"),
        ('duration("5 days")', "not a duration", "quotation marks"),
        ('matches(tool, "(")', "not a regular expression", "quotation marks"),
        ("children[tool]", "A filter needs a condition or a position, not a text", "Write a condition"),
        ("every c in children satisfies 1", "“satisfies” needs a condition", "Compare it"),
        ("1 instance of nmber", "There is no type “nmber”.", "Did you mean “number”?"),
        ("[1..tool]", "A range cannot reach from a number to a text.", "same type"),
        ("-tool", "“-” cannot negate a text.", "number or a duration"),
        ("riskTicks >= ", "found the end", "Correct the expression"),
        ('riskTicks in ("a", 3)', "compares a number with a text", "same type"),
        ('riskTicks between "a" and 3', "compares a number with a text", "same type"),
    ],
)
def test_a_problem_is_found_with_its_remedy(text: str, what: str, remedy: str) -> None:
    problems = check(text, TYPES, params=PARAMS)
    assert len(problems) == 1, problems
    assert what in problems[0].what
    assert remedy in problems[0].remedy


def test_parameters_have_types_when_these_are_known() -> None:
    typed = {"agendaLeadTime": "duration"}
    assert check("heardAt - params.agendaLeadTime > now()", TYPES, params=typed) == []
    assert "compares a duration with a number" in check("params.agendaLeadTime > 5", TYPES, params=typed)[0].what


def test_a_problem_has_its_place() -> None:
    assert [p.position for p in check("1 + riskTick", TYPES)] == [4]


@pytest.mark.parametrize(
    ("text", "expect", "sound"),
    [
        ("riskTicks >= 14", "boolean", True),
        ("riskTicks", "boolean", False),
        ("null", "boolean", False),
        ("whatever", "boolean", True),
        ("person.flag", "boolean", True),
        ('duration("PT4H")', "duration", True),
        ("wait", "duration", True),
        ("today()", "duration", False),
        ("children", "list", True),
        ("if highRisk then 1 else 2", "number", True),
        ("crime date + wait", "date", True),
    ],
)
def test_the_place_says_which_type_it_needs(text: str, expect: str, sound: bool) -> None:
    assert (check(text, TYPES, expect=expect) == []) is sound


@pytest.mark.parametrize(
    ("text", "tested", "sound"),
    [
        ('"A", "B"', "string", True),
        ('"A", 3', "string", False),
        (">= 14", "number", True),
        ('>= "14"', "number", False),
        ("[1..5]", "number", True),
        ('["a".."b"]', "number", False),
        ("true", "boolean", True),
        ("true", "string", False),
        ("? > riskTicks", "number", True),
        ("? + 1", "number", False),
        ("riskTicks > 3", "string", True),
        ("-", "any", True),
        ("not(null)", "date", True),
    ],
)
def test_cells_are_checked_against_their_column(text: str, tested: str, sound: bool) -> None:
    assert (check(text, {**TYPES, "?": tested}, unary=True) == []) is sound


def test_a_model_without_declared_variables_is_not_told_that_they_are_unknown() -> None:
    assert check("a + b > 3", {}, closed=False) == []
