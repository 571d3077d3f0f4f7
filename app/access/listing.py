"""Where to look for the cases that a person may read something of, told so that a query can be built from it.

It leaves out no case that a page would open and lets in some that it would not: ``decide.py`` has the last word on each that is found.
Without it everybody's list would read every case of the area, and most people have to do with few of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.access.case_rules import CONDITIONS
from app.access.conditions import Reach
from app.access.facts import CaseFacts, Ground, Phase
from app.access.permissions import Permission
from app.identity.person import Person


@dataclass(frozen=True, slots=True)
class Clause:
    """One way: the case is in one of the phases, and the agency has one of the grounds.

    :param agency_key: the agency whose grounds count; None when no involvement is needed.
    :param any_of: the grounds of which one is needed.
    """

    phases: frozenset[Phase]
    agency_key: int | None = None
    any_of: frozenset[Ground] = frozenset()

    def matches(self, facts: CaseFacts) -> bool:
        """The clause applied to one case."""
        if facts.phase not in self.phases:
            return False
        return self.agency_key is None or bool(self.any_of & facts.grounds(self.agency_key))


def where_to_look(person: Person, permission: Permission) -> frozenset[Clause]:
    """The ways in which a case of the person's area may open itself to them; none when none can."""
    return frozenset(
        Clause(condition.phases, agency_key, condition.any_of)
        if condition.reach is Reach.AGENCY and condition.any_of
        else Clause(condition.phases)
        for role, agency_key in person.roles
        for condition in CONDITIONS.get((permission, role), ())
        if agency_key is not None or condition.reach is Reach.AREA
    )
