"""Work that fails inside other work, savepoints and a database that refuses: each undoes what is its own."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.agencies.models import Area
from app.store import jobs
from app.store.attempt import NoRoom, attempt, tentatively
from app.store.database import db
from app.store.jobs import Job


def area(slug: str) -> Area:
    return Area(slug=slug, name=slug, demo=True, second_person=False)


def slugs() -> list[str]:
    return sorted(db.session.execute(select(Area.slug)).scalars())


def names() -> list[str | None]:
    return sorted(db.session.execute(select(Job.dedupe_key)).scalars(), key=str)


@pytest.mark.parametrize("waiting", [True, False])
def test_what_breaks_the_savepoint_around_it_is_undone_with_that(app: Flask, waiting: bool) -> None:
    with app.app_context():
        db.session.add(area("a"))
        jobs.arm("kind", {}, dedupe_key="before")
        db.session.flush()
        savepoint = db.session.begin_nested()
        jobs.arm("kind", {}, dedupe_key="inside")
        if waiting:
            db.session.add(area("inside"))

        def work() -> None:
            db.session.add(area("b"))
            db.session.flush()
            db.session.add(area("a"))
            db.session.flush()

        with pytest.raises(IntegrityError):
            attempt(work)
        savepoint.rollback()
        db.session.commit()
        assert slugs() == ["a"]
        assert names() == ["before"]


def test_work_may_have_savepoints_of_its_own(app: Flask) -> None:
    with app.app_context():
        jobs.arm("kind", {}, dedupe_key="before")

        def work() -> None:
            savepoint = db.session.begin_nested()
            db.session.add(area("undone"))
            savepoint.rollback()
            savepoint = db.session.begin_nested()
            db.session.add(area("done"))
            jobs.arm("kind", {}, dedupe_key="inside")
            savepoint.commit()
            assert slugs() == ["done"]
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            attempt(work)
        db.session.commit()
        assert slugs() == []
        assert names() == ["before"]


def test_an_inner_failure_leaves_the_outer_work(app: Flask) -> None:
    with app.app_context():
        db.session.add(area("waiting"))

        def inner() -> None:
            db.session.add(area("inner"))
            jobs.arm("kind", {}, dedupe_key="inner")
            db.session.flush()
            raise ValueError("no")

        def outer() -> None:
            db.session.add(area("before"))
            jobs.arm("kind", {}, dedupe_key="outer")
            with pytest.raises(ValueError, match="no"):
                attempt(inner)
            db.session.add(area("after"))

        attempt(outer)
        db.session.commit()
        assert slugs() == ["after", "before", "waiting"]
        assert names() == ["outer"]


def test_what_a_failed_work_was_the_first_to_look_at_is_as_it_was(app: Flask) -> None:
    with app.app_context():
        row = area("a")
        db.session.add(row)
        db.session.commit()
        key = row.key
        db.session.expire(row)
        row.name = "changed before"

        def work() -> None:
            assert db.session.get(Area, key) is row
            row.slug, row.name = "b", "changed inside"
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            attempt(work)
        db.session.commit()
        assert db.session.execute(select(Area.slug, Area.name)).all() == [("a", "changed before")]


def nothing() -> None:
    """Any question may be asked."""


def test_what_is_tried_in_memory_waits_to_be_written(app: Flask) -> None:
    with app.app_context():
        db.session.add(area("before"))
        tentatively(lambda: db.session.add(area("a")), asks=nothing)
        db.session.commit()
        assert slugs() == ["a", "before"]


@pytest.mark.parametrize("writes", [True, False])
def test_what_is_tried_in_memory_and_must_write_has_not_happened(app: Flask, writes: bool) -> None:
    with app.app_context():
        kept = area("kept")
        db.session.add(kept)
        db.session.commit()
        db.session.add(area("before"))
        jobs.arm("kind", {}, dedupe_key="before")

        def work() -> None:
            db.session.add(area("a"))
            jobs.arm("kind", {}, dedupe_key="inside")
            kept.name = "changed"
            if writes:
                db.session.flush()
            raise NoRoom

        with pytest.raises(NoRoom):
            tentatively(work, also=[kept], asks=nothing)
        assert kept.name == "kept"
        assert not db.session.is_modified(kept)
        db.session.commit()
        assert slugs() == ["before", "kept"]
        assert names() == ["before"]


def test_what_is_tried_in_memory_is_told_before_each_question(app: Flask) -> None:
    with app.app_context():
        asked: list[int] = []

        def asks() -> None:
            asked.append(1)
            if len(asked) > 2:
                raise NoRoom

        def work() -> None:
            db.session.add(area("a"))
            for key in (1, 2, 3):
                db.session.get(Job, key)

        with pytest.raises(NoRoom):
            tentatively(work, asks=asks)
        assert len(asked) == 3
        db.session.commit()
        assert slugs() == []


@pytest.mark.parametrize("fails", [True, False])
def test_an_attempt_inside_is_done_in_memory_too_and_undone_alone(app: Flask, fails: bool) -> None:
    with app.app_context():

        def inner() -> None:
            db.session.add(area("inner"))
            jobs.arm("kind", {}, dedupe_key="inner")
            if fails:
                raise ValueError("no")

        def work() -> None:
            db.session.add(area("outer"))
            if fails:
                with pytest.raises(ValueError, match="no"):
                    attempt(inner)
            else:
                attempt(inner)

        tentatively(work, asks=nothing)
        db.session.commit()
        assert slugs() == (["outer"] if fails else ["inner", "outer"])
        assert names() == ([] if fails else ["inner"])


def test_an_attempt_inside_that_must_write_ends_the_whole(app: Flask) -> None:
    with app.app_context():

        def work() -> None:
            db.session.add(area("outer"))
            attempt(lambda: (db.session.add(area("inner")), db.session.flush()))

        with pytest.raises(NoRoom):
            tentatively(work, asks=nothing)
        db.session.commit()
        assert slugs() == []


def test_nothing_is_tried_in_memory_inside_an_attempt(app: Flask) -> None:
    with app.app_context(), pytest.raises(NoRoom):
        attempt(lambda: tentatively(lambda: None, asks=nothing))
