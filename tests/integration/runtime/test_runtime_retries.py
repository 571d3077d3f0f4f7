"""Retries of operations as a diagram asks for them: pauses, then an incident."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import doc, el, line, user, z
from sqlalchemy import select

from app.errors import Invalid
from app.runtime import service as runtime
from app.runtime.models import Instance
from app.store.database import db
from app.store.jobs import Job

AREA = 77


def begin(retries: str) -> Instance:
    xml = doc(el("serviceTask", "g", z("taskDefinition", type="op", retries=retries)) + user("u") + line("g", "u"))
    runtime.publish_release({"p.bpmn": xml}, area_key=AREA, by=1, allow_undeclared=True)
    instance = runtime.start("p", {}, area_key=AREA, by=1)
    db.session.commit()
    return instance


class Register:
    """An operation that fails some times."""

    def __init__(self, failures: int) -> None:
        self.failures, self.tried = failures, 0

    def __call__(self, context: Any, inputs: Any) -> None:
        self.tried += 1
        if self.tried <= self.failures:
            raise Invalid("The register says no.")


def stopped(instance: Instance) -> list[str]:
    db.session.expire_all()
    return [found.message for found in runtime.incidents(instance.key)]


def test_an_operation_that_is_tried_again_is_given_the_same_key_and_no_other_is(world: Any, time: Any) -> None:
    """What reaches outside by this key is done once, however often the step is tried."""
    keys: list[str] = []

    def run(context: Any, inputs: Any) -> None:
        keys.append(context.idempotency_key)
        if len(keys) < 3:
            raise Invalid("The register says no.")

    world.operation("op", run)
    begin("PT1M,PT1M")
    time.later(minutes=2)
    time.later(minutes=2)
    assert world.tasks() == ["u"]
    first = keys[:]
    assert len(first) == 3
    assert len(set(first)) == 1
    begin("PT1M,PT1M")
    assert keys[3:] != first[:1]
    assert len(set(keys)) == 2


def test_an_operation_is_tried_again_after_each_pause_and_goes_on(world: Any, time: Any) -> None:
    register = Register(failures=2)
    world.operation("op", register)
    instance = begin("PT1M,PT5M,PT1H")
    assert (register.tried, stopped(instance)) == (1, [])
    assert not runtime.instance(instance.key).has_incident
    time.later(seconds=59)
    assert register.tried == 1
    time.later(seconds=2)
    assert register.tried == 2
    time.later(minutes=4)
    assert register.tried == 2
    time.later(minutes=2)
    assert register.tried == 3
    assert world.tasks() == ["u"]
    assert stopped(instance) == []
    assert db.session.execute(select(Job)).first() is None


def test_when_all_is_in_vain_there_is_an_incident_that_a_person_retries(world: Any, time: Any) -> None:
    register = Register(failures=4)
    world.operation("op", register)
    instance = begin("R2/PT5M")
    for tried in (2, 3):
        assert stopped(instance) == []
        time.later(minutes=5, seconds=1)
        assert register.tried == tried
    assert stopped(instance) == ["The operation op failed: The register says no."]
    assert runtime.instance(instance.key).has_incident
    time.later(days=2)
    assert register.tried == 3
    (found,) = runtime.incidents(instance.key)
    assert not runtime.retry_incident(found.key, by=1)
    assert runtime.retry_incident(found.key, by=1)
    assert (register.tried, world.tasks(), stopped(instance)) == (5, ["u"], [])


def test_an_instance_that_ends_meanwhile_is_left_alone(world: Any, time: Any) -> None:
    register = Register(failures=9)
    world.operation("op", register)
    instance = begin("R2/PT5M")
    runtime.cancel_instance(instance.key, by=1)
    db.session.commit()
    time.later(minutes=6)
    assert register.tried == 1
    assert db.session.execute(select(Job)).first() is None


@pytest.mark.parametrize("written", ["", "0", "1"])
def test_without_retries_a_failure_is_an_incident_at_once(world: Any, time: Any, written: str) -> None:
    world.operation("op", Register(failures=9))
    assert stopped(begin(written)) == ["The operation op failed: The register says no."]
