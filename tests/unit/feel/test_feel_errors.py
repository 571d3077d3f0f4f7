"""What is refused, where, and in which words; and why what is null is null."""

from __future__ import annotations

import pytest

from app.feel import FeelLimitError, FeelSyntaxError, compile_expression, compile_unary_tests
from app.feel.cli import explain


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("1 +", 1, 4, "found the end, but expected a value"),
        ("(1 + 2", 1, 7, "found the end, but expected a closing parenthesis"),
        ("a and\n  (b or", 2, 8, "expected a value"),
        ("if a then b", 1, 12, "expected the word “else”"),
        ("tool = 'DASH'", 1, 8, "double quotation marks"),
        ('tool = "DASH', 1, 8, "no closing quotation mark"),
        ("a && b", 1, 3, "Write “and”"),
        ("1 /* x", 1, 3, "no end"),
        ("a = = b", 1, 5, "did not expect “=”"),
        ("a b", 1, 3, "expected an operator or the end"),
        ('@"2026-13-01"', 1, 2, "a date, time or duration"),
        ("{a: 1, a: 2}", 1, 8, "given twice"),
        ("f(a: 1, 2)", 1, 9, "every argument a name"),
        ("[1, 2", 1, 6, "closing square bracket"),
        ("function(x) external {java: {}}", 1, 13, "external functions are refused"),
        ("x instance of", 1, 14, "a type"),
        ("1e99999", 1, 1, "too large"),
        ("string lenght(a) > 3", 1, 8, "Did you mean “string length”?"),
        ("add workng days(x, 1)", 1, 5, "Did you mean “add working days”?"),
    ],
)
def test_a_syntax_error_says_where_and_what(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        compile_expression(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in caught.value.message
    assert caught.value.caret.splitlines()[1] == " " * (column - 1) + "^"


def test_the_caret_stands_below_the_place_in_a_long_line() -> None:
    with pytest.raises(FeelSyntaxError) as caught:
        compile_expression("x + " * 100 + "§")
    shown, caret = caught.value.caret.splitlines()
    assert len(shown) <= 100
    assert shown[caret.index("^")] == "§"


def test_cells_are_refused_in_the_same_way() -> None:
    with pytest.raises(FeelSyntaxError, match="closing bracket of a range"):
        compile_unary_tests("[1..5")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("riskTick >= 14", "There is no variable “riskTick”"),
        ("nothing > 3", "because “nothing” is null"),
        ('14 > "3"', "cannot compare a number with a string"),
        ("1 / 0", "Division by zero"),
        ('1 + "a"', "“+” has no result for a number and a string"),
        ("person.age.x", "A number has no “x”"),
        ("string length(5)", "string length(…) was given number; it is string length(string)."),
        ("[1][3]", "The list has 1 entries, so there is no entry 3."),
        ("params.agendaLeadTime", "There is no parameter “agendaLeadTime”"),
        ('deadline("x")', "The case has no deadline “x”"),
        ("tool(1)", "A string cannot be called"),
        ("for x in nothing return x", "null cannot be iterated over"),
        ("-tool", "cannot negate a string"),
        ("nothing.x", "“.x” of “nothing”, which is null"),
        ("people[name]", "A filter needs true, false or a number"),
    ],
)
def test_null_has_a_reason(text: str, says: str) -> None:
    variables = {"nothing": None, "tool": "x", "person": {"age": 3}, "people": [{"name": "A"}]}
    diagnosis = compile_expression(text).diagnose(variables)
    assert diagnosis.value is None
    assert any(says in note.text for note in diagnosis.notes), diagnosis.notes


def test_a_diagnosis_shows_what_was_read() -> None:
    diagnosis = compile_expression("a + b.c > 3").diagnose({"a": 1, "b": {"c": 2}, "other": 5})
    assert diagnosis.seen == {"a": 1, "b": {"c": 2}}
    assert diagnosis.notes == []


def test_a_value_that_is_not_there_is_no_fault_but_a_wrong_type_is() -> None:
    assert compile_expression("[1][2]").diagnose({}).faults == []
    assert compile_expression('1 = "a"').diagnose({}).faults


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 200 + "]" * 200,
        "-" * 3000 + "1",
        "if true then " * 500 + "1",
        "1" + "+1" * 5000,
        "a" + ".a" * 3000,
        "x in (" * 100 + "1" + ")" * 100,
        "1 + " * 6000 + "1",
        "not(" * 100 + "true" + ")" * 100,
        "x instance of " + "list<" * 100 + "number" + ">" * 100,
    ],
)
def test_what_is_too_large_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises((FeelLimitError, FeelSyntaxError)):
        compile_expression(text)


def test_long_conditions_are_not_too_deep() -> None:
    assert compile_expression(" and ".join(["true"] * 1000)).evaluate({}) is True
    assert compile_expression(" + ".join(["1"] * 100)).evaluate({}) == 100


def test_the_terminal_shows_value_reasons_and_errors() -> None:
    shown = explain('riskTick >= 14 and tool = "x"', '{"tool": "x"}')
    assert shown.splitlines()[0] == "null    (null)"
    assert 'tool = "x"' in shown
    assert "line 1, column 1: There is no variable “riskTick”." in shown
    assert "^" in explain("1 +")
    assert "not JSON" in explain("1", "{")
    assert "must be a JSON object" in explain("1", "[]")
    assert explain("a * 2", '{"a": 0.1}').startswith("0.2    (number)")
