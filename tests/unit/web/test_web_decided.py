"""Why a decision came out as it did, in words."""

from __future__ import annotations

from app.web.decided import Table, tables_of, words


def test_a_decision_is_told_by_its_rules_and_what_they_saw() -> None:
    facts = {
        "tables": [
            {
                "table": "T",
                "decision": "Threshold",
                "rules": [{"id": "r1", "index": 1, "annotations": ["Visible high risk"]}, {"id": "r4", "index": 4}],
                "inputs": {"Ticks": 15, "Police grade": None, "Judged high": True},
                "outputs": {"refer": True, "reasons": ["VISIBLE_HIGH_RISK"]},
            }
        ]
    }
    assert tables_of(facts) == [
        Table(
            "Threshold",
            [("Ticks", "15"), ("Police grade", "Not known"), ("Judged high", "Yes")],
            ["Rule 1: Visible high risk", "Rule 4"],
            "refer: Yes; reasons: Visible high risk",
        )
    ]


def test_a_rule_that_says_its_number_is_not_numbered_again() -> None:
    def rule(*notes: str) -> list[str]:
        return tables_of({"tables": [{"rules": [{"index": 1, "annotations": notes}]}]})[0].rules

    assert rule("Rule 1: all three together") == ["Rule 1: all three together"]
    assert rule("Row 4: nothing new") == ["Row 4: nothing new"]
    assert rule("Row 3, legacy definition: abuse") == ["Row 3, legacy definition: abuse"]
    assert rule("Rows of figures") == ["Rule 1: Rows of figures"]
    assert rule("Rule 1") == rule("") == rule() == ["Rule 1"]
    assert rule("Ticks", "Source") == ["Rule 1: Ticks; Source"]


def test_inputs_without_a_label_are_named_in_words() -> None:
    table = tables_of({"tables": [{"inputs": {"riskTicks": 2, "referral.consent": True, "Tool used": "DASH"}}]})[0]
    assert [name for name, _ in table.rows] == ["Risk ticks", "Consent of the referral", "Tool used"]


def test_an_event_from_before_tells_nothing() -> None:
    assert tables_of({"rules": []}) == []


def test_values_in_words() -> None:
    assert [words(v) for v in (None, False, 2, "A", [], ["A", 1], "2026-03-31", "2026-03-31T17:00:00")] == [
        "Not known",
        "No",
        "2",
        "A",
        "None",
        "A, 1",
        "31 March 2026",
        "31 March 2026 at 17:00",
    ]
    assert words("2026-99-99") == "2026-99-99"
