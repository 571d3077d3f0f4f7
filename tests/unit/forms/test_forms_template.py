"""The macros that draw pages: what the HTML must hold for everybody to use it, without JavaScript."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from form_kit import component, context, form_of, page, rows, rule
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader, select_autoescape

from app import forms

TEMPLATES = Path(__file__).parents[3] / "app" / "web" / "templates"
FILE: forms.FileRef = {"id": "f1", "name": "<report>.pdf", "size": 10, "type": "application/pdf"}
EVERYTHING = form_of(
    page(
        "Every kind of question",
        component("text", text="Some **words**."),
        component("text", text="A notice.", properties={"role": "notice"}),
        component("textfield", "name", label="Full name", required=True, properties={"basis": "London DSA 2.2"}),
        component("textfield", "email", validate={"validationType": "email"}, appearance={"prefixAdorner": "to"}),
        component("textarea", "story", validate={"maxLength": 500}, description="In your words"),
        component("textarea", "notes"),
        component("number", "age", appearance={"suffixAdorner": "years"}),
        component("datetime", "born", required=True),
        component("datetime", "held", subtype="datetime"),
        component("datetime", "at", subtype="time"),
        component("radio", "safe", required=True),
        component("select", "agency", valuesExpression="=agencies"),
        component("checklist", "who", valuesExpression="=agencies"),
        component("checkbox", "sure", label="I confirm", description="As the law asks", required=True),
        component("filepicker", "papers", multiple=True, accept=".pdf"),
        component("textfield", "known", readonly=True, properties={"prefill": "=me.name"}),
        component("separator"),
        component(
            "table",
            label="Meetings",
            dataSource="=meetings",
            columns=[{"key": "a", "label": "A"}, {"key": "b", "label": "B"}],
        ),
        component("table", label="Nothing", dataSource="=none", columns=[{"key": "a", "label": "A"}]),
        component(
            "group",
            label="Nested",
            components=[component("group", label="Deeper", components=[component("number", "deep")])],
        ),
        rule("Both are needed", "gone", "=false"),
        component("number", "gone", hide="=true"),
    ),
    page(
        "Rows",
        rows(
            "children",
            component("textfield", "name", label="Full name", required=True),
            component("datetime", "born"),
            component("radio", "safe"),
            rows("calls", component("number", "n"), properties={"itemLabel": "call"}),
            properties={"itemLabel": "child", "minItems": "2", "maxItems": "3"},
        ),
        rows(
            "fixed",
            component("radio", "answer", label="=this.label"),
            allowAddRemove=False,
            properties={"rowsFrom": "=items"},
        ),
        rows("none", component("number", "n"), defaultRepetitions=0),
    ),
)
TOLD = context(
    agencies=[
        {"value": "1", "label": "Police", "hint": "The force"},
        {"value": "2", "label": "Housing & care"},
        {"value": "3", "label": "School"},
    ],
    me={"name": "Amy <b>"},
    meetings=[{"a": "1", "b": "2"}],
    items=[{"q": 1, "label": "1. First?"}, {"q": 2, "label": "2. Second?"}],
)
ANSWERS: forms.Answers = {
    "name": 'An"n <script>',
    "story": "One\n  two\n\n\tthree </textarea>",
    "notes": "a\n b",
    "born": {"typed": {"day": "31", "month": "2", "year": "2026"}},
    "papers": [FILE],
    "children": [{"_row": "1", "name": "Ben", "calls": [{"_row": "3"}, {"_row": "4"}]}, {"_row": "2"}, {"_row": "5"}],
}


class Page(HTMLParser):
    """What a browser makes of the HTML, as far as these tests ask."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inputs: list[dict[str, str | None]] = []
        self.labels: dict[str, str] = {}
        self.described: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.areas: dict[str, str] = {}
        self.open: list[str] = []
        self._label = ""
        self._area = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in ("input", "br", "hr", "img"):
            self.open.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.described += str(found.get("aria-describedby") or "").split()
        if tag in ("input", "select", "textarea", "button"):
            self.inputs.append(found | {"tag": tag})
        if tag == "textarea":
            self._area = str(found["name"])
            self.areas[self._area] = ""
        if tag == "label":
            self._label = str(found["for"])
            self.labels[self._label] = ""
        if tag == "a":
            self.links.append(str(found.get("href")))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "textarea":
            self._area = ""
        if tag == "label":
            self._label = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.areas[self._area] += data
        if self._label:
            self.labels[self._label] += data.strip()


@pytest.fixture(scope="module")
def macros() -> Any:
    environment = Environment(
        loader=ChoiceLoader(
            [FileSystemLoader(TEMPLATES), PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})]
        ),
        autoescape=select_autoescape(),
    )
    return environment.get_template("forms/page.html").module


def drawn(
    macros: Any, index: int, answers: forms.Answers, *, judged: bool = False, opened: tuple[str, ...] = ()
) -> tuple[str, Page]:
    errors = forms.validate(EVERYTHING, answers, TOLD).errors if judged else []
    html = str(macros.draw_page(forms.draw(EVERYTHING, index, answers, TOLD, errors, opened), "token", "/work/1"))
    return html, Page(html)


