"""The case page: what is moved, closed to somebody, released or downloaded there; and managing the area."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.agencies.models import Contact, Parameter
from app.audit import AuditEntry
from app.cases import deadlines
from app.cases.models import Case, ConflictOfInterest, Deadline, ReleasedItem
from app.demo import story
from app.demo.acting import do
from app.identity.models import User
from app.store.clock import business_today, end_of_day, start_of_day
from app.store.database import db
from tests.conftest import Time
from tests.integration.web.conftest import look
from tests.procedures import answers as said
from tests.support.browser import Browser
from tests.support.pages import Page

PARTS = (
    "overview",
    "papers",
    "actions",
    "tasks",
    "deadlines",
    "documents",
    "matches",
    "timeline",
    "diagram",
    "conflicts",
)


@pytest.fixture
def case(researching: Flask) -> int:
    """Elin Marsh's case."""
    return int(look(researching, lambda: db.session.query(Case).filter_by(reference="MARAC-2026-0001").one().key))


@pytest.fixture
def cora(researching: Flask) -> Browser:
    return Browser(researching, "cora").sign_in()


def test_every_part_of_a_case_is_drawn_and_audited(researching: Flask, cora: Browser, case: int) -> None:
    for part in PARTS:
        page = cora.get(f"/cases/{case}/{part}")
        assert page.status == 200, part
        assert page.title == "Elin Marsh and Darren Pole"
    actions = look(
        researching, lambda: {e.action for e in db.session.query(AuditEntry).filter(AuditEntry.case_key == case)}
    )
    assert {f"view.case-{part}" for part in PARTS} <= actions
    assert cora.status_of(f"/cases/{case}/nonsense") == 404


def test_the_diagram_is_told_in_words(cora: Browser, case: int) -> None:
    text = cora.get(f"/cases/{case}/diagram").text
    assert "Waiting now" in text
    assert "Research and hear" in text
    assert "Complete the risk checklist" in text


def test_an_agency_that_is_asked_sees_no_safe_contact_and_none_of_the_referral(researching: Flask, case: int) -> None:
    kwame = Browser(researching, "spoc.housing").sign_in()
    page = kwame.get(f"/cases/{case}")
    assert "4 Quay Street" in page.text
    assert "Leave no message" not in page.text
    papers = kwame.get(f"/cases/{case}/papers")
    assert "Nothing has been submitted that you may read." in papers.text
    assert kwame.status_of(f"/cases/{case}/conflicts") == 403


def test_a_deadline_moves_only_with_a_date_and_a_reason(researching: Flask, cora: Browser, case: int) -> None:
    name = look(researching, lambda: next(d.name for d in deadlines.in_force(case) if d.met_at is None))
    cora.get(f"/cases/{case}/deadlines/{name}/move")
    page = cora.press("Move the deadline")
    assert page.status == 422
    assert page.errors == ["Enter the new date, for example 27 3 2026", "Enter why the deadline moves"]
    page = cora.press("Move the deadline", date="2026-02-28", reason="The advocate is ill.")
    assert page.errors == ["The new date must be in the future"]
    page = cora.press("Move the deadline", date="2026-04-30", reason="The advocate is ill.")
    assert "The deadline has been moved." in page.text
    assert "The advocate is ill." in page.text
    found = look(researching, lambda: deadlines.current(case, name))
    assert found.moved_from is not None
    assert (found.due_at.day, found.due_at.month, found.due_at.hour) == (30, 4, 22)  # the end of a London summer day
    assert b"ill" not in found.reason
    earlier = look(researching, lambda: db.session.get(Deadline, found.moved_from))
    assert earlier.superseded_at is not None
    rosa = Browser(researching, "rosa").sign_in()
    assert rosa.status_of(f"/cases/{case}/deadlines/{name}/move") == 403


def test_a_conflict_of_interest_closes_the_case_at_once(researching: Flask, cora: Browser, case: int) -> None:
    kwame = Browser(researching, "spoc.housing").sign_in()
    assert kwame.status_of(f"/cases/{case}") == 200
    cora.get(f"/cases/{case}/conflicts")
    page = cora.press("Record and close")
    assert page.errors == ["Select who has the conflict of interest", "Enter what the conflict is"]
    form, _ = page.button("Record and close")
    agency = next(v for v in form.choices("who") if v.startswith("agency:") and "Housing" in _label(form, v))
    page = cora.press("Record and close", who=agency, reason="The perpetrator works there.")
    assert "Recorded. The case is closed to them from now on." in page.text
    assert "The perpetrator works there." in page.text
    assert kwame.status_of(f"/cases/{case}") == 404
    assert kwame.find("MARAC-2026-0001").document.xpath("//tbody/tr") == []
    assert "Elin Marsh" not in kwame.get("/cases").text
    sealed = look(researching, lambda: [row.reason for row in db.session.query(ConflictOfInterest)])
    assert all(b"perpetrator" not in reason for reason in sealed)
    cora.get(f"/cases/{case}/conflicts")
    cora.press("Lift")
    assert kwame.status_of(f"/cases/{case}") == 200


