"""A legal hold comes before every duty to destroy: papers that tell of the case are put away, copies are handed in, and when the hold is
lifted what it alone kept goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.agencies.models import Agency
from app.cases import submissions
from app.cases.models import Case, CaseState
from app.demo import story
from app.demo.acting import do, filled, person
from app.documents import service as documents
from app.documents.models import Document, DocumentStatus, Kind
from app.identity import register
from app.meetings import attendance, planning
from app.settings import Settings
from app.store import jobs
from app.store.clock import business_now, clock
from app.store.database import db
from app.work import completion, items
from app.work.models import ItemState, WorkItem
from tests.procedures import answers as said
from tests.support.browser import Browser
from tests.support.hours import Time
from tests.support.prepared import opened, prepared
from tests.support.stage import Stage, pdf_text

WHY = "The coroner asked for the papers"
TASK = "Destroy the papers that are not kept"
LATER = "Destroy the papers that a hold kept"


@pytest.fixture(scope="session")
def concluded(researched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The conference has heard both cases; its papers are to be destroyed. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("concluded") / "data"
    with prepared(folder, researched) as app:
        hours = Time(app)
        with app.app_context():
            meeting = planning.upcoming(person("cora").area_key or 0)[0]
            key, start = meeting.key, meeting.starts_at
            assert start is not None
            db.session.rollback()
        hours.to(start - timedelta(minutes=5))
        with app.app_context():
            _hold_conference(key)
        hours.settle()
        (folder / "now").write_text(business_now().isoformat())
    return folder


def _act(who: str, element: str, answers: Any = None) -> None:
    do(who, element, answers() if callable(answers) else answers)
    db.session.commit()


def _hold_conference(meeting: int) -> None:
    _act("chidi", "RuleOnConfidentiality", said.rulings())
    _act("chidi", "RemindVirtualAttendees", {"anyVirtual": "no"})
    _act("chidi", "ReadStatement", {"attestation": True})
    waiting = select(WorkItem.key).where(WorkItem.element_id == "SignAttendance", WorkItem.state == ItemState.OPEN)
    for key in db.session.execute(waiting).scalars().all():
        item = items.load(key)
        who = person(register.person_for(attendance.find(item.named_key("signature") or 0).user_key or 0).username)
        items.claim(key, who)
        completion.complete(key, who, filled(item, who, said.SIGNED))
        db.session.commit()
    _act("chidi", "ReviewPreviousActions", {"attestation": True})
    agencies = {one.slug: str(one.key) for one in db.session.execute(select(Agency)).scalars()}
    present = {attendance.who_is(one).name: str(one.key) for one in attendance.of_meeting(meeting)}
    actions = [("Talk to the school", agencies["children"], story.user_id("rita"), story.today(7))]
    for _ in range(2):
        _act("chidi", "RecordDiscussion", said.discussion(present["Rita Cole"], agencies["police"]))
        _act("petra", "ConsiderDisclosure", said.POLICE)
        _act("chidi", "AgreeActionPlan", said.plan(actions, agencies["idva"]))
    _act("chidi", "AssureMailAccounts", {"assuranceFrom": [present["Rita Cole"]], "attestation": True})
    _act("chidi", "DecideRetention", said.retention)
    _act("chidi", "CloseConference", {"hardCopiesLeft": True, "attestation": True})


@pytest.fixture
def after(concluded: Path, settings: Settings, still: None) -> Iterator[Stage]:
    """The borough at the end of the conference."""
    clock.freeze(datetime.fromisoformat((concluded / "now").read_text()))
    with opened(settings, concluded) as app:
        yield Stage(app, Time(app))


@pytest.fixture
def asked(researching: Flask) -> Stage:
    """The borough while research is going on."""
    return Stage(researching, Time(researching))


def cases(stage: Stage) -> list[Case]:
    return list(stage.look(lambda: list(db.session.execute(select(Case).order_by(Case.key)).scalars())))


def set_hold(stage: Stage, case: Case, who: str = "cora") -> None:
    browser = stage.as_(who)
    browser.get(f"/cases/{case.key}/hold")
    assert "The legal hold is set." in browser.press("Set the hold", reason=WHY).text


def lift_hold(stage: Stage, case: Case, who: str = "cora") -> None:
    browser = stage.as_(who)
    browser.get(f"/cases/{case.key}/hold")
    assert "The legal hold is lifted." in browser.press("Lift the hold", reason="The inquest is over").text
    stage.settle()


def settle_papers(stage: Stage, task: str = TASK) -> Browser:
    return stage.as_("cora").does(
        task, stage.given(said.papers_destroyed) | {"kept": lambda rows: [{"where": "Safe 2"} for _ in rows]}
    )


def agendas(stage: Stage, meeting: int) -> dict[int, Document]:
    """The agenda's copies by key."""
    found = stage.documents(kind=Kind.AGENDA, meeting_key=meeting)
    return {one.key: one for one in found if one.status != DocumentStatus.DESTROYED}


