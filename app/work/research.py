"""The research sheet: one agency's open research tasks for one meeting, answered in one sitting, each recorded as its own task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select

from app.access.permissions import Permission
from app.cases.clearance import searched_parties
from app.cases.models import Case
from app.cases.parties import PartyDetails
from app.identity.person import Person
from app.store.database import db
from app.store.flushing import unwritten
from app.work.completion import complete
from app.work.eligibility import allowed
from app.work.errors import UnknownItem
from app.work.inbox import InboxRow, rows_of
from app.work.items import claim
from app.work.models import ItemState, WorkItem

SHEET = "research"
CONFIRM = "ConfirmDestruction"  # the second of an agency's two tasks of a case


@dataclass(frozen=True)
class SheetRow:
    """One case on the sheet: whom to search for, and the task that waits.

    :param step: ``search`` while the return is open, ``confirm`` while the destruction is to be confirmed.
    :param held: the case is under a legal hold: the request is handed in, not destroyed.
    """

    item: WorkItem
    reference: str
    parties: list[tuple[str, PartyDetails]]
    step: str
    held: bool = False


@dataclass(frozen=True)
class Sheet:
    """What one agency still has to answer for one meeting."""

    meeting_key: int
    rows: list[SheetRow]


def sheet(meeting_key: int, person: Person) -> Sheet:
    """The person's agency's open research tasks for a meeting, in the order of the references.

    :raises UnknownItem: there is nothing of theirs at that meeting.
    """
    items = [i for i in _open(meeting_key) if _answerable(person, i)]
    if not items:
        raise UnknownItem("There is no research to answer for this meeting.", resource_id=str(meeting_key))
    rows = []
    for item in items:
        case = db.session.get(Case, item.case_key)
        if case is None:
            continue
        step = "confirm" if item.element_id == CONFIRM else "search"
        rows.append(SheetRow(item, case.reference, searched_parties(person, case), step, held=case.legal_hold))
    return Sheet(meeting_key, sorted(rows, key=lambda r: r.reference))


def _answerable(person: Person, item: WorkItem) -> bool:
    """Whether the person may answer a case: it is offered to them, or they hold it already."""
    wanted = Permission.WORK_ITEM_COMPLETE if item.assignee == person.key else Permission.WORK_ITEM_CLAIM
    return allowed(person, wanted, item)


def _open(meeting_key: int) -> list[WorkItem]:
    """Open sheet tasks of the cases listed for a meeting."""
    listed = select(Case.key).where(Case.meeting_key == meeting_key)
    query = select(WorkItem).where(WorkItem.case_key.in_(listed), WorkItem.state == ItemState.OPEN)
    if any(isinstance(row, Case) and inspect(row).attrs.meeting_key.history.has_changes() for row in db.session.dirty):
        db.session.flush()
    with unwritten(WorkItem, changed=True) as fresh:
        rows = list(db.session.execute(query.order_by(WorkItem.key)).scalars())
    for item in fresh:
        case = db.session.get(Case, item.case_key) if item.case_key is not None else None
        if case is not None and case.meeting_key == meeting_key:
            rows.append(item)
    return [item for item in rows if item.state == ItemState.OPEN and item.properties.get("sheet") == SHEET]


def open_requests(meeting_key: int) -> list[WorkItem]:
    """Research requests of a meeting's cases that nobody has answered, whoever's they are."""
    return [item for item in _open(meeting_key) if item.element_id == "ResearchAgency"]


def open_of(case_key: int, agency_key: int) -> list[WorkItem]:
    """An agency's research tasks of a case that it has not answered."""
    query = select(WorkItem).where(
        WorkItem.case_key == case_key, WorkItem.agency_key == agency_key, WorkItem.state == ItemState.OPEN
    )
    found = db.session.execute(query.order_by(WorkItem.key).with_for_update()).scalars()
    return [item for item in found if item.properties.get("sheet") == SHEET and item.element_id != CONFIRM]


def outstanding(meeting_key: int, person: Person) -> list[InboxRow]:
    """Research returns of a meeting that are still open, of those that the person may know of."""
    found = [i for i in _open(meeting_key) if allowed(person, Permission.WORK_ITEM_SEE, i)]
    return rows_of(person, found)


def answer_nothing_held(
    item_keys: Iterable[int], person: Person, *, search_answers: dict[str, Any], confirmation: dict[str, Any]
) -> list[WorkItem]:
    """Record, for each of several cases, that nothing is held on any party, and confirm the destruction of the request.

    Two tasks of each case are completed, each on its own record (Hillingdon ISA 3, seventh principle b). One
    transaction: all of them or none.

    :param search_answers: answers of the research form with outcome nothing held.
    :param confirmation: answers of the confirmation form.
    """
    done = []
    for key in item_keys:
        item = claim(key, person)
        if item.element_id != CONFIRM:
            complete(key, person, search_answers, via="sheet")
            done.append(item)
            following = _confirmation_after(item)
            if following is None:
                continue
            item = claim(following.key, person)
        complete(item.key, person, confirmation, via="sheet")
        done.append(item)
    return done


def _confirmation_after(item: WorkItem) -> WorkItem | None:
    return db.session.execute(
        select(WorkItem)
        .where(
            WorkItem.instance_key == item.instance_key,
            WorkItem.case_key == item.case_key,
            WorkItem.agency_key == item.agency_key,
            WorkItem.element_id == CONFIRM,
            WorkItem.state == ItemState.OPEN,
        )
        .limit(1)
    ).scalar()
