"""Parameters: typed, effective-dated, with who changed what from when."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from app import feel
from app.agencies import parameters
from app.agencies.errors import WrongParameter
from app.agencies.models import Area, Parameter
from app.store.clock import business_now
from app.store.database import db

DEFAULTS = [
    {"key": "lead", "type": "duration", "default": "P8D", "title": "Lead", "source": "Hillingdon ISA 4"},
    {"key": "threshold", "type": "number", "default": 14, "unit": "answers"},
    {"key": "dueTime", "type": "time", "default": "12:00"},
]


@pytest.fixture
def area(app: Flask) -> int:
    with app.app_context():
        row = Area(slug="a", name="A")
        db.session.add(row)
        db.session.flush()
        parameters.load_defaults(row.key, DEFAULTS)
        db.session.commit()
        return row.key


def test_defaults_are_typed(app: Flask, area: int) -> None:
    with app.app_context():
        found = parameters.values(area)
        assert feel.kind(found["lead"]) == "days and time duration"
        assert found["threshold"] == Decimal(14)
        assert feel.kind(found["dueTime"]) == "time"


def test_loading_again_keeps_what_a_locality_has_set(app: Flask, area: int) -> None:
    with app.app_context():
        parameters.change(area, "threshold", "12", by=7, effective_from=business_now(), reason="Agreed locally")
        parameters.load_defaults(area, DEFAULTS)
        assert parameters.values(area)["threshold"] == Decimal(12)


def test_a_change_holds_from_its_instant_on(app: Flask, area: int) -> None:
    with app.app_context():
        tomorrow = business_now() + timedelta(days=1)
        row = parameters.change(area, "lead", "P10D", by=7, effective_from=tomorrow, reason="Agreed locally")
        assert (row.set_by, row.source, row.reason) == (7, "Hillingdon ISA 4", "Agreed locally")
        assert feel.to_json(parameters.values(area)["lead"]) == feel.to_json(parameters.read_value("duration", "P8D"))
        later = parameters.values(area, tomorrow + timedelta(hours=1))["lead"]
        assert feel.to_json(later) == feel.to_json(parameters.read_value("duration", "P10D"))
        assert len(db.session.execute(select(Parameter).where(Parameter.name == "lead")).scalars().all()) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lead", "8 days"),
        ("lead", "-P8D"),
        ("threshold", "many"),
        ("threshold", "-1"),
        ("threshold", "13.5"),
        ("dueTime", "noon"),
        ("unknown", "1"),
    ],
)
def test_a_wrong_value_is_refused(app: Flask, area: int, name: str, text: str) -> None:
    with app.app_context(), pytest.raises(WrongParameter):
        parameters.change(area, name, text, by=1, effective_from=business_now(), reason="")
