"""Looking for what has stopped without the engine knowing: tasks that nobody can take, notices, documents and jobs that have
failed for good. Each becomes an incident, and the incident ends by itself when the cause is gone.

Workers look once a minute. A task whose role nobody holds is found however the role was lost: never given, ended, or everybody
who holds it shut out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.agencies import service as agencies
from app.documents import service as documents
from app.documents.models import Document, DocumentStatus
from app.errors import NotFound
from app.forms.errors import ExpressionFailed
from app.identity import register
from app.identity.roles import role_title
from app.notices import service as notices
from app.notices.models import Notice, NoticeState
from app.runtime import releases
from app.runtime.mending import raise_elsewhere, resolve
from app.runtime.mending.elsewhere import retries
from app.runtime.models import Incident, IncidentState, Instance
from app.runtime.ports import TaskOpened
from app.runtime.step import WAKE
from app.store.alone import after_others
from app.store.clock import wall_now
from app.store.database import db, reading, short_write
from app.store.jobs import Job, JobState
from app.work.models import BY_NAME, Candidate, ItemState, WorkItem

EVERY = timedelta(minutes=1)
AT_MOST = 500
ROLE, FORM, NOTICE, DOCUMENT, JOB = "ROLE", "FORM", "NOTICE", "DOCUMENT", "JOB"
_ELSEWHERE = frozenset({"notice.send", "document.make", WAKE, "runtime.retry"})
"""Kinds of job whose failure is told with the notice, the document or the instance itself."""

_looked: datetime | None = None


def watch() -> None:
    """The workers' chore: look, if nobody of this process has for a minute."""
    global _looked
    now = wall_now()
    if _looked is not None and now - _looked < EVERY:
        return
    _looked = now
    look()


def look() -> int:
    """Look now, in a transaction of its own; the number of incidents that began or ended. Nothing is written when nothing is amiss."""
    with reading():
        amiss = _amiss()
        db.session.rollback()
    if not amiss:
        return 0
    with short_write():
        after_others("incidents of the installation")
        return _settle()


def _amiss() -> bool:
    return bool(_open_elsewhere() or _unstaffed() or _failed_notices() or _failed_documents() or _failed_jobs())


def _settle() -> int:
    lonely = _unstaffed()
    failed: list[tuple[str, Any]] = [
        *((NOTICE, one) for one in _failed_notices()),
        *((DOCUMENT, one) for one in _failed_documents()),
        *((JOB, one) for one in _failed_jobs()),
    ]
    wanted: set[tuple[str, int | None, int, int | None]] = {
        (ROLE, item.instance_key, item.task_id, None) for item in lonely
    }
    wanted |= {(kind, getattr(one, "instance_key", None), 0, one.key) for kind, one in failed}
    known = {(row.kind, row.instance_key, row.task_id, row.subject_key): row for row in _open_elsewhere()}
    over = [
        row
        for identity, row in known.items()
        if (_form_is_in_order(row) if row.kind == FORM else identity not in wanted)
    ]
    for row in over:
        resolve(row, None)
    new_lonely = [item for item in lonely if (ROLE, item.instance_key, item.task_id, None) not in known]
    for item in new_lonely:
        _nobody(item)
    new_failed = [(k, one) for k, one in failed if (k, getattr(one, "instance_key", None), 0, one.key) not in known]
    for kind, one in new_failed:
        _failed(kind, one)
    return len(over) + len(new_lonely) + len(new_failed)


# ------------------------------------------------------------------------------------------------ roles
class _Staff:
    """Who is there, asked once for each role at each agency."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int | None, int], bool] = {}

    def has(self, role: str, agency_key: int | None, area_key: int) -> bool:
        asked = (role, agency_key, area_key)
        if asked not in self._known:
            self._known[asked] = self._find(role, agency_key, area_key)
        return self._known[asked]

    def _find(self, role: str, agency_key: int | None, area_key: int) -> bool:
        if role.startswith(BY_NAME):
            try:
                return bool(register.person_for(int(role.removeprefix(BY_NAME))).roles)
            except NotFound:
                return False
        return bool(register.holders(role, agency_key=agency_key, area_key=area_key))


def _unstaffed() -> list[WorkItem]:
    """Open tasks that nobody holds and nobody may take."""
    staff = _Staff()
    offered = db.session.execute(select(Candidate.area_key, Candidate.role, Candidate.agency_key).distinct()).all()
    lonely = [row for row in offered if not staff.has(row.role, row.agency_key, row.area_key)]
    found: dict[int, WorkItem] = {}
    for row in lonely:
        query = (
            select(WorkItem)
            .join(Candidate, Candidate.item_key == WorkItem.key)
            .where(
                Candidate.area_key == row.area_key,
                Candidate.role == row.role,
                Candidate.agency_key.is_(None) if row.agency_key is None else Candidate.agency_key == row.agency_key,
                WorkItem.state == ItemState.OPEN,
                WorkItem.assignee.is_(None),
            )
            .limit(AT_MOST)
        )
        found.update((item.key, item) for item in db.session.execute(query).scalars())
    offers: dict[int, list[str]] = {}
    for item_key, role in db.session.execute(
        select(Candidate.item_key, Candidate.role).where(Candidate.item_key.in_(found))
    ):
        offers.setdefault(item_key, []).append(role)
    return [
        item
        for item in found.values()
        if not any(staff.has(role, item.agency_key, item.area_key) for role in offers.get(item.key, ()))
    ]


def _nobody(item: WorkItem) -> None:
    roles = " or ".join(role_title(role) for role in item.roles) or "a person who has been shut out"
    agency = agencies.names(item.area_key).get(item.agency_key) if item.agency_key is not None else None
    where = f" at {agency}" if agency else ""
    raise_elsewhere(
        ROLE,
        f"Nobody can take this task: it is for {roles}{where}, and nobody holds that role.",
        area_key=item.area_key,
        instance_key=item.instance_key,
        process_id=item.process_id,
        element_id=item.element_id,
        task_id=item.task_id,
        details={"roles": list(item.roles), "agency": str(item.agency_key) if item.agency_key is not None else None},
    )


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
def _failed_notices() -> list[Notice]:
    return notices.list_failed(AT_MOST)


def _failed_documents() -> list[Document]:
    query = select(Document).where(Document.status == DocumentStatus.FAILED).order_by(Document.key).limit(AT_MOST)
    return list(db.session.execute(query).scalars())


def _failed_jobs() -> list[Job]:
    query = (
        select(Job).where(Job.state == JobState.FAILED, Job.kind.not_in(_ELSEWHERE)).order_by(Job.key).limit(AT_MOST)
    )
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
    query = select(Incident).where(Incident.state == IncidentState.ACTIVE, Incident.kind.in_(retries))
    return list(db.session.execute(query).scalars())


# ------------------------------------------------------------------------------------------------ trying again
def _role_again(row: Incident, by: int | None) -> bool:
    return (row.instance_key, row.task_id) not in {(item.instance_key, item.task_id) for item in _unstaffed()}


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
        {ROLE: _role_again, FORM: _form_again, NOTICE: _notice_again, DOCUMENT: _document_again, JOB: _job_again}
    )
