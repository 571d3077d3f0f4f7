"""Reading the audit: who saw and did what. References only, as the entries hold nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from app.audit.models import AuditEntry
from app.identity.models import RoleGrant, User
from app.store.database import db


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; whatever is None is not asked.

    :param area_key: whose entries; None: those of every area.
    :param case_keys: of one of these cases.
    :param action: the action, or its beginning up to a dot: ``view`` finds every look.
    :param since, until: wall time; until is not included.
    """

    area_key: int | None = None
    actor: int | None = None
    case_keys: Sequence[int] | None = None
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
    if query.area_key is not None and _has_neighbours(query.area_key):
        found = found.where(*_not_of_others(query.area_key))
    if query.actor is not None:
        found = found.where(AuditEntry.actor == query.actor)
    if query.case_keys is not None:
        found = found.where(AuditEntry.case_key.in_(query.case_keys))
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


# What an entry is about, and where that has its area.
_ABOUT = ((AuditEntry.case_key, "case"), (AuditEntry.meeting_key, "meeting"), (AuditEntry.instance_key, "instance"))


def _has_neighbours(area_key: int) -> bool:
    area = db.metadata.tables["area"]
    return db.session.execute(select(area.c.key).where(area.c.key != area_key).limit(1)).first() is not None


def _not_of_others(area_key: int) -> list[ColumnElement[bool]]:
    """Entries about nothing of another area: no case, meeting or procedure of it, and where they are about none of these nothing that its
    people did, but for what somebody was refused."""
    found: list[ColumnElement[bool]] = []
    for column, name in _ABOUT:
        table = db.metadata.tables[name]
        found.append(or_(column.is_(None), column.not_in(select(table.c.key).where(table.c.area_key != area_key))))
    were_here = select(RoleGrant.user_key).where(RoleGrant.area_key == area_key)
    others = select(User.key).where(User.area_key != area_key, User.key.not_in(were_here))
    of_nothing = and_(*(column.is_(None) for column, _ in _ABOUT))
    theirs = and_(of_nothing, AuditEntry.actor.in_(others), ~AuditEntry.action.startswith("refusal."))
    found.append(or_(AuditEntry.actor.is_(None), ~theirs))
    return found


def client_of(actor: int, action: str, subject: str) -> str | None:
    """The OAuth client by which somebody did something, the last time; None for a person at a browser."""
    query = select(AuditEntry.client).where(
        AuditEntry.actor == actor, AuditEntry.action == action, AuditEntry.subject == subject
    )
    return db.session.execute(query.order_by(AuditEntry.wall_at.desc()).limit(1)).scalar()
