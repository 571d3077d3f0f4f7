"""What a form may know of its meeting: the agenda, who attends, papers, actions."""

from __future__ import annotations

from app.access import decide
from app.agencies import service as agencies
from app.cases import actions
from app.cases.dossiers import find_case
from app.cases.facts import conflict_facts
from app.documents.statement import current_statement
from app.identity import register
from app.identity.person import Person
from app.meetings import agenda, attendance, planning
from app.meetings.models import MeetingState
from app.operations.actions import declined_words
from app.operations.holding import TASK as HELD_PAPERS
from app.operations.holding import papers_of
from app.operations.papers.agenda import brought_forward, criteria_of
from app.operations.providers.common import Option, in_words, meeting_key_of, provides
from app.runtime import service as runtime
from app.store.clock import LONDON, business_now
from app.work.models import WorkItem

WITHHELD = "Withheld: you have a conflict of interest in this case"
CODES = {"inPerson": "IN_PERSON", "virtual": "VIRTUAL", "hybrid": "HYBRID"}
ROLE_CODES = {"core": "CORE", "nonCore": "NON_CORE", "guest": "GUEST", "observer": "OBSERVER"}
RULING_CODES = {"continue": "CONTINUE", "continueRestricted": "CONTINUE_RESTRICTED", "excluded": "EXCLUDED"}


@provides("meetings")
def meetings(item: WorkItem, _person: Person) -> list[Option]:
    return [
        {"value": str(m.key), "label": f"{in_words(m.starts_at)} ({m.reference})", "start": m.starts_at.isoformat()}
        for m in planning.upcoming(item.area_key)
        if m.starts_at and m.state == MeetingState.PLANNED
    ]


@provides("attendees")
def attendees(item: WorkItem, _person: Person) -> list[Option]:
    """Who is expected; for a case under discussion and at the close, who is here: signed, and not excluded."""
    key = meeting_key_of(item)
    if key is None:
        return []
    found = []
    here = item.case_key is not None or item.form_id == "marac-mail-assurance"
    for row in attendance.of_meeting(key):
        if row.apologies or (here and (row.signed_at is None or row.ruling == "excluded")):
            continue
        who = attendance.who_is(row)
        if item.case_key is not None and row.role != "core" and item.case_key not in attendance.invited_cases(row.key):
            continue
        found.append(
            {
                "value": str(row.key),
                "label": who.name,
                "agency": str(row.agency_key) if row.agency_key else None,
                "agencyName": who.organisation,
                "mode": CODES.get(row.mode, "IN_PERSON"),
                "role": ROLE_CODES[row.role],
            }
        )
    return found


@provides("openActions")
def open_actions(item: WorkItem, person: Person) -> list[Option]:
    """Actions to answer for. What an action says is withheld from whoever has a conflict of interest in its case."""
    if item.form_id == "marac-close-or-relist" and item.case_key is not None:
        rows = [a for a in actions.of_case(item.case_key) if a.status == "open"]
    else:
        key = meeting_key_of(item)
        rows = brought_forward(key) if key is not None else []
    names = agencies.names(item.area_key)
    people = register.names_of({a.owner_user_key for a in rows if a.owner_user_key})
    today = business_now().astimezone(LONDON).date()
    return [
        {
            "value": str(a.key),
            "label": WITHHELD if _in_conflict(person, a.case_key) else actions.words_of(a).action,
            "ownerName": people.get(a.owner_user_key or 0) or names.get(a.owner_agency_key, ""),
            "due": a.due_date.isoformat(),
            "overdue": a.due_date < today,
            "caseReference": find_case(a.case_key).reference,
        }
        for a in rows
    ]


def _in_conflict(person: Person, case_key: int) -> bool:
    return decide.in_conflict(person, conflict_facts(case_key, find_case(case_key).area_key))


@provides("agendaCases")
def agenda_cases(item: WorkItem, _person: Person) -> list[Option]:
    key = meeting_key_of(item)
    if key is None:
        return []
    cases = agenda.cases(key)
    criteria = criteria_of([case.key for case in cases])
    return [
        {"value": str(c.key), "label": c.reference, "criteria": ", ".join(criteria[c.key]) or "Referred"} for c in cases
    ]


