"""The minutes: for the file, cut to the cases an agency keeps, or a guest's extract (01-marac E3, F-M7)."""

from __future__ import annotations

from dataclasses import replace

from app.agencies import service as agencies
from app.cases import actions, submissions
from app.cases.dossiers import find_case
from app.cases.models import Case, CaseState
from app.documents.content.minutes import (
    Attendee,
    CaseMinute,
    DvdsOutcome,
    InfoKind,
    Minutes,
    SharedInformation,
    for_cases,
    guest_extract,
)
from app.documents.models import Document
from app.meetings import agenda, attendance, planning
from app.meetings.models import Ruling
from app.operations.papers.agenda import brought_forward
from app.operations.papers.common import (
    action_line,
    answers_at,
    header,
    keys,
    meeting_details,
    person_name,
    printed_parties,
    text,
    yes,
)

KINDS = {"FACT": InfoKind.FACT, "OPINION": InfoKind.OPINION, "THIRD_PARTY": InfoKind.THIRD_PARTY}


def build_minutes(document: Document) -> Minutes:
    """The minutes, whole for the file and cut to the cases that an agency keeps."""
    whole = _whole(document)
    numbers = _numbers(document)
    return whole if numbers is None else for_cases(whole, numbers)


def build_extract(document: Document) -> Minutes:
    """A guest's extract."""
    return guest_extract(_whole(document), _numbers(document) or set())


def _numbers(document: Document) -> set[str] | None:
    wanted = document.params.get("cases")
    return None if wanted is None else {find_case(key).reference for key in keys(wanted)}


def _whole(document: Document) -> Minutes:
    meeting = planning.find(document.meeting_key or 0)
    names = agencies.names(meeting.area_key)
    here: list[Attendee] = []
    away: list[Attendee] = []
    who: dict[str, str] = {}
    for person in attendance.of_meeting(meeting.key):
        details = attendance.who_is(person)
        who[str(person.key)] = details.name
        line = Attendee(name=details.name, job_title=details.job_title, organisation=details.organisation)
        if person.signed_at is not None:
            here.append(line)
        elif person.ruling != Ruling.EXCLUDED:
            away.append(line)
    draft = submissions.latest(meeting.key, "marac-minutes-draft")
    drafted = submissions.read(draft) if draft is not None else {}
    corrections: dict[str, list[str]] = {}
    for row in drafted.get("corrections") or []:
        corrections.setdefault(str(row.get("case")), []).append(text(row, "text"))
    approval = submissions.latest(meeting.key, "marac-minutes-approval")
    approved = approval is not None and yes(submissions.read(approval), "minutesApproved")
    return Minutes(
        header=header(document),
        meeting=meeting_details(meeting),
        statement_version=meeting.statement_version or "",
        statement_read_by=person_name(meeting.statement_read_by),
        statement_read_at=meeting.statement_read_at,
        present=tuple(here),
        apologies=tuple(away),
        previous_actions=tuple(action_line(a, names) for a in brought_forward(meeting.key)),
        cases=tuple(
            replace(
                _case(case, item.position, meeting.key, names, who),
                corrections=tuple(corrections.get(str(case.key), ())),
            )
            for item in agenda.items(meeting.key)
            for case in [find_case(item.case_key)]
            if case.state != CaseState.DISPOSED
        ),
        apologies_note=text(drafted, "apologies"),
        opening_note=text(drafted, "openingNote"),
        closing_note=text(drafted, "closingNote"),
        approved_by=person_name(approval.submitted_by) if approval and approved else "",
        approved_at=approval.submitted_at if approval and approved else None,
    )


def _case(case: Case, order: int, meeting_key: int, names: dict[int, str], who: dict[str, str]) -> CaseMinute:
    said = answers_at(meeting_key, case.key, "marac-case-discussion")
    police = answers_at(meeting_key, case.key, "marac-police-considerations")
    plan = answers_at(meeting_key, case.key, "marac-action-plan")
    outcome = text(police, "dvdsOutcome")
    return CaseMinute(
        order=order,
        number=case.reference,
        parties=printed_parties(case, addresses=False),
        repeat=case.repeat,
        present=tuple(who.get(str(p), "") for p in said.get("present") or []),
        apologies=tuple(filter(None, [text(said, "apologies")])),
        presented_by=who.get(text(said, "presentedBy"), ""),
        new_information=tuple(
            SharedInformation(
                agency=names.get(int(row["agency"]), "") if str(row.get("agency") or "").isdigit() else "",
                text=str(row.get("text") or ""),
                kind=KINDS.get(str(row.get("kind")), InfoKind.FACT),
            )
            for row in said.get("newInfo") or []
        ),
        risk_summary=text(said, "riskSummary"),
        protective_factors=text(said, "protectiveFactors"),
        victim_voice=text(said, "victimVoice"),
        children_risk=text(said, "childrenRisk"),
        perpetrator_plan=text(said, "perpetratorPlan"),
        dvds_outcome=DvdsOutcome[outcome] if outcome in DvdsOutcome.__members__ else None,
        dvds_reason=text(police, "dvdsReason"),
        wanted_offender=yes(police, "wantedOffender"),
        mappa_considered=yes(said, "mappaConsidered") if said else None,
        safeguarding_links=text(said, "safeguardingLinks"),
        actions=tuple(action_line(a, names) for a in actions.of_case(case.key) if a.meeting_key == meeting_key),
        no_action_rationale=text(plan, "noActionRationale"),
        dissent=text(plan, "dissent"),
        lead_advocate_agency=names.get(case.lead_agency_key or 0, ""),
        how_victim_updated=text(plan, "howVictimUpdated"),
        how_community_updated=text(plan, "howCommunityUpdated"),
        equality_note=text(plan, "equalityNote"),
        adjourned_reason=text(said, "adjournedReason"),
    )
