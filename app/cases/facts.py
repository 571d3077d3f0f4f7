"""What access needs to know of a case, gathered in one place. The meeting's part is filled in by the meetings room."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from app.access.facts import Attendance, CaseFacts, Phase, phase_of
from app.cases.involvement import conflicts, conflicts_of, grounds_of
from app.cases.models import Case, Dossier
from app.store.shelf import fetch

Attending = Callable[[Collection[int]], Mapping[int, tuple[Mapping[int, Attendance], bool]]]


@dataclass
class CasePorts:
    """Filled at start-up.

    :param attending: for each case: who attends the conference that hears it, and whether its discussion is open now.
    """

    attending: Attending | None = None


ports = CasePorts()


def facts_of(case: Case) -> CaseFacts:
    """A case as access sees it."""
    return facts_of_all([case])[case.key]


def facts_of_all(cases: Collection[Case]) -> dict[int, CaseFacts]:
    """Cases as access sees them, by key, in a handful of statements however many there are.

    What closes the case that another was added to closes that one too: they are the same people (01-marac X7).
    """
    keys = [case.key for case in cases]
    meetings = ports.attending(keys) if ports.attending is not None and keys else {}
    closed = conflicts_of([*keys, *(case.merged_into for case in cases if case.merged_into is not None)])
    ruled = {case.key: closed[case.key] + closed.get(case.merged_into or 0, []) for case in cases}
    involved = grounds_of(keys)
    found = {}
    for case in cases:
        attendance, in_discussion = meetings.get(case.key, ({}, False))
        found[case.key] = CaseFacts(
            case_key=case.key,
            area_key=case.area_key,
            phase=phase_of(
                case.state,
                submitted=case.submitted_at is not None,
                in_discussion=in_discussion,
                added=case.merged_into is not None,
            ),
            state=case.state,
            referring_agency=case.referring_agency_key,
            involvements={
                agency: frozenset(str(g) for g in held) for agency, held in involved.get(case.key, {}).items()
            },
            attendance=attendance,
            conflict_users=frozenset(c.user_key for c in ruled.get(case.key, []) if c.user_key is not None),
            conflict_agencies=frozenset(c.agency_key for c in ruled.get(case.key, []) if c.agency_key is not None),
        )
    return found


def fetch_cases(case_keys: Collection[int]) -> None:
    """Read cases, what is needed to unseal a line of each, and who must not see them, in three statements: each is then asked for without
    one of its own."""
    fetch(Case, case_keys)
    fetch(Dossier, case_keys)
    conflicts_of(case_keys)


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
