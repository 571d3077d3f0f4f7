"""Each kind of question: what is taken, what is said, what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from form_kit import Post, component, context, form_of, post

from app import forms

PDF: forms.FileRef = {"id": "f1", "name": "Report.PDF", "size": 10, "type": "application/pdf"}


def judged(made: dict[str, Any], fields: dict[str, str | list[str]], **told: Any) -> tuple[str, Any]:
    """Post one question; gives the message and what is kept."""
    form = form_of(made)
    answers = forms.take(
        form, 0, Post({"_shown": "x"} | fields), {}, forms.start(form, context(**told)), context(**told)
    )
    validated = forms.validate(form, answers, context(**told))
    return (validated.errors[0].message if validated.errors else "", validated.clean.get("x"))


# ------------------------------------------------------------------------------------------------- text
@pytest.mark.parametrize(
    ("made", "typed", "message"),
    [
        (component("textfield", "x", label="Full name", required=True), "", "Enter full name"),
        (component("textfield", "x", label="IDVA service", required=True), " \n ", "Enter IDVA service"),
        (component("textfield", "x", label="Why not?", required=True), "", "Enter an answer to ‘Why not?’"),
        (component("textfield", "x", label="A", required=True, properties={"requiredMessage": "Say it"}), "", "Say it"),
        (
            component("textfield", "x", label="Town", validate={"maxLength": 3}),
            "York",
            "Town must be 3 characters or fewer",
        ),
        (component("textfield", "x", label="Town"), "a" * 501, "Town must be 500 characters or fewer"),
        (component("textarea", "x", label="Story"), "a" * 20_001, "Story must be 20,000 characters or fewer"),
        (
            component("textarea", "x", label="Why?", validate={"minLength": 5}),
            "abc",
            "Why must be 5 characters or more",
        ),
        (
            component("textfield", "x", validate={"maxLength": "=params.longest"}),
            "abcd",
            "X must be 3 characters or fewer",
        ),
        (
            component(
                "textfield", "x", validate={"pattern": "^[0-9 ]+$", "patternErrorMessage": "Enter a phone number"}
            ),
            "12a",
            "Enter a phone number",
        ),
    ],
)
def test_texts_that_will_not_do(made: dict[str, Any], typed: str, message: str) -> None:
    assert judged(made, {"x": typed}, params={"longest": 3})[0] == message


@pytest.mark.parametrize("address", ["name@example.com", "o'brien+x@mail.police.uk", "a@b-c.gov.uk"])
def test_good_addresses(address: str) -> None:
    assert judged(component("textfield", "x", validate={"validationType": "email"}), {"x": address}) == ("", address)


@pytest.mark.parametrize(
    "address",
    [
        "name",
        "name@",
        "@example.com",
        "a b@example.com",
        "name@example",
        "a@b..uk",
        "x@-a.uk",
        "a" * 65 + "@example.com",
    ],
)
def test_bad_addresses(address: str) -> None:
    message, _ = judged(component("textfield", "x", validate={"validationType": "email"}), {"x": address})
    assert message == "Enter an email address in the correct format, like name@example.com"


def test_texts_are_tidied() -> None:
    assert judged(component("textarea", "x"), {"x": "  a\r\nb\x00\x07 "}) == ("", "a\nb")
    assert judged(component("textfield", "x"), {"x": "a\nb"}) == ("", "a b")


def test_a_pattern_cannot_take_for_ever() -> None:
    made = component("textfield", "x", validate={"pattern": "^(a+)+$", "patternErrorMessage": "No"})
    assert judged(made, {"x": "a" * 400 + "!"})[0] == "No"


# ------------------------------------------------------------------------------------------------- number
@pytest.mark.parametrize(
    ("typed", "kept"),
    [("3", 3), ("1,000", 1000), (" 1 000 ", 1000), ("-2.50", -2.5), ("007", 7), ("−1", -1), ("", None), ("0", 0)],
)
def test_numbers(typed: str, kept: Any) -> None:
    assert judged(component("number", "x"), {"x": typed}) == ("", kept)


@pytest.mark.parametrize(
    "typed", ["many", "1e5", "NaN", "1,00", "١", "1/2", "--1", "9" * 16, "0x10", "1_000", "Infinity"]
)
def test_what_is_no_number_is_said_and_kept(typed: str) -> None:
    message, _ = judged(component("number", "x", label="Ticks"), {"x": typed})
    assert message == "Ticks must be a number, like 3"
    assert post(form_of(component("number", "x")), {}, x=typed)["x"] == typed


@pytest.mark.parametrize(
    ("attributes", "typed", "message"),
    [
        ({"decimalDigits": 0}, "1.5", "X must be a whole number, like 3"),
        ({"decimalDigits": 0}, "x", "X must be a whole number, like 3"),
        ({"decimalDigits": 2}, "1.555", "X must have no more than 2 decimal places"),
        ({"validate": {"min": 16}}, "15", "X must be 16 or more"),
        ({"validate": {"max": "=params.most"}}, "1001", "X must be 1,000 or fewer"),
        ({"required": True}, "", "Enter X"),
    ],
)
def test_numbers_that_will_not_do(attributes: dict[str, Any], typed: str, message: str) -> None:
    assert judged(component("number", "x", **attributes), {"x": typed}, params={"most": 1000})[0] == message


def test_a_limit_that_gives_nothing_is_none() -> None:
    assert judged(component("number", "x", validate={"max": "=me.most"}), {"x": "5"}, me=None) == ("", 5)


def test_trailing_zeros_are_no_decimals() -> None:
    assert judged(component("number", "x", decimalDigits=0), {"x": "5.0"}) == ("", 5)


# ------------------------------------------------------------------------------------------------- dates and times
def day(d: str, m: str, y: str, **more: str) -> dict[str, str | list[str]]:
    return {"x-day": d, "x-month": m, "x-year": y} | {f"x-{k}": v for k, v in more.items()}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (day("3", "4", "2026"), "2026-04-03"),
        (day("03", "04", "2026"), "2026-04-03"),
        (day("29", "February", "2024"), "2024-02-29"),
        (day("1", "sept", "2025"), "2025-09-01"),
        (day(" 1 ", "1", "1900"), "1900-01-01"),
        (day("", "", ""), None),
    ],
)
def test_dates(typed: dict[str, str | list[str]], kept: Any) -> None:
    assert judged(component("datetime", "x"), typed) == ("", kept)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (day("31", "2", "2026"), "Born must be a real date"),
        (day("29", "2", "2025"), "Born must be a real date"),
        (day("x", "2", "2026"), "Born must be a real date"),
        (day("1", "ma", "2026"), "Born must be a real date"),
        (day("1", "2", "26"), "Born must have a year of 4 numbers"),
        (day("1", "", "2026"), "Born must include a month"),
        (day("", "", "2026"), "Born must include a day and month"),
        (day("1", "2", ""), "Born must include a year"),
        (day("1", "2", "1899"), "Born must be in 1900 or later"),
        (day("٣", "2", "2026"), "Born must be a real date"),
    ],
)
def test_dates_that_are_none_are_said_and_kept(typed: dict[str, str | list[str]], message: str) -> None:
    made = component("datetime", "x", label="Born")
    assert judged(made, typed)[0] == message
    form = form_of(made)
    answers = forms.take(form, 0, Post({"_shown": "x"} | typed), {}, {}, context())
    drawn = forms.draw(form, 0, answers, context()).items[0].params
    assert {f"x-{item['name']}": item["value"] for item in drawn["items"]} == {
        name: str(int(value)) if value == "1899" else value for name, value in typed.items()
    }


def test_the_error_links_to_the_day() -> None:
    form = form_of(component("datetime", "x", required=True))
    (error,) = forms.validate(form, {}, context()).errors
    assert (error.name, error.anchor) == ("x", "x-day")
    assert forms.draw(form, 0, {}, context()).items[0].params["items"][0]["id"] == "x-day"


@pytest.mark.parametrize(
    ("attributes", "typed", "message"),
    [
        ({"properties": {"max": "today"}}, day("27", "3", "2026"), ""),
        ({"properties": {"max": "today"}}, day("28", "3", "2026"), "X must be today or in the past"),
        ({"properties": {"min": "today"}}, day("27", "3", "2026"), ""),
        ({"properties": {"min": "today"}}, day("26", "3", "2026"), "X must be today or in the future"),
        ({"disallowPassedDates": True}, day("26", "3", "2026"), "X must be today or in the future"),
        ({"required": True}, day("", "", ""), "Enter X"),
    ],
)
def test_bounds_of_dates(attributes: dict[str, Any], typed: dict[str, str | list[str]], message: str) -> None:
    assert judged(component("datetime", "x", **attributes), typed)[0] == message


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("14:30", "14:30:00"),
        ("2.30pm", "14:30:00"),
        ("9am", "09:00:00"),
        ("12am", "00:00:00"),
        ("12 pm", "12:00:00"),
        ("midday", "12:00:00"),
        ("Midnight", "00:00:00"),
        ("0930", "09:30:00"),
        ("", None),
    ],
)
def test_times(typed: str, kept: Any) -> None:
    assert judged(component("datetime", "x", subtype="time"), {"x": typed}) == ("", kept)


@pytest.mark.parametrize("typed", ["25:00", "9", "13pm", "0am", "9:60", "soon"])
def test_times_that_are_none_are_said_and_kept(typed: str) -> None:
    made = component("datetime", "x", subtype="time", label="Start")
    assert judged(made, {"x": typed})[0] == "Start must be a time, like 9:30am or 14:30"
    form = form_of(made)
    assert forms.draw(form, 0, post(form, {}, x=typed), context()).items[0].params["value"] == typed


def test_moments_are_in_london() -> None:
    made = component("datetime", "x", subtype="datetime")
    assert judged(made, day("27", "3", "2026", time="14:30")) == ("", "2026-03-27T14:30:00+00:00")
    assert judged(made, day("1", "7", "2026", time="2:30pm")) == ("", "2026-07-01T14:30:00+01:00")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (day("1", "7", "2026", time=""), "Held must include a time"),
        (day("1", "", "2026", time=""), "Held must include a month and time"),
        (day("1", "7", "2026", time="later"), "Held must have a time like 9:30am or 14:30"),
        (day("29", "3", "2026", time="1:30am"), "Held must have a real time: the clocks go forward then"),
        (day("31", "6", "2026", time="1:30am"), "Held must be a real date"),
        (day("27", "3", "2026", time="9:31"), "Held must be in the past"),
    ],
)
def test_moments_that_will_not_do(typed: dict[str, str | list[str]], message: str) -> None:
    made = component("datetime", "x", subtype="datetime", label="Held", properties={"max": "today"})
    assert judged(made, typed)[0] == message


@pytest.mark.parametrize(
    ("year", "message"),
    [("2036", ""), ("2206", "Review must be within the next 10 years"), ("26", "Review must have a year of 4 numbers")],
)
def test_a_date_to_come_is_one_that_somebody_lives_to_see(year: str, message: str) -> None:
    made = component("datetime", "x", label="Review", properties={"min": "today"})
    assert judged(made, day("1", "2", year))[0] == message


def test_today_is_londons_day() -> None:
    from datetime import UTC, datetime

    form = form_of(component("datetime", "x", properties={"max": "today"}))
    late = forms.Context(now=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
    assert forms.validate(form, {"x": "2026-07-01"}, late).errors == []


# ------------------------------------------------------------------------------------------------- choices
AGENCIES = [
    {"value": 1, "label": "Police"},
    {"value": "2", "label": "Housing", "hint": "The council"},
    "Other",
    None,
    {"label": "no value"},
]


def test_options_may_come_from_the_context() -> None:
    form = form_of(component("select", "x", valuesExpression="=agencies"))
    (item,) = forms.draw(form, 0, {"x": "2"}, context(agencies=AGENCIES)).items
    assert [(o["value"], o["text"], o["selected"]) for o in item.params["items"]] == [
        ("", "Choose one", False),
        ("1", "Police", False),
        ("2", "Housing", True),
        ("Other", "Other", False),
    ]
    assert judged(component("select", "x", valuesKey="agencies"), {"x": "1"}, agencies=AGENCIES) == ("", "1")


@pytest.mark.parametrize(
    ("made", "sent", "message"),
    [
        (component("radio", "x", label="Consent", required=True), {}, "Select consent"),
        (component("radio", "x", label="Safe?", required=True), {}, "Select an answer to ‘Safe?’"),
        (component("radio", "x", label="Safe?"), {"x": "forged"}, "Select an answer to ‘Safe?’"),
        (component("select", "x", label="Agency", valuesExpression="=agencies"), {"x": "9"}, "Select agency"),
        (
            component("checklist", "x", label="Who?", required=True, valuesExpression="=agencies"),
            {},
            "Select at least one answer to ‘Who’",
        ),
        (
            component("taglist", "x", label="Who?", valuesExpression="=agencies"),
            {"x": ["1", "9"]},
            "Select at least one answer to ‘Who’",
        ),
        (component("checkbox", "x", label="I confirm", required=True), {}, "Select the box to confirm: I confirm"),
        (
            component("checkbox", "x", label="I confirm", required=True, properties={"requiredMessage": "Confirm it"}),
            {"x": "yes"},
            "Confirm it",
        ),
    ],
)
def test_choices_that_will_not_do(made: dict[str, Any], sent: dict[str, Any], message: str) -> None:
    assert judged(made, sent, agencies=AGENCIES)[0] == message


def test_choices_that_will_do() -> None:
    assert judged(
        component("checklist", "x", valuesExpression="=agencies"), {"x": ["2", "1", "2"]}, agencies=AGENCIES
    ) == ("", ["2", "1"])
    assert judged(component("checkbox", "x", required=True), {"x": "true"}) == ("", True)
    assert judged(component("checkbox", "x"), {}) == ("", False)


def test_two_short_answers_stand_side_by_side() -> None:
    form = form_of(
        component("radio", "a"), component("radio", "b", values=[{"label": label, "value": label} for label in "xyz"])
    )
    one, three = forms.draw(form, 0, {}, context()).items
    assert (one.params["classes"], three.params["classes"]) == ("govuk-radios--inline", "")


def test_no_options_is_said() -> None:
    form = form_of(
        component("select", "x", valuesExpression="=meetings", properties={"whenEmpty": "No meeting is planned."})
    )
    (item,) = forms.draw(form, 0, {}, context(meetings=None)).items
    assert item.params["hint"] == {"text": "No meeting is planned."}


# ------------------------------------------------------------------------------------------------- files
@pytest.mark.parametrize(
    ("attributes", "kept", "message"),
    [
        ({"required": True}, [], "Select a file for X"),
        ({"accept": ".pdf,.docx"}, [PDF], ""),
        ({"accept": ".docx,.pdf"}, [{**PDF, "name": "a.exe"}], "The selected file must be a Word document or PDF"),
        ({}, [{**PDF, "size": 0}], "The selected file is empty"),
        ({}, [PDF, PDF], "Select one file only"),
        ({"multiple": True}, [PDF] * 21, "You can only select up to 20 files at the same time"),
    ],
)
def test_files(attributes: dict[str, Any], kept: list[forms.FileRef], message: str) -> None:
    validated = forms.validate(form_of(component("filepicker", "x", **attributes)), {"x": kept}, context())
    assert [error.message for error in validated.errors] == ([message] if message else [])


def test_file_references_of_the_wrong_shape_are_dropped() -> None:
    form = form_of(component("filepicker", "x", multiple=True))
    answers = {"x": [PDF, {"id": ""}, {**PDF, "size": True}, {**PDF, "size": -1}, 3]}
    assert forms.validate(form, answers, context()).clean["x"] == [PDF]
