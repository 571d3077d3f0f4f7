"""Rows of repeating groups: making them, filling them in, and keeping fixed ones in step with what they come from."""

from __future__ import annotations

import copy
from typing import Any

from app.forms.context import Context
from app.forms.model import Component, Form, Group, Question, RepeatingGroup
from app.forms.paths import ITEM, ROW, find, new_row, put
from app.forms.posted import Answers
from app.forms.state import Place, State, prefilled, row_identities, settle

# An answer may decide which fixed rows there are, and a row may hold such a list again.
ROUNDS = 5
POSITION = "@"


def settled(form: Form, answers: Answers, context: Context) -> State:
    """The form with its fixed rows in step. `answers` get the rows that were missing, filled in; nothing is removed."""
    state = settle(form, answers, context)
    if not any(isinstance(component, RepeatingGroup) and component.rows_from for component in form.components()):
        return state
    for _ in range(ROUNDS):
        made = [row for place in list(state.places()) for row in _missing_rows(place, answers)]
        if not made:
            break
        state = settle(form, answers, context)
        fill(state, answers, made)
    return state


def standing(form: Form, answers: Answers, context: Context) -> State:
    """The settled form for those who only read it. The answers stay as they are.

    One request asks for the same several times (which pages there are, what is wrong, what to draw): the last one is kept with its context.
    """
    asked = (id(form), repr(answers))
    state: State | None = context.kept.get(asked)
    if state is None:
        state = settled(form, copy.deepcopy(answers), context)
        context.kept.clear()
        context.kept[asked] = state
    return state


def _missing_rows(place: Place, answers: Answers) -> list[str]:
    """Make the fixed rows that the answers lack; gives their names."""
    group = place.component
    if not isinstance(group, RepeatingGroup) or group.rows_from is None or place.row is not None:
        return []
    stored = find(answers, place.path)
    rows: list[Any] = stored if isinstance(stored, list) else []
    made: list[str] = []
    by_identity = {row[ROW]: row for row in rows if isinstance(row, dict) and isinstance(row.get(ROW), str)}
    for number, (identity, item) in enumerate(row_identities(group, place, answers), start=1):
        row = by_identity.get(identity)
        if row is None:
            row = by_identity.get(f"{POSITION}{number}")
            if row is None:
                row = {}
                rows.append(row)
            row[ROW] = identity
            made.append(".".join((*place.path, identity)))
        row[ITEM] = item
    if made and stored is not rows:
        put(answers, place.path, rows)
    return made


def fill(state: State, answers: Answers, rows: list[str]) -> None:
    """Fill in the defaults and prefilled answers of the questions in these rows, where nothing is answered yet."""
    for place in state.places():
        if isinstance(place.component, Question) and place.name.startswith(tuple(f"{row}." for row in rows)):
            fill_question(place, answers)


def fill_question(place: Place, answers: Answers) -> None:
    """Fill in one question's default or prefilled answer, unless it has an answer."""
    question = place.component
    if isinstance(question, Question) and not question.answered(find(answers, place.path)):
        value = prefilled(question, place)
        if question.answered(value) or find(answers, place.path) is None:
            put(answers, place.path, value)


def first_rows(place: Place, answers: Answers) -> bool:
    """Give a list its first rows, from what it is prefilled with or as many empty ones as the form says. Tells whether it did."""
    group = place.component
    if not isinstance(group, RepeatingGroup) or group.rows_from is not None or place.row is not None:
        return False
    if find(answers, place.path) is not None:
        return False
    known = place.value(group.prefill) if group.prefill is not None else None
    rows: list[dict[str, Any]] = []
    put(answers, place.path, rows)
    for entry in (known if isinstance(known, list) else [])[: 4 * group.max_items]:
        rows.append(_row_from(group, entry, answers))
    while len(rows) < max(group.default_rows if not isinstance(known, list) else 0, group.min_items):
        rows.append(new_row(answers))
    return True


def _row_from(group: RepeatingGroup, entry: Any, answers: Answers) -> dict[str, Any]:
    row = new_row(answers)
    if isinstance(entry, dict):
        _copy_known(group, entry, row, len(group.path))
    return row


def _copy_known(group: Group, entry: dict[str, Any], row: dict[str, Any], depth: int) -> None:
    for child in group.children:
        _copy_one(child, entry, row, depth)


def _copy_one(child: Component, entry: dict[str, Any], row: dict[str, Any], depth: int) -> None:
    if isinstance(child, Question):
        path = child.path[depth:]
        try:
            value = child.from_outside(find(entry, path))
        except ValueError:
            return
        if child.answered(value):
            put(row, path, value)
    elif isinstance(child, Group) and not isinstance(child, RepeatingGroup):
        _copy_known(child, entry, row, depth)
