"""The main job, through the pages, as the people of the borough over seven weeks (01-marac §7 and §8).

Business time begins on Monday 2 March 2026 at 9:00 and moves only where a line says so.
"""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from app.audit import verify
from app.cases.involvement import grounds
from app.cases.models import CaseState, Ground
from app.demo import story
from app.runtime.models import Incident, TimerRow
from app.store.database import db
from app.work.models import ItemState
from tests.procedures import answers as said
from tests.procedures.acting import (
    answer_held,
    answer_nothing_held,
    ask_to_share_without_consent,
    close_meeting,
    complete_checklist,
    discuss,
    everybody_signs,
    issue_minutes,
    list_case,
    make_link,
    open_meeting,
    plan_meeting,
    refer_with_agreement,
    send_referral,
    sign_on_the_rooms_device,
)
from tests.support.costs import counted
from tests.support.hours import Time
from tests.support.stage import Stage, london, pdf_text

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-05-06", "relationshipToVictim": "PARTNER"}
AT_MOST = 12  # statements of a completion through a page: what asks for more follows in a job of its own
REMINDER = "Reminder: a task is waiting for you"
LATE = "A task is late"
DECIDE = "Your decision is needed"


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def test_a_referral_below_the_threshold_is_signposted(stage: Stage) -> None:
    case = complete_checklist(stage, JOAN, MICK, ticks=4)
    rosa = stage.as_("rosa")
    assert rosa.tasks(case) == [f"Signpost, and set a review date {case}"]
    rosa.does(
        "Signpost, and set a review date",
        {
            "signpostRoute": "SPECIALIST_SERVICE",
            "specialistOffered": "yes",
            "reason": "Four ticks, and nothing new since.",
            "plan": "The helpline, and a safer lock.",
            "riskReviewDue": stage.given(story.today, 30),
        },
        of=case,
    )
    assert stage.state(case) == CaseState.REJECTED_SIGNPOSTED
    assert rosa.tasks(case) == []
    assert stage.as_("cora").tasks(case) == [], "a case that was never referred is not the co-ordinator's"


def test_a_referral_runs_to_closed_actions(stage: Stage) -> None:
    with counted(stage.app) as costs:
        the_case_is_played(stage)
    assert {name for name, number in costs.commits.items() if number != 1} == set()
    found = {name: len(statements) for name, statements in costs.statements.items()}
    assert {name: number for name, number in found.items() if number > AT_MOST} == {}
    assert costs.following.keys().isdisjoint({"SeekAgreement", "ContactVictim", "SignAttendance"}), (
        "these ask for no more"
    )
    assert {"AgreeActionPlan", "CloseConference", "DecideOnLateTask"} <= costs.following.keys()


