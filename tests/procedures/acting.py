"""What the people of the borough do, page by page: the sentences that scenarios are written in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.demo import story
from tests.procedures import answers as said
from tests.support.stage import Stage, plain


# ------------------------------------------------------------------------------------------------- referral
def plan_meeting(stage: Stage, at: datetime) -> int:
    """The co-ordinator plans a conference; its key."""
    cora = stage.as_("cora")
    cora.start("marac-meeting")
    cora.answer(stage.given(story.meeting_answers, at)).submit()
    return stage.meetings()[-1].key


def complete_checklist(
    stage: Stage, victim: dict[str, Any], perpetrator: dict[str, Any], ticks: int, **more: Any
) -> str:
    """Rosa completes the risk checklist of a new case; its reference."""
    rosa = stage.as_("rosa")
    rosa.start("marac-case")
    rosa.answer({**stage.given(story.checklist_answers, victim, perpetrator, ticks=ticks), **more}).submit()
    return stage.newest_case()


def ask_to_share_without_consent(stage: Stage, case: str) -> None:
    """She refuses; Rosa sets out why it should be shared all the same (P6)."""
    rosa = stage.as_("rosa")
    rosa.does("Seek the victim's agreement, if safe", story.consent_answers("REFUSED"), of=case)
    rosa.does("Complete the form for sharing without consent", stage.given(story.iswc_answers), of=case)
    rosa.does("Answer the ten sharing questions", story.iswc_checklist_answers(), of=case)


def send_referral(stage: Stage, case: str, **more: Any) -> None:
    """Rosa decides what is shared about the perpetrator, and sends the referral."""
    rosa = stage.as_("rosa")
    rosa.does("Decide what is shared about the perpetrator", stage.given(story.perpetrator_answers), of=case)
    rosa.does("Complete and send the referral", plain(stage.given(story.referral_answers), **more), of=case)


def refer_with_agreement(stage: Stage, victim: dict[str, Any], perpetrator: dict[str, Any]) -> str:
    """Rosa refers somebody who agrees; the case's reference."""
    case = complete_checklist(stage, victim, perpetrator, ticks=15)
    stage.as_("rosa").does("Seek the victim's agreement, if safe", story.consent_answers("GIVEN"), of=case)
    send_referral(stage, case)
    return case


def refer_without_consent(stage: Stage, victim: dict[str, Any], perpetrator: dict[str, Any], **more: Any) -> str:
    """Rosa refers somebody who refuses, and Mark authorises it; the case's reference."""
    case = complete_checklist(stage, victim, perpetrator, ticks=16, **more)
    ask_to_share_without_consent(stage, case)
    stage.as_("mark").does("Authorise, narrow or refuse the sharing", story.authorise_answers(), of=case)
    send_referral(stage, case)
    return case


def list_case(stage: Stage, case: str, meeting: int, guest: str | None = None) -> None:
    """Cora checks the referral, lists the case and invites whom it needs."""
    cora = stage.as_("cora")
    cora.does("Check the referral and match the people", story.triage_answers(), of=case)
    cora.does("List the case for a meeting", story.listing_answers(meeting), of=case)
    cora.does("Invite further agencies", said.invitations(stage.agency(guest) if guest else None), of=case)


# ------------------------------------------------------------------------------------------------- research
def answer_held(stage: Stage, username: str, case: str, *, involved: str = "VICTIM", **more: Any) -> None:
    """An agency holds something in a case: answered from the research sheet."""
    browser = stage.as_(username)
    browser.get("/work")
    browser.follow("Answer research")
    held_already = browser.page.has_button("Carry on: we hold something")
    browser.press("Carry on: we hold something" if held_already else "We hold something", case)
    held = stage.given(said.research_held, stage.parties(case), involved, username.endswith(".police"))
    browser.answer(plain(held, attendeeName=stage.user(username), **more)).submit()


