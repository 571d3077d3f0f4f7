"""A case opened by the person at the browser."""

from __future__ import annotations

from dataclasses import dataclass

from app.access import decide
from app.access.facts import CaseFacts
from app.access.permissions import Permission
from app.cases.dossiers import find_case
from app.cases.facts import facts_of
from app.cases.models import Case
from app.identity.person import Person
from app.identity.service import current_person


@dataclass(frozen=True, slots=True)
class File:
    """A case and the person who reads it."""

    case: Case
    facts: CaseFacts
    person: Person

    def may(self, permission: Permission) -> bool:
        """Whether the person may do or see something in this case."""
        return decide.allowed(self.person, permission, self.facts)


def find(key: int, permission: Permission = Permission.CASE_SUMMARY_READ) -> File:
    """A case for the person at the browser.

    :raises NotFound: there is none, or none that they may know of. :raises NotAllowed: they may not do this with it.
    """
    person = current_person()
    case = find_case(key)
    facts = facts_of(case)
    decide.require(person, permission, facts, resource_id=str(key))
    return File(case, facts, person)
