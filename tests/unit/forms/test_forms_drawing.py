"""Pages as data, and summaries."""

from __future__ import annotations

from form_kit import NOW, YES_NO, component, context, form_of, page, rows

from app import forms

FORM = form_of(
    page(
        "The victim",
        component("text", text="Tell us **only** what you know, {{me.name}}."),
        component("text", text="Do not call.", properties={"role": "notice"}),
        component(
            "textfield",
            "name",
            label="Full name",
            required=True,
            properties={"basis": "London DSA 2.2", "sensitivity": "victim-identity"},
        ),
        component(
            "textarea",
            "story",
            label="What happened",
            description="In your words",
            validate={"maxLength": 2000},
            properties={"kind": "opinion", "sensitivity": "criminal"},
        ),
        component("separator"),
        component("spacer"),
        component("textfield", "who", label="Reported by", readonly=True, properties={"prefill": "=me.name"}),
        component(
            "group", label="More", components=[component("number", "age", appearance={"suffixAdorner": "years"})]
        ),
        component(
            "table",
            label="Meetings",
            dataSource="=meetings",
            columns=[{"key": "label", "label": "Meeting"}, {"key": "start", "label": "On"}],
        ),
        component("expression", "double", label=None, expression="=age * 2", properties={"summary": "Twice the age"}),
    ),
    page(
        "Children",
        rows(
            "children",
            component("textfield", "name", label="Full name", required=True, properties={"sensitivity": "personal"}),
            component("radio", "atSchool", label="At school?", values=YES_NO),
            defaultRepetitions=0,
            properties={"itemLabel": "child", "maxItems": "2", "whenEmpty": "No children"},
        ),
    ),
)
TOLD = context(me={"name": "*Amy*"}, meetings=[{"label": "First", "start": "2026-04-01"}])


def test_a_page_is_drawn_in_order() -> None:
    view = forms.draw(FORM, 0, {"age": "4"}, TOLD)
    assert (view.title, view.number, view.pages, view.form_id) == ("The victim", 1, 2, "sample")
    assert [item.kind for item in view.items] == [
        "text",
        "notice",
        "input",
        "input",
        "separator",
        "readonly",
        "heading",
        "input",
        "table",
    ]
    assert view.shown == "name story age"
    assert not view.has_files


def test_values_put_into_a_text_are_not_markup() -> None:
    text = forms.draw(FORM, 0, {}, TOLD).items[0].html
    assert "<strong>only</strong>" in text
    assert "*Amy*" in text
    evil = context(me={"name": "<script>x</script>[a](javascript:x)"})
    text = forms.draw(FORM, 0, {}, evil).items[0].html
    assert "<script" not in text
    assert "href" not in text


def test_labels_hints_and_marks() -> None:
    items = forms.draw(FORM, 0, {}, TOLD).items
    name, story, age = items[2], items[3], items[7]
    assert name.params["label"]["text"] == "Full name"
    assert story.params["label"]["text"] == "What happened (optional)"
    assert story.params["hint"]["text"] == "In your words. This is recorded as opinion."
    assert (story.macro, story.params["maxlength"]) == ("govukCharacterCount", 2000)
    assert age.params["suffix"] == {"text": "years"}
    assert (items[5].text, items[5].values) == ("Reported by", ["*Amy*"])
    assert (items[8].head, items[8].cells) == (["Meeting", "On"], [["First", "1 April 2026"]])


def test_sources_of_the_questions() -> None:
    assert forms.draw(FORM, 0, {}, TOLD).sources == [("Full name", "London DSA 2.2")]


def test_errors_stand_at_their_questions_on_their_page() -> None:
    answers = {"children": [{"_row": "1"}]}
    errors = forms.validate(FORM, answers, TOLD).errors
    first, second = (forms.draw(FORM, index, answers, TOLD, errors) for index in (0, 1))
    assert [error.name for error in first.errors] == ["name"]
    assert first.items[2].params["errorMessage"] == {"text": "Enter full name"}
    assert [error.name for error in second.errors] == ["children.1.name"]
    assert second.items[0].rows[0].items[0].params["errorMessage"] == {"text": "Child 1: enter full name"}


def test_a_list_says_what_can_be_done() -> None:
    (empty,) = forms.draw(FORM, 1, {}, TOLD).items
    assert (empty.empty, empty.add_label, empty.can_add) == ("No children", "Add a child", True)
    (full,) = forms.draw(FORM, 1, {"children": [{"_row": "1"}, {"_row": "2"}]}, TOLD).items
    assert ([row.legend for row in full.rows], full.can_add, full.can_remove) == (["Child 1", "Child 2"], False, True)
    (one,) = forms.draw(FORM, 1, {"children": [{"_row": "1"}]}, TOLD).items
    assert one.add_label == "Add another child"


def test_opened_questions_are_linked() -> None:
    form = form_of(component("radio", "a"), component("datetime", "d", hide='=a != "yes"'))
    assert forms.draw(form, 0, {"a": "yes"}, TOLD, (), ["d"]).opened == ["d-day"]
    assert forms.draw(form, 0, {"a": "no"}, TOLD, (), ["d"]).opened == []


def test_pages_that_say_nothing_are_passed_by() -> None:
    form = form_of(
        page("A", component("radio", "a")),
        page("B", component("number", "b"), hide='=a != "yes"'),
        page("C", component("number", "c", hide='=a != "yes"'), component("separator")),
        page("D", component("number", "d")),
    )
    assert forms.shown_pages(form, {}, TOLD) == [0, 3]
    assert forms.shown_pages(form, {"a": "yes"}, TOLD) == [0, 1, 2, 3]
    assert forms.page_hidden(form, 2, {}, TOLD)


