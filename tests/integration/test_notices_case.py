"""The e-mails of a whole case: who must act, by when, a link; never a name or a detail of the case."""

from __future__ import annotations

import re

from app.demo.cast import everybody
from app.notices.models import Notice, NoticeState
from app.store.database import db
from tests.support.planting import found_in
from tests.support.stage import Stage
from tests.support.whole_case import WholeCase

PERSONAL = ("elin", "ellie", "darren", "poppy", "marsh", "pole", "quay street", "victim", "perpetrator", "abuse")


def test_every_notice_of_the_case_was_sent(aftermath: Stage) -> None:
    states = aftermath.look(lambda: {row.state for row in db.session.query(Notice)})
    assert states == {NoticeState.SENT}
    letters = aftermath.letters()
    assert len(letters) == aftermath.look(lambda: db.session.query(Notice).count())
    assert len(letters) > 100


def test_a_notice_says_who_acts_by_when_and_where(aftermath: Stage) -> None:
    addresses = {f"{person.username}@ambleford.example" for person in everybody()}
    for letter in aftermath.letters():
        assert str(letter["To"]) in addresses
        assert letter["Message-ID"]
        words = letter.get_body(("plain",)).get_content()
        assert len(re.findall(r"http://127\.0\.0\.1:8000/\S+", words)) >= 1
        assert re.search(r"(MARAC|MEETING)-\d{4}-\d{4}|Convenor", words)
        if str(letter["Subject"]).startswith(("You have a new task", "Reminder", "A task is late", "Your decision")):
            assert re.search(r"\d{1,2} \w+ 20\d\d", words), "by when"


def test_no_notice_names_anybody_of_the_case_or_says_what_it_is_about(aftermath: Stage) -> None:
    for letter in aftermath.letters():
        whole = letter.as_string() + "".join(
            str(part.get_content()) for part in letter.walk() if part.get_content_maintype() == "text"
        )
        assert found_in(whole) == []
        lower = whole.lower()
        assert [word for word in PERSONAL if re.search(rf"\b{word}\b", lower)] == [], letter["Subject"]


def test_a_link_in_a_notice_leads_to_the_task_after_signing_in(aftermath: Stage, played: WholeCase) -> None:
    flag = next(i for i in aftermath.items("FlagInAgency") if i.agency_key == int(aftermath.agency("children")))
    letter = next(one for one in aftermath.letters() if f"/work/{flag.key}" in one.as_string())
    assert str(letter["To"]).startswith(("spoc.children", "deputy.children"))
    browser = aftermath.people.stranger()
    browser.username = "spoc.children"
    page = browser.get(f"/work/{flag.key}")
    assert page.path == f"/work/{flag.key}"
    assert page.status == 200
    assert "Flag the case in your records" in page.title
