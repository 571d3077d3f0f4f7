"""Who may keep a case after the conference: the facts of DMN-M7, and what it decides (01-marac E4, E9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.cases import actions, involvement
from app.cases.involvement import end, grounds, involve
from app.cases.models import ActionStatus, Case, Ground
from app.cases.timeline import note
from app.meetings import agenda
from app.meetings.models import AgendaStatus
from app.operations.registry import case_of, key_of, meeting_of, operation
from app.runtime.ports import OperationContext
from app.store.shelf import fetch

KEEPING = frozenset({Ground.KEPT, Ground.ACTION_OWNER, Ground.INVOLVED, Ground.LEAD_ADVOCATE})
WORKING = frozenset({Ground.INVOLVED, Ground.REFERRER, Ground.LEAD_ADVOCATE})
PREPARING = frozenset({Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED, Ground.ATTENDEE})
OWNED = (ActionStatus.OPEN, ActionStatus.DONE)


def _owners(case_key: int) -> set[int]:
    """Agencies that own an action of the case: one that is to be done, or that they have done. What was declined or fell is nobody's."""
    return {action.owner_agency_key for action in actions.of_case(case_key) if action.status in OWNED}


def read_together(case_keys: Collection[int]) -> None:
    """What deciding on several cases asks for of each."""
    fetch(Case, case_keys)
    actions.of_cases(case_keys)
    involvement.expect(case_keys)


@operation(
    "list-post-meeting-access",
    "List each agency and case for the access rule",
    inputs={"meetingId?": "id"},
    outputs={"accessPairs": "list"},
)
def list_post_meeting_access(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """E4: the facts of DMN-M7 for every agency that has to do with a case of this meeting."""
    meeting_key = meeting_of(context, inputs)
    pairs = []
    heard = [item for item in agenda.items(meeting_key) if item.status == AgendaStatus.HEARD]
    read_together([item.case_key for item in heard])
    for item in heard:
        owners = _owners(item.case_key)
        for agency_key, held in sorted(grounds(item.case_key).items()):
            if held == {Ground.WITHDRAWN}:
                continue
            pairs.append(
                {
                    "caseId": str(item.case_key),
                    "agency": str(agency_key),
                    "ownsAction": agency_key in owners,
                    "involved": bool(held & WORKING),
                }
            )
    return {"accessPairs": pairs}


@operation(
    "set-post-meeting-access",
    "Keep or withdraw the agency's access",
    inputs={"caseId": "id", "agency": "id", "keep": "boolean", "meetingId?": "id"},
)
def set_post_meeting_access(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """Apply DMN-M7 for one agency and case (Hillingdon ISA 3, seventh principle a, c)."""
    case_key = case_of(context, inputs)
    agency_key = key_of(inputs["agency"], "agency", context.element_id)
    if inputs["keep"] is True:
        end(case_key, agency_key, Ground.RESEARCH_OPEN, Ground.RESEARCH_CLOSED, Ground.ATTENDEE, Ground.WITHDRAWN)
        involve(case_key, agency_key, Ground.KEPT)
    else:
        end(case_key, agency_key)
        involve(case_key, agency_key, Ground.WITHDRAWN)
    note(case_key, "access-kept" if inputs["keep"] is True else "access-withdrawn", agency_key=agency_key)


@operation(
    "weigh-access",
    "List the facts of the access rule for one agency",
    inputs={"agency": "id", "caseId?": "id"},
    outputs={"accessPairs": "list"},
)
def weigh_access(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """DMN-M7 is applied again when an action or an involvement is added or ends.

    Nothing is weighed for an agency that takes part in preparing the next conference of the case, or that has nothing to lose or gain.
    """
    case_key = case_of(context, inputs)
    agency_key = key_of(inputs["agency"], "agency", context.element_id)
    held = grounds(case_key).get(agency_key, set())
    owns = agency_key in _owners(case_key)
    if not owns and Ground.ACTION_OWNER in held:
        end(case_key, agency_key, Ground.ACTION_OWNER)
        held = held - {Ground.ACTION_OWNER}
    involved = bool(held & WORKING)
    settled = (not held or held == {Ground.WITHDRAWN}) and not owns and not involved
    if settled or held & PREPARING:
        return {"accessPairs": []}
    pair = {"caseId": str(case_key), "agency": str(agency_key), "ownsAction": owns, "involved": involved}
    return {"accessPairs": [pair]}


@operation(
    "list-flag-agencies",
    "List the agencies that flag the case",
    inputs={"caseId?": "id"},
    outputs={"flagAgencies": "list"},
)
def list_flag_agencies(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """E9: agencies that keep the case flag it in their own systems."""
    held = grounds(case_of(context, inputs))
    return {"flagAgencies": [str(key) for key, own in sorted(held.items()) if own & KEEPING]}
