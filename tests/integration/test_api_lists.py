"""Our own lists in the API: each says when there is more than it tells, and tells the rest when asked again; none is cut in silence."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask

from app.api import convenor, moving, statistics
from app.operations import mending
from app.operations.mending.models import Act, Mending, MendingState
from app.runtime.models import Instance
from app.runtime.moving import Moving
from app.store.clock import business_now
from app.store.database import db
from tests.integration.test_api_fresh import headers_of, ward  # noqa: F401 - a fixture
from tests.support.ward import Ward


class Lists:
    """Somebody who asks for lists."""

    def __init__(self, of: Ward) -> None:
        self.ward, self.client = of, of.app.test_client()

    def get(self, username: str, path: str, **query: Any) -> Any:
        headers = headers_of(self.ward, username, int(time.time()))
        return self.client.get(f"/v2/convenor{path}", query_string=query, headers=headers).json

    def pages(self, username: str, path: str, key: str, **query: Any) -> list[str]:
        """Every key of a list, newest first, page by page as its last one says."""
        found: list[str] = []
        while True:
            told = self.get(username, path, **query)
            found += [item[key] for item in told["items"]]
            if not told["truncated"]:
                return found
            query["before"] = found[-1]


@pytest.fixture
def lists(ward: Ward) -> Lists:  # noqa: F811
    return Lists(ward)


def test_a_long_list_of_cases_is_told_to_its_end(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        lists.ward.begin("q", case=True)
    monkeypatch.setattr(convenor, "CASES_SHOWN", 2)
    found = lists.pages("cora", "/cases", "caseKey")
    assert (len(set(found)), found) == (5, sorted(found, key=int, reverse=True))
    assert lists.pages("cora", "/cases", "caseKey", before=found[2]) == found[3:]
    assert lists.get("cora", "/cases", before="x")["status"] == 400


def test_a_long_list_of_moves_is_told_to_its_end(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    app, area = lists.ward.app, lists.ward.area
    with app.app_context():
        target = db.session.query(Instance).filter_by(process_id="along").first().definition_key
        for number in range(5):
            of = {"area_key": area + (number == 4), "process_id": "along", "target_key": target}
            db.session.add(Moving(**of, mapping={}, recompute=[], requested_by=1, requested_at=business_now()))
            db.session.flush()
        db.session.commit()
    monkeypatch.setattr(moving, "MOVES_SHOWN", 2)
    found = lists.pages("olive", "/moves", "moveKey")
    assert (len(set(found)), found) == (4, sorted(found, key=int, reverse=True))


def test_a_long_list_of_proposals_says_how_many_there_are(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    app, area = lists.ward.app, lists.ward.area
    with app.app_context():
        for number in range(4):
            of = {"area_key": area + (number == 3), "state": MendingState.PROPOSED, "act": Act.SKIP, "total": 1}
            db.session.add(
                Mending(**of, process_id="q", element_id=f"e{number}", proposed_by=1, proposed_at=business_now())
            )
            db.session.flush()
        db.session.commit()
    monkeypatch.setattr(mending.open_proposals, "__defaults__", (2,))
    first = lists.get("olive", "/incidents/proposals")
    assert (len(first["items"]), first["totalItems"]) == (2, 3)
    rest = lists.get("olive", "/incidents/proposals", after=first["items"][-1]["mendingKey"])
    assert [each["elementId"] for each in (*first["items"], *rest["items"])] == ["e0", "e1", "e2"]
    assert "The first 2 of 3." in lists.ward.as_("olive").get("/admin/incidents").text


def test_counts_of_elements_are_of_all_instances_or_refused(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the state of some has been destroyed."""
    app: Flask = lists.ward.app
    with app.app_context():
        row = db.session.query(Instance).filter_by(process_id="along").order_by(Instance.key).first()
        key, row.state = row.definition_key, b""
        db.session.commit()
    monkeypatch.setattr(statistics, "MOST_INSTANCES", 1)
    headers = headers_of(lists.ward, "olive", int(time.time()))
    answer = lists.client.post(f"/v2/process-definitions/{key}/statistics/element-instances", json={}, headers=headers)
    assert answer.status_code == 400
