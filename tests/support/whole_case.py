"""A whole case with unmistakable words in every text field, played once through the pages and then looked at from every side."""

from __future__ import annotations

import io
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from app import logs
from app.demo import story
from tests.procedures import acting
from tests.procedures import answers as said
from tests.support.planting import Planter
from tests.support.stage import Stage, london, plain

EMERGENCY = {
    "immediateThreatToLife": "no",
    "seriousConcern": "yes",
    "seriousConcernDetail": "He knows where she is.",
    "immediateIntervention": "no",
    "whyCannotWait": "It can.",
    "immediateActionsTaken": "None yet.",
}


@dataclass
class WholeCase:
    """What was played: where its data lie, what it is called, what was logged on the way."""

    data: Path
    temporary: Path
    case: str = ""
    case_key: int = 0
    meeting: int = 0
    signposted: str = ""
    drafted: str = ""
    planted: int = 0
    fields: set[tuple[str, str]] = field(default_factory=set)
    log: str = ""


class CapturedLog:
    """The application's own log at its most talkative, as it would be written to standard error."""

    def __enter__(self) -> io.StringIO:
        self.stream, self.before = io.StringIO(), (logging.getLogger().handlers[:], logging.getLogger().level)
        stderr, sys.stderr = sys.stderr, self.stream
        try:
            logs.configure("DEBUG")
        finally:
            sys.stderr = stderr
        return self.stream

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.handlers, root.level = self.before


def play(app: Flask, stage: Stage, whole: WholeCase) -> None:
    """From the first checklist to closed actions, with everything that people may type on the way."""
    planter = Planter()
    stage.people.plant = planter
    with CapturedLog() as log:
        _refer(stage, whole, planter)
        _before_the_meeting(stage, whole, planter)
        _meet(stage, whole, planter)
        _afterwards(stage, whole, planter)
        whole.log = log.getvalue()
    whole.planted, whole.fields = planter.count, planter.fields


def _refer(stage: Stage, whole: WholeCase, planter: Planter) -> None:
    rosa, cora = stage.as_("rosa"), stage.as_("cora")
    whole.meeting = acting.plan_meeting(stage, london(17, 3, 10))
    whole.case = case = acting.complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=16)
    whole.case_key = stage.case(case).key
    consent = plain(story.consent_answers("REFUSED"), form="SIGNED", signedForm=planter.file())
    consent |= {"fairProcessing": "WITHHELD_RISK", "fairProcessingDecidedBy": stage.user("rosa")}
    rosa.does("Seek the victim's agreement, if safe", plain(consent, fairProcessingReason="Not safe."), of=case)
    rosa.does("Complete the form for sharing without consent", stage.given(story.iswc_answers), of=case)
    rosa.does("Answer the ten sharing questions", story.iswc_checklist_answers(), of=case)
    stage.as_("mark").does("Authorise, narrow or refuse the sharing", story.authorise_answers(), of=case)
    acting.send_referral(stage, case, supportingPapers=planter.file())
    triage = plain(story.triage_answers(), emergencyRequested="yes")
    cora.does("Check the referral and match the people", triage, of=case)
    asked = plain(EMERGENCY, requestedBy=stage.user("cora"))
    cora.does("Set out why the case cannot wait", asked, of=case)
    stage.as_("chidi").does(
        "Decide on an emergency meeting", {"chairAgrees": "no", "chairReason": "It can wait."}, of=case
    )
    cora.does("List the case for a meeting", story.listing_answers(whole.meeting), of=case)
    cora.does("Invite further agencies", said.invitations(stage.agency("mill-lane")), of=case)

    # Another is signposted, and of a third there is no more than a draft.
    whole.signposted = acting.complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=3)
    signpost = {"signpostRoute": "SPECIALIST_SERVICE", "specialistOffered": "yes", "reason": "Few.", "plan": "Locks."}
    signpost["riskReviewDue"] = stage.given(story.today, 30)
    rosa.does("Signpost, and set a review date", signpost, of=whole.signposted)
    rosa.start("marac-case")
    whole.drafted = stage.newest_case()
    rosa.fill({"victim": story.VICTIM})
    rosa.send(rosa.fill({"victim": story.VICTIM}), ("_action", "save"))


