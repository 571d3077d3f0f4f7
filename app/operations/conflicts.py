"""A conflict of interest is recorded or lifted while the case runs: who of the agency goes on, and who is asked (01-marac X7;
docs/decisions/0012-conflicts-of-interest.md).

It closes the case at once. What must not be lost by it goes on: tasks go back to those who may do them, the agency is asked through
another contact or, where there is none, through the Co-ordinator (DMN-M8), and the agenda's other cases stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import audit, notices
from app.access import decide
from app.cases import involvement
from app.cases.facts import conflict_facts
from app.cases.models import Case, ConflictOfInterest, Ground
from app.identity import register
from app.identity.person import Person
from app.meetings import agenda, planning
from app.meetings.models import Meeting, MeetingState
from app.operations import addressees, copies
from app.operations.circulation import taking_part
from app.operations.registry import case_of, key_of, operation
from app.runtime import service as runtime
from app.runtime.errors import NobodyWaiting, VariableRefused
from app.runtime.ports import OperationContext
from app.work import completion, giving_back, research

LIFTED = "conflict-lifted"
GIVEN_UP = "CONFLICT"  # the outcome of a research that nobody at the agency may answer


@operation(
    "check-conflict",
    "Does a conflict of interest close the case to the agency?",
    inputs={"agency": "id", "caseId?": "id"},
    outputs={"agencyClosed": "boolean"},
)
def check_conflict(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """X7: nobody of such an agency is asked through Convenor; the Co-ordinator has asked somebody who may know of the case."""
    agency_key = key_of(inputs["agency"], "agency", context.element_id)
    return {"agencyClosed": copies.closes(case_of(context, inputs), agency_key)}


def declare(
    case: Case, *, user_key: int | None = None, agency_key: int | None = None, reason: str, by: Person
) -> ConflictOfInterest:
    """Close a case to a person or an agency, at once."""
    row = involvement.declare_conflict(case.key, user_key=user_key, agency_key=agency_key, reason=reason, by=by.key)
    audit.record("conflict.declare", actor=by, subject=f"conflict:{row.key}", case_key=case.key, detail=reason)
    touched = _touched(row)
    if agency_key is not None:
        involvement.end(case.key, agency_key, Ground.RESEARCH_OPEN)
    facts = conflict_facts(case.key, case.area_key)
    giving_back.give_back(case.key, lambda person: decide.in_conflict(person, facts), by=by)
    for each in sorted(touched):
        if not addressees.can_be_asked(each, case):
            _give_up(case, each, by=by)
    meeting = _under_way(case)
    if meeting is not None:
        copies.renew(meeting, touched)
        if user_key is not None:
            _ask_for_another(meeting, case, touched)
    return row


def lift(case: Case, conflict_key: int, *, by: Person) -> None:
    """Open the case again to whoever it was closed to. Whose research waits for the Co-ordinator because of it is asked after all."""
    row = next(one for one in involvement.conflicts(case.key) if one.key == conflict_key)
    touched = _touched(row)
    involvement.lift_conflict(conflict_key, by=by.key)
    audit.record("conflict.lift", actor=by, subject=f"conflict:{conflict_key}", case_key=case.key)
    for each in sorted(touched):
        if addressees.can_be_asked(each, case) and _is_asked_again(case, each):
            involvement.involve(case.key, each, Ground.RESEARCH_OPEN)
    meeting = _under_way(case)
    if meeting is not None:
        copies.renew(meeting, touched, again=case.key)


def _touched(row: ConflictOfInterest) -> set[int]:
    """The agencies that a conflict of interest is felt at: the one it is of, or those that the person belongs to or acts for."""
    if row.agency_key is not None:
        return {row.agency_key}
    known = register.people_for({row.user_key} if row.user_key is not None else set())
    return set().union(*(person.agencies for person in known.values()))


def _give_up(case: Case, agency_key: int, *, by: Person) -> None:
    """End the agency's research that is open: nobody there may answer. Its procedure turns to the Co-ordinator; an earlier release does
    not know how, and the task is an incident."""
    for item in research.open_of(case.key, agency_key):
        try:
            completion.give_up(item, {"researchOutcome": GIVEN_UP}, by=by)
        except VariableRefused:
            continue


def _is_asked_again(case: Case, agency_key: int) -> bool:
    """Whether the Co-ordinator's task about the agency was open: it ends, and the agency is asked."""
    try:
        runtime.correlate_message(LIFTED, f"{case.key}/{agency_key}", {}, area_key=case.area_key)
    except NobodyWaiting:
        return False
    return True


def _under_way(case: Case) -> Meeting | None:
    """The meeting that hears the case, once its agenda is out."""
    meeting = agenda.meeting_hearing(case.key)
    if meeting is None or meeting.state == MeetingState.PLANNED or not planning.is_running(meeting):
        return None
    return meeting


def _ask_for_another(meeting: Meeting, case: Case, agency_keys: set[int]) -> None:
    """Somebody else of the agency speaks for it in this case: its contacts to whom the case is open are told (X7)."""
    of_agencies = addressees.of_agencies(sorted(agency_keys & taking_part(meeting)))
    people = addressees.open_to(set().union(*of_agencies.values()), case.key, case.area_key)
    notices.send(
        notices.Template.ANOTHER_REPRESENTATIVE,
        sorted(people),
        reference=case.reference,
        due=meeting.starts_at,
        path=f"/meetings/{meeting.key}",
        area_key=meeting.area_key,
    )