def answer_nothing_held(stage: Stage, username: str) -> None:
    """An agency holds nothing in any case of its sheet: all confirmed at once, the request destroyed."""
    browser = stage.as_(username)
    browser.get("/work")
    browser.follow("Answer research")
    sheet, _ = browser.page.button("Nothing held in the cases selected")
    sheet.write("item", sheet.choices("item"))
    browser.send(sheet)
    browser.answer_page(stage.given(said.destroyed))
    assert browser.page.status == 200, browser.page.text


# ------------------------------------------------------------------------------------------------- conference
def open_meeting(stage: Stage, meeting: int, excluded: str = "") -> None:
    """The Chair rules on who cannot comply, reminds those far away and reads the statement."""
    chidi = stage.as_("chidi")
    chidi.does("Rule on who cannot comply", said.rulings(excluded or None, "EXCLUDED"))
    chidi.does("Remind those who attend from afar", {"anyVirtual": "no"})
    chidi.does("Read the confidentiality statement", {"attestation": True})


def sign(stage: Stage, meeting: int, usernames: Iterable[str]) -> None:
    """People sign on their own accounts."""
    for username in usernames:
        browser = stage.as_(username)
        browser.get(f"/meetings/{meeting}/room")
        browser.press("Sign now")
        browser.answer(said.SIGNED).submit()


def sign_on_the_rooms_device(stage: Stage, meeting: int, name: str) -> None:
    """Somebody signs on the room's device, and Cora witnesses it."""
    cora = stage.as_("cora")
    cora.get(f"/meetings/{meeting}/room")
    cora.press("Sign on this device", name)
    cora.answer(said.SIGNED).submit()


def make_link(stage: Stage, meeting: int, name: str) -> str:
    """Cora makes a one-time link for somebody; its address."""
    cora = stage.as_("cora")
    cora.get(f"/meetings/{meeting}/room")
    cora.press("Make a one-time link", name)
    return str(cora.page.document.get_element_by_id("link").get("value"))


def everybody_signs(stage: Stage, meeting: int, except_: Iterable[str] = ()) -> None:
    """Everybody on the list signs, those without an account by link."""
    for row, name, username in stage.attendees(meeting):
        if row.signed_at is not None or row.ruling == "excluded" or username in except_:
            continue
        if username:
            sign(stage, meeting, [username])
        else:
            browser = stage.people.stranger()
            browser.get(make_link(stage, meeting, name))
            browser.press("Sign", comply="yes", sign="yes")


def discuss(stage: Stage, meeting: int, case: str, actions: list[tuple[str, str, str, str]]) -> None:
    """The conference hears a case and agrees its plan: (what, agency, owner, due date) for each action."""
    chidi = stage.as_("chidi")
    presenter = stage.attendee(meeting, "Rita Cole")
    chidi.does("Record what is shared and the risk", said.discussion(presenter, stage.agency("police")), of=case)
    stage.as_("petra").does("Consider disclosure and wanted offenders", said.POLICE, of=case)
    agreed = [(what, stage.agency(agency), stage.user(owner), due) for what, agency, owner, due in actions]
    chidi.does("Agree the action plan", said.plan(agreed, stage.agency("idva")), of=case)


def close_meeting(stage: Stage, meeting: int) -> None:
    """Assurances, what is kept, and the close."""
    chidi = stage.as_("chidi")
    assured = [stage.attendee(meeting, "Rita Cole")]
    chidi.does("Remind of mail accounts, obtain assurance", {"assuranceFrom": assured, "attestation": True})
    chidi.does("Decide which documents are kept", said.retention())
    chidi.does("Close the conference", {"hardCopiesLeft": True, "attestation": True})


def issue_minutes(stage: Stage) -> None:
    """Cora destroys the papers and drafts the minutes, the Chair approves, and they go out."""
    cora = stage.as_("cora")
    cora.does("Destroy the papers that are not kept", stage.given(said.papers_destroyed))
    cora.does("Draft the minutes", {"corrections": [], "attestation": True})
    stage.as_("chidi").does("Approve the minutes", {"minutesApproved": "yes", "attestation": True})
    stage.settle()
