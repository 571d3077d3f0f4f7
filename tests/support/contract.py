"""What the official client's models say of searches: which filters with which operators, which orders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import attrs
import camunda_orchestration_sdk
from camunda_orchestration_sdk import models

_OPERATIONS = Path(camunda_orchestration_sdk.__file__).parent / "api"
_BODY = re.compile(r"def _get_kwargs\(.*?body: ([^,=)]+)", re.DOTALL)
_SAMPLES = {"datetime.datetime": "2026-03-02T09:00:00+00:00", "bool": True, "int": 1}


@dataclass(frozen=True)
class Field:
    """One field of a filter.

    :ivar operators: those that the client offers; `$eq` is a bare value too.
    :ivar words: of an enumeration.
    """

    name: str
    operators: tuple[str, ...]
    sample: Any
    words: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """What one operation of the client sends."""

    name: str
    fields: tuple[Field, ...]
    sorts: tuple[str, ...]
    has_sort: bool


def search_of(operation: str) -> Search | None:
    """The search that an operation of the client sends; None when it sends none."""
    [module] = _OPERATIONS.glob(f"*/{operation}.py")
    said = _BODY.search(module.read_text())
    body = _model(said[1]) if said else None
    parts = _parts(body) if body is not None else {}
    if not {"page", "filter"} & set(parts) or "changeset" in parts:
        return None
    wanted = _model(parts.get("filter", ""))
    sort = _model(parts.get("sort", "").removeprefix("list["))
    words = _words(_parts(sort)["field"]) if sort is not None else ()
    fields = _parts(wanted) if wanted is not None else {}
    return Search(operation, tuple(_field(n, t) for n, t in fields.items() if n != "$or"), words, sort is not None)


def _field(name: str, types: str) -> Field:
    operators = {"$eq"}
    for each in _names(types):
        if each.endswith("Filter"):
            operators |= {f"${operator}" for operator in _parts(getattr(models, each))}
    return Field(name, tuple(sorted(operators)), _sample(types), _words(types))


def _sample(types: str) -> Any:
    if types.startswith("list["):
        return [{"name": "colour", "value": '"red"'}] if "VariableValue" in types else ["one"]
    for each in _names(types):
        if words := _words(each):
            return words[0]
        if each.endswith("Filter") and (inner := _parts(getattr(models, each)).get("eq", "")):
            return _sample(inner)
    return next((sample for part, sample in _SAMPLES.items() if part in types), "1")


def _words(types: str) -> tuple[str, ...]:
    """The words of an enumeration."""
    for each in _names(types):
        found = getattr(models, each)
        if isinstance(found, type) and issubclass(found, Enum):
            return tuple(str(word.value) for word in found)
    return ()


def _names(types: str) -> list[str]:
    return [each for each in re.findall(r"[A-Z]\w+", types) if each != "Unset" and hasattr(models, each)]


def _model(types: str) -> Any:
    return next((getattr(models, each) for each in _names(types)), None)


def _parts(model: Any) -> dict[str, str]:
    """The types of a model's attributes, by their names in JSON."""
    return {_json(a.name): str(a.type) for a in attrs.fields(model) if a.name != "additional_properties"}


def _json(name: str) -> str:
    if name == "or_":
        return "$or"
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)
