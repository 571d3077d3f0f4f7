"""Every page that the journey does not pass, each opened by somebody it is for, at both widths."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

import pytest
from werkzeug.exceptions import NotFound

from app.agencies import service as agencies
from app.agencies.models import ContactRole
from app.identity import register
from app.identity.roles import Role
from app.store.clock import business_now
from tests.browser import checking
from tests.browser.backstage import Backstage
from tests.browser.conftest import Meet

# Name, who opens it, address, status.
PAGES = (
    ("accessibility", "", "/accessibility", 200),
    ("privacy", "", "/privacy", 200),
    ("signed-out", "", "/sign-out/done", 200),
    ("signed-in-again", "", "/signed-in-again", 200),
    ("sign-in-refused", "", "/sign-in/callback?state=nothing", 403),
    ("link-not-valid", "", "/sign/nothing", 403),
    ("the-chair-decides", "", "/sign/waits", 200),
    ("no-role", "nora", "/no-role", 200),
    ("account", "rosa", "/account", 200),
    ("sign-out", "rosa", "/sign-out", 200),
    ("not-found", "rosa", "/cases/1", 404),
    ("not-allowed", "rosa", "/admin/people", 403),
    ("not-that-way", "rosa", "/work/start/marac-case", 405),
    ("work-nothing-found", "rosa", "/work?view=mine&process=nothing", 200),
    ("work-filtered", "cora", "/work?view=all&process=marac-case&overdue=1", 200),
    ("cases", "cora", "/cases", 200),
    ("cases-nothing-found", "cora", "/cases?state=DISPOSED", 200),
    ("case-overview", "cora", "/cases/{case}", 200),
    ("case-papers", "cora", "/cases/{case}/papers", 200),
    ("case-actions", "cora", "/cases/{case}/actions", 200),
    ("case-tasks", "cora", "/cases/{case}/tasks", 200),
    ("case-deadlines", "cora", "/cases/{case}/deadlines", 200),
    ("case-documents", "cora", "/cases/{case}/documents", 200),
    ("case-timeline", "cora", "/cases/{case}/timeline", 200),
    ("case-conflicts", "cora", "/cases/{case}/conflicts", 200),
    ("case-of-a-referrer", "rosa", "/cases/{case}", 200),
    ("move-a-deadline", "cora", "/cases/{case}/deadlines/{deadline}/move", 200),
    ("task-page", "cora", "/work/{task}", 200),
    ("meetings", "cora", "/meetings", 200),
    ("meeting", "cora", "/meetings/{meeting}", 200),
    ("room-not-open", "chidi", "/meetings/{meeting}/room", 200),
    ("procedures", "olive", "/procedures", 200),
    ("manage", "cora", "/admin", 200),
    ("people", "oscar", "/admin/people", 200),
    ("a-person", "oscar", "/admin/people/{person}", 200),
    ("agencies", "cora", "/admin/agencies", 200),
    ("parameters", "cora", "/admin/parameters", 200),
    ("a-parameter", "olive", "/admin/parameters/agendaLeadTime", 200),
    ("incidents", "oscar", "/admin/incidents", 200),
    ("an-incident", "oscar", "/admin/incidents/{incident}", 200),
    ("incidents-alike", "oscar", "/admin/incidents/{incident}/alike", 200),
    ("audit", "audrey", "/audit", 200),
)

# Pages of these endpoints are opened elsewhere in this folder, or are no pages.
ELSEWHERE = {
    "public.welcome", "auth.sign_in", "research.sheet", "signing.sign", "signing.signed", "cases.hold",
    "cases.death",
    "answers.begin", "answers.form_page", "answers.check_page", "answers.done",
    "procedures.show", "manage.mending",
}  # fmt: skip
NO_PAGES = {
    "web.static", "public.session_state", "cases.attachment", "cases.diagram_file", "papers.download", "procedures.file",
    "auth.sign_out_elsewhere", "manage.incident_diagram",
}  # fmt: skip


@pytest.fixture(scope="module")
def places(backstage: Backstage) -> dict[str, str]:
    """What stands for what in the addresses."""
    case = backstage.cases()[0].key
    return {
        "case": str(case),
        "meeting": str(backstage.meetings()[0].key),
        "task": str(backstage.item("InviteAgencies").key),
        "deadline": str(backstage.deadlines(case)[0]),
        "person": backstage.user("rosa"),
        "incident": str(backstage.stop()),
    }


@pytest.mark.parametrize(("name", "who", "address", "status"), PAGES, ids=[page[0] for page in PAGES])
def test_a_page(meet: Meet, places: dict[str, str], name: str, who: str, address: str, status: int) -> None:
    visitor = meet(who)
    if who and visitor.page.url == "about:blank":
        visitor.go("/work")
    visitor.go(address.format(**places), status).check(name)
    assert visitor.heading


@pytest.mark.parametrize(
    ("name", "who", "address"),
    [
        ("case-diagram", "cora", "/cases/{case}/diagram"),
        ("procedure", "olive", "/procedures/marac-case"),
    ],
)
def test_a_page_with_a_diagram(meet: Meet, places: dict[str, str], name: str, who: str, address: str) -> None:
    """The picture is drawn, and its tools work with the keyboard."""
    visitor = meet(who).go(address.format(**places))
    visitor.page.locator("[data-diagram] svg .djs-element").first.wait_for()
    visitor.check(name)
    larger = visitor.page.get_by_role("button", name="Larger")
    before = visitor.page.locator("[data-diagram] svg .viewport").first.get_attribute("transform")
    larger.focus()
    visitor.page.keyboard.press("Enter")
    assert visitor.page.locator("[data-diagram] svg .viewport").first.get_attribute("transform") != before


@pytest.mark.parametrize(
    ("name", "who", "address", "opens", "button"),
    [
        ("hand-over", "cora", "/work/{task}", "Give it to somebody else", "Hand over"),
        ("move-the-meeting", "cora", "/meetings/{meeting}", "Move the meeting to another date", "Move the meeting"),
        ("invite", "cora", "/meetings/{meeting}", "Add somebody to the attendance list", "Add"),
        ("conflict", "cora", "/cases/{case}/conflicts", "", "Record and close the case to them"),
        ("deadline", "cora", "/cases/{case}/deadlines/{deadline}/move", "", "Move the deadline"),
    ],
)
def test_a_form_sent_empty(
    meet: Meet, places: dict[str, str], name: str, who: str, address: str, opens: str, button: str
) -> None:
    """What is missing is said at the top, and each sentence leads to its question."""
    visitor = meet(who).go(address.format(**places))
    if opens:
        visitor.page.locator("summary", has_text=opens).click()
        visitor.check(name)
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name=button, exact=True).click()
    assert visitor.errors
    visitor.check(f"{name}-with-errors")
    visitor.page.locator(".govuk-error-summary__list a").first.click()
    assert visitor.page.evaluate("document.activeElement.matches('input, select, textarea')")


def test_a_proposal_to_mend(meet: Meet, places: dict[str, str]) -> None:
    visitor = meet("oscar").go(f"/admin/incidents/{places['incident']}")
    folded = visitor.page.locator("details", has_text="Propose to skip it")
    folded.locator("summary").click()
    folded.locator("textarea").fill("No date is needed.")
    visitor.press("Propose to skip it").check("a-proposal")
    assert "Waits for approval" in visitor.text


def test_the_whole_record_is_verified(meet: Meet) -> None:
    visitor = meet("audrey").go("/audit").press("Verify that nothing was altered")
    visitor.check("audit-verified")


def test_a_phone_has_the_menu(meet: Meet) -> None:
    """The sections fold into a menu that the keyboard opens."""
    visitor = meet("cora").go("/work")
    across, down = checking.PHONE
    visitor.page.set_viewport_size({"width": across, "height": down})
    menu = visitor.page.get_by_role("button", name="Menu")
    assert menu.get_attribute("aria-expanded") == "false"
    menu.focus()
    visitor.page.keyboard.press("Enter")
    assert menu.get_attribute("aria-expanded") == "true"
    assert visitor.page.get_by_role("link", name="Cases").is_visible()
    visitor.check("menu")


def _second_agency(backstage: Backstage) -> None:
    """Rosa refers for probation too, and is its deputy contact, with the role that goes with it, from next month on."""
    rosa, probation = register.find_user("rosa"), int(backstage.agency("probation"))
    assert rosa is not None
    next_month = business_now() + timedelta(days=30)
    at = {"agency_key": probation, "area_key": rosa.area_key}
    register.grant_role(rosa.key, Role.REFERRING_PRACTITIONER, **at)
    register.grant_role(rosa.key, Role.AGENCY_DEPUTY, **at, since=next_month)
    agencies.register_contact(
        probation,
        rosa.key,
        ContactRole.DEPUTY,
        secure_address="rosa@probation.example",
        phone="",
        purposes="MARAC",
        vetted=True,
        trained=True,
        active_from=next_month,
        active_to=None,
    )


def test_somebody_of_two_agencies(meet: Meet, backstage: Backstage, places: dict[str, str]) -> None:
    """Who may refer for both says for which; what begins later stands on the pages of the agencies and of the person."""
    backstage.act(lambda: _second_agency(backstage))
    rosa = meet("rosa").go("/work").press("Refer a victim to MARAC").check("start-agency")
    rosa.press("Continue")
    assert rosa.errors == ["Select the agency that you do this for"]
    rosa.check("start-agency-with-errors")
    rosa.page.locator(".govuk-error-summary__list a").first.click()
    assert rosa.page.evaluate("document.activeElement.matches('input[type=radio]')")
    rosa.page.keyboard.press("Space")
    rosa.press("Continue")
    assert "/form/" in rosa.path
    cora = meet("cora").go(f"/admin/people/{places['person']}").check("person-with-a-role-to-come")
    assert ", from " in cora.text
    assert "Deputy" in cora.go("/admin/agencies").check("agencies-with-a-contact-to-come").text


def test_an_audit_search_that_is_not_understood(meet: Meet) -> None:
    audrey = meet("audrey").go("/work").go("/audit?case=AMB-1999-9999&from-day=31&from-month=2&from-year=2026", 422)
    assert audrey.errors == ["There is no case AMB-1999-9999", "Enter the first day to look at, for example 27 3 2026"]
    audrey.check("audit-with-errors")


@cache
def _endpoint(backstage: Backstage, address: str) -> str:
    placed = address.format(case=1, meeting=1, task=1, deadline="x", person=1, incident=1)
    try:
        return str(backstage.app.url_map.bind("127.0.0.1").match(urlsplit(placed).path)[0])
    except NotFound:
        return ""


def test_no_page_is_forgotten(backstage: Backstage) -> None:
    """Whoever adds a page adds it here."""
    pages = {
        rule.endpoint
        for rule in backstage.app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.endpoint.partition(".")[0] not in {"devidp", "health"}
        and not rule.rule.startswith(("/v2", "/.well-known"))
    }
    opened = {_endpoint(backstage, address) for _, _, address, status in PAGES if status != 405}
    assert pages - opened - ELSEWHERE - NO_PAGES == set()
