"""A legal hold is set on the case's page by who answers for the case, once it is closed by who decides on retention; while it is set
nothing is destroyed, and why stays sealed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases import holds
from app.cases.models import Case, CaseState, TimelineEvent
from app.store import jobs
from app.store.clock import clock
from app.store.database import db
from tests.support.hours import Time
from tests.support.stage import Stage
from tests.support.whole_case import WholeCase

WHY = "Coroner asked for the papers on 1 April"


def destroy(stage: Stage, case_key: int) -> None:
    """It is decided that the case be destroyed, a minute after whatever was decided before."""
    clock.advance(timedelta(minutes=1))
    with stage.app.app_context():
        jobs.enqueue("case.destroy", {"case": str(case_key)}, dedupe_key=f"destroy:{case_key}")
        db.session.commit()
    stage.settle()


def test_a_hold_is_set_stops_destruction_and_is_lifted(aftermath: Stage, played: WholeCase) -> None:
    key = played.case_key
    isla = aftermath.as_("isla")
    isla.get(f"/cases/{key}")
    isla.follow("Set a legal hold")
    page = isla.press("Set the hold")
    assert page.status == 422
    assert page.errors == ["Enter why the case must be kept"]

    page = isla.press("Set the hold", reason=WHY)
    assert "The legal hold is set." in page.text
    assert "This case is under a legal hold: nothing of it is destroyed." in page.text
    again = isla.post(f"/cases/{key}/hold", {"act": "set", "reason": "Twice"})
    assert again.status == 409

    destroy(aftermath, key)
    assert aftermath.state(played.case) == CaseState.ACTIONS_CLOSED

    isla.get(f"/cases/{key}")
    page = isla.follow("Legal hold: why, and lifting it")
    assert WHY in page.text
    assert "Detective Inspector Isla Thorne" in page.text
    page = isla.press("Lift the hold", reason="Inquest over")
    assert "The legal hold is lifted." in page.text
    assert [one.reason for one in aftermath.look(lambda: holds.decisions(key))] == ["Inquest over", WHY]
    trail = aftermath.as_("audrey").get("/audit", case=played.case).text
    assert "Set a legal hold" in trail
    assert "Lifted a legal hold" in trail
    assert WHY not in trail

    destroy(aftermath, key)
    assert aftermath.state(played.case) == CaseState.DISPOSED
    assert aftermath.look(lambda: holds.decisions(key)) == []


def test_the_reason_is_sealed(aftermath: Stage, played: WholeCase) -> None:
    key = played.case_key
    isla = aftermath.as_("isla")
    isla.get(f"/cases/{key}/hold")
    isla.press("Set the hold", reason=WHY)
    kept = aftermath.look(
        lambda: [str(event.facts) for event in db.session.query(TimelineEvent).filter_by(dossier_key=key)]
    )
    assert not [facts for facts in kept if "Coroner" in facts]


def test_lifting_a_hold_needs_a_fresh_sign_in(
    aftermath: Stage, played: WholeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = played.case_key
    isla = aftermath.as_("isla")
    isla.get(f"/cases/{key}/hold")
    isla.press("Set the hold", reason=WHY)
    page = isla.get(f"/cases/{key}/hold")
    with monkeypatch.context() as patched:
        patched.setattr("app.identity.freshness.is_fresh", lambda person: False)
        answer = isla.client.post(
            f"/cases/{key}/hold",
            data={
                "csrf_token": page.document.xpath("//input[@name='csrf_token']/@value")[0],
                "act": "lift",
                "reason": "Inquest over",
            },
            base_url="http://127.0.0.1:8000",
            headers={"Referer": "http://127.0.0.1:8000/"},
        )
    assert (answer.status_code, "fresh=1" in answer.headers["Location"]) == (302, True)
    assert len(aftermath.look(lambda: holds.decisions(key))) == 1, "set, and not lifted"


def test_of_an_open_case_the_chair_and_the_co_ordinator_set_and_lift_a_hold(researching: Flask) -> None:
    stage = Stage(researching, Time(researching))
    key, state = stage.look(lambda: db.session.execute(select(Case.key, Case.state).order_by(Case.key)).first())
    cora = stage.as_("cora")
    cora.get(f"/cases/{key}")
    cora.follow("Set a legal hold")
    page = cora.press("Set the hold", reason=WHY)
    assert "This case is under a legal hold: nothing of it is destroyed." in page.text
    destroy(stage, key)
    assert stage.look(lambda: db.session.get(Case, key).state) == state

    for who in ("isla", "dee", "rosa", "spoc.housing", "oscar"):
        somebody = stage.as_(who)
        somebody.get("/account")
        assert somebody.post(f"/cases/{key}/hold", {"act": "lift", "reason": "Because"}).status in (403, 404), who
    chidi = stage.as_("chidi")
    chidi.get(f"/cases/{key}")
    assert WHY in chidi.follow("Legal hold: why, and lifting it").text
    assert "The legal hold is lifted." in chidi.press("Lift the hold", reason="Inquest over").text
    assert [one.kind == holds.SET for one in stage.look(lambda: holds.decisions(key))] == [False, True]


def test_nobody_else_may(aftermath: Stage, played: WholeCase) -> None:
    key = played.case_key
    for who in ("cora", "chidi", "audrey", "rosa", "oscar"):
        somebody = aftermath.as_(who)
        somebody.get("/account")
        assert somebody.post(f"/cases/{key}/hold", {"act": "set", "reason": "Because"}).status in (403, 404), who
    assert not aftermath.look(lambda: db.session.get(Case, key).legal_hold)  # type: ignore[union-attr]


def test_why_decisions_came_out_as_they_did_goes_with_the_case(aftermath: Stage, played: WholeCase) -> None:
    """The explanations that the timeline keeps hold what the tables saw; they are personal data by association."""
    key = played.case_key

    def explained() -> int:
        rows = db.session.query(TimelineEvent).filter_by(dossier_key=key, kind="decided")
        return sum(bool(event.facts.get("tables")) for event in rows)

    assert aftermath.look(explained) >= 4
    destroy(aftermath, key)
    assert aftermath.look(explained) == 0
    left = aftermath.look(lambda: {e.kind for e in db.session.query(TimelineEvent).filter_by(dossier_key=key)})
    assert left <= {"destroyed", "ended"}, "that it was destroyed, and that its procedures have ended"
