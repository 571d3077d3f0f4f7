"""Validation of whole forms: lists, rules, what is kept, process variables."""

from __future__ import annotations

import marshmallow
import pytest
from form_kit import component, context, form_of, messages, page, rows, rule

from app import forms


def variables(form: forms.Form, answers: forms.Answers, **told: object) -> dict[str, object]:
    validated = forms.validate(form, answers, context(**told))
    assert validated.errors == []
    return validated.variables


REFERRAL = form_of(
    page(
        "Why",
        component(
            "radio", "visible", required=True, properties={"variable": "visibleHighRisk", "valueType": "boolean"}
        ),
        component("number", "ticks", required=True, hide='=visible != "yes"', properties={"variable": "ticks"}),
    ),
    page("When", component("datetime", "day", required=True, properties={"variable": "incidentDate"})),
)


def test_variables_are_typed() -> None:
    form = form_of(
        component("radio", "a", properties={"variable": "boolean", "valueType": "boolean"}),
        component("checkbox", "b", properties={"variable": "ticked"}),
        component("number", "c", properties={"variable": "number"}),
        component("datetime", "d", properties={"variable": "date"}),
        component("datetime", "e", subtype="datetime", properties={"variable": "moment", "valueType": "date and time"}),
        component(
            "select",
            "f",
            valuesExpression="=agencies",
            properties={"variable": "agency", "valueType": "id", "ref": "agency"},
        ),
        component("checklist", "g", valuesExpression="=agencies", properties={"variable": "list", "valueType": "list"}),
        component(
            "expression", "h", label=None, expression="=c * 2", properties={"variable": "twice", "valueType": "number"}
        ),
    )
    answers = {"a": "no", "b": True, "c": "7", "d": "2026-01-02", "e": "2026-01-02T09:00", "f": "1", "g": ["1"]}
    assert variables(form, answers, agencies=[{"value": "1", "label": "Police"}]) == {
        "boolean": False,
        "ticked": True,
        "number": 7,
        "date": "2026-01-02",
        "moment": "2026-01-02T09:00:00+00:00",
        "agency": "1",
        "list": ["1"],
        "twice": 14,
    }


def test_a_hidden_or_empty_question_sets_its_variable_to_null() -> None:
    assert variables(REFERRAL, {"visible": "no", "ticks": "20", "day": "2026-01-02"}) == {
        "visibleHighRisk": False,
        "ticks": None,
        "incidentDate": "2026-01-02",
    }


def test_two_questions_may_set_one_variable_in_turn() -> None:
    form = form_of(
        component("radio", "which"),
        component("number", "a", hide='=which != "yes"', properties={"variable": "n"}),
        component("number", "b", hide='=which != "no"', properties={"variable": "n"}),
    )
    assert variables(form, {"which": "yes", "a": "1", "b": "2"}) == {"n": 1}
    assert variables(form, {"which": "no", "a": "1", "b": "2"}) == {"n": 2}


def test_hidden_answers_are_not_kept() -> None:
    validated = forms.validate(REFERRAL, {"visible": "no", "ticks": "20", "day": "2026-01-02"}, context())
    assert validated.clean == {"visible": "no", "day": "2026-01-02"}


def test_errors_come_in_the_order_of_the_form_with_their_page() -> None:
    errors = forms.validate(REFERRAL, {"visible": "yes"}, context()).errors
    assert [(e.name, e.page, e.message) for e in errors] == [("ticks", 0, "Enter ticks"), ("day", 1, "Enter day")]
    assert forms.validate(REFERRAL, {"visible": "yes"}, context()).variables == {}


def test_one_page_can_be_checked_alone() -> None:
    validated = forms.validate(REFERRAL, {"visible": "no"}, context(), page=0)
    assert validated.errors == []
    assert validated.clean == {"visible": "no"}
    assert [e.name for e in forms.validate(REFERRAL, {"visible": "no"}, context(), page=1).errors] == ["day"]


def test_validating_changes_nothing() -> None:
    answers: forms.Answers = {"visible": "yes", "ticks": "x"}
    forms.validate(REFERRAL, answers, context())
    assert answers == {"visible": "yes", "ticks": "x"}


# ------------------------------------------------------------------------------------------------- lists
def test_least_and_most_rows() -> None:
    form = form_of(
        rows(
            "actions",
            component("textfield", "text", required=True),
            properties={"minItems": "1", "maxItems": "2", "itemLabel": "action"},
        )
    )
    assert messages(forms.validate(form, {"actions": []}, context())) == {"actions": "Add at least one action"}
    three = {"actions": [{"_row": str(n), "text": "x"} for n in range(3)]}
    (error,) = forms.validate(form, three, context()).errors
    assert (error.message, error.anchor) == ("You can add up to 2 actions", "actions-list")


def test_a_rows_errors_say_which_row() -> None:
    form = form_of(
        rows(
            "children",
            component("textfield", "name", label="Full name", required=True),
            component("textfield", "id", label="IDs", required=True),
            properties={"itemLabel": "child"},
        )
    )
    found = messages(
        forms.validate(form, {"children": [{"_row": "4", "name": "Ann", "id": "1"}, {"_row": "9"}]}, context())
    )
    assert found == {"children.9.name": "Child 2: enter full name", "children.9.id": "Child 2: enter IDs"}


