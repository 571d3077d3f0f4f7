"""Doing what was asked or approved: one incident in the transaction at hand, many as a job that goes on where it stopped."""

from __future__ import annotations

import logging

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app import audit
from app.errors import ConvenorError
from app.operations.mending import notifying
from app.operations.mending.answering import dossiers_barred, may_go_on
from app.operations.mending.history import told_of
from app.operations.mending.models import Act, ItemState, Mending, MendingItem, MendingState
from app.runtime import mending as engine
from app.runtime.errors import StaleInstance
from app.store import jobs
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Job

log = logging.getLogger("convenor.mending")

JOB_KIND = "mending.run"
CHUNK = 20
"""How many incidents one transaction of the job takes: it holds the write lock of SQLite meanwhile."""

CONFLICT = "Whoever answers for this has a conflict of interest in the case."
STALE = "The procedure has moved on since this was proposed. Look again, and propose it again if it still stands."


def do(mending: Mending, item: MendingItem, *, by: int | None) -> None:
    """Do the act for one incident behind a savepoint. What is refused is kept with the item; nothing of it is half done."""
    item.done_at = business_now()
    savepoint = db.session.begin_nested()
    try:
        went_on = _act(mending, item, by)
        savepoint.commit()
    except DBAPIError:
        raise
    except StaleInstance:
        savepoint.rollback()
        item.state, item.message = ItemState.STALE, STALE
    except ConvenorError as error:
        savepoint.rollback()
        item.state, item.message = ItemState.REFUSED, error.message[:400]
    except Exception as error:
        savepoint.rollback()
        log.exception("mending failed", extra={"incident": item.incident_key})
        item.state, item.message = ItemState.REFUSED, f"It could not be done ({type(error).__name__})."
    else:
        item.state = ItemState.DONE if went_on else ItemState.STOPPED
    audit.record(
        f"incident.{mending.act}",
        actor=by,
        subject=f"incident:{item.incident_key}",
        instance_key=item.instance_key,
        detail=f"{item.state} {told_of(item).reason}",
    )


def _act(mending: Mending, item: MendingItem, by: int | None) -> bool:
    key, at = item.incident_key, item.revision
    if mending.act == Act.RETRY:
        return engine.retry_incident(key, by=by)
    if mending.act == Act.CORRECT:
        return engine.correct(key, mending.variable or "", told_of(item).value, by=by, expected_revision=at)
    if mending.act == Act.SKIP:
        engine.skip(key, by=by, expected_revision=at)
    else:
        engine.move(key, mending.target or "", by=by, expected_revision=at)
    return True


def begin(mending: Mending) -> None:
    """Let a worker do it, bit by bit."""
    mending.state = MendingState.RUNNING
    jobs.enqueue(JOB_KIND, {"mending": str(mending.key)}, dedupe_key=f"{JOB_KIND}:{mending.key}")


def run_job(job: Job) -> None:
    """The job handler: some of the items, then a new job for the rest. What is done is committed with the job, so that one
    that was killed goes on where it stopped."""
    mending = db.session.get(Mending, int(job.payload["mending"]), populate_existing=True, with_for_update=True)
    if mending is None or mending.state != MendingState.RUNNING:
        return
    if not may_go_on(mending):
        mending.state = MendingState.SUSPENDED
        audit.record("incident.suspend", subject=f"mending:{mending.key}")
        log.warning("mending stopped: whoever answers for it may not do it any more", extra={"mending": mending.key})
        notifying.stopped(mending)
        return
    barred = dossiers_barred(mending)
    for item in _waiting(mending.key):
        if item.dossier_key in barred:
            item.state, item.message, item.done_at = ItemState.REFUSED, CONFLICT, business_now()
        else:
            do(mending, item, by=mending.decided_by or mending.proposed_by)
    db.session.flush()
    if _left(mending.key):
        jobs.enqueue(JOB_KIND, {"mending": str(mending.key)})
    else:
        finish(mending)


def leave(mending: Mending) -> None:
    """What has not been done is not done any more."""
    query = select(MendingItem).where(MendingItem.mending_key == mending.key, MendingItem.state == ItemState.WAITING)
    for item in db.session.execute(query).scalars():
        item.state, item.message, item.done_at = ItemState.REFUSED, "It was left undone.", business_now()
    finish(mending)


def finish(mending: Mending) -> None:
    mending.state, mending.ended_at = MendingState.DONE, business_now()


def progress(mending_key: int) -> dict[str, int]:
    """How many items stand how."""
    query = (
        select(MendingItem.state, func.count())
        .where(MendingItem.mending_key == mending_key)
        .group_by(MendingItem.state)
    )
    return {state: count for state, count in db.session.execute(query)}


def _waiting(mending_key: int) -> list[MendingItem]:
    query = (
        select(MendingItem)
        .where(MendingItem.mending_key == mending_key, MendingItem.state == ItemState.WAITING)
        .order_by(MendingItem.incident_key)
        .limit(CHUNK)
    )
    return list(db.session.execute(query).scalars())


def _left(mending_key: int) -> int:
    return progress(mending_key).get(ItemState.WAITING, 0)
