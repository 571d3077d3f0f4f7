"""A decision to destroy a case that meets a legal hold: the hold wins, and somebody is asked about retention again (docs/decisions/0008).

Between the decision and the job that destroys lie seconds; days, when no worker runs. Whoever sets a hold then must not learn that it
came too late, and whoever lifts it destroys nothing by that: the decision was taken when nobody had said that the case is evidence.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app import audit, feel
from app.agencies import parameters
from app.cases import deadlines, holds, submissions
from app.cases.dossiers import lock_case, set_state
from app.cases.models import Case, CaseState
from app.cases.timeline import note
from app.runtime import service as runtime
from app.runtime.models import InstanceStatus
from app.store.clock import LONDON, business_now, end_of_day
from app.store.database import db
from app.store.jobs import Job
from app.work.models import ItemState, WorkItem

NOT_DESTROYED = "not-destroyed"
_BEGINS, _PROCESS, _TASK, _FORM = "retention-begins", "marac-retention", "ReviewRetention", "marac-retention-review"
_DEADLINE = "retentionReview"


def held_since_decided(case_key: int, job: Job) -> bool:
    """Whether the case that a job is to destroy is under a hold, or was since the decision. It is locked: no hold can be set meanwhile."""
    if lock_case(case_key).legal_hold:
        return True
    return any(each.kind == holds.SET and each.at >= job.due_at for each in holds.decisions(case_key))


def review_again(case_key: int) -> None:
    """The case is not destroyed. It is retained, and its next review comes as soon as that of any case that a hold alone keeps."""
    case = lock_case(case_key)
    note(case_key, NOT_DESTROYED)
    audit.record("case.not-destroyed", actor=None, case_key=case_key)
    if case.state == CaseState.RETENTION_DUE:
        set_state(case_key, CaseState.RETAINED)
    if any(one.process_id == _PROCESS and one.status == InstanceStatus.ACTIVE for one in runtime.of_case(case_key)):
        return
    last = _last_review(case_key)
    kept_by = last.agency_key if last is not None else None
    payload = {
        "caseId": str(case_key),
        "reviewDue": _after(case, "legalHoldReview"),
        "keptBy": str(kept_by) if kept_by is not None else None,
    }
    runtime.publish_message(_BEGINS, "", payload, area_key=case.area_key, case_key=case_key)


def ask_now(case_key: int, *, by: int) -> None:
    """A hold has been lifted. If it alone kept the case, because it was to be destroyed, whoever decided is asked now."""
    case = lock_case(case_key)
    latest = submissions.latest(case_key, _FORM)
    due = deadlines.current(case_key, _DEADLINE)
    if case.state != CaseState.RETAINED or latest is None or due is None or _is_asked(case_key):
        return
    # A day less than the usual time, so that the reminder is due already.
    soon = end_of_day(_after(case, "retentionReminderLead") - timedelta(days=1))
    if submissions.read(latest).get("retentionDecision") == "DISPOSE" and due.due_at > soon:
        reason = "The legal hold that alone kept this case has been lifted."
        deadlines.move(case_key, _DEADLINE, soon, by=by, reason=reason, rearm=runtime.rearm_deadline)
        audit.record("deadline.move", actor=by, subject=f"deadline:{_DEADLINE}", case_key=case_key, detail=reason)


def _after(case: Case, parameter: str) -> date:
    """Today and the time that a parameter of the area says."""
    today = business_now().astimezone(LONDON).date()
    known: dict[str, Any] = {
        "today": feel.from_python(today),
        "length": parameters.values(case.area_key).get(parameter),
    }
    found = feel.to_python(feel.evaluate("today + length", known))
    return found if isinstance(found, date) else today


def _last_review(case_key: int) -> WorkItem | None:
    query = select(WorkItem).where(WorkItem.case_key == case_key, WorkItem.element_id == _TASK)
    return db.session.execute(query.order_by(WorkItem.key.desc()).limit(1)).scalar()


def _is_asked(case_key: int) -> bool:
    last = _last_review(case_key)
    return last is not None and last.state == ItemState.OPEN
