"""Starting, taking a posted page, buttons, and answers that the API sends."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from form_kit import NOW, Post, component, context, form_of, messages, page, post, rows

from app import forms

PDF: forms.FileRef = {"id": "f1", "name": "report.pdf", "size": 10, "type": "application/pdf"}
OTHER: forms.FileRef = {"id": "f2", "name": "letter.pdf", "size": 20, "type": "application/pdf"}
CHILDREN = form_of(
    page(
        "Children",
        rows(
            "children",
            component("textfield", "name", required=True),
            defaultRepetitions=0,
            properties={"itemLabel": "child", "maxItems": "3"},
        ),
    )
)
TOOL = form_of(
    page(
        "Checklist",
        rows(
            "answers",
            component("radio", "answer", label="=this.label", required=True),
            component("textfield", "source", hide='=this.answer != "yes"'),
            allowAddRemove=False,
            properties={"rowsFrom": "=tool.items", "rowKey": "q"},
        ),
    )
)
ITEMS = {"items": [{"q": 1, "label": "1. First?"}, {"q": 2, "label": "2. Second?"}]}


def act(form: forms.Form, answers: forms.Answers, action: str, **told: Any) -> forms.Action | None:
    return forms.act(form, 0, Post({"_action": action}), answers, context(**told))


# ------------------------------------------------------------------------------------------------- start
def test_defaults_and_prefilled_answers() -> None:
    form = form_of(
        component("textfield", "name", properties={"prefill": "=me.name"}),
        component("radio", "urgent", defaultValue="no"),
        component("radio", "known", properties={"prefill": "=variables.known"}),
        component("datetime", "day", properties={"prefill": "=now()"}),
        component("datetime", "at", subtype="datetime", properties={"prefill": "=now()"}),
        component("number", "ticks", properties={"prefill": "=me.ticks"}),
        component("number", "odd", properties={"prefill": '="many things"'}),
        component("checkbox", "odder", properties={"prefill": "=me.name"}),
    )
    answers = forms.start(form, context(me={"name": "Amy", "ticks": 15}, variables={"known": True}))
    assert answers["name"] == "Amy"
    assert answers["urgent"] == "no"
    assert answers["known"] == "yes"
    assert answers["day"] == "2026-03-27"
    assert answers["at"] == "2026-03-27T09:30:00+00:00"
    assert answers["ticks"] == "15"
    assert answers["odder"] is False


def test_prefilled_answers_may_build_on_each_other() -> None:
    form = form_of(component("number", "b", properties={"prefill": "=a + 1"}), component("number", "a", defaultValue=4))
    assert forms.start(form, context())["b"] == "5"


def test_first_rows() -> None:
    form = form_of(
        rows("a", component("number", "n", defaultValue=7), defaultRepetitions=2),
        rows("b", component("number", "n"), properties={"minItems": "1"}, defaultRepetitions=0),
    )
    answers = forms.start(form, context())
    assert [row["n"] for row in answers["a"]] == ["7", "7"]
    assert len({row["_row"] for row in (*answers["a"], *answers["b"])}) == 3


def test_rows_are_prefilled_from_what_is_known() -> None:
    home = component("group", label="Home", path="home", components=[component("textfield", "street")])
    form = form_of(
        rows(
            "named",
            component("textfield", "name"),
            component("datetime", "dob"),
            home,
            properties={"prefill": "=people.children"},
        )
    )
    told = context(
        people={"children": [{"name": "Ben", "dob": "2015-02-03", "home": {"street": "Elm"}, "extra": 1}, {"name": 3}]}
    )
    one, two = forms.start(form, told)["named"]
    assert (one["name"], one["dob"], one["home"]) == ("Ben", "2015-02-03", {"street": "Elm"})
    assert not two.get("name")


def test_fixed_rows_come_from_the_context_with_what_is_known_of_them() -> None:
    answers = forms.start(TOOL, context(tool=ITEMS))
    assert [(row["_row"], row["_item"]["label"]) for row in answers["answers"]] == [
        ("1", "1. First?"),
        ("2", "2. Second?"),
    ]


def test_rows_can_hold_rows() -> None:
    form = form_of(rows("people", rows("calls", component("number", "n", defaultValue=1), defaultRepetitions=2)))
    answers = forms.start(form, context())
    assert [call["n"] for call in answers["people"][0]["calls"]] == ["1", "1"]


# ------------------------------------------------------------------------------------------------- take
def test_only_what_the_page_showed_is_taken() -> None:
    form = form_of(
        page("One", component("textfield", "a"), component("checkbox", "x")), page("Two", component("textfield", "b"))
    )
    before: forms.Answers = {"a": "old", "b": "kept", "x": True}
    taken = forms.take(form, 0, Post({"_shown": "a b", "a": "new", "b": "forged"}), {}, before, context())
    assert taken == {"a": "new", "b": "kept", "x": True}
    assert before["a"] == "old"


def test_an_unticked_box_is_taken_because_the_page_showed_it() -> None:
    form = form_of(component("checkbox", "x"), component("checklist", "c", values=[{"label": "A", "value": "a"}]))
    assert post(form, {"x": True, "c": ["a"]}) == {"x": False, "c": []}


def test_read_only_answers_are_never_taken() -> None:
    form = form_of(component("textfield", "name", readonly=True, properties={"prefill": "=me.name"}))
    told = context(me={"name": "Amy"})
    taken = forms.take(form, 0, Post({"_shown": "name", "name": "Eve"}), {}, {}, told)
    assert forms.validate(form, taken, told).clean == {"name": "Amy"}
    assert forms.validate(form, {"name": "Eve"}, told).clean == {"name": "Amy"}


def test_what_is_hidden_later_is_kept_in_the_draft() -> None:
    form = form_of(component("radio", "a"), component("textfield", "t", hide='=a != "yes"'))
    answers = post(form, {"a": "yes"}, a="yes", t="typed")
    answers = post(form, answers, a="no", t="typed")
    assert answers["t"] == "typed"
    assert forms.validate(form, answers, context()).clean == {"a": "no"}


def test_a_page_posted_after_its_row_was_removed_changes_no_other_row() -> None:
    answers = {"children": [{"_row": "1", "name": "Ann"}, {"_row": "2", "name": "Bob"}]}
    stale = Post({"_shown": "children.1.name children.2.name", "children.1.name": "Anna", "children.2.name": "Bobby"})
    removed = act(CHILDREN, answers, "remove:children.1")
    assert removed is not None
    taken = forms.take(CHILDREN, 0, stale, {}, removed.answers, context())
    assert taken["children"] == [{"_row": "2", "name": "Bobby"}]


def test_fixed_rows_that_an_answer_brings_are_made() -> None:
    form = form_of(
        component("select", "choice", valuesExpression="=riskTools"),
        component("expression", "tool", label=None, expression="=riskTools[item.value = choice][1]"),
        rows(
            "answers",
            component("radio", "answer", label="=this.label"),
            allowAddRemove=False,
            properties={"rowsFrom": "=tool.items"},
        ),
    )
    told = context(
        riskTools=[
            {"value": "A", "label": "A", **ITEMS},
            {"value": "B", "label": "B", "items": [{"q": 9, "label": "Nine?"}]},
        ]
    )
    answers = forms.start(form, told)
    assert forms.visible(form, 0, answers, told) == ["choice"]
    answers = post(form, answers, told, choice="A")
    assert forms.visible(form, 0, answers, told) == ["choice", "answers.1.answer", "answers.2.answer"]
    answers = post(form, answers, told, choice="A", answers__1__answer="yes", answers__2__answer="no")
    other = post(form, answers, told, choice="B", answers__1__answer="yes", answers__2__answer="no")
    assert forms.visible(form, 0, other, told) == ["choice", "answers.9.answer"]
    back = post(form, other, told, choice="A")
    assert [row["answer"] for row in forms.validate(form, back, told).clean["answers"]] == ["yes", "no"]


# ------------------------------------------------------------------------------------------------- buttons
def test_continue_is_no_action() -> None:
    assert act(CHILDREN, {}, "next") is None
    assert forms.act(CHILDREN, 0, Post({}), {}, context()) is None
    assert act(CHILDREN, {}, "nonsense:children") is None


def test_save_keeps_the_answers() -> None:
    action = act(CHILDREN, {"children": []}, "save")
    assert action is not None
    assert (action.kind, action.answers) == ("save", {"children": []})


def test_add_and_remove_rows() -> None:
    answers: forms.Answers = {"children": []}
    for expected in ("children.1", "children.2", "children.3"):
        action = act(CHILDREN, answers, "add:children")
        assert action is not None
        assert action.anchor == expected
        answers = action.answers
    full = act(CHILDREN, answers, "add:children")
    assert full is not None
    assert (len(full.answers["children"]), full.anchor) == (3, "children-list")
    removed = act(CHILDREN, answers, "remove:children.2")
    assert removed is not None
    assert [row["_row"] for row in removed.answers["children"]] == ["1", "3"]
    assert removed.anchor == "children-list"


def test_an_identity_is_never_used_again() -> None:
    answers = {"children": [{"_row": "1"}, {"_row": "2"}]}
    removed = act(CHILDREN, answers, "remove:children.2")
    assert removed is not None
    again = act(CHILDREN, removed.answers, "add:children")
    assert again is not None
    # The draft before kept no counter, so the number is taken from the rows; from then on it only grows.
    first = again.answers["children"][-1]["_row"]
    gone = act(CHILDREN, again.answers, f"remove:children.{first}")
    assert gone is not None
    last = act(CHILDREN, gone.answers, "add:children")
    assert last is not None
    assert last.answers["children"][-1]["_row"] != first


def test_no_fewer_rows_than_the_least() -> None:
    form = form_of(rows("a", component("number", "n"), properties={"minItems": "1"}))
    answers = forms.start(form, context())
    action = act(form, answers, f"remove:a.{answers['a'][0]['_row']}")
    assert action is not None
    assert len(action.answers["a"]) == 1


def test_a_new_row_is_prefilled() -> None:
    form = form_of(
        rows("a", component("number", "n", defaultValue=7), rows("b", component("number", "m")), defaultRepetitions=0)
    )
    action = act(form, forms.start(form, context()), "add:a")
    assert action is not None
    assert action.answers["a"][0]["n"] == "7"
    assert len(action.answers["a"][0]["b"]) == 1


@pytest.mark.parametrize(
    "forged",
    ["add:other", "add:answers", "remove:answers.1", "remove:x", "remove:", "add:", "remove-file:x:1", "remove-file:"],
)
def test_forged_buttons_do_nothing(forged: str) -> None:
    told = {"tool": ITEMS}
    answers = forms.start(TOOL, context(**told))
    action = act(TOOL, copy.deepcopy(answers), forged, **told)
    assert action is not None
    assert action.answers == answers


def test_files_are_added_kept_and_removed() -> None:
    form = form_of(component("filepicker", "papers", multiple=True))
    answers = post(form, {}, files={"papers": [PDF]})
    answers = post(form, answers, files={"papers": [OTHER]})
    answers = post(form, answers)
    assert [reference["id"] for reference in answers["papers"]] == ["f1", "f2"]
    action = act(form, answers, "remove-file:papers:f1")
    assert action is not None
    assert (action.answers["papers"], action.anchor) == ([OTHER], "papers")


def test_a_single_file_replaces_the_one_before() -> None:
    form = form_of(component("filepicker", "paper"))
    assert post(form, {"paper": [PDF]}, files={"paper": [OTHER]})["paper"] == [OTHER]


def test_opened_questions_are_those_that_were_not_there() -> None:
    assert forms.opened_questions(["a", "b"], ["a", "c", "b", "d"]) == ["c", "d"]


# ------------------------------------------------------------------------------------------------- from the API
API = form_of(
    page(
        "V",
        component("textfield", "name", required=True),
        component("radio", "safe"),
        component("number", "age"),
        path="victim",
    ),
    page(
        "More",
        component("datetime", "day"),
        component("checkbox", "sure"),
        component("checklist", "c", values=[{"label": "A", "value": "a"}]),
        component("filepicker", "papers"),
        component("select", "agency", valuesExpression="=agencies"),
        component("textfield", "who", readonly=True, properties={"prefill": "=me.name"}),
        component("expression", "total", label=None, expression="=1 + 1"),
        rows("children", component("textfield", "name"), rows("calls", component("number", "n"))),
    ),
)


def test_answers_are_keyed_like_the_form() -> None:
    answers = forms.answers_from_variables(
        API,
        {
            "victim": {"name": " Ann\x00 ", "safe": True, "age": 31},
            "day": "2026-03-27",
            "sure": True,
            "c": ["a"],
            "papers": [PDF],
            "agency": 7,
            "who": "Eve",
            "total": 99,
            "children": [{"name": "Ben", "calls": [{"n": 1.5}]}],
        },
    )
    told = context(agencies=[{"value": 7, "label": "Police"}], me={"name": "Amy"})
    validated = forms.validate(API, answers, told)
    assert validated.errors == []
    assert validated.clean["victim"] == {"name": "Ann", "safe": "yes", "age": 31}
    assert (validated.clean["who"], validated.clean["total"], validated.clean["agency"]) == ("Amy", 2, "7")
    (child,) = validated.clean["children"]
    assert (child["name"], child["calls"][0]["n"]) == ("Ben", 1.5)


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"nmae": 1}, "nmae"),
        ({"victim": {"nmae": 1}}, "victim.nmae"),
        ({"children": [{"x": 1}]}, "children.1.x"),
        ({"<b>": 1}, "not nameable"),
    ],
)
def test_unknown_answers_are_refused(sent: dict[str, Any], named: str) -> None:
    with pytest.raises(forms.UnknownAnswers, match=named):
        forms.answers_from_variables(API, sent)


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        ({"victim": 1}, "victim must be an object"),
        ({"victim": {"name": 1}}, "victim.name must be a text"),
        ({"victim": {"name": "x" * 100_001}}, "victim.name must be a text of at most"),
        ({"victim": {"age": []}}, "victim.age must be a number"),
        ({"victim": {"age": True}}, "victim.age must be a number"),
        ({"victim": {"age": 1e300}}, "victim.age must be a number of at most"),
        ({"victim": {"age": float("nan")}}, "victim.age must be a number of at most"),
        ({"victim": {"safe": []}}, "victim.safe must be one of the options"),
        ({"agency": True}, "agency must be one of the options"),
        ({"day": 3}, "day must be a date"),
        ({"sure": "yes"}, "sure must be true or false"),
        ({"c": "a"}, "c must be a list"),
        ({"c": [[]]}, "c must be a list"),
        ({"c": ["a"] * 501}, "c must be a list of at most"),
        ({"papers": [{"id": "1"}]}, "papers must be a list of at most 20 files"),
        ({"papers": "x"}, "papers must be a list"),
        ({"children": {}}, "children must be a list of objects"),
        ({"children": [1]}, "children must be a list of objects"),
        ({"children": [{}] * 1001}, "children must be a list of objects"),
    ],
)
def test_misshapen_answers_are_refused_without_repeating_them(sent: dict[str, Any], what: str) -> None:
    with pytest.raises(forms.MisshapenAnswer, match=what):
        forms.answers_from_variables(API, sent)


def test_nothing_sent_is_nothing_answered() -> None:
    answers = forms.answers_from_variables(
        API, {"victim": None, "children": None, "day": None, "c": None, "agency": None}
    )
    assert messages(forms.validate(API, answers, context(agencies=[]))) == {"victim.name": "Enter name"}


def test_a_date_that_is_none_is_reported_not_refused() -> None:
    answers = forms.answers_from_variables(API, {"victim": {"name": "A"}, "day": "31/02/2026"})
    assert messages(forms.validate(API, answers, context())) == {"day": "Day must be a real date"}


@pytest.mark.parametrize(
    "sent",
    [
        [{"answer": "yes"}, {"answer": "no"}],
        [{"q": 2, "answer": "no"}, {"q": 1, "answer": "yes"}],
        [{"_row": "2", "answer": "no"}, {"_row": "1", "answer": "yes", "_item": {"label": "forged"}}],
    ],
)
def test_fixed_rows_are_matched_by_order_key_or_identity(sent: list[dict[str, Any]]) -> None:
    answers = forms.answers_from_variables(TOOL, {"answers": sent})
    validated = forms.validate(TOOL, answers, context(tool=ITEMS))
    assert validated.errors == []
    assert [(row["_row"], row["answer"], row["_item"]["label"]) for row in validated.clean["answers"]] == [
        ("1", "yes", "1. First?"),
        ("2", "no", "2. Second?"),
    ]


def test_a_missing_fixed_row_is_an_error_and_one_too_many_is_dropped() -> None:
    answers = forms.answers_from_variables(TOOL, {"answers": [{"answer": "yes"}]})
    assert messages(forms.validate(TOOL, answers, context(tool=ITEMS))) == {
        "answers.2.answer": "Select an answer to ‘2. Second?’"
    }
    answers = forms.answers_from_variables(TOOL, {"answers": [{"answer": "yes"}] * 3})
    assert len(forms.validate(TOOL, answers, context(tool=ITEMS)).clean["answers"]) == 2


def test_a_submission_is_readable_when_the_tool_has_gone() -> None:
    answers = forms.answers_from_variables(TOOL, {"answers": [{"answer": "yes"}, {"answer": "no"}]})
    kept = forms.validate(TOOL, answers, context(tool=ITEMS)).clean
    assert forms.summary(TOOL, kept, context(tool=None)) == forms.summary(TOOL, kept, context(tool=ITEMS))
    assert forms.summary(TOOL, kept, context(tool={"items": []})) != forms.summary(TOOL, kept, context(tool=ITEMS))
    (card,) = forms.record(TOOL, kept, NOW)
    assert [(row.label, row.values) for row in card.rows] == [
        ("1. First?", ["Yes"]),
        ("Source", ["Not given"]),
        ("2. Second?", ["No"]),
    ]
