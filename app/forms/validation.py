"""Checking answers through a marshmallow schema made from the form, and turning them into what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marshmallow import RAISE, Schema, ValidationError

from app.forms import messages
from app.forms.context import Context
from app.forms.kinds.choice import ChoiceQuestion
from app.forms.model import Computed, Field, Form, Question, RepeatingGroup, Text
from app.forms.paths import ITEM, LABELS, ROW, put
from app.forms.posted import Answers
from app.forms.rows import standing
from app.forms.state import Place, State


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing to mend.

    :param name: the question's name, with row identities.
    :param anchor: the id that the error summary links to.
    :param page: index of the page that it is on.
    """

    name: str
    anchor: str
    message: str
    page: int = 0


@dataclass(frozen=True, slots=True)
class Validated:
    """Answers after checking.

    :param errors: in the order of the form; empty when everything is in order.
    :param clean: what is kept: typed, JSON-safe, without hidden answers. Rows keep `_row`, fixed rows `_item`; `_labels`
        at the root keeps what chosen options from the context were called.
    :param variables: the process variables that the form sets, JSON-safe; a question that is hidden or left empty sets
        null, so that an answer from an earlier round never decides. Empty while there are errors.
    :param attestations: names of the ticked boxes that the server stamps with who and when.
    :param signatures: the same for those that sign, which needs fresh authentication.
    """

    errors: list[FieldError]
    clean: Answers
    variables: dict[str, Any]
    attestations: list[str] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)


def schema_for(form: Form, answers: Answers, context: Context) -> Schema:
    """The marshmallow schema of the questions that are asked now: one field per question, keyed by the question's name."""
    return _schema(list(standing(form, answers, context).asked()))


def _schema(places: list[Place]) -> Schema:
    rules = {}
    for number, place in enumerate(places):
        question = place.component
        if isinstance(question, Question):
            rule = question.rule(place)
            rule.data_key = place.name
            rules[f"q{number}"] = rule
    return Schema.from_dict(rules, name="FormSchema")(unknown=RAISE)


def validate(form: Form, answers: Answers, context: Context, page: int | None = None) -> Validated:
    """Check the answers of one page, or of the whole form. Does not change them.

    `clean` and `variables` cover the pages that were checked.
    """
    state = standing(form, answers, context)
    places = [place for place in state.asked(page) if isinstance(place.component, Question)]
    typed, found = _load(places)
    _check_lists(state, page, found)
    unplaced = _check_rules(state, page, found)
    errors = [
        FieldError(place.name, anchor_of(place), in_row(place, found[place.name]), place.page)
        for place in _anchored(state, page)
        if place.name in found
    ]
    errors = sorted(errors + unplaced, key=lambda error: error.page)
    if errors:
        return Validated(errors, _cleaned(state, page, {}), {})
    clean = _cleaned(state, page, typed)
    ticked = [place for place in places if place.raw is True]
    return Validated(
        [],
        clean,
        _variables(state, page, typed),
        [place.name for place in ticked if place.component.marks.role == "attestation"],
        [place.name for place in ticked if place.component.marks.role == "signature"],
    )


def _load(places: list[Place]) -> tuple[dict[str, Any], dict[str, str]]:
    """Typed values and messages, both by name."""
    schema = _schema(places)
    given = {}
    for place in places:
        question = place.component
        if isinstance(question, Question):
            given[place.name] = question.known(place.raw) if question.answered(place.raw) else None
    try:
        loaded, messages_by_name = schema.load(given), {}
    except ValidationError as refused:
        loaded, messages_by_name = refused.valid_data, dict(refused.messages_dict)
    typed = {place.name: loaded[f"q{n}"] for n, place in enumerate(places) if f"q{n}" in loaded}
    return typed, {name: _first(found) for name, found in messages_by_name.items()}


def _first(found: Any) -> str:
    while isinstance(found, list | dict) and found:
        found = next(iter(found.values())) if isinstance(found, dict) else found[0]
    return str(found)


