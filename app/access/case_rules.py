"""The rules for cases: which role may do what in which relation to a case, and the source of each.

Sources are sections of the MARAC analysis (01) and of the roles document (06). A rule grants; nothing here forbids. What forbids
(a conflict of interest, a withheld address, a disposed case) stands in `decide.py` and beats every rule.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.access.conditions import (
    ADDITION,
    ADVOCATE,
    AREA_CLOSED,
    AREA_LIVE,
    AREA_OPEN,
    ASKED,
    ASKED_AND_OPEN,
    GUEST_LINE,
    IN_ROOM,
    KEPT,
    KEPT_AS_ADVOCATE,
    OWN_REFERRAL,
    PACK,
    CaseCondition,
)
from app.access.permissions import Permission as P
from app.identity.roles import Role


@dataclass(frozen=True, slots=True)
class CaseRule:
    """Every role named may do every permission named when the condition holds."""

    roles: frozenset[Role]
    condition: CaseCondition
    permissions: frozenset[P]
    basis: str


def _rule(condition: CaseCondition, roles: set[Role], permissions: set[P] | frozenset[P], basis: str) -> CaseRule:
    return CaseRule(frozenset(roles), condition, frozenset(permissions), basis)


_FRONT_LINE = {
    Role.REFERRING_PRACTITIONER,
    Role.AUTHORISING_MANAGER,
    Role.IDVA,
    Role.IDVA_MANAGER,
    Role.AGENCY_SPOC,
    Role.AGENCY_DEPUTY,
    Role.AGENCY_REPRESENTATIVE,
    Role.POLICE_REPRESENTATIVE,
}
_CONTACTS = {Role.AGENCY_SPOC, Role.AGENCY_DEPUTY, Role.AGENCY_STRATEGIC_LEAD}
_REPRESENTATIVES = {Role.AGENCY_REPRESENTATIVE, Role.POLICE_REPRESENTATIVE}
_ADVOCATES = {Role.IDVA, Role.IDVA_MANAGER}
_CHAIRS = {Role.MARAC_CHAIR, Role.DEPUTY_CHAIR}

_OUTLINE = frozenset(
    {
        P.CASE_LIST,
        P.CASE_SUMMARY_READ,
        P.CASE_TIMELINE_READ,
        P.CASE_DEADLINES_READ,
        P.CASE_DIAGRAM_READ,
        P.CASE_PARTIES_READ,
    }
)
# With every step of the case's way, and where it stands: what was decided and what others were asked shows in it.
_WHOLE = _OUTLINE | {P.CASE_PATH_READ}
_REFERRAL = frozenset({P.CASE_REFERRAL_READ, P.CASE_RISK_CHECKLIST_READ, P.CASE_VICTIM_ADDRESS_READ})
_REFERRER_PAPERS = _REFERRAL | {
    P.CASE_VICTIM_SAFETY_READ,
    P.CASE_CONSENT_READ,
    P.CASE_SHARING_READ,
    P.CASE_PERPETRATOR_DECISION_READ,
}
_RESEARCH_SHARED = frozenset({P.CASE_RESEARCH_READ_OWN, P.CASE_RESEARCH_READ_RELEASED})

CASE_RULES: tuple[CaseRule, ...] = (
    # The agency that refers.
    _rule(
        OWN_REFERRAL,
        _FRONT_LINE,
        _WHOLE | _REFERRER_PAPERS,
        "01 §9 referral, consent, ISWC form, F-M16: the referrer's agency",
    ),
    _rule(OWN_REFERRAL, {Role.AGENCY_STRATEGIC_LEAD}, _WHOLE, "01 §8: the strategic lead answers for what is late"),
    # The MARAC itself.
    _rule(
        AREA_LIVE,
        {Role.MARAC_COORDINATOR},
        _WHOLE
        | _REFERRER_PAPERS
        | {
            P.CASE_VARIABLES_READ,
            P.CASE_LOG_READ,
            P.CASE_ADVOCACY_READ,
            P.CASE_RESEARCH_READ_RELEASED,
            P.CASE_NOTHING_HELD_READ,
            P.CASE_MINUTES_READ,
            P.CASE_MINUTES_DRAFT,
            P.CASE_ACTIONS_READ,
            P.CASE_FEEDBACK_READ,
            P.CASE_HANDLING_READ,
            P.CASE_MATCHES_READ,
            P.CASE_MATCH_DECIDE,
            P.CASE_AGENCIES_INVITE,
            P.CASE_DEADLINE_MOVE,
            P.CASE_CONFLICT_RECORD,
        },
        "01 §9; Hillingdon ISA 1(f), 4; the audit set stays with the Co-ordinator (D7a)",
    ),
    _rule(
        AREA_LIVE,
        _CHAIRS,
        _WHOLE
        | _REFERRAL
        | {
            P.CASE_VARIABLES_READ,
            P.CASE_LOG_READ,
            P.CASE_ADVOCACY_READ,
            P.CASE_RESEARCH_READ_RELEASED,
            P.CASE_MINUTES_READ,
            P.CASE_ACTIONS_READ,
            P.CASE_FEEDBACK_READ,
            P.CASE_HANDLING_READ,
            P.CASE_DEADLINE_MOVE,
            P.CASE_CONFLICT_RECORD,
        },
        "01 §9; Hillingdon ISA 1(f); London DSA 2.1, App E; 01 X7",
    ),
    _rule(
        AREA_LIVE,
        {Role.MARAC_CHAIR},
        {P.CASE_MINUTES_APPROVE},
        "01 E3: the Chair approves, and nobody in the Chair's place",
    ),
    # A checklist below the threshold that adds to an earlier case: it was never referred, and is part of what they have.
    _rule(
        ADDITION,
        {Role.MARAC_COORDINATOR} | _CHAIRS,
        _OUTLINE | {P.CASE_RISK_CHECKLIST_READ, P.CASE_VICTIM_ADDRESS_READ},
        "01 B3n, DMN-M3 row 4, §9 risk checklist; London DSA 2.2",
    ),
    _rule(
        ADDITION,
        {Role.MARAC_COORDINATOR},
        {P.CASE_VICTIM_SAFETY_READ, P.CASE_MATCHES_READ, P.CASE_CONFLICT_RECORD},
        "01 B7, DMN-M3 row 4, X7, X14",
    ),
    # Independent advocacy: the victim's voice; alone uses safe contact.
    _rule(
        ADVOCATE,
        _ADVOCATES,
        _WHOLE | _REFERRAL | {P.CASE_VICTIM_SAFETY_READ, P.CASE_ADVOCACY_READ},
        "01 B6; London DSA 2.4; 06 §1",
    ),
    _rule(
        KEPT_AS_ADVOCATE,
        _ADVOCATES,
        _WHOLE
        | {
            P.CASE_VICTIM_ADDRESS_READ,
            P.CASE_VICTIM_SAFETY_READ,
            P.CASE_ADVOCACY_READ,
            P.CASE_MINUTES_READ,
            P.CASE_ACTIONS_READ,
            P.CASE_FEEDBACK_READ,
        },
        "01 E5, DMN-M7; London DSA 2.9",
    ),
    # Agencies asked what they hold: enough to search an index, no more.
    _rule(
        ASKED,
        _CONTACTS | _REPRESENTATIVES,
        _OUTLINE | {P.CASE_VICTIM_ADDRESS_READ, P.CASE_RESEARCH_READ_OWN},
        "01 C1, C2",
    ),
    _rule(ASKED_AND_OPEN, _CONTACTS | _REPRESENTATIVES, {P.CASE_RESEARCH_ANSWER}, "01 C2, C3h, C3n"),
    _rule(
        ASKED,
        {Role.AGENCY_SPOC, Role.AGENCY_DEPUTY} | _REPRESENTATIVES,
        {P.CASE_RESEARCH_RELEASE},
        "01 F-M4: shared by explicit release of each item",
    ),
    # The pack, before the conference.
    _rule(
        PACK,
        _REPRESENTATIVES | _ADVOCATES,
        _OUTLINE | _REFERRAL | _RESEARCH_SHARED,
        "01 DMN-M6 rows 2 to 4, §9 referral",
    ),
    _rule(
        GUEST_LINE,
        {Role.GUEST_REPRESENTATIVE},
        {P.CASE_LIST, P.CASE_SUMMARY_READ, P.CASE_PARTIES_READ, P.CASE_RESEARCH_READ_OWN},
        "01 DMN-M6 row 5, §9 agenda: guests get only their line",
    ),
    # In the room, while the case is discussed, once signed.
    _rule(
        IN_ROOM,
        _FRONT_LINE | _CONTACTS,
        _OUTLINE | _REFERRAL | _RESEARCH_SHARED | {P.CASE_RESEARCH_RELEASE, P.CASE_ACTIONS_READ},
        "01 DMN-M6 rows 2 to 4, D4g, D6.2",
    ),
    _rule(
        IN_ROOM,
        {Role.GUEST_REPRESENTATIVE},
        {
            P.CASE_LIST,
            P.CASE_SUMMARY_READ,
            P.CASE_PARTIES_READ,
            P.CASE_RESEARCH_READ_OWN,
            P.CASE_RESEARCH_READ_RELEASED,
            P.CASE_ACTIONS_READ,
        },
        "01 DMN-M6 row 5; London DSA 1.2",
    ),
    # After the conference: only agencies that keep the case (DMN-M7).
    _rule(
        KEPT,
        _CONTACTS | _REPRESENTATIVES,
        _OUTLINE | {P.CASE_VICTIM_ADDRESS_READ, P.CASE_MINUTES_READ, P.CASE_ACTIONS_READ, P.CASE_RESEARCH_READ_OWN},
        "01 DMN-M6 column 4, DMN-M7; Hillingdon ISA 3 seventh principle (a)",
    ),
    _rule(
        KEPT,
        {Role.REFERRING_PRACTITIONER, Role.AUTHORISING_MANAGER},
        _OUTLINE | {P.CASE_ACTIONS_READ},
        "01 E2, E6: owners see the actions of their agency's case",
    ),
    _rule(
        KEPT,
        {Role.GUEST_REPRESENTATIVE},
        {P.CASE_LIST, P.CASE_SUMMARY_READ, P.CASE_PARTIES_READ, P.CASE_MINUTES_READ, P.CASE_ACTIONS_READ},
        "01 DMN-M6 row 5: its own case's minutes and actions, where it keeps the case",
    ),
    # Retention. A legal hold is set and cleared while the case runs, too; once it is closed, by whoever decides on retention.
    _rule(
        AREA_OPEN,
        {Role.MARAC_COORDINATOR, Role.MARAC_CHAIR},
        {P.CASE_HOLD_DECIDE},
        "01 §4, §11 X6, §12 (legal hold set or cleared); 06 §1: the Co-ordinator keeps and disposes",
    ),
    _rule(
        AREA_CLOSED,
        {Role.CSU_DETECTIVE_INSPECTOR},
        _WHOLE | {P.CASE_MINUTES_READ, P.CASE_ACTIONS_READ, P.CASE_HOLD_DECIDE},
        "01 E11; Hillingdon ISA 3, 4 (Security)",
    ),
    # The record of requests, refusals and decisions to share without notice; nothing else of the case.
    _rule(
        AREA_LIVE,
        {Role.AUDITOR},
        {P.CASE_LOG_READ, P.CASE_PERPETRATOR_DECISION_READ},
        "01 §9 logs, F-M16; London DSA 4.5",
    ),
)


def _index() -> dict[tuple[P, str], tuple[CaseCondition, ...]]:
    found: dict[tuple[P, str], list[CaseCondition]] = {}
    for rule in CASE_RULES:
        for permission in rule.permissions:
            for role in rule.roles:
                found.setdefault((permission, role.value), []).append(rule.condition)
    return {key: tuple(conditions) for key, conditions in found.items()}


CONDITIONS = _index()
CASE_PERMISSIONS = frozenset(p for p in P if p.scope == "case" and p is not P.CASE_START)
