"""Completions that are accepted: what follows comes at once, before anything else in the instance, as of the instant of acceptance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from runtime_kit import boundary, doc, el, end, flow, io, line, msg, props, sig, start, timer, user, z
from sqlalchemy import select

from app.runtime import accepting, codec, lapsing, releases
from app.runtime import service as runtime
from app.runtime.errors import InstanceEnded, NotSettled, TaskNotOpen, UnreadableState, VariableRefused
from app.runtime.models import Incident, IncidentState, Instance, InstanceStatus, ProcessDefinition
from app.runtime.moving.elements import ElementMap
from app.runtime.moving.execution import move
from app.runtime.step import find
from app.store import spending
from app.store.attempt import NoRoom
from app.store.clock import business_now, clock
from app.store.database import db
from app.store.jobs import Job

AREA = 77
TWO = doc(user("a") + user("b") + line("a", "b"))


def begin(xml: bytes, **variables: Any) -> int:
    runtime.publish_release({"p.bpmn": xml}, area_key=AREA, by=1, allow_undeclared=True)
    key = runtime.start("p", variables, area_key=AREA, by=1).key
    db.session.commit()
    return key


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing has room: every completion is accepted. It is not tried first, for the recorder does not forget what is undone."""

    def tried(*_: object, **__: object) -> None:
        raise NoRoom

    monkeypatch.setattr(accepting, "in_memory", tried)
    spending.account(True)
    yield
    spending.account(False)


def send(world: Any, element: str, *, about: dict[str, str] | None = None, **variables: Any) -> None:
    """A person sends their answers, and the transaction is committed."""
    task = world.find(element)
    find(task.instance_key, lock=True)
    runtime.complete_or_accept(task.instance_key, task.task_id, variables, by=5, first=lambda: None, about=about or {})
    db.session.commit()


def jobs() -> list[str]:
    return sorted(db.session.execute(select(Job.kind)).scalars())


def test_what_follows_comes_with_the_next_job(world: Any, time: Any, no_room: None) -> None:
    begin(TWO)
    send(world, "a", about={"item": "7"})
    assert world.tasks() == ["a"], "the engine has not gone on yet"
    assert jobs() == [accepting.CONTINUE]
    time.later()
    assert world.tasks() == ["b"]
    assert ("followed", {"item": "7"}) in world.events
    assert ("completed", "a") in world.events
    assert jobs() == []


def test_whether_all_has_followed_is_known(world: Any, time: Any, no_room: None) -> None:
    key = begin(TWO)
    assert runtime.is_settled(key)
    send(world, "a")
    assert not runtime.is_settled(key)
    time.later()
    assert runtime.is_settled(key)


def test_where_there_is_room_everything_is_one_transaction(world: Any) -> None:
    begin(TWO)
    spending.account(True)
    send(world, "a")
    spending.account(False)
    assert world.tasks() == ["b"]
    assert jobs() == []


def test_a_timer_that_is_due_by_then_comes_after_what_was_in_time(world: Any, time: Any, no_room: None) -> None:
    late = boundary("late", "a", timer("Duration", "PT1H"))
    begin(
        doc(start() + user("a") + late + user("b") + user("c") + end() + flow("s", "a", "b", "e") + flow("late", "c"))
    )
    send(world, "a")
    time.later(hours=2)
    assert world.tasks() == ["b"], "the answers came in time"


def test_it_takes_its_course_as_of_the_instant_it_was_accepted(world: Any, time: Any, no_room: None) -> None:
    seen: list[Any] = []
    world.operation("op", lambda context, _inputs: seen.append((context.now, runtime.acting())))
    begin(doc(user("a") + el("serviceTask", "g", z("taskDefinition", type="op")) + user("b") + line("a", "g", "b")))
    clock.advance(timedelta(microseconds=123_456))
    at = business_now()
    send(world, "a")
    time.later(hours=5)
    assert seen == [(at, 5)]
    assert runtime.acting() is None
    assert business_now() == at + timedelta(hours=5)


