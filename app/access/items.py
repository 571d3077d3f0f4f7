"""Who may see, take, do and pass on a task. The diagram says which roles and agency; the case's conflicts of interest still win."""

from __future__ import annotations

from app.access.facts import ItemFacts
from app.access.permissions import Permission
from app.identity.person import Person
from app.identity.roles import Role

# Who may give somebody else's task to another person: for an agency's own tasks, and for those of the area.
AGENCY_LEADS = frozenset({Role.AGENCY_STRATEGIC_LEAD, Role.AUTHORISING_MANAGER, Role.IDVA_MANAGER, Role.AGENCY_SPOC})
AREA_LEADS = frozenset({Role.MARAC_COORDINATOR, Role.MARAC_CHAIR})
# Who sees all that is open in the area, and may have taken over a late task of any agency (01-marac §8).
OVERSEERS = AREA_LEADS | {Role.DEPUTY_CHAIR}


def item_allowed(person: Person, permission: Permission, facts: ItemFacts) -> bool:
    """Whether a person may do something with a task."""
    if person.area_key != facts.area_key or _in_conflict(person, facts):
        return False
    mine = still_holds(person, facts)
    if permission is Permission.WORK_ITEM_SEE:
        return mine or is_candidate(person, facts) or _leads(person, facts)
    if permission is Permission.WORK_ITEM_OPEN:
        return mine or is_candidate(person, facts)
    if permission is Permission.WORK_ITEM_CLAIM:
        return facts.assignee is None and is_candidate(person, facts) and person.key not in facts.barred
    if permission is Permission.WORK_ITEM_COMPLETE:
        return mine and person.key not in facts.barred
    if permission in {Permission.WORK_ITEM_RELEASE, Permission.WORK_ITEM_HAND_OVER}:
        return mine
    if permission is Permission.WORK_ITEM_REASSIGN:
        return _leads(person, facts)
    return False


def is_candidate(person: Person, facts: ItemFacts) -> bool:
    """Whether the task is offered to the person, by name or by a role at the right agency."""
    if person.key in facts.users:
        return True
    return any(
        role in facts.roles and (facts.agency_key is None or agency_key == facts.agency_key)
        for role, agency_key in person.roles
    )


def still_holds(person: Person, facts: ItemFacts) -> bool:
    """Whether the person has the task and what it takes to have it: a role that is lost, or an agency that is left, takes it along.

    What somebody took, or was handed, is theirs while it is offered to them. What the diagram or a decision gave them by name is theirs
    while they have a role, and have neither left its agency nor lost, since they have it, the role by which they had it: one that it is
    offered to, or one that oversees the area (06 §1: the roles of the process; London DSA 4.5: who needs it, and nobody else).
    """
    if facts.assignee != person.key:
        return False
    if is_candidate(person, facts) or _leads(person, facts):
        return True
    if facts.taken or not person.roles:
        return False
    here = facts.agency_key is not None and any(at == facts.agency_key for _, at in person.roles)
    return here or any(person.has_role(role) for role in OVERSEERS) or not facts.was_there()


def may_receive(person: Person, facts: ItemFacts) -> bool:
    """Whether the task may be handed over or reassigned to the person."""
    return (
        person.area_key == facts.area_key
        and is_candidate(person, facts)
        and person.key not in facts.barred
        and not _in_conflict(person, facts)
    )


def _leads(person: Person, facts: ItemFacts) -> bool:
    if facts.agency_key is not None and any(person.has_role(role, facts.agency_key) for role in AGENCY_LEADS):
        return True
    return any(person.has_role(role) for role in AREA_LEADS)


def _in_conflict(person: Person, facts: ItemFacts) -> bool:
    case = facts.case
    return case is not None and (person.key in case.conflict_users or bool(person.agencies & case.conflict_agencies))
