"""Tables of the work list. A work item mirrors one open user task of the engine; it holds references and instants only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, literal, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model, partial_index


class ItemState(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


FORMER = "formerElements"  # among a task's properties: the ids that its element had in earlier releases


class WorkItem(Keyed, Model):
    """One user task that waits for a person, or did."""

    __tablename__ = "work_item"
    __table_args__ = (
        UniqueConstraint("instance_key", "task_id"),
        Index("ix_work_item_assignee", "assignee", "state", "due_at"),
        Index("ix_work_item_dossier", "dossier_key", "state"),
        Index("ix_work_item_done", "completed_by", "completed_at"),
        # What is open in an area, in the order of the list; closed tasks are not in it.
        partial_index("ix_work_item_open", "area_key", "due_at", text("priority DESC"), "key", where="state = 'open'"),
    )

    area_key: Mapped[int] = mapped_column(BigInteger)
    instance_key: Mapped[int] = mapped_column(BigInteger)
    task_id: Mapped[int] = mapped_column(BigInteger)
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(200))
    release_key: Mapped[int] = mapped_column(BigInteger)
    form_id: Mapped[str | None] = mapped_column(String(120))
    case_key: Mapped[int | None] = mapped_column(BigInteger)
    meeting_key: Mapped[int | None] = mapped_column(BigInteger)
    dossier_key: Mapped[int | None] = mapped_column(BigInteger)
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    roles: Mapped[list[Any]]
    candidate_users: Mapped[list[Any]]
    assignee: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None]
    follow_up_at: Mapped[datetime | None]
    deadline: Mapped[str | None] = mapped_column(String(80))
    priority: Mapped[int] = mapped_column(default=50)
    properties: Mapped[dict[str, Any]]
    documentation: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default=ItemState.OPEN)
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    taken_by: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[datetime | None]
    completed_by: Mapped[int | None] = mapped_column(BigInteger)
    completed_at: Mapped[datetime | None]

    @classmethod
    def is_open(cls) -> ColumnElement[bool]:
        """That a task is open, written out: an index of open tasks serves no statement whose state is a parameter."""
        return cls.state == literal(ItemState.OPEN.value, literal_execute=True)

    @property
    def basis(self) -> str:
        """The source of the duty: document and section."""
        return str(self.properties.get("basis", ""))

    @property
    def separate_from(self) -> str | None:
        """The element that the same person may not have done."""
        return self.properties.get("separateFrom") or None

    def stood_at(self, element_id: str | None) -> bool:
        """Whether the task is, or was before its case moved to another release, at an element of this id."""
        return element_id == self.element_id or element_id in self.properties.get(FORMER, ())

    def named_key(self, prefix: str) -> int | None:
        """The key in the name of the task's deadline: ``signature-123`` is about attendee 123, ``action-456`` about action 456."""
        return self.named if (self.deadline or "").partition("-")[0] == prefix else None

    @property
    def named(self) -> int | None:
        """The key in the name of the task's deadline, whatever it is of."""
        key = (self.deadline or "").partition("-")[2]
        return int(key) if key.isdigit() else None

    def flag(self, name: str) -> bool:
        """A yes/no property of the task, for instance ``freshAuthentication`` or ``irreversible``."""
        return str(self.properties.get(name, "")).lower() == "true"


BY_NAME = "user:"


def named_candidate(user_key: int) -> str:
    """What stands in the place of a role for an item that is offered to a user by name."""
    return f"{BY_NAME}{user_key}"


class Candidate(Model):
    """One role, or one user by name, that may take an open item. The database keeps these rows by what the item says
    (:mod:`app.work.ddl`); they go when it closes, so that lists cost what is open."""

    __tablename__ = "work_candidate"
    __table_args__ = (Index("ix_work_candidate_role", "area_key", "role", "agency_key", "due_at"),)

    item_key: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("work_item.key"), primary_key=True, autoincrement=False
    )
    role: Mapped[str] = mapped_column(String(60), primary_key=True)
    area_key: Mapped[int] = mapped_column(BigInteger)
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[datetime | None]


class Draft(Keyed, Model):
    """What somebody has typed and not yet sent: sealed under the dossier's key, one per item and person."""

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("item_key", "user_key"),)

    item_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("work_item.key"))
    user_key: Mapped[int] = mapped_column(BigInteger)
    dossier_key: Mapped[int] = mapped_column(BigInteger, index=True)
    saved_at: Mapped[datetime]
    wrapped_key: Mapped[bytes]
    ciphertext: Mapped[bytes]


class Handover(Keyed, Model):
    """Somebody gave a task to somebody else. The reason is sealed with the dossier."""

    __tablename__ = "handover"

    item_key: Mapped[int] = mapped_column(BigInteger, index=True)
    dossier_key: Mapped[int | None] = mapped_column(BigInteger, index=True)
    from_user: Mapped[int | None] = mapped_column(BigInteger)
    to_user: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    reason: Mapped[bytes]
