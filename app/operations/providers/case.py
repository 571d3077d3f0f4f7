"""What a form may know of its case: people, submissions, candidates, agencies."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.agencies import service as agencies
from app.agencies.models import Tier
from app.cases import submissions
from app.cases.clearance import may_see_names
from app.cases.dossiers import find_case
from app.cases.involvement import grounds
from app.cases.matching import Candidate
from app.cases.models import Ground, MatchDecision, MatchToken, Party, Submission
from app.cases.parties import details_of, parties
from app.identity import register
from app.identity.person import Person
from app.identity.roles import Role
from app.meetings import agenda, attendance
from app.operations import earlier, invitations
from app.operations.people import candidates_for
from app.operations.providers.common import PROVIDERS, Option, in_words, provides
from app.store.database import db
from app.store.remembering import once
from app.work.models import WorkItem

LIKELIEST = 20
_DECIDED = {True: "SAME", False: "DIFFERENT", None: None}
WITHHELD = "somebody whose name is withheld from you"


@provides("parties")
def case_parties(item: WorkItem, _person: Person) -> list[Option]:
    if item.case_key is None:
        return []
    return [{"value": str(p.key), "label": details_of(p).name, "role": p.role} for p in parties(item.case_key)]


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


_ATTACHED = {
    "riskChecklists": "marac-risk-checklist",
    "iswcForms": "iswc-form",
    "perpetratorDecisions": "marac-perpetrator-decision",
}


def _submission_options(item: WorkItem, _person: Person, *, form_id: str) -> list[Option]:
    """What was submitted on one of the forms that a referral attaches; of all of them the database is asked together."""
    case = item.case_key
    if case is None:
        return []
    rows = once(("attached", case), (Submission,), lambda: submissions.of(case, *_ATTACHED.values()))
    return [
        {"value": str(row.key), "label": f"Completed on {in_words(row.submitted_at)}"}
        for row in reversed(rows)
        if row.form_id == form_id
    ]


for _name, _form in _ATTACHED.items():
    PROVIDERS[_name] = partial(_submission_options, form_id=_form)


@provides("matchCandidates")
def match_candidates(item: WorkItem, person: Person) -> list[Option]:
    """Each party of this case beside each earlier one that may be the same (B7); the co-ordinator decides. The likeliest of each, where
    many are alike: the others stand on the case's page."""
    if item.case_key is None:
        return []
    found = []
    people = parties(item.case_key)
    likeliest = {party: rows[:LIKELIEST] for party, rows in _alike(item.case_key, people).items()}
    earlier.read({candidate.case_key for rows in likeliest.values() for candidate in rows})
    for party in people:
        mine = details_of(party)
        for candidate in likeliest[party.key]:
            other = _other_name(candidate.party_key, person)
            if other is None:
                continue
            found.append(
                {
                    "value": f"{party.key}-{candidate.party_key}",
                    "label": f"{mine.name} ({party.role}) and {other} ({candidate.role}, {candidate.reference})",
                    "why": ", ".join(candidate.reasons).capitalize() + ".",
                    "decided": _DECIDED[candidate.decided],
                }
            )
    return found


def _alike(case_key: int, people: list[Party]) -> dict[int, list[Candidate]]:
    return once(("alike", case_key), (Party, MatchToken, MatchDecision), lambda: candidates_for(case_key, people))


@provides("matchesLeftOut")
def matches_left_out(item: WorkItem, _person: Person) -> list[Option]:
    """Those that are not among the likeliest."""
    if item.case_key is None:
        return []
    found = _alike(item.case_key, parties(item.case_key))
    return [
        {"value": f"{party}-{one.party_key}", "label": one.reference}
        for party, rows in found.items()
        for one in rows[LIKELIEST:]
    ]


def _other_name(party_key: int, person: Person) -> str | None:
    """Who somebody of an earlier case is, for those cleared for that case too: a conflict of interest there holds here."""
    row = db.session.get(Party, party_key)
    if row is None:
        return None
    return details_of(row).name if may_see_names(person, find_case(row.case_key)) else WITHHELD


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


@provides("invitationsForApproval")
def invitations_for_approval(item: WorkItem, _person: Person) -> list[Option]:
    names = agencies.names(item.area_key)
    return [
        {
            "value": str(one.agency_key),
            "label": names.get(one.agency_key, ""),
            "why": str(one.row.get("why") or ""),
        }
        for one in invitations.undecided(item.case_key or 0)
    ]
