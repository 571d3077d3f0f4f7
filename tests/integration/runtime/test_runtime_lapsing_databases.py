"""A message that has run out, on both databases: kept for who has stopped, and two who are at it at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from test_runtime_lapsing import (
    AREA,
    CASE,
    DAY,
    HOUR,
    LATER,
    Register,
    again,
    begin,
    got,
    kept,
    pass_time,
    publish,
    stopped,
    tell,
    told,
)
from test_runtime_races import one_then_the_other, together

from app.runtime import lapsing
from app.runtime import service as runtime
from app.runtime.heldup import HeldUp
from app.runtime.models import BufferedMessage, Instance
from app.store.clock import business_now, clock
from app.store.database import db


@pytest.fixture
def register(world: Any) -> Register:
    return Register(world)


def test_kept_for_a_day_and_given_once(world: Any, register: Register) -> None:
    publish(CASE)
    one, two = begin(), begin()
    tell("while it had stopped")
    tell("for nobody", "B")
    pass_time(DAY)
    assert kept() == ["STOPPED/STOPPED"]
    register.down = False
    for incident in told("OPERATION"):
        again(incident.key)
    assert ({got(one), got(two)}, kept(), told()) == ({"while it had stopped", None}, [], [])


def test_not_taken_it_is_told_and_given_by_a_person(world: Any, register: Register) -> None:
    publish(LATER)
    one = begin()
    tell("told")
    pass_time(DAY)
    register.down = False
    again()
    pass_time(3 * HOUR)
    world.do("before")
    db.session.commit()
    again(told()[0].key)
    assert (got(one), kept(), told()) == ("told", [], [])


@pytest.mark.parametrize("first", ["mended", "looked"])
def test_mended_in_the_moment_of_the_look(app: Flask, world: Any, register: Register, first: str) -> None:
    """Whoever is first, the other sees what it did: the message is had once and not lost."""
    publish(CASE)
    one = begin()
    tell("told")
    clock.advance(2 * HOUR)
    register.down = False
    incident = stopped()
    key = db.session.execute(select(BufferedMessage.key)).scalar_one()
    db.session.rollback()

    def mend() -> None:
        runtime.retry_incident(incident, by=1)

    def look() -> None:
        lapsing.settle(key, business_now(), HeldUp({AREA}, business_now() - DAY))

    actions = (mend, look) if first == "mended" else (look, mend)
    if db.engine.dialect.name == "sqlite":
        for action in actions:
            action()
            db.session.commit()
        db.session.expire_all()
    else:
        assert one_then_the_other(app, *actions) == "done"
    pass_time(timedelta(minutes=10))
    assert (got(one), kept(), told()) == ("told", [], [])


def test_two_workers_look_at_once(app: Flask, world: Any, register: Register) -> None:
    publish(CASE)
    ones = [begin(k=str(n)) for n in range(4)]
    for n in range(4):
        tell(str(n), str(n))
        tell("nobody", f"nobody-{n}")
    clock.advance(2 * HOUR)
    db.session.rollback()
    assert together(app, lapsing.look, lapsing.look) == ["done", "done"]
    assert kept() == ["STOPPED"] * 4
    register.down = False
    for incident in told("OPERATION"):
        again(incident.key)
    assert [got(one) for one in ones] == ["0", "1", "2", "3"]
    assert [row.status for row in db.session.query(Instance)] == ["ACTIVE"] * 4
