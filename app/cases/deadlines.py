"""Named deadlines (DESIGN rule 4): computed once, kept with their rule and source, moved only by a recorded decision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from app.cases.dossiers import seal_for, unseal_for
from app.cases.errors import UnknownDeadline
from app.cases.models import Case, Deadline
from app.cases.timeline import note
from app.store.clock import business_now
from app.store.database import db

Rearm = Callable[[int, str], object]


def current(dossier: int, name: str) -> Deadline | None:
    """The deadline of a name that is in force: the latest not superseded, met or not."""
    return db.session.execute(
        select(Deadline)
        .where(Deadline.dossier_key == dossier, Deadline.name == name, Deadline.superseded_at.is_(None))
        .order_by(Deadline.key.desc())
        .limit(1)
    ).scalar_one_or_none()


def lookup(case_key: int | None, meeting_key: int | None, name: str) -> datetime | None:
    """The instant behind ``deadline("name")``: the case's, else that of the meeting it is listed for, else the meeting's own."""
    dossiers = [case_key] if case_key else []
    if case_key and (listed := db.session.execute(select(Case.meeting_key).where(Case.key == case_key)).scalar()):
        dossiers.append(listed)
    if meeting_key:
        dossiers.append(meeting_key)
    for dossier in dossiers:
        if found := current(dossier, name):
            return found.due_at
    return None


def record(
    dossier: int,
    name: str,
    at: datetime,
    *,
    rule: str,
    parameter: str = "",
    source: str = "",
    by: int | None = None,
) -> Deadline:
    """Set a deadline. One of the same name that is still open is superseded (the task was entered anew)."""
    earlier = current(dossier, name)
    if earlier is not None:
        earlier.superseded_at = business_now()
    row = Deadline(
        dossier_key=dossier,
        name=name,
        due_at=at,
        rule=rule[:400],
        parameter=parameter[:200],
        source=source[:300],
        set_at=business_now(),
        set_by=by,
    )
    db.session.add(row)
    db.session.flush()
    return row


def move(
    dossier: int,
    name: str,
    at: datetime,
    *,
    by: int | None,
    reason: str,
    rearm: Rearm,
    rule: str | None = None,
    parameter: str | None = None,
    source: str | None = None,
) -> Deadline:
    """Move a deadline by a recorded decision; every timer bound to it is re-armed in the same transaction.

    :param rearm: what the runtime offers to re-arm the timers of (dossier, name).
    :param rule: with ``parameter`` and ``source`` where the decision is to follow another rule; as before when None.
    :raises UnknownDeadline: nothing of that name is in force.
    """
    earlier = current(dossier, name)
    if earlier is None:
        raise UnknownDeadline("There is no such deadline.", resource_id=name)
    row = record(
        dossier,
        name,
        at,
        rule=earlier.rule if rule is None else rule,
        parameter=earlier.parameter if parameter is None else parameter,
        source=earlier.source if source is None else source,
        by=by,
    )
    row.moved_from = earlier.key
    row.reason = seal_for(dossier, reason, f"deadline:{row.key}")
    note(
        dossier,
        "deadline-moved",
        title=name,
        actor=by,
        facts={"from": earlier.due_at.isoformat(), "to": at.isoformat(), "deadline": str(row.key)},
    )
    rearm(dossier, name)
    return row


def reason_of(deadline: Deadline) -> str:
    """Why a deadline was moved; empty when it was not."""
    if deadline.reason is None:
        return ""
    return str(unseal_for(deadline.dossier_key, deadline.reason, f"deadline:{deadline.key}"))


def meet(dossier: int, name: str) -> None:
    """What the deadline asked for has been done."""
    found = current(dossier, name)
    if found is not None and found.met_at is None:
        found.met_at = business_now()


def lapse(dossier: int, name: str) -> None:
    """What the deadline asked for is no longer needed: it is in force no more, and nobody was late."""
    found = current(dossier, name)
    if found is not None and found.met_at is None:
        found.superseded_at = business_now()


def in_force(dossier: int) -> list[Deadline]:
    """Every deadline in force of a dossier, soonest first."""
    return list(
        db.session.execute(
            select(Deadline)
            .where(Deadline.dossier_key == dossier, Deadline.superseded_at.is_(None))
            .order_by(Deadline.due_at, Deadline.key)
        ).scalars()
    )
