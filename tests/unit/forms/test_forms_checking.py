"""Checking variables and expressions before a form is published."""

from __future__ import annotations

import pytest
from form_kit import component, page, problems_of, rows

OPTIONS = [{"label": "Given", "value": "GIVEN"}, {"label": "Refused", "value": "REFUSED"}]


def consent(**properties: str) -> dict[str, object]:
    return component(
        "radio", "consent", values=OPTIONS, properties={"variable": "consent", "valueType": "enum", **properties}
    )


def test_a_variable_must_be_declared() -> None:
    assert problems_of(consent(), declared={"consent": "enum(GIVEN|REFUSED)"}) == []
    (line,) = problems_of(consent(), declared={"agreement": "string"})
    assert "declares no variable consent" in line


def test_a_variable_must_have_the_declared_type() -> None:
    (line,) = problems_of(consent(), declared={"consent": "boolean"})
    assert "declares consent as boolean, but this gives enum" in line


def test_every_option_must_be_among_the_declared() -> None:
    (line,) = problems_of(consent(), declared={"consent": "enum(GIVEN | WITHDRAWN)"})
    assert "cannot be REFUSED" in line


def test_without_a_process_declarations_are_not_checked() -> None:
    assert problems_of(consent()) == []


@pytest.mark.parametrize("kind", ["textfield", "textarea"])
def test_free_text_never_becomes_a_variable(kind: str) -> None:
    (line,) = problems_of(component(kind, "x", properties={"variable": "x", "sensitivity": "none"}))
    assert "Free text cannot become a process variable" in line


@pytest.mark.parametrize("mark", ["personal", "victim-identity", "victim-address", "third-party"])
def test_what_names_a_person_never_becomes_a_variable(mark: str) -> None:
    (line,) = problems_of(component("datetime", "dob", properties={"variable": "dob", "sensitivity": mark}))
    assert f"marked {mark} cannot become a process variable" in line


def test_an_inherited_mark_counts() -> None:
    victim = page(
        "Victim", component("datetime", "dob", properties={"variable": "dob"}), properties={"sensitivity": "personal"}
    )
    (line,) = problems_of(victim)
    assert "marked personal" in line


def test_a_boolean_needs_yes_and_no() -> None:
    (line,) = problems_of(consent(valueType="boolean"))
    assert "not yes and no" in line


def test_a_row_cannot_be_one_variable() -> None:
    made = rows("items", component("radio", "answer", properties={"variable": "answer", "valueType": "boolean"}))
    (line,) = problems_of(made)
    assert "repeating group cannot be one variable" in line


def test_a_computed_variable_needs_a_type() -> None:
    (line,) = problems_of(
        component("expression", "ticks", label=None, expression="=1 + 1", properties={"variable": "ticks"})
    )
    assert "no value type" in line


def test_free_text_without_a_mark_is_warned_about() -> None:
    (line,) = problems_of(component("textarea", "story"))
    assert line.split(": ")[2] == "warning"


# ------------------------------------------------------------------------------------------------- expressions
def hidden_when(expression: str, *others: dict[str, object]) -> list[str]:
    return problems_of(component("number", "n"), component("radio", "r", hide=expression), *others)


def test_a_name_that_does_not_exist_is_refused_with_a_suggestion() -> None:
    (line,) = problems_of(component("number", "riskTicks"), component("radio", "r", hide="=riskTick < 14"))
    assert "condition to hide" in line
    assert "riskTick" in line
    assert "Did you mean “riskTicks”?" in line


def test_names_come_from_the_form_the_context_and_form_js() -> None:
    assert hidden_when("=n = 1 or me.id = null or params.x > today() or i[1] = 2 or this.n = 2 or parent = null") == []
    assert (
        hidden_when(
            "=board = null",
        )
        != []
    )
    assert problems_of(component("radio", "r", hide="=board = null"), context_names=["board"]) == []


def test_syntax_errors_are_refused() -> None:
    (line,) = hidden_when("=n = ")
    assert "In the condition to hide" in line


def test_a_condition_must_be_a_boolean() -> None:
    (line,) = hidden_when("=n + 1")
    assert "boolean" in line or "true or false" in line


def test_types_are_checked() -> None:
    assert hidden_when('=n = "one"') != []


def test_dates_are_texts_as_in_form_js() -> None:
    day = component("datetime", "d")
    assert problems_of(day, component("radio", "r", hide="=d > today()")) != []
    assert problems_of(day, component("radio", "r", hide="=d != null and date(d) > today()")) == []


def test_a_path_into_the_form_must_exist() -> None:
    victim = component("group", label="V", path="victim", components=[component("number", "age")])
    assert problems_of(victim, component("radio", "r", hide="=victim.age = 1")) == []
    (line,) = problems_of(victim, component("radio", "r", hide="=victim.agee = 1"))
    assert "no question victim.agee" in line
    assert "Did you mean “age”?" in line


def test_a_key_must_not_hide_what_forms_are_told() -> None:
    (line,) = problems_of(component("number", "agencies"))
    assert "key agencies hides what forms are told" in line
    assert problems_of(component("number", "agencies"), context_names=["users"]) == []


def test_this_is_the_row() -> None:
    good = rows("named", component("number", "age"), component("radio", "r", hide="=this.age = 1"))
    bad = rows("named", component("number", "age"), component("radio", "r", hide="=this.name = null"))
    assert problems_of(good) == []
    assert "no question this.name" in problems_of(bad)[0]


def test_fixed_rows_bring_names_of_their_own() -> None:
    fixed = rows(
        "answers",
        component("radio", "answer", label="=this.label", hide="=this.detail = true"),
        allowAddRemove=False,
        properties={"rowsFrom": "=riskTools[1].items"},
    )
    assert problems_of(fixed) == []


def test_a_text_compared_with_null_alone_is_refused() -> None:
    phone = component("textfield", "phone", properties={"sensitivity": "personal"})
    (line,) = problems_of(phone, component("radio", "r", hide="=phone != null"))
    assert "compared with null only" in line
    (line,) = problems_of(phone, component("radio", "r", hide='=phone = ""'))
    assert "compared with an empty text only" in line
    assert problems_of(phone, component("radio", "r", hide='=phone != null and phone != ""')) == []


@pytest.mark.parametrize(
    "made",
    [
        component("select", "x", valuesExpression="=agncies"),
        component("textarea", "x", validate={"maxLength": "=agncies"}, properties={"sensitivity": "none"}),
        component("number", "x", validate={"max": "=agncies.n"}),
        component("number", "x", description="See {{agncies}}"),
        component("number", "x", label="=agncies"),
        component("number", "x", properties={"prefill": "=agncies"}),
        component("number", "x", readonly="=agncies = 1"),
        component("expression", "x", label=None, expression="=agncies"),
        component("text", text="Hello {{agncies}}"),
        component("table", label="T", dataSource="=agncies", columns=[{"key": "a", "label": "A"}]),
        rows("x", component("number", "y"), allowAddRemove=False, properties={"rowsFrom": "=agncies"}),
        rows("x", component("number", "y"), properties={"prefill": "=agncies"}),
    ],
)
def test_every_expression_is_checked(made: dict[str, object]) -> None:
    found = problems_of(made)
    assert any("agncies" in line and "agencies" in line for line in found)
