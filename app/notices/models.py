"""The table of notices: who is told what, where the link leads, and whether the mail went out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model


class NoticeState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    LEFT = "left"  # it failed, and somebody answers for its never going out


class Failure(StrEnum):
    """Why a notice failed for good."""

    NO_ADDRESS = "no-address"
    REFUSED = "refused"
    GAVE_UP = "gave-up"


class Notice(Keyed, Model):
    """One e-mail to one person. It holds references and dates; never a name, an address or a detail of a case.

    The recipient is a user (``recipient_key``) or, for people without an account, a reference that the directory resolves
    (``recipient_ref``). ``sent_at`` and ``created_at`` are wall time.
    """

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("recipient_key IS NOT NULL OR recipient_ref IS NOT NULL", name="has_recipient"),
        Index("ix_notice_state", "state"),
        Index("ix_notice_reference", "reference"),
    )

    area_key: Mapped[int] = mapped_column(BigInteger)
    recipient_key: Mapped[int | None] = mapped_column(BigInteger)
    recipient_ref: Mapped[str | None] = mapped_column(String(120))
    template: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]]
    path: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(12), default=NoticeState.QUEUED)
    failure: Mapped[str | None] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    dedupe_key: Mapped[str | None] = mapped_column(String(240), unique=True)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
