"""What the jobs of a move do: one case each, whole or not at all, and never twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from app import audit
from app.cases import deadlines
from app.cases.dossiers import unseal_for
from app.cases.timeline import note
from app.errors import Conflict, ConvenorError, Invalid, NotFound
from app.identity.person import Person
from app.runtime import moving, releases
from app.runtime import service as runtime
from app.runtime.errors import StaleInstance
from app.runtime.models import Instance
from app.runtime.moving import Before, DeadlineChange, ElementMap, ItemState, Moved, MovedInstance, Moving
from app.runtime.moving.execution import CannotGoBack
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Handler, Job, enqueue, handlers
from app.work.moved import hold
from app.workshop import moves, notifying
from app.workshop.asking import Asked, require_mover, why_not_mover

# How long a case can be moved back when nothing happens in it.
WAY_BACK = timedelta(days=30)
_UNDONE = "The move of the case to another release was undone."


def register_jobs() -> None:
    """Register the handlers; call once at start-up."""
    handlers.register(moves.MOVE, Handler(run_move, move_failed, together=True))
    handlers.register(moves.BACK, Handler(run_back, back_failed, together=True))
    handlers.register(moves.TIDY, Handler(run_tidy, together=True))


# ------------------------------------------------------------------------------------------------ moving
def move_now(person: Person, instance_key: int, asked: Asked) -> Moving:
    """Move one case at once, in the caller's transaction.

    :raises NotAllowed: for process owners only. :raises NotFound: no such instance in the area.
    :raises CannotMove: something stands in the way; nothing is changed.
    """
    require_mover(person, asked.target.area_key)
    row = db.session.get(Instance, instance_key)
    if row is None or row.area_key != asked.target.area_key:
        raise NotFound("There is no such instance.", resource_id=str(instance_key))
    made = moves.record(person, asked)
    item = MovedInstance(moving_key=made.key, instance_key=instance_key, state=ItemState.WAITING, why="")
    db.session.add(item)
    db.session.flush()
    _move(made, item)
    return made


def move_one_of(moving_key: int, instance_key: int) -> None:
    """Move one case of a batch, in the caller's transaction; once.

    :raises CannotMove: something stands in the way; nothing is changed. :raises Conflict: the move has been undone.
    """
    # Held, so that an undo comes before this case or finds it moved.
    row = db.session.get(Moving, moving_key, populate_existing=True, with_for_update=True)
    if row is None:
        raise NotFound("There is no such move.", resource_id=str(moving_key))
    if row.undo_at is not None:
        raise Conflict("The move has been undone.", resource_id=str(moving_key))
    if db.session.get(MovedInstance, (moving_key, instance_key)) is not None:
        return
    item = MovedInstance(moving_key=moving_key, instance_key=instance_key, state=ItemState.WAITING, why="")
    db.session.add(item)
    db.session.flush()
    _move(row, item)


def run_move(job: Job) -> None:
    """Move one case. What stands in the way is written down with it; what is only in the way for a moment is tried again."""
    found = _item(job, ItemState.WAITING)
    if found is None:
        return
    row, item = found
    why = why_not_mover(row.requested_by, row.area_key)
    if why is not None:
        moves.stop(row, why)
        return
    savepoint = db.session.begin_nested()
    try:
        _move(row, item)
        savepoint.commit()
    except StaleInstance:
        raise
    except (Conflict, Invalid, NotFound) as refused:
        savepoint.rollback()
        _refuse(item, ItemState.FAILED, refused.message)


def _move(row: Moving, item: MovedInstance) -> None:
    elements = ElementMap(row.process_id, {name: str(new) for name, new in row.mapping.items()})
    target = releases.definition(row.target_key)
    hold(item.instance_key)
    moved = moving.move(item.instance_key, target, elements, row.recompute)
    told = moved.plan
    instance = runtime.instance(item.instance_key)
    quiet = instance.next_due is None or instance.next_due > business_now()
    changed = _decide(row, item, moved)
    quiet = quiet and not any(each.moves and _is_due(each.would_be) for each in told.deadlines)
    item.state, item.why, item.at = ItemState.MOVED, "", business_now()
    item.source_key = told.definition_key
    item.before_state = moved.before.state
    item.before = {**moved.before.mirror, "deadlines": changed}
    # Computing deadlines again is part of the move. Where something became due by it, there is no way back.
    item.revision = instance.revision if moved.revision is not None and (quiet or not changed) else None
    audit.record(
        "move.instance",
        actor=row.requested_by,
        subject=f"moving:{row.key}",
        case_key=told.case_key,
        meeting_key=told.meeting_key,
        instance_key=item.instance_key,
    )
    item.reason = None  # each deadline has its own now
    db.session.flush()


def _is_due(at: datetime | None) -> bool:
    return at is not None and at <= business_now()


def _decide(row: Moving, item: MovedInstance, moved: Moved) -> list[list[str | None]]:
    """Record the deadlines that a person wants computed again, each as a decision with the reason.

    :returns: dossier, name, instant before (None: there was none), instant now.
    """
    done: list[list[str | None]] = []
    for change in moved.plan.deadlines:
        if not change.moves or change.name is None or change.would_be is None:
            continue
        dossier, before = _dossier_of(change, moved)
        if dossier is None or before == change.would_be:
            continue
        more: dict[str, Any] = {"rule": change.rule, "parameter": change.parameter, "source": change.source}
        if before is None:
            deadlines.record(dossier, change.name, change.would_be, by=row.requested_by, **more)
            note(
                dossier,
                "deadline-moved",
                title=change.name,
                actor=row.requested_by,
                facts={"to": change.would_be.isoformat()},
            )
            runtime.rearm_deadline(dossier, change.name)
        else:
            deadlines.move(
                dossier,
                change.name,
                change.would_be,
                by=row.requested_by,
                reason=_reason(row, item, dossier),
                rearm=runtime.rearm_deadline,
                **more,
            )
        audit.record(
            "deadline.move",
            actor=row.requested_by,
            subject=f"moving:{row.key}",
            case_key=moved.plan.case_key,
            instance_key=item.instance_key,
        )
        done.append([str(dossier), change.name, before.isoformat() if before else None, change.would_be.isoformat()])
    return done


def _dossier_of(change: DeadlineChange, moved: Moved) -> tuple[int | None, datetime | None]:
    """Whose deadline it is: where it stands now, else the meeting's, else the case's."""
    case = int(change.case) if change.case and change.case.isdigit() else moved.plan.case_key
    owners = [owner for owner in (moved.plan.meeting_key, case) if owner is not None]
    for owner in owners:
        found = deadlines.current(owner, change.name or "")
        if found is not None:
            return owner, found.due_at
    return (owners[0] if owners else None), None


def _reason(row: Moving, item: MovedInstance, dossier: int) -> str:
    if item.reason is None:
        return ""
    instance = runtime.instance(item.instance_key)
    owner = instance.case_key or instance.meeting_key or dossier
    return str(unseal_for(owner, item.reason, moves.reason_label(row.key, item.instance_key)))


def move_failed(job: Job, error: BaseException) -> None:
    """The last attempt has failed."""
    found = _item(job, ItemState.WAITING)
    if found is not None:
        _refuse(found[1], ItemState.FAILED, _said(error))


# ------------------------------------------------------------------------------------------------ moving back
def run_back(job: Job) -> None:
    """Move one case back exactly, as long as nothing has happened in it since."""
    found = _item(job, ItemState.UNDOING)
    if found is None:
        return
    row, item = found
    why = why_not_mover(row.undo_by, row.area_key)
    if why is not None:  # the way back stays open, for another process owner
        item.state, item.why = ItemState.MOVED, why
        notifying.undo_stopped(row)
        db.session.flush()
        return
    savepoint = db.session.begin_nested()
    try:
        _back(row, item)
        savepoint.commit()
    except StaleInstance:
        raise
    except (Conflict, Invalid, NotFound) as refused:
        savepoint.rollback()
        _keep(item, refused.message)


def _back(row: Moving, item: MovedInstance) -> None:
    if item.before is None or item.before_state is None:
        raise CannotGoBack("What it was before is not kept any more.", resource_id=str(item.instance_key))
    hold(item.instance_key)
    changed = item.before.get("deadlines", [])
    for dossier, name, _, after in changed:
        current = deadlines.current(int(dossier), name)
        if current is None or current.due_at != datetime.fromisoformat(after):
            raise CannotGoBack(f"The deadline {name} has been moved since.", resource_id=str(item.instance_key))
    instance = moving.move_back(item.instance_key, Before(item.before_state, item.before), item.revision)
    for dossier, name, before, _ in changed:
        if before is None:
            deadlines.lapse(int(dossier), name)
        else:
            deadlines.move(
                int(dossier),
                name,
                datetime.fromisoformat(before),
                by=row.undo_by,
                reason=_UNDONE,
                rearm=runtime.rearm_deadline,
            )
    item.state, item.why = ItemState.UNDONE, ""
    _forget(item)
    audit.record(
        "move.back",
        actor=row.undo_by,
        subject=f"moving:{row.key}",
        case_key=instance.case_key,
        meeting_key=instance.meeting_key,
        instance_key=item.instance_key,
    )
    db.session.flush()


def back_failed(job: Job, error: BaseException) -> None:
    """The last attempt has failed."""
    found = _item(job, ItemState.UNDOING)
    if found is not None:
        _keep(found[1], _said(error))


# ------------------------------------------------------------------------------------------------ sweeping
def run_tidy(_job: Job) -> None:
    """What a case was before it moved is kept only as long as it can go back there."""
    instance = select(Instance.revision).where(Instance.key == MovedInstance.instance_key).scalar_subquery()
    db.session.execute(
        update(MovedInstance)
        .where(
            MovedInstance.state == ItemState.MOVED,
            MovedInstance.before_state.is_not(None),
            or_(
                MovedInstance.revision.is_(None),
                MovedInstance.revision != instance,
                MovedInstance.at < business_now() - WAY_BACK,
            ),
        )
        .values(before_state=None, before=None, reason=None, revision=None)
        .execution_options(synchronize_session=False)
    )
    still = select(MovedInstance.instance_key).where(
        or_(MovedInstance.before_state.is_not(None), MovedInstance.state.in_((ItemState.WAITING, ItemState.UNDOING)))
    )
    if db.session.execute(still.limit(1)).first() is not None:
        enqueue(moves.TIDY, dedupe_key=moves.TIDY, due_at=moves.tidy_at())


# ------------------------------------------------------------------------------------------------ what they share
def _item(job: Job, expected: ItemState) -> tuple[Moving, MovedInstance] | None:
    """The case of a job, held until the end of the transaction; None when somebody has done or stopped it already."""
    key = (int(job.payload["moving"]), int(job.payload["instance"]))
    item = db.session.get(MovedInstance, key, populate_existing=True, with_for_update=True)
    row = db.session.get(Moving, key[0], populate_existing=True)
    if item is None or row is None or item.state != expected:
        return None
    return row, item


def _refuse(item: MovedInstance, state: ItemState, why: str) -> None:
    item.state, item.why, item.at = state, why, business_now()
    _forget(item)
    db.session.flush()


def _keep(item: MovedInstance, why: str) -> None:
    """It stays where it has moved."""
    item.state, item.why = ItemState.MOVED, why
    _forget(item)
    db.session.flush()


def _forget(item: MovedInstance) -> None:
    item.before_state = item.before = item.reason = item.revision = None


def _said(error: BaseException) -> str:
    if isinstance(error, ConvenorError):
        return error.message
    return f"It failed unexpectedly ({type(error).__name__}); the log of this time says where."
