"""Types as the static check knows them: names such as "number" and "list", and "any" for what cannot be told."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from app.feel.properties import PROPERTIES
from app.feel.values import KINDS

ANY = "any"
DURATIONS = frozenset(("duration", "days and time duration", "years and months duration"))
ORDERED = frozenset(("number", "string", "date", "time", "date and time")) | DURATIONS
PROPERTY_NAMES = {KINDS[kind_of]: frozenset(names) for kind_of, names in PROPERTIES.items()}
PROPERTY_NAMES["duration"] = PROPERTY_NAMES["days and time duration"] | PROPERTY_NAMES["years and months duration"]
PROPERTY_TYPES = {
    "time offset": "days and time duration",
    "timezone": "string",
    "start": ANY,
    "end": ANY,
    "start included": "boolean",
    "end included": "boolean",
}
_MOMENTS = ("date", "date and time", "time")
_ARTICLES = {"any": "a value", "null": "null", "string": "a text", "boolean": "true or false"}


def article(type_name: str) -> str:
    """The type in a sentence."""
    return _ARTICLES.get(type_name) or f"a {type_name}"


def fits(found: str, expected: str) -> bool:
    """Whether a value of the found type may stand where the other is expected."""
    if ANY in (found, expected) or found == expected:
        return True
    return found in DURATIONS and expected in DURATIONS and "duration" in (found, expected)


def suggest(name: str, known: Collection[str]) -> str:
    """“Did you mean …?”, or an empty text."""
    lowered = {entry.lower(): entry for entry in known}
    close = get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return f"Did you mean “{lowered[close[0]]}”?" if close else ""


def arithmetic_type(operator: str, left: str, right: str) -> str | None:
    """The type of the result; "any" when an operand's is not known; None when the two do not go together."""
    if ANY in (left, right):
        return "number" if operator == "**" else ANY
    if left == right == "number":
        return "number"
    if operator == "**":
        return None
    if operator in ("*", "/"):
        if left in DURATIONS and right == "number":
            return left
        if operator == "*" and left == "number" and right in DURATIONS:
            return right
        return "number" if operator == "/" and left in DURATIONS and right in DURATIONS else None
    if operator == "+" and left == right == "string":
        return "string"
    if left in DURATIONS and right in DURATIONS:
        return left if left == right else "duration"
    if left in _MOMENTS and right in DURATIONS:
        return left
    if operator == "+" and left in DURATIONS and right in _MOMENTS:
        return right
    if (
        operator == "-"
        and left in _MOMENTS
        and right in _MOMENTS
        and ("time" in (left, right)) == (left == right == "time")
    ):
        return "days and time duration"
    return None
