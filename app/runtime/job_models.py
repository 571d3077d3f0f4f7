"""The table of work that waits for a worker outside."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model, partial_index


class OutsideJobState(StrEnum):
    """The words of the Camunda 8 API.

    FAILED with retries left is taken again after its back-off; without, an incident waits for somebody to mend it.
    """

    CREATED = "CREATED"
    FAILED = "FAILED"
    ERROR_THROWN = "ERROR_THROWN"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


OPEN = (OutsideJobState.CREATED, OutsideJobState.FAILED, OutsideJobState.ERROR_THROWN)


class OutsideJob(Keyed, Model):
    """A service task that somebody outside does.

    :ivar type: what a worker asks for: the task definition's type.
    :ivar process_id: the process it is drawn in: the called process, inside a call activity.
    :ivar lease: how often it has been handed out; a worker that holds an older one is told that it was too late.
    :ivar deadline: until when the worker holds it, wall time; afterwards anybody may have it.
    :ivar available_at: not handed out before this, wall time (back-off).
    :ivar error_message: what a worker said; only of instances about no case and no meeting.
    """

    __tablename__ = "outside_job"
    __table_args__ = (
        Index("ix_outside_job_waiting", "area_key", "state", "type"),
        Index("ix_outside_job_instance", "instance_key", "task_id"),
        # What has not ended, for the metrics: far less than what is kept of what has.
        partial_index("ix_outside_job_open", "type", where="ended_at IS NULL"),
    )

    area_key: Mapped[int] = mapped_column(BigInteger)
    instance_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("instance.key"))
    task_id: Mapped[int] = mapped_column(BigInteger)
    definition_key: Mapped[int] = mapped_column(BigInteger)
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    type: Mapped[str] = mapped_column(String(200))
    headers: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(12), default=OutsideJobState.CREATED)
    retries: Mapped[int] = mapped_column(default=3)
    priority: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    lease: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    worker: Mapped[str] = mapped_column(String(120), default="", server_default="")
    deadline: Mapped[datetime | None]
    available_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(120))
    error_message: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
