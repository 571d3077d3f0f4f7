"""The agenda of a conference (01-marac §9): who is to be discussed, what is brought forward, who has not answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, time
from typing import ClassVar

from app.documents.content.base import ActionLine, Content, MeetingDetails, Party


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaCase:
    """One case on the list.

    :param criteria: in words, why the case is listed ("Visible high risk", "Repeat"); the reasons of the threshold decision.
    :param origin_area: the MARAC that the case was transferred from.
    """

    order: int
    number: str
    parties: tuple[Party, ...]
    criteria: tuple[str, ...]
    referred_by: str = ""
    repeat: bool = False
    emergency: bool = False
    origin_area: str = ""
    slot: time | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureResult:
    """What came of a disclosure considered at an earlier meeting; it is reported at the next one (London DSA 2.6)."""

    case_number: str
    result: str
    decided_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReturn:
    """An agency that has not answered its research request (01-marac §8: named as "no return" on the agenda)."""

    agency: str
    case_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda(Content):
    template: ClassVar[str] = "agenda.html"
    landscape: ClassVar[bool] = True

    meeting: MeetingDetails
    cases: tuple[AgendaCase, ...]
    brought_forward: tuple[ActionLine, ...] = ()
    disclosure_results: tuple[DisclosureResult, ...] = ()
    disclosure_report: str = ""
    no_returns: tuple[NoReturn, ...] = ()
    research_due: str = ""
    reminders: tuple[str, ...] = ()
    partial: bool = False


def for_cases(agenda: Agenda, case_numbers: Collection[str]) -> Agenda:
    """The agenda for a guest or non-core agency: only the lines of its cases and nothing that tells of another (London DSA 1.2).

    The order numbers and the slots stay, so that guests know when to come.
    """
    return replace(
        agenda,
        cases=tuple(case for case in agenda.cases if case.number in case_numbers),
        brought_forward=tuple(line for line in agenda.brought_forward if line.case_number in case_numbers),
        disclosure_results=tuple(line for line in agenda.disclosure_results if line.case_number in case_numbers),
        disclosure_report="",
        no_returns=(),
        partial=True,
    )
