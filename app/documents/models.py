"""The table of documents: what was made, for whom, which version, and the sealed PDF itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model

MARKING = "OFFICIAL-SENSITIVE"
PUT_AWAY = "putAway"


class DocumentStatus(StrEnum):
    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"
    DESTROYED = "destroyed"


class Kind(StrEnum):
    """The kinds of document that the MARAC procedure makes (01-marac §9, 05-supporting P6). Other procedures add their own."""

    AGENDA = "agenda"
    ATTENDANCE = "attendance-sheet"
    MINUTES = "minutes"
    MINUTES_EXTRACT = "minutes-extract"
    ACTION_PLAN = "action-plan"
    ISWC_FORM = "iswc-form"


class Document(Keyed, Model):
    """One version of one document. The row holds references only; what the document says is in ``ciphertext``.

    A document that should be destroyed and tells of a case under a legal hold is *put away*: it stays as it is, for nobody who had it.

    ``series`` names the chain of versions that the document belongs to: same kind, same case or meeting, same copy holder, same
    recipient, same thing it is about. ``created_at`` is business time and is printed on the document. The sealed bytes are loaded
    only when they are asked for, so that a list of documents stays small.
    """

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("series", "version"),
        CheckConstraint("case_key IS NOT NULL OR meeting_key IS NOT NULL", name="has_owner"),
        Index("ix_document_case", "case_key"),
        Index("ix_document_meeting", "meeting_key"),
    )

    area_key: Mapped[int] = mapped_column(BigInteger)
    case_key: Mapped[int | None] = mapped_column(BigInteger)
    meeting_key: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    copy_holder_agency: Mapped[int | None] = mapped_column(BigInteger)
    for_agency: Mapped[int | None] = mapped_column(BigInteger)
    about_key: Mapped[int | None] = mapped_column(BigInteger)
    series: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]
    marking: Mapped[str] = mapped_column(String(40), default=MARKING)
    status: Mapped[str] = mapped_column(String(12), default=DocumentStatus.QUEUED)
    params: Mapped[dict[str, Any]]
    wrapped_key: Mapped[bytes | None] = mapped_column(deferred=True, deferred_group="sealed")
    ciphertext: Mapped[bytes | None] = mapped_column(deferred=True, deferred_group="sealed")
    size: Mapped[int | None]
    sha: Mapped[str | None] = mapped_column(String(64))
    pages: Mapped[int | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(BigInteger)
    made_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def label(self) -> str:
        """What the sealed bytes are bound to: they open in this row only."""
        return f"document:{self.key}"

    @property
    def put_away_for(self) -> frozenset[int]:
        """The keys of the cases that it tells of, when only a legal hold keeps it; else none."""
        return frozenset(self.params.get(PUT_AWAY) or ())
