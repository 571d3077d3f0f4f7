"""The shipped diagrams, walked: each path a person can take, with real decisions and parameters and no database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.unit.process_world import Running, World

CHECKLIST: dict[str, Any] = {
    "tool": "SAFELIVES_DASH_24",
    "policeTool": False,
    "riskTicks": 16,
    "maxTicks": 24,
    "profJudgement": False,
    "profJudgementReasonGiven": False,
    "incidents12m": 1,
    "newAbuse": True,
    "partyUnder16": "NO",
    "relationshipInScope": "YES",
    "fgmKnownUnder18": "NO",
    "fgmReportDue": False,
}
ISWC: dict[str, Any] = {
    "lifeOrDeath": False,
    "consentDoesNotCover": True,
    "groundOrProtocol": True,
    "balancingOnly": False,
    "humanRightsEngaged": False,
    "policeInformation": False,
    "mopiPurposeGiven": False,
    "reviewDate": "2026-12-01",
    "reviewResponsible": "11",
}
TEN: dict[str, Any] = {
    "lawfulBasis": True,
    "depersonalisedSuffices": False,
    "objectionReceived": False,
    "minimumNecessary": True,
    "accurateAndLabelled": True,
    "rightRecipient": True,
    "secureChannel": True,
    "decisionRecorded": True,
    "notifyingRisks": False,
    "consultationNeeded": False,
}


def _contacts(registered_after: int) -> Any:
    """Agency 33 has no approved contact until it has registered one."""
    return lambda r, i: {"contactsAvailable": i["agency"] != "33" or registered_after > 0, "agencyType": "core"}


@pytest.fixture
def world() -> World:
    made = World()

    def register(running: Running, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"earlierReferral": False, "lastReferralDate": None}

    def add(running: Running, inputs: Mapping[str, Any]) -> dict[str, Any]:
        running.meeting = str(inputs["meetingId"])
        return {"meetingId": inputs["meetingId"]}

    made.operations["register-parties"] = register
    made.operations["find-next-meeting"] = lambda r, i: {"nextMeetingAgendaIssue": None}
    made.operations["add-to-agenda"] = add
    made.operations["list-research-agencies"] = lambda r, i: {"researchAgencies": ["31", "32", "33"]}
    made.operations["check-contacts"] = _contacts(registered_after=0)
    made.operations["number-sharing"] = lambda r, i: {"sharing": "91"}
    made.operations["check-conflict"] = lambda r, i: {"agencyClosed": False}
    made.operations["issue-agenda"] = lambda r, i: {"agendaCases": ["1"]}
    made.operations["list-attendees"] = lambda r, i: {"attendeeIds": ["51", "52"]}
    made.operations["close-discussion"] = lambda r, i: {
        "actions": [{"id": "71", "agency": "31", "owner": "81", "due": date(2026, 12, 10)}]
        if i["meetingOutcome"] == "HEARD"
        else [],
        "leadAdvocateAgency": "32",
        "urgentFeedback": False,
    }
    made.operations["list-post-meeting-access"] = lambda r, i: {
        "accessPairs": [
            {"caseId": "1", "agency": "31", "ownsAction": True, "involved": False},
            {"caseId": "1", "agency": "33", "ownsAction": False, "involved": False},
        ]
    }
    made.operations["list-flag-agencies"] = lambda r, i: {"flagAgencies": ["31"]}
    made.operations["destroy-case"] = lambda r, i: {"destruction": "DESTROYED"}
    return made


def refer(world: World, *, consent: str = "GIVEN", emergency: bool = False, **checklist: Any) -> Running:
    case = world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **{**CHECKLIST, **checklist})
    world.do("SeekAgreement", consentStatus=consent, exclusionsMade=False, fairProcessing="GIVEN")
    if consent == "GIVEN":
        send(world, emergency=emergency)
    return case


def send(world: World, *, emergency: bool = False) -> None:
    world.do("RecordPerpetratorDecision", noticePracticable=False)
    world.do(
        "SubmitReferral",
        referralDate="2026-11-02",
        victimAware=True,
        emergency=emergency,
        incidents12m=1,
        partyUnder16="NO",
        relationshipInScope="YES",
    )


def accept(world: World, **answers: Any) -> None:
    given = {
        "triageOutcome": "ACCEPTED",
        "samePersonFound": False,
        "partyUnder16": "NO",
        "relationshipInScope": "YES",
        "movedOutOfArea": False,
        "emergencyRequested": False,
    }
    world.do("CheckCompleteness", **{**given, **answers})


def plan(world: World, start: str = "2026-11-26T10:00:00", kind: str = "SCHEDULED") -> Running:
    meeting = world.begin("marac-meeting", meetingId="2", starter="12", starterAgency="34")
    world.do("PlanMeeting", meetingStart=start, meetingMode="IN_PERSON", meetingKind=kind)
    return meeting


def listed(world: World) -> tuple[Running, Running]:
    meeting = plan(world)
    case = refer(world)
    accept(world)
    world.do("ListCase", meetingId="2", useEmergencyRoute=None)
    world.do("InviteAgencies", chairApprovalNeeded=False, guestsInvited=0)
    return case, meeting


def hold(world: World, outcome: str = "HEARD") -> None:
    world.do("RuleOnConfidentiality", anyCannotComply=False, anyExcluded=False)
    world.do("RemindVirtualAttendees", anyVirtual=False)
    world.do("ReadStatement", statementReadAt="2026-11-26T10:01:00")
    world.do("SignAttendance", {"deadline": "signature-51"}, attendanceMode="IN_PERSON")
    world.do("SignAttendance", {"deadline": "signature-52"}, attendanceMode="IN_PERSON")
    world.do("ReviewPreviousActions")
    world.do("RecordDiscussion", meetingOutcome=outcome, mappaConsidered=True if outcome == "HEARD" else None)
    if outcome == "HEARD":
        world.do("ConsiderDisclosure", dvdsOutcome="NOT_INDICATED", wantedOffender=False)
        world.do("AgreeActionPlan", leadAdvocateAgency="32", urgentFeedback=False, actionCount=1)
    world.do("AssureMailAccounts")
    world.do("DecideRetention")
    world.do("CloseConference", conferenceEndedAt="2026-11-26T12:00:00")


# ------------------------------------------------------------------------------------------- before the referral
def test_below_the_threshold_the_victim_is_signposted(world: World) -> None:
    case = world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **{**CHECKLIST, "riskTicks": 4})
    assert world.tasks() == ["SignpostAndReview"]
    world.do("SignpostAndReview", riskReviewDue="2027-02-01", signpostRoute="SPECIALIST_SERVICE")
    assert world.state == "REJECTED_SIGNPOSTED"
    assert case.instance.completed
    assert retention(world).host.deadlines["retentionReview"].year == 2036


def test_what_ended_early_is_reviewed_by_whoever_keeps_it(world: World) -> None:
    test_a_victim_who_has_moved_is_transferred(world)
    world.until("2036-09-01T09:00:00+00:00")
    _, _, entry = world.find("ReviewRetention")
    assert (entry.candidate_groups, entry.properties.get("agency")) == (("csu-detective-inspector",), None)


def test_a_referral_that_never_left_its_agency_is_reviewed_there(world: World) -> None:
    test_below_the_threshold_the_victim_is_signposted(world)
    world.until("2036-09-01T09:00:00+00:00")
    _, _, entry = world.find("ReviewRetention")
    assert (entry.candidate_groups, entry.properties.get("agency")) == (("authorising-manager",), "30")


def test_the_risk_of_a_signposted_victim_is_looked_at_again(world: World) -> None:
    test_below_the_threshold_the_victim_is_signposted(world)
    assert world.tasks() == []
    world.until("2027-01-28T09:00:00+00:00")
    assert world.tasks() == ["ReviewRisk"]
    entry = world.do("ReviewRisk", **{**CHECKLIST, "riskTicks": 5, "riskReviewDue": "2027-03-01"})
    assert (entry.assignee, entry.properties["agency"]) == ("10", "30")
    world.until("2027-03-02T00:01:00+00:00")
    assert world.find("DecideOnLateTask")[2].candidate_groups == ("authorising-manager",)
    world.do("ReviewRisk", **{**CHECKLIST, "riskTicks": 15, "riskReviewDue": None})
    assert world.told()[-1] == ("risk-has-risen", ["referring-practitioner", "authorising-manager"])
    assert world.running[1].instance.completed


def test_where_notice_could_be_given_the_chair_is_asked(world: World) -> None:
    world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **CHECKLIST)
    world.do("SeekAgreement", consentStatus="GIVEN", exclusionsMade=False, fairProcessing="GIVEN")
    world.do("RecordPerpetratorDecision", noticePracticable=True)
    world.do("SubmitReferral", referralDate="2026-11-02", emergency=False)
    assert ("notice-practicable", ["marac-chair"]) in world.told()
    assert world.tasks() == ["CheckCompleteness", "ContactVictim"]


def test_what_adds_nothing_new_goes_to_the_earlier_case(world: World) -> None:
    world.operations["register-parties"] = lambda r, i: {"earlierReferral": True, "lastReferralDate": date(2026, 8, 1)}
    case = world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **{**CHECKLIST, "riskTicks": 4, "newAbuse": False})
    world.do("SignpostAndReview", riskReviewDue="2027-02-01", signpostRoute="OTHER")
    assert world.state == "MERGED"
    assert world.done("merge-into-earlier-case")
    assert case.instance.completed
    world.until("2027-01-28T09:00:00+00:00")
    assert "ReviewRisk" in world.tasks(), "the date that was typed is kept: the risk is looked at again"


def test_the_starter_and_the_agency_hold_the_first_task(world: World) -> None:
    world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    _, _, entry = world.find("CompleteRiskChecklist")
    assert (entry.assignee, entry.properties["agency"], entry.lane) == ("10", "30", "Referring practitioner")
    assert entry.due is not None
    assert entry.due.isoformat() == "2026-11-03T23:59:59+00:00"


def test_an_fgm_report_runs_beside_the_referral(world: World) -> None:
    world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **{**CHECKLIST, "fgmKnownUnder18": "TOLD_BY_GIRL", "fgmReportDue": True})
    assert world.tasks() == ["ReportFgm", "SeekAgreement"]
    assert world.do("ReportFgm").assignee == "10"
    assert world.running[1].instance.completed


# ------------------------------------------------------------------------------------------- sharing without consent
def test_without_consent_a_manager_who_is_not_the_author_authorises(world: World) -> None:
    refer(world, consent="NOT_SAFE_TO_SEEK")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **TEN)
    assert world.tasks() == ["AuthoriseSharing"]
    entry = world.do("AuthoriseSharing", decision="APPROVE")
    assert (entry.lane, entry.properties["separateFrom"], entry.properties["agency"]) == (
        "Authorising manager",
        "CompleteIswcForm",
        "30",
    )
    assert world.tasks() == ["RecordPerpetratorDecision", "RecordSharing"]
    send(world)
    assert world.state == "SUBMITTED"


def test_what_the_manager_refuses_is_not_shared_and_may_be_asked_again(world: World) -> None:
    case = refer(world, consent="REFUSED")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **{**TEN, "consultationNeeded": True})
    world.do("RecordConsultation", adviceSupportsSharing="MIXED")
    world.do("AuthoriseSharing", decision="REFUSE")
    world.do("RecordNotShared", retry=True, retryDate="2026-11-09")
    assert world.tasks() == []
    world.until("2026-11-10T08:00:00+00:00")
    world.do("SeekAgreement", consentStatus="REFUSED", exclusionsMade=False, fairProcessing="GIVEN")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **{**TEN, "lawfulBasis": False})
    world.do("RecordNotShared", retry=False)
    assert world.state == "REJECTED_SIGNPOSTED"
    assert case.instance.completed


def test_a_parent_refused_and_no_harm_is_feared_only_what_a_statute_requires(world: World) -> None:
    world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **CHECKLIST)
    refusal = {"consentStatus": "REFUSED", "givenBy": "PARENT_GUARDIAN", "significantHarmConcern": False}
    world.do("SeekAgreement", exclusionsMade=False, fairProcessing="GIVEN", **refusal)
    assert world.tasks() == ["RecordNotShared"]


def test_an_excluded_item_that_is_refused_is_withheld_and_the_referral_goes_on(world: World) -> None:
    world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.do("CompleteRiskChecklist", **CHECKLIST)
    world.do("SeekAgreement", consentStatus="GIVEN_WITH_EXCLUSIONS", exclusionsMade=True, fairProcessing="GIVEN")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **TEN)
    world.do("AuthoriseSharing", decision="REFUSE")
    assert world.tasks() == ["RecordPerpetratorDecision"]


@pytest.mark.parametrize("wrong", [{"minimumNecessary": False}, {"secureChannel": False}, {"objectionReceived": True}])
def test_a_checklist_that_is_not_right_leads_back_to_the_form(world: World, wrong: dict[str, Any]) -> None:
    refer(world, consent="LACKS_CAPACITY")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **{**TEN, **wrong})
    assert world.tasks() == ["CompleteIswcForm"]


def test_a_life_at_risk_shares_first_and_a_manager_decides_afterwards(world: World) -> None:
    refer(world, consent="NOT_PRACTICABLE")
    world.do("CompleteIswcForm", **{**ISWC, "lifeOrDeath": True})
    world.do("AnswerChecklist", **TEN)
    assert world.tasks() == ["AuthoriseRetrospectively", "RecordPerpetratorDecision", "RecordSharing"]
    world.do("AuthoriseRetrospectively", retrospectiveDecision="REFUSE")
    assert ("sharing-not-authorised", ["agency-strategic-lead", "marac-coordinator"]) in world.told()


def test_the_follow_up_records_tells_and_reviews(world: World) -> None:
    refer(world, consent="NOT_SAFE_TO_SEEK")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **TEN)
    world.do("AuthoriseSharing", decision="NARROW")
    assert world.do("RecordSharing", sharedWithCount=2).assignee == "10"
    world.do("NotifyClient", clientNotified=True, notifiedDate="2026-11-02")
    assert "ReviewSharing" not in world.tasks()
    world.until("2026-11-28T09:00:00+00:00")
    entry = world.do("ReviewSharing", reviewOutcome="CONTINUES", reviewDate="2027-03-01")
    assert entry.assignee == "11"
    assert "ReviewSharing" not in world.tasks()
    world.until("2027-02-26T09:00:00+00:00")
    world.do("ReviewSharing", reviewOutcome="ENDED", reviewDate=None)
    assert world.running[1].instance.completed


# ------------------------------------------------------------------------------------------- triage and listing
def test_the_idva_is_asked_beside_the_co_ordinator(world: World) -> None:
    refer(world)
    assert world.tasks() == ["CheckCompleteness", "ContactVictim"]
    world.do("ContactVictim", victimContacted=True, newRisk=True)
    assert ("new-risk", ["marac-coordinator"]) in world.told()


def test_a_referral_that_is_not_complete_goes_back_and_comes_again(world: World) -> None:
    refer(world)
    world.do("CheckCompleteness", triageOutcome="RETURNED")
    world.do("CorrectReferral", referralDate="2026-11-03")
    accept(world)
    assert world.state == "TRIAGED"
    assert "ListCase" in world.tasks()


@pytest.mark.parametrize(("decision", "task", "state"), [("MERGE", None, "MERGED"), ("RELIST", "ListCase", "TRIAGED")])
def test_an_update_of_an_earlier_case_is_merged_or_relisted(
    world: World, decision: str, task: str | None, state: str
) -> None:
    refer(world, newAbuse=False)
    world.operations["register-parties"] = lambda r, i: {"earlierReferral": True, "lastReferralDate": date(2026, 8, 1)}
    accept(world, samePersonFound=True)
    world.do("DecideUpdateOnly", updateOnlyDecision=decision)
    assert world.state == state
    assert task is None or task in world.tasks()


def test_what_falls_below_the_threshold_after_matching_is_signposted(world: World) -> None:
    world.operations["register-parties"] = lambda r, i: {"earlierReferral": True, "lastReferralDate": date(2026, 8, 1)}
    refer(world, riskTicks=4)
    world.operations["register-parties"] = lambda r, i: {"earlierReferral": False, "lastReferralDate": None}
    accept(world)
    world.do("SignpostReferral", riskReviewDue="2027-02-01", signpostRoute="OTHER")
    assert world.state == "REJECTED_SIGNPOSTED"


def test_a_victim_who_has_moved_is_transferred(world: World) -> None:
    case = refer(world)
    accept(world, movedOutOfArea=True)
    world.do("ArrangeTransfer", transferAcknowledged=True)
    assert world.state == "TRANSFERRED_OUT"
    world.do("ContactVictim", victimContacted=False, newRisk=None)
    assert case.instance.completed


def test_an_emergency_goes_to_the_chair_and_to_the_police(world: World) -> None:
    refer(world, emergency=True)
    _, _, entry = world.find("CheckCompleteness")
    assert entry.due is not None
    assert entry.due.isoformat() == "2026-11-02T10:00:00+00:00"
    accept(world, emergencyRequested=True)
    world.do("RequestEmergency", seriousConcern=True, immediateIntervention=True, immediateThreatToLife=True)
    assert ("ring-999", ["marac-coordinator", "police-representative"]) in world.told()
    world.do("DecideEmergency", chairAgrees=True, convenedFor="2026-11-02T15:00:00")
    _, _, entry = world.find("ListCase")
    assert entry.due is not None
    assert entry.due.isoformat() == "2026-11-02T11:00:00+00:00"


def test_the_co_ordinator_may_ask_for_the_emergency_route_when_listing(world: World) -> None:
    refer(world)
    accept(world)
    world.do("ListCase", meetingId="2", useEmergencyRoute=True)
    assert "RequestEmergency" in world.tasks()
    world.do("RequestEmergency", seriousConcern=True, immediateIntervention=False, immediateThreatToLife=False)
    world.do("DecideEmergency", chairAgrees=False, convenedFor=None)
    assert "ListCase" in world.tasks()


def test_the_chair_approves_an_agency_of_another_type(world: World) -> None:
    plan(world)
    refer(world)
    accept(world)
    world.do("ListCase", meetingId="2", useEmergencyRoute=None)
    world.do("InviteAgencies", chairApprovalNeeded=True, guestsInvited=1)
    assert world.do("ApproveAgencies", agenciesApproved=1).lane == "MARAC Chair"
    assert world.done("invite-agencies")


# ------------------------------------------------------------------------------------------- research
def test_every_agency_is_asked_when_the_agenda_goes_out(world: World) -> None:
    listed(world)
    assert world.state == "LISTED"
    world.until("2026-11-18T09:59:00+00:00")
    assert "ResearchAgency" not in world.tasks()
    world.until("2026-11-18T10:01:00+00:00")
    assert world.state == "RESEARCHING"
    assert world.tasks().count("ResearchAgency") == 2
    assert "RecordNoContact" in world.tasks()
    _, _, entry = world.find("ResearchAgency", agency="31")
    assert entry.due is not None
    assert entry.due.isoformat() == "2026-11-25T12:00:00+00:00"
    assert entry.candidate_groups == ("agency-spoc", "agency-deputy")


def test_the_co_ordinator_may_send_the_agenda_early(world: World) -> None:
    listed(world)
    world.do("PrepareAgenda")
    assert world.tasks().count("ResearchAgency") == 2


def research(world: World) -> None:
    world.do("ResearchAgency", {"agency": "31"}, researchOutcome="HELD", currentlyInvolved=True, fgmReportDue=False)
    world.do("ResearchAgency", {"agency": "32"}, researchOutcome="NOTHING_HELD", currentlyInvolved=None)
    world.do("ConfirmDestruction", destroyedAt="2026-11-18T11:00:00")
    world.do(
        "RecordNoContact",
        necessityShown=True,
        lawfulBasisShown=True,
        infoRequestDecision="PROVIDED",
        via="NO_APPROVED_CONTACT_ROUTE",
    )
    world.operations["check-contacts"] = _contacts(registered_after=1)
    world.do("ReviewContacts")
    world.do("ResearchAgency", {"agency": "33"}, researchOutcome="HELD", currentlyInvolved=False, fgmReportDue=False)


def test_an_agency_that_registers_a_contact_is_asked_after_all(world: World) -> None:
    listed(world)
    world.do("PrepareAgenda")
    world.do(
        "RecordNoContact",
        necessityShown=True,
        lawfulBasisShown=True,
        infoRequestDecision="PROVIDED",
        via="NO_APPROVED_CONTACT_ROUTE",
    )
    world.do("ReviewContacts")
    assert "RecordNoContact" in world.tasks()  # still nobody: the co-ordinator is asked again
    world.do("RecordNoContact", necessityShown=False, lawfulBasisShown=True, infoRequestDecision="REFUSED")
    assert [(i["agency"], i["refused"]) for i in world.done("revoke-access")] == [("33", True)]


def test_an_agency_that_a_conflict_of_interest_closes_the_case_to_names_no_other_contact(world: World) -> None:
    listed(world)
    world.do("PrepareAgenda")
    world.operations["check-conflict"] = lambda r, i: {"agencyClosed": True}
    told = len(world.done("notify"))
    world.do(
        "RecordNoContact",
        necessityShown=True,
        lawfulBasisShown=True,
        infoRequestDecision="PROVIDED",
        via="NO_APPROVED_CONTACT_ROUTE",
    )
    assert "ReviewContacts" not in world.tasks()
    assert len(world.done("notify")) == told
    assert not world.done("revoke-access"), "the co-ordinator has asked somebody"


def test_when_all_have_answered_the_case_is_ready(world: World) -> None:
    listed(world)
    world.do("PrepareAgenda")
    research(world)
    assert world.state == "READY"
    assert world.done("revoke-access")[0]["agency"] == "32"
    assert world.done("record-return")[0]["currentlyInvolved"] is True


def test_the_case_is_ready_when_research_is_due_and_late_answers_are_still_taken(world: World) -> None:
    listed(world)
    world.until("2026-11-25T12:01:00+00:00")
    assert world.state == "READY"
    assert world.tasks().count("ResearchAgency") == 2


def test_a_request_without_a_contact_is_refused_when_it_is_not_necessary(world: World) -> None:
    listed(world)
    world.do("PrepareAgenda")
    world.do("RecordNoContact", necessityShown=False, lawfulBasisShown=True, infoRequestDecision="REFUSED")
    assert "ReviewContacts" not in world.tasks()


def test_an_agency_invited_after_the_agenda_is_asked_until_the_conference(world: World) -> None:
    case, _ = listed(world)
    world.do("PrepareAgenda")
    world.operations["invite-agencies"] = lambda r, i: {"lateAgencies": ["35"]}
    assert case.instance.message("agency-to-invite", "1", {})
    world.settle()
    world.do("InviteAgencies", chairApprovalNeeded=False, guestsInvited=1)
    _, _, entry = world.find("ResearchAgency", agency="35")
    assert entry.due is not None
    assert entry.due.isoformat() == "2026-11-25T12:00:00+00:00", "the deadline stays the meeting's"
    world.until("2026-11-26T10:00:01+00:00")
    assert "35" not in [e.properties["agency"] for e in case.open.values() if e.element_id == "ResearchAgency"]


def test_an_agency_invited_after_research_is_due_has_a_date_of_its_own_and_is_chased(world: World) -> None:
    """B11, C4: an hour before the conference; half of the time that is left where that is later, so it never lies in the past."""
    case, _ = listed(world)
    world.until("2026-11-26T08:24:00+00:00")
    again = len(world.done("issue-agenda-again"))
    world.operations["invite-agencies"] = lambda r, i: {"lateAgencies": ["35"]}
    assert case.instance.message("agency-to-invite", "1", {})
    world.settle()
    world.do("InviteAgencies", chairApprovalNeeded=False, guestsInvited=1)
    _, _, entry = world.find("ResearchInvitedLate", agency="35")
    assert entry.due is not None
    assert entry.due.isoformat() == "2026-11-26T09:12:00+00:00", "of 96 minutes 48 are left"
    reminded = len(world.done("notify"))
    world.until("2026-11-26T08:49:00+00:00")
    assert world.done("notify")[reminded:] == [
        {**world.done("notify")[-1], "roles": ["agency-spoc", "agency-deputy"], "agency": "35", "tellHolder": True}
    ]
    world.until("2026-11-26T09:12:01+00:00")
    deciders = [e.candidate_groups for e in case.open.values() if e.element_id == "DecideOnLateTask"]
    assert {("agency-strategic-lead",), ("marac-chair",)} <= set(deciders)
    assert len(world.done("issue-agenda-again")) == again + 1
    world.until("2026-11-26T10:00:01+00:00")
    assert "ResearchInvitedLate" not in [e.element_id for e in case.open.values()]


def test_a_cancelled_meeting_sends_its_cases_back_to_the_list(world: World) -> None:
    case, meeting = listed(world)
    world.do("PrepareAgenda")
    assert "ResearchAgency" in world.tasks()
    assert meeting.instance.message("meeting-cancelled", "2", {})
    world.settle()
    assert meeting.instance.completed
    assert world.state == "TRIAGED"
    assert world.tasks() == ["ContactVictim", "ListCase"]
    assert not case.instance.completed


def test_who_presides_gets_the_tasks_of_the_chair_in_the_room(world: World) -> None:
    _, meeting = listed(world)
    assert meeting.instance.message("presiding-decided", "2", {"chosenToPreside": "91"})
    world.settle()
    assert world.done("hand-chair-over") == [{"meetingId": "2", "chosen": "91"}]
    world.until("2026-11-25T10:01:00+00:00")
    _, _, entry = world.find("RuleOnConfidentiality")
    assert (entry.candidate_groups, entry.candidate_users) == (("marac-chair",), ("91",))


def test_a_change_of_the_agreement_is_told_at_once_and_weighed(world: World) -> None:
    case, _ = listed(world)
    assert case.instance.message("consent-changed", "1", {"recorder": "15", "recorderAgency": "32"})
    world.settle()
    world.do("RecordChangedAgreement", consentStatus="WITHDRAWN", exclusionsMade=False, fairProcessing="GIVEN")
    assert world.done("tell-recipients")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **TEN)
    assert world.do("AuthoriseSharing", decision="APPROVE").properties["agency"] == "32"
    world.do("SettleChangedAgreement", consentEffect="AUTHORISED", victimToldOfEffect=True)
    assert world.state == "LISTED", "the case stays on the list"


# ------------------------------------------------------------------------------------------- the conference and after
def test_a_case_from_the_conference_to_closed_actions(world: World) -> None:
    case, meeting = listed(world)
    world.do("ContactVictim", victimContacted=True, newRisk=False)
    world.do("PrepareAgenda")
    research(world)
    world.until("2026-11-25T09:00:00+00:00")
    assert "RuleOnConfidentiality" not in world.tasks()
    world.until("2026-11-26T10:00:00+00:00")
    hold(world)
    assert world.state == "ACTIONS_OPEN"
    assert world.tasks() == ["DestroyPapers", "DoAction", "DraftMinutes", "TellVictim"]
    assert [i["keep"] for i in world.done("set-post-meeting-access")] == [True, False]
    world.do("DestroyPapers")
    world.do("DraftMinutes")
    world.do("ApproveMinutes", minutesApproved=False)
    world.do("DraftMinutes")
    world.do("ApproveMinutes", minutesApproved=True)
    assert world.done("circulate-minutes")
    assert meeting.instance.completed
    assert world.do("TellVictim", victimTold=True, newRisk=False).properties["agency"] == "32"
    assert world.do("DoAction", actionStatus="DONE", completedOn="2026-11-30").assignee == "81"
    world.do("CloseOrRelist", closeDecision="CLOSE")
    assert world.state == "ACTIONS_CLOSED"
    assert "flagUntil" in case.host.deadlines
    assert case.instance.next_due() is not None
    assert "retentionReview" in retention(world).host.deadlines


def retention(world: World) -> Running:
    """The review that keeps the records of the case in mind."""
    return next(running for running in world.running if running.process == "marac-retention")


def test_a_closed_case_is_flagged_unflagged_and_in_the_end_destroyed(world: World) -> None:
    test_a_case_from_the_conference_to_closed_actions(world)
    case = world.running[1]
    world.do("FlagInAgency", flagPlaced=True)
    assert world.state == "FLAGGED"
    world.until("2027-10-05T09:00:00+00:00")
    assert ("flag-ends-soon", ["marac-coordinator"]) in world.told()
    world.until("2027-11-04T09:00:00+00:00")
    world.do("UnflagCase", noRepeat=True)
    assert world.state == "DORMANT"
    world.until("2036-09-30T09:00:00+00:00")
    assert world.state == "RETENTION_DUE"
    world.do("ReviewRetention", retentionDecision="RETAIN")
    assert world.state == "RETAINED"
    assert case.instance.completed
    assert retention(world).host.deadlines["retentionReview"].year == 2046
    world.operations["destroy-case"] = lambda r, i: {"destruction": "HELD"}
    world.until("2046-09-30T09:00:00+00:00")
    world.do("ReviewRetention", retentionDecision="DISPOSE")
    assert retention(world).host.deadlines["retentionReview"].year == 2046
    world.operations["destroy-case"] = lambda r, i: {"destruction": "DESTROYED"}
    world.until("2046-12-30T09:00:00+00:00")
    world.do("ReviewRetention", retentionDecision="DISPOSE")
    assert retention(world).instance.completed


def test_a_repeat_keeps_the_flag(world: World) -> None:
    test_a_case_from_the_conference_to_closed_actions(world)
    world.do("FlagInAgency", flagPlaced=True)
    world.until("2027-11-04T09:00:00+00:00")
    world.do("UnflagCase", noRepeat=False)
    assert "UnflagCase" not in world.tasks()
    world.until("2028-11-04T23:59:59+00:00")
    assert "UnflagCase" in world.tasks()


def test_a_flag_that_nobody_sets_does_not_hold_up_its_end(world: World) -> None:
    test_a_case_from_the_conference_to_closed_actions(world)
    world.until("2027-11-04T09:00:00+00:00")
    assert "FlagInAgency" not in world.tasks()
    assert "UnflagCase" in world.tasks()


def test_an_adjourned_case_goes_back_to_the_list(world: World) -> None:
    listed(world)
    world.until("2026-11-26T10:00:00+00:00")
    hold(world, "ADJOURNED")
    assert world.state == "ADJOURNED"
    assert {"ListCase", "DraftMinutes"} <= set(world.tasks())
    assert "ResearchAgency" not in world.tasks()


def test_a_relisted_case_is_heard_again(world: World) -> None:
    listed(world)
    world.until("2026-11-26T10:00:00+00:00")
    hold(world)
    world.do("TellVictim", victimTold=True, newRisk=True)
    assert ("new-risk", ["marac-coordinator"]) in world.told()
    world.do("DoAction", actionStatus="NOT_POSSIBLE")
    world.do("CloseOrRelist", closeDecision="RELIST")
    assert "ListCase" in world.tasks()


def test_a_newcomer_signs_on_entry_and_the_conference_goes_on(world: World) -> None:
    _, meeting = listed(world)
    world.until("2026-11-26T10:00:00+00:00")
    for newcomer in ("61", "62"):
        assert meeting.instance.message("attendee-joined", "2", {"newcomer": newcomer})
    world.settle()
    assert world.tasks().count("SignOnEntry") == 2
    world.do("SignOnEntry", {"deadline": "signature-61"}, attendanceMode="VIRTUAL")
    world.do("SignOnEntry", {"deadline": "signature-62"}, attendanceMode="IN_PERSON")
    hold(world)


def test_moving_the_conference_moves_everything_that_hangs_on_it(world: World) -> None:
    _, meeting = listed(world)
    assert meeting.instance.message("meeting-moved", "2", {"meetingStart": datetime(2026, 12, 10, 10, tzinfo=UTC)})
    world.settle()
    world.until("2026-11-30T09:00:00+00:00")
    assert "PrepareAgenda" in world.tasks()
    assert "ResearchAgency" not in world.tasks()
    world.until("2026-12-02T10:01:00+00:00")
    assert "ResearchAgency" in world.tasks()


def test_an_emergency_meeting_has_no_lead_time(world: World) -> None:
    plan(world, "2026-11-03T15:00:00", "EMERGENCY")
    refer(world, emergency=True)
    accept(world, emergencyRequested=True)
    world.do("RequestEmergency", seriousConcern=True, immediateIntervention=True, immediateThreatToLife=False)
    world.do("DecideEmergency", chairAgrees=True, convenedFor="2026-11-03T15:00:00")
    world.do("ListCase", meetingId="2", useEmergencyRoute=None)
    world.do("PrepareAgenda")
    assert "ResearchAgency" in world.tasks()


# ------------------------------------------------------------------------------------------- what is late
def test_an_agency_that_never_answers_climbs_to_its_strategic_lead_and_the_chair(world: World) -> None:
    listed(world)
    world.do("ContactVictim", victimContacted=True, newRisk=False)
    world.do("PrepareAgenda")
    research_of = {"agency": "31"}
    world.do("ResearchAgency", {"agency": "32"}, researchOutcome="HELD", currentlyInvolved=False, fgmReportDue=False)
    world.do("RecordNoContact", necessityShown=False, lawfulBasisShown=False, infoRequestDecision="REFUSED")
    world.until("2026-11-21T10:01:00+00:00")
    assert [list(i["roles"]) for i in world.done("remind-of-research")] == [["agency-spoc"]]
    world.until("2026-11-23T10:01:00+00:00")
    assert list(world.done("remind-of-research")[-1]["roles"]) == ["agency-spoc", "agency-deputy"]
    assert "DecideOnLateTask" not in world.tasks()
    world.until("2026-11-25T12:01:00+00:00")
    assert world.done("issue-agenda-again")
    asked = [e for r in world.running for e in r.open.values() if e.element_id == "DecideOnLateTask"]
    assert sorted((e.candidate_groups, e.properties.get("agency")) for e in asked) == [
        (("agency-strategic-lead",), "31"),
        (("marac-chair",), None),
    ]
    world.do("ResearchAgency", research_of, researchOutcome="HELD", currentlyInvolved=False, fgmReportDue=False)
    assert "DecideOnLateTask" not in world.tasks()
    assert world.state == "READY"


def test_when_every_agency_has_answered_in_time_nobody_is_chased(world: World) -> None:
    listed(world)
    world.do("ContactVictim", victimContacted=True, newRisk=False)
    world.do("PrepareAgenda")
    research(world)
    world.until("2026-11-25T12:01:00+00:00")
    assert not world.done("issue-agenda-again")
    assert "DecideOnLateTask" not in world.tasks()


def test_more_time_counts_the_tiers_from_the_new_date(world: World) -> None:
    world.begin("marac-action", caseId="1", actionId="71", ownerAgency="31", ownerPerson="81", dueDate="2026-11-12")
    world.until("2026-11-10T08:59:58+00:00")
    assert world.told() == []
    world.until("2026-11-10T09:00:00+00:00")
    assert world.told() == [("late-task-reminder", [])]
    world.until("2026-11-12T09:00:00+00:00")
    assert len(world.told()) == 2
    world.until("2026-11-14T09:00:00+00:00")
    assert world.told()[-1] == ("late-task-reminder", ["agency-spoc"])
    world.until("2026-11-18T09:00:00+00:00")
    assert world.tasks().count("DecideOnLateTask") == 2
    world.do("DecideOnLateTask", escalationDecision="EXTEND", newDue="2026-11-27T23:59:59")
    assert world.tasks() == ["DoAction"]
    told = len(world.told())
    world.until("2026-11-26T09:00:00+00:00")
    assert len(world.told()) == told
    world.until("2026-12-03T09:00:00+00:00")
    assert world.tasks().count("DecideOnLateTask") == 2
    world.until("2026-12-05T09:00:00+00:00")
    assert world.tasks().count("DecideOnLateTask") == 3
    world.do("DecideOnLateTask", escalationDecision="LET_STAND")
    assert world.tasks().count("DecideOnLateTask") == 2
    world.do("DoAction", actionStatus="DONE", completedOn="2026-12-05")
    assert world.tasks() == []
    assert world.running[0].instance.completed


def test_a_declined_action_climbs_to_the_lead_and_to_the_chair(world: World) -> None:
    action = world.begin(
        "marac-action", caseId="1", actionId="71", ownerAgency="31", ownerPerson="81", dueDate="2026-11-12"
    )
    world.do("DoAction", actionStatus="DECLINED")
    assert world.do("AnswerForDecline", declineAnswer="ACCEPT", newOwnerPerson="82").lane == "Agency strategic lead"
    assert world.do("DoAction", actionStatus="DECLINED").assignee == "82"
    world.do("AnswerForDecline", declineAnswer="CONFIRM")
    given = {"newOwnerAgency": "33", "newOwnerPerson": "83", "newDueDate": "2026-11-20"}
    assert world.do("DecideOnDeclinedAction", declinedDecision="REASSIGN", **given).lane == "MARAC Chair"
    assert [i["agency"] for i in world.done("weigh-access")] == ["31"], "the former owner"
    entry = world.do("DoAction", actionStatus="DECLINED")
    assert (entry.assignee, entry.properties["agency"], str(entry.due)[:10]) == ("83", "33", "2026-11-20")
    world.do("AnswerForDecline", declineAnswer="CONFIRM")
    world.do("DecideOnDeclinedAction", declinedDecision="DROP")
    assert world.done("record-action-outcome")[-1]["actionStatus"] == "SUPERSEDED"
    assert action.instance.completed


def test_a_task_done_in_time_disturbs_nobody(world: World) -> None:
    world.begin("marac-action", caseId="1", actionId="71", ownerAgency="31", ownerPerson="81", dueDate="2026-11-12")
    world.do("DoAction", actionStatus="DONE", completedOn="2026-11-03")
    world.until("2026-12-12T09:00:00+00:00")
    assert world.told() == []
    assert world.running[0].instance.completed


def test_a_manager_who_does_not_decide_is_followed_by_another_after_four_hours(world: World) -> None:
    refer(world, consent="NOT_SAFE_TO_SEEK")
    world.do("CompleteIswcForm", **ISWC)
    world.do("AnswerChecklist", **TEN)
    world.until("2026-11-02T12:59:00+00:00")
    assert world.tasks() == ["AuthoriseSharing"]
    world.until("2026-11-02T13:01:00+00:00")
    assert world.find("DecideOnLateTask")[2].candidate_groups == ("authorising-manager",)
    world.until("2026-11-04T00:00:00+00:00")
    assert world.tasks().count("DecideOnLateTask") == 2
    world.do("AuthoriseSharing", decision="APPROVE")
    assert "DecideOnLateTask" not in world.tasks()


def test_the_deputy_chair_is_asked_after_two_hours(world: World) -> None:
    refer(world, emergency=True)
    accept(world, emergencyRequested=True)
    world.do("RequestEmergency", seriousConcern=True, immediateIntervention=True, immediateThreatToLife=False)
    world.until("2026-11-02T11:01:00+00:00")
    assert world.find("DecideOnLateTask")[2].candidate_groups == ("deputy-chair",)


def test_any_other_task_reminds_on_the_day_and_asks_the_next_tier_a_working_day_late(world: World) -> None:
    world.begin("marac-case", caseId="1", starter="10", starterAgency="30")
    world.until("2026-11-03T08:59:58+00:00")
    assert world.told() == []
    world.until("2026-11-03T09:00:00+00:00")
    assert world.told() == [("late-task-reminder", [])]
    world.until("2026-11-05T09:00:00+00:00")
    _, _, entry = world.find("DecideOnLateTask")
    assert (entry.candidate_groups, entry.properties["agency"]) == (("authorising-manager",), "30")


def test_the_agenda_reminds_the_co_ordinator_ten_days_before(world: World) -> None:
    plan(world)
    world.until("2026-11-16T09:59:00+00:00")
    assert world.told() == []
    world.until("2026-11-16T10:01:00+00:00")
    assert world.told() == [("late-task-reminder", ["marac-coordinator"])]


def test_papers_that_are_not_destroyed_are_the_chairs_the_next_working_day(world: World) -> None:
    listed(world)
    world.until("2026-11-26T10:00:00+00:00")
    hold(world)
    world.until("2026-11-27T08:00:00+00:00")
    assert not any(e.candidate_groups == ("marac-chair",) for e in _asked(world, "papersDestroyedDue"))
    world.until("2026-11-27T09:01:00+00:00")
    assert any(e.candidate_groups == ("marac-chair",) for e in _asked(world, "papersDestroyedDue"))


def _asked(world: World, name: str) -> list[Any]:
    """The open decisions about the task of a deadline."""
    found = []
    for running in world.running:
        late = {running.item(t) for t, e in running.open.items() if e.deadline == name}
        for entry in running.open.values():
            if entry.element_id == "DecideOnLateTask" and any(str(entry.deadline).endswith(item) for item in late):
                found.append(entry)
    return found