def _before_the_meeting(stage: Stage, whole: WholeCase, planter: Planter) -> None:
    cora, key = stage.as_("cora"), whole.case_key
    contact = stage.items("ContactVictim", case_key=key)[0]
    name = contact.deadline or ""
    cora.get(f"/cases/{key}/deadlines/{name}/move")
    cora.press("Move the deadline", date="2026-03-06T17:00+00:00", reason=planter.word())
    stage.as_("ida").does("Contact the victim safely", stage.given(said.idva_contact), of=whole.case)
    cora.get(f"/cases/{key}/conflicts")
    cora.press("Record", who=f"user:{stage.user('spoc.youth')}", reason=planter.word())
    cora.get(f"/meetings/{whole.meeting}")
    cora.press("Move the meeting", date="2026-03-24T10:00+00:00", reason=planter.word())
    cora.get(f"/meetings/{whole.meeting}")
    cora.press("Add", name=planter.word(), job=planter.word(), organisation=planter.word(), role="observer")
    stage.at(london(16, 3, 10, 1))

    # The police hand the request over, with a reason; three agencies hold something, one nothing, the others never answer.
    nand = stage.as_("spoc.police")
    nand.open_task("Search your records and answer", whole.case)
    nand.get(f"/work/{nand.key}")
    nand.press("Hand over", to=stage.user("deputy.police"), reason=planter.word())
    assert not nand.page.errors, nand.page.errors
    acting.answer_held(stage, "deputy.police", whole.case)
    acting.answer_held(stage, "spoc.children", whole.case)
    acting.answer_held(stage, "spoc.housing", whole.case, involved="NONE")
    acting.answer_nothing_held(stage, "spoc.adults")
    stage.at(london(23, 3, 12, 1))
    decision = {"escalationDecision": "LET_STAND", "reason": "At an incident."}
    stage.as_("lead.fire").does("Decide on the late task", decision)


def _meet(stage: Stage, whole: WholeCase, planter: Planter) -> None:
    stage.at(london(24, 3, 9, 55))
    acting.open_meeting(stage, whole.meeting, excluded="Rhys Tanner")
    acting.everybody_signs(stage, whole.meeting)
    stage.as_("chidi").does("Review the actions of the last meeting", {"attestation": True})
    actions = [
        ("Fit a safer door", "housing", "spoc.housing", "2026-03-31"),
        ("Review her medication", "mill-lane", "gwen", "2026-04-02"),
    ]
    acting.discuss(stage, whole.meeting, whole.case, actions)
    acting.close_meeting(stage, whole.meeting)


def _afterwards(stage: Stage, whole: WholeCase, planter: Planter) -> None:
    case = whole.case
    acting.issue_minutes(stage)
    stage.as_("ida").does("Tell the victim and bring back the response", stage.given(said.told), of=case)
    gwen = stage.as_("gwen")
    gwen.does("Do the action and record the outcome", plain(stage.given(said.done), evidence=planter.file()), of=case)
    stage.at(london(8, 4, 10))
    housing = stage.as_("spoc.housing")
    housing.does("Do the action and record the outcome", stage.given(said.done, "The fitter was ill."), of=case)
    cora = stage.as_("cora")
    cora.does("Close the case or list it again", {"closeDecision": "CLOSE", "reason": "All is done."}, of=case)
    stage.settle()
    for part in ("overview", "papers", "actions", "timeline", "diagram"):
        page = cora.get(f"/cases/{whole.case_key}/{part}")
        assert page.status == 200, f"{part}: {page.status}"
