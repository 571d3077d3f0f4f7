"""Small forms for tests, written the way a form editor writes them, and posted pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any

from app import forms

NOW = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
YES_NO = [{"label": "Yes", "value": "yes"}, {"label": "No", "value": "no"}]
_number = count(1)


def context(**values: Any) -> forms.Context:
    return forms.Context(now=NOW, values=values)


def component(type_: str, key: str = "", **attributes: Any) -> dict[str, Any]:
    """One component. `required`, `hide` and `properties` are short for where form-js keeps them."""
    made: dict[str, Any] = {"type": type_, "id": attributes.pop("id", f"Field_{next(_number)}")}
    if key:
        made["key"] = key
    validate = dict(attributes.pop("validate", {}))
    if attributes.pop("required", False):
        validate["required"] = True
    if validate:
        made["validate"] = validate
    if "hide" in attributes:
        made["conditional"] = {"hide": attributes.pop("hide")}
    label = attributes.pop("label", key.capitalize() if key else None)
    if label is not None:
        made["dateLabel" if type_ == "datetime" else "label"] = label
    if type_ == "datetime":
        made.setdefault("subtype", "date")
    if type_ == "radio" and not {"values", "valuesExpression", "valuesKey"} & attributes.keys():
        made["values"] = YES_NO
    return made | attributes


def page(label: str, *components: dict[str, Any], path: str = "", **attributes: Any) -> dict[str, Any]:
    return component("group", label=label, components=list(components), path=path, **attributes)


def rows(path: str, *components: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """A repeating group."""
    return component(
        "dynamiclist",
        label=attributes.pop("label", path.capitalize()),
        path=path,
        components=list(components),
        isRepeating=True,
        allowAddRemove=attributes.pop("allowAddRemove", True),
        defaultRepetitions=attributes.pop("defaultRepetitions", 1),
        **attributes,
    )


def rule(text: str, at: str, hide: str, **attributes: Any) -> dict[str, Any]:
    return component("text", text=text, hide=hide, properties={"role": "error", "at": at}, **attributes)


def file_of(*components: dict[str, Any], form_id: str = "sample") -> bytes:
    return json.dumps({"type": "default", "id": form_id, "schemaVersion": 19, "components": list(components)}).encode()


def form_of(*components: dict[str, Any]) -> forms.Form:
    return forms.load(file_of(*components), "sample.form")


def problems_of(*components: dict[str, Any], **arguments: Any) -> list[str]:
    """What a check finds, one line each."""
    return [problem.line() for problem in forms.check(file_of(*components), "sample.form", **arguments)]


class Post:
    """A posted page, with what Werkzeug's MultiDict offers."""

    def __init__(self, fields: Mapping[str, str | list[str]]) -> None:
        self.fields = fields

    def get(self, key: str, /) -> str | None:
        found = self.fields.get(key)
        return found[0] if isinstance(found, list) and found else found if isinstance(found, str) else None

    def getlist(self, key: str, /) -> list[str]:
        found = self.fields.get(key, [])
        return [found] if isinstance(found, str) else found


def post(
    form: forms.Form,
    answers: forms.Answers,
    told: forms.Context | None = None,
    /,
    *,
    on: int = 0,
    files: dict[str, list[forms.FileRef]] | None = None,
    **fields: str | list[str],
) -> forms.Answers:
    """Post one page as a browser does: `_shown` as the page had it. Double underscores in names stand for dots."""
    told = told or context()
    shown = " ".join(forms.visible(form, on, answers, told))
    sent: dict[str, str | list[str]] = {name.replace("__", "."): value for name, value in fields.items()}
    return forms.take(form, on, Post({"_shown": shown} | sent), files or {}, answers, told)


def messages(validated: forms.Validated) -> dict[str, str]:
    return {error.name: error.message for error in validated.errors}
