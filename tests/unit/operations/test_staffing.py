"""Which tasks lie with somebody who may not do them any more, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.identity.models import RoleGrant, User
from app.operations.mending import staffing
from app.store.clock import business_now, wall_now
from app.store.database import db
from app.work.models import WorkItem

HOLDER, ANOTHER = 101, 102


@pytest.fixture
def people(on_each: Flask) -> Flask:
    for key in (HOLDER, ANOTHER):
        db.session.add(User(key=key, username=f"u{key}", name="Somebody", area_key=1, created_at=business_now()))
    db.session.flush()
    return on_each


def _holds(user_key: int, role: str) -> None:
    db.session.add(RoleGrant(user_key=user_key, role=role, area_key=1, from_at=wall_now() - timedelta(days=1)))


def _task(assignee: int, role: str, *, taken: bool) -> int:
    item = WorkItem(
        instance_key=1,
        task_id=assignee,
        process_id="p",
        element_id="e",
        name="Task",
        release_key=1,
        area_key=1,
        roles=[role],
        candidate_users=[],
        properties={},
        created_at=business_now(),
        assignee=assignee,
        claimed_at=business_now(),
        taken_by=assignee if taken else None,
        state="open",
    )
    db.session.add(item)
    db.session.flush()
    return item.key


def test_a_role_that_others_with_tasks_hold_is_lost_all_the_same(people: Flask) -> None:
    try:
        _holds(HOLDER, "idva")
        _holds(ANOTHER, "marac-chair")
        lost = _task(HOLDER, "marac-chair", taken=True)
        _task(ANOTHER, "marac-chair", taken=True)
        assert [item.key for item in staffing._with_nobody()] == [lost]
    finally:
        db.session.rollback()


def test_who_still_holds_the_role_has_the_task(people: Flask) -> None:
    try:
        _holds(HOLDER, "marac-chair")
        _task(HOLDER, "marac-chair", taken=True)
        assert staffing._with_nobody() == []
    finally:
        db.session.rollback()
