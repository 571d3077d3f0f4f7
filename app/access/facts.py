"""The facts that a decision rests on. The rooms above fill them in; nothing here reads the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Ground(StrEnum):
    """Why an agency has to do with a case, or no longer has."""

    REFERRER = "referrer"
    RESEARCH_OPEN = "research-open"
    RESEARCH_CLOSED = "research-closed"
    ATTENDEE = "attendee"
    ACTION_OWNER = "action-owner"
    INVOLVED = "involved"
    GUEST_CASE = "guest-case"
    LEAD_ADVOCATE = "lead-advocate"
    KEPT = "kept"
    WITHDRAWN = "withdrawn"


class Phase(StrEnum):
    """How far a case is, as far as access is concerned."""

    DRAFT = "draft"
    ADDED = "added"
    BEFORE_AGENDA = "before-agenda"
    CIRCULATED = "circulated"
    IN_CONFERENCE = "in-conference"
    AFTER = "after"
    CLOSED = "closed"
    DISPOSED = "disposed"


_PHASE_OF_STATE: dict[str, Phase] = {
    "DRAFT": Phase.DRAFT,
    "SUBMITTED": Phase.BEFORE_AGENDA,
    "TRIAGED": Phase.BEFORE_AGENDA,
    "LISTED": Phase.BEFORE_AGENDA,
    "EMERGENCY": Phase.BEFORE_AGENDA,
    "ADJOURNED": Phase.BEFORE_AGENDA,
    "TRANSFER_IN": Phase.BEFORE_AGENDA,
    "RESEARCHING": Phase.CIRCULATED,
    "READY": Phase.CIRCULATED,
    "HEARD": Phase.AFTER,
    "ACTIONS_OPEN": Phase.AFTER,
    "ACTIONS_CLOSED": Phase.CLOSED,
    "FLAGGED": Phase.CLOSED,
    "DORMANT": Phase.CLOSED,
    "RETENTION_DUE": Phase.CLOSED,
    "RETAINED": Phase.CLOSED,
    "REJECTED_SIGNPOSTED": Phase.CLOSED,
    "MERGED": Phase.CLOSED,
    "TRANSFERRED_OUT": Phase.CLOSED,
    "VICTIM_DECEASED": Phase.CLOSED,
    "LEGAL_HOLD": Phase.CLOSED,
    "DISPOSED": Phase.DISPOSED,
}


def phase_of(state: str, *, submitted: bool = True, in_discussion: bool = False, added: bool = False) -> Phase:
    """The phase of a case by its state (01-marac §4).

    :param submitted: whether the referral ever reached the co-ordinator. One that never did stays with its own agency.
    :param added: whether it was added to an earlier case (DMN-M3 UPDATE_ONLY), which the co-ordinator has.
    :param in_discussion: whether the conference has opened this case and not yet closed it.
    """
    if not submitted and state != "DISPOSED":
        return Phase.ADDED if added else Phase.DRAFT
    phase = _PHASE_OF_STATE.get(state, Phase.DRAFT)
    if in_discussion and phase in {Phase.BEFORE_AGENDA, Phase.CIRCULATED}:
        return Phase.IN_CONFERENCE
    return phase


def states_of(phases: frozenset[Phase]) -> frozenset[str]:
    """The states of submitted cases that may be in one of the phases: those that are discussed were in preparation before."""
    if Phase.IN_CONFERENCE in phases:
        phases |= {Phase.BEFORE_AGENDA, Phase.CIRCULATED}
    return frozenset(state for state, phase in _PHASE_OF_STATE.items() if phase in phases)


class AttendeeKind(StrEnum):
    """In what capacity somebody attends (F-M6)."""

    CORE = "core"
    NON_CORE = "nonCore"
    GUEST = "guest"
    OBSERVER = "observer"


class Standing(StrEnum):
    """Where somebody stands with the confidentiality statement (DMN-M6 row 1; London DSA App E)."""

    CLEAR = "clear"
    PENDING = "pending"
    RESTRICTED = "continueRestricted"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Attendance:
    """One person at a conference, seen from one case.

    :param admitted: in the room for this case now: always for core agencies, for the others while their case is discussed.
    :param can_comply: what the person said; None when not yet asked.
    :param ruling: the Chair's ruling, by its F-M6 value, when the person cannot comply.
    """

    kind: str = AttendeeKind.CORE
    signed: bool = False
    admitted: bool = True
    can_comply: bool | None = None
    ruling: str | None = None

    @property
    def standing(self) -> Standing:
        if self.ruling == Standing.EXCLUDED:
            return Standing.EXCLUDED
        if self.ruling == Standing.RESTRICTED:
            return Standing.RESTRICTED
        if self.can_comply is False and self.ruling is None:
            return Standing.PENDING
        return Standing.CLEAR

    @property
    def in_room(self) -> bool:
        """Signed, not an observer, and in the room for this case (D4g: nobody unsigned gets case data)."""
        return self.signed and self.admitted and self.kind != AttendeeKind.OBSERVER


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case as access sees it.

    :param involvements: for each agency the grounds in force.
    :param attendance: by user key, the people of the conference that hears the case.
    :param conflict_users: people with a conflict of interest in the case.
    :param conflict_agencies: agencies with one.
    :param perpetrator_linked: agencies from which the victim's address and safe contact are withheld (01-marac T7).
    """

    case_key: int
    area_key: int
    phase: Phase
    state: str = ""
    referring_agency: int | None = None
    involvements: Mapping[int, frozenset[str]] = field(default_factory=dict)
    attendance: Mapping[int, Attendance] = field(default_factory=dict)
    conflict_users: frozenset[int] = frozenset()
    conflict_agencies: frozenset[int] = frozenset()
    perpetrator_linked: frozenset[int] = frozenset()

    def grounds(self, agency_key: int | None) -> frozenset[str]:
        """The grounds of an agency; none for no agency. The referring agency is a referrer without further record."""
        if agency_key is None:
            return frozenset()
        held = frozenset(str(ground) for ground in self.involvements.get(agency_key, frozenset()))
        return held | {Ground.REFERRER.value} if agency_key == self.referring_agency else held


