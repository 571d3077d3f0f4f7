"""Which agencies are involved in a case and on what ground; who has a conflict of interest."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, or_, select

from app.cases.dossiers import seal_for, unseal_for
from app.cases.models import ConflictOfInterest, Ground, Involvement
from app.cases.timeline import note
from app.identity.person import Person
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.remembering import tell, told


def involve(case_key: int, agency_key: int, ground: Ground) -> None:
    """Give an agency a ground; having it already changes nothing."""
    change(case_key, agency_key, ends=(), begins=(ground,))


def end(case_key: int, agency_key: int, *which: Ground) -> None:
    """End an agency's grounds (all of them when none is named)."""
    change(case_key, agency_key, ends=which or tuple(Ground), begins=())


def change(case_key: int, agency_key: int, *, ends: Collection[Ground], begins: Collection[Ground]) -> None:
    """End some of an agency's grounds and give it others; those it has already it keeps."""
    now, rows = business_now(), _in_force(case_key)
    have = set()
    for row in rows:
        if row.agency_key == agency_key and row.until is None:
            if row.ground in ends:
                row.until = now
            else:
                have.add(row.ground)
    for ground in begins:
        if ground not in have:
            rows.append(Involvement(case_key=case_key, agency_key=agency_key, ground=ground, since=now))
            db.session.add(rows[-1])


def _in_force(case_key: int) -> list[Involvement]:
    """What a case's agencies have to do with it, read once in a transaction and kept up with what that changes itself."""
    return expect((case_key,))[case_key]


def expect(case_keys: Collection[int]) -> dict[int, list[Involvement]]:
    """The same for several cases, read together."""
    known: dict[int, list[Involvement]] = told("involved") or {}
    if missing := [key for key in case_keys if key not in known]:
        query = select(Involvement).where(Involvement.case_key.in_(missing), Involvement.until.is_(None))
        known.update({key: [] for key in missing})
        with db.session.no_autoflush:  # rows that wait to be written are at hand
            rows = [
                *db.session.execute(query).scalars(),
                *(new for new in db.session.new if isinstance(new, Involvement)),
            ]
        for row in rows:
            if row.case_key in missing:
                known[row.case_key].append(row)
        tell("involved", (), known, shared=True)
    return known


def read_already(case_key: int, ruled: list[ConflictOfInterest], involved: list[Involvement]) -> None:
    """The conflicts of interest and grounds in force of a case, read by another statement of this transaction."""
    tell(_conflicts(case_key), (ConflictOfInterest,), ruled)
    tell("involved", (), {case_key: involved}, shared=True)


def read_already_of(case_keys: Collection[int], ruled: list[ConflictOfInterest], involved: list[Involvement]) -> None:
    """The same of several cases."""
    known: dict[int, list[Involvement]] = told("involved") or {}
    for key in case_keys:
        tell(_conflicts(key), (ConflictOfInterest,), [row for row in ruled if row.case_key == key], shared=True)
        known.setdefault(key, [row for row in involved if row.case_key == key])
    tell("involved", (), known, shared=True)


def grounds(case_key: int) -> dict[int, set[Ground]]:
    """The grounds in force, by agency."""
    found: dict[int, set[Ground]] = {}
    for row in _in_force(case_key):
        if row.until is None:
            found.setdefault(row.agency_key, set()).add(Ground(row.ground))
    return found


def grounds_of(case_keys: Collection[int]) -> dict[int, dict[int, set[Ground]]]:
    """The grounds in force, by case and agency."""
    expect(case_keys)
    return {key: grounds(key) for key in case_keys}


def declare_conflict(
    case_key: int, *, user_key: int | None = None, agency_key: int | None = None, reason: str, by: int
) -> ConflictOfInterest:
    """Record a conflict of interest: it beats every grant until lifted (01-marac X7)."""
    row = ConflictOfInterest(
        key=new_key(), case_key=case_key, user_key=user_key, agency_key=agency_key, ruled_by=by, ruled_at=business_now()
    )
    row.reason = seal_for(case_key, reason, f"conflict:{row.key}")
    db.session.add(row)
    note(case_key, "conflict-declared", actor=by, agency_key=agency_key, facts={"user": str(user_key or "")})
    return row


def lift_conflict(conflict_key: int, *, by: int) -> None:
    """End a conflict of interest."""
    row = db.session.get(ConflictOfInterest, conflict_key)
    if row is not None and row.lifted_at is None:
        row.lifted_at = business_now()
        note(row.case_key, "conflict-lifted", actor=by, agency_key=row.agency_key)


def reason_of_conflict(row: ConflictOfInterest) -> str:
    """Why somebody has a conflict of interest. The caller has checked that the person may read it."""
    return str(unseal_for(row.case_key, row.reason, f"conflict:{row.key}"))


def conflicts(case_key: int) -> list[ConflictOfInterest]:
    """Conflicts in force."""
    return conflicts_of((case_key,))[case_key]


def conflicts_of(case_keys: Collection[int]) -> dict[int, list[ConflictOfInterest]]:
    """Conflicts in force, by case; read once in a transaction."""
    known: dict[int, list[ConflictOfInterest] | None] = {key: told(_conflicts(key)) for key in case_keys}
    found = {key: rows for key, rows in known.items() if rows is not None}
    if missing := [key for key, rows in known.items() if rows is None]:
        query = select(ConflictOfInterest).where(
            ConflictOfInterest.case_key.in_(missing), ConflictOfInterest.lifted_at.is_(None)
        )
        found.update({key: [] for key in missing})
        for row in db.session.execute(query).scalars():
            found[row.case_key].append(row)
        for key in missing:
            tell(_conflicts(key), (ConflictOfInterest,), found[key], shared=True)
    return found


def _conflicts(case_key: int) -> tuple[str, int]:
    return ("conflicts", case_key)


def cases_in_conflict(person: Person) -> Select[int]:
    """The keys of the cases that the person, or an agency they belong to or act for, must not see: for the queries of other rooms."""
    return cases_closed_to(person.key, person.agencies)


def cases_closed_to(person: Any, agencies: Any) -> Select[int]:
    """The same for a key and the keys of agencies, or for parameters that stand for them."""
    ruled = or_(ConflictOfInterest.user_key == person, ConflictOfInterest.agency_key.in_(agencies))
    return select(ConflictOfInterest.case_key).where(ruled, ConflictOfInterest.lifted_at.is_(None))