# ------------------------------------------------------------------------------------------------- summaries
ANSWERS = {
    "name": "Ann",
    "story": "One\n\nTwo",
    "age": "4",
    "children": [{"_row": "2", "name": "Ben", "atSchool": "yes"}, {"_row": "5", "name": "Cat"}],
}


def test_check_your_answers() -> None:
    victim, ben, cat = forms.summary(FORM, ANSWERS, TOLD)
    assert (victim.title, victim.page) == ("The victim", 0)
    assert [(row.label, row.values) for row in victim.rows] == [
        ("Full name", ["Ann"]),
        ("What happened", ["One", "", "Two"]),
        ("Reported by", ["*Amy*"]),
        ("Age", ["4 years"]),
        ("Twice the age", ["8"]),
    ]
    assert [row.changeable for row in victim.rows] == [True, True, False, True, False]
    assert (ben.title, ben.page, ben.rows[0].anchor, ben.rows[0].path) == (
        "Child 1",
        1,
        "children.2.name",
        "children.name",
    )
    assert [(row.label, row.values, row.given) for row in cat.rows] == [
        ("Full name", ["Cat"], True),
        ("At school?", ["Not given"], False),
    ]


def test_an_empty_list_is_said() -> None:
    _, children = forms.summary(FORM, {"name": "Ann"}, TOLD)
    assert [(row.label, row.values, row.anchor) for row in children.rows] == [
        ("Children", ["No children"], "children-list")
    ]


def test_a_reader_sees_only_what_they_may() -> None:
    cards = forms.summary(
        FORM, ANSWERS, TOLD, permitted=lambda field: "personal" not in field.marks.sensitivity and field.name != "name"
    )
    assert [row.label for card in cards for row in card.rows].count("Full name") == 0
    assert "Ann" not in str(cards)
    assert "Ben" not in str(cards)
    nothing = forms.summary(FORM, {}, TOLD, permitted=lambda field: False)
    assert nothing == []


def test_answers_in_words() -> None:
    form = form_of(
        component("radio", "r"),
        component("checklist", "c", valuesExpression="=agencies"),
        component("select", "gone", valuesExpression="=agencies"),
        component("checkbox", "b", label="Urgent"),
        component("checkbox", "s", label="I confirm", required=True, properties={"role": "signature"}),
        component("datetime", "d"),
        component("datetime", "m", subtype="datetime"),
        component("datetime", "t", subtype="time"),
        component("datetime", "bad"),
        component("filepicker", "f"),
        component("number", "n", properties={"summary": "How many", "whenEmpty": "Not counted"}),
    )
    answers = {
        "r": "yes",
        "c": ["1"],
        "gone": "77",
        "s": True,
        "d": "2026-04-01",
        "m": "2026-07-01T14:30+01:00",
        "t": "12:00",
        "bad": {"typed": {"day": "31", "month": "", "year": "26"}},
        "f": [{"id": "1", "name": "a.pdf", "size": 1, "type": "x"}],
    }
    (card,) = forms.summary(form, answers, context(agencies=[{"value": 1, "label": "Police"}]))
    assert {row.name: row.values for row in card.rows} == {
        "r": ["Yes"],
        "c": ["Police"],
        "gone": ["77"],
        "b": ["No"],
        "s": ["Confirmed"],
        "d": ["1 April 2026"],
        "m": ["1 July 2026 at 2:30pm"],
        "t": ["midday"],
        "bad": ["31 26"],
        "f": ["a.pdf"],
        "n": ["Not counted"],
    }
    assert card.rows[-1].label == "How many"
    assert [file["name"] for row in card.rows for file in row.files] == ["a.pdf"]


def test_a_submission_is_read_as_it_was_made() -> None:
    form = form_of(
        page(
            "Who",
            component("textfield", "by", readonly=True, properties={"prefill": "=me.name", "sensitivity": "none"}),
            component("select", "agency", valuesExpression="=agencies"),
            component("checklist", "who", valuesExpression="=agencies"),
            component("number", "n", hide="=params.ask != true"),
            component("expression", "age", label=None, expression="=me.age", properties={"summary": "Age"}),
            rows(
                "people",
                component("select", "agency", label="{{this.role}} agency", valuesExpression="=agencies"),
                component("textfield", "role"),
            ),
        ),
        page("Gone", component("number", "m"), hide="=params.ask = true"),
    )
    then = context(me={"name": "Amy", "age": 30}, agencies=[{"value": "1", "label": "Police"}], params={"ask": True})
    answers = {"agency": "1", "who": ["1"], "n": "5", "people": [{"_row": "1", "agency": "1", "role": "Lead"}]}
    kept = forms.validate(form, answers, then).clean
    shown = [(card.title, [(row.label, row.values) for row in card.rows]) for card in forms.record(form, kept, NOW)]
    assert shown == [
        ("Who", [("By", ["Amy"]), ("Agency", ["Police"]), ("Who", ["Police"]), ("N", ["5"]), ("Age", ["30"])]),
        ("People 1", [("Lead agency", ["Police"]), ("Role", ["Lead"])]),
    ]
    now = context(me={"name": "Eve", "age": 40}, agencies=[{"value": "1", "label": "Met"}], params={"ask": False})
    assert [card.title for card in forms.summary(form, kept, now)] != [title for title, _ in shown]
    seen = forms.record(form, kept, NOW, permitted=lambda field: field.name == "n")
    assert [[row.name for row in card.rows] for card in seen] == [["n"]]


def test_a_submission_of_part_of_a_form_shows_that_part() -> None:
    cards = forms.record(FORM, {"children": [{"_row": "7", "name": "Ben"}]}, NOW)
    assert [(card.title, [row.values for row in card.rows]) for card in cards] == [("Child 1", [["Ben"]])]