class Stage(StrEnum):
    """How far a meeting is."""

    PLANNED = "planned"
    CIRCULATED = "circulated"
    IN_SESSION = "in-session"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class MeetingFacts:
    """One conference as access sees it.

    :param invited: for each invited agency its kind (F-M6).
    :param attendance: by user key.
    :param presiding: who chairs in the Chair's place; None when the Chair does.
    """

    meeting_key: int
    area_key: int
    stage: Stage = Stage.PLANNED
    invited: Mapping[int, str] = field(default_factory=dict)
    attendance: Mapping[int, Attendance] = field(default_factory=dict)
    presiding: int | None = None


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One open task as access sees it.

    :param roles: slugs of the roles that may take it.
    :param agency_key: the agency the task is for; None when any holder of the role in the area may take it.
    :param taken: whoever has it took it, or was handed it, because it is offered to them; otherwise it was given to them by name.
    :param was_there: whether whoever has it ever had a role at the agency that the task is for or, of one that is offered to roles, has
        since lost one that oversees the area or, of a task of the area, one of those; asked only of who has none of them now.
    :param barred: people who may not do it because they did what it must be separate from.
    :param case: the case it is about, for conflicts of interest.
    """

    area_key: int
    roles: frozenset[str] = frozenset()
    agency_key: int | None = None
    users: frozenset[int] = frozenset()
    assignee: int | None = None
    taken: bool = False
    was_there: Callable[[], bool] = field(default=lambda: False, compare=False)
    barred: frozenset[int] = frozenset()
    case: CaseFacts | None = None


@dataclass(frozen=True, slots=True)
class AreaFacts:
    """What is done in or to an area.

    :param user_key: the person that an administrative act concerns.
    :param author: who wrote what is to be published; somebody else must publish it.
    :param starter: who started the instance in question.
    :param startable_by: role slugs that may start the procedure in question.
    :param job_type: the type of the work for workers outside in question, :data:`EVERY_TYPE` for all there are; None: of whichever.
    :param job_types_given: the types that the installation gives the account; one may end in ``*``.
    """

    area_key: int | None
    demo: bool = False
    user_key: int | None = None
    author: int | None = None
    starter: int | None = None
    startable_by: frozenset[str] = frozenset()
    job_type: str | None = None
    job_types_given: tuple[str, ...] = ()


EVERY_TYPE = "*"

Facts = CaseFacts | MeetingFacts | ItemFacts | AreaFacts
