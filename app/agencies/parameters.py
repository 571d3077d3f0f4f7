"""The parameter register: typed, effective-dated values that a locality or a law may change (01-marac §3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from app import feel
from app.agencies.errors import WrongParameter
from app.agencies.models import Parameter
from app.store.clock import business_now, wall_now
from app.store.database import db

_KNOWN = "convenor.parameters"
_READERS = {
    "duration": "duration(v)",
    "number": "number(v)",
    "time": "time(v)",
    "date": "date(v)",
    "string": "v",
    "boolean": 'v = "true"',
}
WHOLE = frozenset({"working days", "people", "incidents", "answers"})  # units of which there are no parts


@lru_cache(maxsize=4096)
def read_value(type_: str, text: str) -> Any:
    """The FEEL value of a parameter's text.

    :raises WrongParameter: unknown type, or the text is not of that type.
    """
    expression = _READERS.get(type_)
    if expression is None:
        raise WrongParameter(f"A parameter cannot have the type {type_}.")
    if type_ == "time" and text.count(":") == 1:
        text += ":00"
    value = feel.evaluate(expression, {"v": text})
    if value is None or (type_ == "boolean" and text not in {"true", "false"}):
        raise WrongParameter(f"“{text}” is not a {type_}.")
    return value


def values(area_key: int, at: datetime | None = None) -> Mapping[str, Any]:
    """Every parameter of an area as FEEL sees it (``params.…``) at an instant of business time."""
    at = at or business_now()
    latest = {name: (type_, text) for name, type_, text, since in _rows(area_key) if since <= at}
    return {name: read_value(type_, text) for name, (type_, text) in latest.items()}


def _rows(area_key: int) -> list[tuple[str, str, str, datetime]]:
    """Every value ever set, oldest first; read once per session, because a step asks for parameters many times."""
    known: dict[int, list[tuple[str, str, str, datetime]]] = db.session().info.setdefault(_KNOWN, {})
    if area_key not in known:
        rows = db.session.execute(
            select(Parameter.name, Parameter.type, Parameter.value, Parameter.effective_from)
            .where(Parameter.area_key == area_key)
            .order_by(Parameter.effective_from, Parameter.key)
        )
        known[area_key] = [(name, type_, text, since) for name, type_, text, since in rows]
    return known[area_key]


def read_already(area_key: int, rows: Iterable[Any]) -> None:
    """Every value ever set, read by another statement of this transaction."""
    oldest_first = sorted(rows, key=lambda row: (row.effective_from, row.key))
    known = db.session().info.setdefault(_KNOWN, {})
    known[area_key] = [(row.name, row.type, row.value, row.effective_from) for row in oldest_first]


def current(area_key: int, at: datetime | None = None) -> list[Parameter]:
    """The value in force of every parameter of an area, by name."""
    at = at or business_now()
    rows = db.session.execute(
        select(Parameter)
        .where(Parameter.area_key == area_key, Parameter.effective_from <= at)
        .order_by(Parameter.effective_from, Parameter.key)
    ).scalars()
    return sorted({row.name: row for row in rows}.values(), key=lambda row: row.title or row.name)


def history(area_key: int, name: str) -> list[Parameter]:
    """Every value a parameter had or will have, the latest first.

    :raises WrongParameter: no such parameter.
    """
    rows = db.session.execute(
        select(Parameter)
        .where(Parameter.area_key == area_key, Parameter.name == name)
        .order_by(Parameter.effective_from.desc(), Parameter.key.desc())
    ).scalars()
    found = list(rows)
    if not found:
        raise WrongParameter("There is no such parameter in this area.", resource_id=name)
    return found


def load_defaults(area_key: int, defaults: Iterable[Mapping[str, Any]]) -> None:
    """Enter the defaults that a procedure ships for parameters this area does not have yet."""
    _forget(area_key)
    have = set(db.session.execute(select(Parameter.name).where(Parameter.area_key == area_key)).scalars())
    epoch = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    for entry in defaults:
        if entry["key"] in have:
            continue
        have.add(entry["key"])
        text = str(entry["default"]).lower() if isinstance(entry["default"], bool) else str(entry["default"])
        read_value(entry["type"], text)
        db.session.add(
            Parameter(
                area_key=area_key,
                name=entry["key"],
                type=entry["type"],
                value=text,
                unit=entry.get("unit", "") or "",
                title=entry.get("title", ""),
                source=entry.get("source", ""),
                effective_from=epoch,
                set_at=wall_now(),
                reason="Default shipped with the procedure",
            )
        )


def change(area_key: int, name: str, text: str, *, by: int, effective_from: datetime, reason: str) -> Parameter:
    """Record a new value from an instant on. Deadlines already set do not move (DESIGN rule 4).

    :raises WrongParameter: no such parameter, not of its type, negative, or a part of what is counted in whole ones.
    """
    known = db.session.execute(
        select(Parameter).where(Parameter.area_key == area_key, Parameter.name == name).order_by(Parameter.key).limit(1)
    ).scalar_one_or_none()
    if known is None:
        raise WrongParameter("There is no such parameter in this area.", resource_id=name)
    read_value(known.type, text)
    _sensible(known.type, text, known.unit)
    row = Parameter(
        area_key=area_key,
        name=name,
        type=known.type,
        value=text,
        unit=known.unit,
        title=known.title,
        source=known.source,
        effective_from=effective_from,
        set_by=by,
        set_at=wall_now(),
        reason=reason,
    )
    db.session.add(row)
    _forget(area_key)
    return row


def _sensible(type_: str, text: str, unit: str) -> None:
    """Times and numbers that an area agrees are from nothing up; a deadline computed from less would lie before its event."""
    if type_ in ("number", "duration") and text.lstrip().startswith("-"):
        raise WrongParameter("The value must not be negative.")
    if type_ == "number" and unit in WHOLE and read_value(type_, text) % 1:
        raise WrongParameter(f"The value must be a whole number of {unit}.")


def _forget(area_key: int) -> None:
    db.session().info.get(_KNOWN, {}).pop(area_key, None)
