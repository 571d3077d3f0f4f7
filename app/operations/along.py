"""What completing a task of a form goes on to ask for: read in one statement when the task is taken in hand (app/work/along.py).

That is what the form offers, and what the operations of the main procedure read that follow it. A form that is not named here costs a
statement for each of those questions, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import or_, select

from app.cases.models import Action, Case
from app.meetings.models import AgendaItem, Attendee, AttendeeCase, Meeting
from app.store.shelf import shelve
from app.work.along import (
    AGENCIES,
    COLLEAGUES,
    MEETINGS,
    ONESELF,
    PARAMETERS,
    PARTIES,
    Asked,
    Found,
    Kind,
    asked,
    meetings_of,
)


def _shelve_each(column: Any, owners: Iterable[int], rows: list[Any], model: type[Any]) -> None:
    for owner in owners:
        shelve(column, owner, [row for row in rows if getattr(row, column.key) == owner], model)


def _keep_agenda(known: Asked, found: Found) -> None:
    _shelve_each(AgendaItem.meeting_key, meetings_of(known, found), found[AgendaItem], AgendaItem)
    if known["case"] is not None:
        _shelve_each(AgendaItem.case_key, (known["case"],), found[AgendaItem], AgendaItem)


def _keep_attendees(known: Asked, found: Found) -> None:
    _shelve_each(Attendee.meeting_key, meetings_of(known, found), found[Attendee], Attendee)


def _keep_invited(_known: Asked, found: Found) -> None:
    people = [person.key for person in found[Attendee]]
    _shelve_each(AttendeeCase.attendee_key, people, found[AttendeeCase], AttendeeCase)


def _keep_actions(known: Asked, found: Found) -> None:
    _shelve_each(Action.case_key, (known["case"],), found[Action], Action)


_OWN = select(asked("case"))
_HEARD = select(AgendaItem.case_key).where(AgendaItem.meeting_key.in_(MEETINGS))
_PEOPLE = select(Attendee.key).where(Attendee.meeting_key.in_(MEETINGS))
_ADMITTED = select(AttendeeCase.case_key).where(AttendeeCase.attendee_key == asked("named"))

MEETING = Kind(Meeting, Meeting.key.in_(MEETINGS))
AGENDA = Kind(AgendaItem, or_(AgendaItem.meeting_key.in_(MEETINGS), AgendaItem.case_key == asked("case")), _keep_agenda)
CASES = Kind(Case, Case.key.in_(_HEARD.union_all(_OWN)))
ATTENDEES = Kind(Attendee, Attendee.meeting_key.in_(MEETINGS), _keep_attendees)
INVITED = Kind(AttendeeCase, AttendeeCase.attendee_key.in_(_PEOPLE), _keep_invited)
ACTIONS = Kind(Action, Action.case_key == asked("case"), _keep_actions)
# One attendee, who is asked to sign.
SIGNATORY = Kind(Attendee, Attendee.key == asked("named"))
ADMISSIONS = Kind(AttendeeCase, AttendeeCase.attendee_key == asked("named"), _keep_invited)
ADMITTED = Kind(Case, Case.key.in_(_ADMITTED.union_all(_OWN)))

# Few and broad: each is a statement of its own, which a process keeps compiled.
_OF_A_MEETING = (MEETING, AGENDA, CASES, ATTENDEES, INVITED, AGENCIES, ONESELF)
_OF_A_CASE = (PARTIES, COLLEAGUES, ACTIONS, MEETING, PARAMETERS)
_SIGNING = (MEETING, SIGNATORY, ADMISSIONS, ADMITTED, AGENCIES)

ALONG: Mapping[str, tuple[Kind, ...]] = {
    **dict.fromkeys(
        (
            "escalation-decision",
            "marac-action-plan",
            "marac-case-discussion",
            "marac-close-conference",
            "marac-confidentiality-rulings",
            "marac-destroy-papers",
            "marac-invitations",
            "marac-mail-assurance",
            "marac-meeting-plan",
            "marac-minutes-approval",
            "marac-prepare-agenda",
            "marac-previous-actions",
            "marac-retention-list",
            "marac-statement-read",
            "marac-virtual-privacy",
        ),
        _OF_A_MEETING,
    ),
    **dict.fromkeys(
        (
            "iswc-checklist",
            "iswc-decision",
            "iswc-form",
            "marac-action-outcome",
            "marac-close-or-relist",
            "marac-consent",
            "marac-listing",
            "marac-minutes-draft",
            "marac-perpetrator-decision",
            "marac-referral",
            "marac-risk-checklist",
            "marac-triage",
        ),
        _OF_A_CASE,
    ),
    "marac-action-reassign": (*_OF_A_MEETING, ACTIONS),
    "marac-signature": _SIGNING,
}
