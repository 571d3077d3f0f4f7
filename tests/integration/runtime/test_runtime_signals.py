"""A signal that very many wait for: the first get it at once, the others by jobs, each once; nobody keeps it from anybody else."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import boundary, doc, el, end, flow, line, sig, start, user
from sqlalchemy import select, update

from app.runtime import service as runtime
from app.runtime import signals
from app.runtime.models import Instance, InstanceStatus
from app.store.database import db
from app.store.jobs import Job

AREA = 77
WAITS = doc(el("intermediateCatchEvent", "w", inner=sig()) + user("woken") + line("w", "woken"))
# It waits for the signal, and after a message for the same signal again.
AGAIN = doc(
    start()
    + el("receiveTask", "hold", messageRef="M")
    + boundary("first", "hold", sig())
    + user("one")
    + el("intermediateCatchEvent", "second", inner=sig())
    + user("two")
    + end()
    + flow("s", "hold", "second", "two", "e")
    + flow("first", "one", "e")
)

# It goes on waiting for the signal when it has had one, and tells how many.
EACH = doc(
    start()
    + user("hold")
    + boundary("each", "hold", sig(), cancel=False)
    + user("told")
    + end()
    + flow("s", "hold", "e")
    + flow("each", "told", "e")
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three are very many."""
    monkeypatch.setattr(signals, "AT_ONCE", 1)
    monkeypatch.setattr(signals, "IN_ONE_JOB", 2)


def waiting(xml: bytes, number: int, **variables: Any) -> list[int]:
    runtime.publish_release({"p.bpmn": xml}, area_key=AREA, by=1, allow_undeclared=True)
    keys = [runtime.start("p", variables, area_key=AREA, by=1).key for _ in range(number)]
    db.session.commit()
    return keys


def queued() -> list[Job]:
    return list(db.session.execute(select(Job).where(Job.kind == signals.SIGNAL).order_by(Job.key)).scalars())


@pytest.mark.usefixtures("few")
def test_the_first_get_it_at_once_and_the_others_by_jobs(world: Any, time: Any) -> None:
    keys = waiting(WAITS, 6)
    reached = runtime.broadcast_signal("alarm", {"n": 4}, area_key=AREA)
    db.session.commit()
    assert [one.instance_key for one in reached] == keys[:1]
    assert world.tasks() == ["woken"]
    assert [len(job.payload["waiting"]) for job in queued()] == [2, 2, 1]
    time.later(seconds=1)
    assert world.tasks() == ["woken"] * 6
    assert [runtime.plain_variables(key) for key in keys] == [{"n": 4}] * 6
    assert queued() == []


@pytest.mark.usefixtures("few")
def test_who_begins_to_wait_after_it_was_sent_does_not_get_it(world: Any, time: Any) -> None:
    waiting(AGAIN, 3, k="1")
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    db.session.commit()
    runtime.publish_message("stop", "1", {}, area_key=AREA)  # to the one that has waited longest: the second
    db.session.commit()
    time.later(seconds=1)
    assert world.tasks() == ["one", "one"]
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    assert world.tasks() == ["one", "one", "two"]


@pytest.mark.usefixtures("few")
def test_two_that_are_sent_before_the_workers_come_to_it_both_arrive(world: Any, time: Any) -> None:
    waiting(EACH, 3)
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    db.session.commit()
    time.later(seconds=1)
    assert world.tasks() == ["hold"] * 3 + ["told"] * 6


@pytest.mark.usefixtures("few")
def test_who_has_ended_meanwhile_is_passed_over(world: Any, time: Any) -> None:
    keys = waiting(WAITS, 4)
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    runtime.cancel_instance(keys[1], by=1)
    db.session.commit()
    time.later(seconds=1)
    assert world.tasks() == ["woken"] * 3
    assert db.session.get(Instance, keys[1]).status == InstanceStatus.TERMINATED  # type: ignore[union-attr]


@pytest.mark.usefixtures("few")
def test_one_that_cannot_take_a_step_keeps_it_from_nobody_else(world: Any, time: Any) -> None:
    keys = waiting(WAITS, 3)
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    db.session.execute(update(Instance).where(Instance.key == keys[1]).values(state=b"damaged"))
    (job,) = queued()
    job.attempts = 1  # the worker that tried it first has failed
    db.session.commit()
    time.later(seconds=1)
    assert world.tasks() == ["woken"] * 2
    (left,) = queued()
    assert [int(key) for key, _ in left.payload["waiting"]] == [keys[1]]
    assert left.error is not None


@pytest.mark.parametrize("how", ["message", "signal"])
def test_an_instance_that_somebody_else_has_just_ended_does_not_refuse_the_sender(world: Any, how: str) -> None:
    """Its subscriptions were seen; by the time its row is locked it has ended."""
    (key,) = waiting(AGAIN, 1, k="1")
    db.session.execute(update(Instance).where(Instance.key == key).values(status=InstanceStatus.COMPLETED))
    db.session.commit()
    if how == "message":
        assert runtime.publish_message("stop", "1", {}, area_key=AREA) == []
    else:
        assert runtime.broadcast_signal("alarm", {}, area_key=AREA) == []
    assert world.tasks() == []
