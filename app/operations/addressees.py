"""Whom a notice about a case is written to: nobody to whom the case is closed, and always somebody."""

from __future__ import annotations

from collections.abc import Collection

from app.access import decide
from app.access.items import AREA_LEADS
from app.agencies import service as agencies
from app.agencies.models import ContactRole
from app.cases.facts import conflict_facts
from app.cases.involvement import conflicts
from app.cases.models import Case
from app.identity import register
from app.identity.roles import Role

ASKED = (ContactRole.SPOC, ContactRole.DEPUTY)


def can_be_asked(agency_key: int, case: Case) -> bool:
    """Whether an agency has an approved contact who is there, neither away nor undeliverable, nor shut out (01-marac C1a), and to whom no
    conflict of interest closes the case (X7)."""
    there = contacts_there((agency_key,))[agency_key]
    return bool(open_to(there, case.key, case.area_key)) if conflicts(case.key) else bool(there)


def contacts_there(agency_keys: Collection[int]) -> dict[int, set[int]]:
    """The contacts of agencies who are there, by agency."""
    found = agencies.contacts_of(agency_keys, ASKED, available=True)
    known = register.people_for({contact.user_key for rows in found.values() for contact in rows})
    there = {key for key, person in known.items() if person.roles}
    return {agency: {contact.user_key for contact in rows} & there for agency, rows in found.items()}


def of_agencies(agency_keys: Collection[int]) -> dict[int, set[int]]:
    """Who is told for each agency: its contacts; of one without a contact who is there, its strategic lead (DMN-M8)."""
    found = contacts_there(agency_keys)
    for agency_key in (key for key, people in found.items() if not people):
        leads = register.holders(Role.AGENCY_STRATEGIC_LEAD, agency_key=agency_key)
        found[agency_key] = {person.key for person in leads}
    return found


def open_to(people: Collection[int], case_key: int | None, area_key: int) -> set[int]:
    """Those to whom no conflict of interest closes the case."""
    if case_key is None:
        return set(people)
    case = conflict_facts(case_key, area_key)
    known = register.people_for(set(people)).values()
    return {person.key for person in known if not decide.in_conflict(person, case)}


def leads_of_area(case_key: int | None, area_key: int) -> set[int]:
    """The Co-ordinator and the Chair, who are told where nobody else can be."""
    found = register.holders_of([(str(role), None, area_key) for role in AREA_LEADS]).values()
    return open_to({person.key for people in found for person in people}, case_key, area_key)
