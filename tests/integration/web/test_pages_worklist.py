"""The work list in the browser: a long one, what it costs the database, and that it shows what is so now."""

from __future__ import annotations

import pytest
from flask import Flask

from app.demo.acting import person
from app.identity import register
from app.store.database import db
from app.work import inbox, items
from app.work.models import ItemState
from tests.integration.test_statements import counted
from tests.support import relay
from tests.support.browser import Browser

PLAIN = 3  # the session, what stands above the list, the lines
BEFORE_NAMES = PLAIN + 1  # agencies to choose from
NAMES = 7  # what decides who sees them, their keys, they themselves, the record that they were seen


def test_a_long_list_is_cut_and_says_so(researching: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cora = Browser(researching, "cora").sign_in()
    told = cora.get("/work?view=all").document.text_content()
    assert "are listed. Narrow the list" not in told
    monkeypatch.setattr(inbox, "LISTED", 3)
    told = " ".join(cora.get("/work?view=all").document.text_content().split())
    assert "The first 3 are listed. Narrow the list to see others." in told
    assert "Everybody’s 3+" in told


def test_the_page_costs_the_same_statements_however_much_is_listed(researching: Flask) -> None:
    cora = Browser(researching, "cora").sign_in()
    cora.get("/work")
    with counted(researching) as cost:
        assert cora.get("/work?view=mine").document.xpath("//table") == []
    assert len(cost.statements) < PLAIN, cost
    with counted(researching) as cost:
        assert len(cora.get("/work?view=all").document.xpath("//tbody/tr")) == 25
    assert len(cost.statements) <= BEFORE_NAMES + NAMES, cost
    with researching.app_context():
        relay.publish()
    olive = Browser(researching, relay.WHO).sign_in()
    olive.get("/work")
    olive.press("Start: Relay")
    olive.get("/work")
    with counted(researching) as cost:
        assert len(olive.get("/work?view=team").document.xpath("//tbody/tr")) == 1
        assert olive.page.has_button("Start: Relay")
    assert len(cost.statements) <= PLAIN, cost


def test_the_page_shows_what_is_so_now(researching: Flask) -> None:
    """What is built once and remembered is no reason to show what has changed since: tasks, roles, procedures."""
    olive = Browser(researching, "olive").sign_in()
    olive.get("/work?view=team")
    assert not olive.page.has_button("Start: Relay")
    with researching.app_context():
        relay.publish()
    olive.get("/work?view=team")
    assert olive.page.has_button("Start: Relay")
    olive.press("Start: Relay")
    assert olive.tasks() == ["First"]
    with researching.app_context():
        relay.publish(relay.RELAY.replace('name="Relay"', 'name="Baton"'))
    assert olive.get("/work?view=team").has_button("Start: Baton")

    housing = Browser(researching, "spoc.housing").sign_in()
    (first, second) = housing.tasks()
    with researching.app_context():
        spoc = person("spoc.housing")
        (row, _) = inbox.search(spoc, view="team").rows
        item = items.load(row.item.key)
        item.state, item.completed_by = ItemState.COMPLETED, person("cora").key
        db.session.commit()
    assert housing.tasks() == [second]
    assert first != second
    with researching.app_context():
        ((role, agency),) = spoc.roles
        register.end_role(spoc.key, role, agency_key=agency)
        register.grant_role(spoc.key, "agency-strategic-lead", agency_key=agency, area_key=spoc.area_key)
        db.session.commit()
    assert housing.tasks() == []
