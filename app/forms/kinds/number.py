"""A number. What was typed is kept as typed until it is checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.forms import messages
from app.forms.expressions import NO_LIMIT, NO_TEXT, Limit, Template, plain
from app.forms.kinds.common import input_params, needed
from app.forms.model import Question
from app.forms.posted import FileRef, Posted, tidy
from app.forms.state import Place

_NUMBER = re.compile(r"[-−+]?\d{1,15}(\.\d{1,10})?", re.ASCII)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def parse(text: str) -> Decimal | None:
    """The number in a typed text, or None. "1,000" and " 12 " are numbers; "1e5" and "NaN" are not."""
    text = _THOUSANDS.sub("", text.replace(" ", ""))
    if not _NUMBER.fullmatch(text):
        return None
    return Decimal(text.replace("−", "-"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberQuestion(Question):
    """A typed number.

    :param decimals: how many decimal places it may have; None for any number of them.
    """

    least: Limit = NO_LIMIT
    most: Limit = NO_LIMIT
    decimals: int | None = None
    autocomplete: str = ""
    inputmode: str = ""
    prefix: Template = NO_TEXT
    suffix: Template = NO_TEXT

    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> str | None:
        return tidy(posted.get(name)).replace("\n", " ")[:100] or None

    def known(self, raw: Any) -> str | None:
        if isinstance(raw, str):
            return raw or None
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return None
        return format(Decimal(str(raw)), "f")

    def from_outside(self, value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return tidy(value)[:100] or None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("a number")
        number = Decimal(str(value))
        if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
            raise ValueError("a number of at most 15 digits")
        return format(number, "f")

    def offered(self, raw: Any) -> Any:
        text = self.known(raw)
        number = parse(text) if text else None
        return None if number is None else plain(number)

    def rule(self, place: Place) -> fields.Field[Any]:
        name = messages.subject(place.label)
        checks: list[Any] = []
        least, most = (limit.value(place.scope, place.context) for limit in (self.least, self.most))
        if least is not None:
            checks.append(validate.Range(min=least, error=f"{name} must be {least:,f} or more"))
        if most is not None:
            checks.append(validate.Range(max=most, error=f"{name} must be {most:,f} or fewer"))
        arguments = needed(place, messages.enter(place.label))
        return _Number(self, name, validate=checks, **arguments)

    def clean(self, value: Any) -> Any:
        return None if value is None else plain(value)

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        params = input_params(place, error)
        whole = self.decimals == 0
        params |= {
            "value": self.known(place.raw) or "",
            "classes": "govuk-input--width-5" if whole else "govuk-input--width-10",
            "inputmode": self.inputmode or ("numeric" if whole else "decimal"),
            "autocomplete": self.autocomplete or None,
            "spellcheck": False,
            "prefix": {"text": place.words(self.prefix)} if self.prefix else None,
            "suffix": {"text": place.words(self.suffix)} if self.suffix else None,
        }
        return "govukInput", params

    def words(self, place: Place, raw: Any) -> list[str]:
        text = self.known(raw)
        if not text:
            return []
        return [f"{place.words(self.prefix)}{text} {place.words(self.suffix)}".strip()]


class _Number(fields.Field[Decimal]):
    def __init__(self, question: NumberQuestion, name: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.question = question
        self.name_in_words = name

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        number = parse(value) if isinstance(value, str) else None
        decimals = self.question.decimals
        if number is None:
            raise ValidationError(f"{self.name_in_words} must be a {'whole ' if decimals == 0 else ''}number, like 3")
        places = -int(number.normalize().as_tuple().exponent)
        if decimals == 0 and places > 0:
            raise ValidationError(f"{self.name_in_words} must be a whole number, like 3")
        if decimals is not None and places > decimals:
            raise ValidationError(f"{self.name_in_words} must have no more than {decimals} decimal places")
        return number
