"""How often somebody may do something; and what the audit keeps of what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import AuditEntry, refusals
from app.cases import attachments
from app.cases.dossiers import open_case
from app.identity import limits
from app.identity.register import find_user
from app.store import limits as store_limits
from app.store.database import db
from app.store.limits import Limit, TooMany, spend
from tests.support.installation import Blank
from tests.support.ward import Ward


@pytest.fixture(autouse=True)
def counted_afresh() -> Iterator[None]:
    store_limits.reset()
    refusals.reset()
    yield
    store_limits.reset()


@pytest.fixture
def ward(app: Flask) -> Ward:
    return Ward(app)


def test_beyond_a_limit_is_refused_until_the_window_is_over(
    blank: Blank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Limit("test", 3, timedelta(minutes=1), "Too often.")
    with blank.copy(tmp_path / "data") as installation, installation.app():
        now = store_limits.wall_now()
        monkeypatch.setattr(store_limits, "wall_now", lambda: now)
        for _ in range(3):
            spend(limit, "user:1")
        with pytest.raises(TooMany) as refused:
            spend(limit, "user:1")
        assert 0 < refused.value.retry_after <= 60
        spend(limit, "user:2")
        with pytest.raises(TooMany):
            spend(limit, "user:2", 3)
        monkeypatch.setattr(store_limits, "wall_now", lambda: now + timedelta(minutes=1))
        spend(limit, "user:1")
        monkeypatch.setattr(store_limits, "wall_now", lambda: now + timedelta(hours=3))
        store_limits.sweep()
        assert not store_limits._counts
        assert db.session.execute(select(store_limits.RateCount)).all() == []


def test_too_many_searches_and_sign_ins_get_a_page_that_says_when(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    cora = ward.as_("cora")
    monkeypatch.setattr(limits, "SEARCH", replace(limits.SEARCH, most=2))
    monkeypatch.setattr(limits, "SIGN_IN", replace(limits.SIGN_IN, most=2))
    for expected in (200, 200, 429):
        cora.get("/cases")
        page = cora.press("Find", q="Marsh")
        assert page.status == expected
    assert "You have searched very often" in page.text
    assert 0 < int(page.headers["Retry-After"]) <= 60
    assert ward.as_("olive").get("/cases").status == 200, "others are not held up"
    client = ward.app.test_client()
    answers = [client.get("/sign-in").status_code for _ in range(3)]
    assert answers[-1] == 429


def test_too_many_uploads_are_refused(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UPLOADED", replace(limits.UPLOADED, most=20))
    with ward.app.app_context():
        case = open_case(ward.area, "p", agency_key=ward.agency, by=1)

        def upload(by: int) -> None:
            attachments.store(case.key, "a.txt", b"0123456789", by=by, agency_key=None, limit_bytes=1000)

        upload(1)
        upload(1)
        with pytest.raises(TooMany):
            upload(1)
        upload(2)


def refused_entries(ward: Ward) -> list[tuple[Any, ...]]:
    with ward.app.app_context():
        query = select(AuditEntry.action, AuditEntry.subject, AuditEntry.actor, AuditEntry.digest)
        rows = db.session.execute(query.where(AuditEntry.action.like("refusal.%")).order_by(AuditEntry.key))
        return [tuple(row) for row in rows]


def test_what_is_refused_and_exists_is_in_the_audit_once_a_minute(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = ward.begin("q", case=True)
    incident = ward.incident(instance).key
    with ward.app.app_context():
        from app.runtime import service as runtime

        case = runtime.instance(instance).case_key
        oscar, cora = find_user("oscar"), find_user("cora")
        assert oscar is not None
        assert cora is not None
        keys = oscar.key, cora.key
    for _ in range(3):
        assert ward.as_("oscar").status_of(f"/cases/{case}") == 404
    assert refused_entries(ward) == [("refusal.hidden", f"case:{case}", keys[0], None)]
    ward.as_("oscar").status_of("/cases/123456")
    assert len(refused_entries(ward)) == 1, "nothing is there: nobody was refused"
    cora_ = ward.as_("cora")
    cora_.get("/account")
    cora_.post(f"/admin/incidents/{incident}/retry", {})
    assert refused_entries(ward)[1:] == [("refusal.not-allowed", f"incident:{incident}", keys[1], None)]
    now = refusals.wall_now()
    monkeypatch.setattr(refusals, "wall_now", lambda: now + timedelta(minutes=2))
    ward.as_("oscar").status_of(f"/cases/{case}")
    assert len(refused_entries(ward)) == 3


def test_a_refusal_stands_when_it_cannot_be_recorded(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = ward.begin("q", case=True)
    with ward.app.app_context():
        from app.runtime import service as runtime

        case = runtime.instance(instance).case_key
    oscar = ward.as_("oscar")
    monkeypatch.setattr(refusals, "record", lambda *a, **k: 1 / 0)
    assert oscar.status_of(f"/cases/{case}") == 404
    assert refused_entries(ward) == []


def test_giving_a_role_and_lifting_a_conflict_need_a_fresh_sign_in(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = ward.begin("q", case=True)
    with ward.app.app_context():
        from app.cases import involvement
        from app.runtime import service as runtime

        case = runtime.instance(instance).case_key
        assert case is not None
        oscar = find_user("oscar")
        assert oscar is not None
        key = oscar.key
        conflict = involvement.declare_conflict(case, user_key=key, agency_key=None, reason="Knows them.", by=1).key
        db.session.commit()
    cora = ward.as_("cora")
    cora.get(f"/cases/{case}/conflicts")
    token = cora.page.document.xpath("//input[@name='csrf_token']/@value")[0]
    asked = {
        f"/cases/{case}/conflicts/{conflict}/lift": {},
        f"/admin/people/{key}/roles": {"role": "auditor"},
        f"/admin/people/{key}/reactivate": {},
        "/admin/people/sign-out": {},
    }

    def send(path: str, more: dict[str, str]) -> str:
        answer = cora.client.post(
            path,
            data={"csrf_token": token, **more},
            base_url="http://127.0.0.1:8000",
            headers={"Referer": "http://127.0.0.1:8000/"},
        )
        assert answer.status_code == 302, path
        return str(answer.headers["Location"])

    with monkeypatch.context() as patched:
        patched.setattr("app.identity.freshness.is_fresh", lambda person: False)
        assert all("fresh=1" in send(path, more) for path, more in asked.items())
    with ward.app.app_context():
        assert [row.key for row in involvement.conflicts(case)] == [conflict]
    assert not any("fresh=1" in send(path, more) for path, more in asked.items())
    with ward.app.app_context():
        assert involvement.conflicts(case) == []
