"""Reading a form file."""

from __future__ import annotations

import json

import pytest
from form_kit import component, file_of, form_of, page, problems_of, rows, rule

from app import forms


def refused(*components: dict[str, object]) -> str:
    with pytest.raises(forms.FormFileError) as caught:
        forms.load(file_of(*components), "sample.form")
    return " | ".join(problem.line() for problem in caught.value.problems)


def test_top_level_groups_are_pages() -> None:
    form = form_of(
        page("The victim", component("textfield", "name"), path="victim"),
        page("Children", rows("children", component("textfield", "name"))),
    )
    assert [p.label.text for p in form.pages] == ["The victim", "Children"]
    assert [field.name for field in form.fields()] == ["victim.name", "children.name"]


def test_a_form_without_groups_is_one_page() -> None:
    form = form_of(component("textfield", "name"), component("number", "age"))
    assert len(form.pages) == 1
    assert [field.name for field in form.fields()] == ["name", "age"]


def test_what_stands_between_groups_joins_a_page() -> None:
    form = form_of(
        component("textfield", "before"),
        page("One", component("textfield", "a")),
        component("textfield", "between"),
        page("Two", component("textfield", "b")),
    )
    assert [[child.name for child in p.children] for p in form.pages] == [["before", "a", "between"], ["b"]]


def test_marks_are_read_and_inherited() -> None:
    form = form_of(
        page(
            "P",
            rows(
                "children",
                component("textfield", "name"),
                component(
                    "textarea", "worry", properties={"sensitivity": "special-category criminal", "kind": "opinion"}
                ),
                properties={"sensitivity": "personal", "kind": "fact"},
            ),
            component(
                "radio",
                "aware",
                properties={"variable": "victimAware", "valueType": "boolean", "basis": "London DSA 2.2"},
            ),
        )
    )
    name, worry, aware = form.fields()
    assert (name.marks.sensitivity, name.marks.kind) == ({"personal"}, "fact")
    assert (worry.marks.sensitivity, worry.marks.kind) == ({"special-category", "criminal"}, "opinion")
    assert (aware.marks.variable, aware.marks.value_type, aware.marks.basis) == (
        "victimAware",
        "boolean",
        "London DSA 2.2",
    )


def test_what_is_not_marked_is_personal_unless_it_is_a_variable() -> None:
    form = form_of(component("number", "a"), component("number", "b", properties={"variable": "b"}))
    assert [(f.marks.sensitivity, f.marks.assumed) for f in form.fields()] == [
        ({"personal"}, True),
        (frozenset(), False),
    ]


def test_value_types_follow_the_kind_of_question() -> None:
    form = form_of(
        component("number", "n", properties={"variable": "a"}),
        component("datetime", "d", properties={"variable": "b"}),
        component("datetime", "t", subtype="datetime", properties={"variable": "c"}),
        component("checkbox", "x", properties={"variable": "e"}),
        component("radio", "r", properties={"variable": "f"}),
    )
    assert [f.marks.value_type for f in form.fields()] == ["number", "date", "date and time", "boolean", "enum"]


@pytest.mark.parametrize("kind", ["html", "iframe", "button", "image", "documentPreview"])
def test_components_that_run_or_load_something_are_refused(kind: str) -> None:
    assert f"type {kind} is not allowed" in refused(component(kind, "x"))


