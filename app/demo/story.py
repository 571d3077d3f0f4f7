"""The demo's beginning: two meetings planned, and one case referred without consent, authorised, triaged and listed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.demo.acting import do, each_row, known_of, person
from app.identity.models import User
from app.meetings import planning
from app.store.clock import LONDON, business_now
from app.store.database import db
from app.work import starting

VICTIM = {"name": "Elin Marsh", "dob": "1991-04-12", "alsoKnownAs": "Ellie Marsh"}
PERPETRATOR = {"name": "Darren Pole", "dob": "1987-11-02", "relationshipToVictim": "EX_PARTNER"}
YES_ITEMS = frozenset(range(1, 17))


def begin(_app: Flask, _area_key: int) -> None:
    """Play the beginning; each task is its own transaction, as it would be."""
    for weeks in (3, 7):
        plan_meeting(meeting_day(weeks))
    refer(VICTIM, PERPETRATOR)
    triage_and_list()


def meeting_day(weeks: int) -> datetime:
    """A Tuesday at 10:00 that many weeks ahead."""
    today = business_now().astimezone(LONDON).date()
    day = today + timedelta(days=(1 - today.weekday()) % 7) + timedelta(weeks=weeks)
    return datetime.combine(day, time(10, 0), LONDON)


def moment(at: datetime) -> str:
    """A date and time as forms keep it."""
    return at.astimezone(LONDON).isoformat(timespec="minutes")


def today(days: int = 0) -> str:
    """A date some days from today, as forms keep it."""
    return (business_now().astimezone(LONDON).date() + timedelta(days=days)).isoformat()


def user_id(username: str) -> str:
    """A demo person's id."""
    return str(db.session.execute(select(User.key).where(User.username == username)).scalar_one())


def plan_meeting(at: datetime) -> int:
    """The co-ordinator plans a meeting; its key."""
    item = starting.start("marac-meeting", person("cora"))
    db.session.commit()
    do("cora", "PlanMeeting", meeting_answers(at))
    db.session.commit()
    return item.meeting_key or 0 if item else 0


def meeting_answers(at: datetime) -> dict[str, Any]:
    return {
        "meetingKind": "SCHEDULED",
        "meetingStart": moment(at),
        "meetingMode": "IN_PERSON",
        "venue": "Committee room 2, Ambleford Civic Centre",
    }


def checklist_answers(victim: dict[str, Any], perpetrator: dict[str, Any], *, ticks: int = 16) -> dict[str, Any]:
    """A risk checklist with so many items answered yes."""
    return {
        "victim": victim,
        "perpetrators": [perpetrator],
        "toolChoice": "SAFELIVES_DASH_24",
        "assessor": user_id("rosa"),
        "assessedAt": moment(business_now() - timedelta(minutes=20)),
        "incidentDate": today(-2),
        "answers": each_row(answer=lambda row: "yes" if int(known_of(row)["q"]) <= ticks else "no"),
        "honourBased": "no",
        "stalking": "yes",
        "nonFatalStrangulation": "no",
        "childrenPresent": "yes",
        "newAbuse": "yes",
        "newAbuseCrime": "yes",
        "profJudgement": "no",
        "attestation": True,
        "fgmKnownUnder18": "NO",
    }


def consent_answers(status: str = "REFUSED") -> dict[str, Any]:
    return {
        "consentStatus": status,
        "givenBy": "SUBJECT",
        "limitsOfConfidentialityExplained": "yes",
        "explainedWho": "yes",
        "fairProcessing": "GIVEN",
    }


def iswc_answers() -> dict[str, Any]:
    return {
        "lifeOrDeath": "no",
        "consentDoesNotCover": "yes",
        "nameAddress": "Elin Marsh\n4 Quay Street, Ambleford",
        "children": [],
        "whoseInformation": ["CLIENT"],
        "concernClient": ["ASSESSED"],
        "details": "The checklist gives 16. Threats have become more frequent since the separation.",
        "grounds": ["CRIME_PREVENTION", "ARTICLE_2"],
        "balancing": ["PRESSING_NEED"],
        "humanRightsEngaged": "no",
        "policeInformation": "no",
        "reviewDate": today(30),
        "reviewResponsible": user_id("rosa"),
        "caseworkerSign": True,
    }


