"""The confidentiality statement with its attendance sheet (01-marac D1–D4, F-M6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from app.documents.content.base import Content, MeetingDetails
from app.documents.statement import Statement


class Mode(StrEnum):
    IN_PERSON = "In person"
    VIRTUAL = "Virtual"


class AttendeeRole(StrEnum):
    CORE = "Core"
    NON_CORE = "Non-core"
    GUEST = "Guest"
    OBSERVER = "Observer"


class Ruling(StrEnum):
    """What the Chair decided about somebody who cannot comply with the statement (London DSA App E)."""

    CONTINUE = "May continue"
    RESTRICTED = "May continue with restrictions"
    EXCLUDED = "Excluded"


class SignedBy(StrEnum):
    """How a signature was given."""

    ACCOUNT = "Own account"
    ROOM_DEVICE = "Room device, witnessed"
    LINK = "One-time link"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceRow:
    """One person at the conference. Without ``signed_at`` the person has not signed and has been given nothing."""

    name: str
    job_title: str
    organisation: str
    mode: Mode
    role: AttendeeRole
    signed_at: datetime | None = None
    signed_by: SignedBy | None = None
    witnessed_by: str = ""
    cases_admitted: tuple[str, ...] = ()
    privacy_confirmed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingRow:
    """One person who could not comply, why, and the Chair's ruling before the start."""

    name: str
    organisation: str
    reason: str
    ruling: Ruling
    ruled_by: str
    ruled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceSheet(Content):
    template: ClassVar[str] = "attendance.html"

    meeting: MeetingDetails
    statement: Statement
    read_by: str = ""
    read_at: datetime | None = None
    rows: tuple[AttendanceRow, ...] = ()
    rulings: tuple[RulingRow, ...] = ()
