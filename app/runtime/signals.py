"""Signals between instances, and from outside: to everything of the area that waits for them now, and to what they start.

Of those that wait the first get it in the sender's transaction. When thousands wait, the others get it by jobs that follow at once, a few
in each: so long a transaction would hold everybody up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import func, select

from app.runtime import addressees, codec
from app.runtime.addressees import Addressee
from app.runtime.errors import InstanceEnded
from app.runtime.messages import Origin, Receiver, payload_of, start_one
from app.runtime.models import StartKind, StartSubscription, Subscription
from app.runtime.step import Unsettled, goes_on, step
from app.runtime.turn import is_busy, turn
from app.store import jobs
from app.store.database import db, new_key
from app.store.jobs import Job

SIGNAL = "runtime.signal"
AT_ONCE = 100  # instances in the sender's transaction
IN_ONE_JOB = 20

_Waiting = tuple[int, int]  # an instance, and its last task that waits


def broadcast_signal(name: str, variables: Mapping[str, Any] | None = None, *, area_key: int) -> list[Receiver]:
    """Send a signal to every instance of the area that waits for it, and start what it starts.

    :returns: those that have it already.
    """
    payload = payload_of(variables)
    if is_busy():
        with turn() as running:
            running.later(lambda: send(Origin(area_key), name, payload))
        return []
    with turn():
        return send(Origin(area_key), name, payload)


def send(origin: Origin, name: str, payload: dict[str, Any]) -> list[Receiver]:
    """A signal that an instance has thrown, to the others."""
    waiting = _waiting(origin, name)
    reached = _give(waiting[:AT_ONCE], name, payload)
    for first in range(AT_ONCE, len(waiting), IN_ONE_JOB):
        _later(waiting[first : first + IN_ONE_JOB], name, codec.pack(payload))
    starts = db.session.execute(
        select(StartSubscription).where(
            StartSubscription.area_key == origin.area_key,
            StartSubscription.kind == StartKind.SIGNAL,
            StartSubscription.name == name,
        )
    ).scalars()
    found = [Addressee(row.definition_key, 0, row.element_id, row.process_id) for row in starts]
    return reached + [start_one(origin, addressee, payload) for addressee in found]


def _waiting(origin: Origin, name: str) -> list[_Waiting]:
    """Who waits now, the oldest instance first."""
    query = (
        select(Subscription.instance_key, func.max(Subscription.task_id))
        .where(
            Subscription.area_key == origin.area_key,
            Subscription.message == name,
            Subscription.kind == StartKind.SIGNAL,
            Subscription.instance_key != (origin.instance_key or 0),
        )
        .group_by(Subscription.instance_key)
        .order_by(Subscription.instance_key)
    )
    return [(instance_key, task_id) for instance_key, task_id in db.session.execute(query)]


def _give(waiting: Iterable[_Waiting], name: str, payload: dict[str, Any]) -> list[Receiver]:
    """Deliver; what has ended meanwhile is passed over."""
    reached = []
    waiting = list(waiting)
    addressees.lock(instance_key for instance_key, _ in waiting)
    for instance_key, last in waiting:
        if goes_on(instance_key):
            with suppress(InstanceEnded), step(instance_key, unsettled=Unsettled.STANDS) as taken:
                if taken.wf.event_manager.deliver_signal(name, payload, last):
                    taken.wf.advance()
                    reached.append(Receiver(instance_key, False))
                else:
                    taken.unchanged = True
    return reached


def _later(waiting: Iterable[_Waiting], name: str, packed: Any) -> None:
    told = [[str(instance_key), last] for instance_key, last in waiting]
    jobs.arm(SIGNAL, {"name": name, "variables": packed, "waiting": told}, dedupe_key=f"signal:{new_key()}")


def run_signal_job(job: Job) -> None:
    """The job handler. When it has failed before, each instance gets a job of its own: none keeps the signal from the others."""
    waiting = [(int(instance_key), last) for instance_key, last in job.payload["waiting"]]
    if job.attempts > 1 and len(waiting) > 1:
        for one in waiting:
            _later([one], job.payload["name"], job.payload["variables"])
        return
    with turn():
        _give(waiting, job.payload["name"], codec.unpack(job.payload["variables"]))
