"""What every document's content has in common: the header and the people it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is printed at the top and foot of every page (01-marac §9).

    :param number: the case number or the meeting number.
    :param subject: what the number is of: ``Case`` or ``Meeting``.
    :param area: the MARAC's name, for instance "Ambleford MARAC".
    :param copy_holder: whose copy this is; "File copy" when it is nobody's in particular.
    :param made_by: who asked for it: name and role.
    """

    number: str
    subject: str
    area: str
    copy_holder: str = "File copy"
    made_by: str = "Convenor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of one document. A kind says which template draws it and whether the page is turned."""

    template: ClassVar[str]
    landscape: ClassVar[bool] = False

    header: Header


class PartyRole(StrEnum):
    VICTIM = "Victim"
    PERPETRATOR = "Perpetrator"
    CHILD = "Child"
    OTHER = "Other person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person whom a case concerns."""

    role: PartyRole
    name: str
    aliases: tuple[str, ...] = ()
    born: date | None = None
    age_estimate: str = ""
    address: str = ""
    relationship: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingDetails:
    """When, where and under whom a conference meets. ``joining`` says how to join from elsewhere."""

    name: str
    number: str
    starts_at: datetime
    ends_at: datetime | None = None
    venue: str = ""
    joining: str = ""
    chair: str = ""
    coordinator: str = ""


class ActionStatus(StrEnum):
    """The states of an action (01-marac F-M8), as printed."""

    OPEN = "Open"
    DONE = "Done"
    NOT_POSSIBLE = "Not possible"
    NOT_DONE = "Not done"
    SUPERSEDED = "Superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLine:
    """One action of a plan (01-marac F-M8): what, against which risk, who owns it, by when, and what came of it."""

    case_number: str
    action: str
    risk_addressed: str
    owner_agency: str
    owner_person: str
    due: date
    status: ActionStatus = ActionStatus.OPEN
    priority: str = ""
    completed_on: date | None = None
    outcome: str = ""
    overdue_reason: str = ""
