"""The agenda: meeting details, cases in order, actions brought forward, who has not answered (01-marac §9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.access import decide
from app.agencies import service as agencies
from app.cases import deadlines, submissions
from app.cases.dossiers import find_case
from app.cases.facts import conflict_facts, fetch_cases
from app.cases.involvement import grounds
from app.cases.models import Action, ActionStatus, Case, CaseState, Ground
from app.documents.content.agenda import Agenda, AgendaCase, NoReturn, for_cases
from app.documents.models import Document
from app.identity import register
from app.identity.person import Person
from app.meetings import agenda, planning
from app.meetings.models import AgendaItem, Meeting
from app.operations.papers.common import action_line, header, keys, meeting_details, printed_parties, text
from app.runtime import service as runtime
from app.store.clock import LONDON
from app.store.database import db

REASONS = {
    "VISIBLE_HIGH_RISK": "Visible high risk",
    "PROFESSIONAL_JUDGEMENT": "Professional judgement",
    "POTENTIAL_ESCALATION": "Potential escalation",
    "REPEAT": "Repeat",
    "TRANSFER": "Transfer",
}
REMINDERS = (
    "Everyone signs the confidentiality statement before any case is discussed.",
    "Share what is relevant and necessary. Say what is fact and what is opinion.",
    "Leave paper copies in the room. The co-ordinator destroys them.",
)


def criteria_of(case_keys: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Why each case is listed, from its threshold decision."""
    known = runtime.variables_of_cases(case_keys)
    return {key: _reasons(known.get(key, {}).get("threshold")) for key in case_keys}


def _reasons(threshold: Any) -> tuple[str, ...]:
    reasons = threshold.get("reasons") if isinstance(threshold, dict) else None
    return tuple(REASONS.get(str(r), str(r)) for r in reasons or [])


def prepared(meeting_key: int) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """What the Co-ordinator prepared: the form's answers, and its line for each case."""
    found = submissions.latest(meeting_key, "marac-prepare-agenda")
    answers = submissions.read(found) if found else {}
    rows = [row for row in answers.get("cases") or [] if str(row.get("value") or "").isdigit()]
    return answers, {int(row["value"]): row for row in rows}


def build_agenda(document: Document) -> Agenda:
    """Fill the agenda: whole, or cut to the cases of one agency's copy; a guest's or other agency's copy is its own lines only."""
    whole = _whole(document)
    wanted = document.params.get("cases")
    if wanted is None:
        return whole
    own = {find_case(key).reference for key in keys(wanted)}
    cut = for_cases(whole, own)
    without = document.params.get("cut") is True
    if without:
        cut = replace(cut, cases=tuple(replace(case, order=n) for n, case in enumerate(cut.cases, 1)))
    if document.params.get("partial") is True:
        return cut
    missing = [replace(line, case_numbers=tuple(n for n in line.case_numbers if n in own)) for line in whole.no_returns]
    return replace(
        cut,
        partial=False,
        brought_forward=whole.brought_forward if document.copy_holder_agency is None else cut.brought_forward,
        disclosure_report="" if without else whole.disclosure_report,  # one text, which may tell of the other cases
        no_returns=tuple(line for line in missing if line.case_numbers),
    )


def _whole(document: Document) -> Agenda:
    meeting = planning.find(document.meeting_key or 0)
    names = agencies.names(meeting.area_key)
    reader = register.people_for({document.about_key}).get(document.about_key) if document.about_key else None
    starts = (meeting.starts_at or document.created_at).astimezone(LONDON)
    answers, lines = prepared(meeting.key)
    cases = []
    missing: dict[int, list[str]] = {}
    begins = starts
    listed = [case for case in agenda.cases(meeting.key) if case.state != CaseState.DISPOSED]
    criteria = criteria_of([case.key for case in listed])
    for index, case in enumerate(listed):
        cases.append(
            AgendaCase(
                order=index + 1,
                number=case.reference,
                parties=printed_parties(case, addresses=False),
                criteria=criteria[case.key],
                referred_by=names.get(case.referring_agency_key or 0, ""),
                repeat=case.repeat,
                slot=begins.time(),
                note=text(lines.get(case.key, {}), "agendaNote"),
            )
        )
        minutes = lines.get(case.key, {}).get("minutes")
        begins += timedelta(minutes=float(minutes)) if minutes else planning.length(1, meeting.area_key)
        for agency_key, held in grounds(case.key).items():
            if Ground.RESEARCH_OPEN in held:
                missing.setdefault(agency_key, []).append(case.reference)
    due = deadlines.current(meeting.key, "researchDue")
    late = document.params.get("returns") is True or (due is not None and document.created_at > due.due_at)
    return Agenda(
        header=header(document),
        meeting=meeting_details(meeting),
        cases=tuple(cases),
        brought_forward=tuple(action_line(a, names) for a in brought_forward(meeting.key) if _is_open_to(reader, a)),
        no_returns=tuple(NoReturn(agency=names.get(k, ""), case_numbers=tuple(v)) for k, v in missing.items())
        if late
        else (),
        research_due=f"{due.due_at.astimezone(LONDON):%A} {due.due_at.astimezone(LONDON).day} "
        f"{due.due_at.astimezone(LONDON):%B %Y, %H:%M}"
        if due
        else "",
        disclosure_report=text(answers, "dvdsResults"),
        reminders=(*REMINDERS, *(line.strip() for line in text(answers, "reminders").splitlines() if line.strip())),
    )


def _is_open_to(reader: Person | None, action: Action) -> bool:
    """Whether the person for whom a copy is made may read of an action's case; nobody in particular: it is cut by cases."""
    if reader is None:
        return True
    case = find_case(action.case_key)
    return not decide.in_conflict(reader, conflict_facts(case.key, case.area_key))


def brought_forward(meeting_key: int) -> list[Action]:
    """Open actions of the cases of every other meeting of the area, however long ago, soonest due first (D5)."""
    heard = (
        select(AgendaItem.case_key)
        .join(Meeting, Meeting.key == AgendaItem.meeting_key)
        .join(Case, Case.key == AgendaItem.case_key)
        .where(
            Meeting.area_key == planning.find(meeting_key).area_key,
            Meeting.key != meeting_key,
            Case.state != CaseState.DISPOSED,
        )
    )
    rows = db.session.execute(
        select(Action)
        .where(
            Action.status == ActionStatus.OPEN,
            Action.meeting_key != meeting_key,
            Action.case_key.in_(heard),
        )
        .order_by(Action.due_date, Action.key)
    ).scalars()
    found = list(rows)
    fetch_cases({action.case_key for action in found})
    return found
