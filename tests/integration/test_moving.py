"""Running cases follow a redrawn procedure: planned, moved, watched and undone, through the API, the command line and the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from camunda_orchestration_sdk.errors import ApiError
from camunda_orchestration_sdk.models import (
    ProcessInstanceMigrationBatchOperationRequest,
    ProcessInstanceMigrationInstruction,
)
from sqlalchemy import select

from app import audit
from app.audit import AuditEntry
from app.cases import deadlines
from app.cases.models import Case
from app.cli.main import main
from app.demo import story
from app.demo.acting import do, person
from app.runtime import service as runtime
from app.runtime.models import Instance, TimerRow
from app.runtime.moving import ItemState, MovedInstance
from app.store.database import db
from app.work import drafts, items
from app.work.models import ItemState as Open
from app.work.models import WorkItem
from tests.procedures import answers as said
from tests.support import releases as redrawn
from tests.support.api_server import Server, running_on


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def begun(request: pytest.FixtureRequest, seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The borough with one case listed, whose IDVA has begun to type."""
    with running_on(request.param, request, seeded, tmp_path_factory.mktemp("moving") / "data") as found:
        with found.app.app_context():
            story.begin(found.app, 0)
            item = contact()
            items.claim(item.key, person("ida"))
            drafts.save(item, person("ida"), {"contactOutcome": "REACHED", "_page": 1})
            redrawn.redraw(redrawn.with_shorter_deadline(redrawn.with_added_task(redrawn.shipped())))
            db.session.commit()
        yield found


def contact() -> WorkItem:
    found = select(WorkItem).where(WorkItem.element_id == "ContactVictim", WorkItem.state == Open.OPEN)
    return db.session.execute(found).scalar_one()


def instance(process_id: str = "marac-case") -> Instance:
    query = select(Instance).where(Instance.process_id == process_id, Instance.status == "ACTIVE")
    return db.session.execute(query.order_by(Instance.key)).scalars().first()  # type: ignore[return-value]


def of_case(key: int) -> dict[str, Any]:
    """Everything about time, and the state, of the case."""
    row = db.session.get(Instance, key)
    assert row is not None
    case = db.session.execute(select(Case)).scalar_one()
    timers = db.session.execute(
        select(TimerRow.task_id, TimerRow.event_id, TimerRow.deadline, TimerRow.due_at)
        .where(TimerRow.instance_key == key)
        .order_by(TimerRow.task_id, TimerRow.event_id)
    ).all()
    item = contact()
    return {
        "state": row.state,
        "next_due": row.next_due,
        "timers": [tuple(each) for each in timers],
        "deadlines": [(each.name, each.due_at, each.rule) for each in deadlines.in_force(case.key)],
        "item": {c.name: getattr(item, c.name) for c in WorkItem.__table__.columns},
    }


@pytest.fixture
def http(begun: Server) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {begun.token('olive')}"}
    with httpx.Client(base_url=f"{begun.url}/v2", headers=headers, timeout=60) as client:
        yield client


def migration(begun: Server, *pairs: tuple[str, str]) -> ProcessInstanceMigrationInstruction:
    target = begun.given(lambda: redrawn.newest("marac-case").key)
    return ProcessInstanceMigrationInstruction.from_dict(
        {
            "targetProcessDefinitionKey": str(target),
            "mappingInstructions": [{"sourceElementId": a, "targetElementId": b} for a, b in pairs],
        }
    )


# ------------------------------------------------------------------------------------------------ plan
def test_a_plan_names_what_changes_and_that_no_deadline_moves(begun: Server, http: httpx.Client) -> None:
    key = begun.given(lambda: instance().key)
    before = begun.given(of_case, key)
    answer = http.post("/convenor/moves/plan", json={"processDefinitionId": "marac-case", "sourceVersion": 1})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["instances"], told["canMove"], told["cannotMove"]) == (1, 1, 0)
    (case,) = told["cases"]
    assert case["processInstanceKey"] == str(key)
    assert case["obstacles"] == []
    (deadline,) = case["deadlines"]
    assert (deadline["name"], deadline["moves"]) == ("idvaFirstContact", False)
    assert deadline["due"] == "2026-03-04T23:59:59+00:00"
    assert deadline["wouldBe"] == "2026-03-03T23:59:59+00:00"
    assert begun.given(of_case, key) == before


