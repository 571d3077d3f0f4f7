"""The people of a case: taking them from what was typed, finding earlier referrals of the same pair, merging an update."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from app import notices
from app.cases import matching, submissions
from app.cases.dossiers import find_case
from app.cases.involvement import involve
from app.cases.matching import Candidate, Sought
from app.cases.models import Case, Ground, MatchDecision, Party, PartyRole
from app.cases.parties import PartyDetails, details_of, parties, replace_parties
from app.cases.timeline import note
from app.identity import register
from app.identity.roles import Role
from app.operations.addressees import leads_of_area, open_to
from app.operations.registry import case_of, operation
from app.runtime.ports import OperationContext
from app.store.clock import LONDON
from app.store.database import db

SOURCES = ("marac-referral", "marac-risk-checklist")
SURE = 8  # the same name and the same date of birth


def _details(person: Mapping[str, Any]) -> PartyDetails:
    aliases = str(person.get("alsoKnownAs") or "")
    dob = person.get("dob")
    return PartyDetails(
        name=str(person.get("name") or ""),
        dob=dob if isinstance(dob, str) else "",
        aliases=tuple(part.strip() for part in aliases.replace(";", ",").split(",") if part.strip()),
        address=str(person.get("address") or ""),
        relationship=str(person.get("relationshipToVictim") or ""),
        extra={
            key: value
            for key, value in person.items()
            if value not in (None, "", [])
            and key not in {"_row", "name", "dob", "alsoKnownAs", "address", "relationshipToVictim", "age"}
        },
    )


def people_in(answers: Mapping[str, Any]) -> Iterator[tuple[PartyRole, PartyDetails]]:
    """The people that a risk checklist or a referral names."""
    victim = answers.get("victim")
    if isinstance(victim, Mapping) and victim.get("name"):
        yield PartyRole.VICTIM, _details(victim)
    for role, name in ((PartyRole.PERPETRATOR, "perpetrators"), (PartyRole.CHILD, "children")):
        for person in answers.get(name) or []:
            if isinstance(person, Mapping) and person.get("name"):
                yield role, _details(person)


@operation(
    "register-parties",
    "Enter the people of the case and look for an earlier referral",
    outputs={"earlierReferral": "boolean", "lastReferralDate": "date"},
)
def register_parties(context: OperationContext, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the people from the newest referral or checklist. The referrer learns the outcome only, not the earlier case (DMN-M3)."""
    case_key = case_of(context, inputs)
    newest = submissions.newest(case_key, SOURCES)
    if newest is not None:
        answers = submissions.read(newest)
        have = [(PartyRole(p.role), details_of(p)) for p in parties(case_key)]
        found = list(people_in(answers))
        if newest.form_id == "marac-risk-checklist":
            found += [(role, details) for role, details in have if role is PartyRole.CHILD]
        replace_parties(case_key, found)
    case = find_case(case_key)
    if case.referring_agency_key is not None:
        involve(case_key, case.referring_agency_key, Ground.REFERRER)
    earlier = earlier_referral(case_key)
    last = earlier.submitted_at.astimezone(LONDON).date() if earlier and earlier.submitted_at else None
    case.repeat = earlier is not None
    return {"earlierReferral": earlier is not None, "lastReferralDate": last}


def same_person(candidate: Candidate) -> bool:
    """Whether a candidate counts as the same: as the co-ordinator decided, else only when name and date of birth agree."""
    return candidate.decided if candidate.decided is not None else candidate.score >= SURE


def candidates_of(party: Party) -> list[Candidate]:
    """Earlier parties that may be this one."""
    return candidates_for(party.case_key, (party,))[party.key]


def candidates_for(case_key: int, people: Collection[Party]) -> dict[int, list[Candidate]]:
    """The same for several parties of a case, by party. First those of cases that name two of its people in the same parts."""
    sought = []
    for party in people:
        details = details_of(party)
        sought.append(Sought(party.key, details.name, tuple(details.aliases), details.born))
    found = matching.candidates_for(case_key, sought)
    roles = {party.key: party.role for party in people}
    met = Counter(
        case for key, rows in found.items() for case in {one.case_key for one in rows if one.role == roles[key]}
    )
    return {key: sorted(rows, key=lambda one: met[one.case_key] < 2) for key, rows in found.items()}


def earlier_referral(case_key: int) -> Case | None:
    """The latest earlier referral of the same victim with one of the same perpetrators (one in common is enough)."""
    victims: set[int] = set()
    perpetrators: set[int] = set()
    people = parties(case_key)
    candidates = candidates_for(case_key, people)
    for party in people:
        same = {c.case_key for c in candidates[party.key] if same_person(c) and c.role == party.role}
        if party.role == PartyRole.VICTIM:
            victims |= same
        elif party.role == PartyRole.PERPETRATOR:
            perpetrators |= same
    both = victims & perpetrators
    if not both:
        return None
    return db.session.execute(
        select(Case)
        .where(Case.key.in_(both), Case.submitted_at.is_not(None))
        .order_by(Case.submitted_at.desc())
        .limit(1)
    ).scalar()


@operation("merge-into-earlier-case", "Add the new information to the earlier case")
def merge_into_earlier(context: OperationContext, inputs: Mapping[str, Any]) -> None:
    """DMN-M3 UPDATE_ONLY: tie this case to the earlier one, where the co-ordinator finds it on the timeline.

    A referral is added by the Co-ordinator, who knows; of a checklist that was never referred the Co-ordinator is told (01-marac B3n).
    """
    case_key = case_of(context, inputs)
    earlier = earlier_referral(case_key)
    if earlier is not None:
        case = find_case(case_key)
        case.merged_into = earlier.key
        note(earlier.key, "update-received", title=case.reference, facts={"case": str(case_key)})
        if case.submitted_at is None:
            _tell_of_addition(case, earlier, context.idempotency_key)


def _tell_of_addition(case: Case, earlier: Case, dedupe: str) -> None:
    """Whoever may not see one of the two is not told; where that leaves nobody, the Chair is."""
    people = {person.key for person in register.holders(Role.MARAC_COORDINATOR, area_key=case.area_key)}
    told = open_to(open_to(people, case.key, case.area_key), earlier.key, case.area_key)
    told = told or open_to(leads_of_area(earlier.key, case.area_key), case.key, case.area_key)
    notices.send(
        notices.Template.CASE_ADDED_TO,
        sorted(told),
        reference=earlier.reference,
        due=None,
        path=f"/cases/{case.key}",
        dedupe=dedupe,
        area_key=case.area_key,
    )


def decided_pairs(case_key: int) -> list[MatchDecision]:
    """What the co-ordinator has decided on the candidates of a case."""
    return list(db.session.execute(select(MatchDecision).where(MatchDecision.case_key == case_key)).scalars())


def age_on(born: date | None, day: date) -> int | None:
    """Whole years."""
    if born is None:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
