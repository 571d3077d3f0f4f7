"""What is wrong with a decision file, told before it is published."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from decision_samples import decision, definitions, input_data, literal, needs, one_table, table

from app.decisions import DecisionFileError, check, load
from app.problems import Problem, Severity

SCORE = [("score", "number")]
THREE = [("score", "number"), ("tool", "string"), ("highRisk", "boolean")]


def found(problems: Sequence[Problem]) -> list[tuple[str, str]]:
    return [(problem.element_id, problem.what) for problem in problems]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "not well-formed XML"),
        (b"<definitions", "not well-formed XML"),
        (b"hello", "not well-formed XML"),
        (b"<html/>", "not a DMN decision model"),
        (b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>', "not a DMN decision model"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "document type declaration"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"), "document type declaration"),
        (b"<x>" + b" " * 5_000_000 + b"</x>", "too large"),
        (definitions("<a>" * 150 + "</a>" * 150), "nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_safely_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(DecisionFileError, match=what) as caught:
        load(data)
    assert check(data, "decision.dmn") == caught.value.problems


def test_an_entity_is_never_expanded() -> None:
    with pytest.raises(DecisionFileError):
        load(b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><definitions>&x;</definitions>')


def test_a_sound_table_has_no_problems() -> None:
    rules = [[">= 14", '"MARAC"'], ["< 14", '"none"']]
    assert check(one_table(rules, SCORE, output_type="string"), "f.dmn") == []


def test_overlapping_rules_are_told_with_the_clashing_inputs() -> None:
    rules = [[">= 14", "-", "-", "1"], ["[10..20]", '"DASH", "RIC"', "true", "2"], ["< 14", '"none"', "-", "3"]]
    problems = [p for p in check(one_table(rules, THREE), "f.dmn") if p.severity is Severity.ERROR]
    assert found(problems) == [
        (
            "rule2",
            'Rules 1 and 2 both match when score is from 14 to 20 and tool is "DASH" or "RIC" and highRisk is true, '
            "but the hit policy UNIQUE allows only one.",
        )
    ]


def test_gaps_are_told_with_the_missing_inputs() -> None:
    rules = [[">= 14", "-", "-", "1"], ["< 14", '"DASH"', "true", "2"], ["< 10", 'not("DASH")', "-", "3"]]
    problems = check(one_table(rules, THREE), "f.dmn")
    assert all(problem.severity is Severity.WARNING for problem in problems)
    assert sorted(problem.what for problem in problems) == [
        'No rule matches when score is 10 or more and less than 14 and tool is "DASH" and highRisk is false.',
        'No rule matches when score is 10 or more and less than 14 and tool is not "DASH".',
        'No rule matches when score is less than 10 and tool is "DASH" and highRisk is false.',
    ]


@pytest.mark.parametrize(
    ("rules", "columns", "extra", "gap"),
    [
        ([["<= 13", "1"], [">= 14", "2"]], SCORE, {}, None),
        ([["<= 13.5", "1"], [">= 14", "2"]], SCORE, {}, "score is more than 13.5 and less than 14"),
        ([["true", "1"]], [("highRisk", "boolean")], {}, "highRisk is false"),
        ([['"A"', "1"], ['"B"', "2"]], [("tool", "string")], {}, 'tool is none of "A", "B"'),
        ([['"A"', "1"], ['"B"', "2"]], [("tool", "string")], {"allowed": '"A", "B"'}, None),
        ([['"A"', "1"]], [("tool", "string")], {"allowed": '"A", "B", "C"'}, 'tool is "B" or "C"'),
        ([["> 3", "1"]], SCORE, {"default": "0"}, None),
        ([["> 3", "1"]], SCORE, {"policy": "COLLECT"}, None),
        ([["threshold", "1"]], SCORE, {}, None),
        ([["[0..24]", "1"]], SCORE, {"allowed": "[0..24]"}, None),
        ([["[0..5]", "1"], ["(5..10)", "2"]], SCORE, {"allowed": "[0..10]"}, "score is 10"),
        (
            [['< date("2026-01-01")', "1"]],
            [("born", "date")],
            {},
            "born is 2026-01-01 or more",
        ),
        ([["5", "1"], ["!= 5", "2"]], SCORE, {}, None),
        ([["not(5)", "1"]], SCORE, {}, "score is 5"),
        ([["null", "1"], ["not(null)", "2"]], SCORE, {}, None),
        ([["true, false", "1"]], [("highRisk", "boolean")], {}, None),
    ],
)
def test_gaps_of_single_columns(
    rules: list[list[str]], columns: list[tuple[str, str]], extra: dict[str, str], gap: str | None
) -> None:
    problems = check(one_table(rules, columns, **extra), "f.dmn")
    expected = [] if gap is None else [f"No rule matches when {gap}."]
    assert [problem.what for problem in problems] == expected


def test_any_may_overlap_when_the_results_agree() -> None:
    agree = [["> 1", '"a"'], ["> 2", '"a"'], ["<= 1", '"b"']]
    clash = [["> 1", '"a"'], ["> 2", '"b"'], ["<= 1", '"b"']]
    assert check(one_table(agree, SCORE, policy="ANY"), "f.dmn") == []
    assert "give different results" in check(one_table(clash, SCORE, policy="ANY"), "f.dmn")[0].what


def test_a_rule_that_is_never_reached_is_told() -> None:
    rules = [["> 1", '"a"'], ["> 2", '"b"'], ["-", '"c"']]
    assert found(check(one_table(rules, SCORE, policy="FIRST"), "f.dmn")) == [
        ("rule2", "Rule 2 can never be reached, because rule 1 comes first and matches the same.")
    ]


@pytest.mark.parametrize(
    ("content", "element", "what"),
    [
        (decision(literal("1 +")), "route", "found the end"),
        (decision(literal("")), "route", "An expression is empty."),
        (decision(literal("cuont([1])")), "route", "There is no function “cuont”."),
        (decision(literal("1", 'expressionLanguage="http://www.w3.org/JavaScript"')), "route", "is not supported"),
        (decision('<functionDefinition id="f" kind="Java"/>'), "f", "A function in Java is not supported."),
        (decision(literal("1"), type_ref="tNothing"), "route", "There is no type “tNothing”."),
        (decision(literal("1"), needs=needs("nowhere")), "route", "A requirement points to nothing."),
        (decision(table([[">", "1"]], SCORE)), "r1i0", "found the end"),
        (decision(table([['"x"', "1"]], SCORE)), "r1i0", "compares a number with a text"),
        (decision(table([["-", '"x"']], SCORE, output_type="number")), "r1o0", "This gives a text"),
        (decision(table([["-", "1"]], SCORE, policy="WHATEVER")), "table", "does not exist"),
        (decision(table([["-"]], SCORE)), "rule1", "does not have a cell for each column"),
        (decision(table([["-", "1"]], [("", "number")])), "input0", "An input column has no expression."),
        (input_data("score", "number") + decision(literal("scor + 1"), needs=needs("in-score")), "route", "“scor”"),
        (
            '<import id="i" name="x" namespace="urn:x" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>'
            + decision(literal("1")),
            "i",
            "The imported model “x” is not there.",
        ),
        ("", "defs", "The file has no decision."),
        (decision(literal("Route"), needs=needs("route", kind="requiredDecision")), "route", "requires itself"),
        (decision(table([["-", '"z"']], SCORE, output_values='"a", "b"')), "r1o0", "is not one of the output values"),
        (decision(literal('"x"'), type_ref="number"), "route", "This gives a text, but a number is needed here."),
        (
            input_data("score", "string") + decision(table([["-", "1"]], SCORE), needs=needs("in-score")),
            "expression0",
            "This gives a text, but a number is needed here.",
        ),
        (decision("<invocation/>"), "route", "An expression is missing."),
        (
            '<itemDefinition id="t" name="t"><typeRef>string</typeRef><allowedValues><text>"a" "b"</text></allowedValues>'
            "</itemDefinition>" + decision(literal("1")),
            "t",
            "expected an operator or the end",
        ),
    ],
)
def test_a_problem_has_its_element_and_a_remedy(content: str, element: str, what: str) -> None:
    problems = check(definitions(content), "f.dmn")
    assert [p.element_id for p in problems if what in p.what] == [element], problems
    assert all(problem.remedy for problem in problems)


def test_the_callers_variables_are_checked_when_they_are_known() -> None:
    data = one_table([["scor > 1", "1"], ["-", "2"]], [("tool", "string")], policy="FIRST")
    assert check(data, "f.dmn") == []
    problems = check(data, "f.dmn", variables={"tool": "string", "score": "number"})
    assert [problem.remedy for problem in problems] == ["Did you mean “score”?"]


def test_what_is_reported_is_an_error_when_it_is_evaluated_all_the_same() -> None:
    from app.decisions import DecisionError

    with pytest.raises(DecisionError, match="found the end"):
        load(definitions(decision(literal("1 +")))).evaluate("route", {})


@pytest.mark.parametrize(
    "hiding",
    [
        input_data("params", "number"),
        decision(literal("1"), name="params", identity="in-params"),
    ],
)
def test_nothing_may_hide_the_parameters_of_the_area(hiding: str) -> None:
    data = definitions(hiding + decision(literal("params.vhrThreshold"), needs=needs("in-params")))
    assert ("in-params", "The name “params” stands for the area's parameters, and this would hide them.") in found(
        check(data, "f.dmn")
    )
