"""What changes on the way: who is asked, who presides, what the victim says, who does an action (01-marac §8, X3, X13, X17)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.access import decide
from app.access.permissions import Permission
from app.cases.involvement import grounds
from app.cases.models import Case, CaseState, Ground
from app.demo import story
from app.identity import register
from app.meetings import attendance, planning
from app.operations.mending import watching
from app.runtime import service as runtime
from app.runtime.models import Incident, Instance
from app.store.clock import end_of_day
from app.store.database import db
from app.work.models import ItemState
from tests.procedures import answers as said
from tests.procedures.acting import (
    answer_held,
    close_meeting,
    complete_checklist,
    discuss,
    everybody_signs,
    list_case,
    make_link,
    plan_meeting,
    refer_with_agreement,
    refer_without_consent,
    sign,
)
from tests.support.hours import Time
from tests.support.stage import Stage, london, pdf_text

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-05-06", "relationshipToVictim": "PARTNER"}
CUT = {"fgmKnownUnder18": "TOLD_BY_GIRL", "regulatedProfessional": "yes"}
REMINDER = "Reminder: a task is waiting for you"
AGENDA = "A meeting agenda has been issued"
DECIDE = "Your decision is needed"


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def what_is_broken(stage: Stage) -> list[str]:
    """The incidents, after a look for what has stopped without the engine knowing."""
    with stage.app.app_context():
        watching.look()
    return list(stage.look(lambda: [i.message for i in db.session.query(Incident)]))


# ------------------------------------------------------------------------------------------- before the conference
def test_what_changes_before_the_conference(stage: Stage) -> None:
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_without_consent(stage, story.VICTIM, story.PERPETRATOR, **CUT)
    other = refer_with_agreement(stage, JOAN, MICK)
    list_case(stage, case, meeting)
    list_case(stage, other, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    an_agency_invited_late_is_asked_at_once(stage, meeting, case, other)
    who_holds_the_research_is_reminded(stage)
    more_time_is_given_once_for_all_cases(stage, meeting)
    the_victim_withdraws_her_agreement(stage, case)
    each_report_and_each_sharing_is_followed_up_of_its_own(stage)
    the_meeting_is_cancelled(stage, meeting, case, other)
    assert what_is_broken(stage) == [
        "Nobody can take this task: it is for Authorising manager at Mill Lane Surgery, and nobody holds that role."
    ], "the surgery that reported has nobody to review it"


def an_agency_invited_late_is_asked_at_once(stage: Stage, meeting: int, case: str, other: str) -> None:
    """Its own copy of the agenda, a notice and its research task, with the time that is left (C1, DMN-M6 row 5)."""
    cora = stage.as_("cora")
    surgery = int(stage.agency("mill-lane"))
    stage.post()
    cora.get(f"/cases/{stage.case(case).key}")
    cora.press("Invite another agency")
    cora.does("Invite further agencies", said.invitations(str(surgery)), of=case)
    assert {"spoc.mill-lane", "gwen"} <= (told := stage.told(AGENDA))
    assert "spoc.fire" not in told, "the others have had theirs"
    paper = next(d for d in stage.documents(meeting_key=meeting, kind="agenda", for_agency=surgery))
    text = pdf_text(stage.as_("gwen").download(f"/documents/{paper.key}"))
    assert case in text
    assert other not in text
    task = stage.items("ResearchAgency", agency_key=surgery)
    assert [(item.case_key, item.due_at) for item in task] == [(stage.case(case).key, london(16, 3, 12))]
    answer_held(stage, "spoc.mill-lane", case, **CUT)


def who_holds_the_research_is_reminded(stage: Stage) -> None:
    """§8: the first reminder goes to the SPOC while nobody has the task, otherwise to its holder; one for both cases."""
    deputy = stage.as_("deputy.fire")
    fire = stage.items("ResearchAgency", agency_key=int(stage.agency("fire")))
    for item in fire:
        deputy.get(f"/work/{item.key}")
        deputy.press("Take this task")
    stage.post()
    stage.at(london(12, 3, 10, 1))
    letters = [str(one["To"]).partition("@")[0] for one in stage.post() if str(one["Subject"]).startswith(REMINDER)]
    assert letters.count("deputy.fire") == 1
    assert "spoc.fire" not in letters
    assert letters.count("spoc.youth") == 1
    assert "deputy.youth" not in letters


def more_time_is_given_once_for_all_cases(stage: Stage, meeting: int) -> None:
    """The lead of the youth service gives more time: both cases have it, and the Chair is asked no more until it is up."""
    stage.at(london(16, 3, 12, 1))
    stage.post()
    lead, chidi = stage.as_("lead.youth"), stage.as_("chidi")
    youth = int(stage.agency("youth"))
    waiting = chidi.tasks("Decide on the late task")
    given = {"escalationDecision": "EXTEND", "newDue": "2026-03-16T17:00", "reason": "The system is down."}
    lead.does("Decide on the late task", given)
    assert len(chidi.tasks("Decide on the late task")) == len(waiting) - 1
    requests = stage.items("ResearchAgency", agency_key=youth)
    assert {item.due_at for item in requests} == {london(16, 3, 17)}
    assert (one := stage.deadline(meeting, f"returns-{youth}")) is not None
    assert one.due_at == london(16, 3, 17)
    stage.at(london(16, 3, 17, 1))
    assert len(chidi.tasks("Decide on the late task")) == len(waiting)


def the_victim_withdraws_her_agreement(stage: Stage, case: str) -> None:
    """X3: the case stays on its list; everybody who has it is told at once; a manager decides on sharing without it."""
    ida, rosa, cora = (stage.as_(name) for name in ("ida", "rosa", "cora"))
    key = stage.case(case).key
    rosa.get(f"/cases/{key}")
    assert not rosa.page.has_button("The victim’s agreement has changed")
    ida.get(f"/cases/{key}")
    ida.press("The victim’s agreement has changed")
    stage.post()
    ida.does("Record what the victim now says", story.consent_answers("WITHDRAWN"), of=case)
    assert {"spoc.police", "spoc.mill-lane", "cora", "chidi"} <= stage.told("What may be shared has changed")
    assert stage.state(case) == CaseState.READY, "it is not taken off the list"
    ida.does("Complete the form for sharing without consent", stage.given(story.iswc_answers), of=case)
    ida.does("Answer the ten sharing questions", story.iswc_checklist_answers(), of=case)
    stage.as_("mark").does("Authorise, narrow or refuse the sharing", story.authorise_answers(), of=case)
    settled = {"consentEffect": "AUTHORISED", "usesStopped": "The letter to her school.", "victimToldOfEffect": "yes"}
    cora.does("Settle what the change means", settled, of=case)


def each_report_and_each_sharing_is_followed_up_of_its_own(stage: Stage) -> None:
    """At once, while what was there before about the same case is still open (X20: whoever finds out has the duty; P6 S6.7)."""
    reports = stage.items("ReportFgm", state=ItemState.OPEN)
    assert [item.agency_key for item in reports] == [int(stage.agency(slug)) for slug in ("children", "mill-lane")]
    records = stage.items("RecordSharing", state=ItemState.OPEN)
    assert [str(item.assignee) for item in records] == [stage.user(name) for name in ("rosa", "ida")]
    early, late = (item.due_at for item in records)
    assert early is not None
    assert late is not None
    assert early < late, "what is late stays late"


def test_two_sharings_of_one_author_and_case_have_dates_of_their_own(stage: Stage) -> None:
    """P6 S6.7, S6.8: authorised at the same moment, reviewed on the same day; what is done in one is not done in the other."""
    case = complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=16)
    row, rosa = stage.case(case), stage.user("rosa")
    given = {"author": rosa, "authorAgency": stage.agency("children"), "reviewResponsible": rosa}
    with stage.app.app_context():
        for _ in range(2):
            payload = {
                **given,
                "caseId": str(row.key),
                "retrospective": False,
                "reviewDate": date(2026, 5, 1),
                "notifyClient": False,
            }
            runtime.publish_message("sharing-authorised", "", payload, area_key=row.area_key, case_key=row.key)
        db.session.commit()
    records = stage.items("RecordSharing", state=ItemState.OPEN)
    names = [str(item.deadline) for item in records]
    assert len(set(names)) == 2
    stage.as_("rosa").does("Record what was shared", stage.given(said.shared, stage.agency("police")), of=case)
    found = [stage.deadline(row.key, name) for name in names]
    assert sorted(one is not None and one.met_at is None for one in found) == [False, True]


def the_meeting_is_cancelled(stage: Stage, meeting: int, case: str, other: str) -> None:
    """X17: its cases are listed for another meeting, each asked whether it can wait; nothing of it is chased any more."""
    cora, chidi = stage.as_("cora"), stage.as_("chidi")
    stage.post()
    cora.get(f"/meetings/{meeting}")
    cora.press("Cancel the meeting")
    assert cora.page.errors == ["Enter why the meeting is cancelled"]
    cora.press("Cancel the meeting", reason="The town is flooded.")
    assert "Cancelled: The town is flooded." in cora.page.text
    assert {"rita", "spoc.fire", "gwen", "spoc.mill-lane"} <= stage.told("A meeting has been cancelled")
    assert {stage.state(case), stage.state(other)} == {CaseState.TRIAGED}
    assert stage.items("ResearchAgency", state=ItemState.OPEN) == []
    assert chidi.tasks("Decide on the late task") == []
    assert {d.status for d in stage.documents(meeting_key=meeting)} == {"destroyed"}
    assert stage.deadline(meeting, "meetingStart") is None
    again = plan_meeting(stage, london(31, 3, 10))
    cora.open_task("List the case for a meeting", case)
    assert "its meeting was cancelled" in cora.page.text
    cora.answer({**story.listing_answers(again), "useEmergencyRoute": "no"}).submit()
    assert stage.state(case) == CaseState.LISTED
    stage.at(london(23, 3, 10, 1))
    assert stage.state(case) == CaseState.RESEARCHING
    asked = stage.items("ResearchAgency", case_key=stage.case(case).key, state=ItemState.OPEN)
    assert int(stage.agency("fire")) in {item.agency_key for item in asked}


# ------------------------------------------------------------------------------------------- in the room and after
def test_what_changes_in_the_room_and_after(stage: Stage) -> None:
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    answer_held(stage, "spoc.housing", case, involved="NONE")
    stage.at(london(17, 3, 9, 55))
    the_deputy_presides(stage, meeting)
    somebody_is_ruled_on_again(stage, meeting, case)
    dee = stage.as_("dee")
    dee.does("Review the actions of the last meeting", {"attestation": True})
    discuss(stage, meeting, case, [("Fit a safer door", "housing", "spoc.housing", "2026-03-31")])
    close_meeting(stage, meeting)
    stage.settle()
    sheet = stage.documents(meeting_key=meeting, kind="attendance-sheet")[-1]
    printed = pdf_text(stage.as_("cora").download(f"/documents/{sheet.key}"))
    assert "Chair Dee Dunne, who presides in the Chair's place" in " ".join(printed.split())
    cora = stage.as_("cora")
    cora.does("Destroy the papers that are not kept", stage.given(said.papers_destroyed))
    cora.does("Draft the minutes", {"corrections": [], "attestation": True})
    assert dee.find_task("Approve the minutes") is None, "the Chair approves them, whoever has presided"
    assert stage.as_("chidi").find_task("Approve the minutes") is not None
    the_owner_declines_the_action(stage, case)
    who_works_with_the_family_changes(stage, case)
    assert what_is_broken(stage) == []


def the_deputy_presides(stage: Stage, meeting: int) -> None:
    """A recorded decision: the deputy has the Chair's tasks and rights in this room, and in no other."""
    cora, dee, rita = (stage.as_(name) for name in ("cora", "dee", "rita"))
    cora.get(f"/meetings/{meeting}")
    cora.press("Add", name="Una Welsh", job="Health visitor", organisation="Ambleford Health", role="observer")
    later = plan_meeting(stage, london(31, 3, 10))
    assert dee.find_task("Rule on who cannot comply") is None
    rita.get(f"/meetings/{meeting}")
    assert not rita.page.has_button("Record who presides")
    cora.get(f"/meetings/{meeting}")
    cora.press("Record who presides", presiding=stage.user("dee"))
    assert cora.page.errors == ["Enter why somebody else presides, or the Chair again"]
    cora.press("Record who presides", presiding=stage.user("dee"), reason="The Chair is ill.")
    assert "Dee Dunne presides in the Chair’s place." in cora.page.text

    stage_user = int(stage.user("dee"))

    def may_chair(key: int) -> bool:
        person = register.person_for(stage_user)
        return decide.allowed(person, Permission.MEETING_ROOM_CHAIR, attendance.facts_of(planning.find(key)))

    assert [stage.look(lambda key=key: may_chair(key)) for key in (meeting, later)] == [True, False]
    dee.does("Rule on who cannot comply", said.rulings())
    dee.does("Remind those who attend from afar", {"anyVirtual": "no"})
    dee.does("Read the confidentiality statement", {"attestation": True})


