"""The shipped diagrams on the engine, from a referral without consent to the destroyed record; the operations are stand-ins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.agencies.parameters import read_value
from app.feel import to_python
from app.operations.catalogue import operations
from app.problems import Severity
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.store.clock import business_now
from app.store.database import db

ON = "sqlite"
AREA = 77
ROOT = Path(__file__).parents[3]
CASE, MEETING = 900, 901
AGENCIES = ["11", "12", "13"]
LONDON = ZoneInfo("Europe/London")


def shipped() -> dict[str, bytes]:
    found = {}
    for folder in ("processes", "forms"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".bpmn", ".dmn", ".form"}:
                found[path.name] = path.read_bytes()
    return found


@pytest.fixture
def marac(world: Any) -> Any:
    """The procedures published, the parameters' defaults, and operations that only remember."""
    world.states = []
    world.done = []

    def instant(value: Any) -> datetime:
        plain = to_python(value)
        if not isinstance(plain, datetime):
            plain = datetime(plain.year, plain.month, plain.day, 23, 59, 59)
        return plain if plain.tzinfo else plain.replace(tzinfo=LONDON)

    def plan(context: Any, inputs: Mapping[str, Any]) -> None:
        for name in set(inputs) - {"meetingId"}:
            world.deadlines[(MEETING, name)] = instant(inputs[name])

    def close(context: Any, inputs: Mapping[str, Any]) -> None:
        world.deadlines[(CASE, "flagUntil")] = instant(inputs["flagUntil"])

    def state(context: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        world.states.append(inputs["state"])
        return {"stateSince": context.now}

    def add(context: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        context.bind_meeting(MEETING)
        return {"meetingId": str(MEETING)}

    def late(context: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            t
            for t in world.open.values()
            if t.element_id == inputs["subjectElement"] and t.instance_key == context.instance_key
        ]
        item = str(found[0].instance_key + found[0].task_id) if found else "0"
        return {"subjectItem": item, "subjectKey": item, "stillOpen": bool(found), "holderRole": "agency-spoc"}

    def set_deadline(context: Any, inputs: Mapping[str, Any]) -> None:
        world.deadlines[(CASE, inputs["name"])] = instant(inputs["at"])

    actions = [{"id": "71", "agency": "11", "owner": "5", "due": business_now().date() + timedelta(days=40)}]
    fakes: dict[str, Any] = {
        "register-parties": lambda c, i: {"earlierReferral": False},
        "set-case-state": state,
        "plan-meeting": plan,
        "close-case": close,
        "set-deadline": set_deadline,
        "add-to-agenda": add,
        "find-late-task": late,
        "find-next-meeting": lambda c, i: {"nextMeetingAgendaIssue": world.deadlines.get((MEETING, "agendaIssue"))},
        "list-research-agencies": lambda c, i: {"researchAgencies": AGENCIES},
        "check-contacts": lambda c, i: {"contactsAvailable": True, "agencyType": "POLICE"},
        "check-conflict": lambda c, i: {"agencyClosed": False},
        "number-sharing": lambda c, i: {"sharing": "91"},
        "issue-agenda": lambda c, i: {"agendaCases": [str(CASE)]},
        "list-attendees": lambda c, i: {"attendeeIds": ["31", "32"]},
        "list-silent-agencies": lambda c, i: {"silentAgencies": ["13"]},
        "close-discussion": lambda c, i: {"actions": actions, "leadAdvocateAgency": "12", "urgentFeedback": False},
        "list-post-meeting-access": lambda c, i: {
            "accessPairs": [
                {"caseId": str(CASE), "agency": a, "ownsAction": a == "11", "involved": False} for a in AGENCIES
            ]
        },
        "list-flag-agencies": lambda c, i: {"flagAgencies": ["11", "12"]},
        "destroy-case": lambda c, i: {"destruction": "DESTROYED"},
    }
    registry = operations()
    for name in registry.names():
        real = registry.get(name)
        assert real is not None

        def act(context: Any, inputs: Mapping[str, Any], name: str = name) -> Mapping[str, Any]:
            world.done.append((name, {k: v for k, v in inputs.items() if isinstance(v, str | bool)}))
            nobody = {output: [] for output, text in registry.get(name).outputs.items() if text == "list"}
            return {**nobody, **(fakes.get(name, lambda c, i: {})(context, inputs) or {})}

        world.operation(name, act, real.inputs, real.outputs)
    parameters = json.loads((ROOT / "processes" / "marac" / "parameters.json").read_text())
    world.params = {p["key"]: read_value(p["type"], str(p["default"])) for p in parameters}
    world.on_closed = lambda t: runtime.publish_message(
        "task-closed", str(t.instance_key + t.task_id), {}, area_key=AREA
    )
    runtime.publish_release(shipped(), area_key=AREA, by=1)
    return world


def stopped(world: Any) -> list[str]:
    keys = db.session.execute(select(Instance.key)).scalars()
    return [f"{i.element_id}: {i.message}" for key in keys for i in runtime.incidents(key)]


def test_the_shipped_files_pass_the_check() -> None:
    problems = runtime.check_files(shipped(), operations=operations())
    assert [p.line() for p in problems if p.severity is Severity.ERROR] == []


CHECKLIST: dict[str, Any] = {
    "tool": "SAFELIVES_DASH_24",
    "riskTicks": 16,
    "maxTicks": 24,
    "profJudgement": False,
    "profJudgementReasonGiven": False,
    "incidents12m": 1,
    "incidentDate": "2026-01-04",
    "newAbuse": True,
    "newAbuseCrime": True,
    "partyUnder16": "NO",
    "relationshipInScope": "YES",
    "fgmReportDue": False,
    "transferIn": False,
}
GROUNDS: dict[str, Any] = {
    "lifeOrDeath": False,
    "consentDoesNotCover": True,
    "groundOrProtocol": True,
    "balancingOnly": False,
    "humanRightsEngaged": True,
    "japanJustifiable": True,
    "japanAppropriate": True,
    "japanProportionate": True,
    "japanAuditable": True,
    "japanNecessary": True,
    "policeInformation": False,
    "reviewDate": "2026-06-01",
    "reviewResponsible": "5",
    "lawfulBasis": True,
}
CHECKED: dict[str, Any] = {
    "depersonalisedSuffices": False,
    "objectionReceived": False,
    "minimumNecessary": True,
    "accurateAndLabelled": True,
    "rightRecipient": True,
    "secureChannel": True,
    "decisionRecorded": True,
    "notifyingRisks": True,
    "consultationNeeded": False,
}


def refer(world: Any) -> Instance:
    case = runtime.start(
        "marac-case", {"caseId": str(CASE), "starter": "5", "starterAgency": "11"}, area_key=AREA, by=5, case_key=CASE
    )
    world.do("CompleteRiskChecklist", **CHECKLIST)
    assert stopped(world) == []
    world.do(
        "SeekAgreement",
        consentStatus="REFUSED",
        exclusionsMade=False,
        significantHarmConcern=True,
        fairProcessing="WITHHELD_RISK",
    )
    assert stopped(world) == []
    world.do("CompleteIswcForm", **GROUNDS)
    world.do("AnswerChecklist", **CHECKED)
    assert stopped(world) == []
    task = world.find("AuthoriseSharing")
    assert (task.process_id, task.properties["separateFrom"], task.properties["agency"]) == (
        "information-sharing-without-consent",
        "CompleteIswcForm",
        "11",
    )
    world.do("AuthoriseSharing", decision="APPROVE")
    assert "RecordSharing" in world.tasks()
    world.do("RecordPerpetratorDecision", noticePracticable=False)
    world.do(
        "SubmitReferral", referralDate="2026-01-05", visibleHighRisk=True, professionalJudgement=False, emergency=False
    )
    assert world.states == ["SUBMITTED"]
    return case


def test_a_referral_runs_to_the_end_of_its_retention(marac: Any, time: Any) -> None:
    world = marac
    case = refer(world)
    assert {"ContactVictim", "CheckCompleteness"} <= set(world.tasks())
    world.do("ContactVictim", victimContacted=True, newRisk=False)
    world.do(
        "CheckCompleteness",
        triageOutcome="ACCEPTED",
        samePersonFound=False,
        movedOutOfArea=False,
        emergencyRequested=False,
    )
    assert stopped(world) == []
    meeting = runtime.start(
        "marac-meeting",
        {"meetingId": str(MEETING), "starter": "6", "starterAgency": None},
        area_key=AREA,
        by=6,
        meeting_key=MEETING,
    )
    starts = (business_now() + timedelta(days=21)).replace(hour=10, minute=0)
    world.do("PlanMeeting", meetingStart=starts, meetingMode="IN_PERSON", meetingKind="SCHEDULED")
    assert stopped(world) == []
    world.do("ListCase", meetingId=str(MEETING), useEmergencyRoute=False)
    assert world.find("InviteAgencies").meeting_key == MEETING
    world.do("InviteAgencies", chairApprovalNeeded=True, guestsInvited=1)
    world.do("ApproveAgencies", agenciesApproved=1)
    assert world.states[-1] == "LISTED"
    # nobody prepares the agenda: it goes out when it must
    time.later(days=13, hours=2)
    assert stopped(world) == []
    assert world.states[-1] == "RESEARCHING"
    assert world.tasks().count("ResearchAgency") == 3
    tasks = [world.find("ResearchAgency", n) for n in range(3)]
    assert [t.properties["agency"] for t in tasks] == AGENCIES
    world.do("ResearchAgency", 0, researchOutcome="HELD", currentlyInvolved=True)
    world.do("ResearchAgency", 0, researchOutcome="NOTHING_HELD")
    world.do("ConfirmDestruction")
    assert stopped(world) == []
    # the third never answers: reminded, then the next tier is asked; the case is ready all the same
    time.later(days=7)
    assert stopped(world) == []
    assert world.states[-1] == "READY"
    assert "notify" in [name for name, _ in world.done]
    assert {"ResearchAgency", "DecideOnLateTask"} <= set(world.tasks())
    time.later(days=1)
    assert "RuleOnConfidentiality" in world.tasks()
    world.do("RuleOnConfidentiality", anyCannotComply=True, anyExcluded=False, anyVirtual=False)
    world.do("RemindVirtualAttendees")
    world.do("ReadStatement", statementReadAt=business_now())
    world.do("SignAttendance", 0, attendanceMode="IN_PERSON")
    runtime.publish_message("attendee-joined", str(MEETING), {"newcomer": "33"}, area_key=AREA)
    world.do("SignOnEntry", attendanceMode="IN_PERSON")
    world.do("SignAttendance", 0, attendanceMode="VIRTUAL")
    world.do("ReviewPreviousActions")
    assert stopped(world) == []
    # the discussion ends the wait for late returns
    assert "ResearchAgency" not in world.tasks()
    assert "DecideOnLateTask" not in {t.element_id for t in world.open.values() if t.instance_key == case.key}
    assert world.find("RecordDiscussion").properties["case"] == str(CASE)
    world.do("RecordDiscussion", meetingOutcome="HEARD")
    world.do("ConsiderDisclosure", mappaConsidered=True, dvdsOutcome="NOT_INDICATED", wantedOffender=False)
    world.do("AgreeActionPlan", actionCount=1)
    world.do("AssureMailAccounts")
    world.do("DecideRetention")
    world.do("CloseConference", conferenceEndedAt=business_now())
    assert stopped(world) == []
    assert world.states[-2:] == ["HEARD", "ACTIONS_OPEN"]
    assert {"TellVictim", "DoAction", "DraftMinutes", "DestroyPapers"} <= set(world.tasks())
    world.do("DestroyPapers", papersDestroyedAt=business_now())
    world.do("DraftMinutes")
    world.do("ApproveMinutes", minutesApproved=False)
    world.do("DraftMinutes")
    world.do("ApproveMinutes", minutesApproved=True)
    assert runtime.instance(meeting.key).status == "COMPLETED"
    world.do("TellVictim", victimTold=True, newRisk=False)
    # the action is late and climbs its tiers
    time.later(days=45)
    assert stopped(world) == []
    assert "DecideOnLateTask" in world.tasks()
    world.do("DoAction", actionStatus="DONE", completedOn="2026-03-20")
    assert stopped(world) == []
    assert "DecideOnLateTask" not in {t.element_id for t in world.open.values() if t.instance_key == case.key}
    world.do("CloseOrRelist", closeDecision="CLOSE")
    assert stopped(world) == []
    world.do("FlagInAgency", flagPlaced=True)
    world.do("FlagInAgency", flagPlaced=True)
    assert world.states[-1] == "FLAGGED"
    row = runtime.instance(case.key)
    assert (row.status, len(row.state) < 1500) == ("ACTIVE", True)
    time.later(days=366)
    world.do("UnflagCase", noRepeat=True)
    assert world.states[-1] == "DORMANT"
    time.later(days=3700)
    world.do("ReviewRetention", retentionDecision="RETAIN")
    assert world.states[-1] == "RETAINED"
    time.later(days=3700)
    world.do("ReviewRetention", retentionDecision="DISPOSE")
    assert runtime.instance(case.key).status == "COMPLETED"
    assert stopped(world) == []


def test_a_referral_below_the_threshold_is_signposted(marac: Any) -> None:
    world = marac
    case = runtime.start(
        "marac-case", {"caseId": str(CASE), "starter": "5", "starterAgency": "11"}, area_key=AREA, by=5, case_key=CASE
    )
    world.do("CompleteRiskChecklist", **{**CHECKLIST, "riskTicks": 3})
    review = (business_now() + timedelta(days=60)).date()
    world.do("SignpostAndReview", signpostRoute="SPECIALIST_SERVICE", riskReviewDue=review)
    assert stopped(world) == []
    assert (runtime.instance(case.key).status, world.states) == ("COMPLETED", ["REJECTED_SIGNPOSTED"])
