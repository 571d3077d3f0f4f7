"""An act on many goes on only while whoever answers for it may do it: shut out or without the role since, it stops, and somebody else takes
it over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app import devidp, schema
from app.audit import AuditEntry
from app.cases.involvement import declare_conflict
from app.errors import NotAllowed
from app.identity import register
from app.identity.person import Person
from app.notices import Notice
from app.operations import mending
from app.operations.mending import Act, MendingState
from app.runtime import batches, releases
from app.runtime import service as runtime
from app.runtime.batches import BatchItem, BatchOperation
from app.runtime.models import Instance, InstanceStatus
from app.runtime.moving import ItemState, MovedInstance
from app.store.database import db
from app.workshop import moves
from app.workshop.asking import by_versions
from app.workshop.errors import MoveClosed
from tests.support.installation import Blank
from tests.support.ward import Ward
from tests.unit.runtime.runtime_kit import doc, line, user


class Caller:
    """Somebody who calls the API with a bearer token."""

    def __init__(self, ward: Ward, username: str) -> None:
        self.client = ward.app.test_client()
        secret = devidp.client_secret(ward.app.config["SETTINGS"], username)
        form = {"grant_type": "client_credentials", "client_id": username, "client_secret": secret}
        token = self.client.post("/devidp/token", data=form, base_url="http://127.0.0.1:8000").json["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        return self.client.get(f"/v2{path}", headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/v2{path}", json=body or {}, headers=self.headers)


@pytest.fixture
def ward(app: Flask) -> Ward:
    return Ward(app)


@pytest.fixture
def both(blank: Blank, tmp_path: Path) -> Iterator[Ward]:
    """The same on either database."""
    with blank.empty(tmp_path / "data") as installation, installation.app() as app:
        schema.migrate(app)
        yield Ward(app)


def person(username: str) -> Person:
    found = register.find_user(username)
    assert found is not None
    return register.person_for(found.key)


def shut_out(ward: Ward, username: str) -> None:
    with ward.app.app_context():
        register.deactivate(person(username).key)
        db.session.commit()


def hire(ward: Ward, username: str, role: str) -> None:
    with ward.app.app_context():
        register.register_person(username, username.title(), area_key=ward.area, roles=[(role, None)])
        db.session.commit()


def audited(like: str) -> list[tuple[str, int | None]]:
    query = select(AuditEntry.action, AuditEntry.actor).where(AuditEntry.action.like(like)).order_by(AuditEntry.key)
    return [(row.action, row.actor) for row in db.session.execute(query)]


def told_of(template: str) -> list[tuple[str, int | None]]:
    """The references of the notices of a kind, and whom they went to."""
    query = select(Notice.reference, Notice.recipient_key).where(Notice.template == template)
    return [(row.reference, row.recipient_key) for row in db.session.execute(query.order_by(Notice.key))]


# ------------------------------------------------------------------------------------------------ batch operations
def test_a_batch_of_somebody_shut_out_stops_and_goes_on_in_another_name(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "A_ROUND", 2)
    instances = [ward.begin(ready="x") for _ in range(5)]
    for key in instances:
        with ward.app.app_context():
            runtime.set_variables(key, {"ready": True}, by=None)
            db.session.commit()
    hire(ward, "orla", "operator")
    oscar, orla, olive = Caller(ward, "oscar"), Caller(ward, "orla"), Caller(ward, "olive")
    key = oscar.post("/process-instances/incident-resolution", {"filter": {}}).json["batchOperationKey"]
    path = f"/batch-operations/{key}"
    with ward.app.app_context():
        (job,) = db.session.execute(select(batches.jobs.Job).where(batches.jobs.Job.kind == batches.JOB)).scalars()
        batches.run_round(job)  # the first round, in time
        db.session.commit()
    shut_out(ward, "oscar")
    ward.work()
    told = orla.get(path).json
    assert (told["state"], told["operationsCompletedCount"], told["operationsFailedCount"]) == ("SUSPENDED", 2, 0)
    with ward.app.app_context():
        assert told_of("batch-stopped") == [(f"Batch operation {key}", person("orla").key)]
    assert "shut out" in told["errors"][0]["message"]
    assert olive.post(f"{path}/resumption").status_code == 403, "she may not try again what has stopped"
    assert orla.post(f"{path}/resumption").status_code == 204
    assert orla.post(f"{path}/resumption").status_code == 409
    ward.work()
    told = orla.get(path).json
    assert (told["state"], told["operationsCompletedCount"], told["errors"]) == ("COMPLETED", 5, [])
    assert told["actorId"] == "orla"
    assert all(ward.tasks(each) == ["yes"] for each in instances)
    with ward.app.app_context():
        retried = audited("incident.retry")
        oscar_key, orla_key = (register.find_user(name).key for name in ("oscar", "orla"))  # type: ignore[union-attr]
        assert [actor for _, actor in retried] == [oscar_key] * 2 + [orla_key] * 3
        assert audited("batch.%") == [
            ("batch.begin", oscar_key),
            ("batch.stop", None),
            ("batch.take-over", orla_key),
            ("batch.resume", orla_key),
        ]


def test_a_batch_migration_of_somebody_without_the_role_stops_and_its_move_changes_hands(ward: Ward) -> None:
    two_versions(ward, 3)
    olive, otto, oscar = Caller(ward, "olive"), Caller(ward, "otto"), Caller(ward, "oscar")
    with ward.app.app_context():
        target = releases.find_definition(ward.area, "along", 2).key
    plan = {"targetProcessDefinitionKey": str(target), "mappingInstructions": []}
    key = olive.post("/process-instances/migration", {"filter": {}, "migrationPlan": plan}).json["batchOperationKey"]
    with ward.app.app_context():
        register.end_role(person("olive").key, "process-owner")
        db.session.commit()
    ward.work()
    told = otto.get(f"/batch-operations/{key}").json
    assert (told["state"], told["operationsCompletedCount"]) == ("SUSPENDED", 0)
    with ward.app.app_context():
        assert told_of("move-stopped") == [(f"Move {key}", person("otto").key)]
    assert oscar.post(f"/batch-operations/{key}/resumption").status_code == 403, "an operator does not move cases"
    assert otto.post(f"/batch-operations/{key}/resumption").status_code == 204
    ward.work()
    assert otto.get(f"/batch-operations/{key}").json["state"] == "COMPLETED"
    with ward.app.app_context():
        assert {actor for _, actor in audited("move.instance")} == {person("otto").key}
        assert moves.progress(person("otto"), int(key)).moved == 3


def test_whoever_has_the_role_again_goes_on_in_their_own_name(ward: Ward) -> None:
    ward.begin(ready="x")
    oscar = Caller(ward, "oscar")
    key = oscar.post("/process-instances/incident-resolution", {"filter": {}}).json["batchOperationKey"]
    with ward.app.app_context():
        register.end_role(person("oscar").key, "operator")
        db.session.commit()
    ward.work()
    assert oscar.get(f"/batch-operations/{key}").json["state"] == "SUSPENDED"
    assert oscar.post(f"/batch-operations/{key}/resumption").status_code == 403
    with ward.app.app_context():
        register.grant_role(person("oscar").key, "operator", area_key=ward.area)
        db.session.commit()
    assert oscar.post(f"/batch-operations/{key}/resumption").status_code == 204
    ward.work()
    assert oscar.get(f"/batch-operations/{key}").json["state"] == "COMPLETED"
    with ward.app.app_context():
        assert "batch.take-over" not in [action for action, _ in audited("batch.%")]
        assert db.session.execute(select(func.count()).select_from(BatchItem)).scalar() == 1
        assert db.session.execute(select(BatchOperation.plan)).scalar_one() == {"needs": "engine:incident:retry"}


# ------------------------------------------------------------------------------------------------ moves
def two_versions(ward: Ward, cases: int) -> None:
    with ward.app.app_context():
        for number, tasks in enumerate((["a"], ["a", "b"])):
            drawn = doc("".join(user(task) for task in tasks) + line(*tasks), pid="along")
            releases.publish_release({"a.bpmn": drawn}, area_key=ward.area, by=1, allow_undeclared=True)
            for _ in range(0 if number else cases):
                runtime.start("along", {}, area_key=ward.area, by=1)
        db.session.commit()


def test_a_move_of_somebody_shut_out_stops_and_another_process_owner_takes_it_over(both: Ward) -> None:
    two_versions(both, 4)
    olive = person("olive")
    key = moves.start(olive, by_versions(both.area, "along", 1, 2)).key
    register.deactivate(olive.key)
    db.session.commit()
    both.work()
    otto = person("otto")
    told = moves.progress(otto, key)
    assert (told.state, told.stopped, told.moved, told.finished) == ("stopped", 4, 0, False)
    assert "another process owner can take it over" in told.refusals[0].why.lower()
    assert told_of("move-stopped") == [(f"Move {key}", otto.key)], "once, whatever the number of cases"
    db.session.rollback()

    with pytest.raises(NotAllowed):
        moves.resume(person("oscar"), key)
    moves.resume(otto, key)
    db.session.commit()
    told = moves.progress(otto, key)
    assert (told.state, told.waiting) == ("running", 4)
    db.session.rollback()
    both.work()
    told = moves.progress(otto, key)
    assert (told.state, told.moved, told.requested_by, told.refusals) == ("done", 4, otto.key, [])
    assert audited("move.%") == [
        ("move.start", olive.key),
        ("move.stop", None),
        ("move.take-over", otto.key),
        *[("move.instance", otto.key)] * 4,
    ]
    with pytest.raises(MoveClosed):
        moves.resume(otto, key)
    on = select(Instance.definition_key).where(Instance.status == InstanceStatus.ACTIVE).distinct()
    assert list(db.session.execute(on).scalars()) == [releases.find_definition(both.area, "along", 2).key]
    db.session.rollback()


def test_a_stopped_move_is_called_off_and_an_undo_of_somebody_shut_out_is_asked_for_again(ward: Ward) -> None:
    two_versions(ward, 2)
    with ward.app.app_context():
        olive, otto = person("olive"), person("otto")
        first = moves.start(olive, by_versions(ward.area, "along", 1, 2)).key
        db.session.commit()
        ward.work()
        moves.undo(olive, first)
        register.deactivate(olive.key)
        db.session.commit()
        ward.work()
        told = moves.progress(otto, first)
        assert (told.moved, told.can_go_back, told.undone) == (2, 2, 0), "the way back stays open"
        assert told_of("move-back-stopped") == [(f"Move {first}", otto.key)]
        assert told_of("move-stopped") == [], "nothing of it can be taken over"
        moves.undo(otto, first)
        db.session.commit()
        ward.work()
        assert moves.progress(otto, first).undone == 2

        register.reactivate(olive.key)
        second = moves.start(person("olive"), by_versions(ward.area, "along", 1, 2)).key
        register.deactivate(olive.key)
        db.session.commit()
        ward.work()
        assert moves.progress(otto, second).state == "stopped"
        assert [each.key for each in moves.latest(otto, 10)] == [second, first]
        db.session.rollback()
    caller = Caller(ward, "otto")
    assert Caller(ward, "oscar").post(f"/convenor/moves/{second}/resumption").status_code == 403
    assert caller.post(f"/convenor/moves/{first}/resumption").status_code == 409
    answer = caller.post(f"/convenor/moves/{second}/resumption")
    assert (answer.status_code, answer.json["state"], answer.json["left"]) == (202, "running", 2)
    shut_out(ward, "otto")
    ward.work()
    hire(ward, "orla", "process-owner")
    with ward.app.app_context():
        otto = person("orla")
        assert moves.progress(otto, second).state == "stopped"
        moves.undo(otto, second)
        db.session.commit()
        ward.work()
        assert moves.progress(otto, second).state == "undone"
        states = select(MovedInstance.state).where(MovedInstance.moving_key == second)
        assert set(db.session.execute(states).scalars()) == {ItemState.UNDONE}


# ------------------------------------------------------------------------------------------------ mending
def test_a_bulk_retry_of_an_operator_shut_out_stops_and_another_goes_on(ward: Ward) -> None:
    instances = [ward.begin(ready="x") for _ in range(3)]
    hire(ward, "orla", "operator")
    with ward.app.app_context():
        keys = [runtime.incidents(one)[0].key for one in instances]
        for one in instances:
            runtime.set_variables(one, {"ready": True}, by=None)
        made = mending.retry(person("oscar"), keys).key
        db.session.commit()
    shut_out(ward, "oscar")
    ward.work()
    olive, orla = Caller(ward, "olive"), Caller(ward, "orla")
    with ward.app.app_context():
        told = select(Notice.template, Notice.recipient_key)
        assert db.session.execute(told).all() == [("mending-stopped", person("orla").key)]
    path = f"/convenor/incidents/proposals/{made}"
    told = orla.get(path).json
    assert (told["state"], told["progress"]) == ("suspended", {"waiting": 3})
    assert [one["mendingKey"] for one in olive.get("/convenor/incidents/proposals").json["items"]] == [str(made)]
    assert olive.post(f"{path}/resumption").status_code == 403
    assert orla.post(f"{path}/resumption").json["state"] == "running"
    ward.work()
    told = orla.get(path).json
    assert (told["state"], told["progress"]) == ("done", {"done": 3})
    with ward.app.app_context():
        key = person("orla").key
        assert audited("incident.%") == [
            ("incident.suspend", None),
            ("incident.take-over", key),
            *[("incident.retry", key)] * 3,
        ]


def test_the_rest_of_what_was_suspended_is_left_undone(ward: Ward) -> None:
    instances = [ward.begin("q") for _ in range(3)]
    with ward.app.app_context():
        keys = [runtime.incidents(one)[0].key for one in instances]
        made = mending.propose(person("oscar"), Act.SKIP, keys, reason="No date is needed.").key
        db.session.commit()
        mending.approve(person("otto"), made)
        db.session.commit()
    shut_out(ward, "otto")
    ward.work()
    oscar, olive = Caller(ward, "oscar"), Caller(ward, "olive")
    path = f"/convenor/incidents/proposals/{made}"
    assert oscar.post(f"{path}/cancellation").status_code == 403
    page = ward.as_("olive").get(f"/admin/incidents/proposals/{made}")
    assert page.has_button("Leave the rest undone")
    assert "The rest is left undone" in ward.as_("olive").press("Leave the rest undone").text
    told = olive.get(path).json
    assert (told["state"], told["progress"]) == ("done", {"refused": 3})
    assert olive.post(f"{path}/cancellation").status_code == 409
    ward.work()
    assert [ward.incident(one).key for one in instances] == keys, "they wait to be mended otherwise"
    assert olive.get("/convenor/incidents/proposals").json["items"] == []


def test_a_conflict_of_interest_that_came_since_leaves_that_case_out(ward: Ward) -> None:
    instances = [ward.begin("q", case=True) for _ in range(3)]
    with ward.app.app_context():
        keys = [runtime.incidents(one)[0].key for one in instances]
        made = mending.propose(person("oscar"), Act.SKIP, keys, reason="No date is needed.").key
        db.session.commit()
        mending.approve(person("otto"), made)
        case = db.session.execute(select(Instance.case_key).where(Instance.key == instances[1])).scalar_one()
        assert case is not None
        declare_conflict(case, user_key=person("otto").key, reason="A cousin.", by=1)
        db.session.commit()
    ward.work()
    assert [ward.tasks(one) for one in instances] == [["next"], [], ["next"]]
    with ward.app.app_context():
        left = next(item for item in mending.items_of(made) if item.instance_key == instances[1])
        assert "conflict of interest" in (left.message or "")
        assert mending.progress(made) == {"done": 2, "refused": 1}


def test_an_approved_mending_is_taken_over_on_its_page_by_a_process_owner_who_did_not_propose_it(ward: Ward) -> None:
    keys = [ward.incident(ward.begin("q")).key for _ in range(3)]
    with ward.app.app_context():
        made = mending.propose(person("oscar"), Act.SKIP, keys, reason="No date is needed.").key
        db.session.commit()
        mending.approve(person("otto"), made)
        db.session.commit()
    shut_out(ward, "otto")
    ward.work()
    page = ward.as_("oscar").get(f"/admin/incidents/proposals/{made}")
    assert "may not do it any more" in page.text
    assert not page.has_button("Take it over and go on")
    olive = ward.as_("olive")
    page = olive.get(f"/admin/incidents/proposals/{made}")
    assert "Stopped" in page.text
    assert "It goes on, in your name." in olive.press("Take it over and go on").text
    ward.work()
    with ward.app.app_context():
        one = mending.find(person("olive"), made)
        assert (one.state, one.decided_by) == (MendingState.DONE, person("olive").key)
        assert mending.progress(made) == {"done": 3}
