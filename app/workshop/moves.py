"""Moves that are under way or done: begun, watched, undone. Each case is a job and a transaction of its own, so that a move goes on where
it was whatever happens to a worker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update

from app import audit
from app.cases.dossiers import seal_for
from app.identity.person import Person
from app.runtime.models import Instance
from app.runtime.moving import ItemState, MovedInstance, Moving
from app.store import jobs
from app.store.clock import business_now
from app.store.database import db, new_key
from app.workshop import notifying, planning
from app.workshop.asking import Asked, check, instances_of, require_mover
from app.workshop.errors import MoveClosed, UnknownMove

log = logging.getLogger("convenor.moving")

MOVE, BACK, TIDY = "move.instance", "move.back", "move.tidy"
SHOWN = 200
_SOME = 500


@dataclass(frozen=True)
class Refusal:
    """A case that has not moved, or not gone back, and why."""

    instance_key: int
    why: str


@dataclass(frozen=True)
class Progress:
    """How a move stands.

    :param waiting: cases that are still to move or to go back.
    :param stopped: cases that do not move until somebody takes the move over.
    :param refusals: the first cases that could not, with the reason.
    :param can_go_back: how many could be undone as far as is known.
    """

    key: int
    process_id: str
    source_version: int | None
    target_version: int
    requested_by: int | None
    requested_at: datetime
    undo_at: datetime | None
    total: int
    moved: int
    failed: int
    undone: int
    waiting: int
    stopped: int
    can_go_back: int
    refusals: Sequence[Refusal]

    @property
    def finished(self) -> bool:
        return self.waiting == 0 and self.stopped == 0

    @property
    def state(self) -> str:
        """``running``, ``stopped``, ``done``, ``undoing`` or ``undone``."""
        if self.undo_at is not None:
            return "undoing" if self.waiting else "undone"
        if self.stopped:
            return "stopped"
        return "running" if self.waiting else "done"


# ------------------------------------------------------------------------------------------------ beginning
def start(person: Person, asked: Asked) -> Moving:
    """Begin a move; the cases follow one by one. Those that cannot move stay where they are, each with the reason.

    :raises NotAllowed: for process owners only. :raises MoveRefused, MappingRefused: it makes no sense as a whole.
    """
    require_mover(person, asked.target.area_key)
    check(asked)
    keys = (
        [each.plan.instance_key for each in planning.plan(person, asked).cases]
        if asked.recompute
        else instances_of(asked)
    )
    row = record(person, asked)
    _list(row, keys, asked.reason if asked.recompute else "")
    _enqueue(row, keys, fresh=True)
    return row


def _enqueue(row: Moving, keys: Sequence[int], *, fresh: bool) -> None:
    for key in keys:
        jobs.enqueue(
            MOVE,
            {"moving": str(row.key), "instance": str(key)},
            dedupe_key=f"move:{row.key}:{key}",
            instance_key=key,
            fresh=fresh,
        )
    jobs.enqueue(TIDY, dedupe_key=TIDY, due_at=tidy_at())


# ------------------------------------------------------------------------------------------------ taking over
def stop(row: Moving, why: str) -> None:
    """Whoever asked for it may not do so any more: what has not moved waits for somebody who takes it over. Cases that another worker
    has in hand find out for themselves."""
    own = MovedInstance.moving_key == row.key
    known = db.session.execute(
        select(MovedInstance.state).where(own, MovedInstance.state == ItemState.STOPPED).limit(1)
    )
    if known.first() is None:
        audit.record("move.stop", subject=f"moving:{row.key}", detail=why)
        log.warning("move stopped: whoever asked for it may not do so any more", extra={"moving": row.key})
        notifying.stopped(row)
    free = select(MovedInstance.instance_key).where(own, MovedInstance.state == ItemState.WAITING)
    keys = list(db.session.execute(free.with_for_update(skip_locked=True)).scalars())
    for some in range(0, len(keys), _SOME):
        db.session.execute(
            update(MovedInstance)
            .where(own, MovedInstance.instance_key.in_(keys[some : some + _SOME]))
            .values(state=ItemState.STOPPED, why=why)
        )


def resume(person: Person, key: int) -> Moving:
    """Go on with a move that has stopped; it is done in the person's name from now on.

    :raises NotAllowed, UnknownMove: see :func:`find`. :raises MoveClosed: it has not stopped.
    """
    row = find(person, key, lock=True)
    stopped = (MovedInstance.moving_key == row.key, MovedInstance.state == ItemState.STOPPED)
    keys = list(db.session.execute(select(MovedInstance.instance_key).where(*stopped)).scalars())
    if not keys:
        raise MoveClosed("This move has not stopped.", resource_id=str(key))
    db.session.execute(update(MovedInstance).where(*stopped).values(state=ItemState.WAITING, why=""))
    taken_over(row.key, person.key)
    audit.record("move.take-over", actor=person, subject=f"moving:{row.key}")
    _enqueue(row, keys, fresh=False)
    db.session.flush()
    return row


def batch_stopped(key: int) -> None:
    """The batch operation that a move is has stopped by itself."""
    row = db.session.get(Moving, key)
    if row is not None:
        notifying.stopped(row)


def taken_over(key: int, by: int) -> None:
    """A move goes on in somebody else's name."""
    row = db.session.get(Moving, key, with_for_update=True)
    if row is not None:
        row.requested_by = by


