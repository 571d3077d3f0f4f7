"""States, deadlines, closing and destroying a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask import current_app

from app import documents, notices
from app.cases import deadlines, destruction
from app.cases.dossiers import find_case, set_state
from app.cases.models import CaseState
from app.documents.models import DocumentStatus, Kind
from app.errors import Invalid, Unavailable
from app.meetings import agenda
from app.operations.forgetting import forget_in_meetings
from app.operations.holding import dispose
from app.operations.registry import case_of, operation
from app.operations.retaining import held_since_decided, review_again
from app.runtime import service as runtime
from app.runtime.ports import OperationContext
from app.store.clock import LONDON, business_now, end_of_day
from app.store.database import db, truncate_wal
from app.store.jobs import Job, enqueue
from app.work import purge


@operation(
    "set-case-state",
    "Set the state of the case",
    inputs={"state": "string", "caseId?": "id"},
    outputs={"stateSince": "date and time"},
)
def set_case_state(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Move the case through its state machine (01-marac §4)."""
    try:
        state = CaseState(str(inputs["state"]))
    except ValueError:
        raise Invalid(f"There is no case state {inputs['state']}.", resource_id=context.element_id) from None
    set_state(case_of(context, inputs), state)
    return {"stateSince": business_now()}


def as_instant(value: Any, element_id: str | None) -> datetime:
    """An instant from a FEEL value: a date means the end of that London day."""
    plain = value
    if isinstance(plain, str):
        plain = datetime.fromisoformat(plain) if "T" in plain else date.fromisoformat(plain)
    if isinstance(plain, datetime):
        return plain if plain.tzinfo else plain.replace(tzinfo=LONDON)
    if isinstance(plain, date):
        return end_of_day(plain)
    raise Invalid("A deadline needs a date or a date and time.", resource_id=element_id)


@operation(
    "set-deadline",
    "Set a named deadline of the case",
    inputs={
        "name": "string",
        "at": "date and time",
        "rule?": "string",
        "parameter?": "string",
        "source?": "string",
        "caseId?": "id",
    },
)
def set_deadline(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Record a deadline with its rule and source (DESIGN rule 4)."""
    deadlines.record(
        case_of(context, inputs),
        str(inputs["name"]),
        as_instant(inputs["at"], context.element_id),
        rule=str(inputs.get("rule") or ""),
        parameter=str(inputs.get("parameter") or ""),
        source=str(inputs.get("source") or ""),
    )


@operation(
    "close-case",
    "Close the case: its flag begins to run",
    inputs={"flagUntil": "date", "caseId?": "id"},
)
def close_case(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """All actions are closed (E8). The flag runs from the last referral (01-marac §3)."""
    case_key = case_of(context, inputs)
    set_state(case_key, CaseState.ACTIONS_CLOSED)
    at = as_instant(inputs["flagUntil"], context.element_id)
    rule, source = "last referral + flagDuration", "MARAC procedure, section 3"
    deadlines.record(case_key, "flagUntil", at, rule=rule, parameter="flagDuration", source=source)


@operation("destroy-case", "Destroy the case", inputs={"caseId?": "id"}, outputs={"destruction": "string"})
def destroy_case(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Destroy everything sealed with the case and what the engine knows of it. A legal hold blocks it (01-marac §4)."""
    case_key = case_of(context, inputs)
    if find_case(case_key).legal_hold:
        return {"destruction": "HELD"}
    enqueue("case.destroy", {"case": str(case_key)}, dedupe_key=f"destroy:{case_key}")
    return {"destruction": "DESTROYED"}


def destroy_job(job: Job) -> None:
    """Destroy a case once the step that decided it has been committed; ask again when a legal hold was set since."""
    case_key = int(job.payload["case"])
    if held_since_decided(case_key, job):
        review_again(case_key)
    else:
        destroy(case_key, by=None)


def destroy(case_key: int, *, by: int | None) -> None:
    """Destroy a case in the caller's transaction: content, documents, drafts, notices, engine state."""
    case = find_case(case_key)
    forget_in_meetings(case)
    destruction.destroy_case(case_key, by=by)
    documents.destroy_all(case_key=case_key)
    _cut_from_meeting_papers(case_key)
    notices.forget(case.reference)
    purge.forget_case(case_key)
    runtime.forget_case(case_key)
    enqueue("case.destroyed", {"dossier": str(case_key)}, dedupe_key=f"destroyed:{case_key}")


def _cut_from_meeting_papers(case_key: int) -> None:
    """Destroy the papers of meetings that speak of the case. What other cases still need is made again without it; what tells of another
    case that is under a legal hold is put away as well."""
    for meeting_key in agenda.meetings_of(case_key):
        left = {c.key for c in agenda.cases(meeting_key) if c.key != case_key and c.state != CaseState.DISPOSED}
        for paper in documents.list_for(meeting_key=meeting_key):
            named = {int(key) for key in paper.params.get("cases") or ()}
            gone = paper.status == DocumentStatus.DESTROYED or paper.kind == Kind.ATTENDANCE
            if gone or (named and case_key not in named):
                continue
            kept, params = left & named if named else left, paper.params
            if paper.put_away_for:
                kept = set()
            dispose(paper)
            if kept and paper.superseded_by is None and paper.kind != Kind.ACTION_PLAN:
                documents.request(
                    paper.kind,
                    area_key=paper.area_key,
                    meeting_key=meeting_key,
                    copy_holder=paper.copy_holder_agency,
                    for_agency=paper.for_agency,
                    about=paper.about_key,
                    created_by=None,
                    params={**params, "cases": sorted(kept)},
                )


def replay(ledger: Path) -> int:
    """Destroy again the cases that a restored database holds although the ledger lists them; how many. A hold that the backup still shows
    had been lifted by the time the case was destroyed."""
    found = destruction.to_destroy_again(ledger)
    for case_key in found:
        find_case(case_key).legal_hold = False
        destroy(case_key, by=None)
    return len(found)


def after_destruction(job: Job) -> None:
    """Outside the step: the ledger entry, and SQLite's log emptied.

    :raises Unavailable: others kept the log in use; the job is tried again.
    """
    folder: Path = current_app.config["SETTINGS"].data / "ledger"
    dossier = int(job.payload["dossier"])
    db.session.commit()  # the transaction that the job was read in would be in the way
    destruction.append_ledger(folder, dossier)
    if not truncate_wal():
        raise Unavailable("The database's log could not be emptied while it was in use.")
