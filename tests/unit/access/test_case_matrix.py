"""Every role, in every relation to a case, in every phase, for every permission, against `expectations.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from expectations import PHASES, ROLES, TABLE

from app.access.case_rules import CASE_PERMISSIONS, CASE_RULES
from app.access.decide import allowed
from app.access.facts import Attendance, CaseFacts, Phase
from app.access.listing import where_to_look
from app.access.permissions import Permission
from app.identity.person import Person
from app.identity.roles import Role

AREA, OWN, OTHER, USER = 1, 7, 8, 100


@dataclass(frozen=True)
class Relation:
    """How a person's agency, or the person, stands to the case.

    :param counts_as: the relations of the table that it fulfils.
    """

    grounds: frozenset[str] = frozenset()
    counts_as: frozenset[str] = frozenset()
    attendance: Attendance | None = None
    blocked: bool = False
    changes: dict[str, object] = field(default_factory=dict)


def _relation(grounds: str = "", counts_as: str = "", attendance: Attendance | None = None, **more: object) -> Relation:
    blocked = bool(more.pop("blocked", False))
    return Relation(frozenset(grounds.split()), frozenset(counts_as.split()) | {"area"}, attendance, blocked, more)


IN_ROOM = Attendance(kind="core", signed=True)
RELATIONS: dict[str, Relation] = {
    "none": _relation(),
    "referrer": _relation("referrer", "referrer"),
    "asked": _relation("research-open", "asked asked-open pack"),
    "answered": _relation("research-closed", "asked pack"),
    "expected in the room": _relation("attendee", "pack"),
    "guest": _relation("guest-case", "guest"),
    "involved only": _relation("involved"),
    "owner of an action, not settled yet": _relation("action-owner"),
    "lead advocate": _relation("lead-advocate", "lead-advocate"),
    "kept": _relation("kept", "kept"),
    "withdrawn": _relation("withdrawn"),
    "kept, then withdrawn": _relation("kept withdrawn"),
    "lead advocate, withdrawn": _relation("lead-advocate withdrawn"),
    "asked, nothing held": _relation("research-closed withdrawn"),
    "referrer, withdrawn": _relation("referrer withdrawn", "referrer"),
    "guest, withdrawn": _relation("guest-case withdrawn"),
    "in the room": _relation("attendee", "pack room", IN_ROOM),
    "in the room, nothing held": _relation("withdrawn", "room", IN_ROOM),
    "in the room, unsigned": _relation("attendee", "pack", Attendance(signed=False)),
    "guest admitted": _relation("guest-case", "guest room", Attendance(kind="guest", signed=True, admitted=True)),
    "guest not admitted": _relation("guest-case", "guest", Attendance(kind="guest", signed=True, admitted=False)),
    "guest admitted, unsigned": _relation("guest-case", "guest", Attendance(kind="guest", signed=False)),
    "observer": _relation("", "", Attendance(kind="observer", signed=True)),
    "cannot comply, ruled to continue": _relation(
        "attendee", "pack room", replace(IN_ROOM, can_comply=False, ruling="continue")
    ),
    "conflict of the person": _relation("referrer kept", blocked=True, conflict_users=frozenset({USER})),
    "conflict of the agency": _relation("referrer kept", blocked=True, conflict_agencies=frozenset({OWN})),
    "conflict, in the room": _relation("attendee", "", IN_ROOM, blocked=True, conflict_users=frozenset({USER})),
    "another area": _relation("referrer kept research-open", blocked=True, area_key=2),
}


def permission(text: str) -> Permission:
    """`party` is case:party:read, `match:decide` is case:match:decide."""
    scope = text if ":" in text else f"{text}:{'list' if text == 'list' else 'read'}"
    return Permission("case:case:list" if text == "list" else f"case:{scope}")


def expected() -> set[tuple[str, str, str, Permission]]:
    """(role, relation, phase, permission) of everything that is allowed, by the table."""
    found = set()
    for line in filter(None, (line.partition("#")[0].strip() for line in TABLE.splitlines())):
        permissions, relation, phases, roles = (part.strip() for part in line.split("|"))
        for name in permissions.split():
            for phase in phases:
                for role in roles.split():
                    found.add((ROLES[role], relation, PHASES[phase], permission(name)))
    return found


EXPECTED = expected()


def asker(role: Role) -> Person:
    at = OWN if role.of_agency else None
    return Person(USER, "x", "X", agency_key=OWN, area_key=AREA, roles=frozenset({(role.value, at)}))


def case(relation: Relation, phase: Phase) -> CaseFacts:
    facts = CaseFacts(
        case_key=5,
        area_key=AREA,
        phase=phase,
        referring_agency=OWN if "referrer" in relation.grounds else OTHER,
        involvements={OWN: relation.grounds, OTHER: frozenset({"kept", "referrer", "research-open", "attendee"})},
        attendance={USER: relation.attendance} if relation.attendance else {},
    )
    return replace(facts, **relation.changes)  # type: ignore[arg-type]


def cells() -> Iterator[tuple[Role, str, Phase]]:
    for role in Role:
        for name in RELATIONS:
            for phase in Phase:
                yield role, name, phase


def test_the_table_speaks_of_every_permission_role_and_phase() -> None:
    assert {permission for *_, permission in EXPECTED} == CASE_PERMISSIONS
    assert set(ROLES.values()) == {role.value for role in Role}
    assert set(PHASES.values()) == {phase.value for phase in Phase}


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_a_role_may_do_exactly_what_the_table_says(role: Role) -> None:
    person = asker(role)
    wrong = []
    for name, relation in RELATIONS.items():
        for phase in Phase:
            facts = case(relation, phase)
            for each in CASE_PERMISSIONS:
                should = not relation.blocked and any(
                    (role.value, kind, phase.value, each) in EXPECTED for kind in relation.counts_as
                )
                if allowed(person, each, facts) is not should:
                    wrong.append(f"{role} / {name} / {phase} / {each}: should be {'allowed' if should else 'refused'}")
    assert wrong == []


@pytest.mark.parametrize("standing", ["excluded", "pending", "restricted"])
def test_who_cannot_comply_keeps_only_their_own_agencys_papers(standing: str) -> None:
    ruling = {"excluded": "excluded", "pending": None, "restricted": "continueRestricted"}[standing]
    attendance = Attendance(signed=True, can_comply=False, ruling=ruling)
    forbidden = {
        Permission.CASE_RESEARCH_READ_RELEASED,
        Permission.CASE_MINUTES_READ,
        Permission.CASE_ACTIONS_READ,
        Permission.CASE_MINUTES_APPROVE,
    }
    for role in Role:
        for grounds in ({"attendee", "research-open"}, {"kept"}, {"guest-case"}):
            for phase in Phase:
                facts = replace(
                    case(RELATIONS["none"], phase),
                    involvements={OWN: frozenset(grounds)},
                    attendance={USER: attendance},
                )
                held = {each for each in CASE_PERMISSIONS if allowed(asker(role), each, facts)}
                assert not held & forbidden, (role, grounds, phase)
                if standing != "restricted":
                    assert not held, (role, grounds, phase)


def test_the_same_role_at_another_agency_gives_nothing() -> None:
    person = Person(USER, "x", "X", agency_key=9, area_key=AREA, roles=frozenset({("agency-spoc", 9)}))
    for name in ("asked", "kept", "referrer"):
        for phase in Phase:
            facts = case(RELATIONS[name], phase)
            assert not any(allowed(person, each, facts) for each in CASE_PERMISSIONS)


def test_no_role_and_unknown_roles_give_nothing() -> None:
    for roles in (frozenset[tuple[str, int | None]](), frozenset({("reviewer", None), ("reviewer", OWN)})):
        person = Person(USER, "x", "X", agency_key=OWN, area_key=AREA, roles=roles)
        for name in RELATIONS:
            for phase in Phase:
                facts = case(RELATIONS[name], phase)
                assert not any(allowed(person, each, facts) for each in CASE_PERMISSIONS)


def test_an_agency_role_held_without_an_agency_gives_nothing_that_needs_involvement() -> None:
    person = Person(USER, "x", "X", agency_key=None, area_key=AREA, roles=frozenset({("agency-spoc", None)}))
    for name in RELATIONS:
        for phase in Phase:
            assert not any(allowed(person, each, case(RELATIONS[name], phase)) for each in CASE_PERMISSIONS)


@pytest.mark.parametrize("withheld", [Permission.CASE_VICTIM_ADDRESS_READ, Permission.CASE_VICTIM_SAFETY_READ])
def test_where_the_victim_is_stays_hidden_from_agencies_linked_to_the_perpetrator(withheld: Permission) -> None:
    for role, name, phase in cells():
        facts = replace(case(RELATIONS[name], phase), perpetrator_linked=frozenset({OWN}))
        assert not allowed(asker(role), withheld, facts)


@pytest.mark.parametrize("permission", [Permission.CASE_LIST, Permission.CASE_SUMMARY_READ])
def test_a_list_is_looked_for_wherever_a_page_would_open(permission: Permission) -> None:
    passed_over = 0
    for role, name, phase in cells():
        facts, person = case(RELATIONS[name], phase), asker(role)
        found = any(way.matches(facts) for way in where_to_look(person, permission))
        assert found or not allowed(person, permission, facts), (role, name, phase)
        passed_over += not found
    assert passed_over > 100, "most of what is not theirs is not read"


def test_every_rule_names_its_source() -> None:
    assert all(len(rule.basis) > 5 for rule in CASE_RULES)
