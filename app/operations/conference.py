"""The conference: who signs, opening and closing a case's discussion, what goes out afterwards (01-marac 7D, E2, E3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from app import documents, notices
from app.cases import actions, deadlines, involvement, submissions
from app.cases.actions import ActionWords
from app.cases.dossiers import find_case
from app.cases.involvement import grounds, involve
from app.cases.models import Action, Ground
from app.cases.timeline import note
from app.identity import register
from app.meetings import agenda, attendance, planning
from app.meetings.models import AgendaStatus, AttendeeRole, MeetingState, Ruling
from app.operations import addressees
from app.operations.keeping import KEEPING
from app.operations.registry import case_of, meeting_of, operation
from app.runtime.ports import OperationContext
from app.store.clock import end_of_day


@operation("list-attendees", "List who has to sign", inputs={"meetingId?": "id"}, outputs={"attendeeIds": "list"})
def list_attendees(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Everybody expected and not excluded signs (D4); somebody who sent apologies does not."""
    people = attendance.of_meeting(meeting_of(context, inputs))
    return {"attendeeIds": [str(p.key) for p in people if p.ruling != Ruling.EXCLUDED and not p.apologies]}


@operation("open-discussion", "Open the discussion of a case", inputs={"caseId": "id", "meetingId?": "id"})
def open_discussion(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Admit guests for this case only (D6.1)."""
    meeting_key, case_key = meeting_of(context, inputs), case_of(context, inputs)
    agenda.set_status(meeting_key, case_key, AgendaStatus.IN_DISCUSSION)
    attendance.admit(meeting_key, case_key)
    for person in attendance.of_meeting(meeting_key):
        if person.signed_at is not None and person.agency_key is not None and person.role == AttendeeRole.CORE:
            involve(case_key, person.agency_key, Ground.ATTENDEE)
    note(case_key, "discussion-opened", facts={"meeting": str(meeting_key)})


@operation(
    "close-discussion",
    "Close the discussion of a case and record its actions",
    inputs={"caseId": "id", "meetingId?": "id", "meetingOutcome?": "string"},
    outputs={"actions": "list", "leadAdvocateAgency": "id", "urgentFeedback": "boolean"},
)
def close_discussion(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Record the agreed actions, name the lead advocate, release guests (D6.7–D6.9)."""
    meeting_key, case_key = meeting_of(context, inputs), case_of(context, inputs)
    adjourned = inputs.get("meetingOutcome") == "ADJOURNED"
    recorded = [] if adjourned else _record_plan(meeting_key, case_key)
    agenda.set_status(meeting_key, case_key, AgendaStatus.ADJOURNED if adjourned else AgendaStatus.HEARD)
    attendance.release(meeting_key, case_key)
    note(
        case_key, "discussion-closed", title="ADJOURNED" if adjourned else "HEARD", facts={"meeting": str(meeting_key)}
    )
    lead = find_case(case_key).lead_agency_key
    plan = None if adjourned else submissions.latest(case_key, "marac-action-plan")
    urgent = plan is not None and submissions.read(plan).get("urgentFeedback") in ("yes", True)
    return {
        "actions": [
            {
                "id": str(a.key),
                "agency": str(a.owner_agency_key),
                "owner": str(a.owner_user_key) if a.owner_user_key else None,
                "due": a.due_date,
            }
            for a in recorded
        ],
        "leadAdvocateAgency": str(lead) if lead is not None and not adjourned else None,
        "urgentFeedback": urgent,
    }


def _record_plan(meeting_key: int, case_key: int) -> list[Action]:
    plan = submissions.latest(case_key, "marac-action-plan")
    if plan is None:
        return []
    answers = submissions.read(plan)
    recorded = []
    for row in answers.get("actions") or []:
        agency_key = int(row["ownerAgency"])
        owner = int(row["ownerPerson"]) if str(row.get("ownerPerson") or "").isdigit() else None
        recorded.append(
            actions.add(
                case_key,
                meeting_key,
                ActionWords(str(row.get("action") or ""), str(row.get("riskAddressed") or "")),
                owner_agency_key=agency_key,
                owner_user_key=owner,
                due_date=date.fromisoformat(row["dueDate"]),
                priority=str(row.get("priority") or ""),
            )
        )
        involve(case_key, agency_key, Ground.ACTION_OWNER)
    lead = str(answers.get("leadAdvocateAgency") or "")
    if lead.isdigit():
        find_case(case_key).lead_agency_key = int(lead)
        involve(case_key, int(lead), Ground.LEAD_ADVOCATE)
    return recorded


@operation("issue-action-lists", "Issue each owner agency its action list", inputs={"meetingId?": "id"})
def issue_action_lists(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """E2: one action sheet per owner agency, and a notice to its contacts and owners."""
    meeting = planning.find(meeting_of(context, inputs))
    deadlines.meet(meeting.key, "actionListDue")
    agreed = actions.of_meeting(meeting.key)
    documents.request("action-plan", area_key=meeting.area_key, meeting_key=meeting.key, created_by=meeting.created_by)
    documents.request(
        "attendance-sheet", area_key=meeting.area_key, meeting_key=meeting.key, created_by=meeting.created_by
    )
    owners = sorted({a.owner_agency_key for a in agreed})
    reached = addressees.of_agencies(owners)
    told = {
        key: reached[key] | {a.owner_user_key for a in agreed if a.owner_agency_key == key and a.owner_user_key}
        for key in owners
    }
    notices.expect({f"actions:{meeting.key}:{key}": people for key, people in told.items()})
    for agency_key in owners:
        documents.request(
            "action-plan",
            area_key=meeting.area_key,
            meeting_key=meeting.key,
            copy_holder=agency_key,
            for_agency=agency_key,
            created_by=meeting.created_by,
            params={"cases": sorted({a.case_key for a in agreed if a.owner_agency_key == agency_key})},
        )
        own = [a for a in agreed if a.owner_agency_key == agency_key]
        notices.send(
            notices.Template.ACTION_LIST,
            sorted(told[agency_key]),
            reference=meeting.reference,
            due=end_of_day(min(a.due_date for a in own)),
            path="/work",
            dedupe=f"actions:{meeting.key}:{agency_key}",
            area_key=meeting.area_key,
        )


@operation("circulate-minutes", "Make the minutes and send each agency its part", inputs={"meetingId?": "id"})
def circulate_minutes(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """E3: the full minutes for the file; each agency that keeps a case gets those cases only; a guest its extract (London DSA 1.2, 4.4)."""
    meeting = planning.find(meeting_of(context, inputs))
    heard = [i.case_key for i in agenda.items(meeting.key) if i.status == AgendaStatus.HEARD]
    documents.request("minutes", area_key=meeting.area_key, meeting_key=meeting.key, created_by=meeting.created_by)
    keeping: dict[int, list[int]] = {}
    involvement.expect(heard)
    for case_key in heard:
        for agency_key, held in grounds(case_key).items():
            if held & KEEPING:
                keeping.setdefault(agency_key, []).append(case_key)
    guests = {a.agency_key for a in attendance.of_meeting(meeting.key) if a.role == AttendeeRole.GUEST}
    reached = addressees.of_agencies(list(keeping))
    told = {
        key: reached[key]
        | {
            a.user_key
            for a in attendance.of_meeting(meeting.key)
            if a.agency_key == key and a.user_key and a.signed_at is not None and a.ruling != Ruling.EXCLUDED
        }
        for key in keeping
    }
    notices.expect({f"minutes:{meeting.key}:{key}": people for key, people in told.items()})
    for agency_key, cases in sorted(keeping.items()):
        guest = agency_key in guests
        documents.request(
            "minutes-extract" if guest else "minutes",
            area_key=meeting.area_key,
            meeting_key=meeting.key,
            copy_holder=agency_key,
            for_agency=agency_key,
            created_by=meeting.created_by,
            params={"cases": cases},
        )
        notices.send(
            notices.Template.MINUTES_CIRCULATED,
            sorted(told[agency_key]),
            reference=meeting.reference,
            due=None,
            path=f"/meetings/{meeting.key}",
            dedupe=f"minutes:{meeting.key}:{agency_key}",
            area_key=meeting.area_key,
        )
    meeting.state = MeetingState.MINUTES_ISSUED


def owner_name(user_key: int | None) -> str:
    """An owner by name; empty for nobody."""
    return register.names_of([user_key]).get(user_key, "") if user_key else ""