def record(person: Person, asked: Asked, key: int | None = None) -> Moving:
    """Write down what a person asks for."""
    row = Moving(
        key=key or new_key(),
        area_key=asked.target.area_key,
        process_id=asked.target.process_id,
        source_key=asked.source.key if asked.source is not None else None,
        target_key=asked.target.key,
        mapping=asked.elements.as_json(),
        recompute=list(asked.recompute),
        requested_by=person.key,
        requested_at=business_now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("move.start", actor=person, subject=f"moving:{row.key}", detail=asked.reason or None)
    return row


def _list(row: Moving, keys: Sequence[int], reason: str) -> None:
    """Every case of the move; the reason is sealed with each, because it is destroyed with the case."""
    dossiers = {}
    if reason:
        found = select(Instance.key, Instance.case_key, Instance.meeting_key).where(Instance.key.in_(keys))
        dossiers = {key: case or meeting for key, case, meeting in db.session.execute(found)}
    db.session.execute(
        insert(MovedInstance),
        [
            {
                "moving_key": row.key,
                "instance_key": key,
                "state": ItemState.WAITING,
                "why": "",
                "reason": seal_for(dossier, reason, reason_label(row.key, key))
                if (dossier := dossiers.get(key))
                else None,
            }
            for key in keys
        ],
    )


def reason_label(moving_key: int, instance_key: int) -> str:
    return f"moving:{moving_key}:{instance_key}"


# ------------------------------------------------------------------------------------------------ watching
def find(person: Person, key: int, *, lock: bool = False) -> Moving:
    """A move of the person's area.

    :raises NotAllowed: for process owners only. :raises UnknownMove: none.
    """
    require_mover(person, person.area_key)
    row = db.session.get(Moving, key, with_for_update=True if lock else None)
    if row is None or row.area_key != person.area_key:
        raise UnknownMove("There is no such move.", resource_id=str(key))
    return row


def progress(person: Person, key: int) -> Progress:
    """How a move stands.

    :raises NotAllowed, UnknownMove: see :func:`find`.
    """
    return progress_of(find(person, key))


def progress_of(row: Moving) -> Progress:
    """The same of a row that may be seen."""
    counted = select(MovedInstance.state, func.count()).where(MovedInstance.moving_key == row.key)
    by_state: dict[str, int] = {
        state: count for state, count in db.session.execute(counted.group_by(MovedInstance.state))
    }
    refused = (
        select(MovedInstance.instance_key, MovedInstance.why)
        .where(MovedInstance.moving_key == row.key, MovedInstance.why != "")
        .order_by(MovedInstance.instance_key)
        .limit(SHOWN)
    )
    way_back = select(func.count()).where(
        MovedInstance.moving_key == row.key,
        MovedInstance.state == ItemState.MOVED,
        MovedInstance.revision.is_not(None),
    )
    return Progress(
        key=row.key,
        process_id=row.process_id,
        source_version=planning.version_of(row.source_key) if row.source_key is not None else None,
        target_version=planning.version_of(row.target_key),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        undo_at=row.undo_at,
        total=sum(by_state.values()),
        moved=by_state.get(ItemState.MOVED, 0),
        failed=by_state.get(ItemState.FAILED, 0),
        undone=by_state.get(ItemState.UNDONE, 0),
        waiting=by_state.get(ItemState.WAITING, 0) + by_state.get(ItemState.UNDOING, 0),
        stopped=by_state.get(ItemState.STOPPED, 0),
        can_go_back=db.session.execute(way_back).scalar_one(),
        refusals=[Refusal(key, why) for key, why in db.session.execute(refused)],
    )


def items(person: Person, key: int, after: int = 0, limit: int = 1_000) -> list[MovedInstance]:
    """The cases of a move, by the instance's key.

    :raises NotAllowed, UnknownMove: see :func:`find`.
    """
    row = find(person, key)
    query = select(MovedInstance).where(MovedInstance.moving_key == row.key, MovedInstance.instance_key > after)
    return list(db.session.execute(query.order_by(MovedInstance.instance_key).limit(limit)).scalars())


def latest(person: Person, limit: int, *, below: int | None = None) -> list[Progress]:
    """The moves of the person's area, newest first.

    :param below: only those that were asked for before the one of this key.
    :raises NotAllowed: for process owners only.
    """
    require_mover(person, person.area_key)
    query = select(Moving).where(Moving.area_key == person.area_key).order_by(Moving.key.desc())
    if below is not None:
        query = query.where(Moving.key < below)
    return [progress_of(row) for row in db.session.execute(query.limit(limit)).scalars()]


# ------------------------------------------------------------------------------------------------ undoing
def undo(person: Person, key: int) -> Moving:
    """Move back what has moved, and leave what has not. A case in which something has happened since stays, with the reason.

    :raises NotAllowed, UnknownMove: see :func:`find`. :raises MoveClosed: nothing of it can be undone.
    """
    row = find(person, key, lock=True)
    own = MovedInstance.moving_key == row.key
    stopped = db.session.execute(
        update(MovedInstance)
        .where(own, MovedInstance.state.in_((ItemState.WAITING, ItemState.STOPPED)))
        .values(state=ItemState.UNDONE, why="", reason=None)
    ).rowcount  # type: ignore[attr-defined]
    moved = select(MovedInstance.instance_key).where(own, MovedInstance.state == ItemState.MOVED)
    keys = list(db.session.execute(moved.where(MovedInstance.revision.is_not(None))).scalars())
    if not keys and not stopped:
        raise MoveClosed(
            "Nothing of this move can be undone: every case is back already, or something has happened in it since.",
            resource_id=str(key),
        )
    db.session.execute(
        update(MovedInstance).where(own, MovedInstance.instance_key.in_(keys)).values(state=ItemState.UNDOING, why="")
    )
    for instance_key in keys:
        jobs.enqueue(
            BACK,
            {"moving": str(row.key), "instance": str(instance_key)},
            dedupe_key=f"move-back:{row.key}:{instance_key}",
            instance_key=instance_key,
        )
    row.undo_by, row.undo_at = person.key, business_now()
    audit.record("move.undo", actor=person, subject=f"moving:{row.key}")
    db.session.flush()
    return row


def tidy_at() -> datetime:
    """When the next sweep is due: in a day."""
    return business_now() + timedelta(days=1)