def rows_of(stage: Stage, name: str) -> list[list[str]]:
    """The values in a list of each record of the destruction, oldest first."""

    def read() -> list[list[str]]:
        kept = db.session.query(submissions.Submission).filter_by(form_id="marac-destroy-papers")
        return [[row["value"] for row in submissions.read(one).get(name) or []] for one in kept.order_by("key")]

    return list(stage.look(read))


def test_papers_of_a_held_case_are_put_away_and_the_task_says_who_keeps_them(after: Stage) -> None:
    held, other = cases(after)
    [meeting] = after.meetings()
    before = agendas(after, meeting.key)
    theirs = next(one for one in before.values() if one.for_agency == int(after.agency("housing")))
    kwame = after.as_("spoc.housing")
    set_hold(after, held)

    page = after.as_("cora").open_task(TASK).page
    assert "A legal hold comes before destruction." in page.text
    assert f"{held.reference}: referral and risk checklist" in page.text
    assert "Who keeps it?" in page.text
    page = after.as_("cora").answer_page(after.given(said.papers_destroyed))
    assert len(page.errors) == 3
    assert "Agenda as circulated: enter where it is kept" in page.errors
    after.as_("cora").answer(
        after.given(said.papers_destroyed) | {"kept": lambda rows: [{"where": "Safe 2"} for _ in rows]}
    ).submit()
    after.settle()

    assert rows_of(after, "destroyed") == [[f"referral-{other.key}", f"research-{other.key}"]]
    assert rows_of(after, "kept") == [["agenda", f"referral-{held.key}", f"research-{held.key}"]]
    assert agendas(after, meeting.key).keys() == before.keys(), "every copy tells of the held case"
    assert kwame.get(f"/documents/{theirs.key}").status == 404, "kept as evidence, and nobody's copy"
    assert held.reference in pdf_text(after.as_("cora").download(f"/documents/{theirs.key}"))
    assert after.as_("chidi").get(f"/documents/{theirs.key}").status == 200, "the Chair decides on the hold"
    assert after.as_("isla").get(f"/documents/{theirs.key}").status == 404
    assert "Kept under a legal hold" in after.as_("cora").get(f"/meetings/{meeting.key}").text


def test_when_the_hold_is_lifted_what_it_kept_goes(after: Stage) -> None:
    held, other = cases(after)
    [meeting] = after.meetings()
    set_hold(after, held)
    set_hold(after, other)
    settle_papers(after)
    assert rows_of(after, "destroyed") == [[]]

    lift_hold(after, held)
    assert agendas(after, meeting.key), "they tell of the other case too"
    lift_hold(after, other)
    assert not agendas(after, meeting.key)
    assert len(after.items("DestroyHeldPapers", state=ItemState.OPEN)) == 1, "asked once, for all that is left"
    settle_papers(after, LATER)
    gone = rows_of(after, "destroyed")[-1]
    assert gone == ["agenda", *(f"{kind}-{case.key}" for case in (held, other) for kind in ("referral", "research"))]
    assert after.items("DestroyHeldPapers", state=ItemState.OPEN) == []


def test_a_hold_that_is_set_and_lifted_before_the_papers_are_settled_asks_nothing_more(after: Stage) -> None:
    held, _ = cases(after)
    [meeting] = after.meetings()
    set_hold(after, held)
    lift_hold(after, held)
    assert after.items("DestroyHeldPapers") == []
    page = after.as_("cora").open_task(TASK).page
    assert "A legal hold" not in page.text
    settle_papers(after)
    assert rows_of(after, "kept") == [[]]
    assert not agendas(after, meeting.key)


