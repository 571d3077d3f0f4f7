"""Read once in a transaction: never longer, and never past a change."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update

from app.agencies.models import Area
from app.store.attempt import attempt
from app.store.database import db
from app.store.remembering import once, tell, told


def area(slug: str) -> Area:
    return Area(slug=slug, name=slug, demo=True, second_person=False)


def slugs() -> list[str]:
    return once("slugs", (Area,), lambda: sorted(db.session.execute(select(Area.slug)).scalars()))


def statements() -> list[str]:
    sent: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *about: sent.append(about[2]))
    return sent


def test_a_question_is_asked_once_until_something_is_written(app: Flask) -> None:
    with app.app_context():
        db.session.add(area("a"))
        assert slugs() == ["a"]
        sent = statements()
        assert slugs() == ["a"]
        assert sent == []
        db.session.add(area("b"))
        assert slugs() == ["a", "b"], "what waits to be written is written first"
        db.session.execute(update(Area).where(Area.slug == "b").values(slug="c"))
        assert slugs() == ["a", "c"]
        db.session.execute(insert(Area.__table__).values(key=1, slug="d", name="d", demo=True, second_person=False))
        assert slugs() == ["a", "c", "d"]


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_nothing_outlives_the_transaction(app: Flask, end: str) -> None:
    with app.app_context():
        assert slugs() == []
        tell("fact", (), 7)
        assert told("fact") == 7
        getattr(db.session, end)()
        assert told("fact") is None
        with db.engine.begin() as elsewhere:
            elsewhere.execute(insert(Area).values(key=1, slug="new", name="n", demo=True, second_person=False))
        assert slugs() == ["new"]


def test_a_fact_told_before_anything_was_asked_goes_with_the_rollback_too(app: Flask) -> None:
    with app.app_context():
        db.session.commit()
        tell("fact", (), 7)
        db.session.rollback()
        assert told("fact") is None


def test_a_fact_that_rests_on_a_table_is_forgotten_when_it_changes(app: Flask) -> None:
    with app.app_context():
        tell("none", (Area,), ())
        assert told("none") == ()
        db.session.add(area("a"))
        assert told("none") is None
        db.session.flush()
        assert told("none") is None


def test_a_row_stays_loaded_though_nobody_holds_it(app: Flask) -> None:
    with app.app_context():
        made = area("a")
        db.session.add(made)
        db.session.commit()
        key = made.key
        del made
        db.session.remove()
        assert db.session.get(Area, key) is not None
        sent = statements()
        assert db.session.get(Area, key) is not None
        assert sent == []


def test_what_writes_nothing_costs_no_savepoint(app: Flask) -> None:
    with app.app_context():
        assert slugs() == []
        sent = statements()

        def work() -> None:
            db.session.execute(select(Area.key)).all()
            db.session.add(area("later"))

        attempt(work)
        assert not any("SAVEPOINT" in each for each in sent)
        db.session.commit()
        assert slugs() == ["later"]


def _fail(kept: Area, way: str) -> None:
    def work() -> None:
        db.session.add(area("gone"))
        kept.name = "changed inside"
        if way == "written":
            db.session.flush()
        elif way == "in bulk":
            db.session.execute(update(Area).values(name="all"))
        elif way == "deleted":
            db.session.delete(kept)
            db.session.flush()
        assert "kept" in slugs() or way == "deleted"
        raise ValueError("no")

    attempt(work)


@pytest.mark.parametrize("way", ["waiting", "written", "in bulk", "deleted"])
def test_what_fails_leaves_nothing_behind(app: Flask, way: str) -> None:
    with app.app_context():
        kept = area("kept")
        db.session.add(kept)
        db.session.flush()
        kept.name = "changed before"
        with pytest.raises(ValueError, match="no"):
            _fail(kept, way)
        assert slugs() == ["kept"]
        db.session.commit()
        found = db.session.execute(select(Area).execution_options(populate_existing=True)).scalars().all()
        assert [(row.slug, row.name) for row in found] == [("kept", "changed before")]


def _fail_inside() -> None:
    db.session.add(area("inner"))
    db.session.flush()
    raise ValueError("no")


def _fail_around() -> None:
    attempt(lambda: db.session.add(area("kept by the inner one")))
    raise ValueError("no")


def test_an_attempt_inside_another_fails_alone(app: Flask) -> None:
    with app.app_context():

        def work() -> None:
            db.session.add(area("outer"))
            with pytest.raises(ValueError, match="no"):
                attempt(_fail_inside)
            db.session.add(area("after"))

        attempt(work)
        db.session.commit()
        assert slugs() == ["after", "outer"]
        with pytest.raises(ValueError, match="no"):
            attempt(_fail_around)
        db.session.commit()
        assert slugs() == ["after", "outer"]
