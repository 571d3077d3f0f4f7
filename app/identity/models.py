"""Tables: people, the roles given to them, and server-side sessions. All times are wall time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model


class User(Keyed, Model):
    """A person who may sign in. Never a victim or a perpetrator: they are data subjects, not users."""

    __tablename__ = "user_account"

    subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    username: Mapped[str] = mapped_column(String(120), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    agency_key: Mapped[int | None] = mapped_column(BigInteger, index=True)
    area_key: Mapped[int | None] = mapped_column(BigInteger, index=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]


class RoleGrant(Keyed, Model):
    """A role given to a person, for an agency or (agency None) for the area or the system, from one instant to another."""

    __tablename__ = "role_grant"
    __table_args__ = (Index("ix_role_grant_role", "role", "agency_key"),)

    user_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_account.key"), index=True)
    role: Mapped[str] = mapped_column(String(60))
    agency_key: Mapped[int | None] = mapped_column(BigInteger)
    area_key: Mapped[int | None] = mapped_column(BigInteger)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    granted_by: Mapped[int | None] = mapped_column(BigInteger)


class WebSession(Keyed, Model):
    """A browser's session. The browser holds a random 256-bit id; the table holds its SHA-256.

    ``sealed`` is what the session remembers, encrypted under a key derived from the id, which the database does not hold.
    """

    __tablename__ = "web_session"

    id_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_key: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user_account.key"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    auth_time: Mapped[datetime | None]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
