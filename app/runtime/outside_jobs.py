"""Work that waits for a worker outside: handed out with a lease, completed, failed, thrown as an error.

A job is a row beside its task. What ends it is one step of its instance, so that it happens once: whoever comes second
is told. A worker that is silent beyond its lease loses the job to the next that asks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, insert, or_, select, true, update

from app.errors import Conflict, Invalid, NotFound
from app.runtime.declarations import Declarations
from app.runtime.engine.task import FlowTask
from app.runtime.errors import Fault, InstanceEnded, InstanceNotFound
from app.runtime.job_models import OutsideJob, OutsideJobState
from app.runtime.language import to_plain
from app.runtime.models import Instance
from app.runtime.retries import pauses
from app.runtime.step import find, load, step
from app.store.clock import wall_now
from app.store.database import db, new_key

if TYPE_CHECKING:
    from app.runtime.snapshot import Snapshot
    from app.runtime.step import Step

ERROR_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,120}")

RETRIES = 3
LONGEST_MESSAGE = 500


class JobNotFound(NotFound):
    """No such job, or it has ended."""

    title = "Not found"


class JobNotYours(Conflict):
    """Somebody else has taken the job since, or it waits for somebody to mend it."""

    title = "The job cannot be changed now"


@dataclass(frozen=True, slots=True)
class Handed:
    """A job as a worker gets it.

    :param variables: what the task sees, as JSON: only declared variables and the task's own mappings, where the
        process declares any.
    """

    job: OutsideJob
    instance: Instance
    variables: Mapping[str, Any]


# ------------------------------------------------------------------------------------------------ handing out
def _waiting(area_key: int, type_: str, now: datetime, barred: Select[int] | None) -> ColumnElement[bool]:
    of_others = select(Instance.key).where(Instance.case_key.in_(barred)) if barred is not None else None
    return and_(
        OutsideJob.instance_key.not_in(of_others) if of_others is not None else true(),
        OutsideJob.area_key == area_key,
        OutsideJob.type == type_,
        OutsideJob.state.in_((OutsideJobState.CREATED, OutsideJobState.FAILED)),
        OutsideJob.retries > 0,
        or_(OutsideJob.deadline.is_(None), OutsideJob.deadline <= now),
        or_(OutsideJob.available_at.is_(None), OutsideJob.available_at <= now),
    )


def any_waiting(area_key: int, type_: str, *, barred: Select[int] | None = None) -> bool:
    """Whether a worker that asked now would get something."""
    return bool(db.session.execute(select(exists().where(_waiting(area_key, type_, wall_now(), barred)))).scalar())


def hand_out(
    area_key: int,
    type_: str,
    *,
    worker: str,
    limit: int,
    timeout: timedelta,
    names: Collection[str] | None = None,
    barred: Select[int] | None = None,
) -> list[Handed]:
    """Give a worker the next jobs of a type: most urgent first, then the oldest.

    :param timeout: how long the worker has them, wall time.
    :param names: of the variables, only these; everything that a worker may see when None.
    :param barred: the keys of the cases that the worker may have nothing to do with.
    """
    now = wall_now()
    query = (
        select(OutsideJob)
        .where(_waiting(area_key, type_, now, barred))
        .order_by(OutsideJob.priority.desc(), OutsideJob.key)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    handed: list[Handed] = []
    by_instance: dict[int, list[OutsideJob]] = {}
    for job in db.session.execute(query).scalars():
        by_instance.setdefault(job.instance_key, []).append(job)
    for instance_key, jobs in by_instance.items():
        row = find(instance_key)
        for job, seen in zip(jobs, _seen(row, jobs), strict=True):
            if seen is None:
                continue
            job.worker, job.deadline, job.updated_at = worker[:120], now + timeout, now
            job.lease, job.state, job.available_at = job.lease + 1, OutsideJobState.CREATED, None
            shown = {n: v for n, v in seen.items() if names is None or n in names}
            handed.append(Handed(job, row, to_plain(shown)))
    return sorted(handed, key=lambda each: (-each.job.priority, each.job.key))


def _seen(row: Instance, jobs: Sequence[OutsideJob]) -> list[dict[str, Any] | None]:
    """What the task of each job sees; None when it has ended meanwhile."""
    if not row.state:
        return [None] * len(jobs)
    wf, _ = load(row)
    tasks = {task.id: task for task in wf.outside_jobs()}
    return [_variables(tasks[job.task_id]) if job.task_id in tasks else None for job in jobs]


def _variables(task: FlowTask) -> dict[str, Any]:
    seen = task.top.scopes.visible(task.scope)
    declared = task.workflow.spec.declarations
    if not declared:
        return seen
    own = {target.split(".")[0] for target, _ in task.task_spec.inputs_map}
    return {name: value for name, value in seen.items() if name in declared.types or name in own}


# ------------------------------------------------------------------------------------------------ what a worker tells
@contextmanager
def _on(job_key: int, token: str | None) -> Iterator[tuple[Step, FlowTask, OutsideJob]]:
    """A step of the job's instance, with the job as it is now that the instance is ours.

    :raises JobNotFound, JobNotYours: it cannot be changed.
    """
    gone = JobNotFound("There is no such job, or it has ended.", resource_id=str(job_key))
    found = db.session.get(OutsideJob, job_key)
    if found is None or found.ended_at is not None:
        raise gone
    try:
        find(found.instance_key, lock=True)
    except InstanceNotFound:
        raise gone from None
    job = db.session.get(OutsideJob, job_key, populate_existing=True)
    if job is None or job.ended_at is not None:
        raise gone
    if token is not None and token != str(job.lease):
        raise JobNotYours(
            "Your time for this job had run out, and another worker has it now.", resource_id=str(job_key)
        )
    try:
        with step(job.instance_key) as taken:
            task = taken.wf.ready.get(job.task_id)
            if task is None:
                raise gone
            if task.id in taken.wf.incidents:
                raise JobNotYours("This job waits for somebody to mend its incident.", resource_id=str(job_key))
            yield taken, task, job
    except InstanceEnded:
        raise gone from None


def complete(job_key: int, variables: Mapping[str, Any] | None = None, *, token: str | None = None) -> OutsideJob:
    """The work is done: take the variables and run on to the next wait.

    :raises JobNotFound: it has ended: completed already, or cancelled by the diagram.
    :raises JobNotYours: another worker has it, or it waits to be mended.
    :raises VariableRefused: a variable is not declared, or of another type.
    """
    with _on(job_key, token) as (taken, task, job):
        given = _admitted(task, variables or {})
        job.state, job.ended_at, job.updated_at = OutsideJobState.COMPLETED, taken.world.now, wall_now()
        taken.wf.complete_job(task.id, given)
    return job


def fail(
    job_key: int,
    *,
    retries: int,
    message: str = "",
    back_off: timedelta = timedelta(0),
    variables: Mapping[str, Any] | None = None,
    token: str | None = None,
) -> OutsideJob:
    """The work could not be done: try again after a while, or without retries left stop with an incident.

    :raises JobNotFound, JobNotYours, VariableRefused: see :func:`complete`.
    """
    with _on(job_key, token) as (taken, task, job):
        given = _admitted(task, variables or {})
        if given:
            scopes = taken.wf.scopes
            if task.id not in scopes:
                scopes.open(task.id, task.outer)
            for name, value in given.items():
                scopes.set_local(task.id, name, value)
        said = _kept(taken.row, message)
        job.state, job.retries, job.error_message, job.updated_at = OutsideJobState.FAILED, retries, said, wall_now()
        job.deadline, job.available_at = None, wall_now() + back_off
        if retries <= 0:
            what = "The worker outside could not do this, and no try is left."
            details = {"operation": job.type, "job": str(job.key)}
            taken.wf.raise_incident(
                task, Fault(f"{what} It said: {said}" if said else what, kind="OPERATION", details=details)
            )
        taken.unchanged = retries > 0 and not given
    return job


def throw_error(
    job_key: int,
    code: str,
    *,
    message: str = "",
    variables: Mapping[str, Any] | None = None,
    token: str | None = None,
) -> OutsideJob:
    """The work ended with an error that the diagram knows; what nothing catches is an incident.

    :raises JobNotFound, JobNotYours, VariableRefused: see :func:`complete`. :raises Invalid: the code is not a name.
    """
    if not ERROR_CODE.fullmatch(code):  # it is kept with the job: no place for words about a person
        raise Invalid(
            "An error code is a name of at most 120 letters, digits, full stops, colons, hyphens and underscores."
        )
    with _on(job_key, token) as (taken, task, job):
        given = task.workflow.spec.declarations.admit_all(variables or {})
        said = _kept(taken.row, message)
        job.state, job.error_code, job.error_message = OutsideJobState.ERROR_THROWN, code, said
        job.updated_at, job.deadline = wall_now(), None
        what = f"The worker outside threw the error {code}, and nothing catches it."
        if taken.wf.throw_job_error(task.id, code, f"{what} It said: {said}" if said else what, given):
            job.ended_at = taken.world.now
        else:
            taken.wf.incidents[task.id].details["job"] = str(job.key)
    return job


def change(
    job_key: int,
    *,
    retries: int | None = None,
    timeout: timedelta | None = None,
    priority: int | None = None,
    token: str | None = None,
) -> OutsideJob:
    """Change how often it may still be tried, how long its worker still has it, how urgent it is.

    :raises JobNotFound: it has ended. :raises JobNotYours: nobody has it, so that no time can be given.
    """
    job = db.session.get(OutsideJob, job_key, populate_existing=True, with_for_update=True)
    if job is None or job.ended_at is not None:
        raise JobNotFound("There is no such job, or it has ended.", resource_id=str(job_key))
    now = wall_now()
    held = job.deadline is not None and job.deadline > now
    if token is not None and token != str(job.lease):
        raise JobNotYours("Another worker has this job now.", resource_id=str(job_key))
    if timeout is not None and not held:
        raise JobNotYours("No worker has this job now, so that its time cannot be changed.", resource_id=str(job_key))
    if timeout is not None:
        job.deadline = now + timeout
    job.retries = job.retries if retries is None else retries
    job.priority = job.priority if priority is None else priority
    job.updated_at = now
    return job


def _admitted(task: FlowTask, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What the worker sends, as FEEL values. Where output mappings pick from it, names of its own may be among it."""
    declared: Declarations = task.workflow.spec.declarations
    if not task.task_spec.outputs_map:
        return declared.admit_all(variables)
    free = Declarations()
    return {n: (declared if n in declared.types else free).admit(n, v) for n, v in variables.items()}