def the_case_is_played(stage: Stage) -> None:
    """Seven weeks of the borough."""
    mark, cora, chidi = (stage.as_(name) for name in ("mark", "cora", "chidi"))

    # Week 1, Monday: a conference is planned; somebody at high risk refuses; sharing waits for a manager.
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=16)
    ask_to_share_without_consent(stage, case)
    stage.post()
    assert stage.state(case) == CaseState.DRAFT
    assert mark.tasks(case) == [f"Authorise, narrow or refuse the sharing {case}"]
    the_author_cannot_authorise(stage, case)
    mark.open_task("Authorise, narrow or refuse the sharing", case)
    (papers,) = mark.page.links("What was submitted")
    form = mark.page.path
    assert "Threats have become more frequent" in mark.get(papers).text, "who decides can read what he decides on"
    mark.get(form)
    mark.answer(story.authorise_answers()).submit()
    send_referral(stage, case)
    assert stage.state(case) == CaseState.SUBMITTED

    # The co-ordinator lists it with another, and invites the surgery for the first case alone.
    other = refer_with_agreement(stage, JOAN, MICK)
    list_case(stage, case, meeting, guest="mill-lane")
    list_case(stage, other, meeting)
    assert {stage.state(case), stage.state(other)} == {CaseState.LISTED}
    for reference in (case, other):
        stage.as_("ida").does("Contact the victim safely", stage.given(said.idva_contact), of=reference)

    # Wednesday: the room is flooded, and the meeting moves by a week with everything that hangs on it.
    stage.at(london(4, 3, 9))
    move_the_meeting(stage, meeting)

    # The old day of issue passes quietly. The co-ordinator is reminded ten days before, the agenda goes out eight days before.
    stage.at(london(9, 3, 10, 1))
    assert stage.state(case) == CaseState.LISTED
    stage.post()
    stage.at(london(14, 3, 9, 59))
    assert stage.told(REMINDER) == set()
    stage.at(london(14, 3, 10, 1))
    assert stage.told(REMINDER) == {"cora"}
    stage.at(london(16, 3, 9, 59))
    assert "spoc.fire" not in stage.told("A meeting agenda has been issued")
    stage.at(london(16, 3, 10, 1))
    assert {"spoc.fire", "deputy.fire", "gwen"} <= stage.told("A meeting agenda has been issued")
    assert {stage.state(case), stage.state(other)} == {CaseState.RESEARCHING}

    # Research: six agencies hold something, six hold nothing in either case, the fire service never answers.
    for slug in ("police", "idva", "children", "housing", "education"):
        for reference in (case, other):
            involved = "NONE" if slug in ("housing", "education") else "VICTIM"
            answer_held(stage, f"spoc.{slug}", reference, involved=involved)
    an_agency_holds_nothing_in_two_cases(stage, case, other)
    for slug in ("probation", "hospital", "mental-health", "substance", "youth"):
        answer_nothing_held(stage, f"deputy.{slug}")
    the_surgery_is_asked_about_its_own_case(stage, case, other)
    items_are_released_one_by_one(stage, case)
    the_fire_service_never_answers(stage, case, other)

    # Tuesday of week 4: the conference.
    stage.at(london(24, 3, 9, 55))
    assert {stage.state(case), stage.state(other)} == {CaseState.READY}
    the_conference_is_held(stage, meeting, case, other)

    # Afterwards: access ends where there is no role, then minutes go out, cut for each copy holder.
    access_after_the_meeting(stage, case, other)
    issue_minutes(stage)
    assert {"spoc.police", "spoc.housing", "gwen"} <= (readers := stage.told("Meeting minutes are ready"))
    assert not {"spoc.education", "spoc.fire", "spoc.adults"} & readers
    the_minutes_are_cut_for_each_reader(stage, meeting, case, other)

    # The advocate reports; the surgery's action is done in time, the housing service's climbs its tiers over Easter.
    for reference in (case, other):
        stage.as_("ida").does("Tell the victim and bring back the response", stage.given(said.told), of=reference)
    stage.as_("gwen").does("Do the action and record the outcome", stage.given(said.done), of=case)
    stage.as_("rita").does("Do the action and record the outcome", stage.given(said.done), of=other)
    a_late_action_climbs(stage, case)

    # It closes with its flags and its retention still armed.
    cora.does("Close the case or list it again", {"closeDecision": "CLOSE", "reason": "All is done."}, of=case)
    stage.settle()
    assert stage.state(case) == CaseState.ACTIONS_CLOSED
    flags_and_retention_are_armed(stage, case)
    assert stage.look(lambda: db.session.query(Incident).count()) == 0
    assert stage.look(verify).findings == []
    assert chidi.tasks(case) == []


def the_author_cannot_authorise(stage: Stage, case: str) -> None:
    """Rosa is given the manager's role as well: the task is not hers all the same, and she is told why."""
    task = stage.items("AuthoriseSharing")[-1]
    rosa, cora = stage.as_("rosa"), stage.as_("cora")
    cora.get(f"/admin/people/{stage.user('rosa')}")
    cora.press("Give the role", role="authorising-manager", agency=stage.agency("children"))
    assert not cora.page.errors
    rosa.get(f"/work/{task.key}")
    assert "A second person must do this task" in rosa.page.text
    assert not rosa.page.has_button("Take this task")
    assert rosa.post(f"/work/{task.key}/claim", {}).status in (403, 409)
    assert stage.items("AuthoriseSharing")[-1].assignee is None


