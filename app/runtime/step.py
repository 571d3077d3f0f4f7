"""One step of one instance: load, act, run to the next wait, and write what has changed. All in the caller's
transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.orm.util import identity_key

from app.errors import Conflict
from app.runtime import codec, releases, rendezvous, retries
from app.runtime.engine.fold import fold
from app.runtime.engine.host import NoteKind
from app.runtime.engine.workflow import Instance as Engine
from app.runtime.errors import InstanceEnded, InstanceNotFound, StaleInstance
from app.runtime.language import kinds_of
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, Subscription, TimerRow
from app.runtime.offering import task_opened
from app.runtime.ports import HistoryEvent, TaskClosed, ports
from app.runtime.snapshot import Snapshot, snapshot
from app.runtime.turn import STALE, Turn, held, hold, hold_after_waiting, locked, turn
from app.runtime.world import World
from app.store import jobs
from app.store.database import db
from app.store.flushing import put, remove

WAKE = "runtime.wake"
_TIMER = ("instance_key", "task_id", "event_id", "deadline")
_SUBSCRIPTION = ("instance_key", "task_id", "event_id")


class Unsettled(Enum):
    """What becomes of a step when a completion that the instance has accepted before cannot take its course."""

    REFUSED = "refused"
    STANDS = "stands"  # what comes from outside is taken, and nothing goes on before the completion has
    DROPPED = "dropped"  # the instance is cancelled: nothing keeps it


class Step:
    """An instance in memory, between loading and saving."""

    def __init__(self, row: Instance, wf: Engine, world: World, before: Snapshot, turn_: Turn) -> None:
        self.row, self.wf, self.world, self.before, self._turn = row, wf, world, before, turn_
        self.completed_task: int | None = None
        self.terminated = False
        self.is_wake = False
        self.has_alarm = True
        self.unchanged = False
        self.freed: str | None = None
        self.stopped = dict(wf.incidents)

    # ---- saving
    def save(self) -> None:
        """Write the state and everything that mirrors it.

        :raises StaleInstance: somebody else was first.
        """
        if self.unchanged:
            return
        fold(self.wf)
        if self.wf.incidents:
            retries.plan(self)
        after = snapshot(self.wf)
        row, wf = self.row, self.wf
        was_due = row.next_due
        due = wf.next_due()
        row.next_due = None if due is None else _instant(due)
        had_incident, row.has_incident = row.has_incident, bool(after.incidents)
        if wf.completed and row.status == InstanceStatus.ACTIVE:
            row.status = InstanceStatus.TERMINATED if self.terminated else InstanceStatus.COMPLETED
            row.ended_at = self.world.now
            self.freed, row.correlation_key = row.correlation_key, None
        row.state = codec.dumps(wf)
        self._note()
        if not self.is_wake:  # several wakes are written together when their transaction ends
            self._turn.writes = True
        self._mirror_tasks(after)
        self._mirror_timers(after, was_due)
        self._mirror_subscriptions(after, was_due)
        self._mirror_incidents(after)
        if had_incident and wf.accepted:
            row.has_incident = True  # what follows a completion has not been run yet
        elif had_incident:
            from app.runtime import timers

            timers.settle_alarm(row, self.world.now)
        if self.before.jobs or after.jobs:
            from app.runtime import outside_jobs

            outside_jobs.mirror(self, after)
        self._tell()

    def _mirror_tasks(self, after: Snapshot) -> None:
        row = self.row
        closing = sorted(self.before.tasks - after.tasks)
        if len(closing) > 1:
            ports.user_tasks.expect([row.key])
        for task_id in closing:
            own = self.before.own.get(task_id)
            lapsed = own is not None and own not in after.own.values()
            ports.user_tasks.closed(TaskClosed(row.key, task_id, task_id == self.completed_task, lapsed))
        for task_id in sorted(after.tasks - self.before.tasks):
            entry = self.wf.entries[task_id]
            ports.user_tasks.opened(task_opened(row, task_id, entry))

    def _mirror_timers(self, after: Snapshot, was_due: datetime | None) -> None:
        key = self.row.key
        gone = [k for k, at in self.before.timers.items() if after.timers.get(k, 0) != at]
        new = [k for k, at in after.timers.items() if self.before.timers.get(k, 0) != at]
        for known in gone:
            remove(TimerRow, _TIMER, **dict(zip(_TIMER, (key, *known), strict=True)))
        rows = [
            {
                "instance_key": key,
                "task_id": task_id,
                "event_id": event_id,
                "deadline": name,
                "due_at": None if at is None else _instant(at),
            }
            for (task_id, event_id, name), at in ((k, after.timers[k]) for k in new)
        ]
        put(TimerRow, _TIMER, rows)
        if self.row.next_due is not None and (self.is_wake or self.row.next_due != was_due):
            jobs.arm(WAKE, {"instance": str(key)}, self.row.next_due, dedupe_key=f"wake:{key}", instance_key=key)
        elif self.row.next_due is None and was_due is not None and self.has_alarm:
            jobs.disarm(f"wake:{key}")

    def _mirror_subscriptions(self, after: Snapshot, was_due: datetime | None) -> None:
        key = self.row.key
        gone = [k for k in self.before.subscriptions if k not in after.subscriptions]
        new = {k: v for k, v in after.subscriptions.items() if k not in self.before.subscriptions}
        if gone or new:
            changed = [*self.before.subscriptions.values(), *new.values()]
            self._turn.forget({(self.row.area_key, name, correlation) for _, name, correlation, _ in changed})
        for known in gone:
            remove(Subscription, _SUBSCRIPTION, **dict(zip(_SUBSCRIPTION, (key, *known), strict=True)))
        if not new:
            return
        put(
            Subscription,
            _SUBSCRIPTION,
            [
                {
                    "instance_key": key,
                    "task_id": task_id,
                    "event_id": event_id,
                    "area_key": self.row.area_key,
                    "kind": kind,
                    "message": name,
                    "correlation_key": correlation,
                    "process_id": process_id,
                    "opened_at": self.world.now,
                }
                for (task_id, event_id), (kind, name, correlation, process_id) in new.items()
            ],
        )
        waiting = {(name, correlation) for kind, name, correlation, _ in new.values() if kind == "message"}
        if waiting:
            from app.runtime import kept

            rendezvous.to_wait(self.row.area_key, waiting)
            since = self.world.now
            if self.is_wake and was_due is not None:  # woken late, it goes the way it would have gone in time
                since = min(since, was_due)
            for name, correlation in waiting:
                wanted = (self.row.area_key, name, correlation)
                self._turn.wanted[wanted] = min(since, self._turn.wanted.get(wanted, since))
            self._turn.later(lambda: kept.deliver_wanted(self._turn))

    def _mirror_incidents(self, after: Snapshot) -> None:
        row = self.row
        over = [task_id for task_id, text in self.before.incidents.items() if after.incidents.get(task_id) != text]
        if over:
            db.session.execute(
                update(Incident)
                .where(
                    Incident.instance_key == row.key, Incident.task_id.in_(over), Incident.state == IncidentState.ACTIVE
                )
                .values(state=IncidentState.RESOLVED, resolved_at=self.world.now)
            )
        for task_id, text in after.incidents.items():
            if self.before.incidents.get(task_id) == text:
                continue
            task = self.wf.get_task_from_id(task_id)
            incident = self.wf.incidents[task_id]
            details = dict(incident.details)
            details.setdefault("types", kinds_of(self.wf.scopes.visible(task.scope)))
            if row in db.session.new:
                db.session.flush()  # the instance comes before what refers to it
            db.session.add(
                Incident(
                    instance_key=row.key,
                    area_key=row.area_key,
                    process_id=task.workflow.spec.process_id,
                    element_id=task.task_spec.bpmn_id or task.task_spec.name,
                    task_id=task_id,
                    kind=incident.kind,
                    message=incident.message,
                    details=details,
                    created_at=self.world.now,
                )
            )
            self.history(
                "incident", task.workflow.spec.process_id, task.task_spec.bpmn_id or "", task_id, incident.message, {}
            )

    # ---- telling
    def history(
        self, kind: str, process_id: str, element_id: str, task_id: int, title: str, details: dict[str, Any]
    ) -> None:
        row = self.row
        ports.history.note(
            HistoryEvent(
                kind,
                self.world.now,
                row.key,
                row.area_key,
                row.case_key,
                row.meeting_key,
                process_id,
                element_id,
                task_id,
                title,
                details,
            )
        )

    def _note(self) -> None:
        """What happened, for the timeline."""
        for note in self.world.notes:
            if note.kind is not NoteKind.COMPLETED or note.task_id in self.before.tasks:
                self.history(
                    note.kind,
                    note.process_id,
                    note.element_id,
                    note.task_id,
                    note.name or note.element_id,
                    dict(note.details),
                )
        if self.row.status != InstanceStatus.ACTIVE:
            self.history("ended", self.row.process_id, "", 0, self.row.process_id, {"status": self.row.status})

    def _tell(self) -> None:
        """What goes to other instances."""
        self._turn.active.discard(self.row.key)
        self._post()
        if self.freed is not None:
            from app.runtime import kept

            kept.follow(self._turn, self.row.area_key, self.row.process_id, self.freed)

    def _post(self) -> None:
        from app.runtime import addressees, messages, signals, timers

        row = self.row
        origin = messages.Origin(row.area_key, row.case_key, row.meeting_key, row.key, row.release_key)
        for posted in self.world.posted:
            addressees.expect(self._turn, row.area_key, posted.name, posted.key)
            self._turn.later(lambda p=posted: messages.send(origin, p))  # type: ignore[misc]
        for signal, payload in self.world.signals:
            self._turn.later(lambda s=signal, p=payload: signals.send(origin, s, p))  # type: ignore[misc]
        for dossier, name in self.world.recorded:
            self._turn.later(lambda d=dossier, n=name: timers.rearm_deadline(d, n))  # type: ignore[misc]


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@cache
def _locking() -> Select[Instance]:
    """An instance's row, locked, as it is now. Built once."""
    query = select(Instance).where(Instance.key == bindparam("its_key")).with_for_update()
    return query.execution_options(populate_existing=True)