def test_a_fixed_rows_errors_say_which_row_unless_the_question_does() -> None:
    fixed = {"allowAddRemove": False, "properties": {"rowsFrom": "=papers"}}
    papers = [{"value": "7", "label": "Agenda"}]
    form = form_of(
        rows(
            "kept",
            component("radio", "keep", required=True, properties={"requiredMessage": "Select yes to keep it"}),
            **fixed,
        )
    )
    assert messages(forms.validate(form, {}, context(papers=papers))) == {
        "kept.7.keep": "Agenda: select yes to keep it"
    }


def test_a_row_within_a_row_is_named_in_full() -> None:
    inner = rows("calls", component("number", "n", label="Count", required=True), properties={"itemLabel": "call"})
    form = form_of(rows("children", inner, properties={"itemLabel": "child"}))
    answers = {"children": [{"_row": "1", "calls": [{"_row": "2", "n": "1"}, {"_row": "3"}]}]}
    assert messages(forms.validate(form, answers, context())) == {
        "children.1.calls.3.n": "Child 1, call 2: enter count"
    }
    assert [card.title for card in forms.summary(form, answers, context())] == ["Child 1, call 1", "Child 1, call 2"]


def test_errors_are_in_the_order_of_the_pages() -> None:
    gone = page("A", component("number", "n", hide="=true"), rule("First", "n", "=false"))
    form = form_of(gone, page("B", component("number", "m", required=True)))
    assert [error.page for error in forms.validate(form, {}, context()).errors] == [0, 1]


def test_rows_keep_their_identity() -> None:
    form = form_of(rows("a", component("number", "n"), rows("b", component("number", "m"))))
    answers = {"a": [{"_row": "3", "n": "1", "b": [{"_row": "5", "m": "2"}]}], "_lastRow": 5}
    assert forms.validate(form, answers, context()).clean == {
        "a": [{"_row": "3", "n": 1, "b": [{"_row": "5", "m": 2}]}]
    }


# ------------------------------------------------------------------------------------------------- rules
CONTACT = form_of(
    component("textfield", "phone"),
    component("textfield", "email"),
    rule(
        "Enter a phone number or an email address",
        "phone",
        '=phone != null and phone != "" or email != null and email != ""',
    ),
)


def test_a_rule_over_several_questions() -> None:
    assert messages(forms.validate(CONTACT, {}, context())) == {"phone": "Enter a phone number or an email address"}
    assert forms.validate(CONTACT, {"email": "a"}, context()).errors == []


def test_the_questions_own_error_comes_first() -> None:
    form = form_of(component("number", "n", required=True), rule("Other", "n", "=n > 1"))
    assert messages(forms.validate(form, {}, context())) == {"n": "Enter N"}


def test_a_rule_that_cannot_decide_is_an_error() -> None:
    form = form_of(component("number", "n"), rule("Too few", "n", "=n > me.least"))
    assert messages(forms.validate(form, {"n": "1"}, context(me=None))) == {"n": "Too few"}


def test_a_rule_finds_its_question_beside_it_or_from_the_root() -> None:
    form = form_of(
        page("V", component("datetime", "dob"), rule("Enter it", "dob", "=victim.dob != null"), path="victim"),
        page(
            "R",
            rows(
                "a",
                component("number", "n"),
                rule("Too few", "n", "=this.n > 1"),
                rule("And so", "victim.dob", "=this.n > 1"),
            ),
        ),
    )
    answers = {"a": [{"_row": "1", "n": "5"}, {"_row": "2", "n": "1"}]}
    assert messages(forms.validate(form, answers, context())) == {"victim.dob": "Enter it", "a.2.n": "A 2: too few"}


def test_a_rule_without_its_question_is_said_where_it_stands() -> None:
    form = form_of(component("number", "n", hide="=true"), rule("Something is wrong", "n", "=false", id="Rule_1"))
    (error,) = forms.validate(form, {}, context()).errors
    assert error.message == "Something is wrong"
    drawn = forms.draw(form, 0, {}, context(), [error]).items
    assert [(item.kind, item.id, item.text) for item in drawn] == [("error", error.anchor, "Something is wrong")]


def test_a_rules_text_may_hold_values() -> None:
    form = form_of(component("number", "n"), rule("At most {{params.most}}", "n", "=n <= params.most"))
    assert messages(forms.validate(form, {"n": "9"}, context(params={"most": 5}))) == {"n": "At most 5"}


# ------------------------------------------------------------------------------------------------- schema, attestations
def test_the_schema_is_marshmallow_and_has_what_is_asked_now() -> None:
    schema = forms.schema_for(REFERRAL, {"visible": "no"}, context())
    assert isinstance(schema, marshmallow.Schema)
    assert [field.data_key for field in schema.fields.values()] == ["visible", "day"]
    with pytest.raises(marshmallow.ValidationError) as caught:
        schema.load({"visible": "perhaps", "ticks": "3", "day": "2026-01-02"})
    assert set(caught.value.messages_dict) == {"visible", "ticks"}


def test_attestations_and_signatures_are_told() -> None:
    form = form_of(
        component("checkbox", "asked", required=True, properties={"role": "attestation"}),
        component("checkbox", "signed", required=True, properties={"role": "signature"}),
        component("checkbox", "other"),
    )
    assert form.needs_fresh_authentication
    assert not REFERRAL.needs_fresh_authentication
    validated = forms.validate(form, {"asked": True, "signed": True, "other": True}, context())
    assert (validated.attestations, validated.signatures) == (["asked"], ["signed"])
