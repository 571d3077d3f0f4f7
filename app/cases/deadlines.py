"""Named deadlines (DESIGN rule 4): computed once, kept with their rule and source, moved only by a recorded decision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import and_, or_, select, update

from app.cases.dossiers import seal_for, unseal_for
from app.cases.errors import UnknownDeadline
from app.cases.models import Case, Deadline
from app.cases.timeline import note
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.flushing import put, untouched, waiting_rows
from app.store.remembering import tell, told

Rearm = Callable[[int, str], object]


def current(dossier: int, name: str) -> Deadline | None:
    """The deadline of a name that is in force: the latest not superseded, met or not."""
    found = [row for row in _in_hand((dossier,))[dossier] if row.name == name and row.superseded_at is None]
    return max(found, key=lambda row: row.key, default=None)


def _in_hand(dossiers: Collection[int]) -> dict[int, list[Deadline]]:
    """The deadlines of dossiers, read once in a transaction and kept up with what it sets itself."""
    have: dict[int, list[Deadline]] = told("deadlines") or {}
    if missing := [key for key in dossiers if key not in have]:
        have.update({key: [] for key in missing})
        for row in _read(missing):
            have[row.dossier_key].append(row)
        tell("deadlines", (), have, shared=True)
    return have


def _read(dossiers: Collection[int]) -> list[Deadline]:
    """The deadlines in force of dossiers, with what waits to be written laid over the answer."""
    waiting = {row["key"]: row for row in waiting_rows(Deadline)[0] if row["dossier_key"] in dossiers}
    in_force_there = and_(Deadline.dossier_key.in_(dossiers), Deadline.superseded_at.is_(None))
    query = select(Deadline).where(or_(in_force_there, Deadline.key.in_(waiting)) if waiting else in_force_there)
    with untouched():
        found = {row.key: row for row in _let_go(db.session.execute(query).scalars())}
    for key, values in waiting.items():
        row = found.setdefault(key, Deadline(**values))
        row.met_at = values["met_at"] or row.met_at
        row.superseded_at = values["superseded_at"] or row.superseded_at
    return [row for row in found.values() if row.superseded_at is None]


def _let_go(rows: Iterable[Deadline]) -> list[Deadline]:
    """Rows that the session does not write: :func:`_write` does."""
    found = list(rows)
    for row in found:
        db.session.expunge(row)
    return found


def _write(row: Deadline) -> None:
    """Write a deadline with the others: those set, met and superseded in one statement. An instant that somebody else has entered
    meanwhile stays."""
    values = {column.name: getattr(row, column.name) for column in Deadline.__table__.columns}
    put(Deadline, ("key",), [values], replaces=True, keeps=True)


def read_already(dossiers: Collection[int], rows: Iterable[Deadline]) -> None:
    """All the deadlines in force of these dossiers, read by another statement of this transaction."""
    found: dict[int, list[Deadline]] = {dossier: [] for dossier in dossiers}
    for row in _let_go(rows):
        found[row.dossier_key].append(row)
    tell("deadlines", (), found, shared=True)


def lookup(case_key: int | None, meeting_key: int | None, name: str) -> datetime | None:
    """The instant behind ``deadline("name")``: the case's, else that of the meeting it is listed for, else the meeting's own."""
    found = _asked_for(case_key, meeting_key, name)
    return None if found is None else found.due_at


def _asked_for(case_key: int | None, meeting_key: int | None, name: str) -> Deadline | None:
    dossiers = [case_key] if case_key else []
    case = db.session.get(Case, case_key) if case_key else None
    if case is not None and case.meeting_key is not None:
        dossiers.append(case.meeting_key)
    if meeting_key:
        dossiers.append(meeting_key)
    _in_hand(dossiers)
    for dossier in dossiers:
        if found := current(dossier, name):
            return found
    return None


def expect(dossiers: Collection[tuple[int | None, int | None]]) -> None:
    """The deadlines of these cases and meetings are asked for next: cases and deadlines are read in one statement each."""
    keys = {case for case, _ in dossiers if case}
    cases = db.session.execute(select(Case).where(Case.key.in_(keys))).scalars().all() if keys else []
    meetings = {case.meeting_key for case in cases} | {meeting for _, meeting in dossiers}
    _in_hand(sorted(keys | {key for key in meetings if key}))


def reach(dossier: int) -> set[int]:
    """The case or meeting itself, and the cases that are listed for the meeting: theirs is what they have no deadline of their own for."""
    listed = db.session.execute(select(Case.key).where(Case.meeting_key == dossier)).scalars()
    return {dossier, *listed}


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
    return _set(_new(dossier, name, at, rule=rule, parameter=parameter, source=source, by=by))


def enter(
    case_key: int | None, meeting_key: int | None, name: str, at: datetime, *, rule: str, parameter: str, source: str
) -> None:
    """A task that is due then has been entered. A deadline that says so already stays, with the rule that it came from; if it was met, it
    is open again: the task was given back. One of a meeting's task about a case is the meeting's, whose timers hang on it."""
    found, owner = _asked_for(case_key, meeting_key, name), meeting_key or case_key
    if found is not None and found.due_at == at:
        if found.met_at is not None:
            _set(_again(found))
    elif owner is not None:
        record(owner, name, at, rule=rule, parameter=parameter, source=source)


def _again(met: Deadline) -> Deadline:
    """A deadline that was met, as it was before."""
    kept = {"rule": met.rule, "parameter": met.parameter, "source": met.source}
    row = _new(met.dossier_key, met.name, met.due_at, **kept, by=met.set_by)
    row.moved_from, row.set_at = met.moved_from, met.set_at
    if met.reason is not None:
        row.reason = seal_for(met.dossier_key, reason_of(met), f"deadline:{row.key}")
    return row


def _new(dossier: int, name: str, at: datetime, *, rule: str, parameter: str, source: str, by: int | None) -> Deadline:
    return Deadline(
        key=new_key(),
        dossier_key=dossier,
        name=name,
        due_at=at.astimezone(UTC),  # as it will be read: expressions see the offset
        rule=rule[:400],
        parameter=parameter[:200],
        source=source[:300],
        set_at=business_now(),
        set_by=by,
    )


def _set(row: Deadline) -> Deadline:
    earlier = current(row.dossier_key, row.name)
    if earlier is not None:
        earlier.superseded_at = business_now()
        _write(earlier)
    _in_hand((row.dossier_key,))[row.dossier_key].append(row)
    _write(row)
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
    row = _new(
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
    _set(row)
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


def meet(dossier: int, name: str, *also: int) -> None:
    """What the deadline of that name asked for has been done, in the dossier and in others that have one."""
    read = told("deadlines") or {}
    for owner in (dossier, *also):
        if owner in read and (found := current(owner, name)) is not None and found.met_at is None:
            found.met_at = business_now()
            _write(found)
    if unread := [owner for owner in (dossier, *also) if owner not in read]:
        db.session.execute(
            update(Deadline)
            .where(
                Deadline.dossier_key.in_(unread),
                Deadline.name == name,
                Deadline.superseded_at.is_(None),
                Deadline.met_at.is_(None),
            )
            .values(met_at=business_now())
        )


def lapse(dossier: int, name: str) -> None:
    """What the deadline asked for is no longer needed: it is in force no more, and nobody was late."""
    found = current(dossier, name)
    if found is not None and found.met_at is None:
        found.superseded_at = business_now()
        _write(found)


def in_force(dossier: int) -> list[Deadline]:
    """Every deadline in force of a dossier, soonest first."""
    return list(
        db.session.execute(
            select(Deadline)
            .where(Deadline.dossier_key == dossier, Deadline.superseded_at.is_(None))
            .order_by(Deadline.due_at, Deadline.key)
        ).scalars()
    )
