"""The rules of the forms up to the research return: what is asked when, and which process variables come of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app import forms

FOLDER = Path(__file__).parents[2] / "forms"
NOW = datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
YESTERDAY = "2026-03-26T10:00+00:00"
TOOLS = [
    {
        "value": "SAFELIVES_DASH_24",
        "label": "SafeLives Dash",
        "version": "2014",
        "maxTicks": 24,
        "police": False,
        "part2": False,
        "items": [{"q": n, "label": f"Question {n}", "detail": False} for n in range(1, 25)],
    },
    {
        "value": "POLICE_DASH",
        "label": "Police DASH",
        "version": "3",
        "maxTicks": 27,
        "police": True,
        "part2": True,
        "items": [{"q": n, "label": f"Question {n}", "detail": False} for n in range(1, 28)],
    },
]
ME = {"id": "7", "name": "Amira Fictional", "agency": "70", "agencyType": "housing"}
KNOWN = {
    "me": ME,
    "agencies": [{"value": "70", "label": "Housing"}, {"value": "71", "label": "Police"}],
    "agencyUsers": [
        {"value": "7", "label": "Amira Fictional", "agency": "70"},
        {"value": "8", "label": "Sam", "agency": "71"},
    ],
    "users": [{"value": "7", "label": "Amira Fictional"}, {"value": "8", "label": "Sam"}],
    "parties": [
        {"value": "1", "label": "V", "role": "victim"},
        {"value": "2", "label": "P", "role": "perpetrator"},
        {"value": "3", "label": "C", "role": "child"},
    ],
    "params": {"repeatDefinition": "CURRENT"},
    "riskTools": TOOLS,
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


def risk(**changes: Any) -> dict[str, Any]:
    """A complete risk checklist with 15 ticks."""
    return {
        "victim": {"name": "Vera", "dob": "1990-02-01"},
        "perpetrators": [{"name": "Paul", "ageEstimate": 40, "relationshipToVictim": "EX_PARTNER"}],
        "toolChoice": "SAFELIVES_DASH_24",
        "assessor": "7",
        "assessedAt": YESTERDAY,
        "incidentDate": "2026-03-25",
        "answers": [{"answer": "yes" if n <= 15 else "dontKnow"} for n in range(1, 25)],
        "childrenPresent": "yes",
        "incidents12m": 2,
        "newAbuse": "yes",
        "profJudgement": "no",
        "attestation": True,
        "fgmKnownUnder18": "NO",
    } | changes


def test_a_risk_checklist_gives_the_threshold_its_facts() -> None:
    found = variables("marac/marac-risk-checklist", risk())
    assert found == {
        "tool": "SAFELIVES_DASH_24",
        "policeTool": False,
        "riskTicks": 15,
        "maxTicks": 24,
        "policeGrade": None,
        "profJudgement": False,
        "profJudgementReasonGiven": False,
        "incidents12m": 2,
        "incidentDate": "2026-03-25",
        "newAbuse": True,
        "newAbuseCrime": None,
        "transferIn": None,
        "partyUnder16": "NO",
        "relationshipInScope": "YES",
        "riskReviewDue": None,
        "fgmReportDue": False,
    }


def test_a_risk_checklist_keeps_the_wording_that_was_put() -> None:
    found = checked("marac/marac-risk-checklist", risk())
    assert [row["_item"]["label"] for row in found.clean["answers"]][:2] == ["Question 1", "Question 2"]
    assert [row["q"] for row in found.clean["answers"]] == list(range(1, 25))
    assert found.clean["toolVersion"] == "2014"


def test_every_risk_question_needs_an_answer() -> None:
    found = errors("marac/marac-risk-checklist", risk(answers=[{"answer": "yes"}] * 23))
    assert found == {"answers.24.answer": "Select yes, no or don’t know for ‘Question 24’"}


def test_a_police_tool_asks_for_the_grade_and_part_2() -> None:
    police = risk(toolChoice="POLICE_DASH", answers=[{"answer": "no"}] * 27)
    assert errors("marac/marac-risk-checklist", police) == {"policeGrade": "Select the risk grade"}
    assert errors("marac/marac-risk-checklist", police | {"policeGrade": "HIGH"}) == {"part2": "Select the Part 2 file"}
    found = variables("marac/marac-risk-checklist", police | {"policeGrade": "MEDIUM"})
    assert (found["policeTool"], found["policeGrade"], found["riskTicks"], found["maxTicks"]) == (True, "MEDIUM", 0, 27)


def test_professional_judgement_needs_its_reason() -> None:
    assert list(errors("marac/marac-risk-checklist", risk(profJudgement="yes"))) == ["profJudgementReason"]
    found = variables(
        "marac/marac-risk-checklist", risk(profJudgement="yes", profJudgementReason="She is very isolated.")
    )
    assert (found["profJudgement"], found["profJudgementReasonGiven"]) == (True, True)


def test_new_abuse_as_a_crime_is_asked_where_the_legacy_definition_is_in_force() -> None:
    legacy = {"params": {"repeatDefinition": "LEGACY"}}
    assert list(errors("marac/marac-risk-checklist", risk(), **legacy)) == ["newAbuseCrime"]
    assert variables("marac/marac-risk-checklist", risk(newAbuseCrime="yes"), **legacy)["newAbuseCrime"] is True
    assert list(errors("marac/marac-risk-checklist", risk(newAbuse="no"), **legacy)) == []


PERSON = {"name": "Paul", "relationshipToVictim": "EX_PARTNER"}


@pytest.mark.parametrize(
    ("victim", "perpetrators", "under16", "in_scope"),
    [
        ({"dob": "2011-03-27"}, [PERSON | {"ageEstimate": 30}], "YES", "YES"),
        ({"dob": "2010-03-27"}, [PERSON | {"ageEstimate": 30}], "NO", "YES"),
        ({"dob": "2010-03-28"}, [PERSON | {"ageEstimate": 30}], "YES", "YES"),
        ({"ageEstimate": 30}, [PERSON], "UNKNOWN", "YES"),
        ({"ageEstimate": 30}, [PERSON | {"ageEstimate": 15}], "YES", "NO"),
        ({"ageEstimate": 30}, [PERSON | {"ageEstimate": 15}, PERSON | {"ageEstimate": 50}], "NO", "YES"),
        ({"ageEstimate": 30}, [PERSON | {"ageEstimate": 50, "relationshipToVictim": "NOT_FAMILY"}], "NO", "NO"),
        ({"ageEstimate": 30}, [PERSON | {"ageEstimate": 50, "relationshipToVictim": "UNKNOWN"}], "NO", "UNKNOWN"),
        (
            {"ageEstimate": 30},
            [
                {"name": "A", "ageEstimate": 14, "relationshipToVictim": "SIBLING"},
                {"name": "B", "ageEstimate": 50, "relationshipToVictim": "NOT_FAMILY"},
            ],
            "NO",
            "NO",
        ),
    ],
)
def test_age_and_relationship(victim: dict[str, Any], perpetrators: list[Any], under16: str, in_scope: str) -> None:
    """Both 16 or over, and intimate partners or family (London DSA 2); one such perpetrator is enough."""
    found = variables("marac/marac-risk-checklist", risk(victim={"name": "Vera"} | victim, perpetrators=perpetrators))
    assert (found["partyUnder16"], found["relationshipInScope"]) == (under16, in_scope)


def test_the_victims_age_is_needed_in_one_form_or_the_other() -> None:
    found = errors("marac/marac-risk-checklist", risk(victim={"name": "Vera"}))
    assert found == {"victim.dob": "Enter the victim’s date of birth, or about how old they are"}


def test_fgm_found_by_a_professional_waits_for_the_report_to_the_police() -> None:
    """London DSA App B: a duty of that person, and the referral is not held up."""
    told = risk(fgmKnownUnder18="TOLD_BY_GIRL")
    assert list(errors("marac/marac-risk-checklist", told)) == ["regulatedProfessional"]
    assert variables("marac/marac-risk-checklist", told | {"regulatedProfessional": "no"})["fgmReportDue"] is False
    professional = told | {"regulatedProfessional": "yes"}
    assert variables("marac/marac-risk-checklist", professional)["fgmReportDue"] is True
    assert (
        variables("marac/marac-risk-checklist", professional | {"policeReportedAt": YESTERDAY})["fgmReportDue"] is False
    )


CONSENT = {"subject": "1", "limitsOfConfidentialityExplained": "yes", "fairProcessing": "GIVEN"}


@pytest.mark.parametrize(
    ("answers", "missing"),
    [
        ({"consentStatus": "GIVEN"}, ["givenBy"]),
        ({"consentStatus": "GIVEN_WITH_EXCLUSIONS", "givenBy": "SUBJECT"}, ["exclusions"]),
        ({"consentStatus": "REFUSED", "givenBy": "PARENT_GUARDIAN"}, ["significantHarmConcern"]),
        ({"consentStatus": "REFUSED", "givenBy": "SUBJECT"}, []),
        ({"consentStatus": "NOT_SAFE_TO_SEEK"}, []),
        ({"consentStatus": "WITHDRAWN"}, ["givenBy"]),
        (
            {"consentStatus": "NOT_SAFE_TO_SEEK", "fairProcessing": "WITHHELD_RISK"},
            ["fairProcessingReason", "fairProcessingDecidedBy"],
        ),
        (
            {"consentStatus": "GIVEN", "givenBy": "SUBJECT", "limitsOfConfidentialityExplained": "no"},
            ["limitsOfConfidentialityExplained"],
        ),
        ({"consentStatus": "NOT_SAFE_TO_SEEK", "limitsOfConfidentialityExplained": "no"}, []),
        ({"consentStatus": "NOT_SAFE_TO_SEEK", "subject": "2"}, ["subject"]),
    ],
)
def test_what_a_record_of_agreement_needs(answers: dict[str, Any], missing: list[str]) -> None:
    assert list(errors("marac/marac-consent", CONSENT | answers)) == missing


def test_a_record_of_agreement_sets_the_route() -> None:
    refused = CONSENT | {"consentStatus": "REFUSED", "givenBy": "PARENT_GUARDIAN", "significantHarmConcern": "no"}
    assert variables("marac/marac-consent", refused) == {
        "consentStatus": "REFUSED",
        "exclusionsMade": False,
        "givenBy": "PARENT_GUARDIAN",
        "significantHarmConcern": False,
        "fairProcessing": "GIVEN",
    }


DECISION = {
    "items": "Her account of threats.",
    "exemptionJudgement": "Telling him would put her at risk.",
    "minimumShared": "Only the threats.",
}


def test_each_perpetrator_has_a_decision() -> None:
    base = {"legalBasis": ["PUBLIC_TASK"], "decidedBy": "7", "decidedAt": YESTERDAY, "attestation": True}
    own = base | {"decisions": [DECISION | {"sourceOfInfo": "OWN_RECORDS"}]}
    assert variables("marac/marac-perpetrator-decision", own) == {"noticePracticable": False}
    victim = base | {"decisions": [DECISION | {"sourceOfInfo": "VICTIM"}]}
    assert sorted(errors("marac/marac-perpetrator-decision", victim)) == [
        "decisions.2.noticePracticable",
        "decisions.2.noticeReason",
    ]
    row = DECISION | {"sourceOfInfo": "VICTIM", "noticePracticable": "yes", "noticeReason": "He knows already."}
    assert variables("marac/marac-perpetrator-decision", base | {"decisions": [row]}) == {"noticePracticable": True}


RETURN = {
    "outcome": "HELD",
    "subjects": ["1"],
    "currentInvolvement": ["VICTIM"],
    "attendeeName": "7",
    "fgmKnownUnder18": "NO",
}
ITEM = {"text": "Rent arrears.", "kind": "FACT", "source": "Housing file", "relevant": "yes", "shareable": "yes"}


def test_a_research_return() -> None:
    task = {"task": {"reference": "M-1", "agency": "70"}, "agencyType": "housing"}
    found = checked("marac/marac-research-return", RETURN | {"items": [ITEM]}, **task)
    assert found.errors == []
    assert found.variables == {"researchOutcome": "HELD", "currentlyInvolved": True, "fgmReportDue": False}
    assert (found.clean["agency"], found.clean["requestRef"]) == ("70", "M-1")
    kept_back = RETURN | {"items": [ITEM | {"shareable": "no"}]}
    assert [name.split(".")[-1] for name in errors("marac/marac-research-return", kept_back, **task)] == [
        "notShareReason"
    ]


@pytest.mark.parametrize(
    ("item", "missing"),
    [
        ({}, ["policeType"]),
        ({"policeType": "INTELLIGENCE"}, ["redacted"]),
        ({"policeType": "CUSTODY_RECORD"}, ["custodyNecessary"]),
        ({"policeType": "CONVICTION"}, []),
    ],
)
def test_police_say_more_of_each_item(item: dict[str, Any], missing: list[str]) -> None:
    found = errors("marac/marac-research-return", RETURN | {"items": [ITEM | item]}, agencyType="police")
    assert [name.split(".")[-1] for name in found] == missing


def test_nothing_held_asks_no_more() -> None:
    found = variables("marac/marac-research-return", {"outcome": "NOTHING_HELD"}, agencyType="police")
    assert found == {"researchOutcome": "NOTHING_HELD", "currentlyInvolved": None, "fgmReportDue": None}


def test_working_with_nobody_stands_alone() -> None:
    both = RETURN | {"items": [ITEM], "currentInvolvement": ["VICTIM", "NONE"]}
    assert errors("marac/marac-research-return", both) == {"currentInvolvement": "Select ‘None of them’ on its own"}
    nobody = RETURN | {"items": [ITEM], "currentInvolvement": ["NONE"]}
    assert variables("marac/marac-research-return", nobody)["currentlyInvolved"] is False
