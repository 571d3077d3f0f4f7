"""A value as an operator types it or a program sends it, read by the variable's declared type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from app.errors import Invalid
from app.runtime.declarations import Declarations, Declared
from app.runtime.errors import VariableRefused
from app.runtime.language import to_plain

EXAMPLES = {
    "boolean": "true or false",
    "number": "a number, for example 3 or 2.5",
    "string": "text",
    "date": "a date, for example 2026-03-27",
    "time": "a time, for example 14:30",
    "date and time": "a date and time, for example 2026-03-27T14:30",
    "duration": "a duration, for example P2D or PT4H",
    "id": "digits",
    "list": 'a list in JSON, for example ["a", "b"]',
    "context": 'a context in JSON, for example {"a": 1}',
}
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Sent:
    """A value that a program sends as JSON: it is what it is, and no text that means another."""

    value: Any


def example(declared: Declared | None) -> str:
    """How a value of the type is typed."""
    if declared is None:
        return 'a value in JSON, for example true, 3 or "text"'
    if declared.base == "enum":
        return f"one of {', '.join(sorted(declared.members))}"
    return EXAMPLES[declared.base]


def typed(name: str, declared: Declared | None, given: str | Sent) -> Any:
    """The value, as plain JSON. Empty text is null: not known.

    :raises Invalid: not a value of the type.
    """
    given = given if isinstance(given, Sent) else given.strip()
    if given in ("", Sent(None)):
        return None
    wrong = Invalid(f"Enter {example(declared)}.", resource_id=name)
    try:
        value = given.value if isinstance(given, Sent) else _read(declared, given)
        declarations = Declarations({name: declared}) if declared is not None else Declarations()
        return to_plain(declarations.admit(name, value))
    except (VariableRefused, ValueError, InvalidOperation, RecursionError) as error:
        raise wrong from error


def _read(declared: Declared | None, text: str) -> Any:
    base = declared.base if declared is not None else "json"
    if base == "boolean":
        if text.lower() not in _WORDS:
            raise ValueError("not a boolean")
        return _WORDS[text.lower()]
    if base == "number":
        number = Decimal(text)
        if not number.is_finite():
            raise ValueError("not a number")
        return number
    if base in ("list", "context", "json"):
        return json.loads(text)
    return text
