"""Tables of the audit: entries, which nobody can change or remove, and the seals of the chain that proves it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model, partial_index


class AuditEntry(Keyed, Model):
    """Who saw or did what, when. References and keyed digests only; never content, never free text.

    ``sequence`` and ``link`` are empty until the entry is sealed, and are written once. Everything else is written once, on entry.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        partial_index("ix_audit_entry_unsealed", "wall_at", "key", where="sequence IS NULL"),
        Index("ix_audit_entry_case", "case_key", "wall_at"),
        Index("ix_audit_entry_actor", "actor", "wall_at"),
        Index("ix_audit_entry_wall", "wall_at"),
    )

    business_at: Mapped[datetime]
    wall_at: Mapped[datetime]
    actor: Mapped[int | None] = mapped_column(BigInteger)
    role: Mapped[str | None] = mapped_column(String(200))
    client: Mapped[str | None] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(80))
    case_key: Mapped[int | None] = mapped_column(BigInteger)
    meeting_key: Mapped[int | None] = mapped_column(BigInteger)
    instance_key: Mapped[int | None] = mapped_column(BigInteger)
    subject: Mapped[str | None] = mapped_column(String(160))
    digest: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(40))
    sequence: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    link: Mapped[str | None] = mapped_column(String(64))


class AuditSeal(Model):
    """One sealed batch: entries ``first`` to ``last``, the chain's value before and after them, signed."""

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger, unique=True)
    previous: Mapped[str] = mapped_column(String(64))
    root: Mapped[str] = mapped_column(String(64))
    wall_at: Mapped[datetime]
    signature: Mapped[str] = mapped_column(String(64))
