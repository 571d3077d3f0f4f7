"""What a page tells of a task's due date, and of what happens when it is late: from the running release, in words."""

from __future__ import annotations

from flask import Flask

from app.agencies import parameters
from app.demo import story
from app.meetings.models import Meeting
from app.operations.lateness import Kind, consequences
from app.store.clock import business_now
from app.store.database import db
from app.work.models import WorkItem
from tests.conftest import Time
from tests.integration.web.conftest import look
from tests.support.browser import Browser


def test_a_task_says_who_is_told_and_asked_when_it_is_late(borough: Flask) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    page = rosa.get(f"/work/{rosa.key}")
    assert "What happens if this is late?" in page.text
    told = [(dt.text, dt.getnext().text) for dt in page.document.xpath("//dl[@class='cv-when']//dt")]
    assert told == [
        ("3 March 2026 at 9am", "A reminder goes to whoever has the task."),
        ("End of 4 March 2026", "The Authorising manager of Ambleford Children's Services is asked to decide."),
    ]
    assert "Due 3 March 2026: 1 working day after 2 March 2026." in page.text
    assert "Setting: riskChecklistWorkingDays = 1" in page.text


def test_changed_parameters_change_what_is_told(borough: Flask) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")

    def change() -> list[object]:
        item = db.session.get(WorkItem, rosa.key)
        before = [one.at for one in consequences(item)]
        parameters.change(
            item.area_key, "tierGapWorkingDays", "3", by=1, effective_from=business_now(), reason="Trial of three days"
        )
        after = [one.at for one in consequences(item)]
        db.session.rollback()
        return [before[0] == after[0], (after[1] - before[1]).days]

    assert look(borough, change) == [True, 2]


def test_a_task_that_closes_by_itself_says_so(borough: Flask) -> None:
    cora = Browser(borough, "cora").sign_in()
    cora.start("marac-meeting")
    cora.answer(look(borough, lambda: story.meeting_answers(story.meeting_day(3)))).submit()
    cora.open_task("Prepare the agenda")
    page = cora.get(f"/work/{cora.key}")
    assert "The task is closed and the procedure goes on with “Issue agenda and research requests”." in page.text
    assert "is asked to decide" not in page.text


def test_a_late_task_says_who_has_been_asked_and_who_is_next(borough: Flask, hours: Time) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    hours.advance(days=4)
    hours.settle()

    def kinds() -> list[tuple[Kind, tuple[str, ...]]]:
        return [(one.kind, one.who) for one in consequences(db.session.get(WorkItem, rosa.key))]

    assert look(borough, kinds) == [(Kind.ASKED, ("Authorising manager",))]
    assert "The Authorising manager has been asked to decide." in rosa.get(f"/work/{rosa.key}").text


def test_the_deadlines_of_a_meeting_are_told_in_words(researching: Flask) -> None:
    cora = Browser(researching, "cora").sign_in()
    page = cora.get(f"/meetings/{look(researching, lambda: db.session.query(Meeting.key).scalar())}")
    assert "5 working days after the meeting" in page.text
    assert "Setting: minutesDueWorkingDays = 5" in page.text
    assert "1 working day before the meeting, at midday" in page.text
    assert "add working days" not in page.text


def test_research_that_the_meeting_chases_says_so(researching: Flask) -> None:
    """No timer is drawn on the agency's task: the meeting reminds each agency once, for all its cases."""

    def told() -> list[tuple[Kind, tuple[str, ...]]]:
        item = (
            db.session.query(WorkItem)
            .filter_by(element_id="ResearchAgency", state="open")
            .order_by(WorkItem.key)
            .first()
        )
        assert item is not None
        found = consequences(item)
        assert [one.at for one in found if one.at is None] == []
        return [(one.kind, tuple(role.partition(" of ")[0] for role in one.who)) for one in found]

    assert look(researching, told) == [
        (Kind.REMIND, ("Agency SPOC",)),
        (Kind.REMIND, ("Agency SPOC", "Deputy SPOC")),
        (Kind.DECIDE, ("Agency strategic lead",)),
        (Kind.DECIDE, ("MARAC Chair",)),
    ]


def test_the_research_sheet_says_so_too(researching: Flask) -> None:
    meeting = look(researching, lambda: db.session.query(Meeting.key).scalar())
    page = Browser(researching, "spoc.housing").sign_in().get(f"/research/{meeting}")
    assert "What happens if this is late?" in page.text
    assert "The Agency strategic lead of Ambleford Housing is asked to decide." in page.text
