"""Tasks, and what is done in an area or to the service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.access.decide import allowed, may_know_of, require
from app.access.facts import EVERY_TYPE, AreaFacts, CaseFacts, ItemFacts, Phase
from app.access.items import may_receive
from app.access.permissions import Permission as P
from app.errors import NotAllowed, NotFound
from app.identity.person import Person
from app.identity.roles import Role

AREA, AGENCY = 1, 7
WORK = [each for each in P if each.scope == "work"]


def somebody(key: int, role: str | None = None, agency: int | None = AGENCY, area: int = AREA) -> Person:
    roles = frozenset({(role, agency)}) if role else frozenset()
    return Person(key, f"u{key}", f"U {key}", agency_key=agency, area_key=area, roles=roles)


SPOC = somebody(1, "agency-spoc")
ITEM = ItemFacts(area_key=AREA, roles=frozenset({"agency-spoc", "agency-deputy"}), agency_key=AGENCY)


def held(person: Person, facts: ItemFacts) -> set[P]:
    return {each for each in WORK if allowed(person, each, facts)}


def test_a_free_task_is_seen_and_claimed_by_the_role_at_its_agency() -> None:
    assert held(SPOC, ITEM) == {P.WORK_ITEM_SEE, P.WORK_ITEM_OPEN, P.WORK_ITEM_CLAIM, P.WORK_ITEM_REASSIGN}
    assert held(somebody(2, "agency-deputy"), ITEM) == {P.WORK_ITEM_SEE, P.WORK_ITEM_OPEN, P.WORK_ITEM_CLAIM}


@pytest.mark.parametrize(
    "other",
    [
        somebody(3, "agency-spoc", agency=8),
        somebody(3, "agency-spoc", area=2),
        somebody(3, "referring-practitioner"),
        somebody(3),
        somebody(3, "operator", agency=None),
        somebody(3, "process-owner", agency=None),
        somebody(3, "auditor", agency=None),
    ],
    ids=["another agency", "another area", "another role", "no role", "operator", "process owner", "auditor"],
)
def test_others_do_not_know_the_task(other: Person) -> None:
    assert held(other, ITEM) == set()
    with pytest.raises(NotFound):
        require(other, P.WORK_ITEM_CLAIM, ITEM, resource_id="5")


def test_only_the_holder_completes_releases_and_hands_over() -> None:
    mine = replace(ITEM, assignee=SPOC.key)
    assert {P.WORK_ITEM_COMPLETE, P.WORK_ITEM_RELEASE, P.WORK_ITEM_HAND_OVER} <= held(SPOC, mine)
    deputy = somebody(2, "agency-deputy")
    assert held(deputy, mine) == {P.WORK_ITEM_SEE, P.WORK_ITEM_OPEN}
    with pytest.raises(NotAllowed):
        require(deputy, P.WORK_ITEM_COMPLETE, mine)


def test_a_task_given_by_name_needs_no_role() -> None:
    named = replace(ITEM, roles=frozenset(), users=frozenset({9}))
    assert P.WORK_ITEM_CLAIM in held(somebody(9, "referring-practitioner"), named)
    assert held(somebody(10, "agency-deputy"), named) == set()


def test_what_was_taken_by_a_role_is_lost_with_it() -> None:
    """06 §1: who has gone to another agency, or to another role there, has no more to do with it; who has it back has it again."""
    taken = replace(ITEM, assignee=2, taken=True)
    assert P.WORK_ITEM_COMPLETE in held(somebody(2, "agency-deputy"), taken)
    for now in (somebody(2, "agency-deputy", agency=8), somebody(2, "referring-practitioner"), somebody(2)):
        assert held(now, taken) == set()


def test_what_was_given_by_name_is_lost_with_the_agency() -> None:
    """An action's owner needs no role but one at the agency; whoever took over what was late, the MARAC's or theirs."""
    given = replace(ITEM, assignee=2, was_there=lambda: True)
    assert P.WORK_ITEM_COMPLETE in held(somebody(2, "referring-practitioner"), given)
    assert P.WORK_ITEM_COMPLETE in held(somebody(2, "deputy-chair", agency=None), given)
    assert held(somebody(2, "referring-practitioner", agency=8), given) == set()
    assert held(somebody(2), given) == set()
    never_there = replace(given, was_there=lambda: False)
    assert P.WORK_ITEM_COMPLETE in held(somebody(2, "idva", agency=8), never_there), "asked on behalf of another agency"
    assert held(somebody(2), never_there) == set()
    of_the_area = replace(given, agency_key=None)
    assert held(somebody(2, "idva-manager", agency=8), of_the_area) == set(), "was co-ordinator when it was given"
    taken_over = replace(of_the_area, was_there=lambda: False)
    assert P.WORK_ITEM_COMPLETE in held(somebody(2, "idva-manager", agency=8), taken_over)


def test_who_did_the_task_it_must_be_separate_from_neither_claims_nor_completes_nor_receives() -> None:
    barred = replace(ITEM, barred=frozenset({SPOC.key}))
    assert P.WORK_ITEM_CLAIM not in held(SPOC, barred)
    assert P.WORK_ITEM_COMPLETE not in held(SPOC, replace(barred, assignee=SPOC.key))
    assert not may_receive(SPOC, barred)
    assert may_receive(SPOC, ITEM)


def test_a_conflict_of_interest_in_its_case_beats_even_holding_the_task() -> None:
    case = CaseFacts(case_key=5, area_key=AREA, phase=Phase.CIRCULATED, conflict_users=frozenset({SPOC.key}))
    mine = replace(ITEM, assignee=SPOC.key, case=case)
    assert held(SPOC, mine) == set()
    assert not may_receive(SPOC, mine)
    agency = replace(case, conflict_users=frozenset(), conflict_agencies=frozenset({AGENCY}))
    assert held(SPOC, replace(ITEM, case=agency)) == set()


def test_leads_may_reassign_their_agencys_tasks_and_the_marac_any() -> None:
    assert P.WORK_ITEM_REASSIGN in held(somebody(4, "agency-strategic-lead"), ITEM)
    assert P.WORK_ITEM_REASSIGN not in held(somebody(4, "agency-strategic-lead", agency=8), ITEM)
    assert P.WORK_ITEM_REASSIGN in held(somebody(4, "marac-coordinator", agency=None), ITEM)
    assert P.WORK_ITEM_OPEN not in held(somebody(4, "agency-strategic-lead"), ITEM), "seeing is not reading"


HERE = AreaFacts(area_key=AREA)
# permission -> (facts, roles that may); everybody else may not.
AREA_TABLE: dict[P, tuple[AreaFacts, set[Role]]] = {
    P.ADMIN_USER_READ: (HERE, {Role.MARAC_COORDINATOR, Role.MARAC_CHAIR, Role.DEPUTY_CHAIR, Role.OPERATOR}),
    P.ADMIN_USER_DEACTIVATE: (replace(HERE, user_key=999), {Role.MARAC_COORDINATOR, Role.OPERATOR}),
    P.ADMIN_ROLE_GRANT: (replace(HERE, user_key=999), {Role.MARAC_COORDINATOR}),
    P.ADMIN_AGENCY_CHANGE: (HERE, {Role.MARAC_COORDINATOR}),
    P.ADMIN_CONTACT_CHANGE: (HERE, {Role.MARAC_COORDINATOR}),
    P.ADMIN_PARAMETER_READ: (
        HERE,
        {Role.MARAC_COORDINATOR, Role.MARAC_CHAIR, Role.DEPUTY_CHAIR, Role.PROCESS_OWNER, Role.AUDITOR},
    ),
    P.ADMIN_PARAMETER_CHANGE: (HERE, {Role.MARAC_COORDINATOR}),
    P.PROCEDURE_READ: (
        HERE,
        {Role.MARAC_COORDINATOR, Role.MARAC_CHAIR, Role.DEPUTY_CHAIR, Role.PROCESS_OWNER, Role.AUDITOR},
    ),
    P.DRAFT_EDIT: (HERE, {Role.PROCESS_OWNER}),
    P.RELEASE_PUBLISH: (replace(HERE, author=999), {Role.PROCESS_OWNER}),
    P.RELEASE_DEPLOY_LIVE: (replace(HERE, demo=True), {Role.PROCESS_OWNER}),
    P.MESSAGE_PUBLISH: (replace(HERE, demo=True), {Role.PROCESS_OWNER}),
    P.INSTANCE_MOVE: (HERE, {Role.PROCESS_OWNER}),
    P.INSTANCE_CANCEL: (replace(HERE, demo=True), {Role.PROCESS_OWNER}),
    P.INSTANCE_MODIFY: (replace(HERE, demo=True), {Role.PROCESS_OWNER}),
    P.ENGINE_VARIABLE_READ: (replace(HERE, demo=True), {Role.PROCESS_OWNER}),
    P.ENGINE_VARIABLE_CHANGE: (replace(HERE, demo=True), {Role.PROCESS_OWNER}),
    P.DECISION_EVALUATE: (HERE, {Role.PROCESS_OWNER}),
    P.JOB_WORK: (HERE, {Role.OUTSIDE_WORKER}),
    P.JOB_READ: (HERE, {Role.OPERATOR, Role.PROCESS_OWNER, Role.OUTSIDE_WORKER}),
    P.BATCH_READ: (HERE, {Role.OPERATOR, Role.PROCESS_OWNER}),
    P.INSTANCE_READ: (HERE, {Role.MARAC_COORDINATOR, Role.MARAC_CHAIR, Role.DEPUTY_CHAIR}),
    P.INSTANCE_START: (replace(HERE, startable_by=frozenset({"idva"})), {Role.IDVA}),
    P.CASE_START: (replace(HERE, startable_by=frozenset({"idva", "agency-spoc"})), {Role.IDVA, Role.AGENCY_SPOC}),
    P.INCIDENT_READ: (HERE, {Role.OPERATOR, Role.PROCESS_OWNER}),
    P.INCIDENT_RETRY: (HERE, {Role.OPERATOR}),
    P.INCIDENT_MEND: (HERE, {Role.OPERATOR}),
    P.INCIDENT_APPROVE: (replace(HERE, author=999), {Role.PROCESS_OWNER}),
    P.AUDIT_ENTRY_READ: (HERE, {Role.AUDITOR}),
    P.AUDIT_ENTRY_VERIFY: (HERE, {Role.AUDITOR, Role.OPERATOR}),
    P.AUDIT_HEAD_EXPORT: (HERE, {Role.AUDITOR, Role.OPERATOR}),
}


def test_the_table_speaks_of_every_permission_of_these_scopes() -> None:
    scopes = {"admin", "workshop", "engine", "audit"}
    assert set(AREA_TABLE) == {each for each in P if each.scope in scopes} | {P.CASE_START}


@pytest.mark.parametrize("permission", AREA_TABLE)
def test_what_is_done_in_an_area_is_done_by_the_roles_in_the_table(permission: P) -> None:
    facts, roles = AREA_TABLE[permission]
    for role in Role:
        person = somebody(1, role.value, agency=AGENCY if role.of_agency else None)
        assert allowed(person, permission, facts) is (role in roles), role
        elsewhere = allowed(person, permission, replace(facts, area_key=2))
        assert elsewhere is (role in roles and role is Role.AUDITOR), role


def test_nobody_gives_themselves_a_role_or_publishes_their_own_draft() -> None:
    coordinator = somebody(1, "marac-coordinator", agency=None)
    owner = somebody(2, "process-owner", agency=None)
    operator = somebody(3, "operator", agency=None)
    assert not allowed(coordinator, P.ADMIN_ROLE_GRANT, replace(HERE, user_key=1))
    assert not allowed(coordinator, P.ADMIN_ROLE_GRANT, HERE)
    assert not allowed(operator, P.ADMIN_USER_DEACTIVATE, replace(HERE, user_key=3))
    assert not allowed(owner, P.RELEASE_PUBLISH, replace(HERE, author=2))
    assert not allowed(owner, P.RELEASE_PUBLISH, HERE)
    assert not allowed(owner, P.INCIDENT_APPROVE, replace(HERE, author=2))
    assert not allowed(owner, P.INCIDENT_APPROVE, HERE)


def test_a_live_deployment_needs_the_demo_area() -> None:
    owner = somebody(2, "process-owner", agency=None)
    assert not allowed(owner, P.RELEASE_DEPLOY_LIVE, HERE)
    assert not allowed(owner, P.INSTANCE_START, HERE)


def test_whoever_started_a_procedure_may_follow_it() -> None:
    starter = somebody(5, "referring-practitioner")
    for permission in (P.INSTANCE_READ, P.INSTANCE_CANCEL, P.ENGINE_VARIABLE_READ):
        assert allowed(starter, permission, replace(HERE, starter=5))
        assert not allowed(starter, permission, replace(HERE, starter=6))


def test_a_worker_outside_does_its_work_and_nothing_else() -> None:
    worker = somebody(6, "outside-worker", agency=None)
    assert {each for each in AREA_TABLE if allowed(worker, each, HERE)} == {P.JOB_WORK, P.JOB_READ}
    owner = somebody(2, "process-owner", agency=None)
    assert allowed(owner, P.JOB_WORK, replace(HERE, demo=True))
    assert not allowed(owner, P.JOB_WORK, HERE)


def test_a_worker_outside_has_the_types_that_it_is_given_and_no_other() -> None:
    worker, owner = somebody(6, "outside-worker", agency=None), somebody(2, "process-owner", agency=None)

    def may(type_: str, *given: str) -> bool:
        facts = replace(HERE, job_type=type_, job_types_given=given)
        assert allowed(worker, P.JOB_READ, facts) is allowed(worker, P.JOB_WORK, facts)
        return allowed(worker, P.JOB_WORK, facts)

    assert not may("outside:scales")
    assert may("outside:scales", "outside:cad", "outside:scales")
    assert not may("outside:scales2", "outside:scales")
    assert may("outside:cad-look-up", "outside:cad-*")
    assert not may("outside:scales", "outside:cad-*")
    assert not may(EVERY_TYPE, "outside:scales", "outside:*")
    assert may(EVERY_TYPE, "*")
    assert allowed(owner, P.JOB_READ, replace(HERE, job_type=EVERY_TYPE)), "who looks after processes sees them all"
    assert allowed(owner, P.JOB_WORK, replace(HERE, job_type="weigh", demo=True))


def test_an_operator_of_the_system_belongs_to_no_area() -> None:
    operator = Person(3, "op", "Op", roles=frozenset({("operator", None)}))
    assert allowed(operator, P.INCIDENT_RETRY, HERE)
    assert allowed(operator, P.INCIDENT_RETRY)
    case = CaseFacts(case_key=5, area_key=AREA, phase=Phase.AFTER)
    assert not may_know_of(operator, case)


def test_facts_of_the_wrong_kind_give_nothing() -> None:
    chair = somebody(1, "marac-chair", agency=None)
    case = CaseFacts(case_key=5, area_key=AREA, phase=Phase.AFTER)
    assert not allowed(chair, P.MEETING_ROOM_CHAIR, case)
    assert not allowed(chair, P.CASE_MINUTES_APPROVE)
    assert not allowed(chair, P.CASE_MINUTES_APPROVE, HERE)
    assert not allowed(chair, P.CASE_MINUTES_APPROVE, ITEM)


def test_a_case_one_may_not_know_is_not_found_and_one_may_know_is_refused() -> None:
    case = CaseFacts(
        case_key=5, area_key=AREA, phase=Phase.CIRCULATED, involvements={AGENCY: frozenset({"research-open"})}
    )
    with pytest.raises(NotAllowed):
        require(SPOC, P.CASE_REFERRAL_READ, case)
    with pytest.raises(NotFound) as refused:
        require(somebody(3, "agency-spoc", agency=8), P.CASE_REFERRAL_READ, case, resource_id="5")
    assert refused.value.resource_id == "5"
