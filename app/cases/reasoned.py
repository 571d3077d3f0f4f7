"""Decisions on a case that are kept on its timeline, each with a reason that is sealed with the case; none once the case is destroyed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from app.cases.dossiers import seal_for, unseal_for
from app.cases.models import TimelineEvent
from app.cases.timeline import note
from app.store.database import db, new_key


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A decision.

    :param kind: what was decided, as the timeline says it.
    :param by: the user's key.
    """

    kind: str
    at: datetime
    by: int
    reason: str


def decide(case_key: int, kind: str, *, reason: str, by: int) -> None:
    """Keep a decision."""
    key = new_key()
    sealed = seal_for(case_key, reason, _place(key))
    event = note(case_key, kind, actor=by, facts={"reason": base64.b64encode(sealed).decode()})
    event.key = key
    db.session.flush()


def decided(case_key: int, *kinds: str) -> list[Reasoned]:
    """The decisions of these kinds, newest first."""
    return [_told(event) for event in db.session.execute(_of(case_key, kinds)).scalars()]


def latest(case_key: int, *kinds: str) -> str | None:
    """The kind of the newest of them; its reason stays sealed."""
    event = db.session.execute(_of(case_key, kinds).limit(1)).scalar()
    return event.kind if event is not None else None


def _of(case_key: int, kinds: tuple[str, ...]) -> Select[TimelineEvent]:
    return (
        select(TimelineEvent)
        .where(TimelineEvent.dossier_key == case_key, TimelineEvent.kind.in_(kinds))
        .order_by(TimelineEvent.at.desc(), TimelineEvent.key.desc())
    )


def _told(event: TimelineEvent) -> Reasoned:
    sealed = base64.b64decode(event.facts["reason"])
    reason = str(unseal_for(event.dossier_key, sealed, _place(event.key)))
    return Reasoned(event.kind, event.at, event.actor or 0, reason)


def _place(key: int) -> str:
    """Where a reason stands, which it is sealed to. Holds were the first to be kept so, and cannot be sealed anew."""
    return f"hold:{key}"
