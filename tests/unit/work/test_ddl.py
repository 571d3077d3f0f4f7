"""Whom a task is offered to is kept by the database, by what the task says, however it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from app.store.database import db, new_key
from app.work.models import Candidate, ItemState, WorkItem, named_candidate

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ROLES = st.lists(st.sampled_from(["idva", "marac-chair", "a stranger’s role", "x" * 70]), max_size=3)
VALUES = {
    "roles": ROLES,
    "candidate_users": st.lists(st.integers(1, 2**62), max_size=2),
    "area_key": st.integers(1, 3),
    "agency_key": st.none() | st.integers(1, 3),
    "due_at": st.none() | st.just(AT),
    "state": st.sampled_from([ItemState.OPEN, ItemState.OPEN, ItemState.COMPLETED]),
}


def task(values: dict[str, Any]) -> WorkItem:
    about = {"instance_key": new_key(), "process_id": "p", "element_id": "e", "name": "Task", "release_key": 1}
    return WorkItem(task_id=1, properties={}, created_at=AT, **about, **values)


def said(item: WorkItem) -> set[tuple[Any, ...]]:
    """The offers that an item stands for."""
    if item.state != ItemState.OPEN:
        return set()
    names = [*(role[:60] for role in item.roles), *map(named_candidate, item.candidate_users)]
    return {(item.key, name, item.area_key, item.agency_key, item.due_at) for name in names}


def kept() -> list[Any]:
    columns = (Candidate.item_key, Candidate.role, Candidate.area_key, Candidate.agency_key, Candidate.due_at)
    return [tuple(row) for row in db.session.execute(select(*columns))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries(VALUES), st.lists(st.fixed_dictionaries({}, optional=VALUES), max_size=4))
def test_a_task_is_offered_to_whom_it_names(
    on_each: Flask, values: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    try:
        item = task(values)
        db.session.add(item)
        for change in changes:
            db.session.flush()
            for name, value in change.items():
                if name != "state" or item.state == ItemState.OPEN:  # what is closed stays closed
                    setattr(item, name, value)
        offers = kept()
        assert set(offers) == said(item)
        assert len(offers) == len(said(item))
    finally:
        db.session.rollback()


def test_a_process_of_the_version_before_enters_its_offers_without_harm(on_each: Flask) -> None:
    try:
        first, second = (task({"area_key": 1, "roles": ["idva"], "candidate_users": []}) for _ in range(2))
        db.session.add_all([first, second])
        db.session.flush()
        rows = [{"item_key": item.key, "role": "idva", "area_key": 1, "due_at": AT} for item in (first, second)]
        other = {"item_key": first.key, "role": "its own", "area_key": 1, "due_at": None}
        db.session.execute(insert(Candidate), [*rows, other])
        assert set(kept()) == said(first) | said(second) | {(first.key, "its own", 1, None, None)}
    finally:
        db.session.rollback()
