"""Text in one line (`textfield`) or several (`textarea`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.forms import messages
from app.forms.addresses import ADDRESS, LONGEST_ADDRESS
from app.forms.expressions import NO_LIMIT, NO_TEXT, Limit, Template
from app.forms.kinds.common import input_params, needed
from app.forms.model import Question
from app.forms.posted import MAX_TEXT, FileRef, Posted, tidy
from app.forms.state import Place

# What a form takes where it sets no limit of its own: nobody's answer is longer, and a flood is refused.
LONGEST_LINE = 500
LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQuestion(Question):
    """A typed text."""

    shortest: Limit = NO_LIMIT
    longest: Limit = NO_LIMIT
    pattern: str = ""
    pattern_message: str = ""
    email: bool = False
    autocomplete: str = ""
    inputmode: str = ""
    prefix: Template = NO_TEXT
    suffix: Template = NO_TEXT

    @property
    def empty(self) -> str:
        return ""

    @property
    def lines(self) -> bool:
        return self.type == "textarea"

    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> str:
        text = tidy(posted.get(name))
        return text if self.lines else " ".join(text.split("\n"))

    def known(self, raw: Any) -> str:
        return raw if isinstance(raw, str) else ""

    def from_outside(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ValueError("a text")
        if len(value) > MAX_TEXT:
            raise ValueError(f"a text of at most {MAX_TEXT:,} characters")
        return tidy(value) if self.lines else " ".join(tidy(value).split("\n"))

    def rule(self, place: Place) -> fields.Field[Any]:
        name = messages.subject(place.label)
        return fields.String(validate=self._checks(place, name), **needed(place, messages.enter(place.label)))

    def _checks(self, place: Place, name: str) -> list[Callable[[str], Any]]:
        checks: list[Callable[[str], Any]] = []
        standard = LONGEST_ADDRESS if self.email else LONGEST_TEXT if self.lines else LONGEST_LINE
        longest = place.limit(self.longest)
        if longest is None:
            longest = standard
        checks.append(validate.Length(max=longest, error=f"{name} must be {longest:,} characters or fewer"))
        shortest = place.limit(self.shortest)
        if shortest:
            checks.append(validate.Length(min=shortest, error=f"{name} must be {shortest:,} characters or more"))
        if self.pattern:
            message = self.pattern_message or f"{name} is not in the right format"
            import re2  # large: when a form has a pattern, not at a start

            checks.append(_matching(re2.compile(self.pattern), message))
        if self.email:
            checks.append(
                _matching(ADDRESS, "Enter an email address in the correct format, like name@example.com", full=True)
            )
        return checks

    def clean(self, value: Any) -> Any:
        return value

    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        params = input_params(place, error, self._kind_hint())
        params["value"] = self.known(place.raw)
        if not self.lines:
            params |= {
                "type": "email" if self.email else "tel" if self.inputmode == "tel" else "text",
                "inputmode": self.inputmode or None,
                "autocomplete": self.autocomplete or ("email" if self.email else None),
                "spellcheck": False if self.email or self.inputmode in ("tel", "numeric", "url") else None,
                "prefix": {"text": place.words(self.prefix)} if self.prefix else None,
                "suffix": {"text": place.words(self.suffix)} if self.suffix else None,
            }
            return "govukInput", params
        longest = place.limit(self.longest)
        if longest is None:
            return "govukTextarea", params | {"rows": "5", "autocomplete": self.autocomplete or None}
        return "govukCharacterCount", params | {
            "maxlength": longest,
            "threshold": 75,
            "rows": "8" if longest > 1500 else "5",
        }

    def _kind_hint(self) -> str:
        if not self.lines:
            return ""
        return {"fact": "This is recorded as fact.", "opinion": "This is recorded as opinion."}.get(self.marks.kind, "")

    def words(self, place: Place, raw: Any) -> list[str]:
        text = self.known(raw)
        return text.split("\n") if text else []


def _matching(pattern: Any, message: str, *, full: bool = False) -> Callable[[str], None]:
    def check(text: str) -> None:
        # A form's pattern is searched for, as in the browser; it anchors itself when it means the whole text.
        if not (pattern.fullmatch(text) if full else pattern.search(text)):
            raise ValidationError(message)

    return check
