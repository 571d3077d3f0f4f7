"""Down to the field: which answers of which form a person may read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from app.access.decide import allowed, in_conflict
from app.access.facts import CaseFacts, Phase
from app.access.permissions import Permission as P
from app.identity.person import Person


class Mark(StrEnum):
    """How sensitive a field is, as the form says (`sensitivity`)."""

    PERSONAL = "personal"
    VICTIM_IDENTITY = "victim-identity"
    VICTIM_ADDRESS = "victim-address"
    VICTIM_SAFETY = "victim-safety"
    SPECIAL_CATEGORY = "special-category"
    CRIMINAL = "criminal"
    THIRD_PARTY = "third-party"


class SubmissionKind(StrEnum):
    """What kind of paper a submission is; this decides who reads it (01-marac §9)."""

    REFERRAL = "referral"
    RISK_CHECKLIST = "risk-checklist"
    CONSENT = "consent"
    SHARING = "sharing-without-consent"
    PERPETRATOR_DECISION = "perpetrator-decision"
    ADVOCACY = "advocacy"
    RESEARCH = "research"
    NOTHING_HELD = "nothing-held"
    REQUEST_LOG = "request-log"
    MINUTES = "minutes"
    ACTION = "action"
    FEEDBACK = "victim-feedback"
    HANDLING = "handling"


READ_PERMISSION: dict[SubmissionKind, P] = {
    SubmissionKind.REFERRAL: P.CASE_REFERRAL_READ,
    SubmissionKind.RISK_CHECKLIST: P.CASE_RISK_CHECKLIST_READ,
    SubmissionKind.CONSENT: P.CASE_CONSENT_READ,
    SubmissionKind.SHARING: P.CASE_SHARING_READ,
    SubmissionKind.PERPETRATOR_DECISION: P.CASE_PERPETRATOR_DECISION_READ,
    SubmissionKind.ADVOCACY: P.CASE_ADVOCACY_READ,
    SubmissionKind.NOTHING_HELD: P.CASE_NOTHING_HELD_READ,
    SubmissionKind.REQUEST_LOG: P.CASE_LOG_READ,
    SubmissionKind.MINUTES: P.CASE_MINUTES_READ,
    SubmissionKind.ACTION: P.CASE_ACTIONS_READ,
    SubmissionKind.FEEDBACK: P.CASE_FEEDBACK_READ,
    SubmissionKind.HANDLING: P.CASE_HANDLING_READ,
}

_NEEDS: dict[str, P] = {
    Mark.PERSONAL: P.CASE_PARTIES_READ,
    Mark.VICTIM_IDENTITY: P.CASE_PARTIES_READ,
    Mark.THIRD_PARTY: P.CASE_PARTIES_READ,
    Mark.VICTIM_ADDRESS: P.CASE_VICTIM_ADDRESS_READ,
    Mark.VICTIM_SAFETY: P.CASE_VICTIM_SAFETY_READ,
}
_REGISTER_ROLES_WITHOUT_PARTIES = frozenset({SubmissionKind.PERPETRATOR_DECISION, SubmissionKind.REQUEST_LOG})

# What the Chair and the Co-ordinator record at and after the conference (the discussion, police considerations, drafts) is their own
# handling: agencies get the minutes as the document that is circulated, once they are approved.
_KIND_OF_FORM: dict[str, SubmissionKind] = {
    "marac-referral": SubmissionKind.REFERRAL,
    "marac-risk-checklist": SubmissionKind.RISK_CHECKLIST,
    "marac-signpost": SubmissionKind.RISK_CHECKLIST,
    "marac-consent": SubmissionKind.CONSENT,
    "marac-not-shared": SubmissionKind.CONSENT,
    "marac-fgm-report": SubmissionKind.CONSENT,
    "marac-perpetrator-decision": SubmissionKind.PERPETRATOR_DECISION,
    "marac-idva-contact": SubmissionKind.ADVOCACY,
    "marac-research-return": SubmissionKind.RESEARCH,
    "marac-nothing-held": SubmissionKind.NOTHING_HELD,
    "marac-no-contact": SubmissionKind.REQUEST_LOG,
    "marac-action-plan": SubmissionKind.ACTION,
    "marac-action-outcome": SubmissionKind.ACTION,
    "marac-victim-feedback": SubmissionKind.FEEDBACK,
}


def kind_of_form(form_id: str) -> SubmissionKind:
    """The kind of paper that a form makes. An unknown form is internal handling, which only the MARAC itself reads."""
    if form_id.startswith(("iswc", "sharing")):
        return SubmissionKind.SHARING
    return _KIND_OF_FORM.get(form_id, SubmissionKind.HANDLING)


def submission_permitted(
    person: Person, facts: CaseFacts, *, owner_agency: int | None, kind: SubmissionKind, released: bool = False
) -> bool:
    """Whether the person may open a submission at all.

    :param owner_agency: the agency that wrote it.
    :param released: whether the item in question has been released to the meeting (research only).
    """
    if kind is SubmissionKind.RESEARCH:
        if owner_agency is not None and allowed(person, P.CASE_RESEARCH_READ_OWN, facts, at=owner_agency):
            return True
        return released and allowed(person, P.CASE_RESEARCH_READ_RELEASED, facts)
    return allowed(person, READ_PERMISSION[kind], facts)


def field_permitted(
    person: Person,
    facts: CaseFacts,
    *,
    owner_agency: int | None,
    marks: Iterable[str],
    kind: SubmissionKind,
    released: bool = False,
) -> bool:
    """Whether the person may read one field of a submission.

    :param marks: the field's sensitivity marks, its groups' marks included.
    """
    if not submission_permitted(person, facts, owner_agency=owner_agency, kind=kind, released=released):
        return False
    if owner_agency is not None and writes_for(person, facts, owner_agency, kind):
        return True
    needed = {_NEEDS[mark] for mark in marks if mark in _NEEDS}
    if kind in _REGISTER_ROLES_WITHOUT_PARTIES:
        needed.discard(P.CASE_PARTIES_READ)
    return all(allowed(person, permission, facts) for permission in needed)


def writes_for(person: Person, facts: CaseFacts, owner_agency: int, kind: SubmissionKind) -> bool:
    """Whether the person reads the paper as one of those who wrote it: nothing in it is withheld from its own agency."""
    if facts.phase is Phase.DISPOSED or in_conflict(person, facts):
        return False
    if kind is SubmissionKind.RESEARCH:
        return allowed(person, P.CASE_RESEARCH_READ_OWN, facts, at=owner_agency)
    return allowed(person, READ_PERMISSION[kind], facts, at=owner_agency)
