"""Item definitions: what values a variable may have, and the conversions that DMN allows (DMN 1.5, 7.3.3 and 10.3.2.9.4)."""

from __future__ import annotations

from collections.abc import Callable

from app.decisions.document import Document
from app.decisions.xml import Element, child, children, text_of
from app.feel.errors import FeelError
from app.feel.expression import UnaryTests
from app.feel.frame import EMPTY, Frame, NoValue, State
from app.feel.temporal import Date, DateTime
from app.feel.types import TypeTest
from app.feel.values import Function, Spend, Value, kind

MAX_DEPTH = 20
BASE = {
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "dateTime": "date and time",
    "date and time": "date and time",
    "dayTimeDuration": "days and time duration",
    "days and time duration": "days and time duration",
    "yearMonthDuration": "years and months duration",
    "years and months duration": "years and months duration",
    "Any": "any",
    "any": "any",
    "context": "context",
    "list": "list",
    "function": "function",
    # What modellers write besides.
    "integer": "number",
    "long": "number",
    "double": "number",
}
Coerce = Callable[[Value, Spend], Value]


class Types:
    """The types of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._coercions: dict[str, Coerce] = {}

    def declared(self, reference: str | None, depth: int = 0) -> str:
        """The name that the static check knows the type by: "number", "list", "context", …; "any" when open."""
        name = _bare(reference)
        if not name or depth > MAX_DEPTH:
            return "any"
        if name in BASE:
            return BASE[name]
        document, element = self._definition(name)
        if element is None:
            return "any"
        if element.get("isCollection") == "true":
            return "list"
        if children(element, "itemComponent"):
            return "context"
        if child(element, "functionItem") is not None:
            return "function"
        return Types(document).declared(text_of(element, "typeRef"), depth + 1)

    def is_known(self, reference: str | None) -> bool:
        name = _bare(reference)
        return not name or name in BASE or self._definition(name)[1] is not None

    def allowed_text(self, reference: str | None, depth: int = 0) -> str:
        """The allowed values of a type, as they are written; an empty text when it has none."""
        name = _bare(reference)
        if not name or name in BASE or depth > MAX_DEPTH:
            return ""
        document, element = self._definition(name)
        if element is None or element.get("isCollection") == "true":
            return ""
        own = text_of(child(element, "allowedValues")) or text_of(child(element, "typeConstraint"))
        return own or Types(document).allowed_text(text_of(element, "typeRef"), depth + 1)

    def coercion(self, reference: str | None) -> Coerce | None:
        """Converts values to the type and raises NoValue for those that do not fit; None when anything does."""
        name = _bare(reference)
        if not name or BASE.get(name) == "any":
            return None
        if name not in self._coercions:
            self._coercions[name] = self._build(name, 0)
        return self._coercions[name]

    def tests(self) -> dict[str, TypeTest]:
        """For `instance of`: a test for each item definition, without conversion."""
        found: dict[str, TypeTest] = {}
        for name in self.document.types:
            found[name] = self._test(name)
        for prefix, document in self.document.imports.items():
            for name, test in Types(document).tests().items():
                found[f"{prefix}.{name}"] = test
        return found

    def _test(self, name: str) -> TypeTest:
        def test(value: Value, spend: Spend) -> bool:
            coerce = self.coercion(name)
            if value is None or coerce is None:
                return value is not None
            try:
                return type(coerce(value, spend)) is type(value)
            except NoValue:
                return False

        return test

    def _definition(self, name: str) -> tuple[Document, Element | None]:
        if name in self.document.types:
            return self.document, self.document.types[name]
        prefix, _, rest = name.partition(".")
        imported = self.document.imports.get(prefix)
        return (imported, imported.types.get(rest)) if imported is not None else (self.document, None)

    def _build(self, name: str, depth: int) -> Coerce:
        if depth > MAX_DEPTH:
            return _anything
        if name in BASE:
            return _base(BASE[name])
        document, element = self._definition(name)
        if element is None:
            return _anything
        return Types(document)._item(element, depth + 1)

    def _item(self, element: Element, depth: int) -> Coerce:
        """The coercion of an item definition or component."""
        one = self._one(element, depth)
        if element.get("isCollection") == "true":
            return _collection(one)
        if self._is_list(element, depth):
            return one

        def single(value: Value, spend: Spend) -> Value:
            if type(value) is list and len(value) == 1:
                value = value[0]
            return None if value is None else one(value, spend)

        return single

    def _is_list(self, element: Element, depth: int) -> bool:
        name = _bare(text_of(element, "typeRef"))
        if name == "list":
            return True
        definition = self._definition(name)[1] if name not in BASE else None
        if definition is None or depth > MAX_DEPTH:
            return False
        return definition.get("isCollection") == "true" or self._is_list(definition, depth + 1)

    def _one(self, element: Element, depth: int) -> Coerce:
        if child(element, "functionItem") is not None:
            return _base("function")
        components = children(element, "itemComponent")
        if components:
            fields = {part.get("name") or "": self._item(part, depth + 1) for part in components}
            return self._allowed(element, _structure(fields))
        name = _bare(text_of(element, "typeRef"))
        inner = self._build(name, depth + 1) if name and BASE.get(name) != "any" else _anything
        return self._allowed(element, inner)

    def _allowed(self, element: Element, inner: Coerce) -> Coerce:
        tests = [text_of(child(element, tag)) for tag in ("allowedValues", "typeConstraint")]
        compiled = []
        for text in filter(None, tests):
            try:
                compiled.append(UnaryTests(text, self.document.long_names))
            except FeelError:
                continue  # the check of the file reports it
        if not compiled:
            return inner
        each = self._is_list(element, 0)

        def allowed(value: Value, spend: Spend) -> Value:
            value = inner(value, spend)
            frame = Frame({}, None, State(EMPTY))
            entries = value if each and type(value) is list else [value]
            if not all(
                test.test_in(entry, frame) is True for test in compiled for entry in entries if entry is not None
            ):
                raise NoValue("A value is not one of the allowed values.")
            return value

        return allowed


def _bare(reference: str | None) -> str:
    """The type's name without the prefix for FEEL's own types."""
    name = (reference or "").strip()
    prefix, colon, rest = name.partition(":")
    return rest if colon and prefix in ("feel", "kie", "dmn", "xsd") else name


def _anything(value: Value, spend: Spend) -> Value:
    return value


def _base(expected: str) -> Coerce:
    def coerce(value: Value, spend: Spend) -> Value:
        if value is None or expected == "any":
            return value
        found = kind(value)
        if found == expected:
            return value
        if type(value) is list and len(value) == 1:
            return coerce(value[0], spend)
        if expected == "date and time" and isinstance(value, Date):
            return DateTime.at_midnight(value)
        if expected == "list":
            return [value]
        if expected == "function" and isinstance(value, Function):
            return value
        raise NoValue(f"A {found} was given where a {expected} belongs.")

    return coerce


def _collection(one: Coerce) -> Coerce:
    def coerce(value: Value, spend: Spend) -> Value:
        entries = value if type(value) is list else [value]
        spend(len(entries))
        return [None if entry is None else one(entry, spend) for entry in entries]

    return coerce


def _structure(fields: dict[str, Coerce]) -> Coerce:
    def coerce(value: Value, spend: Spend) -> Value:
        if type(value) is not dict:
            raise NoValue(f"A {kind(value)} was given where a context belongs.")
        spend(len(value))
        found = dict(value)
        for name, field in fields.items():
            if name not in value:
                raise NoValue(f"The entry “{name}” is missing.")
            if value[name] is not None:
                found[name] = field(value[name], spend)
        return found

    return coerce
