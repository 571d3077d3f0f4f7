"""What one completion costs the engine room does not grow with how many instances it reaches or tasks it opens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from runtime_kit import doc, el, end, flow, io, mi, msg, start, user
from sqlalchemy import event, update

from app.runtime import addressees
from app.runtime import service as runtime
from app.runtime.errors import StaleInstance
from app.runtime.models import Instance
from app.store.database import db

AREA = 77
HAND_OUT = doc(
    start()
    + user("a")
    + el("sendTask", "send", io([("correlationKey", "=who")]), mi("=people", "who"), messageRef="M")
    + user("each", inner=mi("=people", "who"))
    + end()
    + flow("s", "a", "send", "each", "e")
)
WAIT = doc(
    start() + el("intermediateCatchEvent", "wait", inner=msg()) + user("b") + end() + flow("s", "wait", "b", "e"),
    pid="q",
)


@contextmanager
def sent() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if not text.startswith("BEGIN"):
            found.append(" ".join(text.split())[:100])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def reached(world: Any, number: int) -> list[str]:
    """What is sent while one task is completed, after which so many instances go on and so many tasks open."""
    names = [f"{number}-{each}" for each in range(number)]
    waiting = [runtime.start("q", {"k": name}, area_key=AREA, by=1).key for name in names]
    sender = runtime.start("p", {"people": names}, area_key=AREA, by=1).key
    db.session.commit()
    db.session.expunge_all()
    task = next(key for key, one in world.open.items() if key[0] == sender)
    with sent() as statements:
        runtime.complete_task(*task, {}, by=1)
        db.session.commit()
    assert [one.element_id for one in world.open.values() if one.instance_key == sender] == ["each"] * number
    assert [one.element_id for one in world.open.values() if one.instance_key in waiting] == ["b"] * number
    assert {db.session.get(Instance, key).revision for key in waiting} == {2}
    return statements


def test_a_completion_that_reaches_many_instances_costs_as_one_that_reaches_few(world: Any) -> None:
    files = {"p.bpmn": HAND_OUT, "q.bpmn": WAIT}
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    db.session.commit()
    few, many = reached(world, 3), reached(world, 12)
    assert few == many
    assert len(few) <= 8, "\n".join(few)


def test_more_messages_than_one_question_takes_reach_everybody(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"p.bpmn": HAND_OUT, "q.bpmn": WAIT}
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    db.session.commit()
    together = len(reached(world, 5))
    monkeypatch.setattr(addressees, "AT_ONCE", 2)
    assert len(reached(world, 6)) > together


def test_of_several_instances_one_that_somebody_else_has_moved_is_told(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"p.bpmn": HAND_OUT, "q.bpmn": WAIT}
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    waiting = [runtime.start("q", {"k": name}, area_key=AREA, by=1).key for name in ("x", "y")]
    runtime.start("p", {"people": ["x", "y"]}, area_key=AREA, by=1)
    db.session.commit()
    db.session.expunge_all()
    task, opened = next(key for key, one in world.open.items() if one.element_id == "a"), world.opened

    def elsewhere(one: Any) -> None:
        opened(one)
        if one.instance_key == waiting[1]:
            table = Instance.__table__
            db.session.connection().execute(update(table).where(table.c.key == waiting[1]).values(revision=9))

    monkeypatch.setattr(world, "opened", elsewhere)
    with pytest.raises(StaleInstance):
        runtime.complete_task(*task, {}, by=1)
    db.session.rollback()
    assert {db.session.get(Instance, key).revision for key in waiting} == {1}
