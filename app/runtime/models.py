"""Tables of the engine room: releases, instances, and what must be found without opening an instance."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model, partial_index
from app.store.keys import DIVISOR


class InstanceStatus(StrEnum):
    """The words of the Camunda 8 API: a cancelled instance is TERMINATED."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"


class IncidentState(StrEnum):
    ACTIVE = "ACTIVE"
    RESOLVED = "RESOLVED"


class FileKind(StrEnum):
    BPMN = "bpmn"
    DMN = "dmn"
    FORM = "form"


class StartKind(StrEnum):
    MESSAGE = "message"
    SIGNAL = "signal"
    TIMER = "timer"


class Release(Keyed, Model):
    """Diagrams, decisions and forms published together. Never changed.

    :ivar one_per_key: a message with a key that its instances send waits while an instance is active that such a message started. None
        of releases that were published before this was so: what theirs send starts at once, as it was drawn to.
    """

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("area_key", "number"), Index("ix_release_digest", "area_key", "digest"))

    area_key: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    allow_undeclared: Mapped[bool] = mapped_column(default=False)
    one_per_key: Mapped[bool | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(BigInteger)


class ReleaseFile(Keyed, Model):
    """One file of a release, compressed.

    :ivar ids: the ids it defines: process ids, decision ids or the form id.
    """

    __tablename__ = "release_file"
    __table_args__ = (UniqueConstraint("release_key", "name"),)

    release_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("release.key"))
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(8))
    ids: Mapped[list[Any]]
    content: Mapped[bytes]


class ProcessDefinition(Keyed, Model):
    """One version of a process in an area."""

    __tablename__ = "process_definition"
    __table_args__ = (UniqueConstraint("area_key", "process_id", "version"),)

    area_key: Mapped[int] = mapped_column(BigInteger)
    process_id: Mapped[str] = mapped_column(String(120))
    version: Mapped[int]
    release_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("release.key"), index=True)
    name: Mapped[str | None] = mapped_column(String(200))
    properties: Mapped[dict[str, Any]]
    resource: Mapped[str] = mapped_column(String(200))


# At most one instance of a process that a message of a key started is active in an area, on whatever version.
_ONE_PER_KEY = "status = 'ACTIVE' AND correlation_key IS NOT NULL"


class Instance(Keyed, Model):
    """One running or ended process.

    :ivar state: the engine's rows, compressed; empty once the instance has been forgotten.
    :ivar revision: goes up with every step; a step on an older one is refused.
    :ivar next_due: the earliest timer, business time.
    :ivar correlation_key: of the message that started it, while it is active; None when it had none, or nothing of the kind started it.
    """

    __tablename__ = "instance"
    __table_args__ = (
        Index("ix_instance_definition", "definition_key", "status"),
        Index("ix_instance_area", "area_key", "status", "started_at"),
        Index("ix_instance_case", "case_key"),
        Index("ix_instance_meeting", "meeting_key"),
        Index("ix_instance_incident", "has_incident", "area_key"),
        Index("ix_instance_left", text(f"(key % {DIVISOR})")),  # who has the element of a key: see app.store.keys
        partial_index(
            "ix_instance_one_per_key", "area_key", "process_id", "correlation_key", where=_ONE_PER_KEY, unique=True
        ),
    )

    definition_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("process_definition.key"))
    release_key: Mapped[int] = mapped_column(BigInteger)
    process_id: Mapped[str] = mapped_column(String(120))
    area_key: Mapped[int] = mapped_column(BigInteger)
    case_key: Mapped[int | None] = mapped_column(BigInteger)
    meeting_key: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[bytes]
    revision: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(12), default=InstanceStatus.ACTIVE)
    has_incident: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime]
    started_by: Mapped[int | None] = mapped_column(BigInteger)
    ended_at: Mapped[datetime | None]
    next_due: Mapped[datetime | None]
    correlation_key: Mapped[str | None] = mapped_column(String(240))

    __mapper_args__ = {"version_id_col": revision}


