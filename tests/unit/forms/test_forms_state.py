"""Which questions there are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from form_kit import NOW, component, context, form_of, messages, page, rows, rule

from app import forms


def shown(form: forms.Form, answers: forms.Answers, **told: Any) -> list[str]:
    return forms.visible(form, 0, answers, context(**told))


ASKED = form_of(component("radio", "safe"), component("textfield", "notes", hide='=safe != "yes"'))


def test_a_condition_hides_and_shows() -> None:
    assert shown(ASKED, {"safe": "no"}) == ["safe"]
    assert shown(ASKED, {"safe": "yes"}) == ["safe", "notes"]


def test_an_unanswered_question_is_null_in_conditions() -> None:
    assert shown(ASKED, {}) == ["safe"]


def test_a_condition_that_gives_null_shows() -> None:
    form = form_of(component("number", "n"), component("number", "more", hide="=n < 14"))
    assert shown(form, {}) == ["n", "more"]
    assert shown(form, {"n": "20"}) == ["n", "more"]
    assert shown(form, {"n": "3"}) == ["n"]


def test_a_condition_that_is_no_boolean_shows() -> None:
    form = form_of(component("number", "n"), component("number", "more", hide="=me.name"))
    assert shown(form, {}, me={"name": "Amy"}) == ["n", "more"]


def test_a_hidden_answer_never_decides() -> None:
    form = form_of(
        component("radio", "a"),
        component("radio", "b", hide='=a != "yes"'),
        component("number", "c", hide='=b != "yes"'),
    )
    assert shown(form, {"a": "yes", "b": "yes"}) == ["a", "b", "c"]
    assert shown(form, {"a": "no", "b": "yes"}) == ["a"]


def test_conditions_may_look_ahead() -> None:
    form = form_of(component("number", "n", hide='=later = "yes"'), component("radio", "later"))
    assert shown(form, {"later": "yes"}) == ["later"]


def test_a_hidden_group_hides_what_is_in_it() -> None:
    inner = component("group", label="G", path="g", components=[component("number", "n")], hide='=a = "no"')
    form = form_of(page("P", component("radio", "a"), inner))
    assert shown(form, {"a": "no"}) == ["a"]
    assert shown(form, {}) == ["a", "g.n"]


def test_questions_that_hide_each_other_are_shown() -> None:
    form = form_of(component("number", "a", hide="=b != null"), component("number", "b", hide="=a = null"))
    assert set(shown(form, {"a": "1", "b": "2"})) == {"a", "b"}


def test_this_parent_and_i_are_form_js_own() -> None:
    form = form_of(
        component("radio", "all"),
        rows(
            "people",
            component("number", "age"),
            component("radio", "consents", hide="=this.age < 16"),
            component("number", "first", hide="=i[1] > 1"),
            component("number", "root", hide='=parent.all != "yes"'),
            component("group", label="G", path="home", components=[component("number", "beds", hide="=this.age = 3")]),
        ),
    )
    answers = {"all": "no", "people": [{"_row": "1", "age": "3"}, {"_row": "2", "age": "40"}]}
    assert shown(form, answers) == [
        "all",
        "people.1.age",
        "people.1.first",
        "people.2.age",
        "people.2.consents",
        "people.2.home.beds",
    ]


def test_a_row_inside_a_row_sees_the_row_around_it() -> None:
    inner = rows("calls", component("number", "n", hide='=parent.this.kind = "none"'))
    form = form_of(rows("people", component("textfield", "kind"), inner))
    answers = {
        "people": [
            {"_row": "1", "kind": "none", "calls": [{"_row": "2"}]},
            {"_row": "3", "kind": "some", "calls": [{"_row": "4"}]},
        ]
    }
    assert shown(form, answers) == ["people.1.kind", "people.3.kind", "people.3.calls.4.n"]


def test_computed_values_decide_and_may_build_on_each_other() -> None:
    form = form_of(
        rows("answers", component("radio", "answer")),
        component("expression", "ticks", label=None, expression='=count(answers[item.answer = "yes"])'),
        component("expression", "high", label=None, expression="=ticks >= params.vhrThreshold"),
        component("number", "why", hide="=high = true"),
    )
    told = {"params": {"vhrThreshold": 2}}
    two = {"answers": [{"_row": "1", "answer": "yes"}, {"_row": "2", "answer": "yes"}]}
    assert "why" not in shown(form, two, **told)
    assert "why" in shown(form, {"answers": two["answers"][:1]}, **told)


def test_a_text_is_empty_when_unanswered_and_null_when_hidden() -> None:
    form = form_of(
        component("radio", "a"),
        component("textfield", "t", hide='=a = "no"'),
        component("number", "empty", hide='=t != ""'),
        component("number", "null", hide="=t != null"),
    )
    assert shown(form, {}) == ["a", "t", "empty"]
    assert shown(form, {"a": "no"}) == ["a", "null"]


def test_what_is_not_a_number_or_a_date_is_null() -> None:
    form = form_of(
        component("number", "n"),
        component("datetime", "d"),
        component("checkbox", "x", hide="=n != null"),
        component("checkbox", "y", hide="=d != null"),
    )
    assert shown(form, {"n": "many", "d": {"typed": {"day": "31", "month": "2", "year": "2026"}}}) == [
        "n",
        "d",
        "x",
        "y",
    ]
    assert shown(form, {"n": "1", "d": "2026-02-28"}) == ["n", "d"]


def test_only_what_an_expression_names_is_read_from_the_context() -> None:
    class Told(Mapping[str, Any]):
        def __init__(self) -> None:
            self.read: list[str] = []

        def __getitem__(self, name: str) -> Any:
            self.read.append(name)
            return {"agencies": [{"value": "1", "label": "Police"}], "params": {"x": 1}}[name]

        def __iter__(self) -> Iterator[str]:
            return iter(["agencies", "params", "users"])

        def __len__(self) -> int:
            return 3

        def __contains__(self, name: object) -> bool:
            return name in ("agencies", "params", "users")

    told = Told()
    form = form_of(
        component("select", "agency", valuesExpression="=agencies"),
        rows("r", component("number", "n", hide="=this.n = 1")),
    )
    answers = forms.start(form, forms.Context(NOW, told))
    forms.draw(form, 0, answers, forms.Context(NOW, told))
    assert set(told.read) == {"agencies"}


def test_old_drafts_with_other_shapes_do_no_harm() -> None:
    form = form_of(
        page(
            "P",
            rows("people", component("number", "age")),
            component("checklist", "c", values=[{"label": "A", "value": "a"}]),
        ),
        page("V", component("textfield", "name"), path="victim"),
    )
    for wrong in (
        {"people": "x", "victim": 3, "c": "a"},
        {"people": [3, {"age": "1"}, {"_row": 5}], "victim": {"name": []}},
    ):
        assert shown(form, wrong) == ["c"]
        assert forms.validate(form, wrong, context()).errors == []


def test_rules_judge_what_is_shown_only() -> None:
    group = component(
        "group", label="G", components=[component("number", "n"), rule("Too few", "n", "=n > 5")], hide='=a = "no"'
    )
    form = form_of(page("P", component("radio", "a"), group))
    assert messages(forms.validate(form, {"a": "yes", "n": "2"}, context())) == {"n": "Too few"}
    assert messages(forms.validate(form, {"a": "no", "n": "2"}, context())) == {}


def test_feel_can_read_dates_times_and_moments() -> None:
    form = form_of(
        component("datetime", "d"),
        component("datetime", "t", subtype="time"),
        component("datetime", "m", subtype="datetime"),
        component(
            "expression",
            "ok",
            label=None,
            expression="=date(d) < today() and time(t) != null and date and time(m) < now()",
        ),
        component("number", "hidden", hide="=ok = true"),
    )
    typed = {"d": "2026-03-26", "t": "09:30:00", "m": "2026-03-27T09:00:00+00:00"}
    assert shown(form, typed) == ["d", "t", "m"]
    assert shown(form, {**typed, "m": "2026-03-27T09:00"}) == ["d", "t", "m"]
