"""FEEL inside a form: conditions, computed values, and texts with `{{…}}` in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from app import feel
from app.forms.context import LONDON, Context
from app.forms.errors import ExpressionFailed

Scope: TypeAlias = Mapping[str, Any]

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}\S*")


@dataclass(frozen=True, slots=True)
class Expression:
    """One FEEL expression of a form, without the `=` that form-js writes in front."""

    text: str

    def value(self, scope: Scope, context: Context) -> Any:
        """What it gives, as JSON-safe data.

        :raises ExpressionFailed: it cannot be read, or runs out of its budget.
        """
        try:
            compiled = feel.compile_expression(self.text)
            return plain(feel.to_python(compiled.evaluate(scope, context.environment)))
        except feel.FeelError as error:
            raise ExpressionFailed(self.text, error.message, self._seen(scope)) from error

    def _seen(self, scope: Scope) -> dict[str, str]:
        """The kind of what each name held, never the value."""
        try:
            names = feel.compile_expression(self.text).free_names()
            return {
                name: feel.kind(feel.from_python(scope[name])) if name in scope else "not set" for name in sorted(names)
            }
        except feel.FeelError:
            return {}

    def holds(self, scope: Scope, context: Context) -> bool:
        """Whether it is true. Null, and anything that is not a boolean, is not."""
        return self.value(scope, context) is True


@dataclass(frozen=True, slots=True)
class Template:
    """A text of a form: literal, `=expression`, or literal with `{{expression}}` in it."""

    text: str = ""

    @property
    def expressions(self) -> list[Expression]:
        """The expressions it holds, in order."""
        if self.text.startswith("="):
            return [Expression(self.text[1:])]
        return [Expression(_inner(found)) for found in _TEMPLATE.findall(self.text)]

    def words(self, scope: Scope, context: Context) -> str:
        """The text with its expressions' values put in; null leaves nothing."""
        return self.filled(scope, context, str)

    def filled(self, scope: Scope, context: Context, escape: Callable[[str], str]) -> str:
        """The same, with each value passed through `escape`; a text that is one expression wholly."""

        def put_in(text: str) -> str:
            return escape(word(Expression(text).value(scope, context)))

        if self.text.startswith("="):
            return put_in(self.text[1:])
        if "{{" not in self.text:
            return self.text
        return _TEMPLATE.sub(lambda found: put_in(_inner(found.group(1))), self.text)

    def __bool__(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a form states outright or computes: the least, the most, the longest."""

    number: Decimal | None = None
    expression: Expression | None = None

    def value(self, scope: Scope, context: Context) -> Decimal | None:
        """The number, or None when there is no limit or the expression gives no number."""
        if self.expression is None:
            return self.number
        found = self.expression.value(scope, context)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return Decimal(str(found))


NO_LIMIT = Limit()
NO_TEXT = Template()


def plain(value: Any) -> Any:
    """Python data as JSON has it: dates and times as ISO text, whole numbers as int, other numbers as float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    return value


def date_in_words(value: date) -> str:
    """27 March 2026."""
    return f"{value.day} {value:%B} {value.year}"


def moment_in_words(value: datetime) -> str:
    """27 March 2026 at 2:30pm, in London."""
    local = value.astimezone(LONDON) if value.tzinfo else value
    return f"{date_in_words(local.date())} at {time_in_words(local.time())}"


def time_in_words(value: time) -> str:
    """2:30pm, midday, midnight."""
    if value.minute == 0 and value.hour in (0, 12):
        return "midnight" if value.hour == 0 else "midday"
    minutes = f":{value.minute:02d}" if value.minute else ""
    return f"{value.hour % 12 or 12}{minutes}{'am' if value.hour < 12 else 'pm'}"


def _inner(text: str) -> str:
    return text.strip().removeprefix("=")


def word(value: Any) -> str:
    """A value inside a sentence: dates and moments in words, true as Yes, null as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date_in_words(date.fromisoformat(value))
        except ValueError:
            return value
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return moment_in_words(datetime.fromisoformat(value))
        except ValueError:
            return value
    if isinstance(value, list):
        return ", ".join(word(entry) for entry in value)
    return str(value)
