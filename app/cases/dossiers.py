"""Dossiers and cases: opening them, their keys, their state."""

from __future__ import annotations

import orjson
from sqlalchemy import select

from app.cases.errors import CaseDestroyed, UnknownCase, WrongState
from app.cases.models import Case, CaseState, Dossier, DossierKind, ReferenceCounter
from app.cases.timeline import note
from app.store.clock import LONDON, business_now
from app.store.database import db, new_key
from app.store.vault import active, seal, unseal

FINAL = frozenset({CaseState.REJECTED_SIGNPOSTED, CaseState.MERGED, CaseState.TRANSFERRED_OUT, CaseState.DISPOSED})


def open_dossier(kind: DossierKind, area_key: int) -> Dossier:
    """A fresh dossier with a key of its own."""
    key = new_key()
    dossier = Dossier(
        key=key,
        kind=kind,
        area_key=area_key,
        wrapped_key=active().new_owner_key(f"dossier:{key}"),
        created_at=business_now(),
    )
    db.session.add(dossier)
    db.session.flush()
    return dossier


def next_reference(area_key: int, series: str) -> str:
    """The next reference of a series in an area, like ``MARAC-2026-0007``. It tells nothing about the people."""
    year = business_now().astimezone(LONDON).year
    row = db.session.execute(
        select(ReferenceCounter)
        .where(ReferenceCounter.area_key == area_key, ReferenceCounter.series == series, ReferenceCounter.year == year)
        .with_for_update()
    ).scalar_one_or_none()
    if row is None:
        row = ReferenceCounter(area_key=area_key, series=series, year=year, last=0)
        db.session.add(row)
    row.last += 1
    return f"{series}-{year}-{row.last:04d}"


def open_case(
    area_key: int,
    procedure: str,
    *,
    by: int,
    agency_key: int | None,
    state: CaseState = CaseState.DRAFT,
    series: str = "MARAC",
) -> Case:
    """Open a case with its dossier; the referring agency is the opener's."""
    dossier = open_dossier(DossierKind.CASE, area_key)
    case = Case(
        key=dossier.key,
        area_key=area_key,
        reference=next_reference(area_key, series),
        procedure=procedure,
        state=state,
        referring_agency_key=agency_key,
        created_by=by,
        created_at=dossier.created_at,
    )
    db.session.add(case)
    db.session.flush()
    note(dossier.key, "case-opened", title="Case opened", actor=by, agency_key=agency_key)
    return case


def find_case(case_key: int) -> Case:
    """:raises UnknownCase: no such case."""
    case = db.session.get(Case, case_key)
    if case is None:
        raise UnknownCase("There is no such case.", resource_id=str(case_key))
    return case


def lock_case(case_key: int) -> Case:
    """A case as it is now, held until the end of the transaction: setting a hold and destroying wait for one another.

    :raises UnknownCase: no such case.
    """
    case = find_case(case_key)
    db.session.flush()
    db.session.refresh(case, with_for_update=True)
    return case


def cases_by_reference(area_key: int | None, reference: str) -> list[Case]:
    """The case of a reference in an area; for None those of every area, each of which counts by itself."""
    query = select(Case).where(Case.reference == reference.strip().upper())
    return list(db.session.execute(query if area_key is None else query.where(Case.area_key == area_key)).scalars())


def set_state(case_key: int, state: CaseState, *, by: int | None = None) -> None:
    """Move a case to a state and note it.

    :raises WrongState: the case has ended for good.
    """
    case = find_case(case_key)
    if case.state == state:
        return
    if case.state in FINAL and state != CaseState.DISPOSED:
        raise WrongState(f"Case {case.reference} has ended and cannot become {state}.", resource_id=str(case_key))
    note(case_key, "state", title=str(state), actor=by, facts={"from": case.state, "to": str(state)})
    case.state = state
    now = business_now()
    if state is CaseState.SUBMITTED:
        case.submitted_at = now
    if state is CaseState.ACTIONS_CLOSED:
        case.closed_at = now


def dossier_key(dossier: int) -> bytes:
    """The plain key of a dossier.

    :raises UnknownCase: no such dossier. :raises CaseDestroyed: its key has been destroyed.
    """
    row = db.session.get(Dossier, dossier)
    if row is None:
        raise UnknownCase("There is no such record.", resource_id=str(dossier))
    if row.wrapped_key is None:
        raise CaseDestroyed("This record has been destroyed.", resource_id=str(dossier))
    return active().unwrap(row.wrapped_key, f"dossier:{dossier}")


def seal_for(dossier: int, value: object, label: str) -> bytes:
    """Seal a small JSON value straight under the dossier's key."""
    return seal(dossier_key(dossier), orjson.dumps(value), f"{dossier}:{label}")


def unseal_for(dossier: int, sealed: bytes, label: str) -> object:
    """Open what :func:`seal_for` made."""
    value: object = orjson.loads(unseal(dossier_key(dossier), sealed, f"{dossier}:{label}"))
    return value
