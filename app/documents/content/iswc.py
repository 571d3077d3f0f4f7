"""The form that records sharing without consent (05-supporting P6, F-S3; Hillingdon ISA App 4).

Grounds in law and factors for balancing are kept apart: a balancing factor is never a ground (DMN-S3, rule 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from app.documents.content.base import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    name: str
    born: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernRow:
    """One row of the concern grid: who is at risk, and how it is known."""

    concern: str
    immediate: bool
    identified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """One entry of a printed list, ticked or not, so that the reader sees what was considered and not chosen."""

    label: str
    ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question of the checklist or of the five-part test, with its answer and reason."""

    question: str
    answer: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    name: str
    advice: str
    on: date | None = None
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingRow:
    """One act of sharing: when, with which agency and named person, how, and on what authority (S6.7)."""

    on: date
    agency: str
    named_person: str
    method: str
    legal_authority: str
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    due: date | None
    responsible: str
    outcome: str = ""
    feedback: str = ""
    reviewed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature given by signing in: who, in which role, what they decided, when."""

    capacity: str
    name: str
    job_title: str = ""
    agency: str = ""
    decision: str = ""
    reason: str = ""
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IswcForm(Content):
    template: ClassVar[str] = "iswc.html"

    client_name: str
    client_address: str
    form_date: date
    agency: str
    concerns: tuple[ConcernRow, ...]
    consent_checked: bool
    consent_does_not_cover: bool
    details: str
    children: tuple[Child, ...] = ()
    whose_information: tuple[str, ...] = ()
    client_born: date | None = None
    consent_status: str = ""
    risk_tool: str = ""
    risk_ticks: int | None = None
    risk_out_of: int | None = None
    risk_assessment_attached: bool | None = None
    information_source: str = ""
    protocol: str = ""
    grounds: tuple[Ticked, ...] = ()
    balancing_factors: tuple[Ticked, ...] = ()
    comments: str = ""
    checklist: tuple[Answer, ...] = ()
    five_tests: tuple[Answer, ...] = ()
    police_purposes: tuple[str, ...] = ()
    consultations: tuple[Consultation, ...] = ()
    client_notified: bool | None = None
    notified_on: date | None = None
    how_notified: str = ""
    client_response: str = ""
    why_not_notified: str = ""
    review: Review | None = None
    sharing: tuple[SharingRow, ...] = ()
    outcome: str = ""
    signatures: tuple[Signature, ...] = ()