def move_the_meeting(stage: Stage, meeting: int) -> None:
    """A recorded decision, which re-arms what hangs on the date."""
    cora = stage.as_("cora")
    stage.post()
    cora.get(f"/meetings/{meeting}")
    cora.press("Move the meeting", date="2026-03-24T10:00+00:00")
    assert cora.page.errors == ["Enter why the meeting moves"]
    assert cora.page.form_to("/move").value("date-day") == "24", "what was typed is still there"
    cora.press("Move the meeting", reason="The room is flooded.")
    assert not cora.page.errors
    assert {"rita", "gwen"} <= stage.told("A meeting has moved")
    due = {name: stage.deadline(meeting, name) for name in ("meetingStart", "agendaIssue", "researchDue")}
    assert {name: one.due_at for name, one in due.items() if one} == {
        "meetingStart": london(24, 3, 10),
        "agendaIssue": london(16, 3, 10),
        "researchDue": london(23, 3, 12),
    }
    assert due["meetingStart"] is not None
    assert due["meetingStart"].moved_from is not None


def an_agency_holds_nothing_in_two_cases(stage: Stage, case: str, other: str) -> None:
    """Adult social care confirms both at once; each is recorded as a task of its own, and both cases are gone for it."""
    grace = stage.as_("spoc.adults")
    keys = [stage.case(reference).key for reference in (case, other)]
    assert [grace.status_of(f"/cases/{key}") for key in keys] == [200, 200]
    answer_nothing_held(stage, "spoc.adults")
    assert "Nothing held: recorded for 2 cases" in grace.page.text
    assert [grace.status_of(f"/cases/{key}") for key in keys] == [404, 404]
    agency = int(stage.agency("adults"))
    done = stage.items("ConfirmDestruction", agency_key=agency, state=ItemState.COMPLETED)
    assert sorted(item.case_key or 0 for item in done) == sorted(keys)
    for key in keys:
        assert stage.look(lambda key=key: grounds(key))[agency] == {Ground.WITHDRAWN}


def the_surgery_is_asked_about_its_own_case(stage: Stage, case: str, other: str) -> None:
    """An agency invited for one case is asked what it holds in that case, and in no other (01-marac C1, DMN-M6)."""
    asked = stage.items("ResearchAgency", agency_key=int(stage.agency("mill-lane")))
    assert [item.case_key for item in asked] == [stage.case(case).key]
    answer_held(stage, "spoc.mill-lane", case)
    assert stage.as_("spoc.mill-lane").status_of(f"/cases/{stage.case(other).key}") == 404


def items_are_released_one_by_one(stage: Stage, case: str) -> None:
    """A return is the agency's own paper until the agency releases its items (01-marac F-M4)."""
    key = stage.case(case).key
    words = "Two calls to the address in January."
    ida, nand = stage.as_("ida"), stage.as_("spoc.police")
    before = ida.get(f"/cases/{key}/papers").text.count(words)
    nand.get(f"/cases/{key}/papers")
    form = next(one for one in nand.page.forms if "/release/" in one.address)
    form.write("item", form.choices("item"))
    nand.send(form)
    assert "Released" in nand.page.text
    assert ida.get(f"/cases/{key}/papers").text.count(words) == before + 1


def the_fire_service_never_answers(stage: Stage, case: str, other: str) -> None:
    """§8 research return: SPOC five days before, SPOC and deputy three, then strategic lead and Chair when it is due."""
    stage.post()
    stage.at(london(19, 3, 9, 59))
    assert stage.told(REMINDER) == set()
    stage.at(london(19, 3, 10, 1))
    assert "spoc.fire" in (reminded := stage.told(REMINDER))
    assert reminded <= {"spoc.fire", "deputy.fire"}, "those who have answered are left in peace"
    stage.at(london(21, 3, 10, 1))
    assert stage.told(REMINDER) == {"spoc.fire", "deputy.fire"}
    stage.at(london(23, 3, 11, 59))
    assert stage.told(DECIDE) == set()
    stage.at(london(23, 3, 12, 1))
    letters = [one for one in stage.post() if str(one["Subject"]).startswith(DECIDE)]
    assert sorted(str(one["To"]).partition("@")[0] for one in letters) == ["chidi", "lead.fire"], (
        "one each, for two cases"
    )
    decision = {"escalationDecision": "LET_STAND", "reason": "The watch is at a major incident."}
    for who in ("lead.fire", "chidi"):
        browser = stage.as_(who)
        browser.open_task("Decide on the late task")
        assert f"Ambleford Fire and Rescue has not answered the research for {case}, {other}." in browser.page.text
        browser.answer(decision).submit()
        assert browser.find_task("Decide on the late task") is None
    assert "Ambleford Fire and Rescue" in no_return(stage, meeting := stage.meetings()[-1].key)
    assert f"{case}, {other}" in no_return(stage, meeting)
    agency = int(stage.agency("fire"))
    late = stage.items("ResearchAgency", agency_key=agency)
    assert {item.state for item in late} == {ItemState.OPEN}, "a late return is still taken until the case is discussed"


