"""The columns of a decision's tables, as their file names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.decisions.xml import Element, child, children, descendants, text_of


@dataclass(frozen=True, slots=True)
class Column:
    """One column. :ivar name: its label or, without one, what it tests or is called."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of a decision. :ivar inputs: by label. :ivar outputs: by name; the only one of a table also by ``None``."""

    inputs: Mapping[str, Column]
    outputs: Mapping[str | None, Column]


def columns_of(decision: Element) -> Columns:
    """The columns of a decision; none where no table decides it."""
    inputs: dict[str, Column] = {}
    outputs: dict[str | None, Column] = {}
    for table in descendants(decision, "decisionTable"):
        for column in children(table, "input"):
            name = column.get("label") or text_of(child(column, "inputExpression"))
            inputs.setdefault(name, Column(column.get("id") or name, name))
        headings = children(table, "output")
        for heading in headings:
            called = heading.get("name") or ""
            name = heading.get("label") or called
            found = Column(heading.get("id") or name, name)
            outputs.setdefault(called, found)
            if len(headings) == 1:
                outputs.setdefault(None, found)
    return Columns(inputs, outputs)
