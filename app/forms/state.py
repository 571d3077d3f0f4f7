"""A form with its answers: which questions there are now, which of them are hidden, what FEEL sees at each place.

The scopes are form-js's own: an expression sees the root of the answers and the context's names; `this` is the row of the
nearest repeating group (a group's `path` does not change it), `parent` what is seen around that row, `i` the row numbers.
Conditions are evaluated again and again until nothing changes, with hidden answers taken as null, so that an answer
nobody can see never decides anything. A condition that gives null shows its question: only a clear "hide" hides.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from app.forms.context import Context
from app.forms.expressions import Expression, Limit, Scope, Template
from app.forms.model import Component, Computed, Field, Form, Group, Page, Question, RepeatingGroup
from app.forms.paths import ITEM, ROW, find
from app.forms.posted import Answers

# Conditions that hide each other in a circle never settle; what still flickers after this many rounds is shown.
ROUNDS = 20


@dataclass(slots=True, kw_only=True)
class Place:
    """One component at one place: a question in the third row is another place than the same question in the first.

    :param path: like the component's, with the row identities in it.
    :param row: for a row of a repeating group, its number from 1; otherwise None.
    :param row_label: the row that it is in or is: "Child 2"; empty outside rows.
    :param labels: for a recorded choice, what its options were called then.
    """

    component: Component
    path: tuple[str, ...]
    page: int
    hidden: bool
    scope: Scope
    context: Context
    raw: Any = None
    children: list[Place] = field(default_factory=list)
    row: int | None = None
    row_label: str = ""
    labels: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The path with dots: the name of the input and the id of its anchor."""
        return ".".join(self.path)

    @property
    def label(self) -> str:
        return self.words(self.component.label)

    def words(self, template: Template) -> str:
        """A text of the form at this place."""
        return template.words(self.scope, self.context)

    def value(self, expression: Expression) -> Any:
        """What an expression gives at this place."""
        return expression.value(self.scope, self.context)

    def limit(self, limit: Limit) -> int | None:
        """A length or a count at this place."""
        found = limit.value(self.scope, self.context)
        return None if found is None else int(found)

    def inside(self) -> Iterator[Place]:
        """Every place below this one, in order."""
        for child in self.children:
            yield child
            yield from child.inside()

    @property
    def readonly(self) -> bool:
        """Whether the question is only shown, not asked."""
        component = self.component
        if not isinstance(component, Question):
            return False
        if isinstance(component.readonly, bool):
            return component.readonly
        return component.readonly.holds(self.scope, self.context)


@dataclass(slots=True)
class State:
    """The settled form."""

    form: Form
    answers: Answers
    context: Context
    pages: list[Place]
    data: dict[str, Any]

    def places(self, page: int | None = None) -> Iterator[Place]:
        """Every place, hidden ones too, in the order of the form; of one page or of all."""
        for number, place in enumerate(self.pages):
            if page is None or page == number:
                yield place
                yield from place.inside()

    def shown(self, page: int | None = None) -> Iterator[Place]:
        """The places that are not hidden."""
        return (place for place in self.places(page) if not place.hidden)

    def asked(self, page: int | None = None) -> Iterator[Place]:
        """The places of questions that a person can answer now."""
        return (place for place in self.shown(page) if isinstance(place.component, Question) and not place.readonly)


def settle(form: Form, answers: Answers, context: Context) -> State:
    """The form as it stands with these answers. Does not change the answers."""
    hidden: frozenset[str] = frozenset()
    computed: dict[str, Any] = {}
    pages: list[Place] = []
    data: dict[str, Any] = {}
    for _ in range(ROUNDS):
        data, rows = _offer(pages or None, form, answers, hidden, computed)
        walk = Walk(answers, context, data, rows)
        pages = [walk.page(page, number) for number, page in enumerate(form.pages)]
        settled = walk.hidden == hidden and walk.computed == computed and walk.rows_seen == set(rows)
        flickering = hidden ^ walk.hidden
        hidden, computed = frozenset(walk.hidden), walk.computed
        if settled:
            break
    else:
        for root in pages:
            for place in (root, *root.inside()):
                if _token(place) in flickering:
                    place.hidden = False
    return State(form, answers, context, pages, data)


def _token(place: Place) -> str:
    """Tells places apart, those of components without a key too."""
    return f"{place.name}#{place.component.id}#{place.row or ''}"