def iswc_checklist_answers() -> dict[str, Any]:
    yes = dict.fromkeys(
        (
            "lawfulBasis",
            "minimumNecessary",
            "accurateAndLabelled",
            "rightRecipient",
            "secureChannel",
            "decisionRecorded",
        ),
        "yes",
    )
    no = dict.fromkeys(("depersonalisedSuffices", "notifyingRisks", "objectionReceived", "consultationNeeded"), "no")
    return {
        "whoseInformation": ["VICTIM"],
        "purpose": "To protect her from serious harm.",
        "howTold": "TOLD",
        **yes,
        **no,
    }


def authorise_answers(decision: str = "APPROVE") -> dict[str, Any]:
    return {
        "decision": decision,
        "reason": "The risk of serious harm outweighs her refusal; the minimum is shared.",
        "managerSign": True,
    }


def perpetrator_answers() -> dict[str, Any]:
    return {
        "decisions": each_row(
            items="Name, date of birth, address and the incidents reported.",
            sourceOfInfo="VICTIM",
            noticePracticable="no",
            noticeReason="Telling him would put her at risk.",
            exemptionJudgement="Notice would prejudice the prevention of crime.",
            minimumShared="Only what is needed to plan for her safety.",
        ),
        "legalBasis": ["PUBLIC_TASK", "CRIME_PREVENTION"],
        "decidedBy": user_id("rosa"),
        "decidedAt": moment(business_now() - timedelta(minutes=5)),
        "attestation": True,
    }


def referral_answers() -> dict[str, Any]:
    return {
        "contactPhone": "01632 960123",
        "referralDate": today(),
        "victim": {
            "address": "4 Quay Street, Ambleford",
            "phone": "01632 960555",
            "safeToCall": "yes",
            "safeContactNotes": "Weekdays before three. Leave no message.",
            "diversity": {"ethnicity": "WHITE_BRITISH", "disability": "NO", "lgbt": "UNKNOWN", "gender": "FEMALE"},
        },
        "perpetrators": each_row(address="Flat 9, Tannery Court, Ambleford"),
        "children": [
            {
                "name": "Poppy Marsh",
                "dob": "2017-06-30",
                "relationshipToVictim": "daughter",
                "relationshipToPerpetrator": "daughter",
                "school": "Quayside Primary",
            }
        ],
        "visibleHighRisk": "yes",
        "professionalJudgement": "no",
        "escalation": "no",
        "repeat": "no",
        "background": "Separated in the spring. He follows her, and came to her work twice this month.",
        "victimAware": "yes",
        "previousMaracElsewhere": "no",
        "emergency": "no",
    }


def refer(victim: dict[str, Any], perpetrator: dict[str, Any]) -> int:
    """A practitioner refers without consent and a manager authorises; the case's key."""
    item = starting.start("marac-case", person("rosa"))
    db.session.commit()
    case_key = item.case_key if item is not None else None
    steps: tuple[tuple[str, str, Callable[[], dict[str, Any]]], ...] = (
        ("rosa", "CompleteRiskChecklist", lambda: checklist_answers(victim, perpetrator)),
        ("rosa", "SeekAgreement", consent_answers),
        ("rosa", "CompleteIswcForm", iswc_answers),
        ("rosa", "AnswerChecklist", iswc_checklist_answers),
        ("mark", "AuthoriseSharing", authorise_answers),
        ("rosa", "RecordPerpetratorDecision", perpetrator_answers),
        ("rosa", "SubmitReferral", referral_answers),
    )
    for who, element, answers in steps:
        do(who, element, answers(), case_key=case_key)
        db.session.commit()
    return case_key or 0


def triage_answers() -> dict[str, Any]:
    return {
        "checked": ["PEOPLE", "RISK", "REASONS", "AGREEMENT", "PERPETRATOR", "FACT_OPINION", "SAFE_CONTACT"],
        "triageOutcome": "ACCEPTED",
        "decidedMatches": each_row(samePerson="DIFFERENT"),
        "movedOutOfArea": "no",
        "emergencyRequested": "no",
    }


def listing_answers(meeting_key: int) -> dict[str, Any]:
    return {"meetingId": str(meeting_key), "useEmergencyRoute": "no"}


def triage_and_list() -> None:
    """The co-ordinator accepts the referral and lists it for the next meeting."""
    do("cora", "CheckCompleteness", triage_answers())
    db.session.commit()
    area = person("cora").area_key or 0
    do("cora", "ListCase", listing_answers(planning.upcoming(area)[0].key))
    db.session.commit()
