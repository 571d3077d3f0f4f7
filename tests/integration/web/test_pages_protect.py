"""What every page carries, and what people get who may not, or nobody."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.browser import BASE, Browser

OPEN_PAGES = ("/", "/accessibility", "/privacy")
CLOSED_PAGES = ("/work", "/cases", "/meetings", "/procedures", "/admin", "/audit", "/work/1", "/cases/1", "/research/1")


@pytest.fixture
def anybody(borough: Flask) -> FlaskClient:
    return borough.test_client()


@pytest.mark.parametrize("path", [*OPEN_PAGES, "/nothing-here", "/work"])
def test_every_answer_is_protected(anybody: FlaskClient, path: str) -> None:
    headers = anybody.get(path, base_url=BASE).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Request-Id"]


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_pages_hold_no_inline_script_or_style(anybody: FlaskClient, path: str) -> None:
    text = anybody.get(path, base_url=BASE).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


@pytest.mark.parametrize("path", CLOSED_PAGES)
def test_nobody_is_sent_to_sign_in_and_back(anybody: FlaskClient, path: str) -> None:
    answer = anybody.get(path, base_url=BASE)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in?")
    assert (
        f"next={path.replace('/', '%2F')}" in answer.headers["Location"] or f"next={path}" in answer.headers["Location"]
    )


def test_built_files_may_be_kept_and_only_those_are_served(anybody: FlaskClient) -> None:
    page = anybody.get("/", base_url=BASE).text
    address = re.search(r'href="(/static/app\.[0-9a-f]{12}\.css)"', page)
    assert address, "the front end has not been built"
    answer = anybody.get(address[1], base_url=BASE)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert anybody.get("/static/manifest.json", base_url=BASE).status_code == 404
    assert anybody.get("/static/..%2Fassets.py", base_url=BASE).status_code == 404


def test_the_design_systems_reserved_fonts_and_crest_are_not_served(anybody: FlaskClient) -> None:
    page = anybody.get("/", base_url=BASE).text
    styles = "".join(
        anybody.get(address, base_url=BASE).text for address in re.findall(r'href="(/static/[^"]+\.css)"', page)
    )
    assert styles
    assert "GDS Transport" not in styles
    assert "crest" not in styles
    assert "@font-face" not in styles


def test_what_does_not_exist_and_what_one_may_not_know_look_the_same(borough: Flask) -> None:
    rosa, hugh = Browser(borough, "rosa").sign_in(), Browser(borough, "spoc.housing").sign_in()
    rosa.start("marac-case")
    task = rosa.key
    nothing, hidden = hugh.get("/work/1"), hugh.get(f"/work/{task}")
    assert (nothing.status, hidden.status) == (404, 404)
    assert nothing.text == hidden.text
    case = rosa.get(f"/work/{task}").links("MARAC-")[0]
    nothing, hidden = hugh.get("/cases/1"), hugh.get(case.removeprefix(BASE))
    assert (nothing.status, hidden.status) == (404, 404)
    assert nothing.text == hidden.text


def test_a_post_without_the_pages_token_does_nothing(borough: Flask) -> None:
    cora = Browser(borough, "cora").sign_in()
    answer = cora.client.post("/work/start/marac-meeting", base_url=BASE)
    assert answer.status_code == 400
    assert cora.tasks(view="mine") == []


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("rosa", "/admin/people", 403),
        ("rosa", "/audit", 403),
        ("oscar", "/admin/people", 200),
        ("oscar", "/admin/incidents", 200),
        ("oscar", "/admin/parameters", 403),
        ("oscar", "/audit", 403),
        ("audrey", "/audit", 200),
        ("audrey", "/admin/people", 403),
        ("olive", "/admin/parameters", 200),
        ("cora", "/admin/agencies", 200),
        ("chidi", "/admin/agencies", 403),
    ],
)
def test_managing_is_for_those_who_manage(borough: Flask, who: str, path: str, status: int) -> None:
    assert Browser(borough, who).sign_in().status_of(path) == status


def test_an_address_with_a_number_too_large_is_simply_not_found(borough: Flask) -> None:
    cora = Browser(borough, "cora").sign_in()
    assert cora.status_of(f"/work?view=all&agency={10**30}") == 200
    assert cora.status_of(f"/work?page={10**30}") == 200
    assert cora.status_of(f"/cases?page={10**30}") == 200
    assert Browser(borough, "audrey").sign_in().status_of(f"/audit?actor={10**30}&page={10**30}") == 200
    for path in ("/work/", "/cases/", "/meetings/", "/documents/", "/research/"):
        assert cora.status_of(f"{path}{10**30}") == 404
