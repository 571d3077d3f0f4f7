"""Sealing: entries get their place in the chain a few seconds after they were committed, in batches, by whichever worker comes first.

The place is given by the sealing, not by the writing, so two steps never wait for each other's number, and an entry that commits late
simply comes into a later batch. Places have no gaps: a missing one is a removed entry.
"""

from __future__ import annotations

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from app.audit.chain import GENESIS, canonical_time, link_after, signature
from app.audit.heads import write_heads
from app.audit.models import AuditEntry, AuditSeal
from app.audit.state import state
from app.store import faults
from app.store.alone import after_others
from app.store.clock import wall_now
from app.store.database import db, reading, short_write

BATCH = 500


def seal_pending() -> int:
    """Seal everything committed so far and export the new heads; the number of entries sealed. A worker does this every few seconds.

    Takes no lock when there is nothing to seal. When another worker seals at the same moment, this one leaves it to them.
    """
    sealed = 0
    while _anything_unsealed():
        try:
            with short_write():
                count = seal_batch()
                faults.point("seal.before-commit")
            faults.point("seal.after-commit")
        except IntegrityError:
            break
        sealed += count
        if count < BATCH:
            break
    write_heads(state().heads)
    return sealed


def seal_batch(limit: int = BATCH) -> int:
    """Seal one batch within the caller's transaction; the number of entries sealed."""
    after_others("audit")
    entries = (
        db.session.execute(
            select(AuditEntry)
            .where(AuditEntry.sequence.is_(None))
            .order_by(AuditEntry.wall_at, AuditEntry.key)
            .limit(limit)
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )
    if not entries:
        return 0
    last = db.session.execute(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).scalar_one_or_none()
    keys = state().keys
    number, sequence, link = (last.number, last.last, last.root) if last is not None else (0, 0, GENESIS)
    first, previous = sequence + 1, link
    rows = []
    for entry in entries:
        sequence += 1
        link = link_after(keys, link, entry, sequence)
        rows.append({"entry_key": entry.key, "place": sequence, "chained": link})
    table = AuditEntry.__table__
    db.session.connection().execute(
        update(table)  # type: ignore[arg-type]
        .where(table.c.key == bindparam("entry_key"))
        .values(sequence=bindparam("place"), link=bindparam("chained")),
        rows,
    )
    now = wall_now()
    db.session.add(
        AuditSeal(
            number=number + 1,
            first=first,
            last=sequence,
            previous=previous,
            root=link,
            wall_at=now,
            signature=signature(
                keys,
                number=number + 1,
                first=first,
                last=sequence,
                previous=previous,
                root=link,
                wall_at=canonical_time(now),
            ),
        )
    )
    db.session.flush()
    for entry in entries:
        db.session.expire(entry)
    return len(entries)


def seal_lag_seconds() -> float:
    """Age of the oldest entry that is not sealed yet, in seconds of wall time; 0 when all are."""
    oldest = db.session.execute(select(func.min(AuditEntry.wall_at)).where(AuditEntry.sequence.is_(None))).scalar()
    return max(0.0, (wall_now() - oldest).total_seconds()) if oldest else 0.0


def _anything_unsealed() -> bool:
    with reading():
        found = db.session.execute(select(AuditEntry.key).where(AuditEntry.sequence.is_(None)).limit(1)).first()
        db.session.rollback()
    return found is not None
