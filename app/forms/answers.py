"""Answers on their way in: the first ones, what a page posts, what its buttons do, what the API sends."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.forms.context import Context
from app.forms.errors import MisshapenAnswer, UnknownAnswers
from app.forms.kinds.files import FilesQuestion
from app.forms.model import Component, Computed, Form, Group, Question, RepeatingGroup
from app.forms.paths import ITEM, LABELS, LAST_ROW, ROW, find, new_row, put
from app.forms.posted import Answers, FileRef, Posted
from app.forms.rows import POSITION, fill, fill_question, first_rows, settled
from app.forms.state import Place, fixed_identities

SHOWN = "_shown"
ACTION = "_action"
ADD, REMOVE, REMOVE_FILE, SAVE, CONTINUE = "add", "remove", "remove-file", "save", "next"
MAX_ROWS_SENT = 1000
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Action:
    """What a submit button other than Continue asks for.

    :param answers: the answers after it.
    :param anchor: the id to go to on the page that is drawn next; always set one, or the browser keeps the old.
    """

    kind: Literal["add", "remove", "remove-file", "save"]
    answers: Answers
    anchor: str


def start(form: Form, context: Context) -> Answers:
    """The answers before anybody has typed: first rows, defaults, what is known already."""
    answers: Answers = {}
    state = settled(form, answers, context)
    for _ in range(_ROUNDS):
        made = [first_rows(place, answers) for place in state.places()]
        if not any(made):
            break
        state = settled(form, answers, context)
    for _ in range(_ROUNDS):
        before = copy.deepcopy(answers)
        for place in state.places():
            fill_question(place, answers)
        if answers == before:
            break
        state = settled(form, answers, context)
    return answers


def take(
    form: Form,
    page_index: int,
    posted: Posted,
    files: Mapping[str, list[FileRef]],
    answers: Answers,
    context: Context,
) -> Answers:
    """The answers with what a page posted. Only questions that the page showed are touched; everything typed is kept.

    :param files: the references of the files that came with the page, by input name.
    """
    taken = copy.deepcopy(answers)
    state = settled(form, taken, context)
    shown = set((posted.get(SHOWN) or "").split())
    for place in state.places(page_index):
        question = place.component
        if isinstance(question, Question) and place.name in shown and not place.readonly:
            put(taken, place.path, question.posted(place.name, posted, files.get(place.name, []), place.raw))
    settled(form, taken, context)
    return taken


def act(form: Form, page_index: int, posted: Posted, answers: Answers, context: Context) -> Action | None:
    """What the pressed button asks for, done on a copy of the answers; None for Continue. Call after `take`."""
    kind, _, target = (posted.get(ACTION) or CONTINUE).partition(":")
    if kind == SAVE:
        return Action("save", answers, "")
    if kind not in (ADD, REMOVE, REMOVE_FILE):
        return None
    changed = copy.deepcopy(answers)
    state = settled(form, changed, context)
    places = {
        place.name: place for place in state.shown(page_index) if place.component.type in ("dynamiclist", "filepicker")
    }
    if kind == ADD:
        return _add(form, places.get(target), changed, context)
    if kind == REMOVE:
        return _remove(places, target, changed)
    return _remove_file(places, target, changed)


def _add(form: Form, place: Place | None, answers: Answers, context: Context) -> Action:
    if place is None or place.row is not None or not isinstance(place.component, RepeatingGroup):
        return Action("add", answers, "")
    group = place.component
    if not group.adjustable or len(place.children) >= group.max_items:
        return Action("add", answers, f"{place.name}-list")
    stored = find(answers, place.path)
    rows = stored if isinstance(stored, list) else []
    row = new_row(answers)
    rows.append(row)
    put(answers, place.path, rows)
    name = f"{place.name}.{row[ROW]}"
    state = settled(form, answers, context)
    made = [first_rows(inner, answers) for inner in state.places() if inner.name.startswith(f"{name}.")]
    if any(made):
        state = settled(form, answers, context)
    fill(state, answers, [name])
    return Action("add", answers, name)


def _remove(places: dict[str, Place], target: str, answers: Answers) -> Action:
    name, _, identity = target.rpartition(".")
    place = places.get(name)
    if place is None or not isinstance(place.component, RepeatingGroup):
        return Action("remove", answers, "")
    stored = find(answers, place.path)
    if place.component.adjustable and isinstance(stored, list) and len(place.children) > place.component.min_items:
        put(answers, place.path, [row for row in stored if not (isinstance(row, dict) and row.get(ROW) == identity)])
    return Action("remove", answers, f"{name}-list")


def _remove_file(places: dict[str, Place], target: str, answers: Answers) -> Action:
    name, _, identity = target.partition(":")
    place = places.get(name)
    if place is None or not isinstance(place.component, FilesQuestion) or place.readonly:
        return Action("remove-file", answers, "")
    kept = [reference for reference in place.component.known(place.raw) if reference["id"] != identity]
    put(answers, place.path, kept)
    return Action("remove-file", answers, name)


def opened_questions(before: Collection[str], after: Sequence[str]) -> list[str]:
    """The questions that were not there before: what an answer has opened."""
    return [name for name in after if name not in before]


# ----------------------------------------------------------------------------------------------- from the API
def answers_from_variables(form: Form, variables: Mapping[str, Any]) -> Answers:
    """Answers sent as data, keyed and nested like the form. Computed and read-only answers are ignored: the server has them.

    Raises `UnknownAnswers` for keys that the form does not have, `MisshapenAnswer` for values of the wrong shape. What has
    the right shape but is not valid is left to `validate`. References to files are taken as they are: the caller checks them.
    """
    answers: Answers = {}
    unknown: list[str] = []
    _take_mapping(_keys_of(form), variables, answers, answers, (), unknown)
    if unknown:
        named = ", ".join(name for name in unknown[:5] if re.fullmatch(r"[\w.]{1,80}", name)) or "not nameable here"
        raise UnknownAnswers(
            f"The form {form.id} has no question for some of the answers: {named}.", resource_id=form.id
        )
    return answers


_Keys = dict[str, "Component | _Keys"]


def _keys_of(form: Form) -> _Keys:
    keys: _Keys = {}
    for page in form.pages:
        _collect(page, keys, 0)
    return keys


def _collect(group: Group, keys: _Keys, depth: int) -> None:
    for child in group.children:
        if isinstance(child, Question | Computed | RepeatingGroup):
            target = keys
            for step in child.path[depth:-1]:
                found = target.setdefault(step, {})
                if not isinstance(found, dict):
                    break
                target = found
            target[child.path[-1]] = child
        elif isinstance(child, Group):
            _collect(child, keys, depth)


def _take_mapping(
    keys: _Keys,
    given: Mapping[str, Any],
    target: dict[str, Any],
    root: Answers,
    path: tuple[str, ...],
    unknown: list[str],
) -> None:
    for key, value in given.items():
        if not path and key in (LABELS, LAST_ROW):
            continue
        here = (*path, str(key))
        name = ".".join(here)
        spec = keys.get(key)
        if spec is None:
            unknown.append(name)
        elif isinstance(spec, dict):
            if value is None:
                continue
            if not isinstance(value, Mapping):
                raise MisshapenAnswer(f"The answer {name} must be an object.", resource_id=name)
            _take_mapping(spec, value, target.setdefault(key, {}), root, here, unknown)
        elif isinstance(spec, RepeatingGroup):
            target[key] = _rows_from(spec, value, root, here, unknown)
        elif isinstance(spec, Question) and spec.readonly is not True:
            try:
                target[key] = spec.from_outside(value)
            except ValueError as expected:
                raise MisshapenAnswer(f"The answer {name} must be {expected}.", resource_id=name) from None


def _rows_from(
    group: RepeatingGroup, value: Any, root: Answers, path: tuple[str, ...], unknown: list[str]
) -> list[dict[str, Any]]:
    name = ".".join(path)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value) or len(value) > MAX_ROWS_SENT:
        raise MisshapenAnswer(f"The answer {name} must be a list of objects.", resource_id=name)
    keys: _Keys = {}
    _collect(group, keys, len(group.path))
    rows: list[dict[str, Any]] = []
    used: set[str] = set()
    for number, given in enumerate(value, start=1):
        identity = _identity(group, given, number)
        if not identity or identity in used:
            row = new_row(root) if group.rows_from is None else {ROW: f"{POSITION}{number}"}
        else:
            row = {ROW: identity}
        used.add(row[ROW])
        rest = {
            key: entry
            for key, entry in given.items()
            if key not in (ROW, ITEM) and (key in keys or key != group.row_key)
        }
        _take_mapping(keys, rest, row, root, (*path, str(number)), unknown)
        rows.append(row)
    return rows


def _identity(group: RepeatingGroup, given: Mapping[str, Any], number: int) -> str:
    """The row that an entry is meant for: by its identity, for fixed rows also by their key or their order."""
    own = given.get(ROW)
    if isinstance(own, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,80}", own):
        return own
    if group.rows_from is None:
        return ""
    if group.row_key and isinstance(given.get(group.row_key), str | int):
        return fixed_identities(group, [dict(given)])[0][0]
    return f"{POSITION}{number}"
