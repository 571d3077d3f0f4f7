"""Answers for reading: the check-your-answers page before sending, and a submission afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.forms.context import Context
from app.forms.expressions import word
from app.forms.kinds.files import FilesQuestion
from app.forms.messages import plural
from app.forms.model import Computed, Field, Form, Marks, Question, RepeatingGroup
from app.forms.posted import Answers, FileRef
from app.forms.recorded import recorded
from app.forms.rows import standing
from app.forms.state import Place
from app.forms.validation import anchor_of

NOT_GIVEN = "Not given"


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One question with its answer.

    :param values: the lines or items of the answer, never empty.
    :param page: index of the page to change it on.
    :param anchor: the id to go to there.
    :param path: the question's path without row identities, as `Field.name` has it.
    :param files: what the answer refers to, for download links.
    """

    label: str
    values: list[str]
    page: int
    anchor: str
    name: str
    path: str
    marks: Marks
    given: bool = True
    changeable: bool = True
    files: list[FileRef] = field(default_factory=list)

    @property
    def blank(self) -> bool:
        """Whether an optional question was passed over, and that says nothing: no words of its own for it."""
        return not self.given and self.values == [NOT_GIVEN]


@dataclass(frozen=True, slots=True)
class SummaryCard:
    """The answers of one page, or of one row of a repeating group."""

    title: str
    rows: list[SummaryRow]
    page: int


def summary(
    form: Form, answers: Answers, context: Context, *, permitted: Callable[[Field], bool] | None = None
) -> list[SummaryCard]:
    """The answers as cards, hidden questions left out.

    :param permitted: tells of each field whether the reader may see it; the others are left out as if they did not exist.
    """
    return _cards(form, standing(form, answers, context).pages, permitted)


def record(
    form: Form, clean: Answers, submitted: datetime, *, permitted: Callable[[Field], bool] | None = None
) -> list[SummaryCard]:
    """A submission as it was made: what `Validated.clean` kept, whatever has changed since.

    Nothing is evaluated again: what was asked is what was kept, computed and prefilled answers are those of then, chosen
    options have the names they had.

    :param submitted: when it was made.
    """
    return _cards(form, recorded(form, clean, submitted), permitted)


def _cards(form: Form, pages: list[Place], permitted: Callable[[Field], bool] | None) -> list[SummaryCard]:
    cards: list[SummaryCard] = []
    for page in pages:
        if page.hidden:
            continue
        title = page_title(form, page)
        own: list[SummaryRow] = []
        rows: list[SummaryCard] = []
        _gather(page, own, rows, permitted)
        cards.extend(card for card in (SummaryCard(title, own, page.page), *rows) if card.rows)
    return cards


def page_title(form: Form, page: Place) -> str:
    """The heading of a page: its label, or the form's title."""
    return page.label or form.title


def _gather(
    place: Place, own: list[SummaryRow], cards: list[SummaryCard], permitted: Callable[[Field], bool] | None
) -> None:
    for child in place.children:
        component = child.component
        if child.hidden:
            continue
        if isinstance(component, RepeatingGroup):
            _gather_rows(child, component, own, cards, permitted)
        elif isinstance(component, Field):
            if permitted is None or permitted(component):
                own.extend(_row(child, component))
        else:
            _gather(child, own, cards, permitted)


def _gather_rows(
    place: Place,
    group: RepeatingGroup,
    own: list[SummaryRow],
    cards: list[SummaryCard],
    permitted: Callable[[Field], bool] | None,
) -> None:
    if not place.children:
        label = place.words(group.summary) or place.label or group.item_label.capitalize()
        if label.lower() == group.item_label.lower():
            label = plural(label)
        values = [group.when_empty or "None"]
        if permitted is None or all(permitted(child) for child in group.children if isinstance(child, Field)):
            own.append(
                SummaryRow(
                    label, values, place.page, anchor_of(place), place.name, group.name, group.marks, given=False
                )
            )
        return
    for row in place.children:
        if not row.row_label:
            _gather(row, own, cards, permitted)
            continue
        mine: list[SummaryRow] = []
        inner: list[SummaryCard] = []
        _gather(row, mine, inner, permitted)
        nested = [SummaryCard(f"{row.row_label}, {_lowered(card.title)}", card.rows, card.page) for card in inner]
        cards.extend(card for card in (SummaryCard(row.row_label, mine, place.page), *nested) if card.rows)


def _lowered(title: str) -> str:
    return title[:1].lower() + title[1:]


def _row(place: Place, component: Field) -> list[SummaryRow]:
    title = place.words(component.summary)
    if isinstance(component, Computed):
        if not title or place.raw is None:
            return []
        values = _computed_words(place)
        return [_summary_row(place, component, title, values, given=True, changeable=False)]
    if not isinstance(component, Question):
        return []
    found = component.words(place, place.raw)
    values = found or [component.when_empty or NOT_GIVEN]
    files = component.known(place.raw) if isinstance(component, FilesQuestion) else []
    row = _summary_row(
        place, component, title or place.label, values, given=bool(found), changeable=not place.readonly, files=files
    )
    return [row]


def _summary_row(
    place: Place,
    component: Field,
    label: str,
    values: list[str],
    *,
    given: bool,
    changeable: bool,
    files: list[FileRef] | None = None,
) -> SummaryRow:
    return SummaryRow(
        label,
        values,
        place.page,
        anchor_of(place),
        place.name,
        component.name,
        component.marks,
        given,
        changeable,
        files or [],
    )


def _computed_words(place: Place) -> list[str]:
    raw = place.raw
    return [word(entry) for entry in raw] if isinstance(raw, list) and raw else [word(raw)]
