"""The one place that decides. Pages, API, documents, search and the work list all ask here.

Default deny. A conflict of interest beats every grant. A case that the person may not even list does not exist for them.
"""

from __future__ import annotations

from app.access.case_rules import CASE_PERMISSIONS, CONDITIONS
from app.access.errors import HIDDEN, REFUSED, NotAllowed, NotFound
from app.access.facts import AreaFacts, CaseFacts, Facts, ItemFacts, MeetingFacts, Phase
from app.access.items import item_allowed
from app.access.other_rules import AREA_RULES, MEETING_CONDITIONS
from app.access.permissions import Permission
from app.identity.person import Person

# What says where the victim is, or how to reach her safely.
WITHHELD_FROM_LINKED = frozenset({Permission.CASE_VICTIM_ADDRESS_READ, Permission.CASE_VICTIM_SAFETY_READ})

_NOWHERE = AreaFacts(area_key=None)


def allowed(person: Person, permission: Permission, facts: Facts | None = None, *, at: int | None = None) -> bool:
    """Whether a person may do something.

    :param facts: what the permission is about: a case, a meeting, a task or an area; None for what concerns no area.
    :param at: count only roles held at this agency (cases and meetings).
    """
    if isinstance(facts, ItemFacts):
        return item_allowed(person, permission, facts)
    if isinstance(facts, CaseFacts):
        return _case_allowed(person, permission, facts, at)
    if isinstance(facts, MeetingFacts):
        return _meeting_allowed(person, permission, facts, at)
    return _area_allowed(person, permission, facts or _NOWHERE)


def require(
    person: Person, permission: Permission, facts: Facts | None = None, *, resource_id: str | None = None
) -> None:
    """Go on only if a person may do something.

    :raises NotFound: the person may not know whether it exists.
    :raises NotAllowed: the person may know it, but not do this.
    """
    if allowed(person, permission, facts):
        return
    if not may_know_of(person, facts):
        raise NotFound(HIDDEN, resource_id=resource_id)
    raise NotAllowed(REFUSED, resource_id=resource_id)


def may_know_of(person: Person, facts: Facts | None) -> bool:
    """Whether the person may know that the case, meeting or task exists."""
    if isinstance(facts, CaseFacts):
        return _case_allowed(person, Permission.CASE_SUMMARY_READ, facts, None)
    if isinstance(facts, MeetingFacts):
        return _meeting_allowed(person, Permission.MEETING_READ, facts, None) or _meeting_allowed(
            person, Permission.MEETING_ROOM_ENTER, facts, None
        )
    if isinstance(facts, ItemFacts):
        return item_allowed(person, Permission.WORK_ITEM_SEE, facts)
    return True


def in_conflict(person: Person, facts: CaseFacts) -> bool:
    """Whether the person, or an agency they belong to or act for, has a conflict of interest in the case (01-marac X7)."""
    return person.key in facts.conflict_users or bool(person.agencies & facts.conflict_agencies)


def _case_allowed(person: Person, permission: Permission, facts: CaseFacts, at: int | None) -> bool:
    if permission not in CASE_PERMISSIONS or facts.phase is Phase.DISPOSED or in_conflict(person, facts):
        return False
    if permission in WITHHELD_FROM_LINKED and person.agencies & facts.perpetrator_linked:
        return False
    return any(
        condition.holds(person, agency_key, facts)
        for role, agency_key in person.roles
        if at is None or agency_key == at
        for condition in CONDITIONS.get((permission, role), ())
    )


def _meeting_allowed(person: Person, permission: Permission, facts: MeetingFacts, at: int | None) -> bool:
    return any(
        condition.holds(person, agency_key, facts)
        for role, agency_key in person.roles
        if at is None or agency_key == at
        for condition in MEETING_CONDITIONS.get((permission, role), ())
    )


def _area_allowed(person: Person, permission: Permission, facts: AreaFacts) -> bool:
    held = person.role_slugs
    return any(
        permission in rule.permissions
        and bool(held if rule.roles is None else rule.roles & held)
        and rule.condition(person, facts)
        for rule in AREA_RULES
    )