def test_a_plan_tells_of_a_draft_whose_answers_have_no_place(begun: Server, http: httpx.Client) -> None:
    with begun.app.app_context():
        files = redrawn.with_renamed_form(redrawn.shipped(), "marac-idva-contact.form", "contactOutcome", "howItWent")
        redrawn.redraw(files)
        version = redrawn.newest("marac-case").version
        told = http_plan(begun, version)
        db.session.rollback()
    assert told is None  # nothing was committed: the version is not there


def http_plan(begun: Server, version: int) -> None:
    """Planned in the same transaction, because only this test wants the release."""
    from app.workshop import planning, telling
    from app.workshop.asking import by_versions

    owner = person("olive")
    found = planning.plan(owner, by_versions(owner.area_key or 0, "marac-case", 1, version))
    (case,) = telling.plan(found)["cases"]
    assert case["tasks"][0]["formChanged"]
    assert case["drafts"] == [{"elementId": "ContactVictim", "people": 1, "answersWithoutPlace": 1}]
    assert "REACHED" not in json.dumps(case)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"processDefinitionId": "marac-case", "sourceVersion": 2}, 400, "on this version already"),
        ({"processDefinitionId": "nothing"}, 404, "cannot be found"),
        ({}, 400, "Name the version to move to"),
        ({"processDefinitionId": "marac-case", "recomputeDeadlines": ["idvaFirstContact"]}, 400, "give a reason"),
        (
            {"processDefinitionId": "marac-case", "recomputeDeadlines": ["christmas"], "reason": "r"},
            400,
            "No open task or armed timer of these cases is named christmas",
        ),
        ({"processDefinitionId": "marac-case", "processInstanceKeys": ["7"]}, 400, "The instance 7 is not a running"),
        (
            {
                "processDefinitionId": "marac-case",
                "mappingInstructions": [{"sourceElementId": "ContactVictim", "targetElementId": "Nowhere"}],
            },
            400,
            "There is no element Nowhere in the release to move to",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(http: httpx.Client, body: dict[str, Any], status: int, detail: str) -> None:
    answer = http.post("/convenor/moves/plan", json=body)
    assert (answer.status_code, detail in answer.json()["detail"]) == (status, True), answer.text


@pytest.mark.parametrize("who", ["cora", "oscar", "ida", "audrey", "nora"])
def test_only_process_owners_move_cases(begun: Server, who: str) -> None:
    key = begun.given(lambda: instance().key)
    target = begun.given(lambda: redrawn.newest("marac-case").key)
    plan = {"targetProcessDefinitionKey": str(target), "mappingInstructions": []}
    asked: list[tuple[str, str, Any]] = [
        ("POST", f"/process-instances/{key}/migration", plan),
        ("POST", "/process-instances/migration", {"filter": {}, "migrationPlan": plan}),
        ("POST", "/convenor/moves/plan", {"processDefinitionId": "marac-case"}),
        ("POST", "/convenor/moves", {"processDefinitionId": "marac-case"}),
        ("GET", "/convenor/moves", None),
        ("GET", "/convenor/moves/1", None),
        ("GET", "/convenor/moves/1/cases", None),
        ("POST", "/convenor/moves/1/undo", None),
    ]
    headers = {"Authorization": f"Bearer {begun.token(who)}"}
    with httpx.Client(base_url=f"{begun.url}/v2", headers=headers, timeout=60) as client:
        for method, path, body in asked:
            answer = client.request(method, path, json=body)
            assert answer.status_code in (403, 404), (path, answer.text)
            assert str(key) not in answer.text


# ------------------------------------------------------------------------------------------------ one case
def test_a_case_half_way_moves_and_its_deadlines_do_not(begun: Server, http: httpx.Client) -> None:
    key = begun.given(lambda: instance().key)
    before = begun.given(of_case, key)
    client = begun.client("olive")
    client.migrate_process_instance(process_instance_key=str(key), data=migration(begun))
    after = begun.given(of_case, key)
    assert after["deadlines"] == before["deadlines"]
    assert after["timers"] == before["timers"]
    assert after["next_due"] == before["next_due"]
    assert after["item"]["release_key"] != before["item"]["release_key"]
    assert after["item"]["assignee"] == before["item"]["assignee"]
    assert begun.given(lambda: drafts.load(contact(), person("ida"))[0]) == {"contactOutcome": "REACHED", "_page": 1}
    (row,) = http.get("/convenor/moves").json()["items"]
    assert (row["state"], row["moved"], row["failed"], row["left"], row["canGoBack"]) == ("done", 1, 0, 0, 1)
    assert http.get(f"/convenor/moves/{row['moveKey']}/cases").json()["items"] == [
        {
            "processInstanceKey": str(key),
            "state": "moved",
            "reason": None,
            "at": row["requestedAt"],
            "canGoBack": True,
        }
    ]
    with pytest.raises(ApiError) as refused:
        client.migrate_process_instance(process_instance_key=str(key), data=migration(begun))
    assert refused.value.status_code == 409

    undone = http.post(f"/convenor/moves/{row['moveKey']}/undo")
    assert (undone.status_code, undone.json()["state"]) == (202, "undoing")
    begun.hours.settle()
    assert http.get(f"/convenor/moves/{row['moveKey']}").json()["state"] == "undone"
    assert begun.given(of_case, key) == before
    assert http.post(f"/convenor/moves/{row['moveKey']}/undo").status_code == 409
    with begun.app.app_context():
        done = select(AuditEntry.action).where(AuditEntry.action.like("move.%")).order_by(AuditEntry.key)
        assert list(db.session.execute(done).scalars()) == ["move.start", "move.instance", "move.undo", "move.back"]


def test_a_deadline_moves_when_somebody_says_so_with_a_reason_and_moves_back(begun: Server, http: httpx.Client) -> None:
    key = begun.given(lambda: instance().key)
    before = begun.given(of_case, key)
    why = "The county has agreed one working day."
    asked = {"processDefinitionId": "marac-case", "recomputeDeadlines": ["idvaFirstContact"], "reason": why}
    told = http.post("/convenor/moves", json=asked).json()
    assert (told["state"], told["left"]) == ("running", 1)
    begun.hours.settle()
    told = http.get(f"/convenor/moves/{told['moveKey']}").json()
    assert (told["state"], told["moved"], told["canGoBack"]) == ("done", 1, 1), told
    with begun.app.app_context():
        case = db.session.execute(select(Case)).scalar_one()
        moved = deadlines.current(case.key, "idvaFirstContact")
        assert moved is not None
        assert moved.due_at.isoformat() == "2026-03-03T23:59:59+00:00"
        assert deadlines.reason_of(moved) == why
        assert contact().due_at == moved.due_at
        late = select(TimerRow.due_at).where(TimerRow.event_id == "ContactVictimLate")
        assert db.session.execute(late).scalar_one().isoformat() == "2026-03-03T19:59:59+00:00"
        rows = db.session.execute(select(MovedInstance.reason, MovedInstance.before)).all()
        assert why not in str(rows)
    http.post(f"/convenor/moves/{told['moveKey']}/undo")
    begun.hours.settle()
    assert http.get(f"/convenor/moves/{told['moveKey']}").json()["undone"] == 1
    after = begun.given(of_case, key)
    assert {name: after[name] for name in ("state", "timers", "next_due", "item")} == {
        name: before[name] for name in ("state", "timers", "next_due", "item")
    }
    assert [each[:2] for each in after["deadlines"]] == [each[:2] for each in before["deadlines"]]


def test_a_batch_moves_what_the_filter_finds(begun: Server, http: httpx.Client) -> None:
    target = begun.given(lambda: redrawn.newest("marac-meeting").key)
    first = begun.given(lambda: instance("marac-meeting").key)
    asked = ProcessInstanceMigrationBatchOperationRequest.from_dict(
        {
            "filter": {"processInstanceKey": str(first)},
            "migrationPlan": {"targetProcessDefinitionKey": str(target), "mappingInstructions": []},
        }
    )
    made = begun.client("olive").migrate_process_instances_batch_operation(data=asked)
    assert made.batch_operation_type.value == "MIGRATE_PROCESS_INSTANCE"
    begun.hours.settle()
    told = http.get(f"/convenor/moves/{made.batch_operation_key}").json()
    assert (told["instances"], told["moved"]) == (1, 1)
    batch = begun.client("olive").get_batch_operation(batch_operation_key=made.batch_operation_key)
    assert (batch.state.value, batch.operations_completed_count, batch.operations_failed_count) == ("COMPLETED", 1, 0)
    versions = begun.given(
        lambda: list(
            db.session.execute(
                select(Instance.definition_key).where(Instance.process_id == "marac-meeting").order_by(Instance.key)
            ).scalars()
        )
    )
    assert versions[0] == target != versions[1]


# ------------------------------------------------------------------------------------------------ the command line
def test_the_command_line_plans_begins_watches_and_undoes(
    begun: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("app.cli.serve_commands.application", lambda settings, check=True: begun.app)
    monkeypatch.setenv("CONVENOR_ENV", "test")
    assert main(["move", "plan", "marac-case", "--from", "1", "--to", "2"]) == 0
    told = capsys.readouterr().out
    assert "1 of 1 cases can move." in told
    assert "deadline idvaFirstContact stays 2026-03-04T23:59:59+00:00" in told
    assert told.endswith("No deadline moves.\n")
    assert main(["move", "plan", "marac-case", "--from", "1", "--to", "2", "--map", "nonsense"]) == 1
    assert main(["move", "plan", "marac-case", "--to", "2", "--area", "elsewhere"]) == 1
    assert main(["move", "start", "marac-case", "--to", "2", "--by", "cora"]) == 1
    capsys.readouterr()
    assert main(["move", "start", "marac-case", "--from", "1", "--to", "2", "--by", "olive", "--json"]) == 0
    key = json.loads(capsys.readouterr().out)["moveKey"]
    begun.hours.settle()
    assert main(["move", "status", key]) == 0
    assert "marac-case to version 2: done. 1 moved, 0 could not" in capsys.readouterr().out
    assert main(["move", "undo", key, "--by", "olive"]) == 0
    begun.hours.settle()
    assert main(["move", "status", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("undoing")[-1].partition("\n")[2])["undone"] == 1


# ------------------------------------------------------------------------------------------------ and it goes on
def test_a_moved_case_asks_for_the_added_task_and_then_cannot_go_back(begun: Server, http: httpx.Client) -> None:
    told = http.post("/convenor/moves", json={"processDefinitionId": "marac-case"}).json()
    begun.hours.settle()
    with begun.app.app_context():
        do("ida", "ContactVictim", said.idva_contact())
        db.session.commit()
        added = select(WorkItem).where(WorkItem.element_id == "NoteSafeRoute")
        assert db.session.execute(added).scalar_one().state == Open.OPEN
    assert http.post(f"/convenor/moves/{told['moveKey']}/undo").status_code == 202
    begun.hours.settle()
    told = http.get(f"/convenor/moves/{told['moveKey']}").json()
    assert (told["moved"], told["undone"]) == (1, 0)
    assert told["refusals"][0]["reason"] == "Something has happened in it since it moved."
    with begun.app.app_context():
        row = db.session.execute(
            select(MovedInstance).where(MovedInstance.moving_key == int(told["moveKey"]))
        ).scalar_one()
        assert (row.state, row.before_state, row.before) == (ItemState.MOVED, None, None)
        while audit.seal_pending():
            pass
        db.session.commit()
        assert audit.verify().findings == []


def test_what_a_case_was_before_is_destroyed_with_it(begun: Server, http: httpx.Client) -> None:
    """The last of all: the case is gone afterwards."""
    first = begun.given(lambda: instance("sharing-follow-up").key)
    target = begun.given(lambda: redrawn.newest("sharing-follow-up").key)
    plan = {"targetProcessDefinitionKey": str(target), "mappingInstructions": []}
    assert http.post(f"/process-instances/{first}/migration", json=plan).status_code == 204
    with begun.app.app_context():
        kept = db.session.execute(select(MovedInstance).where(MovedInstance.instance_key == first)).scalar_one()
        assert kept.can_go_back
        assert kept.before_state
        case = db.session.execute(select(Instance.case_key).where(Instance.key == first)).scalar_one()
        runtime.forget_case(case or 0)
        db.session.commit()
        db.session.refresh(kept)
        assert (kept.before_state, kept.before, kept.reason, kept.revision) == (None, None, None, None)
