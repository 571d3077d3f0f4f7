"""What has ended and is of no more use: batch operations with their items, and the jobs of workers outside. They are kept for
``CONVENOR_HISTORY_DAYS`` and then destroyed; who asked for what stays in the audit. What belongs to a case goes with the case, if that is
sooner (:func:`app.runtime.mending.forget_case`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import Select, delete, select

from app.runtime.batches import BatchItem, BatchOperation
from app.runtime.job_models import OutsideJob
from app.store.clock import business_now
from app.store.database import db, reading, short_write

EVERY = timedelta(hours=1)
OPERATIONS, JOBS = 10, 1_000
"""How many are destroyed in one transaction: it holds the write lock of SQLite meanwhile."""


def sweep() -> None:
    """The workers' chore: destroy what is old enough."""
    destroy_ended(business_now() - timedelta(days=current_app.config["SETTINGS"].history_days))


def destroy_ended(before: datetime) -> int:
    """Destroy what ended before an instant (business time), in transactions of its own; how many operations and jobs. Nothing is written
    when there is nothing."""
    count = 0
    while some := _ended_operations(before):
        with short_write():
            db.session.execute(delete(BatchItem).where(BatchItem.operation_key.in_(some)))
            db.session.execute(delete(BatchOperation).where(BatchOperation.key.in_(some)))
        count += len(some)
    while some := _ended_jobs(before):
        with short_write():
            db.session.execute(delete(OutsideJob).where(OutsideJob.key.in_(some)))
        count += len(some)
    return count


def _ended_operations(before: datetime) -> list[int]:
    return _keys(select(BatchOperation.key).where(BatchOperation.ended_at < before).limit(OPERATIONS))


def _ended_jobs(before: datetime) -> list[int]:
    return _keys(select(OutsideJob.key).where(OutsideJob.ended_at < before).limit(JOBS))


def _keys(query: Select[int]) -> list[int]:
    with reading():
        found = list(db.session.execute(query).scalars())
        db.session.rollback()
    return found
