"""What a legal hold means for papers that tell of more than the case itself (docs/decisions/0008-held-papers.md).

A hold comes before every duty to destroy (05-supporting DMN-S8, first row). A meeting's paper that tells of a held case is not destroyed
but put away: as it is, out of reach of those who had it. The co-ordinator keeps the copies on paper and those of agencies. When the last
hold on a case that it tells of is lifted, what should have been destroyed goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app import documents
from app.cases import holds, submissions
from app.cases.dossiers import find_case
from app.cases.models import Case
from app.documents.models import Document, DocumentStatus, Kind
from app.meetings import agenda, planning
from app.meetings.models import MeetingState
from app.operations import retaining
from app.runtime import service as runtime
from app.store.database import db
from app.store.shelf import fetch
from app.work.models import ItemState, WorkItem

AGENDA = "agenda"
RELEASED = "held-papers-released"
TASK = "DestroyHeldPapers"


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of a meeting that somebody may have on their desk, or on their own machine.

    :param retain: it is kept, by the meeting's decision (F-M14) or by a hold; None: nothing has been decided.
    :param held: only a legal hold keeps it.
    """

    value: str
    label: str
    retain: bool | None
    held: bool


def papers_of(meeting_key: int, *, again: bool = False) -> list[Paper]:
    """The meeting's papers: the agenda, and what informed each case's plan.

    :param again: only those that are left once the papers were settled, or the meeting cancelled; nothing but a hold or the meeting's
        decision keeps them.
    """
    held = _held_at(meeting_key)
    found = [(AGENDA, "Agenda as circulated", bool(held))]
    for case in agenda.cases(meeting_key):
        found += [
            (f"referral-{case.key}", f"{case.reference}: referral and risk checklist", case.key in held),
            (f"research-{case.key}", f"{case.reference}: what agencies released to the meeting", case.key in held),
            (f"plan-{case.key}", f"{case.reference}: action plan and notes taken in the room", case.key in held),
        ]
    decided, gone = _decided(meeting_key), _destroyed(meeting_key) if again else set()
    return [
        Paper(value, label, True if held else keep, held and not keep)
        for value, label, held in found
        if value not in gone
        for keep in [decided.get(value, False if again else None)]
    ]


def _held_at(meeting_key: int) -> set[int]:
    """The held cases that stand or stood on a meeting's agenda."""
    lines = agenda.items(meeting_key, withdrawn=True)
    fetch(Case, [line.case_key for line in lines])
    return {line.case_key for line in lines if find_case(line.case_key).legal_hold}


def any_held(meeting_key: int) -> bool:
    """Whether a case that stands or stood on the meeting's agenda is under a legal hold."""
    return bool(_held_at(meeting_key))


def _decided(meeting_key: int) -> dict[str, bool]:
    latest = submissions.latest(meeting_key, "marac-retention-list")
    rows = submissions.read(latest).get("documents") or [] if latest is not None else []
    return {str(row.get("value")): row.get("retain") in ("yes", True) for row in rows}


def _destroyed(meeting_key: int) -> set[str]:
    done = submissions.of(meeting_key, "marac-destroy-papers")
    return {str(row.get("value")) for one in done for row in submissions.read(one).get("destroyed") or []}


def cases_in(paper: Document) -> set[int]:
    """Every case that a meeting's document tells of."""
    named = paper.put_away_for or {int(key) for key in paper.params.get("cases") or ()}
    if named:
        return set(named)
    # An agenda may have gone out before a case was withdrawn from it.
    return {line.case_key for line in agenda.items(paper.meeting_key or 0, withdrawn=paper.kind == Kind.AGENDA)}


def dispose(paper: Document) -> None:
    """Destroy a meeting's document; put it away while it tells of a case under a legal hold.

    One that has not been made is destroyed: nobody ever had it.
    """
    cases = cases_in(paper)
    if paper.status == DocumentStatus.READY and any(find_case(key).legal_hold for key in cases):
        documents.put_away(paper.key, cases)
    else:
        documents.destroy(paper.key)


def lift(case_key: int, *, reason: str, by: int) -> None:
    """Lift a case's hold, and let go of what it alone kept: documents are destroyed, the co-ordinator is asked to destroy the rest, and
    whoever decides on the retention of the case is asked again.

    :raises app.cases.errors.WrongState: no hold is set.
    """
    holds.lift_hold(case_key, reason=reason, by=by)
    for meeting_key in agenda.meetings_of(case_key):
        _let_go(meeting_key, case_key)
    retaining.ask_now(case_key, by=by)


def _let_go(meeting_key: int, case_key: int) -> None:
    kept = [paper for paper in documents.list_for(meeting_key=meeting_key) if case_key in paper.put_away_for]
    for paper in kept:
        dispose(paper)
    meeting = planning.find(meeting_key)
    settled = bool(submissions.of(meeting_key, "marac-destroy-papers"))
    if meeting.state == MeetingState.CANCELLED:
        settled = bool(kept)
    if (
        settled
        and not _asked(meeting_key)
        and any(paper.retain is False for paper in papers_of(meeting_key, again=True))
    ):
        payload = {"meetingId": str(meeting_key)}
        runtime.publish_message(RELEASED, "", payload, area_key=meeting.area_key, meeting_key=meeting_key)


def _asked(meeting_key: int) -> bool:
    """Whether the co-ordinator has been asked already, when another hold was lifted, and has not answered."""
    waiting = select(WorkItem.key).where(
        WorkItem.meeting_key == meeting_key, WorkItem.element_id == TASK, WorkItem.state == ItemState.OPEN
    )
    return db.session.execute(waiting.limit(1)).first() is not None
