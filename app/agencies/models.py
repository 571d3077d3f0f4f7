"""Tables of agencies. Contact addresses are business addresses of professionals, never of victims."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Keyed, Model


class Tier(StrEnum):
    """How an agency takes part (London DSA 1.2)."""

    CORE = "core"
    NON_CORE = "nonCore"
    GUEST = "guest"


class ContactRole(StrEnum):
    """F-S8 (P9): what an approved contact is for."""

    SPOC = "SPOC"
    DEPUTY = "deputy"
    SENIOR_MANAGER = "seniorManager"
    DESIGNATED_OFFICER = "DO"
    PRIMARY_DESIGNATED_OFFICER = "PDO"
    DPO = "DPO"
    CALDICOTT = "Caldicott"


class Area(Keyed, Model):
    """A place with its own MARAC: its parameters, agencies and releases."""

    __tablename__ = "area"

    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    demo: Mapped[bool] = mapped_column(default=False)
    second_person: Mapped[bool] = mapped_column(default=True)


class Agency(Keyed, Model):
    """An organisation in an area."""

    __tablename__ = "agency"
    __table_args__ = (UniqueConstraint("area_key", "slug"),)

    area_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("area.key"))
    slug: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(160))
    kind: Mapped[str] = mapped_column(String(40))
    tier: Mapped[str] = mapped_column(String(12), default=Tier.CORE)
    active: Mapped[bool] = mapped_column(default=True)


class Contact(Keyed, Model):
    """An approved contact of an agency (F-S8): at least two per agency, SPOC and deputy (Hillingdon ISA 4; London DSA App D)."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_agency", "agency_key", "role"),)

    agency_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("agency.key"))
    user_key: Mapped[int] = mapped_column(BigInteger)
    role: Mapped[str] = mapped_column(String(20))
    secure_address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40), default="")
    purposes: Mapped[str] = mapped_column(String(200), default="MARAC")
    vetted: Mapped[bool] = mapped_column(default=False)
    trained: Mapped[bool] = mapped_column(default=False)
    active_from: Mapped[datetime]
    active_to: Mapped[datetime | None]
    absent: Mapped[bool] = mapped_column(default=False)
    undeliverable: Mapped[bool] = mapped_column(default=False)


class Parameter(Keyed, Model):
    """One value of a parameter from an instant on. Rows are only added: who changed what, from when, and why."""

    __tablename__ = "parameter"
    __table_args__ = (Index("ix_parameter_area", "area_key", "name", "effective_from"),)

    area_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("area.key"))
    name: Mapped[str] = mapped_column(String(80))
    type: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(200))
    unit: Mapped[str] = mapped_column(String(40), default="")
    title: Mapped[str] = mapped_column(String(200), default="")
    source: Mapped[str] = mapped_column(String(200), default="")
    effective_from: Mapped[datetime]
    set_by: Mapped[int | None] = mapped_column(BigInteger)
    set_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
