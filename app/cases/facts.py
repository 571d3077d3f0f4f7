"""What access needs to know of a case, gathered in one place. The meeting's part is filled in by the meetings room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.access.facts import Attendance, CaseFacts, Phase, phase_of
from app.cases.involvement import conflicts, grounds
from app.cases.models import Case

Attending = Callable[[int], tuple[Mapping[int, Attendance], bool]]


@dataclass
class CasePorts:
    """Filled at start-up.

    :param attending: for a case: who attends the conference that hears it, and whether its discussion is open now.
    """

    attending: Attending | None = None


ports = CasePorts()


def facts_of(case: Case) -> CaseFacts:
    """A case as access sees it."""
    attendance: Mapping[int, Attendance] = {}
    in_discussion = False
    if ports.attending is not None:
        attendance, in_discussion = ports.attending(case.key)
    ruled = conflicts(case.key)
    return CaseFacts(
        case_key=case.key,
        area_key=case.area_key,
        phase=phase_of(case.state, submitted=case.submitted_at is not None, in_discussion=in_discussion),
        state=case.state,
        referring_agency=case.referring_agency_key,
        involvements={agency: frozenset(str(g) for g in held) for agency, held in grounds(case.key).items()},
        attendance=attendance,
        conflict_users=frozenset(c.user_key for c in ruled if c.user_key is not None),
        conflict_agencies=frozenset(c.agency_key for c in ruled if c.agency_key is not None),
    )


def conflict_facts(case_key: int, area_key: int) -> CaseFacts:
    """Only the conflicts of interest of a case: all that a decision about a task needs to know of it."""
    ruled = conflicts(case_key)
    return CaseFacts(
        case_key=case_key,
        area_key=area_key,
        phase=Phase.DRAFT,
        conflict_users=frozenset(c.user_key for c in ruled if c.user_key is not None),
        conflict_agencies=frozenset(c.agency_key for c in ruled if c.agency_key is not None),
    )