def test_two_take_their_course_in_their_order(world: Any, time: Any, no_room: None) -> None:
    fork = el("parallelGateway", "f") + user("a") + user("b") + el("parallelGateway", "j") + user("c")
    key = begin(doc(start() + fork + end() + flow("s", "f", "a", "j", "c", "e") + flow("f", "b", "j")))
    send(world, "a", x=1)
    send(world, "b", x=2)
    time.later()
    assert world.tasks() == ["c"]
    assert runtime.variables(key) == {"x": 2}


def test_a_task_that_what_was_accepted_before_ends_is_refused(world: Any, no_room: None) -> None:
    both = user("a") + el("endEvent", "stop", inner="<bpmn:terminateEventDefinition/>") + user("b")
    begin(doc(start() + el("parallelGateway", "f") + both + end() + flow("s", "f", "a", "stop") + flow("f", "b", "e")))
    b = world.find("b")
    send(world, "a")
    find(b.instance_key, lock=True)
    with pytest.raises((TaskNotOpen, InstanceEnded)):
        runtime.complete_or_accept(b.instance_key, b.task_id, {}, by=5, first=lambda: None, about={})
    db.session.rollback()


def test_a_wrong_variable_is_refused_at_the_door(world: Any, no_room: None) -> None:
    begin(doc(user("a") + user("b") + line("a", "b"), ext=props(variable__n="number")))
    with pytest.raises(VariableRefused):
        send(world, "a", n="many")
    db.session.rollback()
    assert world.tasks() == ["a"]
    assert jobs() == []


def test_cancelling_comes_after_it(world: Any, time: Any, no_room: None) -> None:
    key = begin(TWO)
    send(world, "a")
    runtime.cancel_instance(key, by=1)
    db.session.commit()
    assert ("completed", "a") in world.events
    assert world.tasks() == []
    assert db.session.get(Instance, key).status == InstanceStatus.TERMINATED
    time.later()
    assert jobs() == []


def test_what_cannot_take_its_course_keeps_everything_but_the_end_waiting(world: Any, no_room: None) -> None:
    key = begin(TWO)
    world.on_followed = broken
    send(world, "a")
    with pytest.raises(NotSettled, match="Try its incident again first"):
        runtime.set_variables(key, {"x": 1}, by=1)
    db.session.rollback()
    runtime.cancel_instance(key, by=1)
    db.session.commit()
    assert world.tasks() == []
    assert db.session.get(Instance, key).status == InstanceStatus.TERMINATED


def test_what_comes_from_outside_is_taken_by_what_stands_still(world: Any, time: Any, no_room: None) -> None:
    """Nobody else is kept from their work by a completion that cannot take its course; and the incident that tells of it stays."""
    late = boundary("late", "a", timer("Duration", '=deadline("d") - now()'))
    wait = el("intermediateCatchEvent", "w", inner=msg()) + el("intermediateCatchEvent", "v", inner=sig())
    body = start() + el("parallelGateway", "f") + user("a") + late + user("b") + wait + user("c") + user("x") + end()
    ways = flow("s", "f", "a", "b", "e") + flow("f", "w", "v", "c", "e") + flow("late", "x", "e")
    world.deadlines[(9, "d")] = business_now() + timedelta(days=2)
    runtime.publish_release({"p.bpmn": doc(body + ways)}, area_key=AREA, by=1, allow_undeclared=True)
    key = runtime.start("p", {"k": "1"}, area_key=AREA, by=1, case_key=9).key
    db.session.commit()
    world.on_followed = broken
    send(world, "a")
    until_given_up(time)
    (incident,) = db.session.execute(select(Incident)).scalars()
    assert [one.instance_key for one in runtime.publish_message("stop", "1", {}, area_key=AREA)] == [key]
    world.deadlines[(9, "d")] = business_now() - timedelta(hours=1)
    assert runtime.rearm_deadline(9, "d") == 1
    db.session.commit()
    assert world.tasks() == ["a"]
    db.session.expire_all()
    assert db.session.get(Incident, incident.key).state == IncidentState.ACTIVE
    assert db.session.get(Instance, key).has_incident
    world.on_followed = None
    assert runtime.retry_incident(incident.key, by=1)
    db.session.commit()
    assert world.tasks() == ["b"], "the answers came before the deadline was over"
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    db.session.commit()
    assert world.tasks() == ["b", "c"]


