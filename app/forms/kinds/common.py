"""What the kinds of answer share when they are drawn and checked."""

from __future__ import annotations

from typing import Any

from app.forms.expressions import Template
from app.forms.model import Question
from app.forms.state import Place


def hint_of(place: Place, extra: str = "") -> dict[str, str] | None:
    """The hint under a label: the form's description, and what else there is to say."""
    question = question_of(place)
    text = place.words(question.description).strip()
    if text and extra and text[-1] not in ".?!:":
        text += "."
    text = f"{text} {extra}".strip()
    return {"text": text} if text else None


def question_of(place: Place) -> Question:
    """The question at a place."""
    component = place.component
    if not isinstance(component, Question):
        raise TypeError(f"{component.id} is not a question")
    return component


def label_of(place: Place) -> str:
    """The label, with "(optional)" where no answer is needed."""
    label = place.label
    optional = not question_of(place).required and "optional" not in label.lower()
    return f"{label} (optional)" if optional else label


def error_of(error: str | None) -> dict[str, str] | None:
    return {"text": error} if error else None


def input_params(place: Place, error: str | None, extra_hint: str = "") -> dict[str, Any]:
    """The parameters of a macro that draws one label with one input."""
    return {
        "id": place.name,
        "name": place.name,
        "label": {"text": label_of(place), "classes": "govuk-label--s"},
        "hint": hint_of(place, extra_hint),
        "errorMessage": error_of(error),
    }


def group_params(place: Place, error: str | None, extra_hint: str = "") -> dict[str, Any]:
    """The parameters of a macro that draws several inputs in a fieldset."""
    return {
        "idPrefix": place.name,
        "name": place.name,
        "fieldset": {"legend": {"text": label_of(place), "classes": "govuk-fieldset__legend--s"}},
        "hint": hint_of(place, extra_hint),
        "errorMessage": error_of(error),
    }


def needed(place: Place, default: str) -> dict[str, Any]:
    """Arguments of a marshmallow field: whether an answer is needed, and what to say when there is none."""
    question = question_of(place)
    message = place.words(Template(question.required_message)) or default
    return {
        "required": question.required,
        "allow_none": not question.required,
        "error_messages": {"required": message, "null": message},
    }
