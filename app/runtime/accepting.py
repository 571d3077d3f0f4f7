"""Completing a user task with all that follows, or accepting the completion so that what follows comes at once in a job of its own.

A completion through a page or the API is one transaction of at most :data:`STATEMENTS` statements. What follows it goes along as long
as there is room: it is tried in memory first. Otherwise the completion is kept with the instance's state, and a job begins as soon as it
is committed. Nothing comes in between: whatever takes a step of the instance lets the completions that were accepted take their course
first, each at the instant at which it was accepted. So nobody can tell the two ways apart but by looking in the moment between them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from app.runtime import codec
from app.runtime.engine.workflow import Accepted
from app.runtime.errors import InstanceEnded, InstanceNotFound, NotSettled, StaleInstance, TaskNotOpen, UnreadableState
from app.runtime.models import Instance, InstanceStatus
from app.runtime.ports import ports
from app.runtime.step import Unsettled, find, load, step
from app.runtime.turn import held, in_memory, locked, turn
from app.runtime.usertasks import complete_task
from app.store import flushing, spending
from app.store.attempt import NoRoom, attempt
from app.store.clock import as_of, business_now
from app.store.database import db
from app.store.jobs import Job, JobState
from app.store.promptly import enqueue_promptly
from app.tracing import following, request_id

log = logging.getLogger("convenor.runtime")

CONTINUE = "runtime.continue"
STATEMENTS = 12
_ITS_RECORD = 1  # the audit's entry
_STILL_TO_COME = 2 + _ITS_RECORD  # when it is accepted, besides what waits to be written: the instance and the job

_REQUEST = "request"  # in what is kept of a completion: what follows it is recorded as done for that request

_EPOCH, _MICROSECOND = datetime.fromtimestamp(0, UTC), timedelta(microseconds=1)

_FIRST = "What follows a completed task of this procedure could not be run. Try its incident again first."

_acting: ContextVar[int | None] = ContextVar("convenor_acting", default=None)


def acting() -> int | None:
    """Whose completion takes its course; None when nobody's does (a timer, a message)."""
    return _acting.get()


@contextmanager
def _acts(by: int | None) -> Iterator[None]:
    token = _acting.set(by)
    try:
        yield
    finally:
        _acting.reset(token)


def complete(
    instance_key: int, task_id: int, variables: Mapping[str, Any], *, by: int, first: Callable[[], object] | None
) -> None:
    """A person has done a task: do first what its form brings with it, and run on to the next wait.

    :param first: None when it brings nothing with it.
    :raises TaskNotOpen, VariableRefused, InstanceEnded: nothing has happened.
    """
    with _acts(by):
        if first is not None:
            settle_first(find(instance_key, lock=True))
            first()
        complete_task(instance_key, task_id, variables, by=by)


def complete_or_accept(
    instance_key: int,
    task_id: int,
    variables: Mapping[str, Any],
    *,
    by: int,
    first: Callable[[], object] | None,
    about: Mapping[str, Any],
) -> None:
    """The same; where there is no room for what follows, the completion is accepted.

    :param about: what :meth:`app.runtime.ports.UserTasks.follow` needs to do later what would have been done first.
    :raises TaskNotOpen, VariableRefused, InstanceEnded: nothing has happened.
    """
    row = locked(instance_key)
    if spending.sent() is None or row is None:
        complete(instance_key, task_id, variables, by=by, first=first)
        return
    accepting = flushing.statements() + _STILL_TO_COME

    def asks() -> None:
        """After one more question there must still be room for accepting it."""
        _require_room(1 + accepting)

    def fits() -> None:
        _require_room(flushing.statements() + _ITS_RECORD)

    def whole() -> None:
        complete(instance_key, task_id, variables, by=by, first=first)

    try:
        with _acts(by):  # until all is done: who is told of the next tasks is asked last
            in_memory(whole, also=[row], asks=asks, fits=fits)
    except NoRoom:
        _accept(row, task_id, variables, by, about)


def _require_room(statements: int) -> None:
    if (spending.sent() or 0) + statements > STATEMENTS:
        raise NoRoom


