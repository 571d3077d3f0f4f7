"""Tables of meetings. Venue and the names of people without an account are sealed under the meeting's own key."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.store.database import Keyed, Model


class MeetingState(StrEnum):
    PLANNED = "planned"
    AGENDA_ISSUED = "agendaIssued"
    IN_SESSION = "inSession"
    CLOSED = "closed"
    MINUTES_ISSUED = "minutesIssued"
    CANCELLED = "cancelled"


class AgendaStatus(StrEnum):
    LISTED = "listed"
    CIRCULATED = "circulated"
    IN_DISCUSSION = "inDiscussion"
    HEARD = "heard"
    ADJOURNED = "adjourned"
    WITHDRAWN = "withdrawn"


class AttendeeRole(StrEnum):
    """F-M6 role."""

    CORE = "core"
    NON_CORE = "nonCore"
    GUEST = "guest"
    OBSERVER = "observer"


class Ruling(StrEnum):
    """F-M6 chairDecision (London DSA App E)."""

    CONTINUE = "continue"
    RESTRICTED = "continueRestricted"
    EXCLUDED = "excluded"


class Meeting(Model):
    """One conference. Shares its key with its dossier.

    :param presiding_key: the deputy who presides in the Chair's place; None while the Chair does.
    """

    __tablename__ = "meeting"
    __table_args__ = (Index("ix_meeting_area", "area_key", "starts_at"), UniqueConstraint("area_key", "reference"))

    key: Mapped[int] = mapped_column(BigInteger, ForeignKey("dossier.key"), primary_key=True, autoincrement=False)
    area_key: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12), default="scheduled")
    mode: Mapped[str] = mapped_column(String(12), default="inPerson")
    state: Mapped[str] = mapped_column(String(16), default=MeetingState.PLANNED)
    starts_at: Mapped[datetime | None]
    venue: Mapped[bytes | None]
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    statement_version: Mapped[str | None] = mapped_column(String(20))
    statement_read_at: Mapped[datetime | None]
    statement_read_by: Mapped[int | None] = mapped_column(BigInteger)
    closed_at: Mapped[datetime | None]
    presiding_key: Mapped[int | None] = mapped_column(BigInteger)
    presiding_by: Mapped[int | None] = mapped_column(BigInteger)
    presiding_at: Mapped[datetime | None]
    presiding_reason: Mapped[bytes | None]
    cancelled_by: Mapped[int | None] = mapped_column(BigInteger)
    cancelled_at: Mapped[datetime | None]
    cancelled_reason: Mapped[bytes | None]


class MeetingMove(Keyed, Model):
    """A decision to move a meeting: by whom, when, why (sealed)."""

    __tablename__ = "meeting_move"

    meeting_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("meeting.key"), index=True)
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime]
    by: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    reason: Mapped[bytes]


class AgendaItem(Keyed, Model):
    """One case on one meeting's agenda, in order. A case may be heard at several meetings."""

    __tablename__ = "agenda_item"
    __table_args__ = (UniqueConstraint("meeting_key", "case_key"),)

    meeting_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("meeting.key"))
    case_key: Mapped[int] = mapped_column(BigInteger, index=True)
    position: Mapped[int]
    status: Mapped[str] = mapped_column(String(14), default=AgendaStatus.LISTED)
    added_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Attendee(Keyed, Model):
    """Somebody expected or present at a meeting (F-M6). A person without an account has a sealed name instead of a user."""

    __tablename__ = "attendee"
    __table_args__ = (Index("ix_attendee_meeting", "meeting_key"), Index("ix_attendee_user", "user_key"))

    meeting_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("meeting.key"))
    user_key: Mapped[int | None] = mapped_column(BigInteger)
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    sealed: Mapped[bytes]
    role: Mapped[str] = mapped_column(String(10), default=AttendeeRole.CORE)
    non_core_type: Mapped[str | None] = mapped_column(String(10))
    chair_approved: Mapped[bool | None]
    mode: Mapped[str] = mapped_column(String(10), default="inPerson")
    can_comply: Mapped[bool | None]
    sealed_reason: Mapped[bytes | None]
    ruling: Mapped[str | None] = mapped_column(String(20))
    ruled_by: Mapped[int | None] = mapped_column(BigInteger)
    virtual_privacy: Mapped[bool | None]
    signed_at: Mapped[datetime | None]
    signed_via: Mapped[str | None] = mapped_column(String(10))
    witnessed_by: Mapped[int | None] = mapped_column(BigInteger)
    statement_version: Mapped[str | None] = mapped_column(String(20))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    apologies: Mapped[bool] = mapped_column(default=False)


class AttendeeCase(Keyed, Model):
    """A case that a non-core or guest attendee is invited for, and whether they are in the room for it now."""

    __tablename__ = "attendee_case"
    __table_args__ = (UniqueConstraint("attendee_key", "case_key"),)

    attendee_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("attendee.key"))
    case_key: Mapped[int] = mapped_column(BigInteger, index=True)
    admitted_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    attendee: Mapped[Attendee] = relationship(lazy="raise")  # only so that both are written in the right order


class SignLink(Keyed, Model):
    """A one-time link to sign the attendance sheet. It gives no access to a case. Only a digest of its secret is kept."""

    __tablename__ = "sign_link"

    attendee_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("attendee.key"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_address: Mapped[bytes | None]
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
