"""A referral without consent, from sign-in to closed actions, in a browser; every page on the way is held to the same standard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.agencies.models import Agency
from app.cases.parties import parties
from app.demo import story
from app.store.clock import business_now
from app.store.database import db
from tests.browser import filling
from tests.browser.backstage import Backstage
from tests.browser.conftest import Meet
from tests.browser.visiting import Visitor
from tests.procedures import answers as said

VICTIM = {"name": "Nell Ashdown", "dob": "1988-02-03", "alsoKnownAs": "Nelly Ashdown"}
PERPETRATOR = {"name": "Daren Poole", "dob": "1987-11-02", "relationshipToVictim": "EX_PARTNER"}
SILENT = "fire"


class Journey:
    """The case in hand, and who is where."""

    def __init__(self, meet: Meet, backstage: Backstage) -> None:
        self.meet = meet
        self.backstage = backstage
        self.earlier = backstage.cases()[0].key
        self.case = 0
        self.meeting = backstage.meetings()[0].key

    @property
    def reference(self) -> str:
        return self.backstage.case(self.case).reference

    def task(self, element: str, **where: Any) -> int:
        """The key of this case's task of an element."""
        return self.backstage.await_item(element, **(where or {"case_key": self.case})).key

    def given(self, answers: Any, *args: Any, **more: Any) -> dict[str, Any]:
        """Answers that look something up."""
        return self.backstage.look(lambda: answers(*args, **more))

    def room(self, username: str) -> Visitor:
        return self.meet(username).go(f"/meetings/{self.meeting}/room")


@pytest.fixture
def journey(meet: Meet, backstage: Backstage) -> Journey:
    return Journey(meet, backstage)


