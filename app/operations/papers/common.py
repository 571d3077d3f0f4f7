"""What several documents have in common: header, meeting details, parties, action lines, and names behind ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from app.agencies import service as agencies
from app.cases import actions, submissions
from app.cases.dossiers import find_case
from app.cases.models import Action, ActionStatus, Case
from app.cases.parties import details_of, parties
from app.documents.content.base import ActionLine, Header, MeetingDetails, Party, PartyRole
from app.documents.content.base import ActionStatus as PrintedStatus
from app.documents.models import Document
from app.identity import register
from app.identity.roles import Role
from app.meetings import agenda, planning
from app.meetings.models import Meeting
from app.store.clock import LONDON, business_now
from app.store.database import db
from app.work.models import WorkItem

ROLES = {"victim": PartyRole.VICTIM, "perpetrator": PartyRole.PERPETRATOR, "child": PartyRole.CHILD}
STATUS = {
    ActionStatus.OPEN: PrintedStatus.OPEN,
    ActionStatus.DONE: PrintedStatus.DONE,
    ActionStatus.NOT_POSSIBLE: PrintedStatus.NOT_POSSIBLE,
    ActionStatus.NOT_DONE: PrintedStatus.NOT_DONE,
    ActionStatus.SUPERSEDED: PrintedStatus.SUPERSEDED,
}
RELATIONSHIPS = {
    "PARTNER": "partner",
    "EX_PARTNER": "former partner",
    "PARENT": "parent",
    "CHILD": "son or daughter",
    "SIBLING": "brother or sister",
    "OTHER_FAMILY": "other family",
    "NOT_FAMILY": "not family",
    "UNKNOWN": "not known",
}


def person_name(user_key: int | None) -> str:
    """A colleague's name; empty for nobody."""
    return register.names_of([user_key]).get(user_key, "") if user_key else ""


def header(document: Document) -> Header:
    """The header and footer of a document."""
    names = agencies.names(document.area_key)
    if document.case_key is not None:
        number, subject = find_case(document.case_key).reference, "Case"
    else:
        number, subject = planning.find(document.meeting_key or 0).reference, "Meeting"
    holder = names.get(document.copy_holder_agency or 0, "File copy")
    return Header(
        number=number,
        subject=subject,
        area=f"{agencies.area(document.area_key).name} MARAC",
        copy_holder=holder,
        made_by=person_name(document.created_by) or "Convenor",
    )


def meeting_details(meeting: Meeting) -> MeetingDetails:
    """When, where, under whom."""
    count = len(agenda.items(meeting.key))
    starts = (meeting.starts_at or business_now()).astimezone(LONDON)
    chair = register.holders(Role.MARAC_CHAIR, area_key=meeting.area_key)
    deputy = register.names_of([meeting.presiding_key])[meeting.presiding_key] if meeting.presiding_key else ""
    coordinator = register.holders(Role.MARAC_COORDINATOR, area_key=meeting.area_key)
    return MeetingDetails(
        name=f"{agencies.area(meeting.area_key).name} MARAC",
        number=meeting.reference,
        starts_at=starts,
        ends_at=starts + planning.length(count, meeting.area_key) if count else None,
        venue=planning.venue_of(meeting),
        chair=f"{deputy}, who presides in the Chair's place" if deputy else chair[0].name if chair else "",
        coordinator=coordinator[0].name if coordinator else "",
    )


def printed_parties(case: Case, *, addresses: bool) -> tuple[Party, ...]:
    """The people of a case as printed."""
    found = []
    for party in parties(case.key):
        details = details_of(party)
        found.append(
            Party(
                role=ROLES.get(party.role, PartyRole.OTHER),
                name=details.name,
                aliases=details.aliases,
                born=details.born,
                age_estimate=str(details.extra.get("ageEstimate") or ""),
                address=details.address if addresses else "",
                relationship=RELATIONSHIPS.get(details.relationship, details.relationship),
            )
        )
    return tuple(found)


def action_line(action: Action, agency_names: dict[int, str]) -> ActionLine:
    """One action as printed."""
    words = actions.words_of(action)
    outcome = actions.outcome_of(action)
    return ActionLine(
        case_number=find_case(action.case_key).reference,
        action=words.action,
        risk_addressed=words.risk_addressed,
        owner_agency=agency_names.get(action.owner_agency_key, ""),
        owner_person=person_name(action.owner_user_key) or words.owner_name,
        due=action.due_date,
        status=STATUS[ActionStatus(action.status)],
        priority={"HIGH": "High", "MEDIUM": "Medium", "LOW": "Low"}.get(action.priority, ""),
        completed_on=action.completed_on,
        outcome=text(outcome, "outcome") or text(outcome, "notDoneOutcome"),
        overdue_reason=text(outcome, "overdueReason"),
    )


def answers_at(meeting_key: int, case_key: int, form_id: str) -> dict[str, Any]:
    """What was recorded of a case at one meeting: a case that is heard again has an answer of each."""
    for row in reversed(submissions.of(case_key, form_id)):
        item = db.session.execute(select(WorkItem).where(WorkItem.key == row.work_item_key)).scalar_one_or_none()
        if item is not None and item.meeting_key == meeting_key and row.wrapped_key is not None:
            return submissions.read(row)
    return {}


def text(answers: dict[str, Any], name: str) -> str:
    """An answer as text; empty when there is none."""
    value = answers.get(name)
    return "" if value is None else str(value)


def yes(answers: dict[str, Any], name: str) -> bool:
    """A yes/no answer."""
    return answers.get(name) in ("yes", True)


def keys(values: Iterable[Any] | None) -> list[int]:
    """Ids as keys."""
    return [int(v) for v in values or [] if str(v).isdigit()]