def until_given_up(time: Any) -> None:
    """A worker tries as often as it does."""
    for _ in range(8):
        db.session.execute(Job.__table__.update().values(run_after=clock.now() - timedelta(days=1)))
        db.session.commit()
        time.later(minutes=40)


def test_a_move_to_another_release_comes_after_it(world: Any, no_room: None) -> None:
    key = begin(TWO)
    send(world, "a")
    again = TWO.replace(b'id="b"', b'id="b" name="B"')
    runtime.publish_release({"p.bpmn": again}, area_key=AREA, by=1, allow_undeclared=True)
    target = db.session.execute(select(ProcessDefinition).order_by(ProcessDefinition.version.desc())).scalars().first()
    assert target is not None
    moved = move(key, target, ElementMap("p"))
    db.session.commit()
    assert moved.plan.can_move
    assert world.tasks() == ["b"]
    assert ("completed", "a") in world.events
    assert db.session.get(Instance, key).definition_key == target.key


def test_a_message_whose_time_is_over_meanwhile_is_not_missed(world: Any, time: Any, no_room: None) -> None:
    """As for an instance that is woken late: it could not take it in time."""
    wait = el("intermediateCatchEvent", "w", inner=msg())
    begin(doc(user("a") + wait + user("b") + line("a", "w", "b")), k="x")
    send(world, "a")
    runtime.publish_message("stop", "x", {}, area_key=AREA, ttl=timedelta(minutes=5))
    db.session.commit()
    clock.advance(timedelta(minutes=30))
    lapsing.look()
    db.session.commit()
    time.later()
    assert world.tasks() == ["b"]


def test_what_cannot_be_run_is_an_incident_and_can_be_tried_again(world: Any, time: Any, no_room: None) -> None:
    begin(TWO)
    world.on_followed = broken
    send(world, "a")
    until_given_up(time)
    (incident,) = db.session.execute(select(Incident)).scalars()
    assert incident.message == "What follows a completed task of this instance could not be run (RuntimeError)."
    assert world.tasks() == ["a"]
    world.on_followed = None
    assert jobs() == [accepting.CONTINUE], "given up"
    assert runtime.retry_incident(incident.key, by=1)
    db.session.commit()
    assert jobs() == []
    assert world.tasks() == ["b"]
    db.session.expire_all()
    assert db.session.get(Incident, incident.key).state == IncidentState.RESOLVED


def broken(_about: Any) -> None:
    raise RuntimeError("no")


