"""An attacker at the pages: another agency's insider, another site in the same browser, a hostile file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.cases import attachments
from app.cases.models import Case
from app.demo import story
from app.demo.acting import do
from app.settings import Settings
from app.store.database import db
from tests.procedures import answers as said
from tests.support.browser import BASE, Browser
from tests.support.hours import Time
from tests.support.prepared import opened, prepared


@pytest.fixture(scope="module")
def asked(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One case is listed, the agenda is out, every core agency is asked. Copied, never used itself."""
    folder = tmp_path_factory.mktemp("asked") / "data"
    with prepared(folder, seeded) as app:
        with app.app_context():
            story.plan_meeting(story.meeting_day(3))
            story.refer(story.VICTIM, story.PERPETRATOR)
            story.triage_and_list()
            do("cora", "InviteAgencies", said.invitations())
            do("cora", "PrepareAgenda", said.agenda_prepared())
            db.session.commit()
            db.session.remove()
        Time(app).settle()
    return folder


@pytest.fixture
def researching(asked: Path, settings: Settings, still: None) -> Iterator[Flask]:
    with opened(settings, asked) as app:
        yield app


def the_case(app: Flask) -> int:
    with app.app_context():
        key = db.session.query(Case.key).scalar()
        db.session.remove()
    return int(key)


@pytest.mark.parametrize("part", ["timeline", "deadlines", "tasks", "overview"])
def test_what_another_agency_answered_is_not_told(researching: Flask, part: str) -> None:
    """That the housing service holds nothing is between it and the co-ordinator (01-marac C2)."""
    with researching.app_context():
        do("spoc.housing", "ResearchAgency", {"outcome": "NOTHING_HELD"})
        db.session.commit()
        housing = "Housing"
        db.session.remove()
    address = f"/cases/{the_case(researching)}/{part}"
    assert housing not in Browser(researching, "deputy.police").sign_in().get(address).text
    assert housing not in Browser(researching, "rosa").sign_in().get(address).text
    if part == "deadlines":
        assert housing in Browser(researching, "cora").sign_in().get(address).text


def test_the_co_ordinator_reads_who_holds_nothing_on_the_timeline(researching: Flask) -> None:
    with researching.app_context():
        do("spoc.housing", "ResearchAgency", {"outcome": "NOTHING_HELD"})
        db.session.commit()
        db.session.remove()
    page = Browser(researching, "cora").sign_in().get(f"/cases/{the_case(researching)}/timeline")
    assert "Housing" in page.text


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_another_sites_post_is_not_offered_to_be_sent_again(
    borough: Flask, headers: dict[str, str], signed_in: bool
) -> None:
    """A page of another site posts answers of its own making: they come to nothing, and nobody is asked to confirm them."""
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    client = rosa.client if signed_in else borough.test_client()
    answer = client.post(f"/work/{rosa.key}/form/1", data={"tool": "forged"}, base_url=BASE, headers=headers)
    assert answer.status_code in (302, 400)
    assert "forged" not in answer.text


def test_answers_posted_by_our_own_page_after_the_session_ended_are_kept(borough: Flask) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    headers = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    answer = borough.test_client().post(
        f"/work/{rosa.key}/form/1", data={"tool": "mine"}, base_url=BASE, headers=headers
    )
    assert answer.status_code == 401
    assert 'value="mine"' in answer.text


OPEN = frozenset({"auth", "devidp", "health", "public", "signing", "api_status", "api-docs"})
KEYED = re.compile(r"<(?:\w+:)?(\w+)>")


def test_no_page_that_holds_anything_opens_to_nobody(borough: Flask) -> None:
    """Every address of the application, as somebody who is not signed in."""
    client = borough.test_client()
    opened = set()
    for rule in borough.url_map.iter_rules():
        path = KEYED.sub(lambda found: "1", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(path, method=method, base_url=BASE)
            to_sign_in = answer.status_code == 302 and answer.headers["Location"].startswith("/sign-in?")
            if not (to_sign_in or answer.status_code in (400, 401, 403, 404, 405)):
                opened.add((rule.endpoint, method))
    assert {endpoint.partition(".")[0] for endpoint, _ in opened} <= OPEN, opened


@pytest.mark.parametrize("who", ["rhys", "gwen", "olive", "oscar", "audrey", "spoc.education"])
def test_another_agencys_draft_and_its_tasks_do_not_exist(borough: Flask, who: str) -> None:
    """Every address with a key in it, the key being that of a stranger's draft case or of its first task."""
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    keys = {str(the_case(borough)), str(rosa.key)}
    attacker = Browser(borough, who).sign_in()
    token = attacker.get("/account").document.xpath("//input[@name='csrf_token']/@value")[0]
    for rule in borough.url_map.iter_rules():
        named = rule.endpoint in ("manage.parameter", "web.static")  # by a name, not a key; no case behind it
        if named or not KEYED.search(rule.rule) or rule.rule.startswith(("/v2", "/devidp", "/sign/")):
            continue
        for key in keys:
            path = KEYED.sub(lambda found, key=key: {"part": "overview", "number": "1"}.get(found[1], key), rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                data = {} if method == "GET" else {"csrf_token": token}
                answer = attacker.client.open(path, method=method, data=data, base_url=BASE, headers={"Referer": BASE})
                assert answer.status_code in (403, 404), (rule.endpoint, method, answer.status_code)


@pytest.mark.parametrize(
    "name",
    ["a\r\nSet-Cookie: b=c.txt", 'a"; filename="b.html.txt', "../../etc/passwd.txt", "\x00.txt", "\u202etxt.exe.txt"],
)
def test_a_files_name_stays_a_name(borough: Flask, name: str) -> None:
    rosa = Browser(borough, "rosa").sign_in()
    rosa.start("marac-case")
    with borough.app_context(), borough.test_request_context():
        row = attachments.store(the_case(borough), name, b"words", by=1, agency_key=None, limit_bytes=1000)
        kept = attachments.name_of(row)
    assert not re.search(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069/\\]", kept)
    assert kept.endswith(".txt")
