"""A form as read from its file: pages, groups, repeating groups, questions, texts. Immutable; knows nothing of answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.forms.expressions import NO_TEXT, Expression, Template

if TYPE_CHECKING:
    from marshmallow import fields

    from app.forms.posted import FileRef, Posted
    from app.forms.state import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What our `properties` say of a component.

    :param sensitivity: what the answer holds; a group's or list's own applies to the questions in it that state none.
    :param assumed: nothing was stated, so `personal` is assumed.
    :param kind: `fact` or `opinion`, or empty.
    :param basis: source of the duty to ask, document and section, or empty.
    :param variable: name of the process variable that the answer becomes, or empty.
    :param value_type: that variable's type.
    :param role: `error`, `notice`, `attestation`, `signature`, or empty.
    :param ref: what the answer's id refers to, or empty.
    """

    sensitivity: frozenset[str] = frozenset()
    assumed: bool = False
    kind: str = ""
    basis: str = ""
    variable: str = ""
    value_type: str = ""
    role: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Anything in a form.

    :param path: the keys that lead to it from the root of the answers, repeating groups included, rows left out.
    """

    id: str
    type: str
    path: tuple[str, ...]
    label: Template = NO_TEXT
    hide: Expression | None = None
    marks: Marks = Marks()
    summary: Template = NO_TEXT
    when_empty: str = ""

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Component):
    """A component that has a value: a question or a computed value."""

    in_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed(Field):
    """An `expression`: worked out on the server, never taken from outside."""

    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Field, ABC):
    """Something a person answers. One subclass per kind of answer, in `app.forms.kinds`."""

    description: Template = NO_TEXT
    required: bool = False
    required_message: str = ""
    readonly: Expression | bool = False
    default: Any = None
    prefill: Expression | None = None

    @property
    def empty(self) -> Any:
        """What an unanswered question holds, as form-js has it."""
        return None

    @abstractmethod
    def posted(self, name: str, posted: Posted, files: list[FileRef], old: Any) -> Any:
        """The answer as typed on a posted page, kept even when it is not valid."""

    @abstractmethod
    def known(self, raw: Any) -> Any:
        """A stored answer if it has this question's shape, otherwise `empty`: an older draft may hold anything."""

    @abstractmethod
    def from_outside(self, value: Any) -> Any:
        """An answer sent as data. Raises `ValueError` with what is expected when the shape is wrong."""

    def offered(self, raw: Any) -> Any:
        """What FEEL sees of an answer: form-js's value for it, null while it is not valid."""
        return self.known(raw)

    def answered(self, raw: Any) -> bool:
        """Whether anything has been answered."""
        return self.known(raw) not in (None, "", [], {})

    @abstractmethod
    def rule(self, place: Place) -> fields.Field[Any]:
        """The marshmallow field that checks the answer and makes it typed."""

    @abstractmethod
    def clean(self, value: Any) -> Any:
        """The typed value as the JSON that is kept."""

    def variable(self, clean: Any) -> Any:
        """The kept value as the process variable's value."""
        return clean

    @abstractmethod
    def draw(self, place: Place, error: str | None) -> tuple[str, dict[str, Any]]:
        """The GOV.UK macro and its parameters."""

    @abstractmethod
    def words(self, place: Place, raw: Any) -> list[str]:
        """The answer as people read it; an empty list when there is none."""

    def anchor(self, name: str) -> str:
        """The id that a link to this question goes to."""
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Component):
    """Words for the reader (Markdown); with the role `error`, a rule over several questions."""

    text: Template = NO_TEXT
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Separator(Component):
    """A line between questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Component):
    """Rows that the server knows, shown for reading.

    :param columns: (key, heading).
    """

    rows: Expression
    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Component):
    """Questions under one heading. At the top of a form: a page."""

    children: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatingGroup(Group):
    """A list of rows, each answering the same questions.

    :param rows_from: gives the rows when they are fixed, as contexts; people then neither add nor remove any.
    :param row_key: the entry of such a context that tells the rows apart.
    """

    allow_add_remove: bool = True
    default_rows: int = 0
    min_items: int = 0
    max_items: int = 50
    item_label: str = "item"
    rows_from: Expression | None = None
    row_key: str = ""
    prefill: Expression | None = None

    @property
    def adjustable(self) -> bool:
        """Whether people may add and remove rows."""
        return self.allow_add_remove and self.rows_from is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Group):
    """One page of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form. `pages` are its top-level groups; a form without groups is one page."""

    id: str
    title: str
    file: str
    pages: tuple[Page, ...] = field(default=())

    def components(self) -> Iterator[Component]:
        """Every component, in the order of the file, pages included."""
        for page in self.pages:
            yield page
            yield from _inside(page)

    def fields(self) -> Iterator[Field]:
        """Every question and computed value, in the order of the file."""
        return (component for component in self.components() if isinstance(component, Field))

    @property
    def needs_fresh_authentication(self) -> bool:
        """Whether completing it is a signature."""
        return any(component.marks.role == "signature" for component in self.components())


def _inside(group: Group) -> Iterator[Component]:
    for child in group.children:
        yield child
        if isinstance(child, Group):
            yield from _inside(child)
