"""From the key of an element back to its instance, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import event, text

from app.api.parts import part_from, parts_from
from app.runtime.models import Instance, InstanceStatus, ProcessDefinition, Release
from app.store.clock import business_now
from app.store.database import db, new_key
from app.store.keys import DIVISOR, part_key


@pytest.fixture
def instance(on_each: Flask) -> Iterator[Callable[[int], int]]:
    """Makes an instance of a key."""
    release = Release(area_key=1, number=1, digest="", created_at=business_now())
    db.session.add(release)
    db.session.flush()
    named = {"process_id": "p", "version": 1, "name": "P", "properties": {}, "resource": "p.bpmn"}
    definition = ProcessDefinition(area_key=1, release_key=release.key, **named)
    db.session.add(definition)
    db.session.flush()

    def make(key: int) -> int:
        of = {"definition_key": definition.key, "release_key": release.key, "process_id": "p", "area_key": 1}
        db.session.add(Instance(key=key, state=b"", status=InstanceStatus.ACTIVE, started_at=business_now(), **of))
        db.session.flush()
        return key

    yield make
    db.session.rollback()


def test_a_key_leads_to_its_instance_and_place(instance: Callable[[int], int]) -> None:
    one, other = instance(new_key()), instance(new_key())
    assert part_from(part_key(one, 7)) == (one, 7)
    assert part_from(str(one)) == (one, 0), "the instance's own"
    asked = [part_key(one, 1), part_key(other, 2), str(other), "no key", "9" * 25, part_key(new_key(), 1), ""]
    assert parts_from(asked) == dict(zip(asked, [(one, 1), (other, 2), (other, 0)], strict=False))
    assert parts_from(["", "x"]) == {}


def test_a_key_that_two_instances_could_have_leads_nowhere(instance: Callable[[int], int]) -> None:
    one = instance(new_key())
    other = instance(one + DIVISOR)
    assert part_key(one, 7) == part_key(other, 7)
    assert part_from(part_key(one, 7)) is None
    assert (part_from(str(one)), part_from(str(other))) == ((one, 0), (other, 0))


def test_an_instance_is_found_by_its_index(instance: Callable[[int], int]) -> None:
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, said: str, values: object, *_: object) -> None:
        asked.append((said, values))

    instance(new_key())
    event.listen(db.engine, "before_cursor_execute", note)
    part_from(part_key(new_key(), 1))
    event.remove(db.engine, "before_cursor_execute", note)
    [(said, values)] = asked
    sqlite = db.engine.dialect.name == "sqlite"
    if not sqlite:
        db.session.execute(text("SET LOCAL enable_seqscan = off"))  # the table is too small to be worth an index
    explained = db.session.connection().exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{said}", values)
    assert "ix_instance_left" in " / ".join(str(row[-1]) for row in explained)
