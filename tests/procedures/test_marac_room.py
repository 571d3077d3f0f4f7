"""The agenda and the room on an ordinary day: a copy for each agency, somebody missing, a case put off (01-marac C1, 7D, X12)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.access.facts import Standing
from app.cases.models import CaseState
from app.demo import story
from app.demo.acting import known_of
from app.documents.models import Document
from app.meetings.attendance import attending
from app.work.models import ItemState
from tests.procedures import answers as said
from tests.procedures.acting import (
    answer_held,
    answer_nothing_held,
    close_meeting,
    discuss,
    everybody_signs,
    list_case,
    plan_meeting,
    refer_with_agreement,
)
from tests.support.hours import Time
from tests.support.stage import Stage, london, pdf_text

JOAN = {"name": "Joan Tarn", "dob": "1980-01-02"}
MICK = {"name": "Mick Tarn", "dob": "1979-05-06", "relationshipToVictim": "PARTNER"}


@pytest.fixture
def stage(borough: Flask, hours: Time) -> Stage:
    return Stage(borough, hours)


def test_an_ordinary_conference(stage: Stage) -> None:
    meeting = plan_meeting(stage, london(17, 3, 10))
    first = refer_with_agreement(stage, story.VICTIM, story.PERPETRATOR)
    second = refer_with_agreement(stage, JOAN, MICK)
    list_case(stage, first, meeting, guest="mill-lane")
    list_case(stage, second, meeting)
    the_agenda_goes_out(stage, meeting, first, second)
    who_holds_nothing_keeps_no_agenda(stage, meeting)
    the_room_waits_for_nobody(stage, meeting, first, second)
    the_papers(stage, meeting, first, second)


def copies(stage: Stage, meeting: int, kind: str, slug: str | None) -> list[Document]:
    agency = int(stage.agency(slug)) if slug else None
    return [d for d in stage.documents(meeting_key=meeting, kind=kind, for_agency=agency) if d.status == "ready"]


def the_agenda_goes_out(stage: Stage, meeting: int, first: str, second: str) -> None:
    """In the order that the co-ordinator gave, with her reminders; a guest's copy has its own line alone."""

    def turned(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "order": len(rows) - place} for place, row in enumerate(rows)]

    prepared = {"cases": turned, "reminders": "Bring the spare key.", "dvdsResults": "One was disclosed in May."}
    stage.as_("cora").does("Prepare the agenda", {**prepared, "attestation": True})
    stage.settle()
    for reader, slug, whole in (("cora", None, True), ("rhys", "housing", True), ("gwen", "mill-lane", False)):
        paper = copies(stage, meeting, "agenda", slug)[0]
        text = pdf_text(stage.as_(reader).download(f"/documents/{paper.key}"))
        assert "Bring the spare key." in text
        assert first in text
        assert (second in text) is whole
        assert ("disclosed in May" in text) is whole
        if whole:
            assert text.index(second) < text.index(first)
        assert stage.as_("rafe").status_of(f"/documents/{paper.key}") == 404, "a copy is for its holder"


def who_holds_nothing_keeps_no_agenda(stage: Stage, meeting: int) -> None:
    """The copy named the cases: it goes with the request (Hillingdon ISA 3, seventh principle b)."""
    old = copies(stage, meeting, "agenda", "adults")[0].key
    answer_nothing_held(stage, "spoc.adults")
    stage.settle()
    assert copies(stage, meeting, "agenda", "adults") == []
    assert stage.as_("spoc.adults").status_of(f"/documents/{old}") == 404


