"""The data subjects of a case: victim, perpetrators, children. Details are sealed; only role and order are columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from app.cases.dossiers import seal_for, unseal_for
from app.cases.matching import forget_index, index_party
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
    """Set the parties of a case from a submission. A party in the same role and place keeps its key, so decisions about it stay."""
    have = {(p.role, p.position): p for p in parties(case_key)}
    rows: list[Party] = []
    counts: dict[PartyRole, int] = {}
    for role, details in people:
        position = counts.get(role, 0)
        counts[role] = position + 1
        row = have.pop((role, position), None)
        if row is None:
            row = Party(key=new_key(), case_key=case_key, role=role, position=position)
        row.sealed = seal_for(case_key, asdict(details), f"party:{row.key}")
        db.session.add(row)
        rows.append(row)
    for gone in have.values():
        db.session.delete(gone)
    forget_index(case_key)
    for row in rows:
        details = details_of(row)
        index_party(case_key, row.key, details.name, details.aliases, details.born)
    return rows


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