class Pages:
    """Checks each page of a form under the form's name. Pages of forms differ only in their questions."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, visitor: Visitor) -> None:
        visitor.check(f"{self.name}-{visitor.path.rpartition('/')[2]}", light=True)


def test_from_sign_in_to_closed_actions(journey: Journey) -> None:
    refer(journey)
    share_without_consent(journey)
    triage_and_list(journey)
    research(journey)
    chase(journey)
    open_the_room(journey)
    sign(journey)
    discuss(journey)
    close_the_conference(journey)
    approve_the_minutes(journey)
    act_and_close(journey)
    keep_the_case(journey)
    record_a_death(journey)


# ------------------------------------------------------------------------------------------------- the referral
def refer(j: Journey) -> None:
    """Rosa completes the risk checklist: mistakes are explained, rows come and go, what is typed outlives the browser."""
    j.meet().go("/").check("welcome")
    rosa = j.meet("rosa")
    rosa.page.goto(f"{rosa.base}/work")
    rosa.check("choose-who")
    rosa.prove()
    rosa.check("work").press("Refer a victim to MARAC")
    j.case = j.backstage.cases()[-1].key

    filling.press(rosa.page, "form[data-form] button.govuk-button[value=next]")
    assert "Enter" in rosa.errors[0]
    rosa.check("form-with-errors")
    rosa.page.locator(".govuk-error-summary__list a").first.click()
    assert rosa.page.evaluate("document.activeElement.name") == "victim.name"

    checklist = j.given(story.checklist_answers, VICTIM, PERPETRATOR)
    rosa.answer_page(checklist)
    people_of_a_list(rosa)
    rosa.answer_page(checklist)
    typed = rosa.page.locator("form[data-form] select, form[data-form] input[type=text]").first
    name = str(typed.get_attribute("name"))
    filling.fill(rosa.page, checklist)
    rosa.page.locator("[data-draft-status][data-state=saved]").wait_for()
    where = rosa.path

    rosa = j.meet("rosa", again=True)
    rosa.go(f"/work/{j.task('CompleteRiskChecklist')}").check("task-with-draft")
    rosa.go(where)
    assert rosa.page.locator(f'[name="{name}"]').input_value()
    rosa.answer(checklist, Pages("checklist"))
    rosa.check("check-answers")
    rosa.page.locator("main").get_by_role("link", name="Change Full name").first.click()
    rosa.page.wait_for_load_state()
    filling.press(rosa.page, "form[data-form] button.govuk-button[value=next]")
    rosa.send().check("confirmation")
    assert j.reference in rosa.text


def people_of_a_list(rosa: Visitor) -> None:
    """A repeating group takes a second person and lets them go again; what was typed of the first stays."""
    filling.fill(rosa.page, {"perpetrators": [PERPETRATOR]})
    filling.press(rosa.page, 'button[value="add:perpetrators"]')
    rows = filling.rows_of(rosa.page, "perpetrators")
    assert len(rows) == 2
    rosa.check("repeating-group")
    filling.press(rosa.page, f'button[value="remove:perpetrators.{rows[1][0]}"]')
    assert [row for row, _ in filling.rows_of(rosa.page, "perpetrators")] == [rows[0][0]]
    kept = rosa.page.locator(f'[name="perpetrators.{rows[0][0]}.name"]').input_value()
    assert kept == PERPETRATOR["name"]


def share_without_consent(j: Journey) -> None:
    """She does not agree; Rosa proposes to share, Mark authorises after signing in again; nobody else can meanwhile."""
    rosa = j.meet("rosa")
    rosa.does(j.task("SeekAgreement"), story.consent_answers(), Pages("consent"))
    rosa.does(j.task("CompleteIswcForm"), j.given(story.iswc_answers), Pages("sharing-form"))
    rosa.does(j.task("AnswerChecklist"), story.iswc_checklist_answers(), Pages("sharing-checklist"))

    decision = j.task("AuthoriseSharing")
    mark, maya = j.meet("mark"), j.meet("maya")
    mark.go("/work?view=team").check("work-of-the-team").follow("Authorise, narrow or refuse the sharing")
    mark.check("task").press("Take this task and start")
    maya.go(f"/work/{decision}").check("held-by-another")
    assert "Mark Mensah has this task" in maya.text
    mark.answer(story.authorise_answers(), Pages("authorise"))
    j.backstage.age_sign_in("mark")
    late = mark.context.new_page()
    late.goto(mark.page.url)
    mark.go(mark.path).check("check-answers-signing-in-again").send()
    first, mark.page = mark.page, late
    mark.press("Send").check("send-again").press("Send my answers").check("already-completed")
    assert "This task was completed by Mark Mensah on" in mark.text
    mark.page = first
    late.close()

    rosa.does(j.task("RecordPerpetratorDecision"), j.given(story.perpetrator_answers), Pages("perpetrator-decision"))
    rosa.does(j.task("SubmitReferral"), j.given(story.referral_answers), Pages("referral"))


def triage_and_list(j: Journey) -> None:
    """Cora checks the referral, decides whether the perpetrator is one already known, and lists the case."""
    cora = j.meet("cora")
    cora.go("/work?view=all").check("work-of-everybody")
    cora.open_task(j.task("CheckCompleteness"))
    seen: list[str] = []

    def look(visitor: Visitor) -> None:
        Pages("triage")(visitor)
        seen.append(visitor.text)

    cora.answer(story.triage_answers(), look).send()
    assert any("Darren Pole" in text for text in seen), "the earlier case is offered as a possible match"
    cora.does(j.task("ListCase"), story.listing_answers(j.meeting), Pages("listing"))
    cora.does(
        j.task("InviteAgencies"), j.given(said.invitations, j.backstage.agency("mill-lane")), Pages("invitations")
    )
    j.meet("ida").does(j.task("ContactVictim"), j.given(said.idva_contact), Pages("advocate-contact"))


# ------------------------------------------------------------------------------------------------- before the conference
def research(j: Journey) -> None:
    """The agenda goes out on its day; Housing answers several cases in one sitting and releases what it holds in one."""
    for key in (
        j.earlier,
        j.backstage.refer_and_list(story.VICTIM | {"name": "Ada Finch"}, story.PERPETRATOR | {"name": "Ray Finch"}),
    ):
        j.backstage.does("ida", "ContactVictim", said.idva_contact, key)
        j.backstage.does("cora", "InviteAgencies", said.invitations, key)
    j.meet("cora").go(f"/meetings/{j.meeting}").check("meeting-planned")
    j.backstage.advance_to(j.backstage.deadline(j.meeting, "agendaIssue") + timedelta(minutes=1))

    kwame = j.meet("spoc.housing")
    kwame.go("/work").check("work-of-a-spoc").press("Answer research").check("research-sheet")
    assert kwame.heading == "Research: 3 cases to answer"
    kwame.press("Nothing held in the cases selected")
    assert kwame.errors == ["Select the cases in which you hold nothing on anybody named"]
    kwame.check("research-sheet-with-errors")
    for section in kwame.page.locator("section.cv-research-case").all():
        if j.reference not in section.inner_text():
            section.get_by_role("checkbox").check()
    kwame.press("Nothing held in the cases selected").check("nothing-held")
    kwame.answer_page(j.given(said.destroyed))
    assert kwame.heading == "Research: 1 case to answer"
    kwame.check("research-sheet-after").press("We hold something")
    named = j.given(lambda: [str(party.key) for party in parties(j.case)])
    held = {**said.research_held(named), "attendeeName": filling.FIRST}
    kwame.answer(held, Pages("research-return")).send()

    kwame.go(f"/cases/{j.case}/papers").check("case-papers-of-a-spoc")
    kwame.page.locator("main form input[name=item]").first.check()
    kwame.press("Release to the meeting")
    assert "Those who hear the case can read it now" in kwame.text
    kwame.check("research-released")


def chase(j: Journey) -> None:
    """All but one agency answer; the silent one's strategic lead has to decide."""
    people = [item for item in j.backstage.items("ResearchAgency", case_key=j.earlier)]
    slugs = j.given(agency_slugs)
    for slug in sorted(slugs[item.agency_key] for item in people if item.agency_key in slugs):
        if slug not in (SILENT, "housing", "mill-lane"):
            j.backstage.nothing_held(f"spoc.{slug}", j.meeting)
    j.backstage.advance_to(j.backstage.deadline(j.meeting, "meetingStart") - timedelta(minutes=5))
    lead = j.meet(f"lead.{SILENT}")
    lead.go("/work").check("work-late")
    assert "late" in lead.text
    decision = j.backstage.item("DecideOnLateTask", agency_key=int(j.backstage.agency(SILENT)))
    stands = {"escalationDecision": "LET_STAND", "reason": "The duty officer has been asked to answer tonight."}
    lead.does(decision.key, stands, Pages("late-task"))
    j.meet("cora").go(f"/meetings/{j.meeting}").check("meeting-with-returns-outstanding")