def test_unknown_types_are_refused() -> None:
    assert "type signaturepad does not exist" in refused(component("signaturepad", "x"))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a form-js form"),
        (b'{"type": "default", "id": "x"}', "no list of components"),
        (b'{"type": "other", "id": "x", "components": []}', "not a form-js form"),
        (b'{"type": "default", "components": []}', "no usable id"),
        (b'{"type": "default", "id": "x", "components": [3]}', "no type"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_files_that_are_no_forms(content: bytes, what: str) -> None:
    with pytest.raises(forms.FormFileError) as caught:
        forms.load(content, "sample.form")
    assert what in str(caught.value)
    assert caught.value.resource_id == "sample.form"


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(forms.FormFileError, match="larger than 2 MB"):
        forms.load(b" " * 2_000_001, "sample.form")


def test_deep_nesting_is_refused() -> None:
    inner = component("textfield", "x")
    for _ in range(20):
        inner = component("group", label="G", components=[inner])
    assert "nested more than 12 deep" in refused(inner)


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (component("textfield", "x", properties={"colour": "red"}), "property colour is not one of ours"),
        (component("textfield", "x", properties={"minItems": "1"}), "minItems means nothing on a textfield"),
        (component("textfield", "x", properties={"sensitivity": 3}), "not a text"),
        (component("textfield", "x", properties={"sensitivity": "secret"}), "sensitivity secret is unknown"),
        (component("textfield", "x", properties={"sensitivity": "none personal"}), "none stands beside"),
        (component("textfield", "x", properties={"kind": "rumour"}), "kind has the unknown value"),
        (component("textfield", "x", properties={"prefill": "me.name"}), "prefill does not start with ="),
        (component("textfield", "x", hide="y = 1"), "condition to hide does not start with ="),
        (component("textfield", "x", hide=True), "condition to hide is not an expression"),
        (component("textfield", "x", label="{{#if y}}a{{/if}}"), "condition or loop in curly brackets"),
        (component("textfield", "x", label=""), "no label"),
        (component("textfield", "1x"), "key is not usable"),
        (component("textfield"), "key is missing"),
        (component("textfield", "x", validate={"validationType": "phone"}), "phone takes only numbers like"),
        (component("textfield", "x", validate={"validationType": "email", "maxLength": 50}), "deletes without a word"),
        (component("textfield", "x", validate={"pattern": "(a"}), "not a regular expression"),
        (
            component("textfield", "x", validate={"pattern": "(?=a)", "patternErrorMessage": "a"}),
            "not a regular expression",
        ),
        (component("textfield", "x", validate={"pattern": "^a$"}), "pattern has no message"),
        (component("textfield", "x", validate={"maxLength": "ten"}), "limit maxLength is not a number"),
        (component("number", "x", decimalDigits=-1), "decimalDigits"),
        (component("number", "x", validate={"min": True}), "limit min is not a number"),
        (component("datetime", "x", subtype="week"), "subtype week is unknown"),
        (component("datetime", "x", properties={"max": "tomorrow"}), "max has the unknown value"),
        (component("radio", "x", values=[]), "no options"),
        (component("radio", "x", values=[{"label": "A", "value": "a"}, {"label": "B", "value": "a"}]), "Two options"),
        (component("radio", "x", values=[{"label": "", "value": "a"}]), "no value or no label"),
        (component("radio", "x", valuesExpression="agencies"), "valuesExpression does not start with ="),
        (component("radio", "x", defaultValue=["a"]), "default value does not suit"),
        (component("checkbox", "x", properties={"role": "attestation"}), "can be left out"),
        (component("filepicker", "x", accept="image/*"), "other than file endings"),
        (component("expression", "x"), "no expression"),
        (component("text", text=""), "text is empty"),
        (component("text", text="Wrong", properties={"role": "error", "at": "x"}), "has no condition"),
        (component("table", label="T"), "needs a data source"),
        (rows("", component("textfield", "x")), "path is missing"),
        (rows("list"), "repeating group is empty"),
        (rows("list", component("textfield", "x"), properties={"minItems": "-1"}), "minItems is not a whole number"),
        (
            rows("list", component("textfield", "x"), properties={"minItems": "3", "maxItems": "2"}),
            "minItems is greater",
        ),
        (rows("list", component("textfield", "x"), properties={"rowsFrom": "=agencies"}), "has fixed rows"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(made: dict[str, object], what: str) -> None:
    found = refused(made)
    assert what in found
    assert str(made["id"]) in found


def test_a_page_with_a_condition_takes_nothing_beside_it_along() -> None:
    assert "would vanish with it" in refused(
        component("number", "a"), page("P", component("number", "b"), hide="=a = 1")
    )


def test_the_same_key_twice_is_refused() -> None:
    assert "key name is also that of" in refused(component("textfield", "name"), component("textfield", "name"))


def test_a_key_that_is_also_a_group_is_refused() -> None:
    group = component("group", label="G", path="victim", components=[component("textfield", "name")])
    assert "both a question and the group" in refused(component("textfield", "victim"), group)


def test_the_same_id_twice_is_refused() -> None:
    assert "Two components have this id" in refused(
        component("textfield", "a", id="same"), component("textfield", "b", id="same")
    )


def test_a_rule_must_point_at_a_question() -> None:
    assert "points at nowhere" in refused(component("textfield", "a"), rule("Wrong", "nowhere", '=a = "x"'))


def test_every_page_of_several_needs_a_heading() -> None:
    found = problems_of(page("", component("number", "a")), page("Two", component("number", "b")))
    assert any("page has no label" in line for line in found)


def test_a_good_file_has_no_problems() -> None:
    assert (
        problems_of(page("One", component("radio", "sure", required=True), component("text", text="**Take** care.")))
        == []
    )


def test_problems_say_file_place_and_remedy() -> None:
    (line,) = problems_of(component("button", "go", id="Field_go"))
    assert line.startswith("sample.form: Field_go: ")
    assert line.endswith("Remove it; the page draws its own buttons.")


def test_the_title_is_the_only_pages_or_made_of_the_id() -> None:
    assert form_of(page("Close the case", component("number", "a"))).title == "Close the case"
    two = forms.load(
        file_of(page("A", component("number", "a")), page("B", component("number", "b")), form_id="marac-referral"), "f"
    )
    assert two.title == "Marac referral"


def test_attributes_the_editor_adds_are_ignored() -> None:
    content = json.loads(
        file_of(
            component("number", "a", layout={"row": "Row_1", "columns": None}, increment="1", serializeToString=False)
        )
    )
    content |= {"exporter": {"name": "form-js", "version": "1.23.0"}, "executionPlatform": "Camunda Cloud"}
    assert forms.check(json.dumps(content).encode(), "f") == []
