"""The timeline of a case or meeting: what happened, when, by whom. References only; words are sealed elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.cases.models import TimelineEvent
from app.store.clock import business_now
from app.store.database import db


def note(
    dossier: int,
    kind: str,
    *,
    title: str = "",
    actor: int | None = None,
    agency_key: int | None = None,
    facts: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> TimelineEvent:
    """Add an event. ``title`` is an element's name or a state, never what somebody typed."""
    event = TimelineEvent(
        dossier_key=dossier,
        at=at or business_now(),
        kind=kind,
        title=title[:200],
        actor=actor,
        agency_key=agency_key,
        facts=facts or {},
    )
    db.session.add(event)
    return event


def events(dossier: int) -> list[TimelineEvent]:
    """Everything that has happened, newest first."""
    return list(
        db.session.execute(
            select(TimelineEvent)
            .where(TimelineEvent.dossier_key == dossier)
            .order_by(TimelineEvent.at.desc(), TimelineEvent.key.desc())
        ).scalars()
    )
