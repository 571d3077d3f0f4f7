"""Answers that people give in the scenarios, where the demo's own do not fit."""

from __future__ import annotations

from typing import Any

from app.demo.acting import each_row, known_of
from app.demo.story import moment, today, user_id
from app.store.clock import business_now


def idva_contact() -> dict[str, Any]:
    return {
        "attempts": [{"at": moment(business_now()), "method": "PHONE", "safeContactUsed": "yes", "reached": "yes"}],
        "victimContacted": "yes",
        "victimViews": "She wants him to stop coming to her work.",
        "newRisk": "no",
    }


def invitations(agency: str | None = None, kind: str = "GUEST") -> dict[str, Any]:
    if agency is None:
        return {"othersNeeded": "no"}
    return {
        "othersNeeded": "yes",
        "invitations": [{"agency": agency, "why": "They know the family.", "kind": kind, "nonCoreType": None}],
    }


def agenda_prepared() -> dict[str, Any]:
    return {"cases": each_row(order=lambda row: 1), "attestation": True}


def research_held(parties: list[str], involved: str = "VICTIM", police: bool = False) -> dict[str, Any]:
    item = {
        "text": "Two calls to the address in January.",
        "kind": "FACT",
        "date": today(-40),
        "source": "Own records",
        "relevant": "yes",
        "shareable": "yes",
    }
    if police:
        item["policeType"] = "INCIDENT"
    return {
        "outcome": "HELD",
        "subjects": parties,
        "items": [item],
        "currentInvolvement": [involved],
        "proposedActions": [],
        "fgmKnownUnder18": "NO",
    }


NOTHING = {"outcome": "NOTHING_HELD"}


def destroyed() -> dict[str, Any]:
    return {
        "verifiedNoneOfNamedParties": True,
        "destroyedAt": moment(business_now()),
        "method": "SYSTEM_PURGE",
        "copies": 1,
        "attestation": True,
    }


def rulings(cannot: str | None = None, decision: str = "EXCLUDED") -> dict[str, Any]:
    def says(row: dict[str, Any]) -> str:
        return "no" if cannot is not None and known_of(row)["label"] == cannot else "yes"

    return {
        "rulings": each_row(
            canComply=says,
            cannotComplyReason=lambda row: "A relative is discussed." if says(row) == "no" else None,
            chairDecision=lambda row: decision if says(row) == "no" else None,
        ),
        "attestation": True,
    }


SIGNED = {"canComply": "yes", "signature": True}


def discussion(presenter: str, agency: str) -> dict[str, Any]:
    return {
        "meetingOutcome": "HEARD",
        "presentedBy": presenter,
        "newInfo": [{"agency": agency, "text": "He has lost his job.", "kind": "FACT"}],
        "riskSummary": "She is at risk of serious harm from him in the coming weeks.",
        "victimVoice": "She is afraid and wants a safer door.",
        "childrenRisk": "The child hears it.",
        "mappaConsidered": "yes",
    }


POLICE = {"dvdsOutcome": "NOT_INDICATED", "dvdsReason": "She knows his history.", "wantedOffender": "no"}


def plan(actions: list[tuple[str, str, str, str]], advocate: str) -> dict[str, Any]:
    """:param actions: (what, agency id, owner's id, due date)."""
    return {
        "actionsAgreed": "yes",
        "actions": [
            {
                "action": what,
                "riskAddressed": "He comes to the address.",
                "ownerAgency": agency,
                "ownerPerson": owner,
                "acceptedBy": "In the room",
                "dueDate": due,
                "priority": "HIGH",
            }
            for what, agency, owner, due in actions
        ],
        "leadAdvocateAgency": advocate,
        "howVictimUpdated": "By telephone at a safe time.",
        "urgentFeedback": "no",
    }


def retention() -> dict[str, Any]:
    return {
        "documents": each_row(
            retain=lambda row: "yes" if known_of(row)["value"].startswith("plan") else "no", reason="Informed the plan."
        ),
        "attestation": True,
    }


def papers_destroyed() -> dict[str, Any]:
    return {
        "destroyed": each_row(destroyedAt=moment(business_now()), destroyedBy=user_id("cora"), method="SHRED"),
        "attestation": True,
    }


def told() -> dict[str, Any]:
    return {
        "victimTold": "yes",
        "by": user_id("ida"),
        "when": moment(business_now()),
        "method": "PHONE",
        "safeContactUsed": "yes",
        "summaryGiven": "What was agreed and who will be in touch.",
        "newRisk": "no",
    }


def done(overdue: str | None = None) -> dict[str, Any]:
    return {"actionStatus": "DONE", "completedOn": today(), "outcome": "Fitted.", "overdueReason": overdue}


def authorised_afterwards() -> dict[str, Any]:
    return {
        "decision": "APPROVE",
        "retrospectiveDecision": "APPROVE",
        "reason": "A life was at risk.",
        "managerSign": True,
    }


def shared(agency: str) -> dict[str, Any]:
    recipient = {
        "date": today(),
        "agency": agency,
        "namedPerson": "Petra Vale",
        "method": "PHONE",
        "legalAuthorityForAgency": "Vital interests",
        "what": "Where he is staying.",
    }
    return {"shared": [recipient], "attestation": True}


def client_told() -> dict[str, Any]:
    return {
        "clientNotified": "yes",
        "notifiedDate": today(),
        "notifiedHow": "PHONE",
        "clientResponse": "She is relieved.",
    }


def no_contact(agency: str, about: list[str], *, refused: bool = False) -> dict[str, Any]:
    """The co-ordinator decides on a request to an agency without an approved contact (F-M13)."""
    decision: dict[str, Any] = {"decision": "PROVIDED", "infoProvided": "The names and dates of birth."}
    if refused:
        decision = {"decision": "REFUSED", "refusalRationale": "Nothing makes it necessary."}
    return {
        "requestingAgency": agency,
        "requester": "Cora Bright, co-ordinator",
        "at": moment(business_now()),
        "subject": about,
        "reason": "It may know the family.",
        "necessityShown": "no" if refused else "yes",
        "necessity": "It may hold what bears on the risk.",
        "lawfulBasisShown": "yes",
        "legalBasis": "Crime and Disorder Act 1998 s.115",
        **decision,
    }
