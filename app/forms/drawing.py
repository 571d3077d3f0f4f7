"""A page of a form as data for the GOV.UK macros: what `templates/forms/page.html` draws."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.forms import markdown, messages
from app.forms.context import Context
from app.forms.expressions import word
from app.forms.kinds.files import FilesQuestion
from app.forms.model import Form, Group, Question, RepeatingGroup, Separator, Table, Text
from app.forms.posted import Answers, FileRef
from app.forms.rows import standing
from app.forms.state import Place, State
from app.forms.summary import NOT_GIVEN, page_title
from app.forms.validation import FieldError, anchor_of, rule_anchor

ItemKind = Literal["input", "heading", "text", "notice", "separator", "table", "readonly", "list", "error"]


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of a repeating group.

    :param name: the id of its fieldset, and what its Remove button names.
    :param legend: what it is called; empty when its questions say it themselves.
    """

    name: str
    legend: str
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on a page. `kind` says which of the other entries it uses.

    :param macro, params: for an `input`: the macro of govuk_frontend_jinja and what to call it with.
    :param html: for `text` and `notice`: safe HTML.
    :param text: a heading, a list's label, a read-only question's label, an error.
    :param values: a read-only answer.
    :param level: of a heading: 2 or 3.
    """

    kind: ItemKind
    id: str = ""
    macro: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    html: str = ""
    text: str = ""
    values: list[str] = field(default_factory=list)
    level: int = 2
    rows: list[RowView] = field(default_factory=list)
    error: str = ""
    item_label: str = ""
    add_label: str = ""
    can_add: bool = False
    can_remove: bool = False
    empty: str = ""
    files: list[FileRef] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PageView:
    """A page, ready to draw.

    :param number: from 1.
    :param shown: the questions on the page, for the hidden input `_shown`.
    :param opened: anchors of the questions that the last answers opened, in order.
    :param sources: (question, source of the duty to ask it).
    """

    form_id: str
    title: str
    number: int
    pages: int
    items: list[Item]
    errors: list[FieldError]
    shown: str
    opened: list[str]
    sources: list[tuple[str, str]]
    has_files: bool


def visible(form: Form, page_index: int, answers: Answers, context: Context) -> list[str]:
    """The names of the questions that a person can answer on a page now."""
    return _names(standing(form, answers, context), page_index)


def _names(state: State, page_index: int) -> list[str]:
    return [place.name for place in state.asked(page_index)]


def shown_pages(form: Form, answers: Answers, context: Context) -> list[int]:
    """Indexes of the pages that ask or say something now: the way through the form."""
    state = standing(form, answers, context)
    return [page.page for page in state.pages if not page.hidden and any(_says_something(p) for p in page.inside())]


def _says_something(place: Place) -> bool:
    component = place.component
    if place.hidden or component.marks.role == "error":
        return False
    return isinstance(component, Question | RepeatingGroup | Text | Table)


def page_hidden(form: Form, page_index: int, answers: Answers, context: Context) -> bool:
    """Whether a page asks and says nothing now, so that the way through the form passes it by."""
    return page_index not in shown_pages(form, answers, context)


def draw(
    form: Form,
    page_index: int,
    answers: Answers,
    context: Context,
    errors: Sequence[FieldError] = (),
    opened: Collection[str] = (),
) -> PageView:
    """A page with its answers.

    :param errors: from `validate`; those of other pages are left out.
    :param opened: names of the questions that the last answers opened.
    """
    state = standing(form, answers, context)
    page = state.pages[page_index]
    shown = _names(state, page_index)
    mine = [error for error in errors if error.page == page_index]
    artist = _Artist({error.name: error.message for error in mine}, {error.anchor: error.message for error in mine})
    items = artist.items(page, level=2)
    places = {place.name: place for place in state.asked(page_index)}
    return PageView(
        form_id=form.id,
        title=page_title(form, page),
        number=page_index + 1,
        pages=len(form.pages),
        items=items,
        errors=mine,
        shown=" ".join(shown),
        opened=[anchor_of(places[name]) for name in shown if name in opened],
        sources=_sources(state, page_index),
        has_files=any(isinstance(place.component, FilesQuestion) for place in state.asked(page_index)),
    )


def _sources(state: State, page_index: int) -> list[tuple[str, str]]:
    found = [
        (place.label or place.words(place.component.summary), place.component.marks.basis)
        for place in state.shown(page_index)
        if place.component.marks.basis and place.row is None
    ]
    return list(dict.fromkeys((label, basis) for label, basis in found if label))


class _Artist:
    """Draws the places of one page."""

    def __init__(self, by_name: dict[str, str], by_anchor: dict[str, str]) -> None:
        self.by_name = by_name
        self.by_anchor = by_anchor

    def items(self, place: Place, level: int) -> list[Item]:
        drawn: list[Item] = []
        for child in place.children:
            if not child.hidden:
                drawn.extend(self._item(child, level))
        return drawn

    def _item(self, place: Place, level: int) -> list[Item]:
        component = place.component
        if isinstance(component, Question):
            return [self._question(place, component)]
        if isinstance(component, Text):
            return self._text(place, component)
        if isinstance(component, RepeatingGroup):
            return [self._list(place, component, level)]
        if isinstance(component, Group):
            heading = [Item("heading", text=place.label, level=min(level, 4))] if place.label else []
            return heading + self.items(place, level + 1 if heading else level)
        if isinstance(component, Separator):
            return [Item("separator")]
        if isinstance(component, Table):
            return [self._table(place, component)]
        return []

    def _question(self, place: Place, question: Question) -> Item:
        if place.readonly:
            values = question.words(place, place.raw) or [question.when_empty or NOT_GIVEN]
            return Item("readonly", id=place.name, text=place.label, values=values)
        macro, params = question.draw(place, self.by_name.get(place.name))
        files = question.known(place.raw) if isinstance(question, FilesQuestion) else []
        return Item("input", id=place.name, macro=macro, params=params, files=files, text=place.label)

    def _text(self, place: Place, text: Text) -> list[Item]:
        if text.marks.role == "error":
            anchor = rule_anchor(place)
            return [Item("error", id=anchor, text=self.by_anchor[anchor])] if anchor in self.by_anchor else []
        words = text.text.filled(place.scope, place.context, markdown.escape)
        return [Item("notice" if text.marks.role == "notice" else "text", html=markdown.html(words))]

    def _table(self, place: Place, table: Table) -> Item:
        found = place.value(table.rows)
        rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
        return Item(
            "table",
            text=place.label,
            head=[heading for _, heading in table.columns],
            cells=[[word(row.get(key)) for key, _ in table.columns] for row in rows],
            empty=table.when_empty or "There is nothing to show.",
        )

    def _list(self, place: Place, group: RepeatingGroup, level: int) -> Item:
        item = group.item_label
        count = len(place.children)
        return Item(
            "list",
            id=place.name,
            text=place.label,
            level=min(level, 4),
            rows=[RowView(row.name, row.row_label, self.items(row, level + 1)) for row in place.children],
            error=self.by_name.get(place.name, ""),
            item_label=item,
            add_label=f"Add another {item}" if count else f"Add {messages.with_article(item)}",
            can_add=group.adjustable and count < group.max_items,
            can_remove=group.adjustable and count > group.min_items,
            empty=group.when_empty or _nothing(group, item),
        )


def _nothing(group: RepeatingGroup, item: str) -> str:
    if group.adjustable:
        return f"You have not added any {messages.plural(item)}."
    return "There is nothing to answer here."