def _label(form, value: str) -> str:  # type: ignore[no-untyped-def]
    return next(o.text for o in form.fields["who"][0].iter("option") if o.get("value") == value)


def test_research_is_released_item_by_item_and_only_what_may_be_shared(researching: Flask, case: int) -> None:
    hours = Time(researching)

    def answer() -> None:
        from app.cases.parties import parties

        held = said.research_held([str(p.key) for p in parties(case)])
        held["items"].append(
            {**held["items"][0], "text": "Kept back.", "shareable": "no", "notShareReason": "Legal advice."}
        )
        held["attendeeName"] = story.user_id("spoc.housing")
        do("spoc.housing", "ResearchAgency", held, case_key=case)
        db.session.commit()

    look(researching, answer)
    hours.settle()
    kwame = Browser(researching, "spoc.housing").sign_in()
    page = kwame.get(f"/cases/{case}/papers")
    form, _ = page.button("Release to the meeting")
    assert form.choices("item") == ["0"], "what may not be shared is not offered"
    address = form.address
    kwame.post(address, {"item": "1"})
    assert look(researching, lambda: db.session.query(ReleasedItem).count()) == 0
    grace = Browser(researching, "spoc.adults").sign_in()
    grace.get(f"/cases/{case}")
    assert grace.post(address, {"item": "0"}).status == 404
    kwame.get(f"/cases/{case}/papers")
    page = kwame.press("Release to the meeting", item=["0"])
    assert "Released. Those who hear the case can read it now." in page.text
    assert look(researching, lambda: db.session.query(ReleasedItem).count()) == 1
    cora = Browser(researching, "cora").sign_in()
    text = cora.get(f"/cases/{case}/papers").text
    assert "Two calls to the address in January." in text
    assert "Kept back." not in text
    assert "Legal advice." not in text


def test_a_parameter_changes_with_a_reason_from_a_day_on(researching: Flask, cora: Browser) -> None:
    cora.get("/admin/parameters/agendaLeadTime")
    page = cora.press("Change", value="eight days", reason="Agreed by the steering group.")
    assert page.status == 422
    assert page.errors == ["“eight days” is not a duration."]
    assert page.form.value("reason") == "Agreed by the steering group."
    page = cora.press("Change", value="-P10D", reason="Agreed.")
    assert page.errors == ["The value must not be negative."]
    page = cora.press("Change", value="P10D", date="2020-01-01", reason="Agreed.")
    assert page.errors == ["The date must be in the future: a value cannot be changed backwards"]
    page = cora.press("Change", value="P10D", date=None, reason="Agreed.", **{"date-month": "6"})
    assert page.errors == ["Enter the date from which it holds, for example 27 3 2026"]
    page = cora.press("Change", value="P10D", date="2026-06-01", reason="Agreed by the steering group.")
    assert "Changed." in page.text
    assert "10 days" in page.text
    assert "To come" in page.text
    agreed = select(Parameter).where(Parameter.name == "agendaLeadTime").order_by(Parameter.key.desc())
    row = look(researching, lambda: db.session.execute(agreed).scalars().first())
    assert row.effective_from == start_of_day(date(2026, 6, 1))  # the value holds all of that day
    olive = Browser(researching, "olive").sign_in()
    assert not olive.get("/admin/parameters/agendaLeadTime").has_button("Change")
    assert olive.post("/admin/parameters/agendaLeadTime", {"value": "P1D", "reason": "x"}).status == 403


def test_somebody_shut_out_is_signed_out_at_once(researching: Flask) -> None:
    kwame, oscar = Browser(researching, "spoc.housing").sign_in(), Browser(researching, "oscar").sign_in()
    assert kwame.get("/work").title == "My team’s tasks"
    oscar.find("spoc.housing", "/admin/people")
    oscar.follow("Kwame Boat")
    assert "Shut out. They have been signed out everywhere." in oscar.press("Shut Kwame Boat out").text
    answer = kwame.client.get("/work", base_url="http://127.0.0.1:8000")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]


