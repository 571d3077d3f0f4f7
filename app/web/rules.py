"""How a deadline came about, in words: its rule, the settings that it used, its source."""

from __future__ import annotations

from dataclasses import dataclass

from app.cases.models import Deadline
from app.feel.wording import Wording
from app.store.clock import LONDON
from app.web import labels, words

_PHRASES = {"meetingStart": "the meeting"}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for reading.

    :param words: in words; empty when it has none, then ``expression`` is shown.
    :param settings: the parameters that it used, each with its value then.
    """

    words: str
    expression: str
    settings: str
    source: str


def rule_of(row: Deadline) -> Rule:
    """The rule of a deadline as its page shows it."""
    text = row.rule.strip()
    if not text.startswith("="):
        known = text or ("" if row.parameter or row.source else "Not recorded")
        return Rule(_sentence(known), "", row.parameter, row.source)
    moved = row.moved_from is not None  # then it was set when the rule was first worked out, not now
    then = row.set_at.astimezone(LONDON)
    wording = Wording(_values(row.parameter), _phrase)
    if not moved:
        wording = Wording(_values(row.parameter), _phrase, words.day_in_words(then.date()), words.moment_in_words(then))
    found = wording.of(text) or ""
    return Rule(_sentence(found), text.lstrip("= "), row.parameter, row.source)


def _phrase(name: str) -> str:
    return _PHRASES.get(name) or f"“{labels.deadline_title(name.rstrip('-'))}”"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _values(parameter: str) -> dict[str, str]:
    """``minutesDueWorkingDays = 5, closeOfWorkingDay = 17:00:00``, name by name."""
    pairs = (entry.partition(" = ") for entry in parameter.split(", "))
    return {name: value for name, sign, value in pairs if sign}
