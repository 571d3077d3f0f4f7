"""What holds for everything that anybody may type, post or send."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from form_kit import NOW, Post, component, context, form_of, page, rows, rule
from hypothesis import given, settings
from hypothesis import strategies as st

from app import forms
from app.problems import Severity

OPTIONS = [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]
FORM = form_of(
    page(
        "One",
        component("textfield", "name", required=True),
        component("textfield", "email", validate={"validationType": "email"}),
        component("textarea", "story", validate={"maxLength": 50}, hide='=open = "no"'),
        component("radio", "open", properties={"variable": "open", "valueType": "boolean"}),
        component(
            "number", "n", decimalDigits=0, validate={"min": 1}, hide='=open != "yes"', properties={"variable": "n"}
        ),
        component("datetime", "day", properties={"variable": "day", "max": "today"}),
        component("datetime", "moment", subtype="datetime"),
        component("datetime", "clock", subtype="time"),
        component("select", "pick", values=OPTIONS),
        component("checklist", "several", values=OPTIONS),
        component("checkbox", "sure", required=True, hide="=n > 10"),
        component("filepicker", "papers"),
        rule("Not both", "n", "=n = null or day = null or n < 5"),
    ),
    page(
        "Two",
        component("group", label="G", path="deep.er", components=[component("number", "n")], hide='=open = "no"'),
        rows(
            "rows",
            component("textfield", "name", required=True),
            component("datetime", "day"),
            component("number", "n", hide="=this.day = null"),
            rows("inner", component("radio", "open"), component("checkbox", "sure", hide='=this.open != "yes"')),
            properties={"maxItems": "4"},
        ),
        rows(
            "fixed",
            component("radio", "answer", label="=this.label", required=True),
            allowAddRemove=False,
            properties={"rowsFrom": "=items"},
        ),
        component(
            "expression",
            "ticks",
            label=None,
            expression='=count(fixed[item.answer = "yes"])',
            properties={"variable": "ticks", "valueType": "number"},
        ),
    ),
)
TOLD = context(items=[{"q": 1, "label": "1. First?"}, {"q": 2, "label": "2. Second?"}])
NAMES = sorted(
    {
        "name",
        "email",
        "story",
        "open",
        "n",
        "pick",
        "several",
        "sure",
        "clock",
        "papers",
        "deep.er.n",
        "rows",
        "fixed",
        "_row",
    }
    | {f"{moment}-{part}" for moment in ("day", "moment", "rows.1.day") for part in ("day", "month", "year", "time")}
    | {f"rows.{row}.{key}" for row in (1, 2, 3) for key in ("name", "n")}
    | {f"rows.1.inner.{row}.{key}" for row in (2, 3, 4) for key in ("open", "sure")}
    | {f"fixed.{row}.answer" for row in (1, 2, 3)}
)
FORM_KEYS = sorted({part for name in (*NAMES, "day", "moment", "inner") for part in name.replace("-", ".").split(".")})
SHOWN = sorted({name.rsplit("-", 1)[0] for name in NAMES})
TYPED = st.one_of(
    st.sampled_from(["", "yes", "no", "a", "b", "true", "1", "31", "2", "2024", "14:30", "3", "12", "0", "a@b.uk"]),
    st.integers(-5, 3000).map(str),
    st.text(max_size=60),
)
FILES = st.lists(
    st.fixed_dictionaries(
        {"id": st.just("f"), "name": st.text(max_size=9), "size": st.integers(0, 9), "type": st.just("x")}
    ),
    max_size=2,
)
PAGES = st.tuples(
    st.sampled_from([0, 1]),
    st.lists(st.sampled_from(SHOWN), max_size=20),
    st.dictionaries(st.sampled_from(NAMES), st.one_of(TYPED, st.lists(TYPED, max_size=3)), max_size=20),
    FILES,
    st.sampled_from(
        [
            "next",
            "save",
            "add:rows",
            "remove:rows.1",
            "add:rows.1.inner",
            "remove:rows.1.inner.2",
            "add:fixed",
            "remove:fixed.1",
            "remove-file:papers:f",
            "add:",
            "x",
        ]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*FORM_KEYS, "_row", "_item", "typed", "x"]), inner, max_size=4),
    ),
    max_leaves=20,
)


def play(pages: list[Any]) -> forms.Answers:
    """Post pages one after the other, as browsers and others might."""
    answers = forms.start(FORM, TOLD)
    for index, shown, fields, files, action in pages:
        sent = Post({"_shown": " ".join(shown), "_action": action} | fields)
        answers = forms.take(FORM, index, sent, {"papers": files}, answers, TOLD)
        done = forms.act(FORM, index, sent, answers, TOLD)
        answers = done.answers if done else answers
    return answers


def drawn_fields(index: int, answers: forms.Answers) -> dict[str, str | list[str]]:
    """What a browser would post of a page when nobody touches it."""
    fields: dict[str, str | list[str]] = {}
    view = forms.draw(FORM, index, answers, TOLD)
    stack = list(view.items)
    while stack:
        item = stack.pop()
        for row in item.rows:
            stack.extend(row.items)
        if item.kind != "input" or item.macro == "govukFileUpload":
            continue
        params = item.params
        if item.macro == "govukDateInput":
            fields |= {f"{params['namePrefix']}-{part['name']}": part["value"] for part in params["items"]}
        elif "items" in params:
            chosen = [option["value"] for option in params["items"] if option.get("checked") or option.get("selected")]
            if chosen:
                fields[params["name"]] = chosen
        else:
            fields[params["name"]] = params["value"]
    return fields | {"_shown": view.shown}


def hidden_names(answers: forms.Answers) -> set[str]:
    from app.forms.model import Field
    from app.forms.rows import settled

    state = settled(FORM, json.loads(json.dumps(answers)), TOLD)
    return {place.name for place in state.places() if place.hidden and isinstance(place.component, Field)}


def flat(data: Any, path: str = "") -> set[str]:
    if isinstance(data, dict):
        return set().union(*(flat(value, f"{path}.{key}") for key, value in data.items() if not key.startswith("_")))
    if isinstance(data, list) and data and isinstance(data[0], dict) and "_row" in data[0]:
        return set().union(*(flat(row, f"{path}.{row['_row']}") for row in data))
    return {path.lstrip(".")}


@settings(max_examples=150, deadline=None)
@given(st.lists(PAGES, max_size=4))
def test_whatever_is_posted_is_kept_judged_and_drawn(pages: list[Any]) -> None:
    answers = play(pages)
    assert json.loads(json.dumps(answers)) == answers
    validated = forms.validate(FORM, answers, TOLD)
    json.dumps([validated.clean, validated.variables])
    for index in (0, 1):
        drawn = forms.draw(FORM, index, answers, TOLD, validated.errors)
        assert drawn.shown.split() == forms.visible(FORM, index, answers, TOLD)
    assert forms.summary(FORM, answers, TOLD)
    assert flat(validated.clean).isdisjoint(hidden_names(answers))
    assert {error.name for error in validated.errors}.isdisjoint(hidden_names(answers))
    if validated.errors:
        assert validated.variables == {}
    else:
        assert set(validated.variables) == {"open", "n", "day", "ticks"}
        if "n" in hidden_names(answers):
            assert validated.variables["n"] is None


@settings(max_examples=100, deadline=None)
@given(st.lists(PAGES, max_size=3), st.sampled_from([0, 1]))
def test_a_page_posted_as_it_was_drawn_changes_nothing(pages: list[Any], index: int) -> None:
    answers = play(pages)
    once = forms.take(FORM, index, Post(drawn_fields(index, answers)), {}, answers, TOLD)
    assert drawn_fields(index, once) == drawn_fields(index, answers)
    twice = forms.take(FORM, index, Post(drawn_fields(index, once)), {}, once, TOLD)
    assert twice == once


DATES = st.dates(min_value=date(1950, 1, 1), max_value=date(2026, 3, 27)).map(date.isoformat)
YES_NO = st.sampled_from(["yes", "no"])
IN_ORDER = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True),
        "sure": st.just(True),
        "fixed": st.lists(st.fixed_dictionaries({"answer": YES_NO}), min_size=2, max_size=2),
    },
    optional={
        "story": st.text(max_size=20),
        "open": YES_NO,
        "n": st.integers(1, 4) | st.integers(1, 4).map(float),
        "day": DATES,
        "moment": DATES.map(lambda day: f"{day}T12:30"),
        "clock": st.just("09:15"),
        "pick": st.sampled_from(["a", "b"]),
        "several": st.lists(st.sampled_from(["a", "b"])),
        "deep": st.fixed_dictionaries(
            {"er": st.fixed_dictionaries({"n": st.integers(-9, 9) | st.decimals(-9, 9, places=2).map(float)})}
        ),
        "rows": st.lists(
            st.fixed_dictionaries(
                {"name": st.just("x")},
                optional={
                    "day": DATES,
                    "n": st.integers(0, 9),
                    "inner": st.lists(st.fixed_dictionaries({"open": YES_NO, "sure": st.booleans()}), max_size=2),
                },
            ),
            max_size=3,
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(IN_ORDER)
def test_what_is_kept_validates_again_to_the_same(sent: dict[str, Any]) -> None:
    answers = forms.answers_from_variables(FORM, sent)
    validated = forms.validate(FORM, answers, TOLD)
    assert validated.errors == []
    kept = json.loads(json.dumps(validated.clean))
    again = forms.validate(FORM, kept, TOLD)
    assert (again.errors, again.clean, again.variables) == ([], validated.clean, validated.variables)
    through_the_api = forms.validate(FORM, forms.answers_from_variables(FORM, kept), TOLD)
    assert (through_the_api.clean, through_the_api.variables) == (validated.clean, validated.variables)
    assert flat(validated.clean).isdisjoint(hidden_names(answers))
    assert read(forms.record(FORM, kept, NOW)) == read(forms.summary(FORM, kept, TOLD))


def read(cards: list[forms.SummaryCard]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    return [(card.title, [(row.label, row.values) for row in card.rows]) for card in cards]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(FORM_KEYS), JSON, max_size=6))
def test_whatever_is_sent_is_refused_politely_or_judged(sent: dict[str, Any]) -> None:
    try:
        answers = forms.answers_from_variables(FORM, sent)
    except (forms.UnknownAnswers, forms.MisshapenAnswer):
        return
    json.dumps(forms.validate(FORM, answers, TOLD).clean)
    forms.summary(FORM, answers, TOLD)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(FORM_KEYS), JSON, max_size=6))
def test_whatever_a_draft_holds_does_no_harm(answers: dict[str, Any]) -> None:
    forms.validate(FORM, answers, TOLD)
    forms.summary(FORM, answers, TOLD)
    for index in (0, 1):
        forms.draw(FORM, index, answers, TOLD)
        forms.take(FORM, index, Post({"_shown": " ".join(SHOWN), "name": "x"}), {}, answers, TOLD)


@cache
def shipped() -> list[bytes]:
    return [file.read_bytes() for file in sorted((Path(__file__).parents[3] / "forms").glob("*/*.form"))]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_and_never_crashes(data: st.DataObject) -> None:
    content = json.loads(data.draw(st.sampled_from(shipped())))
    place: Any = content
    for _ in range(data.draw(st.integers(1, 8))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.integers(0, 4)) == 0:
            place[key] = data.draw(JSON)
            break
        place = place[key]
    damaged = json.dumps(content).encode()
    found = forms.check(damaged, "damaged.form")
    assert all(problem.what and problem.remedy for problem in found)
    usable = not [problem for problem in found if problem.severity is Severity.ERROR]
    try:
        form = forms.load(damaged, "damaged.form")
    except forms.FormFileError:
        assert not usable
    else:
        forms.draw(form, 0, forms.start(form, TOLD), TOLD)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_may_be_uploaded_as_a_form(content: bytes) -> None:
    assert forms.check(content, "x.form")
