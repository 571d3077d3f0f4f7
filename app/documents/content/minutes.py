"""The minutes of a conference, whole or cut to some of its cases (01-marac F-M7, §9, DMN-M6, DMN-M7)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from app.documents.content.base import ActionLine, Content, MeetingDetails, Party


class InfoKind(StrEnum):
    """Facts and opinion are labelled apart (London DSA App C)."""

    FACT = "Fact"
    OPINION = "Opinion"
    THIRD_PARTY = "Third party"


class DvdsOutcome(StrEnum):
    """What the meeting decided about a disclosure under DVDS (01-marac DMN-M10)."""

    PASS_TO_SPOC = "Pass to the DVDS single point of contact"  # noqa: S105 - an outcome, no password
    NO_FURTHER = "No further disclosure"
    NOT_INDICATED = "Not indicated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    name: str
    job_title: str
    organisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedInformation:
    """One piece of information that an agency shared at the meeting, marked as fact, opinion or from a third party."""

    agency: str
    text: str
    kind: InfoKind
    source: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMinute:
    """What was said and decided about one case (F-M7, in its order). An adjourned case has the reason and little else."""

    order: int
    number: str
    parties: tuple[Party, ...]
    present: tuple[str, ...]
    presented_by: str
    risk_summary: str
    victim_voice: str
    children_risk: str
    lead_advocate_agency: str
    how_victim_updated: str
    wanted_offender: bool
    dvds_outcome: DvdsOutcome | None
    dvds_reason: str = ""
    repeat: bool = False
    apologies: tuple[str, ...] = ()
    new_information: tuple[SharedInformation, ...] = ()
    protective_factors: str = ""
    perpetrator_plan: str = ""
    mappa_considered: bool | None = None
    safeguarding_links: str = ""
    actions: tuple[ActionLine, ...] = ()
    no_action_rationale: str = ""
    dissent: str = ""
    how_community_updated: str = ""
    equality_note: str = ""
    adjourned_reason: str = ""
    corrections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes(Content):
    template: ClassVar[str] = "minutes.html"

    meeting: MeetingDetails
    statement_version: str
    statement_read_by: str
    statement_read_at: datetime | None
    present: tuple[Attendee, ...] = ()
    apologies: tuple[Attendee, ...] = ()
    previous_actions: tuple[ActionLine, ...] = ()
    cases: tuple[CaseMinute, ...] = ()
    apologies_note: str = ""
    opening_note: str = ""
    closing_note: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    cut: bool = False
    extract: bool = False


def for_cases(minutes: Minutes, case_numbers: Collection[str]) -> Minutes:
    """The minutes for an agency that keeps some of the cases (DMN-M7): header, attendance, and those cases only."""
    return replace(
        minutes,
        cases=tuple(case for case in minutes.cases if case.number in case_numbers),
        previous_actions=tuple(line for line in minutes.previous_actions if line.case_number in case_numbers),
        cut=len(case_numbers) < len(minutes.cases) or any(c.number not in case_numbers for c in minutes.cases),
    )


def guest_extract(minutes: Minutes, case_numbers: Collection[str]) -> Minutes:
    """The extract for a guest: header and its own case only; who was there for other cases is left out (London DSA 1.2)."""
    return replace(
        for_cases(minutes, case_numbers),
        present=(),
        apologies=(),
        apologies_note="",
        opening_note="",
        closing_note="",
        extract=True,
        cut=True,
    )