def test_a_paper_that_tells_of_a_held_case_outlives_the_other_case(after: Stage) -> None:
    """Destroying one case does not destroy evidence about another; what remains of it in that evidence goes when the hold is lifted."""
    condemned, held = cases(after)
    [meeting] = after.meetings()
    set_hold(after, held)
    settle_papers(after)
    with after.app.app_context():
        jobs.enqueue("case.destroy", {"case": str(condemned.key)}, dedupe_key=f"destroy:{condemned.key}")
        db.session.commit()
    after.settle()
    assert after.state(condemned.reference) == CaseState.DISPOSED

    theirs = [one for one in agendas(after, meeting.key).values() if one.for_agency == int(after.agency("housing"))]
    assert all(one.put_away_for for one in theirs)
    text = pdf_text(after.as_("cora").download(f"/documents/{theirs[0].key}"))
    assert (condemned.reference in text, held.reference in text) == (True, True)
    lift_hold(after, held)
    left = [one for one in after.documents(meeting_key=meeting.key, status=DocumentStatus.READY)]
    assert [one.kind for one in left if one.put_away_for or condemned.key in (one.params.get("cases") or [])] == []


def test_an_agency_that_holds_nothing_hands_the_request_in(asked: Stage) -> None:
    held, other = cases(asked)
    set_hold(asked, held)
    kwame = asked.as_("spoc.housing")
    kwame.get("/work")
    page = kwame.follow("Answer research")
    assert "This case is under a legal hold. Destroy no copy of the request" in page.text
    form, _ = page.button("Nothing held in the cases selected")
    form.write("item", form.choices("item"))
    assert kwame.send(form).errors == [f"{held.reference} is under a legal hold: answer it apart"]

    form, _ = kwame.page.button("Nothing held in the cases selected")
    form.write("item", form.choices("item")[:1])
    page = kwame.send(form)
    assert "Destroy nothing." in page.text
    assert "Number of copies destroyed" not in page.text
    page = kwame.answer_page(
        {"verifiedNoneOfNamedParties": True, "handedInAt": story.moment(business_now()), "copiesHandedIn": 1}
    )
    assert page.errors == ["Confirm that no copy was destroyed and none is left with you"]
    page = kwame.answer_page({"handedIn": True})
    assert "Nothing held: recorded for 1 case." in page.text
    [row] = asked.look(
        lambda: [
            submissions.read(one)
            for one in db.session.query(submissions.Submission).filter_by(form_id="marac-nothing-held")
        ]
    )
    assert (row["copiesHandedIn"], row.get("destroyedAt")) == (1, None)

    asked.settle()
    [meeting] = asked.meetings()
    copies = [one for one in agendas(asked, meeting.key).values() if one.for_agency == int(asked.agency("housing"))]
    assert [bool(one.put_away_for) for one in copies] == [True, False], "the copy that named it, and a new one"
    texts = [asked.look(lambda key=one.key: pdf_text(documents.read(documents.get(key)))) for one in copies]
    assert [held.reference in text for text in texts] == [True, False]
    assert [other.reference in text for text in texts] == [True, True]
    assert kwame.get(f"/documents/{copies[0].key}").status == 404


def test_the_papers_of_a_cancelled_meeting_are_handed_in(asked: Stage) -> None:
    held, _ = cases(asked)
    [meeting] = asked.meetings()
    set_hold(asked, held)
    before = agendas(asked, meeting.key)
    asked.post()
    cora = asked.as_("cora")
    cora.get(f"/meetings/{meeting.key}")
    cora.press("Cancel the meeting", reason="The Chair is ill")
    assert {str(one["Subject"]) for one in asked.post()} >= {"A meeting has been cancelled: destroy nothing"}
    assert agendas(asked, meeting.key).keys() == before.keys()
    assert all(one.put_away_for for one in agendas(asked, meeting.key).values())

    lift_hold(asked, held)
    assert not agendas(asked, meeting.key)
    settle_papers(asked, LATER)
    assert rows_of(asked, "destroyed") == [["agenda"]]
