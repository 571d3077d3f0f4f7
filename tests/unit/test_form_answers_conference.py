"""The rules of the forms from triage to closing, of the conference, and of sharing without consent."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app import forms

FOLDER = Path(__file__).parents[2] / "forms"
NOW = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
YESTERDAY = "2026-03-26T10:00+00:00"
KNOWN = {
    "me": {"id": "7", "name": "Amira Fictional", "agency": "70", "agencyType": "housing"},
    "agencies": [{"value": "70", "label": "Housing"}, {"value": "71", "label": "Police"}],
    "agencyUsers": [{"value": "7", "label": "Amira", "agency": "70"}, {"value": "8", "label": "Sam", "agency": "71"}],
    "users": [{"value": "7", "label": "Amira"}, {"value": "8", "label": "Sam"}],
    "parties": [{"value": "1", "label": "V", "role": "victim"}, {"value": "2", "label": "P", "role": "perpetrator"}],
}


def checked(name: str, answers: dict[str, Any], **context: Any) -> forms.Validated:
    """A form sent with these answers."""
    file = FOLDER / f"{name}.form"
    form = forms.load(file.read_bytes(), file.name)
    known = forms.Context(NOW, {**KNOWN, **context})
    return forms.validate(form, forms.answers_from_variables(form, answers), known)


def variables(name: str, answers: dict[str, Any], **context: Any) -> dict[str, Any]:
    found = checked(name, answers, **context)
    assert [(error.name, error.message) for error in found.errors] == []
    return found.variables


def errors(name: str, answers: dict[str, Any], **context: Any) -> dict[str, str]:
    return {error.name: error.message for error in checked(name, answers, **context).errors}


CANDIDATES = [
    {"value": "11", "label": "V and W", "why": "Same date of birth"},
    {"value": "12", "label": "P and Q", "why": "Alias"},
]
ACCEPTED = {"checked": ["PEOPLE"], "triageOutcome": "ACCEPTED", "movedOutOfArea": "no", "emergencyRequested": "no"}


def known(**found: Any) -> dict[str, Any]:
    return {"variables": {"partyUnder16": "NO", "relationshipInScope": "YES"} | found}


def test_triage_without_candidates() -> None:
    assert variables("marac/marac-triage", ACCEPTED, **known()) == {
        "triageOutcome": "ACCEPTED",
        "samePersonFound": False,
        "partyUnder16": "NO",
        "relationshipInScope": "YES",
        "movedOutOfArea": False,
        "emergencyRequested": False,
    }


def test_triage_decides_on_every_candidate() -> None:
    undecided = errors("marac/marac-triage", ACCEPTED, matchCandidates=CANDIDATES, **known())
    assert list(undecided) == ["decidedMatches.11.samePerson", "decidedMatches.12.samePerson"]
    rows = [{"samePerson": "SAME", "matchReason": "Same file number."}, {"samePerson": "DIFFERENT"}]
    decided = ACCEPTED | {"decidedMatches": rows}
    assert variables("marac/marac-triage", decided, matchCandidates=CANDIDATES, **known())["samePersonFound"] is True


def test_triage_says_how_many_more_are_alike() -> None:
    file = FOLDER / "marac/marac-triage.form"
    form = forms.load(file.read_bytes(), file.name)

    def pages(left_out: int) -> str:
        more = [{"value": str(number), "label": "MARAC-2026-0001"} for number in range(left_out)]
        told = forms.Context(NOW, {**KNOWN, **known(), "matchCandidates": CANDIDATES, "matchesLeftOut": more})
        answers = forms.answers_from_variables(form, ACCEPTED)
        return " ".join(str(forms.draw(form, page, answers, told).items) for page in range(len(form.pages)))

    assert "31 more people in earlier cases are alike" in pages(31)
    assert "more people" not in pages(0)


def test_triage_finds_out_what_the_referrer_did_not_know() -> None:
    unknown = known(partyUnder16="UNKNOWN", relationshipInScope="UNKNOWN")
    assert list(errors("marac/marac-triage", ACCEPTED, **unknown)) == ["partyUnder16Answer", "relationshipAnswer"]
    answered = ACCEPTED | {"partyUnder16Answer": "YES", "relationshipAnswer": "NO"}
    found = variables("marac/marac-triage", answered, **unknown)
    assert (found["partyUnder16"], found["relationshipInScope"]) == ("YES", "NO")


def test_a_returned_referral_says_why() -> None:
    returned = {"checked": ["PEOPLE"], "triageOutcome": "RETURNED"}
    assert list(errors("marac/marac-triage", returned, matchCandidates=CANDIDATES, **known())) == ["returnReason"]
    found = variables("marac/marac-triage", returned | {"returnReason": "No checklist."}, **known())
    assert (found["triageOutcome"], found["movedOutOfArea"]) == ("RETURNED", None)


def test_a_threat_to_life_goes_to_the_police_first() -> None:
    """DMN-M4: the two outputs are decided each on its own (London DSA 2.1)."""
    request = {
        "immediateThreatToLife": "yes",
        "seriousConcern": "yes",
        "seriousConcernDetail": "Threats with a knife.",
        "immediateIntervention": "yes",
        "whyCannotWait": "He is released tomorrow.",
        "immediateActionsTaken": "Police are on their way.",
        "requestedBy": "7",
    }
    assert errors("marac/marac-emergency-request", request) == {
        "policeCalled": "Confirm that you have called the police"
    }
    assert variables("marac/marac-emergency-request", request | {"policeCalled": True}) == {
        "immediateThreatToLife": True,
        "seriousConcern": True,
        "immediateIntervention": True,
    }


MEETINGS = [{"value": "41", "label": "3 April"}, {"value": "42", "label": "1 May"}]


def test_listing_asks_about_the_emergency_route_only_when_the_next_agenda_is_missed() -> None:
    soon = {"meetings": MEETINGS, "suggestedSlot": {"slot": "NEXT_MEETING", "meetingId": "41", "label": "3 April"}}
    assert variables("marac/marac-listing", {"meetingId": "41"}, **soon) == {
        "meetingId": "41",
        "useEmergencyRoute": None,
    }
    assert list(errors("marac/marac-listing", {"meetingId": "42"}, **soon)) == ["otherMeetingReason"]
    late = {"meetings": MEETINGS, "suggestedSlot": {"slot": "NEXT_BUT_ONE", "meetingId": "42", "label": "1 May"}}
    assert list(errors("marac/marac-listing", {"meetingId": "42"}, **late)) == ["useEmergencyRoute"]
    answered = {"meetingId": "42", "useEmergencyRoute": "yes"}
    assert variables("marac/marac-listing", answered, **late)["useEmergencyRoute"] is True


@pytest.mark.parametrize(
    ("row", "chair"),
    [
        ({"kind": "GUEST"}, False),
        ({"kind": "NON_CORE", "nonCoreType": "LISTED"}, False),
        ({"kind": "NON_CORE", "nonCoreType": "OTHER"}, True),
    ],
)
def test_the_chair_approves_only_other_types_of_agency(row: dict[str, str], chair: bool) -> None:
    """DMN-M6 row 4 (London DSA 1.2)."""
    invited = {"othersNeeded": "yes", "invitations": [{"agency": "70", "why": "Her landlord."} | row]}
    found = variables("marac/marac-invitations", invited)
    assert found == {"chairApprovalNeeded": chair, "guestsInvited": 1 if row["kind"] == "GUEST" else 0}


def test_information_is_refused_without_necessity_or_basis() -> None:
    """DMN-M8 (Hillingdon ISA 4; London DSA App D)."""
    log = {
        "requestingAgency": "70",
        "requester": "A clerk",
        "at": YESTERDAY,
        "subject": ["1"],
        "reason": "A housing move.",
        "via": "NO_APPROVED_CONTACT_ROUTE",
        "necessityShown": "yes",
        "necessity": "The flat is let tomorrow.",
        "lawfulBasisShown": "no",
        "legalBasis": "none",
    }
    provided = log | {"decision": "PROVIDED", "infoProvided": "The date."}
    assert list(errors("marac/marac-no-contact", provided)) == ["decision"]
    refused = log | {"decision": "REFUSED", "refusalRationale": "No lawful basis."}
    assert variables("marac/marac-no-contact", refused)["infoRequestDecision"] == "REFUSED"


ATTENDEES = [
    {"value": "7", "label": "Amira", "agencyName": "Housing", "mode": "IN_PERSON"},
    {"value": "8", "label": "Sam", "agencyName": "Police", "mode": "VIRTUAL"},
]


def test_the_chair_rules_on_whoever_cannot_comply() -> None:
    """London DSA App E."""
    unruled = {"rulings": [{"canComply": "yes"}, {"canComply": "no"}], "attestation": True}
    found = errors("marac/marac-confidentiality-rulings", unruled, attendees=ATTENDEES)
    assert list(found) == ["rulings.8.cannotComplyReason", "rulings.8.chairDecision"]
    row = {"canComply": "no", "cannotComplyReason": "A relative.", "chairDecision": "EXCLUDED"}
    ruled = {"rulings": [{"canComply": "yes"}, row], "attestation": True}
    found = variables("marac/marac-confidentiality-rulings", ruled, attendees=ATTENDEES)
    assert found == {"anyCannotComply": True, "anyExcluded": True}


SIGNED = {
    "name": "Amira Fictional",
    "jobTitle": "Officer",
    "organisation": "70",
    "attendanceMode": "IN_PERSON",
    "role": "CORE",
    "canComply": "yes",
    "signature": True,
}


@pytest.mark.parametrize(
    ("changes", "attendee", "wrong"),
    [
        ({}, {}, []),
        ({"signature": False}, {}, ["signature"]),
        ({"attendanceMode": "VIRTUAL", "virtualPrivacyConfirmed": "no"}, {}, ["virtualPrivacyConfirmed"]),
        ({"canComply": "no", "cannotComplyReason": "A relative.", "signature": None}, {}, []),
        ({"canComply": "no", "signature": None}, {}, ["cannotComplyReason"]),
        ({"canComply": "no", "cannotComplyReason": "A relative."}, {"chairDecision": "CONTINUE"}, []),
        ({"role": "NON_CORE", "nonCoreType": "OTHER"}, {}, ["nonCoreType"]),
        ({"role": "NON_CORE", "nonCoreType": "OTHER"}, {"chairApproved": True}, []),
    ],
)
def test_who_may_sign(changes: dict[str, Any], attendee: dict[str, Any], wrong: list[str]) -> None:
    assert list(errors("marac/marac-signature", SIGNED | changes, attendee=attendee)) == wrong


def test_an_adjourned_case_asks_for_no_minute() -> None:
    adjourned = {"meetingOutcome": "ADJOURNED", "adjournedReason": "The advocate is ill."}
    assert variables("marac/marac-case-discussion", adjourned) == {
        "meetingOutcome": "ADJOURNED",
        "mappaConsidered": None,
    }
    heard = errors("marac/marac-case-discussion", {"meetingOutcome": "HEARD"}, attendees=ATTENDEES)
    assert list(heard) == ["present", "presentedBy", "riskSummary", "victimVoice", "childrenRisk"]


@pytest.mark.parametrize(
    ("outcome", "missing"), [("PASS_TO_SPOC", []), ("NO_FURTHER", ["dvdsReason"]), ("NOT_INDICATED", ["dvdsReason"])]
)
def test_a_disclosure_not_passed_on_needs_a_reason(outcome: str, missing: list[str]) -> None:
    """F-M7; London DSA 2.6: every case is considered."""
    answers = {"dvdsOutcome": outcome, "wantedOffender": "no"}
    assert list(errors("marac/marac-police-considerations", answers)) == missing


TABLE = {
    "caseAgencies": [
        {"value": "70", "label": "Housing", "attending": True},
        {"value": "71", "label": "Police", "attending": False},
    ],
    "advocateAgencies": [{"value": "70", "label": "Housing"}],
}
PLAN = {"actionsAgreed": "yes", "leadAdvocateAgency": "70", "howVictimUpdated": "By phone.", "urgentFeedback": "no"}
ACTION = {
    "action": "Change the locks.",
    "riskAddressed": "Entry",
    "ownerAgency": "70",
    "ownerPerson": "7",
    "dueDate": "2026-04-03",
}


def test_an_action_has_one_owner_at_the_table() -> None:
    """F-M8: the owner agency must be attending or have accepted; the MARAC owns none."""
    found = variables("marac/marac-action-plan", PLAN | {"actions": [ACTION]}, **TABLE)
    assert found == {"leadAdvocateAgency": "70", "urgentFeedback": False, "actionCount": 1}
    absent = ACTION | {"ownerAgency": "71", "ownerPerson": "8"}
    missing = errors("marac/marac-action-plan", PLAN | {"actions": [absent]}, **TABLE)
    assert [name.split(".")[-1] for name in missing] == ["acceptedBy"]
    stranger = ACTION | {"ownerPerson": "8"}
    wrong = errors("marac/marac-action-plan", PLAN | {"actions": [stranger]}, **TABLE)
    assert [name.split(".")[-1] for name in wrong] == ["ownerPerson"]


def test_a_plan_has_an_action_or_says_why_not() -> None:
    assert list(errors("marac/marac-action-plan", PLAN, **TABLE)) == ["actions"]
    assert list(errors("marac/marac-action-plan", PLAN | {"actionsAgreed": "no"}, **TABLE)) == ["noActionRationale"]
    none = PLAN | {"actionsAgreed": "no", "noActionRationale": "All is in place."}
    assert variables("marac/marac-action-plan", none, **TABLE)["actionCount"] == 0


def test_an_action_is_never_reported_as_open() -> None:
    assert list(errors("marac/marac-action-outcome", {"actionStatus": "OPEN"})) == ["actionStatus"]
    late = errors("marac/marac-action-outcome", {"actionStatus": "DONE"}, action={"label": "Locks", "overdue": True})
    assert list(late) == ["completedOn", "overdueReason"]
    done = {"actionStatus": "DONE", "completedOn": "2026-03-26"}
    assert variables("marac/marac-action-outcome", done) == {"actionStatus": "DONE", "completedOn": "2026-03-26"}


def test_a_case_with_open_actions_cannot_close() -> None:
    close = {"closeDecision": "CLOSE", "reason": "Done."}
    assert list(errors("marac/marac-close-or-relist", close, openActions=[{"value": "5", "label": "Locks"}])) == [
        "closeDecision"
    ]
    assert variables("marac/marac-close-or-relist", close, openActions=[]) == {"closeDecision": "CLOSE"}


def test_minutes_are_signed_only_when_approved() -> None:
    assert list(errors("marac/marac-minutes-approval", {"minutesApproved": "yes"})) == ["attestation"]
    returned = {"minutesApproved": "no", "returnReason": "Case 3 is wrong."}
    assert variables("marac/marac-minutes-approval", returned) == {"minutesApproved": False}
    approved = checked("marac/marac-minutes-approval", {"minutesApproved": "yes", "attestation": True})
    assert (approved.variables, approved.signatures) == ({"minutesApproved": True}, ["attestation"])


ISWC = {
    "lifeOrDeath": "no",
    "formDate": "2026-03-27",
    "consentDoesNotCover": "yes",
    "nameAddress": "Vera, 1 Nowhere Street",
    "whoseInformation": ["CLIENT"],
    "concernClient": ["IMMEDIATE"],
    "details": "Threats, told by her sister.",
    "grounds": ["VITAL_INTERESTS"],
    "humanRightsEngaged": "no",
    "policeInformation": "no",
    "reviewDate": "2026-04-27",
    "reviewResponsible": "7",
    "caseworkerSign": True,
}
JAPAN = ("Justifiable", "Appropriate", "Proportionate", "Auditable", "Necessary")


def test_sharing_without_consent() -> None:
    found = variables("sharing/iswc-form", ISWC)
    assert found == {
        "lifeOrDeath": False,
        "consentDoesNotCover": True,
        "groundOrProtocol": True,
        "balancingOnly": False,
        "humanRightsEngaged": False,
        **{f"japan{name}": None for name in JAPAN},
        "policeInformation": False,
        "mopiPurposeGiven": False,
        "reviewDate": "2026-04-27",
        "reviewResponsible": "7",
    }


def test_balancing_factors_are_no_legal_ground() -> None:
    """DMN-S3 row 2: the paper form prints both in one list; software must not."""
    balancing = ISWC | {"grounds": [], "balancing": ["PUBLIC_INTEREST", "PRESSING_NEED"]}
    assert list(errors("sharing/iswc-form", balancing)) == ["grounds"]
    assert variables("sharing/iswc-form", balancing | {"protocol": "London DSA"})["groundOrProtocol"] is True


def test_concern_human_rights_and_police_information() -> None:
    assert list(errors("sharing/iswc-form", ISWC | {"concernClient": []})) == ["concernChildren"]
    engaged = errors("sharing/iswc-form", ISWC | {"humanRightsEngaged": "yes"})
    assert list(engaged) == [f"japan{name}{part}" for name in JAPAN for part in ("", "Reason")]
    assert list(errors("sharing/iswc-form", ISWC | {"policeInformation": "yes"})) == ["mopiPurpose"]
    assert list(errors("sharing/iswc-form", ISWC | {"riskTicks": 15, "outOf": 14})) == ["outOf"]


def test_a_manager_who_narrows_says_to_what() -> None:
    narrow = {"decision": "NARROW", "reason": "Too much.", "managerSign": True}
    assert list(errors("sharing/iswc-decision", narrow)) == ["narrowTo", "withheld"]
    approve = checked("sharing/iswc-decision", {"decision": "APPROVE", "reason": "Needed.", "managerSign": True})
    assert (approve.variables, approve.signatures) == ({"decision": "APPROVE"}, ["managerSign"])


@pytest.mark.parametrize(
    ("choice", "needed", "answer"),
    [
        ("REASSIGN", "newHolder", "8"),
        ("EXTEND", "newDue", "2026-04-01T17:00:00+01:00"),
        ("TAKE_OVER", "", ""),
        ("LET_STAND", "", ""),
    ],
)
def test_what_to_do_with_a_late_task(choice: str, needed: str, answer: str) -> None:
    answers = {"escalationDecision": choice, "reason": "The holder is away."}
    assert list(errors("common/escalation-decision", answers)) == [needed] * bool(needed)
    complete = answers | ({needed: answer} if needed else {})
    expected = {"escalationDecision": choice, "newHolder": None, "newDue": None} | ({needed: answer} if needed else {})
    assert variables("common/escalation-decision", complete) == expected


def test_a_meeting_is_planned_ahead() -> None:
    plan = {"meetingKind": "SCHEDULED", "meetingMode": "VIRTUAL", "videoChannel": "Secure video"}
    late = plan | {"meetingStart": "2026-03-26T14:00+00:00"}
    assert list(errors("marac/marac-meeting-plan", late)) == ["meetingStart"]
    turned = plan | {"meetingStart": "2026-05-08T14:00+01:00", "nextMeetingStart": "2026-04-08T14:00+01:00"}
    assert list(errors("marac/marac-meeting-plan", turned)) == ["nextMeetingStart"]
    found = variables("marac/marac-meeting-plan", plan | {"meetingStart": "2026-05-08T14:00+01:00"})
    assert found["meetingStart"] > NOW.isoformat()
    assert (found["meetingMode"], found["nextMeetingStart"]) == ("VIRTUAL", None)


def test_a_fixed_row_says_what_it_is_about() -> None:
    papers = [
        {"value": "agenda", "label": "Agenda", "retain": None},
        {"value": "plan-9", "label": "Plan", "retain": None},
    ]
    rows = [{"retain": "yes", "reason": "Shows the order."}, {"retain": "no", "reason": "Repeated in the minutes."}]
    found = checked("marac/marac-retention-list", {"documents": rows, "attestation": True}, papers=papers)
    assert found.errors == []
    assert [(row["value"], row["retain"]) for row in found.clean["documents"]] == [("agenda", "yes"), ("plan-9", "no")]


def test_only_papers_not_kept_are_destroyed() -> None:
    papers = [
        {"value": "agenda", "label": "Agenda", "retain": True},
        {"value": "plan-9", "label": "Plan", "retain": False},
    ]
    found = errors("marac/marac-destroy-papers", {"attestation": True}, papers=papers)
    assert sorted(found) == ["destroyed.plan-9.destroyedAt", "destroyed.plan-9.destroyedBy", "destroyed.plan-9.method"]
    kept = [{"value": "agenda", "label": "Agenda", "retain": True}]
    assert variables("marac/marac-destroy-papers", {"attestation": True}, papers=kept) == {}


def started(name: str, **context: Any) -> dict[str, Any]:
    """A form as somebody finds it."""
    file = FOLDER / f"{name}.form"
    form = forms.load(file.read_bytes(), file.name)
    return forms.start(form, forms.Context(NOW, {**KNOWN, **context}))


def test_nobody_types_a_referral_twice() -> None:
    people = {
        "victim": {"name": "Vera", "dob": "1990-02-01", "address": None},
        "perpetrators": [
            {"name": "Paul", "alsoKnownAs": "Pablo", "ageEstimate": 40, "relationshipToVictim": "EX_PARTNER"}
        ],
        "children": [{"name": "Cleo", "dob": "2015-03-01"}],
    }
    found = started(
        "marac/marac-referral",
        people=people,
        latest={"riskChecklist": {"tickCount": 15, "profJudgement": "no"}, "consent": {"consentStatus": "REFUSED"}},
        variables={"threshold": {"reasons": ["VISIBLE_HIGH_RISK"]}, "repeatOutcome": "NEW", "consentStatus": "REFUSED"},
        riskChecklists=[{"value": "501", "label": "26 March"}, {"value": "500", "label": "1 March"}],
    )
    assert (found["victim"]["name"], found["victim"]["dob"]) == ("Vera", "1990-02-01")
    assert [(row["name"], row["alsoKnownAs"], row["ageEstimate"]) for row in found["perpetrators"]] == [
        ("Paul", "Pablo", "40")
    ]
    assert [row["name"] for row in found["children"]] == ["Cleo"]
    assert (found["visibleHighRisk"], found["ticks"], found["escalation"], found["repeat"]) == ("yes", "15", "no", "no")
    assert (found["consent"], found["attachRIC"], found["referringAgency"]) == ("REFUSED", "501", "70")
    assert found["referralDate"] == "2026-03-27"


def test_the_form_on_sharing_starts_from_what_is_known() -> None:
    people = {"victim": {"name": "Vera", "address": "1 Nowhere Street"}, "children": []}
    found = started(
        "sharing/iswc-form", people=people, latest={"riskChecklist": {"tickCount": 15, "tool": {"maxTicks": 24}}}
    )
    assert found["nameAddress"] == "Vera\n1 Nowhere Street"
    assert (found["riskTicks"], found["outOf"], found["children"]) == ("15", "24", [])


def test_an_attendee_signs_with_one_tick() -> None:
    meeting = {"start": "2026-03-27T10:00+00:00", "statementVersion": "2", "statementText": "Keep it here."}
    attendee = {"name": "Amira", "jobTitle": "Officer", "agency": "70", "mode": "IN_PERSON", "role": "CORE"}
    found = started("marac/marac-signature", meeting=meeting, attendee=attendee)
    assert (found["name"], found["organisation"], found["attendanceMode"], found["role"]) == (
        "Amira",
        "70",
        "IN_PERSON",
        "CORE",
    )
    assert list(errors("marac/marac-signature", found | {"canComply": "yes"}, attendee=attendee)) == ["signature"]
