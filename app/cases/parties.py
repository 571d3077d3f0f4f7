"""The data subjects of a case: victim, perpetrators, children. Details are sealed; only role and order are columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import orjson

from app.cases.dossiers import seal_for, unseal_for
from app.cases.matching import forget_decisions, forget_index, index_party, normalise
from app.cases.models import Dossier, Party, PartyRole
from app.store.database import db, new_key
from app.store.shelf import fetch, rows_of, shelve

_ORDER = {PartyRole.VICTIM: 0, PartyRole.PERPETRATOR: 1, PartyRole.CHILD: 2}


@dataclass(frozen=True)
class PartyDetails:
    """Who somebody is, as typed by the referrer. Dates are ISO text; unknown is empty."""

    name: str
    dob: str = ""
    aliases: tuple[str, ...] = ()
    address: str = ""
    relationship: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def born(self) -> date | None:
        try:
            return date.fromisoformat(self.dob)
        except ValueError:
            return None


def replace_parties(case_key: int, people: Iterable[tuple[PartyRole, PartyDetails]]) -> list[Party]:
    """Set the parties of a case from a submission. Whoever is there already keeps their key, in whatever place they are named now, and so
    what was decided about who they are; about somebody new or changed nothing is decided (01-marac B7, X14)."""
    named = list(people)
    before = parties(case_key)
    kept = _kept(before, named)
    rows: list[Party] = []
    counts: dict[PartyRole, int] = {}
    for place, (role, details) in enumerate(named):
        row = kept.get(place) or Party(key=new_key(), case_key=case_key, role=role)
        row.position = counts.get(role, 0)
        counts[role] = row.position + 1
        row.sealed = seal_for(case_key, asdict(details), f"party:{row.key}")
        db.session.add(row)
        rows.append(row)
    gone = [row for row in before if row not in rows]
    forget_decisions([row.key for row in gone])
    for row in gone:
        db.session.delete(row)
    forget_index(case_key)
    for row, (_, details) in zip(rows, named, strict=True):
        index_party(case_key, row.key, details.name, details.aliases, details.born)
    return rows


def _kept(before: Collection[Party], named: Collection[tuple[PartyRole, PartyDetails]]) -> dict[int, Party]:
    """Who of those named, by place, is whom of before: first those of whom nothing has changed, then those whom it can be told of."""
    known = [(PartyRole(row.role), details_of(row), row) for row in before]
    kept: dict[int, Party] = {}
    for tell in (_everything, _who):
        alike: dict[tuple[str, bytes], tuple[list[Party], list[int]]] = {}
        for role, details, row in known:
            if row not in kept.values():
                alike.setdefault((role, tell(details)), ([], []))[0].append(row)
        for place, (role, details) in enumerate(named):
            if place not in kept:
                alike.setdefault((role, tell(details)), ([], []))[1].append(place)
        for rows, places in alike.values():
            one = len(rows) == 1 or tell is _everything  # of namesakes who have changed nobody knows which is which
            if one and len(rows) == len(places):
                kept.update(zip(places, rows, strict=True))
    return kept


def _everything(details: PartyDetails) -> bytes:
    return orjson.dumps(asdict(details), default=str, option=orjson.OPT_SORT_KEYS)


def _who(details: PartyDetails) -> bytes:
    """What a match is decided on: name, other names and date of birth; everything where that date is not known."""
    if details.born is None:
        return _everything(details)
    names = sorted(" ".join(normalise(one)) for one in details.aliases)
    return orjson.dumps([" ".join(normalise(details.name)), names, details.dob])


def parties(case_key: int) -> list[Party]:
    """Victim first, then perpetrators, then children, each in the order given."""
    return parties_of([case_key])[case_key]


def parties_of(case_keys: Collection[int]) -> dict[int, list[Party]]:
    """The parties of many cases, by case; their dossiers are fetched along, for what is sealed is opened next."""
    fetch(Dossier, case_keys)
    return {case_key: in_order(rows) for case_key, rows in rows_of(Party.case_key, case_keys, Party).items()}


def in_order(rows: Iterable[Party]) -> list[Party]:
    """Victim first, then perpetrators, then children, each in the order given."""
    return sorted(rows, key=lambda party: (_ORDER[PartyRole(party.role)], party.position))


def read_already(case_key: int, rows: Iterable[Party]) -> None:
    """All the parties of a case, read by another statement of this transaction."""
    shelve(Party.case_key, case_key, rows, Party)


def details_of(party: Party) -> PartyDetails:
    """The details of a party. The caller has checked that the person may see them."""
    value: Any = unseal_for(party.case_key, party.sealed, f"party:{party.key}")
    return PartyDetails(**{**value, "aliases": tuple(value.get("aliases", ()))})
