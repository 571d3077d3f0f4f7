"""The agenda going out: once with the research requests, again with who has not answered, and late to whoever is invited late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import documents, notices
from app.agencies import service as agencies
from app.agencies.models import Tier
from app.cases import deadlines
from app.documents.models import Document, DocumentStatus, Kind
from app.meetings import agenda, attendance, planning
from app.meetings.models import AgendaStatus, AttendeeRole, Meeting, MeetingState
from app.operations import addressees
from app.operations.copies import renew, request_agenda, request_own_copies
from app.operations.papers.agenda import prepared
from app.operations.registry import meeting_of, operation
from app.operations.standing import invite_standing
from app.runtime.ports import OperationContext


@operation(
    "issue-agenda",
    "Issue the agenda and the research requests",
    inputs={"meetingId?": "id"},
    outputs={"agendaCases": "list"},
)
def issue_agenda(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """C1: the agenda goes to every SPOC and deputy; one outside the core gets its own lines. One notice per contact and meeting."""
    meeting = planning.find(meeting_of(context, inputs))
    meeting.state = MeetingState.AGENDA_ISSUED
    deadlines.meet(meeting.key, "agendaIssue")
    _put_in_order(meeting.key)
    invite_standing(meeting.key)  # who has come since the meeting was planned
    listed = agenda.items(meeting.key)
    for item in listed:
        item.status = AgendaStatus.CIRCULATED
    documents.request("agenda", area_key=meeting.area_key, meeting_key=meeting.key, created_by=meeting.created_by)
    cases = [item.case_key for item in listed]
    core = {agency.key for agency in agencies.agencies(meeting.area_key, (Tier.CORE,))}
    for agency_key in sorted(core):
        request_agenda(meeting, agency_key, cases)
    invited = {key: own for key, own in invited_agencies(meeting.key).items() if key not in core}
    for agency_key, own in invited.items():
        request_agenda(meeting, agency_key, [key for key in cases if key in own], partial=True)
    request_own_copies(meeting)
    people = {a.user_key for a in attendance.of_meeting(meeting.key) if a.user_key is not None}
    tell_of_agenda(meeting, core | invited.keys(), people)
    return {"agendaCases": [str(key) for key in cases]}


@operation("issue-agenda-again", "Issue the agenda again, with who has not answered", inputs={"meetingId?": "id"})
def issue_agenda_again(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """§8 research return: who has not answered is named on the agenda. Every copy that stands is replaced by a new version."""
    make_again(planning.find(meeting_of(context, inputs)), {"returns": True})


def make_again(meeting: Meeting, changes: Mapping[str, Any]) -> None:
    """A new version of every copy of the agenda that stands, for whoever has it now and with the same cases in it (DMN-M6)."""
    standing: dict[str, Document] = {}
    for copy in sorted(documents.list_for(meeting_key=meeting.key), key=lambda one: one.version):
        if copy.kind == Kind.AGENDA and copy.status != DocumentStatus.DESTROYED and not copy.put_away_for:
            standing[copy.series] = copy
    for copy in standing.values():
        if copy.superseded_by is None:
            documents.request(
                "agenda",
                area_key=meeting.area_key,
                meeting_key=meeting.key,
                copy_holder=copy.copy_holder_agency,
                for_agency=copy.for_agency,
                about=copy.about_key,
                created_by=meeting.created_by,
                params={**copy.params, **changes},
            )


def issue_late(meeting: Meeting, agency_key: int, case_key: int) -> None:
    """The copy of an agency that was invited after the agenda went out: its own lines, this case among them."""
    if agency_key in {a.key for a in agencies.agencies(meeting.area_key, (Tier.CORE,))}:
        return
    own = invited_agencies(meeting.key).get(agency_key, set()) | {case_key}
    listed = [item.case_key for item in agenda.items(meeting.key) if item.case_key in own]
    request_agenda(meeting, agency_key, listed, partial=True)
    renew(meeting, ())  # people to whom a conflict of interest closes a case of it have copies of their own
    people = {a.user_key for a in attendance.of_meeting(meeting.key) if a.agency_key == agency_key and a.user_key}
    tell_of_agenda(meeting, {agency_key}, people, dedupe=f"agenda:{meeting.key}:{agency_key}:{case_key}")


def tell_of_agenda(meeting: Meeting, to: set[int], people: set[int], *, dedupe: str = "") -> None:
    """Tell the contacts of agencies, and people by name, that the agenda and the requests are out."""
    for recipients, path in reached(meeting, to, people):
        notices.send(
            notices.Template.AGENDA_ISSUED,
            sorted(recipients),
            reference=meeting.reference,
            due=meeting.starts_at,
            path=path,
            dedupe=dedupe or f"agenda:{meeting.key}",
            area_key=meeting.area_key,
        )


def reached(meeting: Meeting, to: set[int], people: set[int]) -> list[tuple[set[int], str]]:
    """The contacts of agencies, and people by name, each with the page that a notice about the meeting leads them to.

    The contact of an agency outside the core is led to the research; its copy of the agenda is for who represents it.
    """
    contacts = addressees.contacts_there(to)
    core = {agency.key for agency in agencies.agencies(meeting.area_key, (Tier.CORE,))}
    named = people.union(*(found for key, found in contacts.items() if key in core))
    asked_only = set().union(*(found for key, found in contacts.items() if key not in core)) - named
    return [(named, f"/meetings/{meeting.key}"), (asked_only, f"/research/{meeting.key}")]


def taking_part(meeting: Meeting) -> set[int]:
    """The agencies whose contacts are asked for a meeting: those of the core, and those invited for one of its cases."""
    core = {agency.key for agency in agencies.agencies(meeting.area_key, (Tier.CORE,))}
    return core | invited_agencies(meeting.key).keys()


def _put_in_order(meeting_key: int) -> None:
    """The places that the Co-ordinator gave; a case listed after that comes last."""
    _, lines = prepared(meeting_key)
    for place, item in enumerate(
        sorted(agenda.items(meeting_key), key=lambda i: (lines.get(i.case_key, {}).get("order") or 100, i.position))
    ):
        item.position = place + 1


def invited_agencies(meeting_key: int) -> dict[int, set[int]]:
    """The cases that each agency outside the core is invited for (DMN-M6 rows 3 to 5)."""
    found: dict[int, set[int]] = {}
    for person in attendance.of_meeting(meeting_key):
        if person.agency_key is not None and person.role in (AttendeeRole.NON_CORE, AttendeeRole.GUEST):
            found.setdefault(person.agency_key, set()).update(attendance.invited_cases(person.key))
    return found
