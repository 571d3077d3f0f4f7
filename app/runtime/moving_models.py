"""Tables of moves: what was asked for, and how each instance stands, with what it takes to go back."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model, db


class ItemState(StrEnum):
    """How one instance of a move stands.

    WAITING, then MOVED or FAILED; asked to go back UNDOING, then UNDONE, or MOVED again when it cannot. STOPPED: it waits, but
    whoever asked for the move may not do so any more.
    """

    WAITING = "waiting"
    MOVED = "moved"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    STOPPED = "stopped"


class Moving(Keyed, Model):
    """One move: of how many instances of a process ever, to one version of it.

    :ivar source_key: the version that they run on; None for several.
    :ivar mapping: element ids, old to new (``process/element`` for called processes).
    :ivar recompute: the deadlines and timers that are computed again because a person says so.
    """

    __tablename__ = "moving"
    __table_args__ = (Index("ix_moving_area", "area_key", "requested_at"),)

    area_key: Mapped[int] = mapped_column(BigInteger)
    process_id: Mapped[str] = mapped_column(String(120))
    source_key: Mapped[int | None] = mapped_column(BigInteger)
    target_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("process_definition.key"))
    mapping: Mapped[dict[str, Any]]
    recompute: Mapped[list[Any]]
    requested_by: Mapped[int | None] = mapped_column(BigInteger)
    requested_at: Mapped[datetime]
    undo_by: Mapped[int | None] = mapped_column(BigInteger)
    undo_at: Mapped[datetime | None]


class MovedInstance(Model):
    """One instance of a move.

    :ivar why: why it could not move, or could not go back. No personal data.
    :ivar revision: the instance's when it had moved; None once it cannot go back.
    :ivar before_state: the engine's state before the move. It shares the case's destruction.
    :ivar before: what mirrored it in other tables.
    :ivar reason: why deadlines are computed again, sealed with the case.
    """

    __tablename__ = "moved_instance"
    __table_args__ = (
        Index("ix_moved_instance_state", "moving_key", "state"),
        Index("ix_moved_instance_instance", "instance_key"),
    )

    moving_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("moving.key"), primary_key=True, autoincrement=False)
    instance_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("instance.key"), primary_key=True, autoincrement=False
    )
    state: Mapped[str] = mapped_column(String(8), default=ItemState.WAITING)
    why: Mapped[str] = mapped_column(Text, default="")
    source_key: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime | None]
    revision: Mapped[int | None]
    before_state: Mapped[bytes | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[bytes | None]

    @property
    def can_go_back(self) -> bool:
        return self.state == ItemState.MOVED and self.revision is not None


def forget(instance_keys: list[int]) -> None:
    """A case is destroyed: what its instances were before a move goes with it."""
    if instance_keys:
        db.session.execute(
            update(MovedInstance)
            .where(MovedInstance.instance_key.in_(instance_keys))
            .values(before_state=None, before=None, reason=None, revision=None)
        )
