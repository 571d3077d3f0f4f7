"""A meeting's page: what it costs the database does not grow with its cases and papers."""

from __future__ import annotations

from flask import Flask

from app.meetings.models import Meeting
from app.store.database import db
from tests.integration.test_statements import counted
from tests.integration.web.conftest import look
from tests.support.browser import Browser

AT_MOST = 24
OF_FACTS = ("FROM conflict_of_interest", "FROM involvement", "FROM party", "FROM agenda_item", "FROM attendee ")


def test_what_decides_who_sees_what_is_read_once_for_all_cases_and_papers(researching: Flask) -> None:
    meeting = look(researching, lambda: db.session.query(Meeting).one().key)
    cora = Browser(researching, "cora").sign_in()
    cora.get(f"/meetings/{meeting}")
    with counted(researching) as cost:
        cora.get(f"/meetings/{meeting}")
    assert len(cora.page.document.xpath("//a[starts-with(@href, '/documents/')]")) > 4
    assert len(cora.page.document.xpath("//a[starts-with(@href, '/cases/')]")) >= 2
    assert len(cost.statements) <= AT_MOST, cost
    for table in OF_FACTS:
        assert sum(table in " ".join(text.split()) for text in cost.statements) <= 2, f"{table}\n{cost}"
