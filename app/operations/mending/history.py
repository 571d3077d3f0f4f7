"""What has been proposed, approved and done about an incident, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, exists, func, or_, select

from app.cases.dossiers import seal_for, unseal_for
from app.cases.involvement import cases_in_conflict
from app.errors import ConvenorError
from app.identity.person import Person
from app.operations.mending.models import Mending, MendingItem, MendingState
from app.store.database import db

DESTROYED = "Destroyed with its case."
PROPOSALS = 200


@dataclass(frozen=True, slots=True)
class Told:
    """The reason somebody gave, and the value they want a variable to have.

    :ivar readable: False once the case has been destroyed.
    """

    reason: str
    value: Any = None
    readable: bool = True


def seal(item_label: str, dossier: int | None, told: Told) -> bytes:
    """The words of an item for its row."""
    words = {"reason": told.reason, "value": told.value}
    return orjson.dumps(words) if dossier is None else seal_for(dossier, words, item_label)


def label(mending_key: int, incident_key: int) -> str:
    return f"mending:{mending_key}:{incident_key}"


def told_of(item: MendingItem) -> Told:
    """The words of an item; said to be destroyed once the case is."""
    try:
        words: Any = (
            orjson.loads(item.told)
            if item.dossier_key is None
            else unseal_for(item.dossier_key, item.told, label(item.mending_key, item.incident_key))
        )
    except ConvenorError:
        return Told(DESTROYED, readable=False)
    return Told(str(words.get("reason") or ""), words.get("value"))


def history(incident_key: int, limit: int = 100) -> list[tuple[Mending, MendingItem]]:
    """Every act upon an incident, newest first."""
    query = (
        select(Mending, MendingItem)
        .join(MendingItem, MendingItem.mending_key == Mending.key)
        .where(MendingItem.incident_key == incident_key)
        .order_by(Mending.key.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]


def open_proposals(person: Person, limit: int = PROPOSALS, *, after: int = 0) -> list[Mending]:
    """What waits for a process owner, is being done or was suspended in the person's area or in none (any, for somebody of the system),
    oldest first; nothing about a case that they have a conflict of interest in.

    :param after: only what was proposed after the act of this key.
    """
    return list(
        db.session.execute(_open(person).where(Mending.key > after).order_by(Mending.key).limit(limit)).scalars()
    )


def open_count(person: Person) -> int:
    """How many those are."""
    return db.session.execute(select(func.count()).select_from(_open(person).subquery())).scalar_one()


def _open(person: Person) -> Select[Mending]:
    query = select(Mending).where(
        Mending.state.in_((MendingState.PROPOSED, MendingState.RUNNING, MendingState.SUSPENDED)), ~barred(person)
    )
    if person.area_key is not None:
        query = query.where(or_(Mending.area_key == person.area_key, Mending.area_key.is_(None)))
    return query


def barred(person: Person) -> ColumnElement[bool]:
    """An act that is about a case which the person has a conflict of interest in."""
    return exists().where(
        MendingItem.mending_key == Mending.key, MendingItem.dossier_key.in_(cases_in_conflict(person))
    )
