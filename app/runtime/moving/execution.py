"""Moving one instance, and moving it back: each in the caller's transaction, whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm.exc import StaleDataError

from app.errors import Conflict
from app.runtime import releases
from app.runtime.accepting import settle_first
from app.runtime.errors import StaleInstance
from app.runtime.job_models import OPEN as OPEN_JOBS
from app.runtime.job_models import OutsideJob
from app.runtime.models import (
    Incident,
    IncidentState,
    Instance,
    InstanceStatus,
    ProcessDefinition,
    Subscription,
    TimerRow,
)
from app.runtime.moving.elements import ElementMap
from app.runtime.moving.outlook import InstancePlan
from app.runtime.moving.planning import Prepared, prepare
from app.runtime.offering import task_opened
from app.runtime.ports import HistoryEvent, TaskMoved, ports
from app.runtime.snapshot import snapshot
from app.runtime.step import WAKE, Step, find, load
from app.runtime.turn import STALE, Turn, turn
from app.store import jobs
from app.store.clock import business_now
from app.store.database import db


class CannotMove(Conflict):
    """The instance cannot move; ``plan`` says why."""

    title = "The case cannot move"

    def __init__(self, plan: InstancePlan) -> None:
        super().__init__(plan.why or "It cannot move.", resource_id=str(plan.instance_key))
        self.plan = plan


class CannotGoBack(Conflict):
    """The move can no longer be undone."""

    title = "The case cannot move back"


@dataclass(frozen=True, slots=True)
class Before:
    """How an instance was before it moved: the engine's state, and what mirrored it in other tables."""

    state: bytes
    mirror: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """An instance that has moved.

    :param revision: the instance's now; None when something has happened in it since, in the same transaction.
    """

    plan: InstancePlan
    before: Before
    revision: int | None


def move(instance_key: int, target: ProcessDefinition, elements: ElementMap, recompute: Collection[str] = ()) -> Moved:
    """Move an instance to a version of its process. Nothing in it happens by the move: what is due already fires in a step of its own, and
    completions that were accepted have taken their course before.

    Named deadlines among those to compute again are not moved here; the plan says which, for whoever records the decision.

    :raises CannotMove: something stands in the way.
    :raises InstanceNotFound, MappingRefused: as they say.
    """
    with turn() as running:
        if instance_key in running.active:
            raise Conflict("This instance is in the middle of a step.", resource_id=str(instance_key))
        row = find(instance_key, lock=True)
        settle_first(row)
        prepared = prepare(row, target, elements, recompute)
        if not prepared.plan.can_move:
            raise CannotMove(prepared.plan)
        mirror = _mirror_of(row)
        before = Before(row.state, mirror)
        running.active.add(row.key)
        try:
            _save(row, target, prepared, running)
        finally:
            running.active.discard(row.key)
        _keep_waiting_since(row.key, mirror["subscriptions"], elements, prepared)
        _rename(row.key, target.key, elements)
        mirror["work"] = ports.user_tasks.moved(row.key, target.release_key, _tasks(row, prepared), elements.pairs)
        for change in prepared.plan.deadlines:
            if change.moves and change.name is None:
                ports.user_tasks.due_moved(row.key, change.task_id, change.would_be)
        _note(row, "release-changed", mirror["definition"], target.key)
        revision = row.revision
    return Moved(prepared.plan, before, revision if row.revision == revision else None)


def _save(row: Instance, target: ProcessDefinition, prepared: Prepared, running: Turn) -> None:
    """The step that does nothing but stand somewhere else."""
    assert prepared.wf is not None
    assert prepared.world is not None
    was, _ = load(row)
    before = snapshot(was)
    for table in (TimerRow, Subscription):  # events may have other ids: all of it is written anew
        db.session.execute(delete(table).where(table.instance_key == row.key))
    before.timers, before.subscriptions = {}, {}
    row.definition_key, row.release_key = target.key, target.release_key
    for flow in prepared.wf.flows():
        flow.update_waiting_tasks()
    Step(row, prepared.wf, prepared.world, before, running).save()
    if prepared.wf._next() is not None:  # an inclusive gateway that now waits for nobody
        jobs.enqueue(WAKE, {"instance": str(row.key)}, dedupe_key=f"wake:{row.key}", instance_key=row.key)
        db.session.flush()


def _tasks(row: Instance, prepared: Prepared) -> list[TaskMoved]:
    return [TaskMoved(task_opened(row, seen.task.id, seen.entry), seen.changed) for seen in prepared.seen]


# ------------------------------------------------------------------------------------------------ what mirrors the state
def _mirror_of(row: Instance) -> dict[str, Any]:
    incidents = db.session.execute(
        select(Incident.key, Incident.element_id).where(
            Incident.instance_key == row.key, Incident.state == IncidentState.ACTIVE
        )
    )
    outside = db.session.execute(
        select(OutsideJob.key, OutsideJob.element_id, OutsideJob.definition_key).where(
            OutsideJob.instance_key == row.key, OutsideJob.state.in_(OPEN_JOBS)
        )
    )
    return {
        "definition": str(row.definition_key),
        "release": str(row.release_key),
        "next_due": _text(row.next_due),
        "has_incident": row.has_incident,
        "timers": _rows(TimerRow, row.key),
        "subscriptions": _rows(Subscription, row.key),
        "incidents": [[str(key), element] for key, element in incidents],
        "outside": [[str(key), element, str(definition)] for key, element, definition in outside],
    }


