"""What waits to be written is written once, and seen by every question that is about it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text

from app.agencies.models import Agency, Area, Tier
from app.identity.models import RoleGrant, User
from app.store import flushing, jobs
from app.store.attempt import attempt
from app.store.clock import wall_now
from app.store.database import db, new_key
from app.store.jobs import Job
from app.work.models import Candidate, Draft, WorkItem


def area(slug: str) -> Area:
    return Area(slug=slug, name=slug, demo=True, second_person=False)


def statements() -> list[str]:
    """What is sent from now on."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        sent.append(text)

    event.listen(db.engine, "before_cursor_execute", note)
    return sent


def names() -> list[str | None]:
    return sorted(db.session.execute(select(Job.dedupe_key)).scalars(), key=str)


def test_a_question_about_another_table_leaves_what_waits_waiting(app: Flask) -> None:
    with app.app_context():
        db.session.add(area("a"))
        sent = statements()
        db.session.execute(select(Job.key)).all()
        db.session.get(User, 1)
        assert not any(each.startswith("INSERT") for each in sent)
        assert db.session.execute(select(func.count()).select_from(select(Area.key).subquery())).scalar() == 1
        assert any(each.startswith("INSERT") for each in sent)


@pytest.mark.parametrize(
    "question",
    [
        select(Job.key).where(Job.key.in_(select(Area.key))),
        select(Job.key).where(select(Area.key).where(Area.key == Job.key).exists()),
        select(Job.key, select(func.count(Area.key)).scalar_subquery()),
        select(Job.key).join(Area, Area.key == Job.key),
        text("SELECT 1 FROM job"),
    ],
)
def test_a_question_that_could_see_it_has_it_written(app: Flask, question: Any) -> None:
    with app.app_context():
        db.session.add(area("a"))
        sent = statements()
        db.session.execute(question).all()
        assert any(each.startswith("INSERT INTO area") for each in sent)


def test_what_a_row_has_by_default_is_there_before_it_is_written(app: Flask) -> None:
    with app.app_context():
        made = Agency(area_key=1, slug="a", name="A", kind="police")
        assert (made.tier, made.active) == (Tier.CORE, True)
        assert Agency(area_key=1, slug="a", name="A", kind="police", tier=Tier.GUEST).tier == Tier.GUEST


def test_tables_that_a_trigger_or_a_relation_changes_along_are_known() -> None:
    assert flushing._written_with(WorkItem.__table__) == {
        WorkItem.__tablename__,
        Candidate.__tablename__,
        Draft.__tablename__,
    }
    assert flushing._tables_in(select(User.key).outerjoin(RoleGrant)) == {"user_account", "role_grant"}
    assert flushing._tables_in(select(Agency)) == {"agency"}


def test_new_rows_are_at_hand_without_being_written(app: Flask) -> None:
    with app.app_context():
        first, second = area("first"), area("second")
        db.session.add_all([second, first])
        with flushing.unwritten(Area) as fresh:
            assert db.session.execute(select(Area.slug)).scalars().all() == []
        assert fresh == [first, second]
        db.session.flush()
        first.name = "changed"
        with flushing.unwritten(Area) as fresh:
            assert db.session.execute(select(Area.name).where(Area.slug == "first")).scalar() == "changed"
        assert fresh == []


def test_jobs_are_written_once_for_all_and_in_the_place_of_those_of_their_name(app: Flask) -> None:
    with app.app_context():
        sent = statements()
        for name, hour in (("a", 1), ("b", 2), ("c", 3), ("a", 4)):
            jobs.arm("kind", {"hour": hour}, datetime(2026, 3, 2, hour, tzinfo=wall_now().tzinfo), dedupe_key=name)
        jobs.disarm("c")
        db.session.commit()
        assert sum(each.startswith("INSERT INTO job") for each in sent) == 1
        jobs.arm("kind", {"hour": 5}, dedupe_key="b")
        jobs.disarm("a")
        assert names() == ["b"], "a question about the table sees what waits"
        assert db.session.execute(select(Job.payload)).scalars().all() == [{"hour": 5}]


def test_a_savepoint_that_is_undone_takes_its_own_rows_along_and_no_others(app: Flask) -> None:
    with app.app_context():
        jobs.arm("kind", {}, dedupe_key="before")
        savepoint = db.session.begin_nested()
        jobs.arm("kind", {}, dedupe_key="inside")
        assert names() == ["before", "inside"]
        savepoint.rollback()
        db.session.commit()
        assert names() == ["before"]
        jobs.arm("kind", {}, dedupe_key="never")
        db.session.rollback()
        db.session.commit()
        assert names() == ["before"]
        db.session.commit()
        jobs.arm("kind", {}, dedupe_key="nor when it is the first in its transaction")
        db.session.rollback()
        db.session.commit()
        assert names() == ["before"]


@pytest.mark.parametrize("fails", [True, False])
def test_a_row_that_waits_can_be_removed_again(app: Flask, fails: bool) -> None:
    with app.app_context():
        row = area("a")
        db.session.add(row)

        def work() -> None:
            db.session.delete(row)
            if fails:
                raise ValueError("no")

        with suppress(ValueError):
            attempt(work)
        db.session.commit()
        assert db.session.execute(select(Area.slug)).scalars().all() == (["a"] if fails else [])