class Subscription(Model):
    """A task that waits for a message."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_waiting", "message", "correlation_key", "area_key"),)

    instance_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("instance.key"), primary_key=True)
    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    area_key: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(8), default=StartKind.MESSAGE)
    message: Mapped[str] = mapped_column(String(200))
    correlation_key: Mapped[str] = mapped_column(String(240))
    process_id: Mapped[str] = mapped_column(String(120))
    opened_at: Mapped[datetime]


class StartSubscription(Keyed, Model):
    """A start event of the latest version of a process that a message, signal or timer begins.

    :ivar name: of the message or signal; for a timer its shape: date, duration or cycle.
    """

    __tablename__ = "start_subscription"
    __table_args__ = (Index("ix_start_subscription_name", "area_key", "kind", "name"),)

    area_key: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(200))
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    definition_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("process_definition.key"))


_HELD = "held_for IS NOT NULL"


class BufferedMessage(Keyed, Model):
    """A message kept for its time to live: for somebody who does not wait yet, and to know its id again.

    :ivar taken_by: the process ids that have had it; each gets it once.
    :ivar held_for: the process ids that it starts when their active instance of its key has ended; None when it waits for no such end.
    :ivar patient: whoever sent it said nothing of a time to live: it waits for such an end for as long as that takes.
    :ivar late_for: its time to live is over, and only these instances may still have it: by the instance's key how each stands
        (:mod:`app.runtime.lapsing`). None while its time lasts.
    """

    __tablename__ = "buffered_message"
    __table_args__ = (
        Index("ix_buffered_message_name", "area_key", "name", "correlation_key"),
        partial_index("ix_buffered_message_held", "area_key", "correlation_key", where=_HELD),
        UniqueConstraint("area_key", "name", "correlation_key", "message_id"),
    )

    area_key: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(200))
    correlation_key: Mapped[str] = mapped_column(String(240))
    message_id: Mapped[str | None] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]]
    case_key: Mapped[int | None] = mapped_column(BigInteger)
    meeting_key: Mapped[int | None] = mapped_column(BigInteger)
    taken_by: Mapped[list[Any]]
    published_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    held_for: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    patient: Mapped[bool | None]
    late_for: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Incident(Keyed, Model):
    """Something in an instance that a person must mend.

    :ivar kind: EXPRESSION, CONDITION, TIMER, VARIABLE, OPERATION, DECISION, ERROR, CALL, LOOP, ASSIGNMENT, CORRELATION;
        of what fails outside a step ROLE, FORM, NOTICE, DOCUMENT, JOB, MESSAGE.
    :ivar instance_key: None for what belongs to no instance; so may be ``area_key``.
    :ivar subject_key: what has failed outside a step: a notice, a document, a job; the message that was not taken.
    """

    __tablename__ = "incident"
    __table_args__ = (
        Index("ix_incident_state", "state", "created_at"),
        Index("ix_incident_instance", "instance_key", "state"),
        Index("ix_incident_subject", "subject_key"),
    )

    instance_key: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("instance.key"))
    area_key: Mapped[int | None] = mapped_column(BigInteger)
    process_id: Mapped[str] = mapped_column(String(120))
    element_id: Mapped[str] = mapped_column(String(120))
    task_id: Mapped[int] = mapped_column(BigInteger)
    subject_key: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10), default=IncidentState.ACTIVE)
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[int | None] = mapped_column(BigInteger)


class TimerRow(Model):
    """An armed timer, or a due date, of an instance: what is due when, and which deadline moves it.

    :ivar event_id: the event's element id; ``due:<element>`` for a user task's due date.
    :ivar deadline: the deadline's name it is bound to, or an empty string.
    """

    __tablename__ = "timer"
    __table_args__ = (Index("ix_timer_deadline", "deadline"),)

    instance_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("instance.key"), primary_key=True)
    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(140), primary_key=True)
    deadline: Mapped[str] = mapped_column(String(80), primary_key=True, default="")
    due_at: Mapped[datetime | None]