def find(instance_key: int, *, lock: bool = False) -> Instance:
    """The instance's row as it is now.

    :raises InstanceNotFound: there is none.
    """
    if (mine := locked(instance_key)) is not None:
        return mine
    known = db.session.identity_map.get(identity_key(Instance, instance_key))
    changed = known is not None and db.session.is_modified(known)
    with nullcontext() if changed else db.session.no_autoflush:  # what waits to be written is not about this row
        if lock:  # as a query: asked for by its key, a row that was read before and has changed since would be refused
            row = db.session.execute(_locking(), {"its_key": instance_key}).scalars().first()
        else:
            row = db.session.get(Instance, instance_key, populate_existing=True)
    row = row or next((new for new in db.session.new if isinstance(new, Instance) and new.key == instance_key), None)
    if row is None:
        raise InstanceNotFound("There is no such instance.", resource_id=str(instance_key))
    if lock:
        hold_after_waiting([row])
    return row


def goes_on(instance_key: int) -> bool:
    """Whether the instance can still take a step. It is locked until the transaction ends; somebody else may have ended it meanwhile."""
    try:
        return find(instance_key, lock=True).status == InstanceStatus.ACTIVE
    except InstanceNotFound:
        return False


def load(row: Instance) -> tuple[Engine, World]:
    """The instance in memory.

    :raises InstanceEnded: its state has been destroyed.
    """
    if not row.state:
        raise InstanceEnded("What the engine knew of this instance has been destroyed.", resource_id=str(row.key))
    release = releases.parsed(row.release_key)
    world = World(row, release)
    return codec.loads(row.state, release.diagrams, row.process_id, world), world