def test_a_server_that_knows_nothing_of_it_leaves_the_instance_alone(
    world: Any, no_room: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = begin(TWO)
    row = db.session.get(Instance, key)
    release = releases.parsed(row.release_key).diagrams
    assert codec.read(row.state, release, "p")[0] == codec.VERSION
    send(world, "a")
    monkeypatch.setattr(codec, "VERSION", 2)
    monkeypatch.setattr(codec, "UPGRADES", {1: codec.UPGRADES[1]})
    with pytest.raises(UnreadableState, match="version 3"):
        runtime.wake(key)
    assert runtime.is_settled(key), "whoever looks at what they have done is not refused"
    db.session.rollback()


ONE_AND_TWO = (
    '<bpmn:message id="M1" name="one"><bpmn:extensionElements>'
    '<zeebe:subscription correlationKey="=k"/></bpmn:extensionElements></bpmn:message>'
    '<bpmn:message id="M2" name="two"><bpmn:extensionElements>'
    '<zeebe:subscription correlationKey="=k"/></bpmn:extensionElements></bpmn:message>'
)


def throw(id_: str, ref: str) -> str:
    return el("intermediateThrowEvent", id_, io([("correlationKey", "=k")]), msg(ref))


def begin_two(receiver: str, sender: str) -> tuple[int, int]:
    files = {"p.bpmn": doc(receiver, ONE_AND_TWO), "q.bpmn": doc(sender, ONE_AND_TWO, pid="q")}
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    p = runtime.start("p", {"k": "x"}, area_key=AREA, by=1).key
    q = runtime.start("q", {"k": "x"}, area_key=AREA, by=1).key
    db.session.commit()
    return p, q


FIRST_COME = (
    start()
    + el("parallelGateway", "f")
    + user("a")
    + user("b")
    + el("eventBasedGateway", "g")
    + el("intermediateCatchEvent", "c1", inner=msg("M1"))
    + el("intermediateCatchEvent", "c2", inner=msg("M2"))
    + user("t1")
    + user("t2")
    + end()
    + flow("s", "f", "a", "b", "e")
    + flow("f", "g", "c1", "t1", "e")
    + flow("g", "c2", "t2", "e")
)
SENDS_BOTH = user("go") + throw("m1", "M1") + throw("m2", "M2") + line("go", "m1", "m2")


def test_messages_that_are_under_way_keep_their_order(world: Any, time: Any, no_room: None) -> None:
    begin_two(FIRST_COME, SENDS_BOTH)
    send(world, "a")
    world.do("go")
    db.session.commit()
    assert world.tasks() == ["b", "t1"], "the first of them comes first"


def test_what_it_is_not_about_is_neither_of_its_time_nor_of_its_person(world: Any, time: Any, no_room: None) -> None:
    seen: list[Any] = []
    world.operation("op", lambda context, _inputs: seen.append((context.now, runtime.acting())))
    other = (
        el("intermediateCatchEvent", "c2", inner=msg("M2"))
        + el("serviceTask", "g", z("taskDefinition", type="op"))
        + user("t")
        + line("c2", "g", "t")
    )
    catches = el("parallelGateway", "f") + user("a") + user("b") + el("intermediateCatchEvent", "c1", inner=msg("M1"))
    receiver = start() + catches + end() + flow("s", "f", "a", "b", "e") + flow("f", "c1", "e")
    files = {
        "p.bpmn": doc(receiver, ONE_AND_TWO),
        "q.bpmn": doc(SENDS_BOTH, ONE_AND_TWO, pid="q"),
        "r.bpmn": doc(other, ONE_AND_TWO, pid="r"),
    }
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    for each in files:
        runtime.start(each[0], {"k": "x"}, area_key=AREA, by=1)
    db.session.commit()
    send(world, "a")
    clock.advance(timedelta(hours=1))
    world.do("go")
    db.session.commit()
    assert seen == [(business_now(), None)]


def test_who_gets_a_message_may_have_ended_by_what_it_had_accepted(world: Any, time: Any, no_room: None) -> None:
    ends = el("endEvent", "stop", inner="<bpmn:terminateEventDefinition/>")
    catches = user("a") + el("intermediateCatchEvent", "c1", inner=msg("M1")) + ends
    receiver = (
        start() + el("parallelGateway", "f") + catches + end() + flow("s", "f", "a", "stop") + flow("f", "c1", "e")
    )
    p, _ = begin_two(receiver, user("go") + throw("m1", "M1") + user("z") + line("go", "m1", "z"))
    send(world, "a")
    world.do("go")
    db.session.commit()
    assert world.tasks() == ["z"]
    assert db.session.get(Instance, p).status == InstanceStatus.COMPLETED


def test_who_gets_a_signal_may_have_ended_by_what_it_had_accepted(world: Any, time: Any, no_room: None) -> None:
    ends = el("endEvent", "stop", inner="<bpmn:terminateEventDefinition/>")
    catches = user("a") + el("intermediateCatchEvent", "c1", inner=sig()) + ends
    begin(
        doc(start() + el("parallelGateway", "f") + catches + end() + flow("s", "f", "a", "stop") + flow("f", "c1", "e"))
    )
    send(world, "a")
    assert runtime.broadcast_signal("alarm", {}, area_key=AREA) == []
    db.session.commit()
    assert world.tasks() == []


def test_cancelling_what_ends_by_what_it_had_accepted(world: Any, no_room: None) -> None:
    key = begin(doc(user("a") + line("a")))
    send(world, "a")
    assert runtime.cancel_instance(key, by=1).status == InstanceStatus.COMPLETED
    db.session.commit()


def test_what_is_not_found_on_its_way_loses_nothing(world: Any, time: Any, no_room: None) -> None:
    """It is no reason to take the job for done, nor for a timer to go on without it."""

    def ended(_about: Any) -> None:
        raise InstanceEnded("Another procedure has ended.")

    key = begin(TWO)
    world.on_followed = ended
    send(world, "a")
    time.later()
    assert jobs() == [accepting.CONTINUE]
    with pytest.raises(NotSettled):
        runtime.wake(key)
    db.session.rollback()
    world.on_followed = None
    time.later(minutes=1)
    db.session.execute(Job.__table__.update().values(run_after=clock.now() - timedelta(days=1)))
    time.later()
    assert world.tasks() == ["b"]


def test_a_case_that_is_destroyed_takes_what_it_has_accepted_with_it(world: Any, time: Any, no_room: None) -> None:
    runtime.publish_release({"p.bpmn": doc(user("a") + line("a"))}, area_key=AREA, by=1, allow_undeclared=True)
    key = runtime.start("p", {}, area_key=AREA, by=1, case_key=9).key
    db.session.commit()
    send(world, "a", about={"item": "7"})
    runtime.forget_case(9)
    db.session.commit()
    db.session.expire_all()
    row = db.session.get(Instance, key)
    assert (row.status, row.state) == (InstanceStatus.TERMINATED, b"")
    assert ("followed", {"item": "7"}) not in world.events
    time.later()
    assert jobs() == []


def test_what_a_form_brings_with_it_comes_after_what_was_accepted_before(world: Any, no_room: None) -> None:
    fork = el("parallelGateway", "f") + user("a") + user("b") + el("parallelGateway", "j") + user("c")
    begin(doc(start() + fork + end() + flow("s", "f", "a", "j", "c", "e") + flow("f", "b", "j")))
    send(world, "a", about={"item": "7"})
    b = world.find("b")
    find(b.instance_key, lock=True)
    accepting.complete(b.instance_key, b.task_id, {}, by=6, first=lambda: world.events.append(("first", "b")))
    db.session.commit()
    assert world.events.index(("completed", "a")) < world.events.index(("first", "b"))


def test_a_message_that_came_meanwhile_takes_effect_when_it_came(world: Any, time: Any, no_room: None) -> None:
    seen: list[Any] = []
    world.operation("op", lambda context, _inputs: seen.append(context.now))
    wait = el("intermediateCatchEvent", "w", inner=msg()) + el("serviceTask", "g", z("taskDefinition", type="op"))
    begin(doc(user("a") + wait + user("b") + line("a", "w", "g", "b")), k="x")
    send(world, "a")
    clock.advance(timedelta(hours=1))
    came = business_now()
    runtime.publish_message("stop", "x", {}, area_key=AREA, ttl=timedelta(hours=9))
    db.session.commit()
    time.later(hours=1)
    assert world.tasks() == ["b"]
    assert seen == [came]
