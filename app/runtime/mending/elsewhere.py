"""Incidents of what goes wrong outside a step: nobody holds a role, a form is missing, a job has failed for good.

The engine does not know of them: the task waits where it is. Whoever raises them says how they are tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.runtime.models import Incident, IncidentState, Instance
from app.store.clock import business_now
from app.store.database import db, new_key

Retry = Callable[[Incident, int | None], bool]

retries: dict[str, Retry] = {}
"""By kind of incident: tries again what failed elsewhere; whether it went on. Filled at start-up."""

let_go: dict[str, Callable[[Incident, int | None], None]] = {}
"""By kind of incident: what it means to leave it out, where that is possible. Filled at start-up."""


def raise_elsewhere(
    kind: str,
    message: str,
    *,
    area_key: int | None,
    instance_key: int | None = None,
    process_id: str = "",
    element_id: str = "",
    task_id: int = 0,
    subject_key: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> Incident:
    """Write an incident. The caller has looked that there is none of the same yet."""
    if any(isinstance(new, Instance) and new.key == instance_key for new in db.session.new):
        db.session.flush()  # the instance comes before what refers to it
    row = Incident(
        key=new_key(),
        instance_key=instance_key,
        area_key=area_key,
        process_id=process_id,
        element_id=element_id,
        task_id=task_id,
        subject_key=subject_key,
        kind=kind,
        message=message,
        details=dict(details or {}),
        state=IncidentState.ACTIVE,
        created_at=business_now(),
    )
    db.session.add(row)
    return row


def resolve(row: Incident, by: int | None) -> None:
    """The incident is over."""
    row.state, row.resolved_at, row.resolved_by = IncidentState.RESOLVED, business_now(), by
