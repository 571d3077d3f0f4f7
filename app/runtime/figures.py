"""How the work for workers outside stands, by its type: for the metrics. Counts and ages; nothing of an instance."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import and_, case, func, select

from app.runtime.job_models import OutsideJob, OutsideJobState
from app.store.clock import wall_now
from app.store.database import db

OTHER = "other"
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,120}")


class Stand(StrEnum):
    """How a job stands. LATER: it is tried again after its back-off. FAILED: it waits for somebody to mend its incident."""

    WAITING = "waiting"
    LEASED = "leased"
    LATER = "later"
    FAILED = "failed"


@dataclass(slots=True)
class Figures:
    """The open jobs of one type. :ivar oldest: how long the oldest that any worker could have has waited, in seconds of wall time."""

    counts: dict[Stand, int] = field(default_factory=lambda: dict.fromkeys(Stand, 0))
    oldest: float = 0.0


def of_outside_jobs() -> dict[str, Figures]:
    """By type. A type that is no plain name (a stranger's diagram may say anything) is counted as ``other``."""
    now = wall_now()
    ready = OutsideJob.state.in_((OutsideJobState.CREATED, OutsideJobState.FAILED))
    stand = case(
        (~and_(ready, OutsideJob.retries > 0), str(Stand.FAILED)),
        (OutsideJob.deadline > now, str(Stand.LEASED)),
        (OutsideJob.available_at > now, str(Stand.LATER)),
        else_=str(Stand.WAITING),
    )
    since = func.coalesce(OutsideJob.deadline, OutsideJob.available_at, OutsideJob.updated_at)
    query = (
        select(OutsideJob.type, stand.label("stand"), func.count(), func.min(since))
        .where(OutsideJob.ended_at.is_(None))
        .group_by(OutsideJob.type, "stand")
    )
    found: dict[str, Figures] = {}
    for type_, stands, count, oldest in db.session.execute(query):
        figures = found.setdefault(type_ if _NAME.fullmatch(type_) else OTHER, Figures())
        figures.counts[Stand(stands)] += count
        if stands == Stand.WAITING:
            figures.oldest = max(figures.oldest, (now - oldest).total_seconds())
    return found