def somebody_is_ruled_on_again(stage: Stage, meeting: int, case: str) -> None:
    """Who says no at the signing waits, unsigned, for a ruling in the room; then they sign as a newcomer does."""
    dee, rafe, rhys, joyce = (stage.as_(name) for name in ("dee", "rafe", "rhys", "spoc.education"))
    room = f"/meetings/{meeting}/room"
    refusal = {**said.SIGNED, "canComply": "no", "cannotComplyReason": "A neighbour.", "signature": None}
    una = stage.people.stranger()
    una.get(make_link(stage, meeting, "Una Welsh"))
    una.press("Sign", comply="no", reason="She is my cousin.")
    assert "You have not signed" in una.page.text
    for browser in (rafe, rhys, joyce):
        browser.get(room)
        browser.press("Sign now")
        browser.answer(refusal).submit()
    everybody_signs(stage, meeting, except_=("rafe", "rhys", "spoc.education", ""))
    signed = {name: row.signed_at for row, _, name in stage.attendees(meeting)}
    assert (signed["rafe"], signed["rhys"], signed["spoc.education"]) == (None, None, None)
    assert not stage.as_("cora").get(room).has_button("Record the ruling"), "the Chair rules, or who presides"
    assert "You wait for the Chair’s ruling." in rafe.get(room).text
    dee.get(room)
    dee.press("Record the ruling", "Rafe Idowu", ruling="PART", cases=[str(stage.case(case).key)])
    assert rafe.get(room).has_button("Sign now")
    dee.press("Record the ruling", "Rafe Idowu", ruling="OUT")
    assert "She is my cousin." in dee.page.text
    dee.press("Record the ruling", "Una Welsh", ruling="OUT")
    dee.press("Record the ruling", "Rhys Tanner", ruling="SIGN")
    dee.press("Record the ruling", "Joyce Teal", ruling="PART", cases=[str(stage.case(case).key)])
    rows = {name: (row.ruling, row.ruled_by) for row, _, name in stage.attendees(meeting)}
    ruler = int(stage.user("dee"))
    assert rows["rafe"] == ("excluded", ruler)
    assert rows["spoc.education"] == ("continueRestricted", ruler)
    assert rafe.status_of(room) == 404
    entering = stage.items("SignOnEntry", meeting_key=meeting)
    asked = {item.deadline for item in entering if item.state == ItemState.OPEN}
    seats = {name: f"signature-{row.key}" for row, _, name in stage.attendees(meeting)}
    assert asked == {seats["rhys"], seats["spoc.education"]}, "who is not admitted is asked no more"
    sign(stage, meeting, ["rhys"])
    joyce.get(room)
    joyce.press("Sign now")
    joyce.answer({**said.SIGNED, "canComply": "no", "cannotComplyReason": "A neighbour."}).submit()
    signed = {name: row.signed_at is not None for row, _, name in stage.attendees(meeting)}
    assert (signed["rafe"], signed["rhys"], signed["spoc.education"]) == (False, True, True)


