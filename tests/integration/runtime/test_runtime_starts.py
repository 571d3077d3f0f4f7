"""Processes that an event starts: timers armed by publishing, the newest version, each turn once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from runtime_kit import doc, el, end, flow, msg, sig, start, timer, user
from sqlalchemy import func, select

from app.runtime import releases, starting
from app.runtime import service as runtime
from app.runtime.errors import ReleaseRefused
from app.runtime.models import Instance, StartSubscription
from app.runtime.schedule import START
from app.store.clock import business_now, clock
from app.store.database import db
from app.store.jobs import Job
from app.store.worker import Worker

AREA = 77


def timed(kind: str, text: str, name: str = "a", id: str = "st") -> bytes:
    return doc(el("startEvent", id, inner=timer(kind, text)) + user(name) + end() + flow(id, name, "e"))


def publish(xml: bytes, area: int = AREA) -> Any:
    made = runtime.publish_release({"p.bpmn": xml}, area_key=area, by=1, allow_undeclared=True)
    db.session.commit()
    return made


def started() -> int:
    return db.session.execute(select(func.count()).select_from(Instance)).scalar() or 0


def armed() -> list[datetime]:
    return list(db.session.execute(select(Job.due_at).where(Job.kind == START).order_by(Job.due_at)).scalars())


@pytest.mark.parametrize(("kind", "text"), [("Duration", "PT2H"), ("Date", "2026-01-05T11:00:00Z")])
def test_a_time_starts_one_instance(world: Any, time: Any, kind: str, text: str) -> None:
    publish(timed(kind, text))
    time.later(hours=1)
    assert started() == 0
    time.later(hours=1)
    time.later(days=3)
    assert (started(), world.tasks(), armed()) == (1, ["a"], [])
    row = db.session.execute(select(Instance)).scalar_one()
    assert (row.started_by, row.case_key, row.meeting_key, row.area_key) == (None, None, None, AREA)
    assert [e.element_id for e in world.history if e.kind == "started"] == ["st"]


def test_a_counted_cycle_makes_up_for_turns_it_slept_through(world: Any, time: Any) -> None:
    publish(timed("Cycle", "R3/PT1H"))
    time.later(hours=1)
    assert started() == 1
    time.later(hours=9)
    assert (started(), armed()) == (3, [])


def test_an_endless_cycle_does_not(world: Any, time: Any) -> None:
    publish(timed("Cycle", "R/P1D"))
    time.later(days=1)
    time.later(days=4, hours=6)
    assert started() == 2
    assert armed() == [datetime(2026, 1, 11, 9, tzinfo=business_now().tzinfo)]
    time.later(days=1)
    assert started() == 3


def test_the_newest_version_wins(world: Any, time: Any) -> None:
    publish(timed("Cycle", "R/PT1H", "old"))
    publish(timed("Cycle", "R/PT3H", "new"))
    time.later(hours=2)
    assert started() == 0
    time.later(hours=1)
    assert world.tasks() == ["new"]
    publish(doc(user("plain") + start() + end() + flow("s", "plain", "e")))
    time.later(days=1)
    assert (started(), armed()) == (1, [])
    assert db.session.execute(select(StartSubscription)).all() == []


def test_the_same_files_again_are_not_armed_again(world: Any, time: Any) -> None:
    publish(timed("Duration", "PT2H"))
    time.later(hours=1)
    publish(timed("Duration", "PT2H"))
    time.later(hours=1)
    time.later(hours=1)
    assert started() == 1


def test_a_date_that_has_passed_starts_at_once_and_not_again_with_the_next_version(world: Any, time: Any) -> None:
    publish(timed("Date", "2026-01-01T09:00:00Z"))
    time.later(minutes=1)
    assert started() == 1
    publish(timed("Date", "2026-01-01T09:00:00Z", "b"))
    time.later(minutes=1)
    assert started() == 1


def test_a_date_that_came_while_no_worker_ran_is_not_lost_to_a_new_version(world: Any, time: Any) -> None:
    publish(timed("Date", "2026-01-05T11:00:00Z"))
    clock.advance(timedelta(hours=3))
    publish(timed("Date", "2026-01-05T11:00:00Z", "b"))
    time.later(minutes=1)
    assert (started(), world.tasks()) == (1, ["b"])


@pytest.mark.parametrize(
    ("kind", "text", "starts"), [("Cycle", "R/P7D", 4), ("Cycle", "R2/P7D", 2), ("Duration", "P7D", 1)]
)
def test_publishing_something_else_neither_puts_a_start_off_nor_repeats_it(
    world: Any, time: Any, kind: str, text: str, starts: int
) -> None:
    same = timed(kind, text, "timed")
    for name in ("u1", "u2", "u3", "u4", "u5", "u6", "u7"):
        other = doc(user(name) + start() + end() + flow("s", name, "e"), pid="other")
        files = {"p.bpmn": same, "other.bpmn": other}
        runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
        time.later(days=4)
    assert world.tasks() == ["timed"] * starts


def test_areas_are_apart_and_use_their_own_parameters(world: Any, time: Any) -> None:
    world.params["every"] = "PT2H"
    publish(timed("Cycle", '="R2/" + params.every'))
    publish(timed("Cycle", "R2/PT5H"), area=AREA + 1)
    time.later(hours=2)
    assert [row.area_key for row in db.session.execute(select(Instance)).scalars()] == [AREA]


def test_a_time_that_cannot_be_told_refuses_the_release(world: Any) -> None:
    with pytest.raises(ReleaseRefused) as refused:
        publish(timed("Duration", "=params.missing"))
    db.session.rollback()
    problem = refused.value.problems[0]
    assert (problem.file, problem.element_id) == ("p.bpmn", "st")
    assert problem.what == "The timer st gave null instead of a duration."
    assert releases.latest_release(AREA) is None


def test_message_signal_timer_and_person_start_the_same_process(world: Any, time: Any) -> None:
    starts = el("startEvent", "ms", inner=msg("M0")) + el("startEvent", "ss", inner=sig()) + start()
    starts += el("startEvent", "ts", inner=timer("Duration", "PT1H"))
    flows = flow("ms", "a") + flow("ss", "a") + flow("ts", "a") + flow("s", "a", "e")
    publish(doc(starts + user("a") + end() + flows))
    runtime.publish_message("begin", "", {}, area_key=AREA)
    runtime.broadcast_signal("alarm", {}, area_key=AREA)
    runtime.start("p", {}, area_key=AREA, by=1)
    db.session.commit()
    time.later(hours=1)
    assert [e.element_id for e in world.history if e.kind == "started"] == ["ms", "ss", "", "ts"]


def test_many_workers_start_each_turn_once(app: Flask, world: Any) -> None:
    for area in range(AREA, AREA + 6):
        publish(timed("Cycle", "R4/PT1H"), area)
    clock.advance(timedelta(hours=2))
    db.session.commit()
    workers = [Worker(app, lease=timedelta(seconds=30)) for _ in range(3)]
    threads = [threading.Thread(target=worker.run_until_idle, args=(100,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    workers[0].run_until_idle(100)
    db.session.rollback()
    assert (started(), len(armed())) == (12, 6)


def test_a_start_that_fails_stays_for_an_operator_and_later_turns_go_on(
    world: Any, time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(timed("Cycle", "R/PT1H"))
    job = db.session.execute(select(Job).where(Job.kind == START)).scalar_one()
    job.attempts = 5

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(starting, "begin_instance", fails)
        time.later(hours=1)
    assert started() == 0
    states = db.session.execute(select(Job.state).where(Job.kind == START).order_by(Job.due_at)).scalars().all()
    assert states == ["failed", "queued"]
    time.later(hours=1)
    assert started() == 1
    failed = db.session.execute(select(Job).where(Job.state == "failed")).scalar_one()
    failed.state, failed.attempts = "queued", 0  # an operator has it tried again
    db.session.commit()
    time.later(minutes=1)
    assert (started(), len(armed())) == (2, 1)
