"""The research sheet: many cases in one sitting, each answer its own task; handing a task to a colleague."""

from __future__ import annotations

import pytest
from flask import Flask

from app.audit import AuditEntry
from app.cases.models import Case, Submission
from app.demo import story
from app.store.clock import business_now
from app.store.database import db
from app.work.models import Handover, ItemState, WorkItem
from tests.integration.web.conftest import look
from tests.support.browser import Browser


@pytest.fixture
def kwame(researching: Flask) -> Browser:
    """The housing service's point of contact, with the sheet open."""
    kwame = Browser(researching, "spoc.housing").sign_in()
    kwame.get("/work")
    kwame.follow("Answer research")
    assert kwame.page.title == "Research: 2 cases to answer"
    return kwame


def tick(browser: Browser, *which: int) -> None:
    form, _ = browser.page.button("Nothing held in the cases selected")
    boxes = form.choices("item")
    form.write("item", [boxes[n] for n in which])
    browser.send(form)


def confirm(browser: Browser) -> None:
    browser.answer_page(
        {
            "verifiedNoneOfNamedParties": True,
            "destroyedAt": story.moment(business_now()),
            "method": "SYSTEM_PURGE",
            "copies": 0,
            "attestation": True,
        }
    )


def test_the_sheet_names_whom_to_search_for(kwame: Browser) -> None:
    for words in ("Elin Marsh", "Ellie Marsh", "Darren Pole", "12 April 1991", "Joan Tarn", "Mick Tarn"):
        assert words in kwame.page.text
    assert "Leave no message" not in kwame.page.text, "how to reach the victim is not needed to search"


def test_nothing_is_confirmed_without_choosing_a_case(kwame: Browser) -> None:
    tick(kwame)
    assert kwame.page.status == 422
    assert kwame.page.errors == ["Select the cases in which you hold nothing on anybody named"]


def test_the_confirmation_of_destruction_is_checked_like_any_form(kwame: Browser) -> None:
    tick(kwame, 0, 1)
    page = kwame.answer_page({"method": "SHRED"})
    assert page.status == 422
    assert "Confirm that every copy is destroyed" in page.errors
    assert page.form.value("method") == "SHRED"


def test_nothing_held_in_two_cases_at_once_is_four_tasks_on_their_own_records(
    researching: Flask, kwame: Browser
) -> None:
    tick(kwame, 0, 1)
    assert kwame.page.title == "Nothing held: what becomes of the request"
    confirm(kwame)
    assert "Nothing held: recorded for 2 cases. You can no longer see them." in kwame.page.text
    assert kwame.page.path == "/work"

    def done() -> list[str]:
        rows = db.session.query(WorkItem).filter_by(state=ItemState.COMPLETED, agency_key=_agency(kwame, researching))
        return sorted(row.element_id for row in rows)

    assert look(researching, done) == ["ConfirmDestruction"] * 2 + ["ResearchAgency"] * 2
    forms = look(
        researching, lambda: [s.form_id for s in db.session.query(Submission).filter_by(form_id="marac-nothing-held")]
    )
    assert len(forms) == 2
    assert kwame.get("/cases").links("MARAC-") == []


def _agency(_browser: Browser, app: Flask) -> int:
    from app.agencies.models import Agency

    return int(db.session.query(Agency).filter_by(slug="housing").one().key)


def test_one_case_is_answered_by_itself_and_the_sheet_goes_on_with_the_other(kwame: Browser) -> None:
    tick(kwame, 1)
    confirm(kwame)
    assert kwame.page.title == "Research: 1 case to answer"
    kwame.press("We hold something")
    assert kwame.page.title == "What your agency holds"


def test_every_case_on_the_sheet_is_audited_as_seen(researching: Flask, kwame: Browser) -> None:
    seen = look(
        researching, lambda: {e.case_key for e in db.session.query(AuditEntry).filter_by(action="view.research-sheet")}
    )
    assert len(seen) == 2


def test_another_agency_cannot_answer_for_this_one(researching: Flask, kwame: Browser) -> None:
    form, _ = kwame.page.button("Nothing held in the cases selected")
    item = form.choices("item")[0]
    path = kwame.page.path
    grace = Browser(researching, "spoc.adults").sign_in()
    grace.get(path)
    assert item not in grace.page.button("Nothing held in the cases selected")[0].choices("item")
    assert grace.post(f"{path}/held/{item}", {}).status == 404


def test_handing_over_needs_a_person_and_a_reason(researching: Flask, kwame: Browser) -> None:
    kwame.press("We hold something")
    key = kwame.key
    kwame.get(f"/work/{key}")
    page = kwame.press("Hand over")
    assert page.errors == ["Select who takes the task over", "Enter why you hand the task over"]
    form = page.form_to("/hand-over")
    [deputy] = [value for value in form.choices("to") if value]
    page = kwame.press("Hand over", to=deputy, reason="I am on leave from tomorrow.")
    assert "has the task now and has been told" in page.text
    assert look(researching, lambda: db.session.get(WorkItem, key).assignee) == int(deputy)
    reasons = look(researching, lambda: [row.reason for row in db.session.query(Handover)])
    assert reasons
    assert all(b"on leave" not in reason for reason in reasons)
    page = kwame.get(f"/work/{key}")
    assert "has this task." in page.text


def test_two_people_on_one_task_one_takes_it_and_the_other_is_told(researching: Flask, kwame: Browser) -> None:
    deputy = Browser(researching, "deputy.housing").sign_in()
    deputy.get("/work")
    deputy.follow("Answer research")
    form, _ = deputy.page.button("We hold something")
    kwame.press("We hold something")
    page = deputy.send(form)
    assert page.status == 409
    assert page.title == "Somebody else has this task"
    assert "Kwame Boat has this task." in page.text


def test_searching_the_list_by_name_finds_what_sounds_alike_for_those_cleared(
    researching: Flask, kwame: Browser
) -> None:
    assert len(kwame.find("Elin Marsh").document.xpath("//tbody/tr")) == 1
    assert len(kwame.find("MARAC-2026-0002").document.xpath("//tbody/tr")) == 1
    assert kwame.find("Nobody Known").document.xpath("//tbody/tr") == []
    olive = Browser(researching, "olive").sign_in()
    assert olive.find("Elin Marsh").document.xpath("//tbody/tr") == []


def test_an_agency_that_is_asked_sees_its_own_part_of_the_way_only(researching: Flask, kwame: Browser) -> None:
    """Neither timeline nor diagram tells it what was decided about the case, or what others were asked."""
    case = look(researching, lambda: db.session.query(Case).order_by(Case.key).first().key)
    cora, rosa = Browser(researching, "cora").sign_in(), Browser(researching, "rosa").sign_in()

    def timeline(who: Browser) -> list[str]:
        found = who.get(f"/cases/{case}/timeline").document.xpath("//*[@class='cv-timeline__what']")
        return [one.text_content().strip() for one in found]

    def steps(who: Browser) -> set[str]:
        shown = who.get(f"/cases/{case}/diagram").document.xpath("//main//ul[contains(@class, 'bullet')]/li")
        return {one.text_content().partition(" (")[0].strip() for one in shown}

    assert any(title.startswith("Worked out: ") for title in timeline(cora))
    assert any(title.startswith("Now: ") for title in timeline(rosa)), "who referred follows the case"
    assert not [t for t in timeline(kwame) if t.startswith(("Now: ", "Worked out: ", "Begun: ", "Ended: "))]
    assert kwame.page.status == 200
    assert len(steps(cora)) > 2
    assert steps(kwame) == {"Search your records and answer"}
    assert "Triage" not in kwame.page.content