def no_return(stage: Stage, meeting: int) -> str:
    """What the newest agenda says of the agencies that have not answered."""
    stage.settle()
    paper = next(d for d in reversed(stage.documents(meeting_key=meeting, kind="agenda", for_agency=None)))
    text = pdf_text(stage.as_("cora").download(f"/documents/{paper.key}"))
    return text.partition("Agencies that have not answered")[2].partition("Reminders")[0]


def the_conference_is_held(stage: Stage, meeting: int, case: str, other: str) -> None:
    """Who cannot comply is ruled on, everybody signs in one of three ways, a guest sees its own case alone."""
    cora, gwen, rhys = (stage.as_(name) for name in ("cora", "gwen", "rhys"))
    room = f"/meetings/{meeting}/room"
    cora.get(f"/meetings/{meeting}")
    cora.press("Add", name="Una Welsh", job="Health visitor", organisation="Ambleford Health", role="observer")
    open_meeting(stage, meeting, excluded="Rhys Tanner")
    assert "Excluded by the Chair" in cora.get(room).text
    assert rhys.status_of(room) == 404

    sign_on_the_rooms_device(stage, meeting, "Hugh Barr")
    assert "on the room’s device" in (sheet := cora.get(room).text) or "witnessed by Cora Coyle" in sheet
    link = make_link(stage, meeting, "Una Welsh")
    una = stage.people.stranger()
    una.get(link)
    assert "Una Welsh" in una.page.text
    assert "Elin" not in una.page.content
    assert case not in una.page.content
    una.press("Sign", comply="yes", sign="yes")
    assert "Your signature is on the attendance sheet" in una.page.text
    assert una.get(link).status == 403, "a link works once"
    assert una.get(f"/cases/{stage.case(case).key}").path != f"/cases/{stage.case(case).key}", "and opens nothing else"
    chidi = stage.as_("chidi")
    assert chidi.find_task("Review the actions of the last meeting") is None, (
        "nobody goes on before everyone has signed"
    )
    everybody_signs(stage, meeting)
    chidi.does("Review the actions of the last meeting", {"attestation": True})

    keys = {reference: stage.case(reference).key for reference in (case, other)}
    assert case in (seen := gwen.get(room).text)
    assert other not in seen
    discuss(
        stage,
        meeting,
        case,
        [
            ("Fit a safer door", "housing", "spoc.housing", "2026-03-31"),
            ("Review her medication", "mill-lane", "gwen", "2026-04-02"),
        ],
    )
    assert other not in gwen.get(room).text
    assert gwen.status_of(f"/cases/{keys[other]}") == 404
    discuss(stage, meeting, other, [("Talk to the school", "children", "rita", "2026-04-02")])
    stage.at(london(24, 3, 11, 30))
    assert stage.as_("spoc.education").status_of(f"/cases/{keys[case]}") == 200
    close_meeting(stage, meeting)
    stage.settle()
    assert {stage.state(case), stage.state(other)} == {CaseState.ACTIONS_OPEN}


def access_after_the_meeting(stage: Stage, case: str, other: str) -> None:
    """DMN-M7: an owner of an action and whoever works with the family keep the case; for everybody else it is over."""
    may = {
        who: [stage.as_(who).status_of(f"/cases/{stage.case(reference).key}") for reference in (case, other)]
        for who in ("spoc.police", "spoc.idva", "spoc.children", "spoc.housing", "gwen", "spoc.education", "spoc.fire")
    }
    assert may == {
        "spoc.police": [200, 200],
        "spoc.idva": [200, 200],
        "spoc.children": [200, 200],
        "spoc.housing": [200, 404],
        "gwen": [200, 404],
        "spoc.education": [404, 404],
        "spoc.fire": [404, 404],
    }


