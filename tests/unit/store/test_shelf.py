"""Rows of an owner are read once, and what the transaction does with them is seen at once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from app.agencies.models import Agency, Area
from app.store.database import db
from app.store.shelf import fetch, rows_of


def agency(area_key: int, slug: str) -> Agency:
    made = Agency(area_key=area_key, slug=slug, name=slug.title(), kind="police", tier="core", active=True)
    db.session.add(made)
    return made


def slugs(*areas: int) -> dict[int, list[str]]:
    return {key: [row.slug for row in rows] for key, rows in rows_of(Agency.area_key, areas, Agency).items()}


@pytest.fixture
def areas(app: Flask) -> Any:
    with app.app_context():
        made = [Area(slug=slug, name=slug, demo=True, second_person=False) for slug in ("x", "y")]
        db.session.add_all(made)
        db.session.flush()
        agency(made[0].key, "first")
        db.session.commit()
        yield made[0].key, made[1].key


def statements() -> list[str]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        sent.append(text)

    event.listen(db.engine, "before_cursor_execute", note)
    return sent


def test_rows_written_together_stay_in_the_order_in_which_they_were_made(areas: tuple[int, int]) -> None:
    x, _ = areas
    assert slugs(x) == {x: ["first"]}
    made = [f"a{number}" for number in range(40)]
    for slug in made:
        agency(x, slug)
    db.session.flush()
    assert slugs(x) == {x: ["first", *made]}


def test_it_is_read_once_for_all_owners_and_kept_up(areas: tuple[int, int]) -> None:
    x, y = areas
    assert slugs(x, y) == {x: ["first"], y: []}
    sent = statements()
    second, third = agency(x, "second"), agency(y, "third")
    assert slugs(x, y) == {x: ["first", "second"], y: ["third"]}
    assert sent == []
    db.session.flush()
    assert slugs(x, y) == {x: ["first", "second"], y: ["third"]}
    db.session.delete(second)
    assert slugs(x) == {x: ["first"]}
    db.session.flush()
    db.session.delete(third)
    db.session.flush()
    assert slugs(x, y) == {x: ["first"], y: []}
    assert not any(each.startswith("SELECT") for each in sent)


def test_after_a_change_in_bulk_and_a_rollback_it_is_read_anew(areas: tuple[int, int]) -> None:
    x, y = areas
    assert slugs(x) == {x: ["first"]}
    db.session.execute(update(Agency).values(area_key=y))
    assert slugs(x, y) == {x: [], y: ["first"]}
    db.session.rollback()
    assert slugs(x, y) == {x: ["first"], y: []}


def test_rows_are_fetched_together(areas: tuple[int, int]) -> None:
    db.session.expunge_all()
    fetch(Area, [*areas, None])
    sent = statements()
    assert [db.session.get(Area, key).slug for key in areas] == ["x", "y"]  # type: ignore[union-attr]
    assert sent == []
