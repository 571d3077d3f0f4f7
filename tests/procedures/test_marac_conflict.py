"""A conflict of interest closes one case, and nothing else is lost by it (01-marac X7; docs/decisions/0012-conflicts-of-interest.md)."""

from __future__ import annotations

import pytest
from flask import Flask

from app.cases.involvement import grounds
from app.cases.models import Ground
from app.demo import story
from app.documents.models import DocumentStatus
from tests.procedures import answers as said
from tests.procedures.acting import answer_held, list_case, plan_meeting, refer_with_agreement
from tests.support.hours import Time
from tests.support.stage import Stage, london, pdf_text

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-05-06", "relationshipToVictim": "PARTNER"}
SOMEBODY_ELSE = "Somebody else must speak for your agency"
NO_CONTACT = "Decide on a request without an approved contact"


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def declare(stage: Stage, case: str, who: str) -> None:
    """The Chair closes a case to a person or an agency."""
    chidi = stage.as_("chidi")
    chidi.get(f"/cases/{stage.case(case).key}/conflicts")
    chidi.press("Record and close the case to them", who=who, reason="He works there.")
    assert chidi.page.status == 200, chidi.page.text


def lift(stage: Stage, case: str, name: str) -> None:
    """It was a mistake."""
    chidi = stage.as_("chidi")
    chidi.get(f"/cases/{stage.case(case).key}/conflicts")
    chidi.press(f"Lift the conflict of {name}")
    assert chidi.page.status == 200, chidi.page.text


def agendas(stage: Stage, username: str, meeting: int) -> list[str]:
    """What each copy of the agenda says that somebody finds on the meeting's page."""
    stage.settle()
    browser = stage.as_(username)
    browser.get(f"/meetings/{meeting}")
    return [pdf_text(browser.download(link)) for link in browser.page.links("agenda (version")]


def asked(stage: Stage, agency: str, element: str = "ResearchAgency") -> list[int | None]:
    return [item.case_key for item in stage.items(element, agency_key=int(stage.agency(agency)), state="open")]


