"""What the check says of a table is so for every input; and no file makes it fail."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from decision_samples import decision, definitions, input_data, literal, needs, one_table, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from app.decisions import DecisionError, DecisionFileError, Explanation, check, load
from app.feel import FeelError

COLUMNS = [("score", "number"), ("tool", "string"), ("highRisk", "boolean")]
SCORES = [-1, 0, 1, 2, 3, 4, 5, 6, 7]
TOOLS = ["A", "B", "C", "other"]
NUMBER_CELLS = st.one_of(
    st.just("-"),
    st.integers(0, 6).map(str),
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "!="]), st.integers(0, 6)).map(lambda t: f"{t[0]} {t[1]}"),
    st.tuples(st.sampled_from("[("), st.integers(0, 3), st.integers(4, 6), st.sampled_from("])")).map(
        lambda t: f"{t[0]}{t[1]}..{t[2]}{t[3]}"
    ),
    st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda t: f"{t[0]}, {t[1]}"),
    st.integers(0, 6).map(lambda n: f"not({n})"),
)
TEXT_CELLS = st.sampled_from(["-", '"A"', '"B"', '"A", "B"', 'not("A")', 'not("A", "C")', '!= "B"'])
TRUTH_CELLS = st.sampled_from(["-", "true", "false", "not(true)", "true, false"])
RULES = st.lists(st.tuples(NUMBER_CELLS, TEXT_CELLS, TRUTH_CELLS, st.sampled_from(["1", "2"])), min_size=1, max_size=5)


def rules_matched(data: bytes) -> dict[tuple[Any, ...], int]:
    """How many rules match each input, found by trying them all."""
    model = load(data)
    found = {}
    for score, tool, high in itertools.product(SCORES, TOOLS, (True, False)):
        outcome = model.evaluate("route", {"score": score, "tool": tool, "highRisk": high})
        (explanation,) = outcome.explanation
        assert isinstance(explanation, Explanation)
        found[(score, tool, high)] = len(explanation.rules)
    return found


@given(RULES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_gaps_and_overlaps_are_those_that_trying_every_input_finds(rules: list[tuple[str, ...]]) -> None:
    tried = rules_matched(one_table(rules, COLUMNS, policy="COLLECT"))
    said = [problem.what for problem in check(one_table(rules, COLUMNS), "f.dmn")]
    assert any(what.startswith("No rule matches") for what in said) is (0 in tried.values())
    assert any("both match when" in what for what in said) is any(count > 1 for count in tried.values())


@given(RULES)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_unique_gives_a_result_or_says_which_rules_clash(rules: list[tuple[str, ...]]) -> None:
    tried = rules_matched(one_table(rules, COLUMNS, policy="COLLECT"))
    model = load(one_table(rules, COLUMNS))
    for (score, tool, high), count in tried.items():
        variables = {"score": score, "tool": tool, "highRisk": high}
        if count > 1:
            with pytest.raises(DecisionError, match="match at once"):
                model.evaluate("route", variables)
        else:
            assert (model.evaluate("route", variables).value is None) is (count == 0)


WHOLE = definitions(
    '<itemDefinition id="t" name="tTool"><typeRef>string</typeRef><allowedValues><text>"A", "B"</text></allowedValues>'
    "</itemDefinition>"
    + input_data("score", "number")
    + input_data("tool", "tTool")
    + decision(
        table([[">= 3", '"A"', '"x"'], ["-", "-", '"y"']], COLUMNS[:2], policy="FIRST"),
        needs=needs("in-score", "in-tool"),
    )
    + decision(
        f'<context><contextEntry><variable name="v" typeRef="number"/>{literal("Route")}</contextEntry></context>',
        name="Box",
        identity="box",
        needs=needs("route", kind="requiredDecision"),
    )
    + '<businessKnowledgeModel id="bkm" name="f"><encapsulatedLogic><formalParameter name="x" typeRef="number"/>'
    + literal("x + 1")
    + "</encapsulatedLogic></businessKnowledgeModel>"
    + '<decisionService id="s" name="S"><outputDecision href="#box"/><inputDecision href="#route"/></decisionService>'
)
VALUES = ["", "x", "number", "#route", "#nowhere", "UNIQUE", "COLLECT", "SUM", "true", "(", "1 +", "tTool", "-", "> 3"]


def mutated(seed: int) -> bytes:
    """The file with a few of its parts changed, moved or left out."""
    chance = random.Random(seed)
    root = etree.fromstring(WHOLE)
    for _ in range(chance.randrange(1, 5)):
        element = chance.choice([e for e in root.iter() if e is not root])
        action = chance.randrange(5)
        if action == 0 and element.getparent() is not None:
            element.getparent().remove(element)
        elif action == 1:
            element.text = chance.choice(VALUES)
        elif action == 2 and element.attrib:
            element.attrib[chance.choice(list(element.attrib))] = chance.choice(VALUES)
        elif action == 3 and element.attrib:
            del element.attrib[chance.choice(list(element.attrib))]
        else:
            chance.choice(list(root.iter())).append(etree.fromstring(etree.tostring(element)))
    return bytes(etree.tostring(root))


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=150)
def test_no_file_makes_the_check_or_an_evaluation_fail(seed: int) -> None:
    data = mutated(seed)
    for problem in check(data, "f.dmn"):
        assert problem.what
        assert problem.remedy
    try:
        model = load(data)
        for identity in model.decisions:
            model.evaluate(identity, {"score": 5, "tool": "A"})
    except (DecisionFileError, DecisionError, FeelError) as error:
        refused = error.message
        assert refused
