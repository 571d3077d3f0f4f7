"""Why a decision table came to its result, as a reader of the case's log sees it on the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


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
            [(name, words(value)) for name, value in (told.get("inputs") or {}).items()],
            [_rule(rule) for rule in told.get("rules") or ()],
            words(told.get("outputs")),
        )
        for told in facts.get("tables") or ()
    ]


def _rule(rule: Mapping[str, Any]) -> str:
    notes = "; ".join(note for note in rule.get("annotations") or () if note)
    return f"Rule {rule.get('index')}" + (f": {notes}" if notes else "")


def words(value: Any) -> str:
    """A process variable in words."""
    if value is None:
        return "Not known"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(words(entry) for entry in value) or "None"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {words(entry)}" for name, entry in value.items())
    return _moment(value) if isinstance(value, str) else str(value)


def _moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text) if text[:4].isdigit() and "-" in text else None
    except ValueError:
        return text
    if at is None:
        return text
    day = f"{at.day} {at:%B %Y}"
    return f"{day} at {at:%H:%M}" if "T" in text else day
