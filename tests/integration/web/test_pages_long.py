"""Years of a borough: nothing falls off the end of a list, and nothing that is typed is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.access import decide
from app.access.permissions import Permission
from app.audit import AuditEntry
from app.cases import actions, deadlines
from app.cases.dossiers import open_case
from app.cases.facts import facts_of_all
from app.cases.models import Action, ActionStatus, Case, CaseState
from app.cases.search import cases_for
from app.cases.timeline import note
from app.documents.content.base import ActionLine
from app.identity import register
from app.identity.models import User
from app.meetings import planning
from app.meetings.models import AgendaItem, Meeting, MeetingState
from app.operations.papers.agenda import brought_forward
from app.operations.papers.common import action_line
from app.settings import Settings
from app.store.database import db
from tests.integration.test_statements import counted
from tests.integration.web.conftest import look
from tests.support.browser import Browser
from tests.support.pages import Page
from tests.support.prepared import opened, prepared

LATER_MEETINGS = 110
CASES = 230
EVENTS = 250
LONG = "x" * 1_001
OLD_ACTION = actions.ActionWords("Fit a safe room", "Entry to the home")


@pytest.fixture(scope="module")
def lived(researched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cases were heard at the first meeting and are spoken of to this day; more than a hundred meetings were held since."""
    folder = tmp_path_factory.mktemp("lived") / "data"
    with prepared(folder, researched) as app, app.app_context():
        first, case = db.session.query(Meeting).one(), first_case()
        for key in sorted(row.case_key for row in db.session.query(AgendaItem)):
            actions.add(key, first.key, OLD_ACTION, owner_agency_key=1, owner_user_key=None, due_date=date(2026, 4, 1))
        assert first.starts_at is not None
        first.state = MeetingState.MINUTES_ISSUED
        for number in range(1, LATER_MEETINGS + 1):
            later = planning.create(first.area_key, by=case.created_by)
            later.state, later.starts_at = MeetingState.CLOSED, first.starts_at + timedelta(weeks=2 * number)
        for _ in range(CASES):
            later_case = open_case(first.area_key, "marac", by=case.created_by, agency_key=case.referring_agency_key)
            later_case.state, later_case.submitted_at = CaseState.SUBMITTED, case.submitted_at
        for number in range(EVENTS):
            note(case.key, "note", title=f"Note {number}")
        db.session.commit()
    return folder


@pytest.fixture
def years(lived: Path, settings: Settings, still: None) -> Iterator[Flask]:
    with opened(settings, lived) as app:
        yield app


def first_case() -> Case:
    case = db.session.query(Case).order_by(Case.key).first()
    assert case is not None
    return case


def coming_meeting() -> int:
    """A meeting that is still to be planned."""
    return planning.create(first_case().area_key, by=first_case().created_by).key


def everything(browser: Browser, rows: Callable[[Page], list[str]]) -> list[str]:
    """What the pages of a list show, the first to the last."""
    found = rows(browser.page)
    while further := browser.page.document.xpath("//nav//a[@rel='next']/@href"):
        browser.get(further[0])
        found += rows(browser.page)
    return found


def references(page: Page) -> list[str]:
    return [link.text_content() for link in page.document.xpath("//th/a[contains(@class, 'cv-reference')]")]


def test_open_actions_are_brought_forward_however_many_meetings_ago_they_were_agreed(years: Flask) -> None:
    def agenda() -> list[ActionLine]:
        return [action_line(action, {}) for action in brought_forward(coming_meeting())]

    lines = look(years, agenda)
    assert [(line.case_number, line.action) for line in lines] == [
        ("MARAC-2026-0001", OLD_ACTION.action),
        ("MARAC-2026-0002", OLD_ACTION.action),
    ]


def test_what_is_done_or_destroyed_is_not_brought_forward(years: Flask) -> None:
    def agenda() -> int:
        done, gone = db.session.query(Action).order_by(Action.key)
        done.status = ActionStatus.DONE
        case = db.session.get(Case, gone.case_key)
        assert case is not None
        case.state = CaseState.DISPOSED
        db.session.flush()
        return len(brought_forward(coming_meeting()))

    assert look(years, agenda) == 0


def test_actions_brought_forward_are_read_together(years: Flask) -> None:
    with years.app_context():
        coming = coming_meeting()
        db.session.commit()
        db.session.remove()
        with counted(years) as cost:
            lines = [action_line(action, {}) for action in brought_forward(coming)]
        db.session.remove()
    assert len(lines) == 2
    assert len(cost.statements) == 5, cost


@pytest.mark.parametrize(
    "strange", ["endpoint=x", "_anchor=x", "_scheme=javascript&_external=1", "_method=POST", "key=1"]
)
def test_a_strange_query_changes_no_address_of_the_other_pages(years: Flask, strange: str) -> None:
    cora = Browser(years, "cora").sign_in()
    cora.get(f"/meetings?{strange}")
    cora.get(cora.page.document.xpath("//nav//a[@rel='next']/@href")[0])
    assert references(cora.page)


def test_every_meeting_is_in_the_list_and_each_page_is_read_together(years: Flask) -> None:
    cora = Browser(years, "cora").sign_in()
    cora.get("/meetings")
    with counted(years) as cost:
        cora.get("/meetings")
    assert len(cost.statements) <= 8, cost
    found = everything(cora, references)
    assert sorted(set(found)) == sorted(look(years, lambda: [m.reference for m in db.session.query(Meeting)]))
    assert len(found) == LATER_MEETINGS + 1


