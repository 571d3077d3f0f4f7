"""Why a decision table came to its result, as a reader of the case's log sees it on the timeline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.feel.wording import spaced

_NUMBERED = re.compile(r"(Rule|Row)s? \d")  # of the table, or of the source that the rule follows
_IDENTIFIER = re.compile(r"[a-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*$")
_CODE = re.compile(r"[A-Z]+(_[A-Z]+)+$")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a decision.

    :ivar rows: what it saw and what came of it, as (name, value).
    :ivar rules: the rules that matched, in words.
    """

    name: str
    rows: list[tuple[str, str]]
    rules: list[str]
    result: str


def tables_of(facts: Mapping[str, Any]) -> list[Table]:
    """The tables that an event of the timeline tells of."""
    return [
        Table(
            str(told.get("decision") or told.get("table") or ""),
            [(_name(name), words(value)) for name, value in (told.get("inputs") or {}).items()],
            [_rule(rule) for rule in told.get("rules") or ()],
            words(told.get("outputs")),
        )
        for told in facts.get("tables") or ()
    ]


def _rule(rule: Mapping[str, Any]) -> str:
    number = f"Rule {rule.get('index')}"
    notes = "; ".join(note.strip() for note in rule.get("annotations") or () if note and note.strip())
    if not notes or notes.rstrip(".") == number:
        return number
    return notes if _NUMBERED.match(notes) else f"{number}: {notes}"


def _name(name: str) -> str:
    """An input's label; of one that has none, the variable's name in words."""
    if not _IDENTIFIER.match(name):
        return name
    said = " of the ".join(spaced(part) for part in reversed(name.split(".")))
    return f"{said[:1].upper()}{said[1:]}"


def words(value: Any) -> str:
    """A process variable in words."""
    if value is None:
        return "Not known"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(words(entry) for entry in value) or "None"
    if isinstance(value, dict):
        return "; ".join(f"{spaced(name)}: {words(entry)}" for name, entry in value.items())
    if isinstance(value, str):
        return value.replace("_", " ").capitalize() if _CODE.match(value) else _moment(value)
    return str(value)


def _moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text) if text[:4].isdigit() and "-" in text else None
    except ValueError:
        return text
    if at is None:
        return text
    day = f"{at.day} {at:%B %Y}"
    return f"{day} at {at:%H:%M}" if "T" in text else day
