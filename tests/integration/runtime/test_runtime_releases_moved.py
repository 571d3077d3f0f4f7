"""Moving instances to another release with a database: rows beside the state, alarms, messages, deadlines, and the way back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from runtime_kit import boundary, call, doc, el, end, flow, line, msg, props, service, timer, user, z
from sqlalchemy import select

from app.runtime import releases
from app.runtime import service as runtime
from app.runtime.job_models import OutsideJob
from app.runtime.models import IncidentState, Instance, Subscription, TimerRow
from app.runtime.moving import ElementMap, Moved, move, move_back, plan
from app.runtime.moving.execution import CannotGoBack, CannotMove
from app.store.clock import business_now
from app.store.database import db
from app.store.jobs import Job

AREA = 77
GO = (
    '<bpmn:message id="M" name="go"><bpmn:extensionElements>'
    '<zeebe:subscription correlationKey="=&quot;k&quot;"/></bpmn:extensionElements></bpmn:message>'
)


def publish(*diagrams: bytes) -> Any:
    files = {f"{i}.bpmn": xml for i, xml in enumerate(diagrams)}
    made = runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    db.session.commit()
    return made


def begin(variables: Any = None, **kw: Any) -> Instance:
    made = runtime.start("p", variables or {}, area_key=AREA, by=1, **kw)
    db.session.commit()
    return made


def newest() -> Any:
    return releases.find_definition(AREA, "p")


def go(instance: Instance, mapping: dict[str, str] | None = None, recompute: tuple[str, ...] = ()) -> Moved:
    moved = move(instance.key, newest(), ElementMap("p", mapping or {}), recompute)
    db.session.commit()
    return moved


def rows(model: Any, instance: Instance) -> list[dict[str, Any]]:
    table = model.__table__
    found = db.session.execute(
        select(table).where(table.c.instance_key == instance.key).order_by(*table.primary_key.columns)
    ).mappings()
    return [dict(row) for row in found]


def everything(instance: Instance) -> Any:
    row = runtime.instance(instance.key)
    columns = ("state", "definition_key", "release_key", "next_due", "has_incident", "status", "case_key")
    alarm = db.session.execute(select(Job.due_at).where(Job.dedupe_key == f"wake:{instance.key}")).scalar_one_or_none()
    return (
        [getattr(row, name) for name in columns],
        rows(TimerRow, instance),
        rows(Subscription, instance),
        alarm,
    )


def reminded(rule: str, task: str = "a", event: str = "t") -> bytes:
    return doc(
        user(task)
        + boundary(event, task, timer("Duration", rule), cancel=False)
        + user("late")
        + end("e2")
        + line(task)
        + flow(event, "late", "e2")
    )


# ------------------------------------------------------------------------------------------------ what stays
def test_timers_keep_their_instants_under_other_names_and_the_alarm_its_time(world: Any, time: Any) -> None:
    publish(reminded("P8D"))
    instance = begin()
    due = runtime.instance(instance.key).next_due
    publish(reminded("P1D", "b", "u"))
    moved = go(instance, {"a": "b", "t": "u"})
    assert [(each.element_id, each.what, each.due) for each in moved.plan.timers] == [("u", "kept", due)]
    assert [(row["event_id"], row["due_at"]) for row in rows(TimerRow, instance)] == [("u", due)]
    assert world.tasks() == ["b"]
    time.later(days=7)
    assert world.tasks() == ["b"]
    time.later(days=2)
    assert world.tasks() == ["b", "late"]


def test_a_plan_changes_nothing_and_an_instance_that_cannot_move_stays(world: Any) -> None:
    publish(doc(user("a") + line("a")))
    instance = begin()
    before = everything(instance)
    publish(doc(user("x") + line("x")))
    told = plan(instance.key, newest(), ElementMap("p"))
    assert not told.can_move
    assert told.obstacles[0].element_id == "a"
    assert "Say which element it has become" in told.why
    with pytest.raises(CannotMove) as refused:
        go(instance)
    assert refused.value.plan.why == told.why
    db.session.rollback()
    assert everything(instance) == before
    assert plan(instance.key, newest(), ElementMap("p", {"a": "x"})).can_move
    db.session.rollback()
    assert everything(instance) == before


def test_a_mapping_is_no_way_round_a_decision(world: Any) -> None:
    decision = user("a", props(freshAuthentication="true"))
    publish(doc(decision + user("b") + user("c") + line("a", "b", "c")))
    instance = begin()
    publish(doc(user("b") + user("c", props(freshAuthentication="true")) + user("z") + line("b", "c", "z")))
    for other in ("z", "c"):
        told = plan(
            instance.key, newest(), ElementMap("p", {"a": other, "c": "b", "b": "z"} if other == "c" else {"a": "z"})
        )
        assert told.obstacles[0].message == (
            f"a is a decision that a person must take, and {other} would be another step."
        )
    publish(doc(user("a2", props(freshAuthentication="true")) + user("b") + user("c") + line("a2", "b", "c")))
    assert plan(instance.key, newest(), ElementMap("p", {"a": "a2"})).can_move


def test_decisions_and_forms_move_with_the_diagram(world: Any) -> None:
    def release(outcome: str) -> dict[str, bytes]:
        rule = el("businessRuleTask", "r", z("calledDecision", decisionId="pick", resultVariable="chosen"))
        form = {
            "type": "default",
            "id": "f",
            "components": [{"type": "textfield", "id": "c1", "key": outcome, "label": "One"}],
        }
        dmn = (
            '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x">'
            '<decision id="pick" name="pick"><variable id="v" name="pick" typeRef="string"/>'
            f'<literalExpression id="l"><text>"{outcome}"</text></literalExpression></decision></definitions>'
        )
        diagram = doc(user("a", z("formDefinition", formId="f")) + rule + user("b") + line("a", "r", "b"))
        return {"p.bpmn": diagram, "d.dmn": dmn.encode(), "f.form": json.dumps(form).encode()}

    def put(outcome: str) -> None:
        runtime.publish_release(release(outcome), area_key=AREA, by=1, allow_undeclared=True)
        db.session.commit()

    put("old")
    instance = begin()
    put("new")
    moved = go(instance)
    assert [(each.form, each.form_changed, each.changed) for each in moved.plan.tasks] == [("f", True, ("form",))]
    assert b'"new"' in releases.form(runtime.instance(instance.key).release_key, "f")
    world.do("a")
    assert runtime.plain_variables(instance.key)["chosen"] == "new"


def test_what_has_ended_or_is_there_already_does_not_move(world: Any) -> None:
    publish(doc(user("a") + line("a")))
    instance = begin()
    assert plan(instance.key, newest(), ElementMap("p")).why == "It runs on this release already."
    world.do("a")
    publish(doc(user("a") + user("b") + line("a", "b")))
    assert plan(instance.key, newest(), ElementMap("p")).why == "It has ended."


def test_who_has_waited_longest_still_gets_the_message_first(world: Any, time: Any) -> None:
    waiting = el("intermediateCatchEvent", "w", inner=msg())
    publish(doc(waiting + user("b") + line("w", "b"), defs=GO))
    first = begin()
    time.later(hours=1)
    second = begin()
    renamed = el("intermediateCatchEvent", "w2", inner=msg())
    publish(doc(renamed + user("b") + line("w2", "b"), defs=GO))
    go(first, {"w": "w2"})
    runtime.publish_message("go", "k", area_key=AREA)
    assert [task.instance_key for task in world.open.values()] == [first.key]
    assert second.key != first.key


def test_a_message_that_is_kept_reaches_what_begins_to_wait_by_the_move(world: Any) -> None:
    publish(doc(user("a") + line("a")))
    instance = begin()
    runtime.publish_message("go", "k", area_key=AREA, ttl=timedelta(days=1))
    event = boundary("t", "a", msg())
    publish(doc(user("a") + event + user("b") + end("e2") + line("a") + flow("t", "b", "e2"), defs=GO))
    moved = go(instance)
    assert world.tasks() == ["b"]
    assert moved.revision is None  # it has gone on: there is no way back


def test_a_new_event_that_is_due_fires_right_after_the_move(world: Any, time: Any) -> None:
    publish(doc(user("a") + line("a")))
    instance = begin()
    past = boundary("t", "a", timer("Date", '=date and time("2026-01-01T00:00:00Z")'))
    publish(doc(user("a") + past + user("b") + end("e2") + line("a") + flow("t", "b", "e2")))
    go(instance)
    assert world.tasks() == ["a"]
    time.later(seconds=1)
    assert world.tasks() == ["b"]


def test_work_outside_goes_along_under_its_new_name(world: Any) -> None:
    def diagram(task: str, type_: str) -> bytes:
        return doc(
            service(task, type_)
            + service(f"{task}2", "outside:print")
            + el("parallelGateway", "g")
            + line("g", task)
            + flow("g", f"{task}2", "e")
        )

    publish(diagram("w", "none-such"))
    instance = begin()
    outside = rows(OutsideJob, instance)
    publish(diagram("v", "none-such"))
    go(instance, {"w": "v", "w2": "v2"})
    db.session.expire_all()
    jobs = db.session.execute(select(OutsideJob).order_by(OutsideJob.element_id)).scalars().all()
    assert [job.element_id for job in jobs] == ["v", "v2"]
    assert {job.definition_key for job in jobs} == {newest().key}
    assert len(outside) == 2


def test_an_incident_goes_along_under_its_new_name(world: Any) -> None:
    publish(
        doc(el("exclusiveGateway", "x") + user("b") + line("x", "b")).replace(
            b'sourceRef="x" targetRef="b">',
            b'sourceRef="x" targetRef="b"><bpmn:conditionExpression>=go</bpmn:conditionExpression>',
        )
    )
    instance = begin()
    (stopped,) = runtime.incidents(instance.key)
    publish(doc(el("exclusiveGateway", "y") + user("b") + line("y", "b")))
    moved = go(instance, {"x": "y"})
    assert moved.plan.notes == ["Something in it has stopped. It stays stopped until somebody tries it again."]
    db.session.expire_all()
    assert stopped.element_id == "y"
    assert runtime.retry_incident(stopped.key, by=1)
    assert world.tasks() == ["b"]


# ------------------------------------------------------------------------------------------------ deadlines
def dated(rule: str, name: str = "review") -> bytes:
    schedule = z("taskSchedule", dueDate=rule) + props(deadline=name)
    return doc(
        user("a", schedule)
        + boundary("t", "a", timer("Date", f'=deadline("{name}")'), cancel=False)
        + user("late")
        + end("e2")
        + line("a")
        + flow("t", "late", "e2")
    )


def test_no_deadline_moves_and_the_plan_says_what_the_new_rule_would_make_of_it(world: Any, time: Any) -> None:
    publish(dated('=now() + duration("P8D")'))
    instance = begin(case_key=5)
    was = world.deadlines[(5, "review")]
    publish(dated('=now() + duration("P2D")'))
    time.later(days=1)
    moved = go(instance)
    (change,) = moved.plan.deadlines
    assert (change.name, change.due, change.moves) == ("review", was, False)
    assert change.would_be == was - timedelta(days=6)  # counted from when the task was opened
    assert world.deadlines == {(5, "review"): was}
    assert runtime.instance(instance.key).next_due == was
    world.deadlines[(5, "review")] = was + timedelta(days=3)
    assert runtime.rearm_deadline(5, "review") == 2
    assert runtime.instance(instance.key).next_due == was + timedelta(days=3)


def test_a_deadline_that_a_person_names_is_told_to_whoever_records_the_decision(world: Any) -> None:
    publish(dated('=now() + duration("P8D")'))
    instance = begin(case_key=5)
    was = world.deadlines[(5, "review")]
    publish(dated('=now() + duration("P2D")'))
    moved = go(instance, recompute=("review",))
    (change,) = moved.plan.deadlines
    assert (change.name, change.moves, change.would_be) == ("review", True, was - timedelta(days=6))
    assert change.rule == '=now() + duration("P2D")'


def test_a_tasks_own_due_date_is_computed_again_when_it_is_named(world: Any) -> None:
    publish(doc(user("a", z("taskSchedule", dueDate='=now() + duration("P8D")')) + line("a")))
    instance = begin()
    publish(doc(user("a", z("taskSchedule", dueDate='=now() + duration("P2D")')) + line("a")))
    go(instance, recompute=("a",))
    assert world.events[-1] == ("due", datetime(2026, 1, 7, 9, tzinfo=business_now().tzinfo))


# ------------------------------------------------------------------------------------------------ the way back
def test_a_move_is_undone_exactly(world: Any, time: Any) -> None:
    publish(reminded("P8D"))
    instance = begin(case_key=5)
    time.later(hours=5)
    before = everything(instance)
    publish(
        reminded("P1D", "b", "u")
        .replace(b"</bpmn:process>", b"")
        .replace(
            b"</bpmn:definitions>",
            (boundary("n", "b", timer("Duration", "PT3H")) + end("e3") + flow("n", "e3")).encode()
            + b"</bpmn:process></bpmn:definitions>",
        )
    )
    moved = go(instance, {"a": "b", "t": "u"})
    assert everything(instance) != before
    move_back(instance.key, moved.before, moved.revision)
    db.session.commit()
    assert everything(instance) == before
    assert world.tasks() == ["a"]
    time.later(days=9)
    assert world.tasks() == ["a", "late"]


def test_what_has_gone_on_does_not_go_back(world: Any) -> None:
    publish(doc(user("a") + user("b") + line("a", "b")))
    instances = [begin() for _ in range(3)]
    publish(doc(user("a") + user("b") + user("c") + line("a", "b", "c")))
    moved = [go(each) for each in instances]
    world.do("a")
    db.session.commit()
    runtime.cancel_instance(instances[1].key, by=1)
    db.session.commit()
    world.touched = True
    for each, gone, why in zip(
        instances,
        moved,
        (
            "Something has happened in it since it moved.",
            "It has ended since.",
            "Somebody has taken one of its tasks since.",
        ),
        strict=True,
    ):
        with pytest.raises(CannotGoBack, match=why):
            move_back(each.key, gone.before, gone.revision)
        db.session.rollback()
    world.touched = False
    move_back(instances[2].key, moved[2].before, moved[2].revision)
    assert releases.definition(runtime.instance(instances[2].key).definition_key).version == 1


def test_an_incident_of_what_the_move_dropped_is_there_again_after_it_is_undone(world: Any) -> None:
    stuck = boundary("t", "a", timer("Date", '=deadline("never")'))
    publish(doc(user("a") + stuck + end("e2") + line("a") + flow("t", "e2")))
    instance = begin(case_key=5)
    assert runtime.instance(instance.key).has_incident
    publish(doc(user("a") + line("a")))
    moved = go(instance)
    assert runtime.incidents(instance.key) == []
    assert not runtime.instance(instance.key).has_incident
    move_back(instance.key, moved.before, moved.revision)
    db.session.commit()
    assert [each.state for each in runtime.incidents(instance.key)] == [IncidentState.ACTIVE]
    assert runtime.instance(instance.key).has_incident


def test_a_called_process_moves_with_its_caller(world: Any) -> None:
    publish(doc(call("c", "q") + line("c")), doc(user("x") + line("x"), pid="q"))
    instance = begin()
    publish(doc(call("c", "q") + line("c")), doc(user("x") + user("y") + line("x", "y"), pid="q"))
    go(instance)
    world.do("x")
    assert world.tasks() == ["y"]