def the_owner_declines_the_action(stage: Stage, case: str) -> None:
    """X13: the agency's lead answers for it, then the Chair gives it to an agency that accepts it; who keeps the case is weighed again."""
    housing, children = int(stage.agency("housing")), int(stage.agency("children"))
    key = stage.case(case).key
    declined = {"actionStatus": "DECLINED", "notDoneOutcome": "We have no fitter."}
    stage.as_("spoc.housing").does("Do the action and record the outcome", declined, of=case)
    lead, chidi = stage.as_("lead.housing"), stage.as_("chidi")
    lead.open_task("Answer for an action that your agency declines", case)
    assert "We have no fitter." in lead.page.text
    lead.answer({"declineAnswer": "CONFIRM", "dissent": "It is the landlord's duty."}).submit()
    assert stage.as_("spoc.housing").status_of(f"/cases/{key}") == 200
    chidi.open_task("Decide on a declined action", case)
    assert "It is the landlord's duty." in chidi.page.text
    new = {"newOwnerAgency": str(children), "newOwnerPerson": stage.user("rita"), "acceptedBy": "Rita Cole"}
    chidi.answer({"declinedDecision": "REASSIGN", **new, "newDueDate": "2026-04-07"}).submit()
    assert stage.as_("spoc.housing").status_of(f"/cases/{key}") == 404, "it has no part in the case any more"
    assert stage.look(lambda: grounds(key))[housing] == {Ground.WITHDRAWN}
    assert f"Do the action and record the outcome {case}" in stage.as_("rita").tasks(case)


