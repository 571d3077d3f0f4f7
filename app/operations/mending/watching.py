"""Looking for what has stopped without the engine knowing: tasks that nobody can take, notices, documents and jobs that have
failed for good. Each becomes an incident, and the incident ends by itself when the cause is gone.

Workers look once a minute.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from app.documents import service as documents
from app.documents.models import Document, DocumentStatus
from app.forms.errors import ExpressionFailed
from app.notices import service as notices
from app.notices.models import Notice, NoticeState
from app.operations.mending import staffing
from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.accepting import CONTINUE
from app.runtime.mending import raise_elsewhere, resolve
from app.runtime.mending.elsewhere import retries
from app.runtime.models import Incident, IncidentState, Instance
from app.runtime.ports import TaskOpened
from app.runtime.retries import RETRY
from app.runtime.step import WAKE
from app.store.alone import after_others
from app.store.clock import wall_now
from app.store.database import db, reading, short_write
from app.store.jobs import Job, JobState
from app.work import mirror
from app.work.models import ItemState, WorkItem

EVERY = timedelta(minutes=1)
AT_MOST = 500
FORM, NOTICE, DOCUMENT, JOB = "FORM", "NOTICE", "DOCUMENT", "JOB"
_ELSEWHERE = frozenset({"notice.send", "document.make", WAKE, CONTINUE, RETRY})
"""Kinds of job whose failure is told with the notice, the document or the instance itself."""


def look() -> int:
    """The workers' chore: look, in a transaction of its own; the number of incidents that began or ended.

    Nothing is written when nothing is amiss.
    """
    with reading():
        amiss = _amiss()
        db.session.rollback()
    if not amiss:
        return 0
    with short_write():
        after_others("incidents of the installation")
        return _settle()


def _amiss() -> bool:
    return bool(_open_elsewhere() or staffing.without_anybody() or any(_untold(kind) for kind in _SUBJECTS))


def _settle() -> int:
    lonely = staffing.without_anybody()
    failed: list[tuple[str, Any]] = [
        *((kind, one) for kind in _SUBJECTS for one in _untold(kind)),
    ]
    wanted: set[tuple[str, int | None, int, int | None]] = {
        (staffing.ROLE, item.instance_key, item.task_id, None) for item in lonely
    }
    known = {(row.kind, row.instance_key, row.task_id, row.subject_key): row for row in _open_elsewhere()}
    seen_all = len(lonely) < AT_MOST
    over = [
        row
        for identity, row in known.items()
        if (seen_all and identity not in wanted if row.kind == staffing.ROLE else _is_in_order(row))
    ]
    for row in over:
        resolve(row, None)
    new_lonely = [item for item in lonely if (staffing.ROLE, item.instance_key, item.task_id, None) not in known]
    for item in new_lonely:
        staffing.tell(item)
    for kind, one in failed:
        _failed(kind, one)
    return len(over) + len(new_lonely) + len(failed)


def _is_in_order(row: Incident) -> bool:
    """Whether what an incident tells of is over, by what it tells of itself: it may be one of thousands."""
    if row.kind == FORM:
        return _form_is_in_order(row)
    model, failed = _SUBJECTS[row.kind]
    return db.session.execute(select(model.key).where(model.key == row.subject_key, failed)).first() is None


# ------------------------------------------------------------------------------------------------ forms
def opened(task: TaskOpened) -> None:
    """A task has been entered whose form is not in its release: nobody could fill it in."""
    if task.form_id is None or releases.parsed(task.release_key).form(task.form_id) is not None:
        return
    raise_elsewhere(
        FORM,
        f"The form {task.form_id} of this task is not in the release that the procedure runs on.",
        area_key=task.area_key,
        instance_key=task.instance_key,
        process_id=task.process_id,
        element_id=task.element_id,
        task_id=task.task_id,
        details={"form": task.form_id},
    )


def form_failed(item_key: int, error: ExpressionFailed) -> None:
    """An expression of a task's form could not be worked out while somebody filled it in: in a transaction of its own, whatever
    the request had begun being undone. Once for each task and expression."""
    with short_write():
        item = db.session.get(WorkItem, item_key)
        if item is None or item.state != ItemState.OPEN:
            return
        known = select(Incident).where(
            Incident.instance_key == item.instance_key,
            Incident.task_id == item.task_id,
            Incident.kind == FORM,
            Incident.state == IncidentState.ACTIVE,
        )
        if any(row.details.get("expression") == f"={error.expression}" for row in db.session.execute(known).scalars()):
            return
        raise_elsewhere(
            FORM,
            f"The expression ={error.expression} of the form {item.form_id} failed: {error.why}",
            area_key=item.area_key,
            instance_key=item.instance_key,
            process_id=item.process_id,
            element_id=item.element_id,
            task_id=item.task_id,
            details={"form": item.form_id, "expression": f"={error.expression}", "saw": error.saw, "why": [error.why]},
        )


def _form_is_in_order(row: Incident) -> bool:
    """Whether nobody waits for the form any more, or it is there after all."""
    item = db.session.execute(
        select(WorkItem).where(WorkItem.instance_key == row.instance_key, WorkItem.task_id == row.task_id)
    ).scalar_one_or_none()
    if item is None or item.state != ItemState.OPEN or item.form_id is None:
        return True
    return "expression" not in row.details and releases.parsed(item.release_key).form(item.form_id) is not None


# ------------------------------------------------------------------------------------------------ what failed
_SUBJECTS: dict[str, tuple[Any, ColumnElement[bool]]] = {
    NOTICE: (Notice, Notice.state == NoticeState.FAILED),
    DOCUMENT: (Document, Document.status == DocumentStatus.FAILED),
    JOB: (Job, and_(Job.state == JobState.FAILED, Job.kind.not_in(_ELSEWHERE))),
}


def _untold(kind: str) -> list[Any]:
    """What has failed and is no incident yet, oldest first; more than these in the next minute."""
    model, failed = _SUBJECTS[kind]
    told = select(Incident.subject_key).where(
        Incident.kind == kind, Incident.state == IncidentState.ACTIVE, Incident.subject_key.is_not(None)
    )
    query = select(model).where(failed, model.key.not_in(told)).order_by(model.key).limit(AT_MOST)
    return list(db.session.execute(query).scalars())


def _failed(kind: str, row: Any) -> None:
    if kind == NOTICE:
        message = f"The notice {row.template} about {row.reference} could not be sent ({row.failure})."
    elif kind == DOCUMENT:
        message = f"The document {row.kind}, version {row.version}, could not be made."
    else:
        message = f"The job {row.kind} has failed for good after {row.attempts} attempts ({(row.error or '').partition(':')[0]})."
    instance = db.session.get(Instance, row.instance_key) if kind == JOB and row.instance_key is not None else None
    raise_elsewhere(
        kind,
        message,
        area_key=getattr(row, "area_key", None) if kind != JOB else (instance.area_key if instance else None),
        instance_key=instance.key if instance is not None else None,
        process_id=instance.process_id if instance is not None else "",
        element_id=str(row.kind if kind != NOTICE else row.template),
        subject_key=row.key,
        details={"attempts": getattr(row, "attempts", None)},
    )


def _open_elsewhere() -> list[Incident]:
    kinds = (staffing.ROLE, FORM, *_SUBJECTS)
    query = select(Incident).where(Incident.state == IncidentState.ACTIVE, Incident.kind.in_(kinds))
    return list(db.session.execute(query).scalars())


# ------------------------------------------------------------------------------------------------ trying again
def _role_again(row: Incident, by: int | None) -> bool:
    """The task is offered again to whom its diagram names by now; whether somebody can do it."""

    def nobody() -> bool:
        return (row.instance_key, row.task_id) in {
            (one.instance_key, one.task_id) for one in staffing.without_anybody()
        }

    if (
        row.instance_key is not None
        and nobody()
        and (found := runtime.offer(row.instance_key, row.task_id)) is not None
    ):
        mirror.offer_again(found.task)
    return not nobody()


def _form_again(row: Incident, by: int | None) -> bool:
    """An expression is tried again by whoever opens the form next; when it fails again there is a new incident."""
    return "expression" in row.details or _form_is_in_order(row)


def _notice_again(row: Incident, by: int | None) -> bool:
    notice = db.session.get(Notice, row.subject_key)
    if notice is not None and notice.state == NoticeState.FAILED:
        notices.requeue(notice)
    return True


def _document_again(row: Incident, by: int | None) -> bool:
    document = db.session.get(Document, row.subject_key)
    if document is not None and document.status == DocumentStatus.FAILED:
        documents.retry(document.key)
    return True


def _job_again(row: Incident, by: int | None) -> bool:
    job = db.session.get(Job, row.subject_key)
    if job is not None and job.state == JobState.FAILED:
        job.state, job.attempts, job.run_after, job.error = JobState.QUEUED, 0, wall_now(), None
        job.lease_owner = job.lease_until = None
    return True


def register_retries() -> None:
    """Say how incidents from outside a step are tried again; call once at start-up."""
    retries.update(
        {
            staffing.ROLE: _role_again,
            FORM: _form_again,
            NOTICE: _notice_again,
            DOCUMENT: _document_again,
            JOB: _job_again,
        }
    )