def agency_slugs() -> dict[int, str]:
    return {row.key: row.slug for row in db.session.execute(select(Agency)).scalars()}


# ------------------------------------------------------------------------------------------------- the conference
def open_the_room(j: Journey) -> None:
    """The Chair rules on who cannot comply and reads the statement."""
    chidi = j.room("chidi").check("room-before")
    chidi.does(j.task("RuleOnConfidentiality", meeting_key=j.meeting), said.rulings(), Pages("rulings"))
    chidi.does(j.task("RemindVirtualAttendees", meeting_key=j.meeting), {"anyVirtual": "no"}, Pages("from-afar"))
    read = {"readAt": j.given(lambda: story.moment(business_now())), "attestation": True}
    chidi.does(j.task("ReadStatement", meeting_key=j.meeting), read, Pages("statement"))
    j.room("chidi").check("room-signing")


def sign(j: Journey) -> None:
    """People sign on their own account, on the room's device before a witness, and with a one-time link."""
    rhys = j.room("rhys").press("Sign now")
    rhys.answer(said.SIGNED, Pages("signature")).send()
    j.room("rhys").check("room-of-a-representative")
    assert "Signed at" in rhys.text

    cora = j.room("cora")
    witnessed = cora.page.locator("tr", has_text="Rita Cole")
    with cora.page.expect_navigation():
        witnessed.get_by_role("button", name="Sign on this device").click()
    cora.answer(said.SIGNED, Pages("signature-witnessed")).send()

    j.room("cora")
    with cora.page.expect_navigation():
        cora.page.locator("tr", has_text="Rafe Idowu").get_by_role("button", name="Make a one-time link").click()
    cora.check("one-time-link")
    address = cora.page.locator("#link").input_value()
    stranger = j.meet("")
    stranger.go(address.removeprefix(stranger.base)).check("sign-by-link").press("Sign")
    stranger.check("sign-by-link-with-errors")
    stranger.page.locator("input[name=comply][value=yes]").check()
    stranger.page.locator("input[name=sign]").check()
    stranger.press("Sign").check("signed-by-link")
    stranger.go(address.removeprefix(stranger.base), status=403)

    waiting = len(j.backstage.items("SignAttendance", meeting_key=j.meeting))
    for _ in range(waiting):
        j.backstage.does("cora", "SignAttendance", said.SIGNED)


def discuss(j: Journey) -> None:
    """Each case is heard in turn; the one in hand in the browser."""
    chidi = j.room("chidi")
    chidi.does(j.task("ReviewPreviousActions", meeting_key=j.meeting), {"attestation": True}, Pages("previous-actions"))
    present = next(str(row.key) for row, _, username in j.backstage.attendees(j.meeting) if username == "ida")
    police, idva = j.backstage.agency("police"), j.backstage.agency("idva")
    for _ in range(3):
        case = j.backstage.await_item("RecordDiscussion").case_key
        if case == j.case:
            hear(j, police)
            continue
        j.backstage.does("chidi", "RecordDiscussion", said.discussion(present, police), case)
        j.backstage.does("petra", "ConsiderDisclosure", said.POLICE, case)
        no_actions = {"actionsAgreed": "no", "noActionRationale": "Her plan holds.", **without_actions(idva)}
        j.backstage.does("chidi", "AgreeActionPlan", no_actions, case)