def who_works_with_the_family_changes(stage: Stage, case: str) -> None:
    """DMN-M7 is applied again when an involvement begins or ends."""
    cora, key = stage.as_("cora"), stage.case(case).key
    for involved, status in (("yes", 200), ("no", 404)):
        cora.get(f"/cases/{key}")
        cora.press("Record it", agency=stage.agency("housing"), involved=involved)
        assert not cora.page.errors
        assert stage.as_("spoc.housing").status_of(f"/cases/{key}") == status


# ------------------------------------------------------------------------------------------- what ends early
def test_what_ends_early_is_kept_and_reviewed(stage: Stage) -> None:
    """A referral that never left its agency is reviewed there, ten years on, and not by the police."""
    case = complete_checklist(stage, JOAN, MICK, ticks=4)
    given: dict[str, Any] = {
        "signpostRoute": "SPECIALIST_SERVICE",
        "specialistOffered": "yes",
        "reason": "Four ticks.",
        "plan": "The helpline.",
        "riskReviewDue": stage.given(story.today, 30),
    }
    stage.as_("rosa").does("Signpost, and set a review date", given, of=case)
    review = stage.deadline(stage.case(case).key, "retentionReview")
    assert review is not None
    assert review.due_at.date().isoformat() == "2036-03-02"
    two_reviews_of_a_risk_keep_their_own_dates(stage, stage.case(case).key)