@pytest.mark.parametrize("looks", [True, False])
def test_an_attempt_that_fails_takes_its_own_rows_along_and_no_others(app: Flask, looks: bool) -> None:
    with app.app_context():
        jobs.arm("kind", {}, dedupe_key="before")
        db.session.add(area("waiting"))

        def work() -> None:
            jobs.arm("kind", {}, dedupe_key="inside")
            if looks:
                assert names() == ["before", "inside"]
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            attempt(work)
        db.session.commit()
        assert names() == ["before"]
        assert db.session.execute(select(Area.slug)).scalars().all() == ["waiting"]


def enter(slug: str, name: str) -> None:
    row = {"key": new_key(), "slug": slug, "name": name, "demo": True, "second_person": False}
    flushing.put(Area, ("slug",), [row])


def areas() -> dict[str, str]:
    return {slug: name for slug, name in db.session.execute(select(Area.slug, Area.name))}


def test_a_row_that_goes_and_one_that_comes_are_one_that_changes(app: Flask) -> None:
    with app.app_context():
        for slug in "abc":
            enter(slug, "old")
        db.session.commit()
        sent = statements()
        for gone, comes in (("a", "d"), ("b", "b")):
            flushing.remove(Area, ("slug",), slug=gone)
            enter(comes, "new")
        db.session.commit()
        assert [text.split()[0] for text in sent] == ["UPDATE"]
        assert areas() == {"b": "new", "c": "old", "d": "new"}


_STEPS = st.lists(st.tuples(st.sampled_from(["put", "remove", "write"]), st.sampled_from("abcde")), max_size=25)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_rows_that_come_and_go_end_as_they_would_one_by_one(app: Flask, steps: list[tuple[str, str]]) -> None:
    with app.app_context():
        expected: dict[str, str] = {}
        for number, (what, slug) in enumerate(steps):
            if what == "remove":  # also one that is not there
                flushing.remove(Area, ("slug",), slug=slug)
                expected.pop(slug, None)
            elif what == "put" and slug not in expected:
                enter(slug, str(number))
                expected[slug] = str(number)
            elif what == "write":
                assert areas() == expected
        assert areas() == expected
        db.session.rollback()


def test_rows_written_alike_go_out_in_one_statement_and_a_row_that_is_new_is_not_in_the_way(app: Flask) -> None:
    with app.app_context():
        first, second = area("a"), area("b")
        db.session.add_all([first, second])
        flushing.written_alike(first, "name", "demo")
        db.session.flush()
        sent = statements()
        first.name, second.demo = "Another", False
        for each in (first, second):
            flushing.written_alike(each, "name", "demo")
        db.session.flush()
        assert len([each for each in sent if each.startswith("UPDATE")]) == 1
        db.session.expire_all()
        assert [(first.name, first.demo), (second.name, second.demo)] == [("Another", True), ("b", False)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    new=st.integers(0, 2),
    renamed=st.integers(0, 2),
    moved=st.integers(0, 2),
    removed=st.integers(0, 1),
    armed=st.integers(0, 2),
    disarmed=st.integers(0, 2),
)
def test_how_many_statements_it_takes_is_known_before(
    app: Flask, new: int, renamed: int, moved: int, removed: int, armed: int, disarmed: int
) -> None:
    """As many as are sent, or one too many; never too few."""
    with app.app_context():
        db.session.query(Area).delete()
        db.session.query(Job).delete()
        rows = [area(f"old-{number}") for number in range(5)]
        db.session.add_all(rows)
        for number in range(2):
            jobs.arm("kind", {}, dedupe_key=f"old-{number}")
        db.session.commit()
        db.session.add_all(area(f"new-{number}") for number in range(new))
        for row in rows[:renamed]:
            row.name = "renamed"
        for row in rows[2 : 2 + moved]:
            row.slug = f"moved-{row.slug}"
        for row in rows[4 : 4 + removed]:
            db.session.delete(row)
        for number in range(armed):
            jobs.arm("kind", {}, dedupe_key=f"new-{number}")
        for number in range(disarmed):
            jobs.disarm(f"old-{number}")
        expected = flushing.statements()
        sent = statements()
        flushing.write()
        found = len([each for each in sent if not each.startswith("BEGIN")])
        assert found <= expected <= found + 1
        db.session.rollback()


def test_changed_rows_of_other_columns_in_between_cost_a_statement_more(app: Flask) -> None:
    with app.app_context():
        rows = [area(f"old-{number}") for number in range(4)]
        db.session.add_all(rows)
        db.session.commit()
        for number, row in enumerate(sorted(rows, key=lambda row: row.key)):
            if number % 2:
                row.name = "renamed"
            else:
                row.slug = f"moved-{number}"
        expected = flushing.statements()
        sent = statements()
        flushing.write()
        assert expected == len([each for each in sent if each.startswith("UPDATE")]) == 4
        db.session.rollback()