def _check_lists(state: State, page: int | None, found: dict[str, str]) -> None:
    for place in state.shown(page):
        group = place.component
        if not isinstance(group, RepeatingGroup) or place.row is not None:
            continue
        count, item = len(place.children), group.item_label
        if count < group.min_items:
            found[place.name] = messages.add_at_least(group.min_items, item)
        elif group.rows_from is None and count > group.max_items:
            found[place.name] = messages.add_no_more(group.max_items, item)


def _check_rules(state: State, page: int | None, found: dict[str, str]) -> list[FieldError]:
    """Rules over several questions: a message that is not hidden is an error, at the question it names."""
    unplaced: list[FieldError] = []
    names = {place.name for place in _anchored(state, page)}
    for place in state.shown(page):
        rule = place.component
        if not isinstance(rule, Text) or rule.marks.role != "error":
            continue
        target = target_of(place, names)
        if target is None:
            unplaced.append(FieldError(rule.id, rule_anchor(place), place.words(rule.text), place.page))
        else:
            found.setdefault(target, place.words(rule.text))
    return unplaced


def target_of(place: Place, names: set[str]) -> str | None:
    """The question that a rule's `at` names: beside the rule, or from the root of the form; None when it is not shown."""
    rule = place.component
    if not isinstance(rule, Text):
        return None
    for base in range(len(place.path), -1, -1):
        name = ".".join((*place.path[:base], *rule.at))
        if name in names:
            return name
    return None


def rule_anchor(place: Place) -> str:
    """The id of a rule's own message, for when the question it names is not on the page."""
    return ".".join(("rule", *place.path, place.component.id))


def _anchored(state: State, page: int | None) -> list[Place]:
    return [
        place
        for place in state.shown(page)
        if (isinstance(place.component, Question) and not place.readonly)
        or (isinstance(place.component, RepeatingGroup) and place.row is None)
    ]


def anchor_of(place: Place) -> str:
    """The id that a link to a place goes to."""
    if isinstance(place.component, Question):
        return place.component.anchor(place.name)
    return f"{place.name}-list"


def in_row(place: Place, message: str) -> str:
    """A message with its row in front: "Child 2: enter full name"."""
    if not place.row_label or isinstance(place.component, RepeatingGroup):
        return message
    lowered = message[0].lower() + message[1:] if len(message) > 1 and message[1].islower() else message
    return f"{place.row_label}: {lowered}"


# ------------------------------------------------------------------------------------------------- what is kept
def _cleaned(state: State, page: int | None, typed: dict[str, Any]) -> Answers:
    clean: Answers = {}
    for place in state.shown(page):
        component = place.component
        if isinstance(component, RepeatingGroup):
            if place.row is None:
                put(clean, place.path, [_clean_row(component, row) for row in place.children])
        elif isinstance(component, Question):
            if place.name in typed:
                put(clean, place.path, component.clean(typed[place.name]))
            else:
                put(clean, place.path, component.known(place.raw) if component.answered(place.raw) else None)
            if isinstance(component, ChoiceQuestion):
                _keep_labels(clean, component, place)
        elif isinstance(component, Computed):
            put(clean, place.path, place.raw)
    return clean


def _keep_labels(clean: Answers, question: ChoiceQuestion, place: Place) -> None:
    known = question.known(place.raw)
    labels = question.labels_to_keep(place, known if isinstance(known, list) else [known])
    if labels:
        clean.setdefault(LABELS, {})[place.name] = labels


def _clean_row(group: RepeatingGroup, row: Place) -> dict[str, Any]:
    kept: dict[str, Any] = {ROW: row.path[-1]}
    if row.raw:
        kept[ITEM] = row.raw
    return kept


def _variables(state: State, page: int | None, typed: dict[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for place in state.places(page):
        component = place.component
        if not isinstance(component, Field) or not component.marks.variable or component.in_list:
            continue
        value = None if place.hidden else _variable(place, component, typed)
        # Two questions may set one variable when only one of them is shown at a time.
        if value is not None or component.marks.variable not in variables:
            variables[component.marks.variable] = value
    return variables


def _variable(place: Place, component: Field, typed: dict[str, Any]) -> Any:
    if isinstance(component, Question):
        if place.name in typed:
            return component.variable(component.clean(typed[place.name]))
        return component.variable(component.known(place.raw)) if component.answered(place.raw) else None
    return place.raw