def _rows(model: Any, instance_key: int) -> list[dict[str, Any]]:
    table = model.__table__
    found = db.session.execute(select(table).where(table.c.instance_key == instance_key)).mappings()
    return [
        {name: _text(value) if isinstance(value, datetime) else value for name, value in row.items()} for row in found
    ]


def _put_back(model: Any, instance_key: int, rows: list[Mapping[str, Any]], moments: Collection[str]) -> None:
    db.session.execute(delete(model).where(model.instance_key == instance_key))
    if rows:
        values = [{name: _moment(value) if name in moments else value for name, value in row.items()} for row in rows]
        db.session.execute(insert(model.__table__), values)


def _keep_waiting_since(
    instance_key: int, rows: list[dict[str, Any]], elements: ElementMap, prepared: Prepared
) -> None:
    """Who has waited longest for a message gets it first, moved or not."""
    for row in rows:
        if row["task_id"] in prepared.renewed:
            continue
        db.session.execute(
            update(Subscription)
            .where(
                Subscription.instance_key == instance_key,
                Subscription.task_id == row["task_id"],
                Subscription.event_id == elements.of(row["process_id"], row["event_id"]),
            )
            .values(opened_at=_moment(row["opened_at"]))
            .execution_options(synchronize_session=False)
        )


def _rename(instance_key: int, definition_key: int, elements: ElementMap) -> None:
    """Incidents and work outside that wait, under the new names."""
    db.session.execute(
        update(OutsideJob)
        .where(OutsideJob.instance_key == instance_key, OutsideJob.state.in_(OPEN_JOBS))
        .values(definition_key=definition_key)
        .execution_options(synchronize_session=False)
    )
    if not elements.pairs:
        return
    stopped = select(Incident).where(Incident.instance_key == instance_key, Incident.state == IncidentState.ACTIVE)
    for incident in db.session.execute(stopped).scalars():
        incident.element_id = elements.of(incident.process_id, incident.element_id)
    outside = select(OutsideJob).where(OutsideJob.instance_key == instance_key, OutsideJob.state.in_(OPEN_JOBS))
    for job in db.session.execute(outside).scalars():
        job.element_id = elements.of(job.process_id, job.element_id)


def _note(row: Instance, kind: str, source: str, target: int) -> None:
    versions = {
        "from": str(releases.definition(int(source)).version),
        "to": str(releases.definition(target).version),
    }
    ports.history.note(
        HistoryEvent(
            kind,
            business_now(),
            row.key,
            row.area_key,
            row.case_key,
            row.meeting_key,
            row.process_id,
            "",
            0,
            releases.definition(target).name or row.process_id,
            versions,
        )
    )


# ------------------------------------------------------------------------------------------------ the way back
def move_back(instance_key: int, before: Before, revision: int | None) -> Instance:
    """Undo a move exactly: state, timers, subscriptions and work items as they were.

    :param revision: the instance's when it had moved.
    :raises CannotGoBack: something has happened in it since.
    """
    row = find(instance_key, lock=True)
    if row.status != InstanceStatus.ACTIVE:
        raise CannotGoBack("It has ended since.", resource_id=str(instance_key))
    if revision is None or row.revision != revision:
        raise CannotGoBack("Something has happened in it since it moved.", resource_id=str(instance_key))
    mirror = before.mirror
    try:
        ports.user_tasks.moved_back(instance_key, mirror.get("work", {}))
    except Conflict as conflict:
        raise CannotGoBack(conflict.message, resource_id=str(instance_key)) from conflict
    left = row.definition_key
    row.state, row.definition_key, row.release_key = before.state, int(mirror["definition"]), int(mirror["release"])
    row.next_due, row.has_incident = _moment(mirror["next_due"]), mirror["has_incident"]
    try:
        db.session.flush()
    except StaleDataError as error:
        raise StaleInstance(STALE, resource_id=str(instance_key)) from error
    _put_back(TimerRow, instance_key, mirror["timers"], ("due_at",))
    _put_back(Subscription, instance_key, mirror["subscriptions"], ("opened_at",))
    for key, element in mirror["incidents"]:
        found = db.session.get(Incident, int(key))
        if found is not None:
            found.element_id, found.state, found.resolved_at = element, IncidentState.ACTIVE, None
    for key, element, definition in mirror["outside"]:
        job = db.session.get(OutsideJob, int(key))
        if job is not None:
            job.element_id, job.definition_key = element, int(definition)
    if row.next_due is not None:
        jobs.enqueue(
            WAKE,
            {"instance": str(row.key)},
            due_at=row.next_due,
            dedupe_key=f"wake:{row.key}",
            instance_key=row.key,
        )
    else:
        jobs.cancel(f"wake:{row.key}")
    db.session.flush()
    _note(row, "release-restored", str(left), row.definition_key)
    return row


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
