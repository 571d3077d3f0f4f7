"""What forms may ask for (docs/developers/form-context.md): options, fixed rows and known answers, for one task and one person.

Each provider gives only what this person may see in this case at this time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.agencies import service as agencies
from app.agencies.models import Tier
from app.cases import actions, submissions
from app.cases.dossiers import find_case
from app.cases.involvement import grounds
from app.cases.models import Case, Ground, Party
from app.cases.parties import PartyDetails, details_of, parties
from app.documents.statement import current_statement
from app.identity import register
from app.identity.models import User
from app.identity.person import Person
from app.identity.roles import Role, role_title
from app.meetings import agenda, attendance, planning
from app.meetings.models import MeetingState
from app.operations.papers.agenda import brought_forward, criteria_of
from app.operations.people import candidates_of
from app.operations.risk_tools import risk_tools
from app.runtime import service as runtime
from app.store.clock import LONDON, business_now
from app.store.database import db
from app.work.mirror import holders
from app.work.models import WorkItem

Option = dict[str, Any]
PROVIDERS: dict[str, Callable[[WorkItem, Person], Any]] = {}
CODES = {"inPerson": "IN_PERSON", "virtual": "VIRTUAL", "hybrid": "HYBRID"}
ROLE_CODES = {"core": "CORE", "nonCore": "NON_CORE", "guest": "GUEST", "observer": "OBSERVER"}
RULING_CODES = {"continue": "CONTINUE", "continueRestricted": "CONTINUE_RESTRICTED", "excluded": "EXCLUDED"}


def provides(name: str) -> Callable[[Callable[[WorkItem, Person], Any]], Callable[[WorkItem, Person], Any]]:
    """Register a provider under the name that forms use."""

    def add(function: Callable[[WorkItem, Person], Any]) -> Callable[[WorkItem, Person], Any]:
        PROVIDERS[name] = function
        return function

    return add


def in_words(at: datetime | None) -> str:
    """An instant as people say it, London time."""
    if at is None:
        return ""
    local = at.astimezone(LONDON)
    return f"{local.day} {local:%B %Y}, {local:%H:%M}"


def _agency_kind(agency_key: int | None) -> str | None:
    return agencies.agency(agency_key).kind if agency_key is not None else None


@provides("me")
def me(_item: WorkItem, person: Person) -> Option:
    user = db.session.get(User, person.key)
    names = agencies.names(person.area_key) if person.area_key else {}
    first = sorted(person.role_slugs)
    return {
        "id": str(person.key),
        "name": person.name,
        "email": user.email if user else None,
        "phone": None,
        "jobTitle": role_title(first[0]) if first else None,
        "agency": str(person.agency_key) if person.agency_key else None,
        "agencyName": names.get(person.agency_key or 0),
        "agencyType": _agency_kind(person.agency_key),
    }


@provides("task")
def task(item: WorkItem, _person: Person) -> Option:
    reference = None
    if item.case_key is not None:
        reference = find_case(item.case_key).reference
    elif item.meeting_key is not None:
        reference = planning.find(item.meeting_key).reference
    names = agencies.names(item.area_key)
    return {
        "reference": reference,
        "agency": str(item.agency_key) if item.agency_key else None,
        "agencyName": names.get(item.agency_key or 0),
        "due": item.due_at.isoformat() if item.due_at else None,
        "overdue": item.due_at is not None and item.due_at < business_now(),
    }


@provides("agencyType")
def agency_type(item: WorkItem, person: Person) -> str | None:
    return _agency_kind(item.agency_key or person.agency_key)


@provides("agencies")
def all_agencies(item: WorkItem, _person: Person) -> list[Option]:
    return [{"value": str(a.key), "label": a.name, "type": a.kind} for a in agencies.agencies(item.area_key)]


def _users_of(agency_keys: set[int]) -> list[Option]:
    rows = db.session.execute(
        select(User.key, User.name, User.agency_key)
        .where(User.agency_key.in_(agency_keys), User.active.is_(True))
        .order_by(User.name)
    )
    return [{"value": str(k), "label": n, "agency": str(a)} for k, n, a in rows]


@provides("agencyUsers")
def agency_users(item: WorkItem, person: Person) -> list[Option]:
    wanted = {item.agency_key or person.agency_key or 0}
    if item.form_id == "marac-action-plan":
        wanted |= {int(a["value"]) for a in case_agencies(item, person)}
    return _users_of(wanted)


@provides("users")
def users(item: WorkItem, person: Person) -> list[Option]:
    late = _late_item(item)
    if late is not None:
        keys = set(holders(late))
        if late.agency_key:
            keys |= {p.key for p in register.holders(Role.AGENCY_REPRESENTATIVE, agency_key=late.agency_key)}
        keys.discard(late.assignee or 0)
    else:
        keys = set(holders(item)) | {person.key}
    names = register.names_of(keys)
    return [{"value": str(k), "label": n} for k, n in sorted(names.items(), key=lambda pair: pair[1])]


@provides("parties")
def case_parties(item: WorkItem, _person: Person) -> list[Option]:
    if item.case_key is None:
        return []
    return [{"value": str(p.key), "label": details_of(p).name, "role": p.role} for p in parties(item.case_key)]


@provides("meetings")
def meetings(item: WorkItem, _person: Person) -> list[Option]:
    return [
        {"value": str(m.key), "label": f"{in_words(m.starts_at)} ({m.reference})", "start": m.starts_at.isoformat()}
        for m in planning.upcoming(item.area_key)
        if m.starts_at and m.state == MeetingState.PLANNED
    ]


@provides("caseAgencies")
def case_agencies(item: WorkItem, _person: Person) -> list[Option]:
    if item.case_key is None:
        return []
    meeting = agenda.meeting_hearing(item.case_key)
    present = (
        {a.agency_key for a in attendance.of_meeting(meeting.key) if a.signed_at is not None} if meeting else set()
    )
    held = grounds(item.case_key)
    area = find_case(item.case_key).area_key
    core = {a.key for a in agencies.agencies(area, (Tier.CORE,))}
    wanted = {k for k, own in held.items() if own != {Ground.WITHDRAWN}} | (present & core) | (present & held.keys())
    return [
        {"value": str(a.key), "label": a.name, "type": a.kind, "attending": a.key in present}
        for a in agencies.agencies(area)
        if a.key in wanted
    ]


@provides("advocateAgencies")
def advocate_agencies(item: WorkItem, _person: Person) -> list[Option]:
    found = agencies.agencies(item.area_key)
    advocates = {
        at for p in register.holders(Role.IDVA, area_key=item.area_key) for held, at in p.roles if held == Role.IDVA
    }
    return [{"value": str(a.key), "label": a.name} for a in found if a.key in advocates]


def _meeting_key(item: WorkItem) -> int | None:
    if item.meeting_key is not None:
        return item.meeting_key
    return find_case(item.case_key).meeting_key if item.case_key is not None else None


@provides("attendees")
def attendees(item: WorkItem, _person: Person) -> list[Option]:
    key = _meeting_key(item)
    if key is None:
        return []
    found = []
    for row in attendance.of_meeting(key):
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


@provides("riskTools")
def tools(item: WorkItem, _person: Person) -> list[Option]:
    return risk_tools(item.area_key)


def _submission_options(item: WorkItem, form_id: str) -> list[Option]:
    if item.case_key is None:
        return []
    rows = reversed(submissions.of(item.case_key, form_id))
    return [{"value": str(s.key), "label": f"Completed on {in_words(s.submitted_at)}"} for s in rows]


PROVIDERS["riskChecklists"] = lambda item, _p: _submission_options(item, "marac-risk-checklist")
PROVIDERS["iswcForms"] = lambda item, _p: _submission_options(item, "iswc-form")
PROVIDERS["perpetratorDecisions"] = lambda item, _p: _submission_options(item, "marac-perpetrator-decision")


@provides("matchCandidates")
def match_candidates(item: WorkItem, _person: Person) -> list[Option]:
    """Each party of this case beside each earlier one that may be the same (B7); the co-ordinator decides."""
    if item.case_key is None:
        return []
    found = []
    for party in parties(item.case_key):
        mine = details_of(party)
        for candidate in candidates_of(party):
            other = _other_details(candidate.party_key)
            if other is None:
                continue
            found.append(
                {
                    "value": f"{party.key}-{candidate.party_key}",
                    "label": f"{mine.name} ({party.role}) and {other.name} ({candidate.role}, {candidate.reference})",
                    "why": ", ".join(candidate.reasons).capitalize() + ".",
                }
            )
    return found


def _other_details(party_key: int) -> PartyDetails | None:
    row = db.session.get(Party, party_key)
    return details_of(row) if row is not None else None


@provides("openActions")
def open_actions(item: WorkItem, _person: Person) -> list[Option]:
    if item.form_id == "marac-close-or-relist" and item.case_key is not None:
        rows = [a for a in actions.of_case(item.case_key) if a.status == "open"]
    else:
        key = _meeting_key(item)
        rows = brought_forward(key) if key is not None else []
    names = agencies.names(item.area_key)
    people = register.names_of({a.owner_user_key for a in rows if a.owner_user_key})
    today = business_now().astimezone(LONDON).date()
    return [
        {
            "value": str(a.key),
            "label": actions.words_of(a).action,
            "ownerName": people.get(a.owner_user_key or 0) or names.get(a.owner_agency_key, ""),
            "due": a.due_date.isoformat(),
            "overdue": a.due_date < today,
            "caseReference": find_case(a.case_key).reference,
        }
        for a in rows
    ]


def _criteria(case: Case) -> str:
    return ", ".join(criteria_of(case.key)) or "Referred"


@provides("agendaCases")
def agenda_cases(item: WorkItem, _person: Person) -> list[Option]:
    key = _meeting_key(item)
    if key is None:
        return []
    return [{"value": str(c.key), "label": c.reference, "criteria": _criteria(c)} for c in agenda.cases(key)]


@provides("invitationsForApproval")
def invitations_for_approval(item: WorkItem, _person: Person) -> list[Option]:
    wanted = submissions.latest(item.case_key or 0, "marac-invitations")
    if wanted is None:
        return []
    names = agencies.names(item.area_key)
    return [
        {"value": str(r["agency"]), "label": names.get(int(r["agency"]), ""), "why": str(r.get("why") or "")}
        for r in submissions.read(wanted).get("invitations") or []
        if r.get("kind") == "NON_CORE" and r.get("nonCoreType") == "OTHER" and str(r.get("agency")).isdigit()
    ]


@provides("papers")
def papers(item: WorkItem, _person: Person) -> list[Option]:
    """The meeting's papers: the agenda, each referral and risk checklist that informed a plan, each action plan."""
    key = _meeting_key(item)
    if key is None:
        return []
    decided = submissions.latest(key, "marac-retention-list")
    kept = {}
    if decided is not None:
        rows = submissions.read(decided).get("documents") or []
        kept = {str(r.get("value")): r.get("retain") in ("yes", True) for r in rows}
    found: list[tuple[str, str]] = [("agenda", "Agenda as circulated")]
    for case in agenda.cases(key):
        found += [
            (f"referral-{case.key}", f"{case.reference}: referral and risk checklist"),
            (f"research-{case.key}", f"{case.reference}: what agencies released to the meeting"),
            (f"plan-{case.key}", f"{case.reference}: action plan and notes taken in the room"),
        ]
    return [{"value": v, "label": text, "retain": kept.get(v)} for v, text in found]


