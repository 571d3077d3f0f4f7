"""Which cases a person may list, told so that a query can be built from it. Lists, search and the API use the same rules as pages."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.case_rules import CONDITIONS
from app.access.conditions import Reach
from app.access.decide import in_conflict
from app.access.facts import CaseFacts, Ground, Phase, Standing
from app.access.permissions import Permission
from app.identity.person import Person


@dataclass(frozen=True, slots=True)
class Clause:
    """One way in which a case may be listed: it is in one of the phases, and the agency has one of the grounds.

    :param agency_key: the agency whose grounds count; None when no involvement is needed (roles of the area).
    :param any_of: the grounds of which one is needed; empty when none is.
    :param none_of: grounds that undo it.
    :param standing: when the person is on the conference's attendance list, with which standing.
    """

    agency_key: int | None
    phases: frozenset[Phase]
    any_of: frozenset[Ground]
    none_of: frozenset[Ground]
    standing: frozenset[Standing]

    def matches(self, person: Person, facts: CaseFacts) -> bool:
        """The clause applied to one case, for tests and for cases already loaded."""
        attendance = facts.attendance.get(person.key)
        if facts.phase not in self.phases or (attendance is not None and attendance.standing not in self.standing):
            return False
        if self.agency_key is None:
            return True
        grounds = facts.grounds(self.agency_key)
        return not self.none_of & grounds and bool(self.any_of & grounds)


@dataclass(frozen=True, slots=True)
class ListScope:
    """The cases of one area that fit any clause and in which neither the person nor their agencies have a conflict of interest.

    No clause: nothing may be listed. A case being discussed is shown in the room besides, by the person's attendance.
    """

    area_key: int | None
    clauses: tuple[Clause, ...]
    user_key: int
    agencies: frozenset[int]

    @property
    def empty(self) -> bool:
        return self.area_key is None or not self.clauses

    def matches(self, person: Person, facts: CaseFacts) -> bool:
        """The scope applied to one case."""
        if facts.area_key != self.area_key or in_conflict(person, facts):
            return False
        return any(clause.matches(person, facts) for clause in self.clauses)


def list_scope(person: Person, permission: Permission = Permission.CASE_LIST) -> ListScope:
    """What a person may list (or search by another permission, for instance the parties' names)."""
    clauses = {
        Clause(
            agency_key if condition.reach is Reach.AGENCY else None,
            condition.phases,
            condition.any_of,
            condition.none_of,
            condition.standing,
        )
        for role, agency_key in person.roles
        for condition in CONDITIONS.get((permission, role), ())
        if not condition.in_room and not (condition.reach is Reach.AGENCY and agency_key is None)
    }
    ordered = tuple(sorted(clauses, key=lambda c: (c.agency_key or 0, sorted(c.phases), sorted(c.any_of))))
    return ListScope(person.area_key, ordered, person.key, person.agencies)
