"""Authority that nobody may borrow: a stale sign-in, a conflict of interest, a diagram that reaches for another case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from app.cases.dossiers import find_case
from app.cases.involvement import declare_conflict
from app.cases.models import Case
from app.demo import story
from app.demo.acting import do, person
from app.errors import Invalid
from app.operations.catalogue import operations
from app.operations.providers.case import WITHHELD
from app.runtime.ports import OperationContext
from app.settings import SettingsError, load_settings
from app.store.clock import business_now, wall_now
from app.store.database import db
from app.work import completion, items
from app.work.errors import FreshSignInNeeded, UnknownItem
from app.work.forms import context_of
from app.work.models import ItemState, WorkItem


def newest(element: str) -> WorkItem:
    rows = db.session.query(WorkItem).filter_by(element_id=element, state=ItemState.OPEN)
    return rows.order_by(WorkItem.key.desc()).first()


def test_a_signature_needs_a_fresh_sign_in_whichever_way_it_comes(borough: Flask) -> None:
    """The sharing form is signed: the form says so, not only the diagram, and the API and every other way ask the same."""
    with borough.test_request_context():
        story.plan_meeting(story.meeting_day(3))
        signed = []
        real = completion.complete

        def stale_first(key: int, who: object, answers: object, **more: object) -> object:
            item = db.session.get(WorkItem, key)
            if item.element_id == "CompleteIswcForm":
                old = replace(person(who.username), auth_time=wall_now() - timedelta(hours=1), client="script")
                with pytest.raises(FreshSignInNeeded):
                    real(key, old, answers, via="api")
                signed.append(key)
            return real(key, who, answers, **more)

        completion.complete = stale_first
        try:
            story.refer(story.VICTIM, story.PERPETRATOR)
        finally:
            completion.complete = real
        assert signed, "the story signs the form for sharing without consent"


def test_a_name_of_an_earlier_case_is_withheld_from_whoever_has_a_conflict_there(borough: Flask) -> None:
    with borough.test_request_context():
        story.plan_meeting(story.meeting_day(3))
        story.refer(story.VICTIM, story.PERPETRATOR)
        story.triage_and_list()
        db.session.commit()
        earlier = db.session.query(Case.key).order_by(Case.key).first()[0]
        story.refer({**story.VICTIM, "name": "Eileen Marsh"}, story.PERPETRATOR)
        do("cora", "CheckCompleteness", story.triage_answers()) if hasattr(story, "triage_answers") else None
        db.session.commit()
        item = next(
            i for i in db.session.query(WorkItem).order_by(WorkItem.key.desc()) if i.case_key not in (None, earlier)
        )
        cora = person("cora")

        def labels() -> str:
            return " ".join(each["label"] for each in context_of(item, cora).values["matchCandidates"])

        assert "Elin Marsh" in labels()
        declare_conflict(earlier, user_key=cora.key, agency_key=None, reason="A cousin", by=cora.key)
        db.session.commit()
        assert "Elin Marsh" not in labels()
        assert WITHHELD in labels()


def test_a_conflict_of_interest_hides_also_what_one_has_done(borough: Flask) -> None:
    with borough.test_request_context():
        story.plan_meeting(story.meeting_day(3))
        story.refer(story.VICTIM, story.PERPETRATOR)
        rosa = person("rosa")
        done = db.session.query(WorkItem).filter_by(completed_by=rosa.key, state=ItemState.COMPLETED).first()
        assert items.open_item(done.key, rosa).item is done
        declare_conflict(done.case_key, user_key=rosa.key, agency_key=None, reason="A cousin", by=rosa.key)
        db.session.flush()
        with pytest.raises(UnknownItem):
            items.open_item(done.key, rosa)


def context(case_key: int | None = None, meeting_key: int | None = None, area_key: int = 0) -> OperationContext:
    return OperationContext(
        instance_key=1,
        area_key=area_key,
        case_key=case_key,
        meeting_key=meeting_key,
        element_id="Reach",
        task_id=1,
        idempotency_key="1",
        now=business_now(),
    )


@pytest.mark.parametrize("name", ["grant-access", "revoke-access", "set-case-state", "destroy-case"])
def test_a_diagram_about_something_else_cannot_act_on_a_case(borough: Flask, name: str) -> None:
    """An uploaded diagram names an operation and the key of a case that is not its own."""
    with borough.test_request_context():
        story.plan_meeting(story.meeting_day(3))
        story.refer(story.VICTIM, story.PERPETRATOR)
        case = find_case(db.session.query(Case.key).scalar())
        one = operations().get(name)
        if one is None:
            pytest.skip(f"no operation {name}")
        known = {"agency": "1", "ground": "kept", "state": "LISTED"}
        inputs = {key: known[key.rstrip("?")] for key in one.inputs if key.rstrip("?") in known}
        stranger, another = context(area_key=case.area_key), context(case_key=case.key + 1, area_key=case.area_key)
        elsewhere = context(meeting_key=1, area_key=case.area_key + 1)
        for of in (stranger, another, elsewhere):
            with pytest.raises(Invalid, match="not about that case"):
                one.run(of, {**inputs, "caseId": str(case.key)})


def test_a_diagram_cannot_take_over_a_task_of_another_instance(borough: Flask) -> None:
    with borough.test_request_context():
        starting = story.plan_meeting(story.meeting_day(3))
        assert starting
        item = newest("PrepareAgenda") or db.session.query(WorkItem).first()
        with pytest.raises(Invalid, match="not one of this procedure"):
            operations().get("apply-escalation").run(
                context(area_key=item.area_key), {"subjectItem": str(item.key), "escalationDecision": "TAKE_OVER"}
            )


@pytest.mark.parametrize("env", ["demo", "test"])
def test_the_development_provider_is_never_on_the_network(env: str) -> None:
    with pytest.raises(SettingsError, match="loopback"):
        load_settings(env=env, bind="0.0.0.0")


def test_a_metrics_token_of_strange_characters_is_refused_not_an_error(borough: Flask) -> None:
    borough.config["SETTINGS"] = replace(borough.config["SETTINGS"], metrics_token="secret")
    answer = borough.test_client().get("/metrics", headers={"Authorization": "Bearer \u00e9"})
    assert answer.status_code == 401
