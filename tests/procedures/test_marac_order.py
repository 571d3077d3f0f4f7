"""An odd order of events, and people who come and go: nobody falls out, and whoever has to know is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.agencies import service as agencies
from app.cases import involvement
from app.cases.models import CaseState
from app.cases.parties import details_of, parties
from app.demo import story
from app.demo.acting import each_row
from app.documents.models import Document
from app.identity import register
from app.operations import mending, people
from app.runtime.models import Incident, IncidentState
from app.store.database import db
from app.work.models import WorkItem
from tests.procedures import answers as said
from tests.procedures.acting import (
    answer_held,
    answer_nothing_held,
    complete_checklist,
    list_case,
    plan_meeting,
    refer_with_agreement,
    send_referral,
)
from tests.support.hours import Time
from tests.support.stage import Stage, london, pdf_text, plain

MOVED = "A meeting has moved"


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def move(stage: Stage, meeting: int, to: datetime) -> set[str]:
    """Cora moves the meeting; who is told."""
    stage.post()
    cora = stage.as_("cora")
    cora.get(f"/meetings/{meeting}")
    cora.press("Move the meeting", date=to.isoformat(), reason="The room is taken.")
    assert not cora.page.errors, cora.page.errors
    return stage.told(MOVED)


def test_a_meeting_that_is_moved_there_and_back(stage: Stage) -> None:
    """Each move is told, also one to a date that the meeting had before; once research is asked, to whoever has to answer it too."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    assert "rita" in move(stage, meeting, london(24, 3, 10))
    assert "rita" in move(stage, meeting, london(17, 3, 10))
    assert "rita" in move(stage, meeting, london(24, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting, "mill-lane")
    assert not {"deputy.fire", "spoc.mill-lane"} & move(stage, meeting, london(17, 3, 10))
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    assert {"rita", "spoc.fire", "deputy.fire", "gwen", "spoc.mill-lane"} <= move(stage, meeting, london(12, 3, 10))


def agendas(stage: Stage, meeting: int, *, replaced: bool) -> list[Document]:
    """The copies of a meeting's agenda that stand, or those that were replaced."""
    stage.settle()
    return [d for d in stage.documents(meeting_key=meeting, kind="agenda") if (d.superseded_by is not None) == replaced]


def test_the_agenda_of_a_meeting_that_is_moved_is_issued_again(stage: Stage) -> None:
    """§9, DMN-M6: a new version for whoever has one, with the new date and the same cases in it; all are told once, of the move."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    other = refer_with_agreement(stage, {"name": "Joan Tarn", "dob": "1980-01-02"}, BROTHER)
    list_case(stage, case, meeting, "mill-lane")
    list_case(stage, other, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    before = agendas(stage, meeting, replaced=False)
    told = move(stage, meeting, london(24, 3, 14))
    assert {"rita", "gwen", "spoc.fire"} <= told
    after = agendas(stage, meeting, replaced=False)
    assert {one.key for one in agendas(stage, meeting, replaced=True)} == {one.key for one in before}
    assert sorted((d.for_agency or 0, d.version) for d in after) == sorted((d.for_agency or 0, 2) for d in before)
    surgery = int(stage.agency("mill-lane"))
    (own,) = (d for d in after if d.for_agency == surgery)
    text = pdf_text(stage.as_("gwen").download(f"/documents/{own.key}"))
    assert "24 March 2026" in text
    assert "17 March 2026" not in text
    assert case in text
    assert other not in text
    assert stage.as_("gwen").status_of(f"/documents/{next(d for d in after if d.for_agency is None).key}") == 404


# ------------------------------------------------------------------------------------------- who is who
BROTHER = {"name": "Ian Marsh", "dob": "1991-05-06", "relationshipToVictim": "SIBLING"}
MATCH = "Check the referral and match the people"


def test_a_decision_about_somebody_does_not_pass_to_whoever_takes_their_place(stage: Stage) -> None:
    """B7, X14: the corrected referral names the two in the other order; of one of them it was known who he is, of the other nothing."""
    refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    both = {"perpetrators": [story.PERPETRATOR, BROTHER]}
    case = complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=15, **both)
    stage.as_("rosa").does("Seek the victim's agreement, if safe", story.consent_answers("GIVEN"), of=case)
    send_referral(stage, case)
    key = stage.case(case).key
    cora = stage.as_("cora")
    cora.get(f"/cases/{key}/matches")
    cora.press("The same", story.PERPETRATOR["name"])
    returned = {"triageOutcome": "RETURNED", "returnReason": "Who is the first of the two?"}
    cora.does(MATCH, plain(story.triage_answers(), **returned), of=case)
    given = {"address": "Flat 9, Tannery Court, Ambleford"}
    turned = {"perpetrators": [{**BROTHER, **given}, {**story.PERPETRATOR, **given}]}
    stage.as_("rosa").does("Complete the referral", {**stage.given(story.referral_answers), **turned}, of=case)
    decided = stage.look(
        lambda: {details_of(p).name: [c.decided for c in people.candidates_of(p)] for p in parties(key)}
    )
    assert decided[story.PERPETRATOR["name"]] == [True]
    assert True not in decided[BROTHER["name"]]
    cora.open_task(MATCH, case)
    cora.answer_page(story.triage_answers())
    form = cora.page.form
    assert [form.value(name) for name in form.shown if name.endswith(".samePerson")] == [None, "SAME", None]


def test_a_checklist_that_adds_to_an_earlier_case_is_told_and_read(stage: Stage) -> None:
    """B3n, DMN-M3 row 4: below the threshold and nothing new, so it is not referred. The Co-ordinator is told and reads it, the Chair may,
    but for the safety plan (§9); nobody else; a conflict of interest in the earlier case closes this one too (X7)."""
    earlier = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    stage.post()
    case = complete_checklist(stage, story.VICTIM, story.PERPETRATOR, ticks=4, newAbuse="no")
    assert stage.as_("cora").get(f"/cases/{stage.case(case).key}").status == 404, "a draft stays with its agency"
    signposted = {
        "signpostRoute": "SPECIALIST_SERVICE",
        "specialistOffered": "yes",
        "reason": "Four ticks, and nothing new since.",
        "plan": "The helpline, and a safer lock.",
        "riskReviewDue": stage.given(story.today, 30),
    }
    stage.as_("rosa").does("Signpost, and set a review date", signposted, of=case)
    assert stage.state(case) == CaseState.MERGED
    assert stage.told("Something has been added to an earlier case") == {"cora"}
    key, before = stage.case(case).key, stage.case(earlier).key
    cora, chidi = stage.as_("cora"), stage.as_("chidi")
    for reader in (cora, chidi):
        assert "Female genital mutilation" in reader.get(f"/cases/{key}/papers").text
    assert signposted["plan"] in cora.get(f"/cases/{key}/papers").text
    assert signposted["plan"] not in chidi.get(f"/cases/{key}/papers").text
    assert case in cora.get(f"/cases/{before}/timeline").text
    for other in ("spoc.housing", "petra", "ida", "lead.fire"):
        assert stage.as_(other).get(f"/cases/{key}").status == 404
    stage.look(
        lambda: (
            involvement.declare_conflict(before, user_key=int(stage.user("cora")), reason="Her neighbour.", by=1),
            db.session.commit(),
        )
    )
    assert cora.get(f"/cases/{key}").status == 404
    assert chidi.get(f"/cases/{key}").status == 200


# ------------------------------------------------------------------------------------------- who is asked
def wanted(agency: str, kind: str, of_type: str | None = None) -> dict[str, Any]:
    row = {"agency": agency, "why": "They know the family.", "kind": kind, "nonCoreType": of_type}
    return {"othersNeeded": "yes", "invitations": [row]}


def asked(stage: Stage, case: str) -> set[int | None]:
    """The agencies that have a research request of a case to answer."""
    return {item.agency_key for item in stage.items("ResearchAgency", case_key=stage.case(case).key, state="open")}


def test_an_invitation_that_waits_for_the_chair_is_not_lost_when_another_is_sent(stage: Stage) -> None:
    """B11: each agency is asked, whichever invitation is settled first, and although nobody is known who would come (C1)."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    riverside, surgery, council = (stage.agency(one) for one in ("riverside", "mill-lane", "community-safety"))
    stage.look(
        lambda: (
            register.end_role(int(stage.user("gwen")), "guest-representative", agency_key=int(surgery)),
            db.session.commit(),
        )
    )
    cora, chidi = stage.as_("cora"), stage.as_("chidi")
    cora.does("Check the referral and match the people", story.triage_answers(), of=case)
    cora.does("List the case for a meeting", story.listing_answers(meeting), of=case)
    cora.does("Invite further agencies", wanted(riverside, "NON_CORE", "OTHER"), of=case)
    for another in (wanted(surgery, "GUEST"), wanted(council, "NON_CORE", "OTHER")):
        cora.get(f"/cases/{stage.case(case).key}")
        cora.press("Invite another agency")
        cora.does("Invite further agencies", another, of=case)
    decided = {riverside: "APPROVE", council: "REFUSE"}
    chidi.does(
        "Approve agencies of another type",
        {"approvals": each_row(decision=lambda row: decided[row["_row"]], reason=lambda row: "Not needed.")},
        of=case,
    )
    assert ("To be named", "") in [(name, user) for _, name, user in stage.attendees(meeting)]
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    found = asked(stage, case)
    assert {int(riverside), int(surgery)} <= found
    assert int(council) not in found


def test_a_case_that_is_researched_again_is_researched_by_everybody(stage: Stage) -> None:
    """Who held nothing for a meeting that was cancelled is told whom to search for again; who was invited then is asked again when invited
    late, and sees nothing while it is not."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting, "mill-lane")
    cora = stage.as_("cora")
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    fire, surgery, key = int(stage.agency("fire")), int(stage.agency("mill-lane")), stage.case(case).key
    answer_nothing_held(stage, "spoc.fire")
    answer_held(stage, "spoc.mill-lane", case)
    cora.get(f"/meetings/{meeting}")
    cora.press("Cancel the meeting", reason="The town is flooded.")
    stage.at(london(3, 3, 9))
    again = plan_meeting(stage, london(24, 3, 10))
    cora.does("List the case for a meeting", {**story.listing_answers(again), "useEmergencyRoute": "no"}, of=case)
    cora.does("Invite further agencies", said.invitations(), of=case)
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    assert fire in asked(stage, case)
    spoc = stage.as_("spoc.fire")
    spoc.get(f"/research/{again}")
    assert story.VICTIM["name"] in spoc.page.text
    assert surgery not in asked(stage, case)
    assert stage.as_("gwen").get(f"/cases/{key}").status == 404
    cora.get(f"/cases/{key}")
    cora.press("Invite another agency")
    cora.does("Invite further agencies", said.invitations(str(surgery)), of=case)
    assert surgery in asked(stage, case)


def deciding_on(stage: Stage, late: WorkItem) -> set[tuple[int | str | None, ...]]:
    """Who is asked to decide on a late task: agency and roles."""
    asked_now = stage.items("DecideOnLateTask", case_key=late.case_key, state="open")
    return {(i.agency_key, *i.roles) for i in asked_now if (i.deadline or "").endswith(f"-{late.key}")}


def test_an_agency_invited_when_research_is_due_already_is_chased_like_the_others(stage: Stage) -> None:
    """B11, C4, X12: due an hour before the conference, reminded, named on the agenda, and its lead and the Chair are asked."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    cora = stage.as_("cora")
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.at(london(16, 3, 15))
    surgery, key = int(stage.agency("mill-lane")), stage.case(case).key
    cora.get(f"/cases/{key}")
    cora.press("Invite another agency")
    cora.does("Invite further agencies", said.invitations(str(surgery)), of=case)
    (late,) = stage.items("ResearchInvitedLate", case_key=key)
    assert (late.agency_key, late.due_at) == (surgery, london(17, 3, 9))
    stage.post()
    stage.at(london(17, 3, 0, 1))
    assert {"spoc.mill-lane", "deputy.mill-lane"} == stage.told("Reminder: a task is waiting for you", late.key)
    move(stage, meeting, london(18, 3, 10))
    (late,) = stage.items("ResearchInvitedLate", case_key=key)
    assert late.due_at == london(18, 3, 9)
    move(stage, meeting, london(17, 3, 11))
    stage.at(london(17, 3, 10, 1))
    assert deciding_on(stage, late) == {(surgery, "agency-strategic-lead"), (None, "marac-chair")}
    police = int(stage.agency("police"))
    paper = stage.documents(meeting_key=meeting, kind="agenda", for_agency=police)[-1]
    text = pdf_text(stage.as_("petra").download(f"/documents/{paper.key}"))
    assert "Mill Lane Surgery" in text
    answer_held(stage, "spoc.mill-lane", case)
    assert deciding_on(stage, late) == set()


# ------------------------------------------------------------------------------------------- people who come and go
def stopped(stage: Stage) -> set[tuple[str, int | None]]:
    """The tasks that nobody can do, as the operator is told: element and agency."""

    def found() -> set[tuple[str, int | None]]:
        mending.look()
        rows = db.session.execute(
            select(Incident).where(Incident.kind == "ROLE", Incident.state == IncidentState.ACTIVE)
        ).scalars()
        keys = {(row.instance_key, row.task_id): row.element_id for row in rows}
        items = db.session.execute(select(WorkItem)).scalars()
        return {(i.element_id, i.agency_key) for i in items if (i.instance_key, i.task_id) in keys}

    return set(stage.look(found))


def test_a_request_that_nobody_can_answer_any_more_is_an_incident(stage: Stage) -> None:
    """Taken by somebody who has gone to another agency since, or to whom the case has been closed; asked of people to whom it is closed."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    fire, youth, school = (int(stage.agency(one)) for one in ("fire", "youth", "education"))
    key, leaver, cousin = stage.case(case).key, int(stage.user("deputy.fire")), int(stage.user("spoc.youth"))
    for who, agency in (("deputy.fire", fire), ("spoc.youth", youth)):
        (item,) = stage.items("ResearchAgency", case_key=key, agency_key=agency)
        stage.as_(who).get(f"/work/{item.key}")
        stage.as_(who).press("Take this task")
    assert stopped(stage) == set()

    def change() -> None:
        register.end_role(leaver, "agency-deputy", agency_key=fire)
        register.grant_role(leaver, "agency-deputy", agency_key=youth)
        involvement.declare_conflict(key, user_key=cousin, reason="His cousin.", by=1)
        involvement.declare_conflict(key, agency_key=school, reason="He works there.", by=1)
        db.session.commit()

    stage.look(change)
    assert stopped(stage) == {("ResearchAgency", fire), ("ResearchAgency", youth), ("ResearchAgency", school)}
    cora = stage.as_("cora")
    (item,) = stage.items("ResearchAgency", case_key=key, agency_key=fire)
    cora.get(f"/work/{item.key}")
    cora.press("Hand over", to=stage.user("spoc.fire"), reason="She has left.")
    assert ("ResearchAgency", fire) not in stopped(stage)


def test_whoever_has_lost_the_role_loses_the_task_and_not_what_was_typed(stage: Stage) -> None:
    """06 §1, London DSA 4.5: a request that was taken by role is closed to whoever has the role no more, although they have another one at
    the agency; it is an incident, and the SPOC who takes it over finds what was typed."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    fire, key = int(stage.agency("fire")), stage.case(case).key
    (item,) = stage.items("ResearchAgency", case_key=key, agency_key=fire)
    deputy = stage.as_("deputy.fire")
    deputy.open_task("Search your records and answer", case)
    first = deputy.page.path
    deputy.answer_page({"outcome": "HELD"})
    leaver = int(stage.user("deputy.fire"))

    def change() -> None:
        register.end_role(leaver, "agency-deputy", agency_key=fire)
        register.grant_role(leaver, "referring-practitioner", agency_key=fire)
        db.session.commit()

    stage.look(change)
    for page in (f"/work/{item.key}", f"/work/{item.key}/begin", first):
        assert deputy.get(page).status == 404
    for view in ("mine", "team"):
        assert deputy.tasks(view=view) == []
    assert stopped(stage) == {("ResearchAgency", fire)}
    spoc = stage.as_("spoc.fire")
    spoc.get(f"/work/{item.key}")
    spoc.press("Hand over", to=stage.user("spoc.fire"), reason="She does something else now.")
    spoc.get(first)
    assert spoc.page.form.value("outcome") == "HELD"
    assert stopped(stage) == set()


def test_a_former_co_ordinator_loses_the_tasks_of_the_area_that_were_given_by_name(stage: Stage) -> None:
    """06 §1, London DSA 4.5: another role does not keep them; it is an incident, and whoever has the role takes it over."""
    cora, idva = stage.as_("cora"), int(stage.agency("idva"))
    cora.start("marac-meeting")
    first = cora.page.path
    cora.answer_page(stage.given(story.meeting_answers, london(17, 3, 10)))
    (item,) = stage.items("PlanMeeting")
    assert item.assignee == int(stage.user("cora"))

    def change() -> None:
        leaver = register.find_user("cora")
        assert leaver is not None
        register.end_role(leaver.key, "marac-coordinator")
        register.grant_role(leaver.key, "idva", agency_key=idva, area_key=leaver.area_key)
        register.register_person("cleo", "Cleo Hart", area_key=leaver.area_key, roles=[("marac-coordinator", None)])
        db.session.commit()

    stage.look(change)
    for page in (f"/work/{item.key}", f"/work/{item.key}/begin", first):
        assert cora.get(page).status == 404, page
    for view in ("mine", "team"):
        assert cora.tasks(view=view) == []
    assert stopped(stage) == {("PlanMeeting", None)}
    cleo = stage.as_("cleo")
    cleo.get(f"/work/{item.key}")
    cleo.press("Hand over", to=stage.user("cleo"), reason="She is an advocate now.")
    assert stopped(stage) == set()
    cleo.get(f"/work/{item.key}")
    assert cleo.tasks("Plan the meeting", view="mine") or cleo.page.status == 200


def test_who_cannot_be_told_is_not_left_out_in_silence(stage: Stage) -> None:
    """An agency whose contacts have been shut out is not asked in vain (C1a); one whose contacts are away hears through its lead (DMN-M8);
    new risk is told to the Chair where the case is closed to the Co-ordinator."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    fire, housing, cora, key = (
        *(int(stage.agency(one)) for one in ("fire", "housing")),
        int(stage.user("cora")),
        stage.case(case).key,
    )
    gone = [int(stage.user(one)) for one in ("spoc.fire", "deputy.fire")]

    def leave() -> None:
        for each in gone:
            register.deactivate(each)
        db.session.commit()

    stage.look(leave)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    stage.settle()
    assert fire not in asked(stage, case)
    assert len(stage.items("RecordNoContact", case_key=key)) == 1

    def away() -> None:
        for contact in agencies.contacts(housing):
            contact.absent = True
        involvement.declare_conflict(key, user_key=cora, reason="Her neighbour.", by=1)
        db.session.commit()

    stage.look(away)
    ida = stage.as_("ida")
    ida.get(f"/cases/{key}")
    ida.press("The victim’s agreement has changed")
    stage.post()
    ida.does("Record what the victim now says", story.consent_answers("WITHDRAWN"), of=case)
    told = stage.told("What may be shared has changed")
    assert {"lead.housing", "chidi"} <= told
    assert "cora" not in told
    ida.does(
        "Contact the victim safely",
        {**stage.given(said.idva_contact), "newRisk": "yes", "newRiskDetail": "He has a gun."},
        of=case,
    )
    assert {"chidi"} == stage.told("Your decision is needed")


def test_a_representative_who_comes_after_the_planning_is_expected(stage: Stage) -> None:
    """A meeting is planned months ahead: when its agenda goes out, whoever represents a core agency by then is told and signs."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    housing = int(stage.agency("housing"))

    def join() -> None:
        area = agencies.agency(housing).area_key
        roles = [("agency-representative", housing)]
        register.register_person(
            "nell", "Nell Frost", agency_key=housing, area_key=area, email="nell@housing.example", roles=roles
        )
        db.session.commit()

    stage.look(join)
    stage.post()
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    assert {"nell", "rhys"} <= stage.told("A meeting agenda has been issued")
    assert [name for _, name, who in stage.attendees(meeting) if who == "nell"] == ["Nell Frost"]
