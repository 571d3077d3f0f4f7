"""Who sees which page, after a whole case: by role, agency and involvement; a conflict of interest and a shut door work at once."""

from __future__ import annotations

import re

import pytest

from app.cases.models import Submission
from app.cases.submissions import read
from app.documents.models import DocumentStatus, Kind
from app.store.database import db, new_key
from tests.support.planting import WORD
from tests.support.stage import Stage
from tests.support.whole_case import WholeCase

CASE, PAPERS, MEETING, ROOM = "/cases/{case}", "/cases/{case}/papers", "/meetings/{meeting}", "/meetings/{meeting}/room"
AUDIT, PEOPLE, PARAMETERS, INCIDENTS = "/audit", "/admin/people", "/admin/parameters", "/admin/incidents"
PATHS = (CASE, PAPERS, MEETING, ROOM, AUDIT, PEOPLE, PARAMETERS, INCIDENTS)

EXPECTED = {
    # who: case, papers, meeting, room, audit, people, parameters, incidents
    "cora": (200, 200, 200, 200, 403, 200, 200, 403),
    "chidi": (200, 200, 200, 200, 403, 200, 200, 403),
    "dee": (200, 200, 200, 200, 403, 200, 200, 403),
    "rosa": (200, 200, 404, 404, 403, 403, 403, 403),
    "mark": (200, 200, 404, 404, 403, 403, 403, 403),
    "ida": (200, 200, 200, 403, 403, 403, 403, 403),
    "petra": (200, 200, 200, 403, 403, 403, 403, 403),
    "rita": (200, 200, 200, 403, 403, 403, 403, 403),
    "deputy.police": (200, 200, 200, 403, 403, 403, 403, 403),
    "spoc.housing": (200, 200, 200, 403, 403, 403, 403, 403),
    "gwen": (200, 200, 200, 403, 403, 403, 403, 403),
    "rhys": (404, 404, 404, 404, 403, 403, 403, 403),
    "spoc.adults": (404, 404, 200, 403, 403, 403, 403, 403),
    "spoc.education": (404, 404, 200, 403, 403, 403, 403, 403),
    "spoc.youth": (404, 404, 200, 403, 403, 403, 403, 403),
    "lead.fire": (404, 404, 200, 403, 403, 403, 403, 403),
    "audrey": (404, 404, 404, 404, 200, 403, 200, 403),
    "oscar": (404, 404, 404, 404, 403, 200, 403, 200),
    "olive": (404, 404, 404, 404, 403, 403, 200, 200),
}


@pytest.mark.parametrize("who", list(EXPECTED))
def test_who_sees_which_page(aftermath: Stage, played: WholeCase, who: str) -> None:
    browser = aftermath.as_(who)
    found = tuple(browser.status_of(path.format(case=played.case_key, meeting=played.meeting)) for path in PATHS)
    assert found == EXPECTED[who]


def test_somebody_without_a_role_is_told_so_on_every_page(aftermath: Stage, played: WholeCase) -> None:
    nora = aftermath.as_("nora")
    for path in PATHS:
        nora.get(path.format(case=played.case_key, meeting=played.meeting))
        assert nora.page.path == "/no-role"
        assert nora.page.status == 200


def test_nobody_signed_in_sees_nothing(aftermath: Stage, played: WholeCase) -> None:
    stranger = aftermath.people.stranger()
    for path in PATHS:
        stranger.get(path.format(case=played.case_key, meeting=played.meeting))
        assert stranger.page.path == "/devidp/authorize", path


def test_another_agencys_return_is_its_own_until_it_is_released(aftermath: Stage, played: WholeCase) -> None:
    """The police hold something on the case that they have not released: whoever else keeps the case does not read it."""
    key, police = played.case_key, int(aftermath.agency("police"))

    def returned() -> set[str]:
        rows = db.session.query(Submission).filter_by(
            dossier_key=key, agency_key=police, form_id="marac-research-return"
        )
        return set(re.findall(rf"{WORD}\d+", " ".join(str(read(row)["items"]) for row in rows)))

    words = aftermath.look(returned)
    assert words
    assert [w for w in words if w in aftermath.as_("deputy.police").get(f"/cases/{key}/papers").content]
    for who in ("spoc.housing", "gwen", "rosa", "rita", "ida"):
        page = aftermath.as_(who).get(f"/cases/{key}/papers")
        assert page.status == 200
        assert [w for w in words if w in page.content] == [], who


