"""Reading the audit: who saw and did what. References only, as the entries hold nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.audit.models import AuditEntry
from app.store.database import db


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; whatever is None is not asked.

    :param action: the action, or its beginning up to a dot: ``view`` finds every look.
    :param since, until: wall time; until is not included.
    """

    actor: int | None = None
    case_key: int | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One page of entries, newest first."""

    entries: list[AuditEntry]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


def search(query: Query, *, page: int = 1, size: int = 50) -> EntryPage:
    """Entries that match, newest first."""
    found = select(AuditEntry)
    if query.actor is not None:
        found = found.where(AuditEntry.actor == query.actor)
    if query.case_key is not None:
        found = found.where(AuditEntry.case_key == query.case_key)
    if query.action:
        found = found.where(AuditEntry.action.startswith(query.action, autoescape=True))
    if query.since is not None:
        found = found.where(AuditEntry.wall_at >= query.since)
    if query.until is not None:
        found = found.where(AuditEntry.wall_at < query.until)
    total = db.session.execute(select(func.count()).select_from(found.subquery())).scalar() or 0
    page = max(1, min(page, max(1, -(-total // size))))
    ordered = found.order_by(AuditEntry.wall_at.desc(), AuditEntry.key.desc())
    entries = db.session.execute(ordered.limit(size).offset((page - 1) * size)).scalars()
    return EntryPage(list(entries), total, page, size)