@contextmanager
def step(
    instance_key: int, *, expected_revision: int | None = None, unsettled: Unsettled = Unsettled.REFUSED
) -> Iterator[Step]:
    """Load an instance, let the caller act on it, and save it. Completions that were accepted before take their course first.

    :raises InstanceNotFound, InstanceEnded: there is nothing to act on.
    :raises StaleInstance: it is not at the expected revision any more.
    :raises NotSettled: a completion that was accepted cannot take its course.
    """
    with turn() as running:
        if instance_key in running.active:
            raise Conflict("This instance is in the middle of a step.", resource_id=str(instance_key))
        row = held(instance_key) or find(instance_key, lock=True)
        if row.status != InstanceStatus.ACTIVE:
            raise InstanceEnded("This procedure has ended.", resource_id=str(instance_key))
        if expected_revision is not None and row.revision != expected_revision:
            raise StaleInstance(STALE, resource_id=str(instance_key))
        wf, world = load(row)
        if wf.accepted and instance_key not in running.settling:
            from app.runtime import accepting

            accepting.settle_first(row, unsettled)
            if row.status != InstanceStatus.ACTIVE:
                raise InstanceEnded("This procedure has ended.", resource_id=str(instance_key))
            wf, world = load(row)
            wf.stands = bool(wf.accepted)
        taken = Step(row, wf, world, snapshot(wf), running)
        running.active.add(instance_key)
        try:
            yield taken
            taken.save()
        finally:
            running.active.discard(instance_key)


def begin(row: Instance, variables: dict[str, Any], start_at: str | None) -> None:
    """The first step of a new instance; the row is in the session already."""
    with turn() as running:
        release = releases.parsed(row.release_key)
        world = World(row, release)
        running.active.add(row.key)
        hold([row])
        try:
            spec = release.diagrams.processes[row.process_id]
            wf = Engine(spec, release.diagrams.blueprints, world, variables=variables, start_at=start_at)
            wf.advance()
            taken = Step(row, wf, world, Snapshot(), running)
            taken.stopped = {}
            taken.history("started", row.process_id, start_at or "", 0, spec.description or row.process_id, {})
            taken.save()
        finally:
            running.active.discard(row.key)