def test_each_reader_downloads_its_own_copy_of_the_minutes_and_no_other(aftermath: Stage, played: WholeCase) -> None:
    minutes = [
        one
        for one in aftermath.documents(meeting_key=played.meeting)
        if one.kind in (Kind.MINUTES, Kind.MINUTES_EXTRACT) and one.status == DocumentStatus.READY
    ]
    agencies = {slug: int(aftermath.agency(slug)) for slug in ("police", "children", "housing", "mill-lane")}
    readers = {"deputy.police": "police", "rita": "children", "spoc.housing": "housing", "gwen": "mill-lane"}
    assert {one.for_agency for one in minutes} >= set(agencies.values())
    for who, slug in readers.items():
        browser = aftermath.as_(who)
        got = {one.for_agency for one in minutes if browser.status_of(f"/documents/{one.key}") == 200}
        assert got == {agencies[slug]}, who
    for who in ("spoc.education", "spoc.adults", "rhys", "audrey", "oscar", "olive"):
        got = {one.for_agency for one in minutes if aftermath.as_(who).status_of(f"/documents/{one.key}") == 200}
        assert got == set(), who


def test_a_conflict_of_interest_hides_the_case_at_once(aftermath: Stage, played: WholeCase) -> None:
    """It beats every grant, on every page and in every list, from the next request on."""
    rita, cora, key = aftermath.as_("rita"), aftermath.as_("cora"), played.case_key
    assert rita.status_of(f"/cases/{key}") == 200
    assert played.case in rita.get("/cases").content
    cora.get(f"/cases/{key}/conflicts")
    cora.press("Record", who=f"user:{aftermath.user('rita')}", reason="He is her cousin.")
    assert not cora.page.errors
    assert rita.status_of(f"/cases/{key}") == 404
    for path in ("/cases", "/work?view=team", f"/meetings/{played.meeting}", f"/meetings/{played.meeting}/room"):
        assert played.case not in rita.get(path).content, path
    for paper in aftermath.documents(meeting_key=played.meeting):
        if paper.kind != Kind.ATTENDANCE:
            assert rita.status_of(f"/documents/{paper.key}") == 404, paper.kind
    cora.get(f"/cases/{key}/conflicts")
    cora.press("Lift the conflict of Rita Cole")
    assert rita.status_of(f"/cases/{key}") == 200


def test_whoever_is_shut_out_is_out_with_the_next_click(aftermath: Stage, played: WholeCase) -> None:
    rita, cora = aftermath.as_("rita"), aftermath.as_("cora")
    assert rita.status_of(f"/cases/{played.case_key}") == 200
    cora.get(f"/admin/people/{aftermath.user('rita')}")
    cora.press("Shut Rita Cole out")
    answer = rita.client.get(f"/cases/{played.case_key}", base_url="http://127.0.0.1:8000")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]


@pytest.mark.parametrize(
    "path", ["/cases/{}", "/work/{}", "/work/{}/begin", "/meetings/{}", "/documents/{}", "/research/{}"]
)
def test_what_one_may_not_know_of_looks_like_what_does_not_exist(
    aftermath: Stage, played: WholeCase, path: str
) -> None:
    """Word for word the same page, so that nobody learns by asking."""
    there = {
        "/cases/{}": played.case_key,
        "/work/{}": aftermath.items("DoAction")[0].key,
        "/work/{}/begin": aftermath.items("DoAction")[0].key,
        "/meetings/{}": played.meeting,
        "/documents/{}": aftermath.documents(case_key=played.case_key)[0].key,
        "/research/{}": played.meeting,
    }[path]
    rafe = aftermath.as_("olive")
    hidden = rafe.get(path.format(there))
    absent = rafe.get(path.format(new_key()))
    assert hidden.status == absent.status == 404
    assert hidden.text == absent.text
