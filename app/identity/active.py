"""The sessions that are open: whose, since when; and ending them before their time. Within the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.identity.models import WebSession
from app.identity.state import identity
from app.store.clock import wall_now
from app.store.database import db


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One browser in which a person is signed in (wall time)."""

    key: int
    since: datetime
    last_seen: datetime


def open_sessions(user_key: int) -> list[OpenSession]:
    """A person's open sessions, the one used last first."""
    now = wall_now()
    idle = timedelta(minutes=identity().settings.session_idle_minutes)
    rows = db.session.execute(
        select(WebSession.key, WebSession.created_at, WebSession.last_seen_at)
        .where(WebSession.user_key == user_key, WebSession.expires_at > now, WebSession.last_seen_at > now - idle)
        .order_by(WebSession.last_seen_at.desc(), WebSession.key)
    )
    return [OpenSession(row.key, row.created_at, row.last_seen_at) for row in rows]


def end_sessions(user_keys: Collection[int], *, except_key: int | None = None) -> int:
    """End the sessions of people; how many.

    :param except_key: the session to leave open.
    """
    query = delete(WebSession).where(WebSession.user_key.in_(user_keys))
    if except_key is not None:
        query = query.where(WebSession.key != except_key)
    return int(db.session.execute(query).rowcount)  # type: ignore[attr-defined]