def two_reviews_of_a_risk_keep_their_own_dates(stage: Stage, case: int) -> None:
    """One that is late stays late when another of the same case comes up."""
    first, second = end_of_day(date(2026, 4, 1)), end_of_day(date(2026, 4, 9))
    row = stage.look(lambda: db.session.get(Case, case))
    agency = int(stage.agency("children"))
    given = {"caseId": str(case), "reviewer": stage.user("rita"), "reviewerAgency": str(agency)}
    with stage.app.app_context():
        payload = {**given, "riskReviewDue": second.date()}
        runtime.publish_message("risk-review-set", "", payload, area_key=row.area_key, case_key=case)
        db.session.commit()
    stage.at(london(8, 4, 10))
    assert sorted(item.due_at for item in stage.items("ReviewRisk") if item.due_at) == [first, second]
    for due in (first, second):
        found = stage.deadline(case, f"riskReview-{due.date()}")
        assert found is not None
        assert (found.due_at, found.met_at) == (due, None)


def test_what_a_cancelled_task_was_due_by_is_not_late(stage: Stage) -> None:
    """Its own dates go with it; those of the case and the meeting, and what was done, stay (DESIGN rule 4)."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=16)
    key = stage.case(case).key
    assert stage.deadline(key, "agreement") is not None
    with stage.app.app_context():
        for dossier in (key, meeting):
            column = Instance.case_key if dossier == key else Instance.meeting_key
            row = db.session.execute(select(Instance).where(column == dossier)).scalars().first()
            assert row is not None
            runtime.cancel_instance(row.key, by=None)
        db.session.commit()
    assert stage.deadline(key, "agreement") is None
    done = stage.deadline(key, "riskChecklist")
    assert done is not None
    assert done.met_at is not None
    assert stage.deadline(meeting, "agendaIssue") is not None, "the meeting's own, by which the task was due"
    stage.at(london(20, 3, 10))
    rosa = stage.as_("rosa")
    rosa.get(f"/cases/{key}/deadlines")
    assert "Late" not in rosa.page.text


def test_the_author_of_an_emergency_sharing_cannot_authorise_it(stage: Stage) -> None:
    """Rosa shares at once and gives the record of it back; holding the manager's role too she may not authorise it all the same."""
    rosa, cora = stage.as_("rosa"), stage.as_("cora")
    case = complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=16)
    rosa.does("Seek the victim's agreement, if safe", story.consent_answers("NOT_PRACTICABLE"), of=case)
    form = {**stage.given(story.iswc_answers), "lifeOrDeath": "yes"}
    rosa.does("Complete the form for sharing without consent", form, of=case)
    rosa.does("Answer the ten sharing questions", story.iswc_checklist_answers(), of=case)
    record = stage.items("RecordSharing")[-1]
    rosa.get(f"/work/{record.key}")
    if rosa.page.has_button("Give it back"):
        rosa.press("Give it back")
    cora.get(f"/admin/people/{stage.user('rosa')}")
    cora.press("Give the role", role="authorising-manager", agency=stage.agency("children"))
    task = stage.items("AuthoriseRetrospectively")[-1]
    rosa.get(f"/work/{task.key}")
    assert "A second person must do this task" in rosa.page.text
    assert rosa.post(f"/work/{task.key}/claim", {}).status in (403, 409)
    mark = stage.as_("mark")
    mark.does("Authorise the emergency sharing after the event", stage.given(said.authorised_afterwards), of=case)
    rosa.does("Record what was shared", stage.given(said.shared, stage.agency("police")), of=case)
    rosa.does("Tell the client, unless it is unsafe", stage.given(said.client_told), of=case)
    stage.settle()
    paper = stage.documents(kind="iswc-form")[-1]
    text = pdf_text(mark.download(f"/documents/{paper.key}"))
    for words in ("Whose information The client", "How told by telephone", "Where he is staying.", "She is relieved."):
        assert words in text
