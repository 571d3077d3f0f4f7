"""The action plan, for the file or for one owner agency (01-marac E2)."""

from __future__ import annotations

from typing import Any

from app.agencies import service as agencies
from app.cases import actions, submissions
from app.cases.dossiers import find_case
from app.cases.models import CaseState
from app.documents.content.action_plan import ActionPlan, PlanCase, for_agency
from app.documents.models import Document
from app.meetings import agenda, planning
from app.meetings.models import AgendaStatus
from app.operations.papers.common import action_line, answers_at, header, printed_parties, text
from app.store.clock import LONDON


def build_action_plan(document: Document) -> ActionPlan:
    """Fill the plan: of one case, or of every case of a meeting."""
    names = agencies.names(document.area_key)
    meeting = planning.find(document.meeting_key) if document.meeting_key else None
    listed = agenda.items(document.meeting_key or 0)
    heard = [i.case_key for i in listed if i.status != AgendaStatus.ADJOURNED]
    keys = [document.case_key] if document.case_key else heard
    cases = []
    for key in keys:
        case = find_case(key or 0)
        if case.state == CaseState.DISPOSED:
            continue
        answers = answers_at(meeting.key, case.key, "marac-action-plan") if meeting else _newest(case.key)
        own = [a for a in actions.of_case(case.key) if meeting is None or a.meeting_key == meeting.key]
        cases.append(
            PlanCase(
                number=case.reference,
                actions=tuple(action_line(a, names) for a in own),
                parties=printed_parties(case, addresses=False),
                lead_advocate_agency=names.get(case.lead_agency_key or 0, ""),
                no_action_rationale=text(answers, "noActionRationale"),
            )
        )
    whole = ActionPlan(
        header=header(document),
        cases=tuple(cases),
        as_at=document.created_at.astimezone(LONDON).date(),
        meeting_number=meeting.reference if meeting else "",
        meeting_date=meeting.starts_at.astimezone(LONDON).date() if meeting and meeting.starts_at else None,
    )
    return for_agency(whole, names.get(document.for_agency, "")) if document.for_agency else whole


def _newest(case_key: int) -> dict[str, Any]:
    plan = submissions.latest(case_key, "marac-action-plan")
    return submissions.read(plan) if plan is not None else {}
