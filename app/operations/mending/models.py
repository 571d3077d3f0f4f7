"""Tables of mending: one act, and each incident it is for. Reasons and values are sealed with the case they concern."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model


class Act(StrEnum):
    """What is done about an incident."""

    RETRY = "retry"
    CORRECT = "correct"
    SKIP = "skip"
    MOVE = "move"


NEEDS_APPROVAL = frozenset({Act.CORRECT, Act.SKIP, Act.MOVE})


class MendingState(StrEnum):
    """How an act stands. SUSPENDED: whoever answers for it may not do it any more, and somebody else must take it over."""

    PROPOSED = "proposed"
    RUNNING = "running"
    SUSPENDED = "suspended"
    DONE = "done"
    REFUSED = "refused"
    STALE = "stale"


class ItemState(StrEnum):
    """How an act ended for one incident. STOPPED: it was done, and the procedure stopped again."""

    WAITING = "waiting"
    DONE = "done"
    STOPPED = "stopped"
    STALE = "stale"
    REFUSED = "refused"


class Mending(Keyed, Model):
    """One act upon one incident, or upon many of the same cause.

    :ivar decided_by: who approved or refused it, or has taken it over; None while it waits, and for a retry, which needs nobody.
    """

    __tablename__ = "mending"
    __table_args__ = (Index("ix_mending_state", "state", "proposed_at"),)

    area_key: Mapped[int | None] = mapped_column(BigInteger)
    act: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12))
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    variable: Mapped[str | None] = mapped_column(String(120))
    target: Mapped[str | None] = mapped_column(String(120))
    proposed_by: Mapped[int | None] = mapped_column(BigInteger)
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    total: Mapped[int]


class MendingItem(Model):
    """One incident of an act.

    :ivar revision: the instance's when it was proposed; an act on another revision is refused.
    :ivar told: the reason and the value, sealed under the dossier's key; plain JSON where there is no dossier.
    :ivar message: why it was not done; never personal data.
    """

    __tablename__ = "mending_item"
    __table_args__ = (
        Index("ix_mending_item_incident", "incident_key"),
        Index("ix_mending_item_state", "mending_key", "state"),
    )

    mending_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("mending.key"), primary_key=True, autoincrement=False
    )
    incident_key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    instance_key: Mapped[int | None] = mapped_column(BigInteger)
    dossier_key: Mapped[int | None] = mapped_column(BigInteger)
    revision: Mapped[int | None]
    told: Mapped[bytes]
    state: Mapped[str] = mapped_column(String(12))
    message: Mapped[str | None] = mapped_column(String(400))
    done_at: Mapped[datetime | None]
