"""Batch operations: one act on many instances or incidents, done by the workers a few at a time.

Each item is done behind a savepoint of its own: one that is refused says why, and the others go on. A round of items and
the next round's job commit together, so that a worker killed in the middle repeats nothing. Before each round it is asked again
whether the person on whose behalf it is done may do it still; if not, it stops until somebody who may takes it over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, mapped_column

from app import audit
from app.errors import Conflict, ConvenorError, NotAllowed
from app.runtime.errors import StaleInstance
from app.store import jobs
from app.store.clock import business_now
from app.store.database import Keyed, Model, db, new_key
from app.store.jobs import Job

log = logging.getLogger("convenor.runtime")

JOB = "batch.round"
A_ROUND = 20
ROUND_SECONDS = 0.25
LARGEST = 10_000


class BatchState(StrEnum):
    """The words of the Camunda 8 API."""

    CREATED = "CREATED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    PARTIALLY_COMPLETED = "PARTIALLY_COMPLETED"
    CANCELED = "CANCELED"


class BatchItemState(StrEnum):
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


GOING_ON = (BatchState.CREATED, BatchState.ACTIVE, BatchState.SUSPENDED)


class BatchOperation(Keyed, Model):
    """One act on many.

    :ivar type: a word of the contract, for instance ``CANCEL_PROCESS_INSTANCE``.
    :ivar plan: what the act needs to know besides the item; under ``stopped`` why it does not go on.
    :ivar created_by: on whose behalf it is done; what they may do is asked again for each round and each item.
    """

    __tablename__ = "batch_operation"
    __table_args__ = (Index("ix_batch_operation_area", "area_key", "started_at"),)

    area_key: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20), default=BatchState.CREATED)
    plan: Mapped[dict[str, Any]]
    created_by: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int]
    completed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    failed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    round: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def stopped(self) -> str | None:
        """Why it was stopped by itself, or None."""
        return self.plan.get("stopped")


class BatchItem(Keyed, Model):
    """One of the many. :ivar item_key: the instance or the incident."""

    __tablename__ = "batch_item"
    __table_args__ = (Index("ix_batch_item_operation", "operation_key", "state"),)

    operation_key: Mapped[int] = mapped_column(BigInteger, ForeignKey("batch_operation.key"))
    item_key: Mapped[int] = mapped_column(BigInteger)
    instance_key: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10), default=BatchItemState.ACTIVE)
    processed_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(500))


def _nothing_more(operation: BatchOperation, by: int) -> None:
    """Nothing else keeps on whose behalf it is done."""


def _tell_nobody(operation: BatchOperation) -> None:
    """Whoever looks at it sees that it has stopped."""


@dataclass(frozen=True)
class Doing:
    """How a type of operation is done.

    :ivar act: does one item.
    :ivar why_not: why a person (by key) may not do the operation now; None when they may.
    :ivar taken_over: told when it goes on in somebody else's name.
    :ivar stopped: told when it has stopped because whoever asked for it may not do it any more.
    """

    act: Callable[[BatchOperation, BatchItem], None]
    why_not: Callable[[BatchOperation, int], str | None]
    taken_over: Callable[[BatchOperation, int], None] = _nothing_more
    stopped: Callable[[BatchOperation], None] = _tell_nobody


# How each type of operation is done; filled by the rooms above at start-up.
doings: dict[str, Doing] = {}


def begin(
    type_: str, items: Sequence[tuple[int, int]], *, area_key: int, by: int, plan: dict[str, Any] | None = None
) -> BatchOperation:
    """Begin an operation on items: (key, instance). Without any it is completed at once.

    :raises Conflict: nothing here does such an operation.
    """
    if type_ not in doings:
        raise Conflict("This kind of operation is not done here.", resource_id=type_)
    now = business_now()
    operation = BatchOperation(
        key=new_key(),
        area_key=area_key,
        type=type_,
        state=BatchState.CREATED if items else BatchState.COMPLETED,
        plan=plan or {},
        created_by=by,
        total=len(items),
        started_at=now,
        ended_at=None if items else now,
    )
    db.session.add(operation)
    db.session.flush()
    if items:
        rows = [
            {
                "key": new_key(),
                "operation_key": operation.key,
                "item_key": item,
                "instance_key": instance,
                "state": BatchItemState.ACTIVE,
            }
            for item, instance in items
        ]
        db.session.execute(insert(BatchItem), rows)
        _go_on(operation)
    return operation


def suspend(operation: BatchOperation) -> None:
    """Stop after the round under way. :raises Conflict: it is over, or stopped already."""
    _require(operation, (BatchState.CREATED, BatchState.ACTIVE))
    operation.state = BatchState.SUSPENDED


def resume(operation: BatchOperation, *, by: int) -> None:
    """Go on; in the name of whoever resumes it, if whoever asked for it may not do it any more.

    :raises Conflict: it was not stopped. :raises NotAllowed: they may not do it either.
    """
    _require(operation, (BatchState.SUSPENDED,))
    doing = doings[operation.type]
    if doing.why_not(operation, operation.created_by) is not None:
        why = doing.why_not(operation, by)
        if why is not None:
            raise NotAllowed(why, resource_id=str(operation.key))
        operation.created_by = by
        doing.taken_over(operation, by)
        audit.record("batch.take-over", actor=by, subject=f"batch:{operation.key}")
    operation.plan = {name: value for name, value in operation.plan.items() if name != "stopped"}
    operation.state = BatchState.ACTIVE
    _go_on(operation)


def cancel(operation: BatchOperation) -> None:
    """End it; what is done stays done. :raises Conflict: it is over."""
    _require(operation, GOING_ON)
    now = business_now()
    db.session.execute(
        update(BatchItem)
        .where(BatchItem.operation_key == operation.key, BatchItem.state == BatchItemState.ACTIVE)
        .values(state=BatchItemState.CANCELED, processed_at=now)
    )
    operation.state, operation.ended_at = BatchState.CANCELED, now


def find(key: int, *, lock: bool = False) -> BatchOperation | None:
    """An operation as it is now."""
    return db.session.get(BatchOperation, key, populate_existing=True, with_for_update=True if lock else None)


def _require(operation: BatchOperation, states: Sequence[BatchState]) -> None:
    if operation.state not in states:
        raise Conflict(f"The batch operation is {operation.state.lower()}.", resource_id=str(operation.key))


# ------------------------------------------------------------------------------------------------ by the workers
def _go_on(operation: BatchOperation) -> None:
    operation.round += 1
    payload = {"operation": str(operation.key)}
    jobs.enqueue(JOB, payload, dedupe_key=f"batch:{operation.key}:{operation.round}", fresh=True)


def run_round(job: Job) -> None:
    """The job handler: a few items, then the next round's job."""
    operation = find(int(job.payload["operation"]), lock=True)
    if operation is None or operation.state not in (BatchState.CREATED, BatchState.ACTIVE):
        return
    why = doings[operation.type].why_not(operation, operation.created_by)
    if why is not None:
        _stop(operation, why)
        return
    operation.state = BatchState.ACTIVE
    waiting = (
        select(BatchItem)
        .where(BatchItem.operation_key == operation.key, BatchItem.state == BatchItemState.ACTIVE)
        .order_by(BatchItem.key)
        .limit(A_ROUND)
    )
    began = time.monotonic()
    for item in list(db.session.execute(waiting).scalars()):
        _do(operation, item)
        if time.monotonic() - began > ROUND_SECONDS:
            break
    db.session.flush()
    left = select(func.count()).where(
        BatchItem.operation_key == operation.key, BatchItem.state == BatchItemState.ACTIVE
    )
    if db.session.execute(left).scalar():
        _go_on(operation)
        return
    operation.state = BatchState.PARTIALLY_COMPLETED if operation.failed else BatchState.COMPLETED
    operation.ended_at = business_now()


def _stop(operation: BatchOperation, why: str) -> None:
    operation.state, operation.plan = BatchState.SUSPENDED, {**operation.plan, "stopped": why}
    audit.record("batch.stop", subject=f"batch:{operation.key}", detail=why)
    log.warning("batch operation stopped: nobody may do it", extra={"operation": operation.key})
    doings[operation.type].stopped(operation)


def round_failed(job: Job, error: BaseException) -> None:
    """The last attempt at a round has failed: what is left is not done."""
    operation = find(int(job.payload["operation"]), lock=True)
    if operation is not None and operation.state in GOING_ON:
        log.error("batch operation stopped", extra={"operation": operation.key, "error": type(error).__name__})
        cancel(operation)


def _do(operation: BatchOperation, item: BatchItem) -> None:
    savepoint = db.session.begin_nested()
    try:
        doings[operation.type].act(operation, item)
        savepoint.commit()
        item.state, operation.completed = BatchItemState.COMPLETED, operation.completed + 1
    except (StaleInstance, DBAPIError):
        raise  # the round is tried again
    except ConvenorError as error:
        savepoint.rollback()
        item.state, item.error, operation.failed = BatchItemState.FAILED, error.message[:500], operation.failed + 1
    item.processed_at = business_now()
