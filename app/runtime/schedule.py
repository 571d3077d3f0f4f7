"""Start events with a timer: armed when their process is published, for as long as it is the latest version.

Each is a job, so that however many workers run, every turn starts one instance: the instance, the next turn and the
end of the job are one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from app import feel
from app.feel.temporal_text import iso
from app.runtime.errors import Fault
from app.runtime.language import cycle_of, duration_of, evaluate, instant_of, later, next_turn
from app.runtime.models import ProcessDefinition, StartKind, StartSubscription
from app.runtime.specs.definitions import Timer
from app.runtime.world import LazyParameters
from app.store import jobs
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.jobs import Job

START = "runtime.start"
log = logging.getLogger("convenor.runtime")


@dataclass(frozen=True, slots=True)
class Turn:
    """When a start event fires next.

    :param every: the period of a cycle as ISO text; empty for one turn only.
    :param left: the turns of a cycle from this one on; -1 without end.
    """

    at: datetime
    every: str = ""
    left: int = 1

    def following(self, now: datetime) -> Turn | None:
        """The turn after this one. A counted cycle makes up for turns it slept through, an endless one does not."""
        if not self.every or self.left == 1:
            return None
        period = duration_of(self.every, "The cycle")
        at = next_turn(self.at, period, now) if self.left < 0 else later(self.at, period)
        return Turn(at, self.every, self.left - 1 if self.left > 0 else -1)


def first_turn(timer: Timer, env: feel.Environment, now: datetime) -> Turn:
    """When a timer start event fires for the first time.

    :raises Fault: its expression cannot be evaluated, or gives no time.
    """
    what = f"The timer {timer.key}"
    value = evaluate(timer.expression, {}, env)
    try:
        if timer.shape == "date":
            return Turn(instant_of(value, what))
        if timer.shape == "duration":
            return Turn(later(now, duration_of(value, what)))
        count, every = cycle_of(value, what)
        return Turn(later(now, every), iso(every), count)
    except (OverflowError, ValueError) as error:
        raise Fault(f"{what} gave a time beyond the calendar.", kind="TIMER") from error


Waiting = Mapping[str, Turn | None]


def arm(definition: ProcessDefinition, timers: Iterable[Timer], before: Waiting, *, as_before: bool) -> None:
    """Arm the timer start events of a new version. Those of a diagram that has not changed go on as they were: publishing something else
    neither begins their time anew nor has them start a second time. Otherwise a date that has passed fires at once, unless the version
    before fired it.

    :param before: the timer start events of the version before, each with the turn that it still waited for.
    :param as_before: the diagram has not changed.
    :raises Fault: see :func:`first_turn`.
    """
    now = business_now()
    env = feel.Environment(now=lambda: now, params=LazyParameters(definition.area_key, now), deadline=lambda _: None)
    for timer in timers:
        turn: Turn | None = first_turn(timer, env, now)
        start = StartSubscription(
            key=new_key(),
            area_key=definition.area_key,
            kind=StartKind.TIMER,
            name=timer.shape,
            process_id=definition.process_id,
            element_id=timer.key,
            definition_key=definition.key,
        )
        db.session.add(start)
        if turn is not None and timer.key in before:
            turn = _goes_on(turn, before[timer.key], now, as_before)
        if turn is not None:
            _enqueue(start.key, turn)


def _goes_on(new: Turn, waiting: Turn | None, now: datetime, as_before: bool) -> Turn | None:
    """The next turn of a start event that the version before had as well; None when it has had its turns."""
    if as_before:
        return waiting or (new if new.left < 0 else None)
    return new if new.at > now or waiting is not None else None


def disarm(area_key: int, process_id: str) -> Waiting:
    """Disarm the timer start events of the latest version, because another comes. Their element ids, and the turn that each waited for."""
    rows = db.session.execute(
        select(StartSubscription.key, StartSubscription.element_id).where(
            StartSubscription.area_key == area_key,
            StartSubscription.process_id == process_id,
            StartSubscription.kind == StartKind.TIMER,
        )
    ).all()
    if not rows:
        return {}
    names = {_name(key): element_id for key, element_id in rows}
    # A worker that takes a turn just now is waited for: what it arms for the next is seen by the statement after.
    db.session.execute(select(Job.key).where(Job.dedupe_key.in_(names)).with_for_update()).all()
    gone = delete(Job).where(Job.dedupe_key.in_(names)).returning(Job.dedupe_key, Job.payload)
    waiting = {names[str(name)]: _turn(payload) for name, payload in db.session.execute(gone)}
    db.session.execute(delete(StartSubscription).where(StartSubscription.key.in_([key for key, _ in rows])))
    return {element_id: waiting.get(element_id) for element_id in names.values()}


def take_turn(job: Job) -> StartSubscription | None:
    """The start event whose turn a job is, after arming the next one; None when a newer version has replaced it."""
    found = db.session.get(StartSubscription, int(job.payload["start"]), populate_existing=True)
    if found is not None:
        _arm_following(job)
    return found


def _arm_following(job: Job) -> None:
    """The job gives up its name, so that the next turn can have it. It has one following turn, however often it is
    tried."""
    turn = _turn(job.payload).following(business_now())
    job.dedupe_key, job.payload = None, {**job.payload, "left": 1}
    db.session.flush()
    if turn is not None:
        _enqueue(int(job.payload["start"]), turn)


def start_failed(job: Job, error: BaseException) -> None:
    """The last attempt to start an instance has failed: the job stays for an operator; later turns go on."""
    log.error("timed start failed", extra={"start": job.payload["start"], "error": type(error).__name__})
    kept = db.session.get(Job, job.key)
    if kept is not None and db.session.get(StartSubscription, int(kept.payload["start"])) is not None:
        _arm_following(kept)


def _enqueue(key: int, turn: Turn) -> None:
    payload = {"start": str(key), "at": turn.at.isoformat(), "every": turn.every, "left": turn.left}
    jobs.enqueue(START, payload, due_at=turn.at, dedupe_key=_name(key))


def _turn(payload: dict[str, Any]) -> Turn:
    return Turn(datetime.fromisoformat(payload["at"]), payload["every"], payload["left"])


def _name(key: int) -> str:
    return f"start:{key}"
