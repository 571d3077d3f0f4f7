"""Two workers on one instance at once: one after the other, and nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from runtime_kit import boundary, doc, el, esp, flow, io, line, msg, timer, user, z

from app.errors import ConvenorError
from app.runtime import addressees
from app.runtime import service as runtime
from app.runtime.models import BufferedMessage, Instance, ProcessDefinition, Subscription
from app.runtime.step import find
from app.store.clock import clock
from app.store.database import db
from app.store.remembering import tell, told

AREA = 77


def together(app: Flask, *actions: Any) -> list[str]:
    """Run actions at the same time, each in a transaction of its own; what became of each."""
    gate = threading.Barrier(len(actions))
    found = [""] * len(actions)

    def run(n: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                actions[n]()
                db.session.commit()
                found[n] = "done"
            except ConvenorError as error:
                db.session.rollback()
                found[n] = type(error).__name__
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(found)


def test_two_people_complete_one_task(app: Flask, world: Any) -> None:
    runtime.publish_release(
        {"p.bpmn": doc(user("a") + user("b") + line("a", "b"))}, area_key=AREA, by=1, allow_undeclared=True
    )
    instance = runtime.start("p", {}, area_key=AREA, by=1)
    db.session.commit()
    task = world.find("a")

    def complete() -> None:
        runtime.complete_task(instance.key, task.task_id, {}, by=1)

    assert together(app, complete, complete) == ["TaskNotOpen", "done"]
    db.session.rollback()
    assert runtime.element_states(instance.key)["a"].completed == 1


def test_a_person_and_a_timer_at_once(app: Flask, world: Any) -> None:
    """The interrupting timer is due when the person completes: whoever is first wins, and the instance is in one of two states."""
    body = (
        user("a")
        + boundary("t", "a", timer("Duration", "PT1H"))
        + user("late")
        + user("b")
        + line("a", "b")
        + flow("t", "late")
    )
    runtime.publish_release({"p.bpmn": doc(body)}, area_key=AREA, by=1, allow_undeclared=True)
    instance = runtime.start("p", {}, area_key=AREA, by=1)
    db.session.commit()
    clock.advance(timedelta(hours=2))
    task = world.find("a")

    def complete() -> None:
        runtime.complete_task(instance.key, task.task_id, {}, by=1)

    found = together(app, complete, lambda: runtime.wake(instance.key))
    assert found in (["done", "done"], ["TaskNotOpen", "done"])
    db.session.rollback()
    states = runtime.element_states(instance.key)
    assert ("b" in states) != ("late" in states)


def test_two_messages_into_one_instance(app: Flask, world: Any) -> None:
    xml = doc(user("a") + esp("es", msg(), False) + line("a"))
    runtime.publish_release({"p.bpmn": xml}, area_key=AREA, by=1, allow_undeclared=True)
    instance = runtime.start("p", {"k": "1"}, area_key=AREA, by=1)
    db.session.commit()

    def publish() -> None:
        runtime.publish_message("stop", "1", {}, area_key=AREA)

    found = together(app, publish, publish, publish)
    db.session.rollback()
    assert found == ["done"] * 3
    assert runtime.element_states(instance.key)["es_u"].active == 3
    assert db.session.query(Subscription).count() == 1
    assert db.session.get(Instance, instance.key).status == "ACTIVE"


# ------------------------------------------------------------------------------------------------ a message and who waits for it
HOUR = timedelta(hours=1)
CATCH = doc(el("intermediateCatchEvent", "m", io((), [("got", "=text")]), msg()) + user("after") + line("m", "after"))
STARTED = doc(
    el("startEvent", "s", io((), [("given", "=text")]), msg("M0")) + user("after") + flow("s", "after"), pid="q"
)


def one_then_the_other(app: Flask, first: Callable[[], object], second: Callable[[], object]) -> str:
    """The second begins when the first has done everything but commit, and may wait for it; what became of the second."""
    found: list[str] = []

    def run() -> None:
        with app.app_context():
            try:
                second()
                db.session.commit()
                found.append("done")
            except ConvenorError as error:
                db.session.rollback()
                found.append(type(error).__name__)
            finally:
                db.session.remove()

    first()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(0.3)  # on either database it waits here, or has come through without harm
    db.session.commit()
    thread.join(60)
    assert not thread.is_alive()
    db.session.expire_all()
    return found[0]


def publish_files(*files: bytes) -> None:
    runtime.publish_release(
        {f"{n}.bpmn": xml for n, xml in enumerate(files)}, area_key=AREA, by=1, allow_undeclared=True
    )


def say(text: str = "x", **more: Any) -> None:
    runtime.publish_message("stop", "A", {"text": text}, area_key=AREA, ttl=HOUR, **more)


def wait_for_it() -> None:
    runtime.start("p", {"k": "A"}, area_key=AREA, by=1)


def test_what_was_read_before_an_instance_is_locked_is_read_anew(app: Flask, world: Any) -> None:
    """Whoever held it may have moved a deadline meanwhile. On SQLite nobody has."""
    publish_files(doc(user("a") + line("a")))
    instance = runtime.start("p", {}, area_key=AREA, by=1)
    db.session.commit()
    tell("deadlines", (), "as they were", shared=True)
    tell("own", (), "what this transaction has done")
    find(instance.key, lock=True)
    assert told("own") is not None
    assert told("deadlines") == (None if db.engine.dialect.name == "postgresql" else "as they were")


@pytest.mark.parametrize("who", ["the message", "who waits"])
def test_a_message_and_who_waits_for_it_do_not_miss_each_other(app: Flask, world: Any, who: str) -> None:
    publish_files(CATCH)
    db.session.commit()
    first, second = (say, wait_for_it) if who == "the message" else (wait_for_it, say)
    assert one_then_the_other(app, first, second) == "done"
    (instance,) = db.session.query(Instance)
    assert runtime.plain_variables(instance.key)["got"] == "x"
    assert db.session.query(BufferedMessage).count() == 0


def test_one_kept_message_goes_to_one_of_two_who_begin_to_wait(app: Flask, world: Any) -> None:
    publish_files(CATCH)
    say()
    db.session.commit()
    assert one_then_the_other(app, wait_for_it, wait_for_it) == "done"
    got = ["got" in runtime.plain_variables(instance.key) for instance in db.session.query(Instance)]
    assert sorted(got) == [False, True]


def test_what_was_asked_for_several_messages_at_once_is_asked_again_before_one_is_kept(
    app: Flask, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite nobody writes in between")
    twice = doc(el("serviceTask", "t", z("taskDefinition", type="tell")) + user("u") + line("t", "u"), pid="both")
    publish_files(CATCH, twice)
    db.session.commit()
    ask, asked = addressees._ask, []

    def meanwhile() -> None:
        with app.app_context():
            wait_for_it()
            db.session.commit()
            db.session.remove()

    def watched(area_key: int, wanted: Any) -> Any:
        found = ask(area_key, wanted)
        if not asked:
            asked.append(list(wanted))
            thread = threading.Thread(target=meanwhile)
            thread.start()
            thread.join(60)
        return found

    def tell(_context: Any, _inputs: Any) -> None:
        runtime.publish_message("begin", "A", {}, area_key=AREA)
        say(message_id="m")

    world.operation("tell", tell)
    monkeypatch.setattr(addressees, "_ask", watched)
    runtime.start("both", {}, area_key=AREA, by=1)
    db.session.commit()
    assert len(asked[0]) == 2, "both in one question"
    instance = db.session.query(Instance).filter_by(process_id="p").one()
    assert runtime.plain_variables(instance.key)["got"] == "x"


def test_one_message_id_is_taken_once_by_two_at_once(app: Flask, world: Any) -> None:
    publish_files(CATCH)
    db.session.commit()
    assert one_then_the_other(app, lambda: say(message_id="m"), lambda: say(message_id="m")) == "MessageRepeated"
    assert db.session.query(BufferedMessage).count() == 1


@pytest.mark.parametrize("who", ["the message", "the process"])
def test_a_message_and_the_process_that_it_starts_do_not_miss_each_other(app: Flask, world: Any, who: str) -> None:
    def tell() -> None:
        runtime.publish_message("begin", "1", {"text": "x"}, area_key=AREA, ttl=HOUR)

    def define() -> None:
        publish_files(STARTED)

    first, second = (tell, define) if who == "the message" else (define, tell)
    assert one_then_the_other(app, first, second) == "done"
    (instance,) = db.session.query(Instance)
    assert runtime.plain_variables(instance.key)["given"] == "x"
    assert db.session.query(BufferedMessage).count() == 0
    assert db.session.query(ProcessDefinition).count() == 1