def _offer(
    pages: list[Place] | None, form: Form, answers: Answers, hidden: frozenset[str], computed: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What FEEL sees of the answers, nested as form-js nests them, and its rows by name."""
    data: dict[str, Any] = {}
    rows: dict[str, dict[str, Any]] = {}
    if pages is None:
        for page in form.pages:
            _offer_unwalked(page, answers, data)
        return data, rows
    for place in pages:
        _offer_walked(place, data, (), rows, hidden, computed)
    return data, rows


def _offer_unwalked(group: Group, answers: Answers, data: dict[str, Any]) -> None:
    """The first round: rows are not known yet, so lists offer what is stored."""
    for child in group.children:
        if isinstance(child, RepeatingGroup):
            stored = find(answers, child.path)
            _set(
                data,
                child.path,
                [_row(child, row) for row in stored if isinstance(row, dict)] if isinstance(stored, list) else [],
            )
        elif isinstance(child, Group):
            _offer_unwalked(child, answers, data)
        elif isinstance(child, Question):
            _set(data, child.path, child.offered(find(answers, child.path)))
        elif isinstance(child, Computed):
            _set(data, child.path, None)


def _row(group: RepeatingGroup, row: dict[str, Any]) -> dict[str, Any]:
    item = row.get(ITEM)
    offered: dict[str, Any] = dict(item) if isinstance(item, dict) else {}
    depth = len(group.path)
    for child in group.children:
        if isinstance(child, Question):
            _set(offered, child.path[depth:], child.offered(find(row, child.path[depth:])))
    return offered


def _offer_walked(
    place: Place,
    target: dict[str, Any],
    base: tuple[str, ...],
    rows: dict[str, dict[str, Any]],
    hidden: frozenset[str],
    computed: dict[str, Any],
) -> None:
    for child in place.children:
        component = child.component
        gone = _token(child) in hidden
        if isinstance(component, RepeatingGroup):
            listed: list[dict[str, Any]] = []
            for row in child.children:
                mine = dict(row.raw) if isinstance(row.raw, dict) else {}
                listed.append(mine)
                rows[row.name] = mine
                _offer_walked(row, mine, row.path, rows, hidden, computed)
            _set(target, child.path[len(base) :], None if gone else listed)
        elif isinstance(component, Group):
            _offer_walked(child, target, base, rows, hidden, computed)
        elif isinstance(component, Computed):
            _set(target, child.path[len(base) :], None if gone else computed.get(child.name))
        elif isinstance(component, Question):
            _set(target, child.path[len(base) :], None if gone else component.offered(child.raw))


def _set(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        found = data.get(step)
        if not isinstance(found, dict):
            found = data[step] = {}
        data = found
    data[path[-1]] = value


class Walk:
    """One round through the form."""

    def __init__(
        self, answers: Answers, context: Context, data: dict[str, Any], rows: dict[str, dict[str, Any]]
    ) -> None:
        self.answers = answers
        self.context = context
        self.data = data
        # Lookups never write, so the mapping need not be a mutable one.
        self.names = cast("dict[str, Any]", context.names)
        self.rows = rows
        self.hidden: set[str] = set()
        self.computed: dict[str, Any] = {}
        self.rows_seen: set[str] = set()

    def page(self, page: Page, number: int) -> Place:
        root: Scope = ChainMap({"this": self.data, "parent": None, "i": []}, self.data, self.names)
        return self._place(page, (), (), root, number, hidden=False)

    def _place(
        self,
        component: Component,
        path: tuple[str, ...],
        strip: tuple[str, ...],
        scope: Scope,
        page: int,
        *,
        hidden: bool,
    ) -> Place:
        """:param path: path of the surrounding row with identities; :param strip: the same without them."""
        own = (*path, *component.path[len(strip) :])
        place = Place(component=component, path=own, page=page, hidden=hidden, scope=scope, context=self.context)
        place.hidden = hidden or self.hides(component, place)
        if place.hidden:
            self.hidden.add(_token(place))
        if isinstance(component, RepeatingGroup):
            self._rows(component, place)
        elif isinstance(component, Group):
            place.children = [
                self._place(child, path, strip, scope, page, hidden=place.hidden) for child in component.children
            ]
        elif isinstance(component, Field):
            place.raw = self.raw(component, place)
        return place

    def hides(self, component: Component, place: Place) -> bool:
        """Whether a component is hidden at a place that is not."""
        return component.hide is not None and component.hide.holds(place.scope, self.context)

    def raw(self, component: Field, place: Place) -> Any:
        """The value of a question or computed value at a place."""
        if isinstance(component, Computed):
            value = None if place.hidden else component.expression.value(place.scope, self.context)
            self.computed[place.name] = value
            return value
        if isinstance(component, Question) and component.prefill is not None and place.readonly:
            # A question that is only shown has the server's value, whatever a draft or a client says.
            return prefilled(component, place)
        return find(self.answers, place.path)

    def identities(self, group: RepeatingGroup, place: Place) -> list[tuple[str, dict[str, Any]]]:
        """The rows of a list, as `row_identities` gives them."""
        return row_identities(group, place, self.answers)

    def _rows(self, group: RepeatingGroup, place: Place) -> None:
        for number, (identity, item) in enumerate(self.identities(group, place), start=1):
            path = (*place.path, identity)
            name = ".".join(path)
            self.rows_seen.add(name)
            row = {**item, **self.rows.get(name, {})}
            around = {key: place.scope[key] for key in ("this", "parent", "i")}
            own = {"this": row, "parent": {**self.data, **around}, "i": [*around["i"], number]}
            scope: Scope = ChainMap(own, self.data, self.names)
            row_place = Place(
                component=group,
                path=path,
                page=place.page,
                hidden=place.hidden,
                scope=scope,
                context=self.context,
                raw=item,
                row=number,
            )
            row_place.children = [
                self._place(child, path, group.path, scope, place.page, hidden=place.hidden) for child in group.children
            ]
            row_place.row_label = _row_label(group, number, item)
            for below in row_place.inside():
                below.row_label = _within(row_place.row_label, below) if below.row is None else below.row_label
            place.children.append(row_place)


def _within(outer: str, below: Place) -> str:
    """The row that a question is in, with the rows around it: "Child 1, call 2"."""
    inner = below.row_label
    return f"{outer}, {inner[0].lower()}{inner[1:]}" if outer and inner else outer or inner


def prefilled(question: Question, place: Place) -> Any:
    """What the form fills in before anybody answers; the empty answer when that does not suit the question."""
    if question.prefill is None:
        return question.empty if question.default is None else question.default
    try:
        return question.from_outside(place.value(question.prefill))
    except ValueError:
        return question.empty


def _row_label(group: RepeatingGroup, number: int, item: dict[str, Any]) -> str:
    """What a row is called: "Child 2", or a fixed row's own label where its questions do not already say it."""
    if group.rows_from is None:
        return f"{group.item_label[:1].upper()}{group.item_label[1:]} {number}"
    if any("this.label" in child.label.text for child in group.children):
        return ""
    label = item.get("label")
    return (
        label if isinstance(label, str) and label else f"{group.item_label[:1].upper()}{group.item_label[1:]} {number}"
    )


def row_identities(group: RepeatingGroup, place: Place, answers: Answers) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a repeating group: their identities, and for fixed rows what is known of each.

    Fixed rows come from the context; where it cannot say, from the answers themselves.
    """
    if group.rows_from is not None:
        items = place.value(group.rows_from)
        if isinstance(items, list):
            return fixed_identities(group, items)
    return stored_identities(place, answers)


def stored_identities(place: Place, answers: Answers) -> list[tuple[str, dict[str, Any]]]:
    """The rows that the answers hold."""
    stored = find(answers, place.path)
    rows = [row for row in stored if isinstance(row, dict)] if isinstance(stored, list) else []
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        identity = row.get(ROW)
        if isinstance(identity, str) and identity not in found:
            item = row.get(ITEM)
            found[identity] = item if isinstance(item, dict) else {}
    return list(found.items())


def fixed_identities(group: RepeatingGroup, items: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Identities for fixed rows: the row key's value, or else the item's id, or else its number."""
    found: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(items, start=1):
        known = item if isinstance(item, dict) else {"label": item, "value": item}
        value = next((known[key] for key in (group.row_key, "id", "q", "key", "value") if key and key in known), number)
        identity = re.sub(r"[^A-Za-z0-9_-]+", "-", str(value)) or str(number)
        while identity in found:
            identity = f"{identity}-{number}"
        found[identity] = known
    return list(found.items())
