"""Ways to work: without JavaScript, without a mouse, and with a break in between."""

from __future__ import annotations

import pytest

from app.demo import story
from tests.browser import checking, filling
from tests.browser.backstage import Backstage
from tests.browser.conftest import Meet
from tests.browser.visiting import CONTINUE, Visitor

VICTIM = {"name": "Joan Tarn", "dob": "1980-01-02"}
PERPETRATOR = {"name": "Mick Tarn", "dob": "1979-01-02", "relationshipToVictim": "PARTNER"}
MANY_STEPS = 80


def tab_to(visitor: Visitor, selector: str) -> None:
    """Press Tab until something has the focus; whatever has it on the way can be seen to have it."""
    for _ in range(MANY_STEPS):
        visitor.page.keyboard.press("Tab")
        assert not checking.focus_mark(visitor.page), f"the focus cannot be seen: {checking.focus_mark(visitor.page)}"
        if visitor.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached with the keyboard on {visitor.page.url}")


def test_a_checklist_without_scripts(meet: Meet, backstage: Backstage) -> None:
    """Nothing of a form needs JavaScript: errors, rows, questions that others open, checking, sending."""
    rosa = meet("rosa", scripts=False).go("/work").press("Refer a victim to MARAC")
    case = backstage.cases()[-1].key
    filling.press(rosa.page, CONTINUE)
    assert rosa.errors
    assert rosa.page.locator(".govuk-error-summary__list a").first.get_attribute("href") == "#victim.name"
    checklist = backstage.look(lambda: story.checklist_answers(VICTIM, PERPETRATOR))
    rosa.answer_page(checklist)
    filling.fill(rosa.page, {"perpetrators": [PERPETRATOR]})
    filling.press(rosa.page, 'button[value="add:perpetrators"]')
    rows = filling.rows_of(rosa.page, "perpetrators")
    filling.press(rosa.page, f'button[value="remove:perpetrators.{rows[1][0]}"]')
    assert filling.rows_of(rosa.page, "perpetrators") == rows[:1]
    rosa.answer(checklist)
    assert rosa.heading == "Check your answers"
    rosa.send()
    rosa.does(backstage.item("SeekAgreement", case_key=case).key, story.consent_answers("GIVEN"))
    assert backstage.items("RecordPerpetratorDecision", case_key=case)


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("cora", "/work?view=all"),
        ("cora", "/cases"),
        ("cora", "/meetings"),
        ("cora", "/cases/{case}/diagram"),
        ("audrey", "/audit"),
    ],
)
def test_a_page_without_scripts(meet: Meet, backstage: Backstage, who: str, address: str) -> None:
    """What scripts would add is not there; what one came for is."""
    visitor = meet(who, scripts=False).go(address.format(case=backstage.cases()[0].key))
    assert visitor.heading
    assert not visitor.page.locator("[data-zoom]").locator("visible=true").count()
    across, down = checking.PHONE
    visitor.page.set_viewport_size({"width": across, "height": down})
    assert visitor.page.get_by_role("link", name="Work", exact=True).is_visible(), "the sections are there unfolded"
    assert not checking.sideways(visitor.page)


def test_signing_in_and_taking_a_task_with_the_keyboard(meet: Meet, backstage: Backstage) -> None:
    """From the welcome page to a task's first question, the focus always visible."""
    item = backstage.item("InviteAgencies")
    cora = meet("cora", again=True)
    cora.page.goto(f"{cora.base}/")
    tab_to(cora, ".govuk-skip-link")
    tab_to(cora, "a.govuk-button--start, main a.govuk-button")
    with cora.page.expect_navigation():
        cora.page.keyboard.press("Enter")
    tab_to(cora, "input[name=person]")
    cora.page.locator("input[name=person][value=cora]").focus()
    cora.page.keyboard.press("Space")
    tab_to(cora, "main button")
    with cora.page.expect_navigation():
        cora.page.keyboard.press("Enter")
    cora.go("/work?view=team")
    tab_to(cora, f'a[href="/work/{item.key}"]')
    with cora.page.expect_navigation():
        cora.page.keyboard.press("Enter")
    tab_to(cora, "main form .govuk-button")
    with cora.page.expect_navigation():
        cora.page.keyboard.press("Enter")
    assert "/form/1" in cora.path
    tab_to(cora, "input[type=radio]")
    cora.page.keyboard.press("Space")
    cora.page.keyboard.press("ArrowDown")
    tab_to(cora, CONTINUE)


def test_the_skip_link_leads_past_the_sections(meet: Meet) -> None:
    cora = meet("cora").go("/work")
    tab_to(cora, ".govuk-skip-link")
    cora.page.keyboard.press("Enter")
    assert cora.page.evaluate("document.activeElement.id") == "main-content"


def test_what_is_typed_after_signing_out_elsewhere_is_kept(meet: Meet, backstage: Backstage) -> None:
    """The page says that the session has gone; signing in again in another tab lets it go on."""
    ida = meet("ida")
    ida.open_task(backstage.item("ContactVictim").key)
    question = ida.page.locator("form[data-form] textarea, form[data-form] input[type=text]").first
    other = ida.context.new_page()
    other.goto(f"{ida.base}/sign-out")
    other.get_by_role("button", name="Sign out").last.click()
    other.wait_for_load_state()
    question.fill("7")
    ida.page.locator("[data-draft-status][data-state=failed]").wait_for()
    filling.press(ida.page, CONTINUE)
    ida.check("signed-out-while-typing")
    assert "sign in" in ida.text.lower()
    kept = [one.get_attribute("value") for one in ida.page.locator("main form input[type=hidden]").all()]
    assert "7" in kept
    ida.page, first = other, ida.page
    ida.go("/work")
    ida.page = first
    ida.press("Send my answers")
    assert ida.page.locator("form[data-form], .govuk-summary-card").count()
