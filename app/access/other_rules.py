"""The rules for meetings and for what is done in or to an area, the procedures, the engine and the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.access.conditions import MeetingCondition, Reach
from app.access.facts import AreaFacts, AttendeeKind, Stage, Standing
from app.access.permissions import Permission as P
from app.identity.person import Person
from app.identity.roles import Role

_ISSUED = frozenset({Stage.CIRCULATED, Stage.IN_SESSION, Stage.CLOSED})
_SITTING = frozenset({Stage.CIRCULATED, Stage.IN_SESSION})
_STANDING_MEMBERS = frozenset({AttendeeKind.CORE.value, AttendeeKind.NON_CORE.value})
_GUESTS = frozenset({AttendeeKind.GUEST.value})
_ANY_KIND = frozenset(kind.value for kind in AttendeeKind)
_MAY_BE_RULED_ON = frozenset({Standing.CLEAR, Standing.PENDING, Standing.RESTRICTED})

IN_AREA = MeetingCondition("in the area", Reach.AREA)
PRESIDING = MeetingCondition("presiding", Reach.AREA, presiding=True)
INVITED = MeetingCondition("invited", Reach.AGENCY, _ISSUED, _STANDING_MEMBERS)
INVITED_GUEST = MeetingCondition("invited as a guest", Reach.AGENCY, _ISSUED, _GUESTS)
# The attendance list names people, not roles: anybody on it may come in and sign, until the Chair excludes them.
ON_THE_LIST = MeetingCondition("on the attendance list", Reach.AREA, _SITTING, listed=True, standing=_MAY_BE_RULED_ON)


@dataclass(frozen=True, slots=True)
class MeetingRule:
    """Every role named may do every permission named when the condition holds."""

    roles: frozenset[Role]
    condition: MeetingCondition
    permissions: frozenset[P]
    basis: str


_AGENCY_PEOPLE = frozenset(
    {
        Role.AGENCY_SPOC,
        Role.AGENCY_DEPUTY,
        Role.AGENCY_REPRESENTATIVE,
        Role.POLICE_REPRESENTATIVE,
        Role.AGENCY_STRATEGIC_LEAD,
        Role.IDVA,
        Role.IDVA_MANAGER,
    }
)
_PRESIDES = frozenset(
    {
        P.MEETING_READ,
        P.MEETING_MOVE,
        P.MEETING_AGENDA_READ,
        P.MEETING_ROOM_ENTER,
        P.MEETING_ATTENDANCE_RULE,
        P.MEETING_ATTENDANCE_SIGN,
        P.MEETING_FILE_READ,
    }
)

MEETING_RULES: tuple[MeetingRule, ...] = (
    MeetingRule(
        frozenset({Role.MARAC_COORDINATOR}),
        IN_AREA,
        frozenset(
            {
                P.MEETING_READ,
                P.MEETING_PLAN,
                P.MEETING_MOVE,
                P.MEETING_AGENDA_READ,
                P.MEETING_ROOM_ENTER,
                P.MEETING_ATTENDANCE_SIGN,
                P.MEETING_ATTENDANCE_WITNESS,
                P.MEETING_FILE_READ,
                P.MEETING_PAPERS_DESTROY,
            }
        ),
        "01 C1, D6.1, E1; Hillingdon ISA 1(f), 4",
    ),
    MeetingRule(
        frozenset({Role.MARAC_CHAIR}),
        IN_AREA,
        _PRESIDES | {P.MEETING_ROOM_CHAIR},
        "01 D1 to D8; Hillingdon ISA 1(f); London DSA App E",
    ),
    MeetingRule(frozenset({Role.DEPUTY_CHAIR}), IN_AREA, _PRESIDES - {P.MEETING_ATTENDANCE_RULE}, "01 7H E-2 (deputy)"),
    MeetingRule(
        frozenset({Role.DEPUTY_CHAIR}),
        PRESIDING,
        frozenset({P.MEETING_ROOM_CHAIR, P.MEETING_ATTENDANCE_RULE}),
        "01 7H E-2: the deputy acts in the Chair's place",
    ),
    MeetingRule(
        _AGENCY_PEOPLE, INVITED, frozenset({P.MEETING_READ, P.MEETING_AGENDA_READ}), "01 §9 agenda; DMN-M6 2 to 4"
    ),
    MeetingRule(
        frozenset({Role.GUEST_REPRESENTATIVE}),
        INVITED_GUEST,
        frozenset({P.MEETING_READ, P.MEETING_AGENDA_READ_OWN_LINE}),
        "01 §9 agenda: guests get only their line",
    ),
    MeetingRule(
        frozenset(Role) - {Role.OPERATOR, Role.PROCESS_OWNER, Role.AUDITOR, Role.OUTSIDE_WORKER},
        ON_THE_LIST,
        frozenset({P.MEETING_ROOM_ENTER, P.MEETING_ATTENDANCE_SIGN}),
        "01 D4; London DSA App E",
    ),
)


def _meeting_index() -> dict[tuple[P, str], tuple[MeetingCondition, ...]]:
    found: dict[tuple[P, str], list[MeetingCondition]] = {}
    for rule in MEETING_RULES:
        for permission in rule.permissions:
            for role in rule.roles:
                found.setdefault((permission, role.value), []).append(rule.condition)
    return {key: tuple(conditions) for key, conditions in found.items()}


MEETING_CONDITIONS = _meeting_index()

AreaCondition = Callable[[Person, AreaFacts], bool]


def own_area(person: Person, facts: AreaFacts) -> bool:
    """The person works in the area."""
    return person.area_key is not None and person.area_key == facts.area_key


def anywhere(person: Person, facts: AreaFacts) -> bool:
    """No relation is needed."""
    return True


def own_area_or_system(person: Person, facts: AreaFacts) -> bool:
    """The person works in the area, or for the system as a whole."""
    return person.area_key is None or person.area_key == facts.area_key


def somebody_else(person: Person, facts: AreaFacts) -> bool:
    """In the area, and about another person than oneself: nobody gives themselves a role."""
    return own_area(person, facts) and facts.user_key is not None and facts.user_key != person.key


def not_oneself(person: Person, facts: AreaFacts) -> bool:
    """In the area or for the system, and about another person than oneself."""
    return own_area_or_system(person, facts) and facts.user_key is not None and facts.user_key != person.key


def second_person(person: Person, facts: AreaFacts) -> bool:
    """In the area, and not the author: publishing takes a second person."""
    return own_area(person, facts) and facts.author is not None and facts.author != person.key


def demo_area(person: Person, facts: AreaFacts) -> bool:
    """In the demo area, where a diagram may go live without a second person."""
    return own_area(person, facts) and facts.demo


def may_start(person: Person, facts: AreaFacts) -> bool:
    """In the area, in a role that the procedure says may start it."""
    return own_area(person, facts) and bool(facts.startable_by & person.role_slugs)


def started_it(person: Person, facts: AreaFacts) -> bool:
    """The person started the instance."""
    return own_area(person, facts) and facts.starter == person.key


def given_the_type(person: Person, facts: AreaFacts) -> bool:
    """In the area, and the work is of a type that the installation gives the account."""
    asked = facts.job_type
    return own_area(person, facts) and (
        asked is None
        or any(
            asked.startswith(given[:-1]) if given.endswith("*") else asked == given for given in facts.job_types_given
        )
    )


@dataclass(frozen=True, slots=True)
class AreaRule:
    """Every role named (None: whoever is signed in with any role) may do every permission named when the condition holds."""

    roles: frozenset[Role] | None
    condition: AreaCondition
    permissions: frozenset[P]
    basis: str


AREA_RULES: tuple[AreaRule, ...] = (
    AreaRule(None, may_start, frozenset({P.CASE_START, P.INSTANCE_START}), "the procedure's own `startableBy`"),
    AreaRule(
        None,
        started_it,
        frozenset({P.INSTANCE_READ, P.INSTANCE_CANCEL, P.ENGINE_VARIABLE_READ}),
        "whoever started a procedure may follow it, and end what is about no case",
    ),
    AreaRule(
        frozenset({Role.MARAC_COORDINATOR, Role.MARAC_CHAIR, Role.DEPUTY_CHAIR}),
        own_area,
        frozenset({P.INSTANCE_READ, P.ADMIN_PARAMETER_READ, P.PROCEDURE_READ, P.ADMIN_USER_READ}),
        "06 §1 MARAC Chair, Co-ordinator",
    ),
    AreaRule(
        frozenset({Role.MARAC_COORDINATOR}),
        own_area,
        frozenset({P.ADMIN_CONTACT_CHANGE, P.ADMIN_AGENCY_CHANGE, P.ADMIN_PARAMETER_CHANGE, P.MEETING_PLAN}),
        "Hillingdon ISA 4; London DSA App D: approved contacts",
    ),
    AreaRule(
        frozenset({Role.MARAC_COORDINATOR}),
        somebody_else,
        frozenset({P.ADMIN_ROLE_GRANT, P.ADMIN_USER_DEACTIVATE}),
        "London DSA 4.5: access is given and taken away by somebody else",
    ),
    AreaRule(
        frozenset({Role.OPERATOR}),
        not_oneself,
        frozenset({P.ADMIN_USER_DEACTIVATE}),
        "London DSA 4.5; the operator shuts out, and never lets in",
    ),
    AreaRule(
        frozenset({Role.OPERATOR}),
        own_area_or_system,
        frozenset(
            {
                P.ADMIN_USER_READ,
                P.INCIDENT_READ,
                P.INCIDENT_RETRY,
                P.INCIDENT_MEND,
                P.JOB_READ,
                P.BATCH_READ,
                P.AUDIT_ENTRY_VERIFY,
                P.AUDIT_HEAD_EXPORT,
            }
        ),
        "06 §1 System administrator: no case content",
    ),
    AreaRule(
        frozenset({Role.PROCESS_OWNER}),
        own_area,
        frozenset(
            {
                P.PROCEDURE_READ,
                P.DRAFT_EDIT,
                P.ADMIN_PARAMETER_READ,
                P.INCIDENT_READ,
                P.JOB_READ,
                P.BATCH_READ,
                P.DECISION_EVALUATE,
                P.INSTANCE_MOVE,
            }
        ),
        "the process owner redraws procedures, says which running cases follow, and sees no case",
    ),
    AreaRule(
        frozenset({Role.PROCESS_OWNER}),
        second_person,
        frozenset({P.RELEASE_PUBLISH}),
        "publishing takes a second person",
    ),
    AreaRule(
        frozenset({Role.PROCESS_OWNER}),
        second_person,
        frozenset({P.INCIDENT_APPROVE}),
        "what mending changes in a procedure is answered for by its owner, and is never the operator's alone",
    ),
    AreaRule(
        frozenset({Role.PROCESS_OWNER}),
        demo_area,
        frozenset(
            {
                P.RELEASE_DEPLOY_LIVE,
                P.INSTANCE_START,
                P.INSTANCE_READ,
                P.INSTANCE_CANCEL,
                P.INSTANCE_MODIFY,
                P.ENGINE_VARIABLE_READ,
                P.ENGINE_VARIABLE_CHANGE,
                P.MESSAGE_PUBLISH,
                P.JOB_WORK,
            }
        ),
        "only the demo area takes a diagram without a second person",
    ),
    AreaRule(
        frozenset({Role.OUTSIDE_WORKER}),
        given_the_type,
        frozenset({P.JOB_WORK, P.JOB_READ}),
        "an account of another system does the work of its own types that a diagram gives it, and nothing else",
    ),
    AreaRule(
        frozenset({Role.AUDITOR}),
        anywhere,
        frozenset(
            {P.AUDIT_ENTRY_READ, P.AUDIT_ENTRY_VERIFY, P.AUDIT_HEAD_EXPORT, P.ADMIN_PARAMETER_READ, P.PROCEDURE_READ}
        ),
        "06 §1 Auditor: the access log, read only; London DSA 4.5",
    ),
)