def _accept(row: Instance, task_id: int, variables: Mapping[str, Any], by: int, about: Mapping[str, Any]) -> None:
    with turn() as running:
        held(row.key)
        if row.status != InstanceStatus.ACTIVE:
            raise InstanceEnded("This procedure has ended.", resource_id=str(row.key))
        wf, _ = load(row)
        if wf.accepted:  # somebody was quicker than the job: the task may be gone when that has taken its course
            settle_first(row)
            wf, _ = load(row)
        task = next((each for each in wf.user_tasks() if each.id == task_id), None)
        if task is None:
            raise TaskNotOpen("This task is no longer open.", resource_id=str(task_id))
        given = task.workflow.spec.declarations.admit_all(variables)
        at = (business_now() - _EPOCH) // _MICROSECOND
        kept = {**about, _REQUEST: request_id()} if about else about
        wf.accepted.append(Accepted(task_id, by, at, given, kept))
        row.state = codec.dumps(wf)
        enqueue_promptly(CONTINUE, {"instance": str(row.key)}, instance_key=row.key)
        running.writes = True


def is_settled(instance_key: int) -> bool:
    """Whether every completion of an instance has taken its course, as far as this server can tell.

    :raises InstanceNotFound: there is no such instance.
    """
    row = find(instance_key)
    try:
        return row.status != InstanceStatus.ACTIVE or not load(row)[0].accepted
    except UnreadableState:  # of a later version while both run
        return True


def settle_first(row: Instance, unsettled: Unsettled = Unsettled.REFUSED) -> None:
    """Somebody is about to take a step of the instance: let what it has accepted take its course. The row is locked.

    :param unsettled: what becomes of the step when that cannot be done; nothing has been done of it then.
    :raises NotSettled: the step is refused.
    """
    with turn() as running:

        def course() -> None:
            """Perhaps for the second time: nothing is left of the first."""
            with running.apart():
                settle(row)

        try:
            if unsettled is Unsettled.REFUSED:
                settle(row)
            else:
                attempt(course)
        except (NotSettled, StaleInstance, DBAPIError):
            raise
        except Exception as error:
            # Errors of ours too: to whoever takes the step they would say that the instance has ended, or is not there.
            log.warning("what follows a completion failed", extra={"instance": row.key}, exc_info=error)
            if unsettled is Unsettled.REFUSED:
                raise NotSettled(_FIRST, resource_id=str(row.key)) from error
            running.expected.clear()  # who waits for what is under way was asked while it took its course
            if unsettled is Unsettled.DROPPED:
                drop(row)


def drop(row: Instance) -> None:
    """The instance is about to end: nothing follows any more from the completions that it has accepted."""
    wf, _ = load(row)
    if wf.accepted:
        wf.accepted.clear()
        row.state = codec.dumps(wf)


def settle(row: Instance) -> None:
    """Let the completions that an instance has accepted take their course, in their order. The row is locked."""
    with turn() as running:
        if row.status != InstanceStatus.ACTIVE or row.key in running.settling:
            return
        running.settling.add(row.key)
        try:
            had_incident = row.has_incident
            for one in load(row)[0].accepted:
                _take_course(row.key, one)
            if had_incident:  # a job that was given up for it has nothing left to do
                given_up = (Job.instance_key == row.key, Job.kind == CONTINUE, Job.state == JobState.FAILED)
                db.session.execute(delete(Job).where(*given_up).execution_options(synchronize_session=False))
        finally:
            running.settling.discard(row.key)


def _take_course(instance_key: int, one: Accepted) -> None:
    """With all that is sent to others by it, and who is told; what was under way before comes after it, at its own time."""
    about = dict(one.about)
    request = about.pop(_REQUEST, None)
    with as_of(_EPOCH + one.at * _MICROSECOND), _acts(one.by), following(request), turn() as running, running.apart():
        ports.user_tasks.follow(about)
        with step(instance_key) as taken:
            taken.wf.accepted.pop(0)
            if one.task_id in taken.wf.ready:
                taken.completed_task = one.task_id
                taken.wf.complete_task(one.task_id, one.variables)
            else:  # what its form brought with it has ended it
                log.warning("a completion came to nothing", extra={"instance": instance_key, "task": one.task_id})


def run_continue_job(job: Job) -> None:
    """The job handler. When somebody has taken a step of the instance meanwhile, nothing is left to do."""
    key = int(job.payload["instance"])
    with turn():
        try:
            row = held(key) or find(key, lock=True)
        except InstanceNotFound:
            return
        settle(row)