def test_an_agency_closed_out_of_one_case_goes_on_in_the_others(stage: Stage) -> None:
    """It is not asked, and its agenda does not tell of the case; the co-ordinator is asked whom to ask instead (X7, DMN-M8)."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    other = refer_with_agreement(stage, JOAN, MICK)
    for one in (case, other):
        list_case(stage, one, meeting)
    fire, youth = stage.agency("fire"), stage.agency("youth")
    declare(stage, case, f"agency:{fire}")
    cora = stage.as_("cora")
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    key = stage.case(case).key

    assert asked(stage, "fire") == [stage.case(other).key]
    (text,) = agendas(stage, "spoc.fire", meeting)
    assert other in text
    assert case not in text
    (text,) = agendas(stage, "spoc.youth", meeting)
    assert {case, other} <= set(text.split())
    assert cora.tasks(NO_CONTACT)
    answer_held(stage, "spoc.fire", other)

    # While research runs, the perpetrator turns out to work for the youth service.
    declare(stage, case, f"agency:{youth}")
    assert asked(stage, "youth") == [stage.case(other).key]
    (text,) = agendas(stage, "spoc.youth", meeting)
    assert other in text
    assert case not in text
    assert Ground.RESEARCH_OPEN not in stage.look(lambda: grounds(key)).get(int(youth), set())
    waiting = [item.key for item in stage.items("RecordNoContact", state="open") if item.case_key == key]
    assert len(waiting) == 2, "the co-ordinator is asked about each of them"

    # It was a mistake: the agency is asked after all, and has the case on its agenda again.
    lift(stage, case, "Ambleford Youth")
    assert set(asked(stage, "youth")) == {key, stage.case(other).key}
    (text,) = agendas(stage, "spoc.youth", meeting)
    assert {case, other} <= set(text.split())
    answer_held(stage, "spoc.youth", case)

    # Of the other agency the co-ordinator asks somebody who has nothing to do with it; nobody there is asked for another contact.
    cora.does(NO_CONTACT, stage.given(said.no_contact, fire, stage.parties(case)), of=case)
    assert [item for item in stage.items("RecordNoContact", state="open") if item.case_key == key] == []
    assert stage.items("ReviewContacts", state="open") == []


def test_a_contact_closed_out_of_a_case_is_replaced_by_the_deputy(stage: Stage) -> None:
    """The agency is asked all the same; whoever has the conflict reads the other cases, and loses the task that they had taken."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    other = refer_with_agreement(stage, JOAN, MICK)
    for one in (case, other):
        list_case(stage, one, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    spoc, key = stage.as_("spoc.fire"), stage.case(case).key
    (task,) = [
        item
        for item in stage.items("ResearchAgency", agency_key=int(stage.agency("fire")), state="open")
        if item.case_key == key
    ]
    spoc.get(f"/work/{task.key}")
    spoc.press("Take this task")
    stage.post()

    declare(stage, case, f"user:{stage.user('spoc.fire')}")
    (again,) = [
        item
        for item in stage.items("ResearchAgency", agency_key=int(stage.agency("fire")), state="open")
        if item.case_key == key
    ]
    assert again.assignee is None
    letters = stage.post()
    assert {str(one["To"]).partition("@")[0] for one in letters if str(one["Subject"]).startswith(SOMEBODY_ELSE)} == {
        "deputy.fire"
    }
    assert any("deputy.fire" in str(one["To"]) and f"/work/{task.key}" in one.as_string() for one in letters)
    (text,) = agendas(stage, "spoc.fire", meeting)
    assert other in text
    assert case not in text
    (text,) = agendas(stage, "deputy.fire", meeting)
    assert {case, other} <= set(text.split())
    answer_held(stage, "deputy.fire", case)
    assert [item.case_key for item in stage.items("RecordNoContact", state="open")] == []


def test_when_no_contact_is_left_the_agency_names_another(stage: Stage) -> None:
    """The co-ordinator decides on the request; the agency's lead, to whom the case is open, puts the list right (DMN-M8)."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    list_case(stage, case, meeting)
    stage.as_("cora").does("Prepare the agenda", stage.given(said.agenda_prepared))
    fire = stage.agency("fire")
    declare(stage, case, f"user:{stage.user('spoc.fire')}")
    assert asked(stage, "fire") == [stage.case(case).key]
    declare(stage, case, f"user:{stage.user('deputy.fire')}")
    assert asked(stage, "fire") == []
    cora = stage.as_("cora")
    cora.does(NO_CONTACT, stage.given(said.no_contact, fire, stage.parties(case)), of=case)
    assert stage.as_("lead.fire").tasks("Review your list of contacts")


def test_a_refused_request_ends_the_agencys_access(stage: Stage) -> None:
    """What is not necessary or not lawful does not go to it, nor does its agenda tell of it (DMN-M8, C1b)."""
    meeting = plan_meeting(stage, london(17, 3, 10))
    case = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    other = refer_with_agreement(stage, JOAN, MICK)
    for one in (case, other):
        list_case(stage, one, meeting)
    declare(stage, case, f"user:{stage.user('spoc.fire')}")
    declare(stage, case, f"user:{stage.user('deputy.fire')}")
    cora = stage.as_("cora")
    cora.does("Prepare the agenda", stage.given(said.agenda_prepared))
    fire, key = stage.agency("fire"), stage.case(case).key
    stage.settle()
    cora.does(NO_CONTACT, stage.given(said.no_contact, fire, stage.parties(case), refused=True), of=case)
    assert stage.look(lambda: grounds(key))[int(fire)] == {Ground.WITHDRAWN}
    stage.settle()
    copies = [
        paper
        for paper in stage.documents(meeting_key=meeting, kind="agenda", for_agency=int(fire))
        if paper.status != DocumentStatus.DESTROYED and paper.superseded_by is None
    ]
    assert copies
    assert all(paper.params["cases"] == [stage.case(other).key] for paper in copies)