def the_room_waits_for_nobody(stage: Stage, meeting: int, first: str, second: str) -> None:
    """Who is not here is recorded so; who comes late signs on entry; a restricted person hears what the Chair allows."""
    cora, chidi, meg, joyce = (stage.as_(name) for name in ("cora", "chidi", "spoc.youth", "spoc.education"))
    keys = {reference: stage.case(reference).key for reference in (first, second)}
    room = f"/meetings/{meeting}/room"
    stage.at(london(17, 3, 9, 55))

    def ruled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        said_of = {"canComply": "no", "cannotComplyReason": "A neighbour.", "chairDecision": "CONTINUE_RESTRICTED"}
        some = {**said_of, "casesAdmitted": [str(keys[first])]}
        return [{**r, **(some if known_of(r)["label"] == "Joyce Teal" else {"canComply": "yes"})} for r in rows]

    chidi.does("Rule on who cannot comply", {"rulings": ruled, "attestation": True})
    chidi.does("Remind those who attend from afar", {"anyVirtual": "no"})
    chidi.does("Read the confidentiality statement", {"attestation": True})
    for name in ("Lewis Park", "Meg Stone"):
        cora.get(room)
        cora.press("Not here", name)
    everybody_signs(stage, meeting, except_=("spoc.substance", "spoc.youth", "spoc.education"))
    joyce.get(room)
    joyce.press("Sign now")
    joyce.answer({**said.SIGNED, "canComply": "no", "cannotComplyReason": "A neighbour."}).submit()
    chidi.does("Review the actions of the last meeting", {"attestation": True})

    # Late returns are taken until the case is discussed; the second on the list is not yet.
    late = stage.items("ResearchAgency", agency_key=int(stage.agency("police")))
    assert {item.state for item in late if item.case_key == keys[first]} == {ItemState.OPEN}
    answer_held(stage, "spoc.police", first)
    teal = int(stage.user("spoc.education"))
    standing = {r: stage.look(lambda r=r: attending([keys[r]])[keys[r]][0][teal].standing) for r in (first, second)}
    assert standing == {first: Standing.CLEAR, second: Standing.RESTRICTED}
    cora.get(room)
    cora.press("Has come after all", "Meg Stone")
    meg.get(room)
    meg.press("Sign now")
    meg.answer(said.SIGNED).submit()
    chidi.does(
        "Record what is shared and the risk",
        {"meetingOutcome": "ADJOURNED", "adjournedReason": "Her advocate is ill."},
        of=second,
    )
    discuss(stage, meeting, first, [("Fit a safer door", "housing", "spoc.housing", "2026-03-24")])
    close_meeting(stage, meeting)
    stage.settle()
    assert (stage.state(first), stage.state(second)) == (CaseState.ACTIONS_OPEN, CaseState.ADJOURNED)
    assert f"List the case for a meeting {second}" in cora.tasks(second)


def the_papers(stage: Stage, meeting: int, first: str, second: str) -> None:
    """The plan has the case that was heard; minutes carry what the co-ordinator added; agencies' agendas are destroyed."""
    cora, chidi = stage.as_("cora"), stage.as_("chidi")
    plan = pdf_text(stage.as_("rhys").download(f"/documents/{copies(stage, meeting, 'action-plan', 'housing')[0].key}"))
    assert "Fit a safer door" in plan
    assert second not in plan
    cora.does("Destroy the papers that are not kept", stage.given(said.papers_destroyed))
    assert [d.for_agency for d in stage.documents(meeting_key=meeting, kind="agenda") if d.status == "ready"] == []
    added = {"apologies": "The fire chief.", "openingNote": "Matters arising.", "closingNote": "The hall is cold."}
    correction = [{"case": str(stage.case(first).key), "text": "He was seen on Monday."}]
    cora.does("Draft the minutes", {**added, "corrections": correction, "attestation": True})
    chidi.does("Approve the minutes", {"minutesApproved": "yes", "attestation": True})
    stage.settle()
    whole = pdf_text(cora.download(f"/documents/{copies(stage, meeting, 'minutes', None)[0].key}"))
    assert all(words in whole for words in (*added.values(), "He was seen on Monday.", "Her advocate is ill."))
    assert whole.index("Lewis Park") > whole.index("Apologies"), "who was not here is not among those present"
    cut = pdf_text(stage.as_("rhys").download(f"/documents/{copies(stage, meeting, 'minutes', 'housing')[0].key}"))
    assert "He was seen on Monday." in cut
    assert "Her advocate is ill." not in cut
