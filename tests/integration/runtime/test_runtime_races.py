"""Two workers on one instance at once: one after the other, and nothing twice."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from flask import Flask
from runtime_kit import boundary, doc, esp, flow, line, msg, timer, user

from app.errors import ConvenorError
from app.runtime import service as runtime
from app.runtime.models import Instance, Subscription
from app.store.clock import clock
from app.store.database import db

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