@provides("people")
def people(item: WorkItem, _person: Person) -> Option | None:
    """The people as typed so far, so that nobody types them twice."""
    if item.case_key is None:
        return None
    found: dict[str, Any] = {"victim": None, "perpetrators": [], "children": []}
    for party in parties(item.case_key):
        details = details_of(party)
        person = {
            "name": details.name,
            "alsoKnownAs": ", ".join(details.aliases) or None,
            "dob": details.dob or None,
            "address": details.address or None,
            "relationshipToVictim": details.relationship or None,
            **details.extra,
        }
        if party.role == "victim":
            found["victim"] = person
        else:
            found["perpetrators" if party.role == "perpetrator" else "children"].append(person)
    return found


def _newest(item: WorkItem, form_id: str) -> Option | None:
    row = submissions.latest(item.case_key, form_id) if item.case_key is not None else None
    return submissions.read(row) if row is not None else None


@provides("latest")
def latest(item: WorkItem, _person: Person) -> Option:
    return {
        "riskChecklist": _newest(item, "marac-risk-checklist"),
        "consent": _newest(item, "marac-consent"),
    }


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
    key = _meeting_key(item)
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
    key = item.named_key("action")
    if key is None:
        return None
    row = actions.find(key)
    words = actions.words_of(row)
    today = business_now().astimezone(LONDON).date()
    return {
        "value": str(row.key),
        "label": words.action,
        "riskAddressed": words.risk_addressed,
        "due": row.due_date.isoformat(),
        "overdue": row.due_date < today,
    }


def _late_item(item: WorkItem) -> WorkItem | None:
    if item.form_id != "escalation-decision":
        return None
    key = str(runtime.plain_variables(item.instance_key, item.task_id).get("subjectItem") or "")
    return db.session.get(WorkItem, int(key)) if key.isdigit() else None


@provides("late")
def late(item: WorkItem, _person: Person) -> Option | None:
    """The late task in words: what, whose, since when; nothing of what is typed in it."""
    row = _late_item(item)
    if row is None:
        return None
    names = agencies.names(row.area_key)
    holder = register.names_of([row.assignee]).get(row.assignee, "") if row.assignee else ""
    return {
        "label": row.name,
        "holder": holder or names.get(row.agency_key or 0) or ", ".join(role_title(str(r)) for r in row.roles),
        "due": in_words(row.due_at),
    }
