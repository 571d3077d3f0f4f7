"""Who may do what at a conference, against a table of its own (01-marac 7D, §9, DMN-M6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.access.decide import allowed
from app.access.facts import Attendance, MeetingFacts, Stage
from app.access.permissions import Permission as P
from app.identity.person import Person
from app.identity.roles import Role

AREA, AGENCY, USER = 1, 7, 100
AGENCY_PEOPLE = {
    Role.AGENCY_SPOC,
    Role.AGENCY_DEPUTY,
    Role.AGENCY_REPRESENTATIVE,
    Role.POLICE_REPRESENTATIVE,
    Role.AGENCY_STRATEGIC_LEAD,
    Role.IDVA,
    Role.IDVA_MANAGER,
}
CHAIRS = {Role.MARAC_CHAIR, Role.DEPUTY_CHAIR}
MARAC = CHAIRS | {Role.MARAC_COORDINATOR}
ATTENDING = set(Role) - {Role.OPERATOR, Role.PROCESS_OWNER, Role.AUDITOR, Role.OUTSIDE_WORKER}
ALL_STAGES, ISSUED = set(Stage), {Stage.CIRCULATED, Stage.IN_SESSION, Stage.CLOSED}
SITTING = {Stage.CIRCULATED, Stage.IN_SESSION}
MEETING_PERMISSIONS = [each for each in P if each.scope == "meeting"]

# permission: [(relation, stages, roles)]; "any" is every relation.
EXPECTED: dict[P, list[tuple[str, set[Stage], set[Role]]]] = {
    P.MEETING_READ: [
        ("any", ALL_STAGES, MARAC),
        ("invited", ISSUED, AGENCY_PEOPLE),
        ("guest", ISSUED, {Role.GUEST_REPRESENTATIVE}),
    ],
    P.MEETING_PLAN: [("any", ALL_STAGES, {Role.MARAC_COORDINATOR})],
    P.MEETING_MOVE: [("any", ALL_STAGES, MARAC)],
    P.MEETING_AGENDA_READ: [("any", ALL_STAGES, MARAC), ("invited", ISSUED, AGENCY_PEOPLE)],
    P.MEETING_AGENDA_READ_OWN_LINE: [("guest", ISSUED, {Role.GUEST_REPRESENTATIVE})],
    P.MEETING_ROOM_ENTER: [("any", ALL_STAGES, MARAC), ("listed", SITTING, ATTENDING)],
    P.MEETING_ROOM_CHAIR: [("any", ALL_STAGES, {Role.MARAC_CHAIR}), ("presiding", ALL_STAGES, {Role.DEPUTY_CHAIR})],
    P.MEETING_ATTENDANCE_SIGN: [("any", ALL_STAGES, MARAC), ("listed", SITTING, ATTENDING)],
    P.MEETING_ATTENDANCE_WITNESS: [("any", ALL_STAGES, {Role.MARAC_COORDINATOR})],
    P.MEETING_ATTENDANCE_RULE: [
        ("any", ALL_STAGES, {Role.MARAC_CHAIR}),
        ("presiding", ALL_STAGES, {Role.DEPUTY_CHAIR}),
    ],
    P.MEETING_FILE_READ: [("any", ALL_STAGES, MARAC)],
    P.MEETING_PAPERS_DESTROY: [("any", ALL_STAGES, {Role.MARAC_COORDINATOR})],
}
BASE = MeetingFacts(meeting_key=3, area_key=AREA)
RELATIONS = {
    "none": BASE,
    "invited": replace(BASE, invited={AGENCY: "core"}),
    "guest": replace(BASE, invited={AGENCY: "guest"}),
    "listed": replace(BASE, attendance={USER: Attendance()}),
    "presiding": replace(BASE, presiding=USER),
}


def asker(role: Role) -> Person:
    at = AGENCY if role.of_agency else None
    return Person(USER, "x", "X", agency_key=AGENCY, area_key=AREA, roles=frozenset({(role.value, at)}))


@pytest.mark.parametrize("permission", MEETING_PERMISSIONS)
def test_a_role_may_do_at_a_conference_exactly_what_the_table_says(permission: P) -> None:
    wrong = []
    for role in Role:
        for name, base in RELATIONS.items():
            for stage in Stage:
                should = any(
                    relation in {"any", name} and stage in stages and role in roles
                    for relation, stages, roles in EXPECTED[permission]
                )
                if allowed(asker(role), permission, replace(base, stage=stage)) is not should:
                    wrong.append((role, name, stage, should))
    assert wrong == []


def test_who_is_excluded_does_not_come_in_and_who_waits_for_a_ruling_may_sign_but_not_read() -> None:
    excluded = Attendance(can_comply=False, ruling="excluded")
    waiting = Attendance(can_comply=False)
    person = asker(Role.AGENCY_REPRESENTATIVE)
    sitting = replace(BASE, stage=Stage.IN_SESSION, invited={AGENCY: "core"})
    out = replace(sitting, attendance={USER: excluded})
    assert not any(allowed(person, each, out) for each in MEETING_PERMISSIONS)
    held = {each for each in MEETING_PERMISSIONS if allowed(person, each, replace(sitting, attendance={USER: waiting}))}
    assert held == {P.MEETING_ROOM_ENTER, P.MEETING_ATTENDANCE_SIGN}


def test_another_area_and_an_uninvited_agency_see_nothing() -> None:
    for role in Role:
        for facts in RELATIONS.values():
            for stage in Stage:
                elsewhere = replace(facts, area_key=2, stage=stage)
                assert not any(allowed(asker(role), each, elsewhere) for each in MEETING_PERMISSIONS)
