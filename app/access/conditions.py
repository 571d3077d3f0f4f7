"""Conditions: plain data that say in what relation to a case, meeting or area a role counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.access.facts import CaseFacts, Ground, MeetingFacts, Phase, Stage, Standing
from app.identity.person import Person


class Reach(StrEnum):
    """Whether a role counts because of its agency's involvement or because of its area."""

    AGENCY = "agency"
    AREA = "area"


LIVE = frozenset({Phase.BEFORE_AGENDA, Phase.CIRCULATED, Phase.IN_CONFERENCE, Phase.AFTER, Phase.CLOSED})
UNTIL_HEARD = frozenset({Phase.BEFORE_AGENDA, Phase.CIRCULATED, Phase.IN_CONFERENCE})
PREPARING = frozenset({Phase.CIRCULATED, Phase.IN_CONFERENCE})
AFTERWARDS = frozenset({Phase.AFTER, Phase.CLOSED})


@dataclass(frozen=True, slots=True)
class CaseCondition:
    """In what relation to a case a role counts.

    :param any_of: grounds of the role's agency of which one is needed (AGENCY only; empty: none needed).
    :param none_of: grounds of the role's agency that undo it.
    :param in_room: the person must be in the room for this case, signed.
    :param standing: with which standing towards the confidentiality statement it counts.
    """

    name: str
    reach: Reach
    phases: frozenset[Phase]
    any_of: frozenset[Ground] = frozenset()
    none_of: frozenset[Ground] = frozenset()
    in_room: bool = False
    standing: frozenset[Standing] = frozenset({Standing.CLEAR})

    def holds(self, person: Person, agency_key: int | None, facts: CaseFacts) -> bool:
        """Whether it holds for a role that a person holds at an agency (None: for the area)."""
        if facts.phase not in self.phases or person.area_key != facts.area_key:
            return False
        attendance = facts.attendance.get(person.key)
        if attendance is not None and attendance.standing not in self.standing:
            return False
        if self.in_room and (attendance is None or not attendance.in_room):
            return False
        if self.reach is Reach.AREA:
            return True
        grounds = facts.grounds(agency_key)
        if agency_key is None or self.none_of & grounds:
            return False
        return not self.any_of or bool(self.any_of & grounds)


ANY_STANDING = frozenset(Standing)
# Who has said that they cannot comply sees nothing of others until the Chair has decided (DMN-M6 row 1).
RULED = frozenset({Standing.CLEAR, Standing.RESTRICTED})
_WITHDRAWN = frozenset({Ground.WITHDRAWN})

# The agency that referred keeps sight of what it wrote itself, whatever the meeting decides about the rest.
OWN_REFERRAL = CaseCondition(
    "own referral",
    Reach.AGENCY,
    LIVE | {Phase.DRAFT, Phase.ADDED},
    frozenset({Ground.REFERRER}),
    standing=ANY_STANDING,
)
# Asked to search: until nothing held is confirmed (C3n) or the case has been heard.
ASKED = CaseCondition(
    "asked what it holds",
    Reach.AGENCY,
    PREPARING,
    frozenset({Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED}),
    _WITHDRAWN,
    standing=RULED,
)
ASKED_AND_OPEN = CaseCondition(
    "asked and not yet answered",
    Reach.AGENCY,
    PREPARING,
    frozenset({Ground.RESEARCH_OPEN}),
    _WITHDRAWN,
    standing=RULED,
)
PACK = CaseCondition(
    "has the pack",
    Reach.AGENCY,
    frozenset({Phase.CIRCULATED}),
    frozenset({Ground.ATTENDEE, Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED}),
    _WITHDRAWN,
)
GUEST_LINE = CaseCondition(
    "invited for this case", Reach.AGENCY, frozenset({Phase.CIRCULATED}), frozenset({Ground.GUEST_CASE}), _WITHDRAWN
)
IN_ROOM = CaseCondition("in the room", Reach.AGENCY, frozenset({Phase.IN_CONFERENCE}), in_room=True)
KEPT = CaseCondition("keeps the case", Reach.AGENCY, AFTERWARDS, frozenset({Ground.KEPT}), _WITHDRAWN)
KEPT_AS_ADVOCATE = CaseCondition(
    "keeps the case or speaks for the victim",
    Reach.AGENCY,
    AFTERWARDS,
    frozenset({Ground.KEPT, Ground.LEAD_ADVOCATE}),
    _WITHDRAWN,
)
AREA_LIVE = CaseCondition("in the area", Reach.AREA, LIVE)
ADVOCATE = CaseCondition("independent advocacy in the area", Reach.AREA, UNTIL_HEARD, standing=RULED)
AREA_OPEN = CaseCondition("open, in the area", Reach.AREA, LIVE - {Phase.CLOSED})
ADDITION = CaseCondition("added to an earlier case of the area", Reach.AREA, frozenset({Phase.ADDED}))
AREA_CLOSED = CaseCondition("closed, in the area", Reach.AREA, frozenset({Phase.CLOSED}))


@dataclass(frozen=True, slots=True)
class MeetingCondition:
    """In what relation to a meeting a role counts.

    :param kinds: kinds of invited agency that count (AGENCY only).
    :param listed: the person must be on the attendance list, with one of the standings.
    :param presiding: the person must chair this meeting in the Chair's place.
    """

    name: str
    reach: Reach
    stages: frozenset[Stage] = frozenset(Stage)
    kinds: frozenset[str] = frozenset()
    listed: bool = False
    presiding: bool = False
    standing: frozenset[Standing] = frozenset({Standing.CLEAR})

    def holds(self, person: Person, agency_key: int | None, facts: MeetingFacts) -> bool:
        """Whether it holds for a role that a person holds at an agency (None: for the area)."""
        if facts.stage not in self.stages or person.area_key != facts.area_key:
            return False
        attendance = facts.attendance.get(person.key)
        if attendance is not None and attendance.standing not in self.standing:
            return False
        if self.listed and attendance is None:
            return False
        if self.presiding and facts.presiding != person.key:
            return False
        if self.reach is Reach.AREA:
            return True
        return agency_key is not None and facts.invited.get(agency_key) in self.kinds
