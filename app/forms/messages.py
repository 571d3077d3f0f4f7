"""The sentences that a page says when an answer cannot be taken (GOV.UK Design System, error message)."""

from __future__ import annotations

import re

_QUESTION = re.compile(r"\?\s*$")


def subject(label: str) -> str:
    """A label as the subject of a sentence: "Date of birth"."""
    return _QUESTION.sub("", label).strip() or "This answer"


def inner(label: str) -> str:
    """A label inside a sentence: "date of birth", but "IDVA service"."""
    text = subject(label)
    return text[0].lower() + text[1:] if len(text) > 1 and text[1].islower() else text


def enter(label: str) -> str:
    return f"Enter an answer to ‘{label.strip()}’" if _QUESTION.search(label) else f"Enter {inner(label)}"


def select(label: str) -> str:
    return f"Select an answer to ‘{label.strip()}’" if _QUESTION.search(label) else f"Select {inner(label)}"


def select_some(label: str) -> str:
    return f"Select at least one answer to ‘{subject(label)}’"


def confirm(label: str) -> str:
    return f"Select the box to confirm: {inner(label)}"


def upload(label: str) -> str:
    return f"Select a file for {inner(label)}"


def add_at_least(number: int, item: str) -> str:
    return f"Add at least {'one' if number == 1 else number} {item if number == 1 else plural(item)}"


def add_no_more(number: int, item: str) -> str:
    return f"You can add up to {number} {plural(item) if number != 1 else item}"


def plural(noun: str) -> str:
    """The plural of an item label: of its last word, or of what stands before "of"."""
    before, of, rest = noun.partition(" of ")
    if of:
        return f"{plural(before)} of {rest}"
    head, _, last = noun.rpartition(" ")
    irregular = {"child": "children", "person": "people", "agency": "agencies"}
    if last.lower() in irregular:
        made = irregular[last.lower()]
    elif re.search(r"[^aeiou]y$", last):
        made = last[:-1] + "ies"
    elif re.search(r"(s|x|z|ch|sh)$", last):
        made = last + "es"
    else:
        made = last + "s"
    return f"{head} {made}".strip()


def with_article(noun: str) -> str:
    """ "a child", "an action"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
