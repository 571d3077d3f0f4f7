"""Waking instances whose timers are due, and re-arming what hangs on a deadline that has moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update

from app.runtime.engine.task import FlowTask
from app.runtime.errors import Fault, InstanceEnded, InstanceNotFound
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, TimerRow
from app.runtime.ports import ports
from app.runtime.step import Step, Unsettled, step
from app.runtime.turn import hold, is_busy, is_held, turn
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Job

_TIMERS = "The timers of this instance"
_NOT_RUN = {"runtime.continue": "What follows a completed task of this instance"}
ALARM = "TIMER"  # the kind of an incident that says that an instance, its task 0, could not be woken or let go on


def wake(instance_key: int, *, has_alarm: bool = True) -> None:
    """Fire what is due in an instance, and set its alarm for the next time. An instance that has ended is left
    alone.

    :param has_alarm: there may be a job of its name; False: it is known that there is none.
    """
    try:
        with step(instance_key) as taken:
            taken.is_wake, taken.has_alarm = True, has_alarm
            taken.wf.advance()
    except (InstanceEnded, InstanceNotFound):
        return


def run_wake_job(job: Job) -> None:
    """The job handler. The job has ended already and its name is free, unless an earlier step of this transaction has taken it."""
    key = int(job.payload["instance"])
    wake(key, has_alarm=job.dedupe_key is None or not is_held(key))


def prepare_wake_jobs(jobs: Sequence[Job]) -> set[int]:
    """Lock and load the instances of several wakes in one statement. One that somebody else holds just now is left for later.

    :returns: the jobs that were left out.
    """
    wanted = {int(job.payload["instance"]): job.key for job in jobs}
    query = select(Instance).where(Instance.key.in_(wanted)).order_by(Instance.key)
    rows = list(db.session.execute(query.with_for_update(skip_locked=len(wanted) > 1)).scalars())
    hold(rows)
    return {wanted[key] for key in wanted.keys() - {row.key for row in rows}}


def wake_failed(job: Job, error: BaseException) -> None:
    """The last attempt to let an instance go on has failed: an operator must see it."""
    row = db.session.get(Instance, int(job.payload["instance"]), populate_existing=True)
    if row is None or row.status != InstanceStatus.ACTIVE:
        return
    row.has_incident = True
    db.session.add(
        Incident(
            instance_key=row.key,
            area_key=row.area_key,
            process_id=row.process_id,
            element_id=row.process_id,
            task_id=0,
            kind=ALARM,
            message=f"{_NOT_RUN.get(job.kind, _TIMERS)} could not be run ({type(error).__name__}).",
            details={"error": type(error).__name__},
            created_at=business_now(),
        )
    )


def settle_alarm(row: Instance, now: datetime) -> None:
    """An instance with an incident has taken a step. When nothing is overdue any more, an alarm that could not be run has been made up for;
    until then the instance is one of those that have stopped."""
    of_alarm = (
        Incident.instance_key == row.key,
        Incident.task_id == 0,
        Incident.kind == ALARM,
        Incident.state == IncidentState.ACTIVE,
    )
    if row.next_due is None or row.next_due > now:
        db.session.execute(update(Incident).where(*of_alarm).values(state=IncidentState.RESOLVED, resolved_at=now))
    elif not row.has_incident:
        row.has_incident = db.session.execute(select(Incident.key).where(*of_alarm).limit(1)).first() is not None


def rearm_deadline(dossier: int, name: str) -> int:
    """The deadline of that name of a case or meeting has moved: compute again every timer and due date bound to it,
    in this transaction.

    A meeting's deadline also moves what hangs on it in the cases that have none of their own.
    While an instance is in the middle of a step it is done after that step, and the answer is 0.

    :returns: how many timers and due dates were computed again.
    """
    if is_busy():
        with turn() as running:
            running.later(lambda: rearm_deadline(dossier, name))
        return 0
    with turn():
        return sum(_rearm(key, name) for key in _bound(dossier, name))


def _bound(dossier: int, name: str) -> list[int]:
    """Active instances that may ask for this deadline of the case or meeting and have something bound to one of that name; and those of
    the area that are stopped for want of one.

    A deadline of a meeting is asked for in the cases that are listed for it, and one of a case in other instances by a task about it:
    computing a timer again that hangs on another case's deadline changes nothing. The other cases of the area are not touched.
    """
    waiting = select(TimerRow.instance_key).where(TimerRow.deadline == name)
    stopped = select(Incident.instance_key).where(Incident.state == IncidentState.ACTIVE, Incident.kind == "TIMER")
    areas = select(Instance.area_key).where(or_(Instance.case_key == dossier, Instance.meeting_key == dossier))
    dossiers = ports.deadlines.reach(dossier)
    asking = or_(
        Instance.case_key.in_(dossiers),
        Instance.meeting_key.in_(dossiers),
        Instance.key.in_(ports.user_tasks.about(dossiers)),
    )
    return list(
        db.session.execute(
            select(Instance.key)
            .where(
                Instance.status == InstanceStatus.ACTIVE,
                Instance.area_key.in_(areas),
                or_(and_(asking, Instance.key.in_(waiting)), Instance.key.in_(stopped)),
            )
            .order_by(Instance.key)
        ).scalars()
    )


def _rearm(instance_key: int, name: str) -> int:
    try:
        with step(instance_key, unsettled=Unsettled.STANDS) as taken:
            timers = taken.wf.rearm(name)
            dues = _move_dues(taken, name)
            if timers:
                taken.wf.advance()
            else:
                taken.unchanged = not dues
            return timers + dues
    except (InstanceEnded, InstanceNotFound):
        return 0


def _move_dues(taken: Step, name: str) -> int:
    """The user tasks that are due by the deadline. Returns how many have another due date now."""
    moved = [found for task in taken.wf.user_tasks() if (found := _new_due(taken, task, name)) is not None]
    if len(moved) > 1:
        ports.user_tasks.expect([taken.row.key])
    for task_id, due in moved:
        ports.user_tasks.due_moved(taken.row.key, task_id, due)
    return len(moved)


def _new_due(taken: Step, task: FlowTask, name: str) -> tuple[int, datetime | None] | None:
    """A user task that is due by the deadline, and when, if that is another instant now."""
    own = task.internal_data.get("deadline")
    due: datetime | None
    if own is not None and own[0] == name:
        due = taken.world.deadline_of(name, own[1])
    elif name in task.internal_data.get("dueby", ()):
        try:
            due = task.task_spec.plan.due_at(task.task_spec, task)
        except Fault:
            return None
    else:
        return None
    milliseconds = None if due is None else int(due.timestamp() * 1000)
    if milliseconds == task.internal_data.get("dueat"):
        return None
    task.internal_data["dueat"] = milliseconds
    return task.id, due