def test_every_case_is_in_the_list(years: Flask) -> None:
    cora = Browser(years, "cora").sign_in()
    cora.get("/cases")
    found = everything(cora, references)
    assert found == look(years, lambda: [c.reference for c in db.session.query(Case).order_by(Case.key.desc())])
    assert len(found) == CASES + 2
    assert references(cora.get("/cases", page=99))[-1] == "MARAC-2026-0001", "a page that is not there is the last one"


def test_everybody_finds_the_cases_that_they_may_open_and_no_others(years: Flask) -> None:
    def compared() -> dict[str, tuple[list[str], list[str]]]:
        cases = db.session.query(Case).order_by(Case.key.desc()).all()
        for number, case in enumerate(cases):  # of every state, submitted and not
            case.state = list(CaseState)[number % len(CaseState)]
            if number % 7 == 0:
                case.submitted_at = None
        db.session.flush()
        facts = facts_of_all(cases)
        people = [register.person_for(user.key) for user in db.session.query(User)]
        return {
            person.username: (
                [case.reference for case in cases_for(person, limit=1_000)],
                [c.reference for c in cases if decide.allowed(person, Permission.CASE_SUMMARY_READ, facts[c.key])],
            )
            for person in people
        }

    found = look(years, compared)
    assert {name: listed for name, (listed, _) in found.items()} == {name: open_ for name, (_, open_) in found.items()}
    assert len({len(listed) for listed, _ in found.values()}) > 4, "they differ in what they may see"


def test_a_timeline_goes_back_to_the_day_on_which_the_case_was_opened(years: Flask) -> None:
    case = look(years, lambda: first_case().key)
    cora = Browser(years, "cora").sign_in()
    cora.get(f"/cases/{case}/timeline")
    found = everything(
        cora, lambda page: [one.text_content() for one in page.document.xpath("//*[@class='cv-timeline__what']")]
    )
    assert found[-1] == "Case opened"
    assert sum(text.startswith("Note ") for text in found) == EVENTS


# --------------------------------------------------------------------------------------- what is typed is not cut
@pytest.fixture
def typing(researching: Flask) -> Iterator[tuple[Flask, int, int]]:
    """With the case and the meeting at hand. Whatever is typed is refused, and nothing is recorded."""
    case, meeting = look(
        researching,
        lambda: (first_case().key, db.session.query(Meeting).one().key),
    )
    audited = "sign-in", "view"
    seen = look(
        researching, lambda: [r.action for r in db.session.query(AuditEntry) if not r.action.startswith(audited)]
    )
    yield researching, case, meeting
    assert seen == look(
        researching, lambda: [r.action for r in db.session.query(AuditEntry) if not r.action.startswith(audited)]
    )


@pytest.mark.parametrize(
    ("who", "at", "button"),
    [
        ("cora", "/cases/{case}/deadlines/{deadline}/move", "Move the deadline"),
        ("chidi", "/cases/{case}/hold", "Set"),
        ("chidi", "/cases/{case}/death", "Record"),
        ("cora", "/cases/{case}/conflicts", "Record"),
        ("cora", "/meetings/{meeting}", "Move the meeting"),
        ("cora", "/meetings/{meeting}", "Cancel the meeting"),
        ("chidi", "/meetings/{meeting}", "Record who presides"),
    ],
)
def test_a_reason_that_is_too_long_is_said_to_be_and_stays_in_its_field(
    typing: tuple[Flask, int, int], who: str, at: str, button: str
) -> None:
    app, case, meeting = typing
    browser = Browser(app, who).sign_in()
    deadline = look(app, lambda: next(d.name for d in deadlines.in_force(case) if d.met_at is None))
    browser.get(at.format(case=case, meeting=meeting, deadline=deadline))
    page = browser.press(button, reason=LONG)
    assert page.status == 422
    assert any("must be 1,000 characters or fewer" in error for error in page.errors), page.errors
    assert LONG in [box.text_content().strip() for box in page.document.xpath("//textarea[@name='reason']")]


def test_names_and_addresses_are_not_cut_either(typing: tuple[Flask, int, int]) -> None:
    app, _, meeting = typing
    cora = Browser(app, "cora").sign_in()
    cora.get(f"/meetings/{meeting}")
    page = cora.press("Add", name="n" * 201, job="j" * 201, organisation="o" * 201)
    assert page.status == 422
    assert [error for error in page.errors if "200 characters or fewer" in error] == [
        "The name must be 200 characters or fewer",
        "The job title must be 200 characters or fewer",
        "The organisation must be 200 characters or fewer",
    ]
    assert "n" * 201 in page.document.xpath("//input[@name='name']/@value")


@pytest.mark.parametrize("address", ["a@b", "a@x.org, b@x.org", f"a@{'x' * 60}.{'y' * 60}.{'z' * 60}.{'w' * 20}.org"])
def test_a_contact_has_one_whole_address(typing: tuple[Flask, int, int], address: str) -> None:
    app = typing[0]
    cora = Browser(app, "cora").sign_in()
    cora.get("/admin/agencies")
    page = cora.press("Approve", address=address)
    assert page.status == 422
    assert "Enter a secure e-mail address, like name@example.gov.uk" in page.errors
    assert address in page.document.xpath("//input[@name='address']/@value")
