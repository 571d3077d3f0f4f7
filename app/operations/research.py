"""Research: who is asked, what they answered, and taking the request back where nothing is held (01-marac 7C)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.agencies import service as agencies
from app.agencies.models import Tier
from app.cases import submissions
from app.cases.dossiers import find_case
from app.cases.involvement import change, end, grounds, involve
from app.cases.models import Ground
from app.cases.timeline import note
from app.meetings import agenda
from app.operations import addressees, copies
from app.operations.circulation import invited_agencies
from app.operations.registry import case_of, key_of, operation
from app.runtime.ports import OperationContext

OF_A_MEETING = (Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED, Ground.ATTENDEE, Ground.GUEST)
BEFORE = (Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED, Ground.WITHDRAWN)


@operation(
    "list-research-agencies",
    "List the agencies to ask",
    inputs={"caseId?": "id", "meetingId?": "id"},
    outputs={"researchAgencies": "list"},
)
def list_research_agencies(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every core agency is asked about every case, and every other agency about the cases that it is invited for (C1, DMN-M6).

    A case may have been researched for another meeting before. Who is asked again may see it again, whatever they answered then; who was
    invited then and is not now may not.
    """
    case = find_case(case_of(context, inputs))
    found = [a.key for a in agencies.agencies(case.area_key, (Tier.CORE,))]
    meeting_key = key_of(inputs.get("meetingId") or case.meeting_key, "meeting", context.element_id)
    for agency_key, cases in sorted(invited_agencies(meeting_key).items()):
        if case.key in cases and agency_key not in found:
            found.append(agency_key)
    for agency_key in grounds(case.key).keys() - set(found):
        end(case.key, agency_key, *OF_A_MEETING)
    for agency_key in found:
        if copies.closes(case.key, agency_key):  # whom to ask instead is for the Co-ordinator to say (X7)
            end(case.key, agency_key, *OF_A_MEETING)
            continue
        change(case.key, agency_key, ends=BEFORE, begins=(Ground.RESEARCH_OPEN,))
    return {"researchAgencies": [str(key) for key in found]}


@operation(
    "check-contacts",
    "Is an approved contact available?",
    inputs={"agency": "id", "caseId?": "id"},
    outputs={"contactsAvailable": "boolean", "agencyType": "string"},
)
def check_contacts(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """C1a: none registered, or all absent, undeliverable or shut out, is handled by DMN-M8; so is a case that a conflict of interest
    closes to all of them (X7). While one of them may deal with it, the agency is asked like any other: that is what the deputy is for."""
    agency = agencies.agency(key_of(inputs["agency"], "agency", context.element_id))
    case = find_case(case_of(context, inputs))
    return {"contactsAvailable": addressees.can_be_asked(agency.key, case), "agencyType": agency.kind}


@operation(
    "record-return",
    "Record that the agency holds information",
    inputs={"agency": "id", "caseId?": "id", "meetingId?": "id", "currentlyInvolved?": "boolean"},
)
def record_return(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """The return stays the agency's own paper; whether it works with anybody now is kept for DMN-M7."""
    case_key = case_of(context, inputs)
    agency_key = key_of(inputs["agency"], "agency", context.element_id)
    latest = submissions.latest(case_key, "marac-research-return", agency_key)
    working_with = set((submissions.read(latest).get("currentInvolvement") or []) if latest else []) - {"NONE"}
    begins = (Ground.RESEARCH_CLOSED, Ground.INVOLVED) if working_with else (Ground.RESEARCH_CLOSED,)
    change(case_key, agency_key, ends=(Ground.RESEARCH_OPEN,), begins=begins)
    note(case_key, "research-held", agency_key=agency_key)


@operation(
    "revoke-access",
    "End the agency's access to the case",
    inputs={"agency": "id", "caseId?": "id", "meetingId?": "id", "refused?": "boolean"},
)
def revoke_access(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Nothing held on anybody: Convenor's own copy of the request goes, and access ends, with the answer (Hillingdon ISA 3, seventh
    principle b; MARAC procedure, section 8). So it does when the request is refused, because it is not necessary or not lawful (DMN-M8).

    An agency with another ground of its own (it referred the case) keeps that.
    """
    case_key = case_of(context, inputs)
    agency_key = key_of(inputs["agency"], "agency", context.element_id)
    end(case_key, agency_key, Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED)
    if not grounds(case_key).get(agency_key):
        involve(case_key, agency_key, Ground.WITHDRAWN)
        meeting = agenda.meeting_hearing(case_key)
        if meeting is not None:
            copies.recall(meeting, case_key, agency_key)
    note(case_key, "research-refused" if inputs.get("refused") else "research-nothing-held", agency_key=agency_key)


@operation(
    "grant-access", "Give an agency access to the case", inputs={"agency": "id", "ground": "string", "caseId?": "id"}
)
def grant_access(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Involve an agency on a named ground."""
    agency_key = key_of(inputs["agency"], "agency", context.element_id)
    involve(case_of(context, inputs), agency_key, Ground(str(inputs["ground"])))
