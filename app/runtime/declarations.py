"""The declared variables of a process: ``zeebe:properties`` named ``variable:<name>`` whose value is a type.

Types: boolean, number, string, date, time, date and time, duration, id (a numeric string), list, context, enum(A|B|C).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app import feel
from app.feel.temporal import Date, DateTime, DayTimeDuration, Time, YearMonthDuration
from app.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_time
from app.feel.values import kind
from app.runtime.errors import VariableRefused
from app.runtime.language import article
from app.store.keys import key_in

PREFIX = "variable:"
LONGEST_NAME = 200
_CLASSES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "number": (Decimal,),
    "string": (str,),
    "date": (Date,),
    "time": (Time,),
    "date and time": (DateTime,),
    "duration": (DayTimeDuration, YearMonthDuration),
    "id": (str,),
    "list": (list,),
    "context": (dict,),
}
_NO_SECONDS = re.compile(r"((?:^|T)\d\d:\d\d)(?![:\d])")


def _with_seconds(text: str) -> str:
    """Forms write times to the minute, as form-js does; FEEL wants the seconds."""
    return _NO_SECONDS.sub(r"\1:00", text, count=1)


_FROM_TEXT = {
    "date": parse_date,
    "time": lambda text: parse_time(_with_seconds(text)),
    "date and time": lambda text: parse_date_time(_with_seconds(text)) if "T" in text else None,
    "duration": parse_duration,
}
TYPE_NAMES = (*_CLASSES, "enum(A|B|C)")


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared type.

    :param name: as written, for instance ``enum(YES|NO)``.
    :param base: the type without its values: ``enum`` for enumerations.
    """

    name: str
    base: str
    members: frozenset[str] = frozenset()

    @property
    def feel_type(self) -> str:
        """The type as FEEL's checker knows it."""
        return "string" if self.base in ("id", "enum") else self.base

    def admits(self, value: Any) -> bool:
        """Whether a FEEL value is of this type. Null always is: the variable is not known yet."""
        if value is None:
            return True
        if self.base == "enum":
            return isinstance(value, str) and value in self.members
        if self.base == "id":
            return isinstance(value, str) and key_in(value) is not None
        return isinstance(value, _CLASSES[self.base])


def parse_type(text: str) -> Declared | None:
    """The type a declaration names, or None when there is no such type."""
    name = " ".join(text.split())
    if name.startswith("enum(") and name.endswith(")"):
        members = frozenset(part.strip() for part in name[5:-1].split("|"))
        return Declared(name, "enum", members) if members and "" not in members else None
    return Declared(name, name) if name in _CLASSES else None


@dataclass(frozen=True, slots=True)
class Declarations:
    """The declared variables of one process. Empty: the process declares none, and anything goes."""

    types: Mapping[str, Declared] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.types)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.types)

    def admit(self, name: str, value: Any) -> Any:
        """A value at the door (Python or JSON) as the FEEL value of the declared type.

        :raises VariableRefused: not declared, or of another type. The message names the variable, never the value.
        """
        declared = self.types.get(name)
        if declared is None:
            if self.types and len(name) <= LONGEST_NAME:
                raise VariableRefused(f"The variable {name} is not declared by the process.", resource_id=name)
            return feel_value(name, value)
        if declared.base == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        found = feel_value(name, value)
        if isinstance(found, str) and declared.base in _FROM_TEXT:
            found = _FROM_TEXT[declared.base](found) or found
        if not declared.admits(found):
            raise VariableRefused(_mismatch(name, declared, found), resource_id=name)
        return found

    def admit_all(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.admit(name, value) for name, value in variables.items()}

    def split(self, variables: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The FEEL values that are as declared, and the rest. Where nothing is declared there is no rest."""
        fit = {n: v for n, v in variables.items() if not self.types or (n in self.types and self.types[n].admits(v))}
        return fit, {n: v for n, v in variables.items() if n not in fit}

    def mismatch(self, name: str, value: Any) -> str | None:
        """What is wrong with a value that a step of the diagram writes, or None. Undeclared names are the checker's
        matter."""
        declared = self.types.get(name)
        return None if declared is None or declared.admits(value) else _mismatch(name, declared, value)


def feel_value(name: str, value: Any) -> Any:
    """What a variable brings, as FEEL has it.

    :raises VariableRefused: it has no counterpart there, or is too large. The message names the variable, never the value.
    """
    if len(name) > LONGEST_NAME:
        raise VariableRefused(f"The name of a variable has at most {LONGEST_NAME} characters.")
    try:
        return feel.from_python(value)
    except feel.FeelError as error:
        raise VariableRefused(f"The variable {name} cannot be taken: {error.message}", resource_id=name) from error


def _mismatch(name: str, declared: Declared, value: Any) -> str:
    if declared.base == "enum" and isinstance(value, str):
        return f"The variable {name} must be one of {', '.join(sorted(declared.members))}."
    if declared.base == "id" and isinstance(value, str):
        return f"The variable {name} is declared as an id and must consist of digits."
    return f"The variable {name} is declared as {declared.name}, but the value is {article(kind(value))}."


def declarations_of(properties: Mapping[str, str]) -> Declarations:
    """Read the declarations among a process's properties; wrong types are the checker's matter and are left out
    here."""
    found = {}
    for name, text in properties.items():
        if name.startswith(PREFIX) and (declared := parse_type(text or "")) is not None:
            found[name[len(PREFIX) :].strip()] = declared
    return Declarations(found)
