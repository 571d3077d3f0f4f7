"""A choice of one (`radio`, `select`) or of several (`checklist`, `taglist`), and a single box (`checkbox`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.forms import messages
from app.forms.expressions import Expression
from app.forms.kinds.common import error_of, group_params, hint_of, input_params, needed
from app.forms.model import Question
from app.forms.posted import FileRef, Posted, tidy
from app.forms.state import Place

YES_NO = {"yes": True, "no": False, "true": True, "false": False}
MAX_CHOICES = 500


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceQuestion(Question):
    """What the choices have in common: where the options come from."""

    values: tuple[Option, ...] = ()
    source: Expression | None = None

    def options(self, place: Place) -> list[Option]:
        """The options at this place: the form's own, or those that the context offers."""
        if self.source is None:
            return list(self.values)
        return options_from(place.value(self.source))

    def label_for(self, place: Place, value: str) -> str:
        """An option's label, as it was when it was chosen if that is recorded; for an unknown value, the value itself."""
        recorded = (place.labels or {}).get(value)
        if isinstance(recorded, str):
            return recorded
        return next((option.label for option in self.options(place) if option.value == value), value)

    def labels_to_keep(self, place: Place, chosen: list[str]) -> dict[str, str]:
        """What the chosen options are called now, when the form itself does not say: names and lists change."""
        if self.source is None:
            return {}
        return {option.value: option.label for option in self.options(place) if option.value in chosen}

    def _none_offered(self, place: Place) -> str:
        return self.when_empty if self.when_empty and not self.options(place) else ""


def options_from(found: Any) -> list[Option]:
    """Options out of what an expression gave: contexts with `value` and `label`, or plain values."""
    options: dict[str, Option] = {}
    for entry in found if isinstance(found, list) else []:
        if isinstance(entry, dict):
            value, label = entry.get("value"), entry.get("label")
        else:
            value = label = entry
        if value is None or isinstance(value, list | dict):
            continue
        text = _text(value)
        hint = entry.get("hint") if isinstance(entry, dict) else None
        options.setdefault(
            text, Option(text, text if label is None else _text(label), hint if isinstance(hint, str) else "")
        )
    return list(options.values())


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneQuestion(ChoiceQuestion):
    """A choice of one."""

    autocomplete: str = ""

    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> str | None:
        return tidy(posted.get(name))[:500] or None

    def known(self, raw: Any) -> str | None:
        return raw if isinstance(raw, str) and raw else None

    def from_outside(self, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, bool):
            offered = {option.value for option in self.values}
            for text, truth in YES_NO.items():
                if truth is value and text in offered:
                    return text
            raise ValueError("one of the options")
        if isinstance(value, int):
            return str(value)
        if not isinstance(value, str):
            raise ValueError("one of the options")
        return tidy(value)[:500] or None

    def rule(self, place: Place) -> fields.Field[Any]:
        arguments = needed(place, messages.select(place.label))
        message = arguments["error_messages"]["required"]
        return fields.String(
            validate=validate.OneOf([option.value for option in self.options(place)], error=message), **arguments
        )

    def clean(self, value: Any) -> Any:
        return value

    def variable(self, clean: Any) -> Any:
        if self.marks.value_type == "boolean":
            return YES_NO.get(clean) if isinstance(clean, str) else None
        if self.marks.value_type == "number":
            return int(clean) if isinstance(clean, str) and clean.isdigit() else None
        return clean

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        chosen = self.known(place.raw)
        options = self.options(place)
        if self.type == "select":
            params = input_params(place, error, self._none_offered(place))
            offered = any(option.value == chosen for option in options)
            params["items"] = [{"value": "", "text": "Choose one", "selected": not offered}] + [
                {"value": option.value, "text": option.label, "selected": option.value == chosen} for option in options
            ]
            return "govukSelect", params
        params = group_params(place, error, self._none_offered(place))
        params["items"] = [_item(option, checked=option.value == chosen) for option in options]
        short = len(options) <= 2 and all(len(option.label) < 12 and not option.hint for option in options)
        params["classes"] = "govuk-radios--inline" if short else ""
        return "govukRadios", params

    def words(self, place: Place, raw: Any) -> list[str]:
        chosen = self.known(raw)
        return [self.label_for(place, chosen)] if chosen else []


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralQuestion(ChoiceQuestion):
    """A choice of several."""

    @property
    def empty(self) -> list[str]:
        return []

    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> list[str]:
        return self._several(posted.getlist(name))

    def known(self, raw: Any) -> list[str]:
        return [entry for entry in raw if isinstance(entry, str)] if isinstance(raw, list) else []

    def from_outside(self, value: Any) -> list[str]:
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(entry, str | int) for entry in value):
            raise ValueError("a list of options")
        if len(value) > MAX_CHOICES:
            raise ValueError(f"a list of at most {MAX_CHOICES} options")
        return self._several([_text(entry) for entry in value])

    def _several(self, entries: list[str]) -> list[str]:
        tidied = (tidy(entry)[:500] for entry in entries[:MAX_CHOICES])
        return list(dict.fromkeys(entry for entry in tidied if entry))

    def rule(self, place: Place) -> fields.Field[Any]:
        arguments = needed(place, messages.select_some(place.label))
        message = arguments["error_messages"]["required"]
        offered = validate.OneOf([option.value for option in self.options(place)], error=message)
        return _Several(offered, **arguments)

    def clean(self, value: Any) -> Any:
        return value or []

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        chosen = self.known(place.raw)
        extra = self._none_offered(place) or "Select all that apply."
        params = group_params(place, error, extra)
        params["items"] = [_item(option, checked=option.value in chosen) for option in self.options(place)]
        return "govukCheckboxes", params

    def words(self, place: Place, raw: Any) -> list[str]:
        return [self.label_for(place, value) for value in self.known(raw)]


class _Several(fields.Field[list[str]]):
    def __init__(self, offered: validate.OneOf, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.offered = offered

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        for entry in value:
            self.offered(entry)
        return list(value)


def _item(option: Option, *, checked: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"value": option.value, "text": option.label, "checked": checked}
    if option.hint:
        item["hint"] = {"text": option.hint}
    return item


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxQuestion(Question):
    """One box to tick. When it is required it must be ticked: a confirmation, an attestation, a signature."""

    @property
    def empty(self) -> bool:
        return False

    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> bool:
        return posted.get(name) == "true"

    def known(self, raw: Any) -> bool:
        return raw is True

    def answered(self, raw: Any) -> bool:
        return raw is True

    def from_outside(self, value: Any) -> bool:
        if value is None:
            return False
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value

    def rule(self, place: Place) -> fields.Field[Any]:
        message = self.required_message or messages.confirm(place.label)
        return _Box(self.required, message, allow_none=True)

    def clean(self, value: Any) -> Any:
        return bool(value)

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        item: dict[str, Any] = {"value": "true", "text": place.label, "checked": self.known(place.raw)}
        hint = hint_of(place)
        if hint:
            item["hint"] = hint
        return "govukCheckboxes", {
            "idPrefix": place.name,
            "name": place.name,
            "errorMessage": error_of(error),
            "items": [item],
        }

    def words(self, place: Place, raw: Any) -> list[str]:
        if self.marks.role in ("attestation", "signature"):
            return ["Confirmed"] if raw is True else []
        return ["Yes" if raw is True else "No"]


class _Box(fields.Field[bool]):
    def __init__(self, must: bool, message: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.must = must
        self.message = message

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> bool:
        if self.must and value is not True:
            raise ValidationError(self.message)
        return value is True