def the_minutes_are_cut_for_each_reader(stage: Stage, meeting: int, case: str, other: str) -> None:
    """One PDF per copy holder, each with the cases that it keeps and no other (E4 before E3)."""
    whole = {"spoc.police": (case, other), "spoc.housing": (case,), "gwen": (case,), "rita": (case, other)}
    for username, kept in whole.items():
        agency = int(stage.agency({"gwen": "mill-lane", "rita": "children"}.get(username, username.partition(".")[2])))
        paper = next(d for d in stage.documents(meeting_key=meeting) if "minutes" in d.kind and d.for_agency == agency)
        text = pdf_text(stage.as_(username).download(f"/documents/{paper.key}"))
        assert {reference for reference in (case, other) if reference in text} == set(kept), username
        assert ("Joan Tarn" in text) is (other in kept), username
        assert "OFFICIAL-SENSITIVE" in text
        for stranger in ("spoc.education", "spoc.fire", "rhys"):
            assert stage.as_(stranger).status_of(f"/documents/{paper.key}") == 404, stranger


def a_late_action_climbs(stage: Stage, case: str) -> None:
    """§8 action due (31 March): owner −2 wd and on the day; owner and SPOC +1 wd; lead and co-ordinator +3 wd; Chair +5 wd, past Easter."""
    task = next(item.key for item in stage.items("DoAction") if item.agency_key == int(stage.agency("housing")))
    stage.post()
    stage.at(london(27, 3, 8))
    assert stage.told(REMINDER, task) == set()
    stage.at(london(27, 3, 9, 1))
    assert stage.told(REMINDER, task) == {"spoc.housing"}
    stage.at(london(31, 3, 10))
    assert stage.told(REMINDER, task) == {"spoc.housing"}
    stage.at(london(1, 4, 12))
    assert stage.told(LATE, task) == set()
    stage.at(london(2, 4, 0, 1))
    assert stage.told(LATE, task) == {"spoc.housing"}
    stage.at(london(7, 4, 12))
    assert stage.told(DECIDE) == set()
    stage.at(london(8, 4, 0, 1))
    assert stage.told(DECIDE) == {"lead.housing", "cora"}
    stage.as_("lead.housing").does(
        "Decide on the late task", {"escalationDecision": "LET_STAND", "reason": "The fitter is booked."}, of=case
    )
    stage.at(london(9, 4, 12))
    assert stage.told(DECIDE) == set()
    stage.at(london(10, 4, 0, 1))
    assert stage.told(DECIDE) == {"chidi"}
    more_time = {"escalationDecision": "EXTEND", "newDue": "2026-04-13T17:00", "reason": "The fitter comes on Monday."}
    stage.as_("chidi").does("Decide on the late task", more_time, of=case)
    assert stage.action_due(case, "housing") == date(2026, 4, 13), "what is printed says the same as the task"
    stage.at(london(10, 4, 10))
    owner = stage.as_("spoc.housing")
    owner.does("Do the action and record the outcome", stage.given(said.done, "The fitter was ill."), of=case)
    for who in ("chidi", "cora"):
        assert stage.as_(who).find_task("Decide on the late task", case) is None, "a task that is done is not chased"


def flags_and_retention_are_armed(stage: Stage, case: str) -> None:
    """Every agency that keeps the case flags it; a year from the referral it is un-flagged; ten years on it is reviewed."""
    key = stage.case(case).key
    until, review = stage.deadline(key, "flagUntil"), stage.deadline(key, "retentionReview")
    assert until is not None
    assert review is not None
    assert until.due_at == london(2, 3, 23, 59, 2027).replace(second=59)
    assert review.due_at == london(10, 4, 23, 59, 2036).replace(second=59)
    flags = stage.items("FlagInAgency", case_key=key, state=ItemState.OPEN)
    kept = {int(stage.agency(slug)) for slug in ("police", "idva", "children", "housing", "mill-lane")}
    assert kept == {item.agency_key for item in flags}

    def armed() -> set[str | None]:
        rows = db.session.query(TimerRow).filter(TimerRow.due_at.is_not(None)).all()
        return {row.deadline for row in rows}

    assert {"flagUntil", "retentionReview"} <= stage.look(armed)