STATES = [
    (index, answers, judged)
    for index in (0, 1)
    for answers in (forms.start(EVERYTHING, TOLD), ANSWERS)
    for judged in (False, True)
]


@pytest.mark.parametrize(("index", "answers", "judged"), STATES)
def test_every_state_of_a_page_can_be_used_by_everybody(
    macros: Any, index: int, answers: forms.Answers, judged: bool
) -> None:
    _, html = drawn(macros, index, answers, judged=judged)
    assert html.open == []
    assert len(html.ids) == len(set(html.ids))
    assert set(html.described) <= set(html.ids)
    for found in html.inputs:
        if found["tag"] == "button" or found.get("type") == "hidden":
            continue
        assert html.labels.get(str(found["id"])), found
    assert all(link[1:] in html.ids for link in html.links if link.startswith("#"))
    start = html.headings.index(1)
    steps = html.headings[start:]
    assert all(later - earlier <= 1 for earlier, later in pairwise(steps))
    assert html.headings.count(1) == 1


@pytest.mark.parametrize(("index", "answers", "judged"), STATES)
def test_enter_continues(macros: Any, index: int, answers: forms.Answers, judged: bool) -> None:
    _, html = drawn(macros, index, answers, judged=judged)
    first = next(found for found in html.inputs if found["tag"] == "button")
    assert (first["name"], first["value"], first["type"]) == ("_action", "next", "submit")


def test_nothing_typed_becomes_markup(macros: Any) -> None:
    html, _ = drawn(macros, 0, ANSWERS)
    assert "<script" not in html
    assert "Amy &lt;b&gt;" in html
    assert "&lt;report&gt;.pdf" in html


def test_lines_and_spaces_of_a_text_stay_as_they_are(macros: Any) -> None:
    _, html = drawn(macros, 0, ANSWERS)
    assert html.areas == {"story": ANSWERS["story"], "notes": ANSWERS["notes"]}


def test_an_unreal_date_is_drawn_as_typed_and_linked_to_the_day(macros: Any) -> None:
    html, parsed = drawn(macros, 0, ANSWERS, judged=True)
    typed = {str(found["name"]): found.get("value") for found in parsed.inputs}
    assert (typed["born-day"], typed["born-month"], typed["born-year"]) == ("31", "2", "2026")
    assert '<a href="#born-day">Born must be a real date</a>' in html


def test_rows_have_a_legend_and_their_own_buttons(macros: Any) -> None:
    html, parsed = drawn(macros, 1, ANSWERS)
    actions = [found["value"] for found in parsed.inputs if found["tag"] == "button"]
    assert actions == [
        "next",
        "remove:children.1.calls.3",
        "remove:children.1.calls.4",
        "add:children.1.calls",
        "remove:children.1",
        "add:children.2.calls",
        "remove:children.2",
        "add:children.5.calls",
        "remove:children.5",
        "add:none",
        "next",
        "save",
    ]
    assert len(re.findall(r"<legend[^>]*><h\d[^>]*>Child \d<", html)) == 3
    assert ">Remove child 1</button>" in html
    assert "You have not added any" in html


def test_the_page_says_what_it_shows_and_carries_the_token(macros: Any) -> None:
    html, parsed = drawn(macros, 0, {})
    hidden = {str(found["name"]): found["value"] for found in parsed.inputs if found.get("type") == "hidden"}
    assert hidden["csrf_token"] == "token"
    assert str(hidden["_shown"]).split() == forms.visible(EVERYTHING, 0, {}, TOLD)
    assert 'enctype="multipart/form-data"' in html
    assert "enctype" not in drawn(macros, 1, {})[0]


def test_opened_questions_come_before_errors(macros: Any) -> None:
    html, _ = drawn(macros, 0, {}, judged=True, opened=("safe", "born"))
    assert "Your answer opened more questions" in html
    assert 'href="#born-day"' in html
    assert "There is a problem" not in html


def test_the_source_of_a_question_is_there_to_read(macros: Any) -> None:
    assert "<li>Full name: London DSA 2.2</li>" in drawn(macros, 0, {})[0]


def test_check_your_answers_links_back_to_each_question(macros: Any) -> None:
    cards = forms.summary(EVERYTHING, ANSWERS, TOLD)
    html = str(macros.check_answers(cards, lambda index: f"/page/{index + 1}"))
    parsed = Page(html)
    assert parsed.open == []
    assert "/page/1#born-day" in parsed.links
    assert "/page/2#children.1.name" in parsed.links
    assert "/page/1#known" not in parsed.links
    assert 'Change<span class="govuk-visually-hidden"> Full name (Child 1)</span>' in html
    assert "<script" not in html
    assert Page(str(macros.check_answers(cards))).links == []


def test_a_submission_is_read_and_its_files_are_linked(macros: Any) -> None:
    html = str(macros.submission(forms.summary(EVERYTHING, ANSWERS, TOLD), lambda identity: f"/files/{identity}"))
    assert Page(html).links == ["/files/f1"]


def test_errors_across_pages(macros: Any) -> None:
    errors = forms.validate(EVERYTHING, ANSWERS, TOLD).errors
    html = str(macros.error_summary_across(errors, lambda index: f"/page/{index + 1}"))
    assert "/page/2#children.2.name" in Page(html).links
    assert str(macros.error_summary_across([], lambda index: "")) == ""
