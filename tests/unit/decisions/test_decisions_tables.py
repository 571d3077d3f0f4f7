"""Decision tables: every hit policy and aggregator, types, allowed values, explanations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from decision_samples import decision, definitions, one_table, table

from app.decisions import DecisionError, MatchedRule, load
from app.errors import NotFound
from app.feel import FeelLimitError, FeelTypeError

SCORE = [("score", "number")]
OVERLAPPING = [[">= 10", "10"], [">= 5", "5"], [">= 1", "1"]]
BANDS = [
    [">= 14", '"MARAC"', "visible high risk"],
    ["[10..14)", '"professional judgement"', "discuss with the SPOC"],
    ["< 10", '"standard"', ""],
]


def evaluate(data: bytes, **variables: Any) -> Any:
    return load(data).evaluate("route", variables).value


@pytest.mark.parametrize(("score", "route"), [(14, "MARAC"), (13.5, "professional judgement"), (-1, "standard")])
def test_unique_gives_the_one_rule_that_matches(score: float, route: str) -> None:
    assert evaluate(one_table(BANDS, SCORE), score=score) == route


def test_unique_refuses_when_several_rules_match() -> None:
    with pytest.raises(DecisionError, match="rules 2, 3 match at once") as caught:
        evaluate(one_table(OVERLAPPING, SCORE), score=7)
    assert caught.value.resource_id == "table"


@pytest.mark.parametrize(
    ("policy", "aggregation", "expected"),
    [
        ("FIRST", "", 10),
        ("RULE ORDER", "", [10, 5, 1]),
        ("COLLECT", "", [10, 5, 1]),
        ("COLLECT", "SUM", 16),
        ("COLLECT", "MIN", 1),
        ("COLLECT", "MAX", 10),
        ("COLLECT", "COUNT", 3),
    ],
)
def test_a_hit_policy_says_what_several_matching_rules_give(policy: str, aggregation: str, expected: Any) -> None:
    data = one_table(OVERLAPPING, SCORE, policy=policy, aggregation=aggregation)
    assert evaluate(data, score=12) == expected


@pytest.mark.parametrize(("policy", "expected"), [("PRIORITY", 5), ("OUTPUT ORDER", [5, 10, 1])])
def test_the_output_values_give_the_order(policy: str, expected: Any) -> None:
    assert evaluate(one_table(OVERLAPPING, SCORE, policy=policy, output_values="5, 10, 1"), score=12) == expected


def test_any_needs_the_rules_to_agree() -> None:
    agreeing = [[">= 1", '"a"'], [">= 2", '"a"']]
    assert evaluate(one_table(agreeing, SCORE, policy="ANY"), score=5) == "a"
    with pytest.raises(DecisionError, match="disagree"):
        evaluate(one_table(OVERLAPPING, SCORE, policy="ANY"), score=12)


@pytest.mark.parametrize(
    ("policy", "aggregation", "default", "expected"),
    [
        ("UNIQUE", "", "", None),
        ("UNIQUE", "", "0", 0),
        ("FIRST", "", "0", 0),
        ("COLLECT", "", "", []),
        ("COLLECT", "", "7", [7]),
        ("COLLECT", "COUNT", "", 0),
        ("COLLECT", "SUM", "", None),
        ("RULE ORDER", "", "", []),
    ],
)
def test_when_no_rule_matches(policy: str, aggregation: str, default: str, expected: Any) -> None:
    data = one_table(OVERLAPPING, SCORE, policy=policy, aggregation=aggregation, default=default)
    assert evaluate(data, score=0) == expected


def test_several_outputs_come_as_a_context() -> None:
    data = one_table([[">= 14", '"MARAC"', "5"], ["< 14", '"none"', "0"]], SCORE, outputs=("route", "days"))
    assert evaluate(data, score=20) == {"route": "MARAC", "days": 5}


def test_several_outputs_are_aggregated_one_by_one() -> None:
    data = one_table(
        [["> 0", "1", "2"], ["> 0", "3", "4"]], SCORE, policy="COLLECT", aggregation="SUM", outputs=("a", "b")
    )
    assert evaluate(data, score=1) == {"a": 4, "b": 6}


def test_an_explanation_says_which_rules_matched_and_on_what() -> None:
    outcome = load(one_table(BANDS, SCORE)).evaluate("Route", {"score": 15})
    (explanation,) = outcome.explanation
    assert explanation.decision == "Route"
    assert explanation.table_id == "table"
    assert explanation.rules == (MatchedRule(1, "rule1", ("visible high risk",)),)
    assert explanation.inputs == {"score": Decimal(15)}
    assert explanation.outputs == "MARAC"


def test_no_rule_is_explained_too() -> None:
    outcome = load(one_table(OVERLAPPING, SCORE)).evaluate("route", {"score": 0})
    assert outcome.explanation[0].rules == ()
    assert [note.text for note in outcome.notes] == ["No rule of the table matches."]


def test_cells_may_be_any_unary_test() -> None:
    rules = [['"DASH", "RIC"', "true", '"a"'], ['not("DASH", "RIC")', "-", '"b"'], ["null", "false", '"c"']]
    data = one_table(rules, [("tool", "string"), ("highRisk", "boolean")], policy="FIRST")
    assert evaluate(data, tool="RIC", highRisk=True) == "a"
    assert evaluate(data, tool="other", highRisk=None) == "b"


def test_cells_and_results_may_use_variables() -> None:
    data = one_table([["> threshold", "score - threshold"], ["<= threshold", "0"]], SCORE)
    assert evaluate(data, score=20, threshold=14) == 6


def test_a_value_of_the_wrong_type_becomes_null_and_is_noted() -> None:
    outcome = load(one_table([["-", "1"]], SCORE)).evaluate("route", {"score": "many"})
    assert outcome.value == 1
    assert "the input “score”: A string was given where a number belongs." in [note.text for note in outcome.faults]


def test_an_output_of_the_wrong_type_becomes_null_and_is_noted() -> None:
    outcome = load(one_table([["-", '"x"']], SCORE, output_type="number")).evaluate("route", {"score": 1})
    assert outcome.value is None
    assert outcome.faults


def test_an_input_outside_its_allowed_values_is_an_error() -> None:
    data = one_table([["-", "1"]], [("tool", "string")], allowed='"DASH", "RIC"')
    assert evaluate(data, tool="RIC") == 1
    with pytest.raises(DecisionError, match="not one of its allowed values"):
        evaluate(data, tool="other")


def test_a_decision_is_found_by_id_and_by_name() -> None:
    model = load(one_table(BANDS, SCORE))
    assert model.decision("route") is model.decision("Route")
    with pytest.raises(NotFound):
        model.evaluate("nothing", {})


def test_budgets_hold_in_decisions() -> None:
    with pytest.raises(FeelLimitError):
        evaluate(one_table([["-", "for i in 1..9000 return for j in 1..9000 return i"]], SCORE), score=1)
    with pytest.raises(FeelTypeError):
        evaluate(one_table(BANDS, SCORE), score=float("nan"))


def test_variables_are_read_as_they_are_given() -> None:
    class Variables:
        def get(self, key: str, default: Any, /) -> Any:
            return 15 if key == "score" else default

    assert load(one_table(BANDS, SCORE)).evaluate("route", Variables()).value == "MARAC"


def test_two_decisions_in_one_file() -> None:
    second = decision(table([["-", '"x"']], SCORE), name="Other", identity="other")
    model = load(definitions(decision(table(BANDS, SCORE)) + second))
    assert set(model.decisions) == {"route", "other"}
    assert model.evaluate("other", {"score": 1}).value == "x"