def test_a_contact_who_is_shut_out_is_shown_to_be_missing(researching: Flask, cora: Browser) -> None:
    def housing() -> str:
        (section,) = cora.get("/admin/agencies").document.xpath("//section[.//h2[contains(., 'Housing')]][1]")
        return " ".join(section.text_content().split())

    def approved(days: int) -> None:
        with researching.app_context():
            contact = db.session.query(Contact).order_by(Contact.key).filter(Contact.user_key == kwame).first()
            assert contact is not None
            contact.active_to = end_of_day(business_today() + timedelta(days=days))
            db.session.commit()

    kwame = look(researching, lambda: db.session.query(User).filter_by(username="spoc.housing").one().key)
    approved(31)
    assert "Approved until 2 April 2026" in housing()
    assert "Ends soon" not in housing()
    approved(29)
    assert "Ends soon" in housing()
    assert "Too few contacts" not in housing()
    oscar = Browser(researching, "oscar").sign_in()
    oscar.find("spoc.housing", "/admin/people")
    oscar.follow("Kwame Boat")
    oscar.press("Shut Kwame Boat out")
    assert "Too few contacts" in housing()
    assert "Has no role now" in housing()


def test_sessions_are_ended_for_one_person_or_for_everybody_else(researching: Flask, cora: Browser) -> None:
    kwame, oscar = Browser(researching, "spoc.housing").sign_in(), Browser(researching, "oscar").sign_in()

    def is_in(browser: Browser) -> bool:
        return browser.client.get("/work", base_url="http://127.0.0.1:8000").status_code == 200

    oscar.find("Kwame", "/admin/people")
    oscar.follow("Kwame Boat")
    assert "Signed out everywhere. They can sign in again." in oscar.press("Sign Kwame Boat out").text
    assert [is_in(each) for each in (kwame, cora, oscar)] == [False, True, True]
    kwame.sign_in()
    oscar.get("/admin/people")
    assert "Everybody else has been signed out everywhere" in oscar.press("Sign everybody out").text
    assert [is_in(each) for each in (kwame, cora, oscar)] == [False, False, True]
    olive = Browser(researching, "olive").sign_in()
    assert not olive.get("/admin/people").has_button("Sign everybody out")
    assert olive.post("/admin/people/sign-out", {}).status == 403


def test_nobody_gives_themselves_a_role(researching: Flask, cora: Browser) -> None:
    page = f"/admin/people/{look(researching, lambda: int(story.user_id('cora')))}"
    assert not cora.get(page).has_button("Give the role")
    assert cora.post(f"{page}/roles", {"role": "auditor"}).status == 403


def test_the_auditor_finds_who_looked_and_sees_no_content(researching: Flask, cora: Browser, case: int) -> None:
    cora.get(f"/cases/{case}")
    audrey = Browser(researching, "audrey").sign_in()
    page = audrey.get("/audit", case="MARAC-2026-0001", kind="view")
    assert "Cora Coyle" in page.text
    assert "view.case-overview" in page.text
    assert "Elin" not in page.content
    assert "There is no case MARAC-2026-9999" in audrey.get("/audit", case="MARAC-2026-9999").text
    audrey.get("/audit")
    page = audrey.press("Verify")
    assert page.title == "Complete and unchanged"


def test_the_co_ordinator_decides_who_is_the_same(researching: Flask, cora: Browser, case: int) -> None:
    def again() -> int:
        key = story.refer({**story.VICTIM, "name": "Ellie Marsh", "alsoKnownAs": ""}, story.PERPETRATOR)
        db.session.commit()
        return key

    newer = look(researching, again)
    page = cora.get(f"/cases/{newer}/matches")
    assert "Elin Marsh, victim, born 12 April 1991" in page.text
    assert "Not decided" in page.text
    page = cora.send(page.form_to(_match_of(page, "Elin Marsh")), ("same", "yes"))
    assert "Recorded: the same person." in page.text
    kwame = Browser(researching, "spoc.housing").sign_in()
    assert kwame.status_of(f"/cases/{case}/matches") == 403


def _match_of(page: Page, name: str) -> str:
    row = next(r for r in page.document.xpath("//tbody/tr") if name in r.text_content())
    return str(row.xpath(".//form/@action")[0])
