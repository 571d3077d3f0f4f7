"""Jobs changed by the many: as a batch operation, each as it would be by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import fields
from sqlalchemy import select

from app import audit
from app.access.permissions import Permission
from app.api import batch_notices, jobs, search
from app.api.batches import Begun, OnMany, begin, why_not
from app.api.blueprints import Blueprint
from app.api.job_shapes import JobChanges
from app.errors import Invalid
from app.identity import register
from app.identity.freshness import require_fresh_or_machine
from app.runtime import batches, outside_jobs
from app.runtime.batches import BatchItem, BatchOperation, Doing
from app.runtime.job_models import OutsideJob
from app.store.database import db

UPDATE = "UPDATE_JOB"

blueprint = Blueprint("job-batches", "Work for workers outside, changed by the many")


class ChangeMany(OnMany):
    """Which jobs: a filter as in the search of jobs, not empty; and what to change."""

    changeset = fields.Nested(JobChanges, required=True)


@blueprint.route("/jobs/batch-update", methods=["POST"])
@blueprint.arguments(ChangeMany)
@blueprint.response(200, Begun)
def change_many(asked: dict[str, Any]) -> dict[str, Any]:
    """Update jobs (batch): those of the filter that have not ended. Each is changed, or refused, as it would be by itself."""
    person, _ = jobs.worker()
    require_fresh_or_machine(person)
    if not asked["filter"]:
        raise Invalid("Say which jobs: the filter is empty.", resource_id="filter")
    changes = {name: value for name, value in asked["changeset"].items() if value is not None}
    if not changes:
        raise Invalid("Say what to change: retries, timeout or priority.", resource_id="changeset")
    query = (
        select(OutsideJob.key, OutsideJob.instance_key)
        .where(
            *jobs.known_to(person), OutsideJob.ended_at.is_(None), *search.conditions(jobs.SEARCHABLE, asked["filter"])
        )
        .order_by(OutsideJob.key)
        .limit(batches.LARGEST + 1)
    )
    found = [(job_key, instance_key) for job_key, instance_key in db.session.execute(query)]
    return begin(person, UPDATE, found, Permission.JOB_WORK, changes=changes)


def _update(operation: BatchOperation, item: BatchItem) -> None:
    person = register.person_for(operation.created_by)
    jobs.require_theirs(person, item.item_key)
    changes = operation.plan["changes"]
    timeout = changes.get("timeout")
    job = outside_jobs.change(
        item.item_key,
        retries=changes.get("retries"),
        timeout=None if timeout is None else timedelta(milliseconds=timeout),
        priority=changes.get("priority"),
    )
    audit.record("job.update", actor=person, subject=f"job:{job.key}", instance_key=job.instance_key, detail=job.type)


def register_jobs() -> None:
    """Say how it is done; call once at start-up."""
    batches.doings[UPDATE] = Doing(_update, why_not, stopped=batch_notices.stopped)