@provides("papers")
def papers(item: WorkItem, _person: Person) -> list[Option]:
    """The meeting's papers that are not destroyed yet. What it decides of one under a legal hold counts once the hold is lifted."""
    key = meeting_key_of(item)
    if key is None:
        return []
    deciding = item.form_id == "marac-retention-list"
    return [
        {
            "value": paper.value,
            "label": f"{paper.label} (under a legal hold: kept at least until that is lifted)"
            if paper.held and deciding
            else paper.label,
            "retain": paper.retain,
            "held": paper.held,
        }
        for paper in papers_of(key, again=item.element_id == HELD_PAPERS)
    ]


@provides("legalHold")
def legal_hold(item: WorkItem, _person: Person) -> Option | None:
    """The task's case, when it is under a legal hold."""
    case = find_case(item.case_key) if item.case_key is not None else None
    return {"reference": case.reference} if case is not None and case.legal_hold else None


@provides("suggestedSlot")
def suggested_slot(item: WorkItem, _person: Person) -> Option | None:
    """What DMN-M5 suggests, with the meeting it means."""
    known = runtime.plain_variables(item.instance_key, item.task_id)
    value = known.get("suggestedSlot") or known.get("listingSlot")
    slot = value.get("slot") if isinstance(value, dict) else value
    upcoming = planning.upcoming(item.area_key)
    open_ = [m for m in upcoming if m.state == MeetingState.PLANNED and m.kind == "scheduled"]
    emergency = [m for m in upcoming if m.kind == "emergency"]
    chosen = {"EMERGENCY_MEETING": emergency}.get(str(slot), open_)
    meeting = chosen[0] if chosen else None
    label = f"{in_words(meeting.starts_at)} ({meeting.reference})" if meeting else "no meeting is planned yet"
    return {"slot": slot, "meetingId": str(meeting.key) if meeting else None, "label": label}


@provides("meeting")
def one_meeting(item: WorkItem, _person: Person) -> Option | None:
    key = meeting_key_of(item)
    if key is None:
        return None
    meeting = planning.find(key)
    statement = current_statement()
    return {
        "value": str(meeting.key),
        "label": meeting.reference,
        "start": meeting.starts_at.isoformat() if meeting.starts_at else None,
        "statementVersion": statement.version,
        "statementText": "\n\n".join([statement.opening, *(f"- {p}" for p in statement.points), statement.signing]),
    }


@provides("attendee")
def attendee(item: WorkItem, _person: Person) -> Option | None:
    key = item.named_key("signature")
    if key is None:
        return None
    row = attendance.find(key)
    who = attendance.who_is(row)
    return {
        "value": str(key),
        "name": who.name,
        "jobTitle": who.job_title,
        "agency": str(row.agency_key) if row.agency_key else None,
        "mode": CODES.get(row.mode, "IN_PERSON"),
        "role": ROLE_CODES[row.role],
        "nonCoreType": (row.non_core_type or "").upper() or None,
        "chairApproved": row.chair_approved,
        "chairDecision": RULING_CODES.get(row.ruling or ""),
        "casesAdmitted": [find_case(k).reference for k in sorted(attendance.invited_cases(row.key))],
    }


@provides("discussion")
def discussion(item: WorkItem, _person: Person) -> Option | None:
    if item.case_key is None or item.meeting_key is None:
        return None
    line = agenda.item_of(item.meeting_key, item.case_key)
    reference = find_case(item.case_key).reference
    return {"value": str(item.case_key), "label": reference, "order": line.position if line else None}


@provides("action")
def one_action(item: WorkItem, _person: Person) -> Option | None:
    key = next((k for name in ("action", "declined", "declinedDecision") if (k := item.named_key(name))), None)
    if key is None:
        return None
    row = actions.find(key)
    declined, dissent = declined_words(row) if item.named_key("action") is None else (None, None)
    words = actions.words_of(row)
    today = business_now().astimezone(LONDON).date()
    return {
        "value": str(row.key),
        "label": words.action,
        "riskAddressed": words.risk_addressed,
        "declined": declined,
        "dissent": dissent,
        "due": row.due_date.isoformat(),
        "overdue": row.due_date < today,
    }
