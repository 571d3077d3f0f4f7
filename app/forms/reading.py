"""Reading a `.form` file: form-js JSON into the model, with every problem noted on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.forms import vocabulary as v
from app.forms.expressions import Expression
from app.forms.model import (
    Component,
    Computed,
    Form,
    Group,
    Marks,
    Page,
    RepeatingGroup,
    Separator,
    Table,
    Text,
)
from app.forms.reading_attributes import Attributes
from app.forms.reading_questions import read_question
from app.problems import Problem

MAX_BYTES = 2_000_000
MAX_DEPTH = 12
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")


class Reader:
    """Reads one file. `problems` grows while it reads; the model is usable only when it stays empty of errors."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, element_id: str, what: str, remedy: str) -> None:
        """Note a problem that makes the form unusable."""
        self.problems.append(Problem(self.file, element_id, what, remedy))

    def form(self, json_bytes: bytes) -> Form | None:
        """The form, or None when the file is not a form at all."""
        content = self._json(json_bytes)
        if content is None:
            return None
        identity = content.get("id")
        if not isinstance(identity, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", identity):
            self.problem(
                "", "The form has no usable id.", "Give it an id of letters, numbers and hyphens, like marac-referral."
            )
            identity = "form"
        components = content.get("components")
        if not isinstance(components, list):
            self.problem("", "The form has no list of components.", "Open and save it in the form editor.")
            return None
        return Form(id=identity, title=self._title(identity, components), file=self.file, pages=self._pages(components))

    def _json(self, json_bytes: bytes) -> dict[str, Any] | None:
        if len(json_bytes) > MAX_BYTES:
            self.problem("", "The file is larger than 2 MB.", "Split the form up.")
            return None
        try:
            content = orjson.loads(json_bytes)
        except orjson.JSONDecodeError:
            self.problem("", "The file is not JSON.", "Open and save it in the form editor.")
            return None
        if not isinstance(content, dict) or content.get("type", "default") != "default":
            self.problem("", "The file is not a form-js form.", "Open and save it in the form editor.")
            return None
        return content

    def _title(self, identity: str, components: list[Any]) -> str:
        first = next((c for c in components if isinstance(c, dict) and c.get("type") == "group"), None)
        label = first.get("label") if first else None
        if isinstance(label, str) and label and not label.startswith("=") and len(components) == 1:
            return label
        return identity.replace("-", " ").replace("_", " ").capitalize()

    # ------------------------------------------------------------------------------------------- containers
    def _pages(self, components: list[Any]) -> tuple[Page, ...]:
        """Top-level groups are pages. What stands between groups joins the page before it, or the first one."""
        grouped = [c for c in components if isinstance(c, dict) and c.get("type") == "group"]
        if not grouped:
            page = {"type": "group", "id": "page", "label": "", "components": components}
            return (self._page(page, [], []),)
        pages: list[tuple[dict[str, Any], list[Any], list[Any]]] = []
        before: list[Any] = []
        for component in components:
            if isinstance(component, dict) and component.get("type") == "group":
                pages.append((component, before, []))
                before = []
            elif pages:
                pages[-1][2].append(component)
            else:
                before.append(component)
        return tuple(self._page(group, lead, tail) for group, lead, tail in pages)

    def _page(self, group: dict[str, Any], lead: list[Any], tail: list[Any]) -> Page:
        read = Attributes(self, group)
        read.note_unknown_properties()
        base = read.base((), Marks())
        path = self._path(read, "path", needed=False)
        if base["hide"] is not None and (lead or tail):
            what = "The page has a condition, and what stands beside it at the top of the form would vanish with it."
            self.problem(read.id, what, "Move what stands beside it into a group.")
        children = [
            *self._children(lead, (), base["marks"], 1, in_list=False),
            *self._children(read.components(), path, base["marks"], 1, in_list=False),
            *self._children(tail, (), base["marks"], 1, in_list=False),
        ]
        return Page(**{**base, "path": path}, children=tuple(children))

    def _children(
        self, components: list[Any], path: tuple[str, ...], marks: Marks, depth: int, *, in_list: bool
    ) -> list[Component]:
        found = (self._component(component, path, marks, depth, in_list=in_list) for component in components)
        return [component for component in found if component is not None]

    def _component(
        self, raw: Any, path: tuple[str, ...], marks: Marks, depth: int, *, in_list: bool
    ) -> Component | None:
        if not isinstance(raw, dict) or not isinstance(raw.get("type"), str):
            self.problem("", "A component has no type.", "Open and save the form in the form editor.")
            return None
        kind, identity = raw["type"], str(raw.get("id", ""))
        if not identity:
            self.problem("", f"A component of the type {kind} has no id.", "Open and save the form in the form editor.")
        if depth > MAX_DEPTH:
            self.problem(identity, f"Groups are nested more than {MAX_DEPTH} deep.", "Flatten the form.")
            return None
        if kind in v.REFUSED_TYPES:
            self.problem(identity, f"The component type {kind} is not allowed on our pages.", v.REFUSED_TYPES[kind])
            return None
        if kind not in v.KNOWN_TYPES:
            known = ", ".join(sorted(v.KNOWN_TYPES))
            self.problem(identity, f"The component type {kind} does not exist.", f"Use one of: {known}.")
            return None
        read = Attributes(self, raw)
        read.note_unknown_properties()
        readers: dict[str, Callable[[], Component | None]] = {
            "group": lambda: self._group(read, path, marks, depth, in_list=in_list),
            "dynamiclist": lambda: self._list(read, path, marks, depth),
            "text": lambda: self._text(read, path, marks),
            "separator": lambda: Separator(**read.base(path, marks)),
            "spacer": lambda: None,
            "table": lambda: self._table(read, path, marks),
            "expression": lambda: self._computed(read, path, marks, in_list=in_list),
        }
        reader = readers.get(kind)
        if reader is not None:
            return reader()
        key = self._path(read, "key", needed=True)
        return read_question(read, (*path, *key), marks, in_list=in_list)

    def _group(self, read: Attributes, path: tuple[str, ...], marks: Marks, depth: int, *, in_list: bool) -> Component:
        base = read.base(path, marks)
        own = (*path, *self._path(read, "path", needed=False))
        children = self._children(read.components(), own, base["marks"], depth + 1, in_list=in_list)
        return Group(**{**base, "path": own}, children=tuple(children))

    def _list(self, read: Attributes, path: tuple[str, ...], marks: Marks, depth: int) -> Component:
        base = read.base(path, marks)
        own = (*path, *self._path(read, "path", needed=True))
        label = base["label"].text
        most = read.count_property("maxItems", 50)
        least = read.count_property("minItems", 0)
        if least > most:
            self.problem(read.id, "minItems is greater than maxItems.", "Correct one of them.")
        rows_from = read.expression_property("rowsFrom")
        if rows_from is not None and read.raw.get("allowAddRemove", True) is not False:
            self.problem(read.id, "A list with rowsFrom has fixed rows.", "Set allowAddRemove to false.")
        children = self._children(read.components(), own, base["marks"], depth + 1, in_list=True)
        if not children:
            self.problem(read.id, "A repeating group is empty.", "Put questions into it, or remove it.")
        return RepeatingGroup(
            **{**base, "path": own},
            children=tuple(children),
            allow_add_remove=read.raw.get("allowAddRemove", True) is not False,
            default_rows=min(read.count("defaultRepetitions", 1), most),
            min_items=least,
            max_items=most,
            item_label=read.property("itemLabel") or (label.lower() if label and not label.startswith("=") else "item"),
            rows_from=rows_from,
            row_key=read.property("rowKey"),
            prefill=read.expression_property("prefill"),
        )

    # ------------------------------------------------------------------------------------------- leaves
    def _text(self, read: Attributes, path: tuple[str, ...], marks: Marks) -> Component:
        base = read.base(path, marks)
        text = read.template("text")
        if not text:
            self.problem(read.id, "A text is empty.", "Write it, or remove the component.")
        at: tuple[str, ...] = ()
        if base["marks"].role == "error":
            if base["hide"] is None:
                self.problem(
                    read.id, "A rule (role error) has no condition.", "Say in hide when the answers are in order."
                )
            at = self._path(read, "at", needed=True, of=read.properties)
        return Text(**base, text=text, at=at)

    def _table(self, read: Attributes, path: tuple[str, ...], marks: Marks) -> Component:
        rows = read.expression("dataSource")
        columns = read.raw.get("columns")
        found = [
            (column["key"], column["label"])
            for column in (columns if isinstance(columns, list) else [])
            if isinstance(column, Mapping)
            and isinstance(column.get("key"), str)
            and isinstance(column.get("label"), str)
        ]
        if rows is None or not found:
            self.problem(
                read.id,
                "A table needs a data source and columns.",
                "Give dataSource as =expression, and columns with key and label.",
            )
        return Table(**read.base(path, marks), rows=rows or Expression("null"), columns=tuple(found))

    def _computed(self, read: Attributes, path: tuple[str, ...], marks: Marks, *, in_list: bool) -> Component:
        expression = read.expression("expression")
        if expression is None:
            self.problem(read.id, "An expression component has no expression.", "Write it with = in front.")
        own = (*path, *self._path(read, "key", needed=True))
        return Computed(**read.base(own, marks), expression=expression or Expression("null"), in_list=in_list)

    def _path(
        self, read: Attributes, name: str, *, needed: bool, of: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        text = (read.raw if of is None else of).get(name)
        if text in (None, ""):
            if needed:
                self.problem(read.id, f"The {name} is missing.", "Give one, of letters and numbers.")
            return ()
        if not isinstance(text, str) or not _KEY.fullmatch(text):
            self.problem(
                read.id, f"The {name} is not usable.", "Use letters, numbers and underscores, with dots between groups."
            )
            return ("unusable",)
        return tuple(text.split("."))