def _kept(row: Instance, message: str) -> str | None:
    """What a worker says of a case may name somebody, so that it is not kept."""
    if row.case_key is not None or row.meeting_key is not None:
        return None
    return message[:LONGEST_MESSAGE] or None


# ------------------------------------------------------------------------------------------------ with each step
def mirror(taken: Step, after: Snapshot) -> None:
    """Write what a step has changed: new jobs, jobs that the diagram has cancelled, jobs whose incident is mended."""
    row, before, now = taken.row, taken.before, wall_now()
    gone = before.jobs - after.jobs
    if gone:
        db.session.execute(
            update(OutsideJob)
            .where(OutsideJob.instance_key == row.key, OutsideJob.task_id.in_(gone), OutsideJob.ended_at.is_(None))
            .values(state=OutsideJobState.CANCELED, ended_at=taken.world.now, updated_at=now)
        )
    mended = {i for i in before.jobs & after.jobs if i in before.incidents and i not in after.incidents}
    if mended:
        db.session.execute(
            update(OutsideJob)
            .where(OutsideJob.instance_key == row.key, OutsideJob.task_id.in_(mended), OutsideJob.ended_at.is_(None))
            .values(
                state=OutsideJobState.CREATED,
                retries=case((OutsideJob.retries < 1, 1), else_=OutsideJob.retries),
                available_at=None,
                deadline=None,
                updated_at=now,
            )
        )
    new = sorted(after.jobs - before.jobs)
    if new:
        db.session.execute(insert(OutsideJob), [_row(taken, taken.wf.ready[task_id], now) for task_id in new])


def _row(taken: Step, task: FlowTask, now: datetime) -> dict[str, Any]:
    spec = task.task_spec
    return {
        "key": new_key(),
        "area_key": taken.row.area_key,
        "instance_key": taken.row.key,
        "task_id": task.id,
        "definition_key": taken.row.definition_key,
        "process_id": task.workflow.spec.process_id,
        "element_id": spec.bpmn_id,
        "type": spec.operation[:200],
        "headers": dict(spec.headers),
        "state": OutsideJobState.CREATED,
        "retries": tries(spec.retries),
        "created_at": taken.world.now,
        "updated_at": now,
    }


def tries(text: str | None) -> int:
    """How often a job may be tried in all, by the same forms as an operation; three times unless said. The pauses are for the
    worker to ask for."""
    if not (text or "").strip():
        return RETRIES
    try:
        return len(pauses(text)) + 1
    except ValueError:
        return RETRIES


def forget(instance_keys: Collection[int]) -> None:
    """Destroy what is known of the jobs of instances."""
    db.session.execute(delete(OutsideJob).where(OutsideJob.instance_key.in_(instance_keys)))
