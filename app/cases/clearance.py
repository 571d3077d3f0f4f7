"""What one person may be shown of a case, by asking access. Pages, lists, search and documents come through here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from app.access import decide
from app.access.permissions import Permission
from app.cases.errors import CaseDestroyed
from app.cases.facts import facts_of, facts_of_all
from app.cases.models import Case, CaseState
from app.cases.parties import PartyDetails, details_of, parties, parties_of
from app.identity.person import Person


def may_see_case(person: Person, case: Case) -> bool:
    """Whether the person may know that the case exists."""
    return bool(seen_of(person, [case]))


def seen_of(person: Person, cases: Collection[Case]) -> list[Case]:
    """Those of many cases that the person may know of, in their order, in a handful of statements."""
    facts = facts_of_all(cases)
    return [case for case in cases if decide.allowed(person, Permission.CASE_SUMMARY_READ, facts[case.key])]


def may_see_names(person: Person, case: Case) -> bool:
    """Whether the person is cleared for the parties' names."""
    return case.state != CaseState.DISPOSED and decide.allowed(person, Permission.CASE_PARTIES_READ, facts_of(case))


def names_for(person: Person, case: Case) -> list[str]:
    """Victim and perpetrators by name for somebody cleared, else nothing."""
    return names_for_all(person, [case])[case.key]


def names_for_all(person: Person, cases: Collection[Case]) -> dict[int, list[str]]:
    """The same for many cases, by key, in a handful of statements."""
    facts = facts_of_all(cases)
    cleared = [
        case.key
        for case in cases
        if case.state != CaseState.DISPOSED and decide.allowed(person, Permission.CASE_PARTIES_READ, facts[case.key])
    ]
    people = parties_of(cleared)
    found: dict[int, list[str]] = {}
    for case in cases:
        try:
            found[case.key] = [details_of(p).name for p in people.get(case.key, []) if p.role != "child"]
        except CaseDestroyed:
            found[case.key] = []
    return found


def searched_parties(person: Person, case: Case) -> list[tuple[str, PartyDetails]]:
    """(role, details) of everybody to search for (01-marac C1: enough to search an index, no more).

    The victim's address is left out for those who may not have it.
    """
    facts = facts_of(case)
    if not decide.allowed(person, Permission.CASE_PARTIES_READ, facts):
        return []
    address = decide.allowed(person, Permission.CASE_VICTIM_ADDRESS_READ, facts)
    found = []
    for party in parties(case.key):
        details = replace(details_of(party), extra={})
        if not address and party.role != "perpetrator":
            details = replace(details, address="")
        found.append((party.role, details))
    return found
