"""The attributes and `properties` of one component of a form file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from app.forms import vocabulary as v
from app.forms.expressions import Expression, Limit, Template
from app.forms.model import Marks


class Notes(Protocol):
    """Where problems are noted."""

    def problem(self, element_id: str, what: str, remedy: str) -> None: ...


class Attributes:
    """One component as the file has it."""

    def __init__(self, notes: Notes, raw: Mapping[str, Any]) -> None:
        self.notes = notes
        self.raw = raw
        self.id = str(raw.get("id", ""))
        self.type = str(raw.get("type", ""))
        found = raw.get("properties")
        self.properties: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        checks = raw.get("validate")
        self.validate: Mapping[str, Any] = checks if isinstance(checks, Mapping) else {}

    def problem(self, what: str, remedy: str) -> None:
        self.notes.problem(self.id, what, remedy)

    # ------------------------------------------------------------------------------------------- properties
    def note_unknown_properties(self) -> None:
        """Note properties that we do not know, do not allow here, or that are not text."""
        for name, value in self.properties.items():
            allowed = v.PROPERTIES.get(str(name))
            if allowed is None:
                self.problem(
                    f"The property {name} is not one of ours.", f"Use one of: {', '.join(sorted(v.PROPERTIES))}."
                )
            elif self.type not in allowed:
                self.problem(
                    f"The property {name} means nothing on a {self.type}.",
                    f"It belongs on: {', '.join(sorted(allowed))}.",
                )
            elif not isinstance(value, str):
                self.problem(
                    f"The property {name} is not a text.", "Properties hold texts only; put it in quotation marks."
                )

    def property(self, name: str, allowed: frozenset[str] | None = None) -> str:
        """A property's text, or an empty one."""
        value = self.properties.get(name)
        text = value.strip() if isinstance(value, str) else ""
        if text and allowed is not None and text not in allowed:
            self.problem(
                f"The property {name} has the unknown value {text[:40]}.", f"Use one of: {', '.join(sorted(allowed))}."
            )
            return ""
        return text

    def expression_property(self, name: str) -> Expression | None:
        text = self.property(name)
        return self._expression(name, text) if text else None

    def count_property(self, name: str, default: int) -> int:
        text = self.property(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or int(text) > 1000:
            self.problem(f"The property {name} is not a whole number from 0 to 1,000.", "Correct it.")
            return default
        return int(text)

    # ------------------------------------------------------------------------------------------- attributes
    def text(self, name: str) -> str:
        value = self.raw.get(name)
        return value if isinstance(value, str) else ""

    def template(self, name: str) -> Template:
        text = self.text(name)
        if "{{#" in text or "{{/" in text:
            self.problem(
                f"The {name} has a condition or loop in curly brackets.",
                "Use {{expression}} only, or two components with hide.",
            )
            return Template()
        return Template(text)

    def expression(self, name: str) -> Expression | None:
        text = self.text(name).strip()
        return self._expression(name, text) if text else None

    def _expression(self, name: str, text: str) -> Expression | None:
        if not text.startswith("="):
            self.problem(f"The {name} does not start with =.", "Write = and then the FEEL expression.")
            return None
        return Expression(text[1:].strip())

    def count(self, name: str, default: int) -> int:
        value = self.raw.get(name, default)
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1000 else default

    def limit(self, name: str) -> Limit:
        """A number or an expression out of `validate`."""
        value = self.validate.get(name)
        if value is None or value == "":
            return Limit()
        if isinstance(value, str) and value.startswith("="):
            return Limit(expression=Expression(value[1:].strip()))
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite():
            self.problem(f"The limit {name} is not a number.", "Give a number, or = and a FEEL expression.")
            return Limit()
        return Limit(number=number)

    def components(self) -> list[Any]:
        found = self.raw.get("components")
        return found if isinstance(found, list) else []

    def hide(self) -> Expression | None:
        conditional = self.raw.get("conditional")
        text = conditional.get("hide") if isinstance(conditional, Mapping) else None
        if text in (None, ""):
            return None
        if not isinstance(text, str):
            self.problem("The condition to hide is not an expression.", "Write = and then the FEEL expression.")
            return None
        return self._expression("condition to hide", text.strip())

    def marks(self, inherited: Marks) -> Marks:
        """What the properties say; sensitivity and kind come from the surrounding group when they are not given here."""
        words = frozenset(self.property("sensitivity").split())
        unknown = words - v.SENSITIVITIES
        if unknown:
            self.problem(
                f"The sensitivity {', '.join(sorted(unknown))} is unknown.",
                f"Use one or more of: {', '.join(sorted(v.SENSITIVITIES))}.",
            )
        if "none" in words and len(words) > 1:
            self.problem("The sensitivity none stands beside others.", "Remove none, or the others.")
        roles = v.CHECKBOX_ROLES if self.type == "checkbox" else v.TEXT_ROLES
        return Marks(
            sensitivity=(words & v.SENSITIVITIES) or inherited.sensitivity,
            kind=self.property("kind", v.KINDS) or inherited.kind,
            basis=self.property("basis"),
            variable=self.property("variable"),
            value_type=self.property("valueType", v.VALUE_TYPES),
            role=self.property("role", roles),
            ref=self.property("ref", v.REFERENCES),
        )

    def base(self, path: tuple[str, ...], inherited: Marks) -> dict[str, Any]:
        """The arguments that every component of the model takes."""
        label = (
            self.template("dateLabel")
            if self.type == "datetime" and self.raw.get("dateLabel")
            else self.template("label")
        )
        if self.type == "datetime" and self.text("subtype") == "time" and self.raw.get("timeLabel"):
            label = self.template("timeLabel")
        return {
            "id": self.id,
            "type": self.type,
            "path": path,
            "label": label,
            "hide": self.hide(),
            "marks": self.marks(inherited),
            "summary": Template(self.property("summary")),
            "when_empty": self.property("whenEmpty"),
        }