def without_actions(idva: str) -> dict[str, Any]:
    return {"leadAdvocateAgency": idva, "howVictimUpdated": "By telephone.", "urgentFeedback": "no"}


def hear(j: Journey, police: str) -> None:
    chidi = j.room("chidi").check("room-hearing")
    discussion = said.discussion(filling.FIRST, police)
    chidi.does(j.task("RecordDiscussion"), discussion, Pages("discussion"))
    j.meet("gwen").go("/work").check("work-empty")
    j.room("gwen").check("room-of-a-guest")
    j.meet("petra").does(j.task("ConsiderDisclosure"), said.POLICE, Pages("police"))
    actions = [("Fit a new door.", j.backstage.agency("housing"), j.backstage.user("rhys"), j.given(story.today, 7))]
    chidi.does(j.task("AgreeActionPlan"), said.plan(actions, j.backstage.agency("idva")), Pages("action-plan"))


def close_the_conference(j: Journey) -> None:
    """Mail accounts, what is kept, the end."""
    chidi, meeting = j.meet("chidi"), {"meeting_key": j.meeting}
    ended = {"endedAt": j.given(lambda: story.moment(business_now())), "hardCopiesLeft": True, "attestation": True}
    assured = {"assuranceFrom": filling.FIRST, "attestation": True}
    chidi.does(j.task("AssureMailAccounts", **meeting), assured, Pages("mail-accounts"))
    kept = {
        "documents": lambda rows: [{**row, "retain": "no", "reason": "Not needed."} for row in rows],
        "attestation": True,
    }
    chidi.does(j.task("DecideRetention", **meeting), kept, Pages("retention"))
    chidi.does(j.task("CloseConference", **meeting), ended, Pages("close"))
    j.backstage.settle()
    j.room("chidi").check("room-after")


# ------------------------------------------------------------------------------------------------- afterwards
def approve_the_minutes(j: Journey) -> None:
    cora, chidi = j.meet("cora"), j.meet("chidi")
    cora.does(j.task("DraftMinutes", meeting_key=j.meeting), {"attestation": True}, Pages("minutes"))
    j.backstage.age_sign_in("chidi")
    approved = {"minutesApproved": "yes", "attestation": True}
    chidi.does(j.task("ApproveMinutes", meeting_key=j.meeting), approved, Pages("minutes-approval")).check(
        "minutes-approved"
    )
    j.backstage.settle()
    cora.go(f"/meetings/{j.meeting}").check("meeting-held")


def act_and_close(j: Journey) -> None:
    """The door is fitted, the advocate reports back, the case closes."""
    rhys = j.meet("rhys").go("/work").check("work-of-an-action-owner")
    rhys.does(j.task("DoAction"), j.given(said.done), Pages("action"))
    told = j.given(said.told)
    j.meet("ida").does(j.task("TellVictim"), told, Pages("victim-feedback"))
    closed = {"closeDecision": "CLOSE", "reason": "Every action is done."}
    j.meet("cora").does(j.task("CloseOrRelist"), closed, Pages("close-or-relist"))
    assert j.backstage.case(j.case).state == "ACTIONS_CLOSED"
    cora = j.meet("cora").go(f"/cases/{j.case}").check("case-closed")
    assert "Actions closed" in cora.text


def keep_the_case(j: Journey) -> None:
    """A legal hold: without a reason it is refused, with one the case says that nothing of it is destroyed."""
    isla = j.meet("isla").go(f"/cases/{j.case}").follow("Set a legal hold").check("legal-hold")
    isla.press("Set the hold").check("legal-hold-with-errors")
    assert isla.errors == ["Enter why the case must be kept"]
    isla.page.get_by_label("Why must the case be kept?").fill("The coroner has asked for the papers.")
    isla.press("Set the hold").check("case-held")
    assert "under a legal hold" in isla.text
    isla.follow("Legal hold: why, and lifting it").check("legal-hold-set")
    assert "The coroner has asked" in isla.text


def record_a_death(j: Journey) -> None:
    """The victim dies: without a word on who said so it is refused, with it the case warns whoever would act, and it can be taken back."""
    isla = j.meet("isla").go(f"/cases/{j.case}").follow("The victim has died").check("death")
    isla.press("Record the death").check("death-with-errors")
    assert isla.errors == ["Enter what is known, and who said so"]
    isla.page.get_by_label("What is known, and who said so?").fill("The hospital has telephoned.")
    isla.press("Record the death").check("case-after-a-death")
    assert "The victim has died. Contact nobody" in isla.text
    isla.go(f"/cases/{j.case}/death").check("death-recorded")
    assert "The hospital has telephoned." in isla.text
