"""Chasing the research of a meeting: who has not answered, agency by agency, whatever the number of its cases (01-marac §8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app import notices
from app.cases import deadlines
from app.cases.dossiers import find_case
from app.identity import register
from app.meetings import planning
from app.operations.registry import meeting_of, operation
from app.operations.states import as_instant
from app.runtime import service as runtime
from app.runtime.ports import OperationContext
from app.store.alone import after_others
from app.work.models import WorkItem
from app.work.research import SHEET, open_requests


def batch_key(meeting_key: int, agency_key: int) -> str:
    """How the chase of one agency's research for one meeting is known to messages."""
    return f"{meeting_key}/{agency_key}"


def requests_of(meeting_key: int, agency_key: int | None = None) -> dict[int, list[WorkItem]]:
    """The research requests of a meeting that nobody has answered, by agency."""
    found: dict[int, list[WorkItem]] = {}
    for item in open_requests(meeting_key):
        if item.agency_key is not None and agency_key in (None, item.agency_key):
            found.setdefault(item.agency_key, []).append(item)
    return found


def batch_of(item: WorkItem) -> list[WorkItem]:
    """The open tasks that are chased together with a task: for research, all of the agency's for the same meeting; else itself."""
    meeting_key = _meeting_of(item)
    if meeting_key is None or item.agency_key is None:
        return [item]
    return requests_of(meeting_key, item.agency_key).get(item.agency_key, [])


def _meeting_of(item: WorkItem) -> int | None:
    if item.properties.get("sheet") != SHEET or item.case_key is None or item.element_id != "ResearchAgency":
        return None
    return find_case(item.case_key).meeting_key


def references_of(batch: list[WorkItem]) -> str:
    """The cases of several requests, by reference."""
    return ", ".join(sorted(find_case(item.case_key).reference for item in batch if item.case_key is not None))


def tell_chase(item: WorkItem) -> None:
    """A request was answered: when it was the agency's last one for the meeting, whoever chases the agency stops.

    Nobody chases before the agency has a deadline of its own at the meeting. Of two people who answer its last two requests at the same
    moment, the second sees that the first has.
    """
    meeting_key = _meeting_of(item)
    if meeting_key is None or item.agency_key is None:
        return
    name = f"returns-{item.agency_key}"
    if deadlines.current(meeting_key, name) is None:
        return
    after_others("chase", batch_key(meeting_key, item.agency_key))
    if requests_of(meeting_key, item.agency_key):
        return
    deadlines.meet(meeting_key, name)
    runtime.publish_message("task-closed", batch_key(meeting_key, item.agency_key), {}, area_key=item.area_key)


@operation(
    "remind-of-research",
    "Remind the agencies that have not answered",
    inputs={"roles": "list", "askedBefore?": "date and time", "meetingId?": "id"},
)
def remind_of_research(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """One reminder for each agency: to whoever holds its requests, and for those that nobody holds to the roles named.

    An agency that was asked only after ``askedBefore`` is not reminded yet.
    """
    meeting = planning.find(meeting_of(context, inputs))
    before = as_instant(inputs["askedBefore"], context.element_id) if inputs.get("askedBefore") else None
    for agency_key, batch in sorted(requests_of(meeting.key).items()):
        asked = [item for item in batch if before is None or item.created_at <= before]
        people = {item.assignee for item in asked if item.assignee is not None}
        if any(item.assignee is None for item in asked):
            for role in inputs["roles"]:
                people |= {person.key for person in register.holders(str(role), agency_key=agency_key)}
        notices.send(
            notices.Template.TASK_REMINDER,
            sorted(people),
            reference=meeting.reference,
            what=_owing(len(asked)),
            due=min((item.due_at for item in asked if item.due_at is not None), default=None),
            path=f"/research/{meeting.key}",
            dedupe=f"{context.idempotency_key}:{agency_key}",
            area_key=meeting.area_key,
        )


def _owing(number: int) -> str:
    cases = "one case" if number == 1 else f"{number} cases"
    return f"Your agency has not yet answered the research for {cases} of this meeting."


@operation(
    "list-silent-agencies",
    "List the agencies that have not answered",
    inputs={"meetingId?": "id"},
    outputs={"silentAgencies": "list"},
)
def list_silent_agencies(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every agency with an open request. Each gets a deadline of its own at this meeting, which a decision may extend."""
    meeting = planning.find(meeting_of(context, inputs))
    due = deadlines.current(meeting.key, "researchDue")
    at: datetime = due.due_at if due is not None else context.now
    silent = sorted(requests_of(meeting.key))
    for agency_key in silent:
        deadlines.record(
            meeting.key,
            f"returns-{agency_key}",
            at,
            rule='deadline("researchDue")',
            parameter="researchDueWorkingDays, researchDueTime",
            source="MARAC procedure, section 8",
        )
    return {"silentAgencies": [str(key) for key in silent]}


def late_request(meeting_key: int, agency_key: int, element_id: str) -> WorkItem | None:
    """The first of an agency's open requests for a meeting, when that is what is late."""
    batch = requests_of(meeting_key, agency_key).get(agency_key, [])
    return batch[0] if batch and batch[0].element_id == element_id else None
