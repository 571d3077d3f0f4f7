"""The shipped decision tables, row by row and constraint by constraint (01-marac section 6, 05-supporting DMN-S3, 01-marac section 8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from app import feel
from app.decisions import Model, check, load
from app.feel.convert import to_python

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
TABLES = sorted(PROCESSES.rglob("*.dmn"))
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
YES, NO, UNKNOWN = "YES", "NO", "UNKNOWN"


@cache
def model(name: str) -> Model:
    path = next(path for path in TABLES if path.stem == name)
    return load(path.read_bytes(), file=path.name)


@cache
def defaults() -> Mapping[str, Any]:
    readers = {"duration": "duration(v)", "number": "number(v)", "time": "time(v)", "string": "v"}
    found = {}
    for entry in json.loads((PROCESSES / "marac" / "parameters.json").read_text(encoding="utf-8")):
        text = str(entry["default"]) + (":00" if entry["type"] == "time" else "")
        found[entry["key"]] = feel.evaluate(readers[entry["type"]], {"v": text})
        assert found[entry["key"]] is not None, entry["key"]
    return found


def decide(name: str, variables: Mapping[str, Any], **params: Any) -> Any:
    changed = {key: feel.from_python(value) for key, value in params.items()}
    env = feel.Environment(now=lambda: NOW, params={**defaults(), **changed})
    given = {key: feel.from_python(value) for key, value in variables.items()}
    return to_python(model(name).evaluate(name, given, env).value)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_decision_file_is_sound(path: Path) -> None:
    assert check(path.read_bytes(), path.name) == []


# ------------------------------------------------------------------------------------------- DMN-M1, the threshold
IN_SCOPE = {"partyUnder16": NO, "relationshipInScope": YES}
NOTHING: dict[str, Any] = {
    **IN_SCOPE,
    "tool": "SAFELIVES_DASH_24",
    "policeTool": False,
    "riskTicks": 5,
    "policeGrade": None,
    "profJudgement": False,
    "profJudgementReasonGiven": False,
    "incidents12m": 0,
    "repeatOutcome": "NEW",
    "transferIn": None,
}
JUDGED = {"profJudgement": True, "profJudgementReasonGiven": True}
POLICE = {"tool": "POLICE_DASH", "policeTool": True}


@pytest.mark.parametrize(
    ("answers", "reasons"),
    [
        ({"riskTicks": 14}, ["VISIBLE_HIGH_RISK"]),
        ({"riskTicks": 24}, ["VISIBLE_HIGH_RISK"]),
        ({**POLICE, "policeGrade": "HIGH"}, ["VISIBLE_HIGH_RISK"]),
        (JUDGED, ["PROFESSIONAL_JUDGEMENT"]),
        ({"incidents12m": 3}, ["POTENTIAL_ESCALATION"]),
        ({"repeatOutcome": "REPEAT"}, ["REPEAT"]),
        ({"transferIn": True}, ["TRANSFER"]),
    ],
    ids=["row 1", "row 1, all", "row 2", "row 3", "row 4", "row 5", "row 6"],
)
def test_m1_any_one_reason_is_enough(answers: dict[str, Any], reasons: list[str]) -> None:
    assert decide("threshold", {**NOTHING, **answers}) == {"refer": True, "reasons": reasons}


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"riskTicks": 13},
        {"repeatOutcome": "UPDATE_ONLY"},
        {"incidents12m": 2},
        {"incidents12m": None},
        {"profJudgement": True},
        {"profJudgementReasonGiven": True},
        {**POLICE, "riskTicks": 24, "policeGrade": "MEDIUM"},
        {"tool": "DARA", "policeTool": True, "riskTicks": 24, "policeGrade": "STANDARD"},
        {"tool": "SPECSS_PLUS", "policeTool": True, "riskTicks": 20, "policeGrade": None},
        {"tool": "LOCAL_20", "riskTicks": 20},
        {"policeGrade": "HIGH"},
    ],
    ids=[
        "row 7",
        "one short",
        "update only",
        "two incidents",
        "incidents not known",
        "judgement without a reason",
        "reason without a judgement",
        "police DASH does not count answers",
        "DARA does not count answers",
        "SPECSS+ does not count answers",
        "the tool of 20 has no rule of 14",
        "a grade counts on a police tool only",
    ],
)
def test_m1_none_of_them_signposts(answers: dict[str, Any]) -> None:
    assert decide("threshold", {**NOTHING, **answers}) == {"refer": False, "reasons": []}


def test_m1_keeps_every_reason() -> None:
    everything = {**JUDGED, "riskTicks": 20, "incidents12m": 9, "repeatOutcome": "REPEAT", "transferIn": True}
    found = decide("threshold", {**NOTHING, **everything})["reasons"]
    assert found == ["VISIBLE_HIGH_RISK", "PROFESSIONAL_JUDGEMENT", "POTENTIAL_ESCALATION", "REPEAT", "TRANSFER"]


@pytest.mark.parametrize("judgement", list(product([True, False, None], repeat=2)), ids=str)
def test_m1_judgement_never_lowers_the_risk(judgement: tuple[bool | None, bool | None]) -> None:
    answers = {"riskTicks": 14, "profJudgement": judgement[0], "profJudgementReasonGiven": judgement[1]}
    found = decide("threshold", {**NOTHING, **answers})
    assert found["refer"] is True
    assert "VISIBLE_HIGH_RISK" in found["reasons"]


@pytest.mark.parametrize(("under16", "related"), [(YES, YES), (YES, NO), (YES, UNKNOWN), (NO, NO), (UNKNOWN, NO)])
def test_m1_scope_comes_first(under16: str, related: str) -> None:
    answers = {**NOTHING, **JUDGED, "riskTicks": 24, "partyUnder16": under16, "relationshipInScope": related}
    assert decide("threshold", answers) == {"refer": False, "reasons": ["OUT_OF_SCOPE"]}


@pytest.mark.parametrize(("under16", "related"), list(product([NO, UNKNOWN, None], [YES, UNKNOWN, None])))
def test_m1_what_is_not_known_counts_as_in_scope(under16: str | None, related: str | None) -> None:
    answers = {**NOTHING, "riskTicks": 14, "partyUnder16": under16, "relationshipInScope": related}
    assert decide("threshold", answers)["refer"] is True


def test_m1_thresholds_are_parameters() -> None:
    assert decide("threshold", {**NOTHING, "riskTicks": 10}, vhrThreshold=10)["refer"] is True
    assert decide("threshold", {**NOTHING, "incidents12m": 3}, escalationThreshold=5)["refer"] is False
    assert decide("threshold", {**NOTHING, "incidents12m": 5}, escalationThreshold=5)["refer"] is True


# ------------------------------------------------------------------------------------------- DMN-M2, the route to share
STATUSES = [
    "GIVEN",
    "GIVEN_WITH_EXCLUSIONS",
    "REFUSED",
    "NOT_SAFE_TO_SEEK",
    "NOT_PRACTICABLE",
    "LACKS_CAPACITY",
    "WITHDRAWN",
    None,
]


def route(
    subject: str, status: str | None, *, excluded: bool | None = None, by: str | None = None, harm: bool | None = None
) -> str:
    return str(
        decide(
            "share-route",
            {
                "shareSubject": subject,
                "consentStatus": status,
                "exclusionsMade": excluded,
                "givenBy": by,
                "significantHarmConcern": harm,
            },
        )
    )


@pytest.mark.parametrize("status", STATUSES)
def test_m2_row_1_the_perpetrator_is_never_asked(status: str | None) -> None:
    assert route("PERPETRATOR", status) == "NEED_TO_KNOW"


def test_m2_rows_2_to_4_agreement() -> None:
    assert route("VICTIM", "GIVEN", by="SUBJECT") == "SHARE_UNDER_CONSENT"
    assert route("VICTIM", "GIVEN_WITH_EXCLUSIONS", excluded=False) == "SHARE_UNDER_CONSENT"
    assert route("VICTIM", "GIVEN_WITH_EXCLUSIONS", excluded=True) == "ISWC"


@pytest.mark.parametrize("subject", ["VICTIM", "CHILD"])
def test_m2_row_4a_a_parent_refused_without_concern(subject: str) -> None:
    assert route(subject, "REFUSED", by="PARENT_GUARDIAN", harm=False) == "STATUTE_ONLY"
    assert route(subject, "REFUSED", by="PARENT_GUARDIAN", harm=True) == "ISWC"
    assert route(subject, "REFUSED", by="PARENT_GUARDIAN", harm=None) == "ISWC"
    assert route(subject, "REFUSED", by="SUBJECT", harm=False) == "ISWC"


@pytest.mark.parametrize("status", [s for s in STATUSES if s is None or not s.startswith("GIVEN")])
def test_m2_row_5_any_other_answer_or_none(status: str | None) -> None:
    assert route("VICTIM", status) == "ISWC"


@pytest.mark.parametrize("subject", ["CHILD", "OTHER"])
@pytest.mark.parametrize("status", STATUSES)
def test_m2_row_6_others(subject: str, status: str | None) -> None:
    assert route(subject, status) == "ISWC"


# ------------------------------------------------------------------------------------------- DMN-M3, the repeat test
KNOWN: dict[str, Any] = {
    "earlierReferral": True,
    "lastReferralDate": date(2026, 5, 4),
    "newAbuse": True,
    "newAbuseCrime": False,
    "incidentDate": date(2026, 11, 2),
}


def test_m3_row_1_a_new_pair() -> None:
    first = {**KNOWN, "earlierReferral": False, "lastReferralDate": None}
    assert decide("repeat", first) == "NEW"
    assert decide("repeat", {**first, "earlierReferral": None}) == "NEW"


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        (date(2025, 11, 19), "NEW"),
        (date(2025, 11, 20), "REPEAT"),
        (date(2025, 11, 21), "REPEAT"),
        (date(2019, 1, 1), "NEW"),
    ],
)
def test_m3_row_2_the_window_runs_from_the_last_referral(last: date, outcome: str) -> None:
    assert decide("repeat", {**KNOWN, "lastReferralDate": last}) == outcome


def test_m3_row_2_the_window_is_a_parameter() -> None:
    env = {"repeatWindow": feel.evaluate('duration("P6M")', {})}
    assert decide("repeat", {**KNOWN, "lastReferralDate": date(2026, 5, 19)}, **env) == "NEW"
    assert decide("repeat", {**KNOWN, "lastReferralDate": date(2026, 5, 20)}, **env) == "REPEAT"


def test_m3_row_3_current_any_abuse() -> None:
    assert decide("repeat", KNOWN) == "REPEAT"
    assert decide("repeat", {**KNOWN, "newAbuseCrime": None}) == "REPEAT"


def test_m3_row_3_legacy_needs_a_crime() -> None:
    assert decide("repeat", {**KNOWN, "newAbuseCrime": True}, repeatDefinition="LEGACY") == "REPEAT"
    assert decide("repeat", KNOWN, repeatDefinition="LEGACY") == "UPDATE_ONLY"
    assert decide("repeat", {**KNOWN, "newAbuseCrime": None}, repeatDefinition="LEGACY") == "UPDATE_ONLY"


def test_m3_abuse_is_new_after_the_last_referral_or_at_an_unknown_date() -> None:
    assert decide("repeat", {**KNOWN, "incidentDate": None}) == "REPEAT"
    assert decide("repeat", {**KNOWN, "incidentDate": date(2026, 5, 5)}) == "REPEAT"
    assert decide("repeat", {**KNOWN, "incidentDate": date(2026, 5, 4)}) == "UPDATE_ONLY"
    assert decide("repeat", {**KNOWN, "incidentDate": date(2026, 1, 1)}) == "UPDATE_ONLY"


def test_m3_row_4_nothing_new() -> None:
    assert decide("repeat", {**KNOWN, "newAbuse": False}) == "UPDATE_ONLY"
    assert decide("repeat", {**KNOWN, "newAbuse": None}) == "UPDATE_ONLY"


# ------------------------------------------------------------------------------------------- DMN-M4, the emergency
@pytest.mark.parametrize("answers", list(product([True, False, None], repeat=3)), ids=str)
@pytest.mark.parametrize("threat", [True, False, None])
def test_m4_two_answers_each_on_its_own(answers: tuple[bool | None, ...], threat: bool | None) -> None:
    names = ("seriousConcern", "immediateIntervention", "chairAgrees")
    found = decide("emergency", {"immediateThreatToLife": threat, **dict(zip(names, answers, strict=True))})
    assert found == {
        "police999": threat is True,
        "marac": "EMERGENCY_MARAC" if answers == (True, True, True) else "NEXT_SCHEDULED",
    }


# ------------------------------------------------------------------------------------------- DMN-M5, the listing slot
CLOSES = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("marac", "submitted", "closes", "slot", "prompt"),
    [
        ("EMERGENCY_MARAC", CLOSES + timedelta(days=3), CLOSES, "EMERGENCY_MEETING", False),
        ("NEXT_SCHEDULED", CLOSES - timedelta(days=3), CLOSES, "NEXT_MEETING", False),
        ("NEXT_SCHEDULED", CLOSES, CLOSES, "NEXT_MEETING", False),
        ("NEXT_SCHEDULED", CLOSES + timedelta(seconds=1), CLOSES, "NEXT_BUT_ONE", True),
        (None, CLOSES - timedelta(days=3), CLOSES, "NEXT_MEETING", False),
        (None, CLOSES, None, "NEXT_BUT_ONE", True),
    ],
    ids=["emergency", "in time", "at the cut-off", "too late", "no emergency asked for", "no meeting planned"],
)
def test_m5_slot(marac: str | None, submitted: datetime, closes: datetime | None, slot: str, prompt: bool) -> None:
    found = decide("listing-slot", {"marac": marac, "submittedAt": submitted, "nextMeetingAgendaIssue": closes})
    assert found == {"slot": slot, "promptEmergency": prompt}


# ------------------------------------------------------------------------------------------- DMN-M7, DMN-M8
@pytest.mark.parametrize(("owns", "involved"), list(product([True, False, None], repeat=2)))
def test_m7_keeps_with_an_action_or_involvement_only(owns: bool | None, involved: bool | None) -> None:
    keeps = owns is True or involved is True
    assert decide("post-meeting-access", {"ownsAction": owns, "involved": involved}) is keeps


@pytest.mark.parametrize(("necessary", "lawful"), list(product([True, False, None], repeat=2)))
def test_m8_conveys_when_necessity_and_a_lawful_basis_are_shown(necessary: bool | None, lawful: bool | None) -> None:
    wanted = "CONVEY" if necessary is True and lawful is True else "REFUSE"
    assert decide("no-approved-contact", {"necessityShown": necessary, "lawfulBasisShown": lawful}) == wanted


# ------------------------------------------------------------------------------------------- DMN-S3, sharing without consent
JAPAN = ("japanJustifiable", "japanAppropriate", "japanProportionate", "japanAuditable", "japanNecessary")
GOOD: dict[str, Any] = {
    "groundOrProtocol": True,
    "balancingOnly": False,
    "humanRightsEngaged": False,
    **dict.fromkeys(JAPAN),
    "policeInformation": False,
    "mopiPurposeGiven": False,
    "lawfulBasis": True,
    "depersonalisedSuffices": False,
    "objectionReceived": False,
    "objectionConsidered": None,
    "minimumNecessary": True,
    "secureChannel": True,
    "rightRecipient": True,
    "notifyingRisks": False,
}
RIGHTS = {"humanRightsEngaged": True, **dict.fromkeys(JAPAN, True)}


def outcome(**answers: Any) -> Any:
    return decide("iswc", {**GOOD, **answers})["outcome"]


def test_s3_row_9_share_and_tell() -> None:
    assert decide("iswc", GOOD) == {"outcome": "SHARE", "notifyClient": True}
    assert decide("iswc", {**GOOD, **RIGHTS}) == {"outcome": "SHARE", "notifyClient": True}


def test_s3_row_8_share_and_do_not_tell() -> None:
    assert decide("iswc", {**GOOD, "notifyingRisks": True}) == {"outcome": "SHARE", "notifyClient": False}


def test_s3_row_1_incomplete() -> None:
    assert outcome(groundOrProtocol=False) == "INCOMPLETE"
    assert outcome(groundOrProtocol=None) == "INCOMPLETE"
    assert outcome(policeInformation=True) == "INCOMPLETE"
    assert outcome(policeInformation=True, mopiPurposeGiven=True) == "SHARE"
    assert outcome(**{**RIGHTS, "japanAuditable": False}) == "INCOMPLETE"


@pytest.mark.parametrize("missing", JAPAN)
def test_s3_row_1_every_japan_answer_is_needed_where_rights_are_engaged(missing: str) -> None:
    assert outcome(**{**RIGHTS, missing: None}) == "INCOMPLETE"


def test_s3_row_2_balancing_factors_are_not_grounds() -> None:
    assert outcome(balancingOnly=True, groundOrProtocol=False) == "INCOMPLETE"
    assert outcome(balancingOnly=True) == "INCOMPLETE"


@pytest.mark.parametrize("answer", ["japanJustifiable", "japanAppropriate", "japanNecessary"])
def test_s3_row_3_refuse(answer: str) -> None:
    assert outcome(**{**RIGHTS, answer: False}) == "REFUSE"
    assert outcome(lawfulBasis=False) == "REFUSE"


def test_s3_row_4_without_names() -> None:
    assert outcome(depersonalisedSuffices=True) == "SHARE_DEPERSONALISED"
    assert decide("iswc", {**GOOD, "depersonalisedSuffices": True, "notifyingRisks": True})["notifyClient"] is False


def test_s3_row_5_an_objection_is_considered_first() -> None:
    assert outcome(objectionReceived=True) == "CONSIDER_FIRST"
    assert outcome(objectionReceived=True, objectionConsidered=False) == "CONSIDER_FIRST"
    assert outcome(objectionReceived=True, objectionConsidered=True) == "SHARE"


def test_s3_row_6_narrow() -> None:
    assert outcome(minimumNecessary=False) == "NARROW"
    assert outcome(**{**RIGHTS, "japanProportionate": False}) == "NARROW"


@pytest.mark.parametrize("answer", ["secureChannel", "rightRecipient"])
def test_s3_row_7_put_the_way_right(answer: str) -> None:
    assert outcome(**{answer: False}) == "FIX"


def test_s3_the_first_row_that_fits_decides() -> None:
    worst: dict[str, Any] = {
        "groundOrProtocol": False,
        "lawfulBasis": False,
        "depersonalisedSuffices": True,
        "objectionReceived": True,
        "minimumNecessary": False,
        "secureChannel": False,
        "notifyingRisks": True,
    }
    order = ["INCOMPLETE", "REFUSE", "SHARE_DEPERSONALISED", "CONSIDER_FIRST", "NARROW", "FIX", "SHARE"]
    for answer, wanted in zip(list(worst), order, strict=True):
        assert outcome(**worst) == wanted
        worst[answer] = GOOD[answer]


# ------------------------------------------------------------------------------------------- escalation tiers
DUTIES: dict[str, list[tuple[str, str, int, str, list[str], str]]] = {
    "RESEARCH_RETURN": [
        ("DECIDE", "DUE", 0, "PT0S", ["agency-strategic-lead"], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["marac-chair"], "AREA"),
    ],
    "LATE_RESEARCH": [
        ("REMIND", "ARRIVAL", 0, "PT0S", ["agency-spoc", "agency-deputy"], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["agency-strategic-lead"], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["marac-chair"], "AREA"),
    ],
    "NOTHING_HELD": [
        ("REMIND", "ARRIVAL", 0, "PT0S", ["agency-spoc"], "AGENCY"),
        ("DECIDE", "DUE", 1, "PT0S", ["marac-coordinator"], "AREA"),
        ("DECIDE", "DUE", 2, "PT0S", ["agency-strategic-lead"], "AGENCY"),
    ],
    "PAPERS_DESTRUCTION": [
        ("DECIDE", "ARRIVAL", 0, "PT0S", ["marac-chair"], "AREA"),
        ("DECIDE", "DUE", 2, "PT0S", ["deputy-chair"], "AREA"),
    ],
    "ACTION_LIST": [
        ("REMIND", "ARRIVAL", 0, "PT0S", ["marac-coordinator"], "AREA"),
        ("DECIDE", "DUE", 0, "PT0S", ["marac-chair"], "AREA"),
    ],
    "MINUTES": [
        ("REMIND", "ARRIVAL", 0, "PT0S", ["marac-coordinator"], "AREA"),
        ("DECIDE", "DUE", 0, "PT0S", ["marac-chair"], "AREA"),
    ],
    "VICTIM_FEEDBACK": [
        ("REMIND", "ARRIVAL", 0, "PT0S", [], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["idva-manager"], "AGENCY"),
        ("DECIDE", "DUE", 1, "PT0S", ["marac-chair"], "AREA"),
    ],
    "ACTION_DUE": [
        ("REMIND", "ARRIVAL", 0, "PT0S", [], "AGENCY"),
        ("REMIND", "DUE", 0, "-PT15H", [], "AGENCY"),
        ("REMIND", "DUE", 1, "PT0S", ["agency-spoc"], "AGENCY"),
        ("DECIDE", "DUE", 3, "PT0S", ["agency-strategic-lead"], "AGENCY"),
        ("DECIDE", "DUE", 3, "PT0S", ["marac-coordinator"], "AREA"),
        ("DECIDE", "DUE", 5, "PT0S", ["marac-chair"], "AREA"),
    ],
    "AGENDA_ISSUE": [
        ("REMIND", "ARRIVAL", 0, "PT0S", ["marac-coordinator"], "AREA"),
        ("DECIDE", "DUE", 0, "PT4H", ["marac-chair"], "AREA"),
    ],
    "ISWC_MANAGER": [
        ("DECIDE", "ARRIVAL", 0, "PT0S", ["authorising-manager"], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["agency-strategic-lead"], "AGENCY"),
    ],
    "SHARING_REVIEW": [
        ("REMIND", "ARRIVAL", 0, "PT0S", [], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["authorising-manager"], "AGENCY"),
    ],
    "RISK_REVIEW": [
        ("REMIND", "ARRIVAL", 0, "PT0S", [], "AGENCY"),
        ("DECIDE", "DUE", 0, "PT0S", ["authorising-manager"], "AGENCY"),
    ],
    "IDVA_FIRST_CONTACT": [
        ("REMIND", "ARRIVAL", 0, "PT0S", [], "AREA"),
        ("DECIDE", "DUE", 0, "PT0S", ["idva-manager"], "AREA"),
        ("DECIDE", "DUE", 1, "PT0S", ["marac-coordinator"], "AREA"),
    ],
    "EMERGENCY_DECISION": [
        ("DECIDE", "ARRIVAL", 0, "PT0S", ["deputy-chair"], "AREA"),
        ("DECIDE", "DUE", 0, "PT2H", ["marac-coordinator"], "AREA"),
    ],
}


def tiers(duty: str, holder: str | None = None, **params: Any) -> list[dict[str, Any]]:
    changed = {key: feel.from_python(value) for key, value in params.items()}
    env = feel.Environment(now=lambda: NOW, params={**defaults(), **changed})
    found = model("escalation-tiers").evaluate("escalation-tiers", {"duty": duty, "holderRole": holder}, env).value
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("duty", DUTIES)
def test_the_tiers_of_a_duty(duty: str) -> None:
    found = tiers(duty)
    assert [int(tier["step"]) for tier in found] == list(range(1, len(found) + 1))
    shape = [
        (
            t["kind"],
            t["countFrom"],
            int(t["workingDays"]),
            feel.evaluate("string(v)", {"v": t["offset"]}),
            t["roles"],
            t["scope"],
        )
        for t in found
    ]
    assert shape == DUTIES[duty]


@pytest.mark.parametrize("duty", DUTIES)
def test_somebody_above_the_holder_decides_in_the_end(duty: str) -> None:
    assert tiers(duty)[-1]["kind"] == "DECIDE"


@pytest.mark.parametrize("duty", DUTIES)
def test_a_reminder_reaches_the_holder(duty: str) -> None:
    assert all(tier["tellHolder"] for tier in tiers(duty) if tier["kind"] == "REMIND")


@pytest.mark.parametrize(
    ("holder", "above", "scope"),
    [
        ("referring-practitioner", "authorising-manager", "AGENCY"),
        ("authorising-manager", "agency-strategic-lead", "AGENCY"),
        ("agency-spoc", "agency-strategic-lead", "AGENCY"),
        ("agency-deputy", "agency-strategic-lead", "AGENCY"),
        ("agency-representative", "agency-strategic-lead", "AGENCY"),
        ("idva", "idva-manager", "AGENCY"),
        ("marac-coordinator", "marac-chair", "AREA"),
        ("police-representative", "marac-chair", "AREA"),
        ("csu-detective-inspector", "marac-chair", "AREA"),
        ("marac-chair", "deputy-chair", "AREA"),
        ("agency-strategic-lead", "marac-coordinator", "AREA"),
        ("guest-representative", "marac-coordinator", "AREA"),
        (None, "marac-coordinator", "AREA"),
    ],
)
@pytest.mark.parametrize(("duty", "days"), [("OTHER", 1), ("URGENT", 0)])
def test_every_other_task_reminds_on_the_day_then_asks_the_next_tier(
    duty: str, days: int, holder: str | None, above: str, scope: str
) -> None:
    first, second = tiers(duty, holder)
    assert (first["kind"], first["countFrom"], first["tellHolder"]) == ("REMIND", "ARRIVAL", True)
    assert (second["kind"], second["countFrom"], second["roles"], second["scope"]) == ("DECIDE", "DUE", [above], scope)
    assert int(second["workingDays"]) == days


def test_the_times_of_the_tiers_are_parameters() -> None:
    assert int(tiers("OTHER", "idva", tierGapWorkingDays=4)[1]["workingDays"]) == 4
    assert int(tiers("ACTION_DUE", actionThirdTierWorkingDays=9)[5]["workingDays"]) == 9
