"""Approved contacts: two for each agency, and what it means when none is available (01-marac C1a)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.agencies import service
from app.agencies.errors import UnknownAgency
from app.agencies.models import Agency, Area, ContactRole
from app.store.clock import business_now
from app.store.database import db

BOTH = (ContactRole.SPOC, ContactRole.DEPUTY)


@pytest.fixture
def agency(app: Flask) -> int:
    with app.app_context():
        area = Area(slug="a", name="A")
        db.session.add(area)
        db.session.flush()
        row = Agency(area_key=area.key, slug="h", name="Housing", kind="housing")
        db.session.add(row)
        db.session.commit()
        return row.key


def _register(agency: int, user: int, role: ContactRole, days: int = -1) -> None:
    service.register_contact(
        agency,
        user,
        role,
        secure_address="spoc@housing.example",
        phone="",
        purposes="MARAC",
        vetted=True,
        trained=True,
        active_from=business_now() + timedelta(days=days),
        active_to=None,
    )
    db.session.flush()


def test_fewer_than_two_contacts_is_noticed(app: Flask, agency: int) -> None:
    with app.app_context():
        area = service.agency(agency).area_key
        _register(agency, 1, ContactRole.SPOC)
        assert [a.key for a in service.short_of_contacts(area, 2)] == [agency]
        _register(agency, 2, ContactRole.DEPUTY)
        assert service.short_of_contacts(area, 2) == []


def test_absent_and_undeliverable_contacts_are_not_available(app: Flask, agency: int) -> None:
    with app.app_context():
        _register(agency, 1, ContactRole.SPOC)
        _register(agency, 2, ContactRole.DEPUTY)
        spoc, deputy = service.contacts(agency, BOTH)
        spoc.absent, deputy.undeliverable = True, True
        assert service.contacts(agency, BOTH, available=True) == []
        assert len(service.contacts(agency, BOTH)) == 2


def test_a_contact_counts_from_its_first_day_and_replaces_its_own_earlier_entry(app: Flask, agency: int) -> None:
    with app.app_context():
        _register(agency, 1, ContactRole.SPOC, days=3)
        assert service.contacts(agency, BOTH) == []
        _register(agency, 1, ContactRole.SPOC, days=-3)
        _register(agency, 1, ContactRole.SPOC, days=0)
        assert len(service.contacts(agency, BOTH)) == 1


def test_an_approval_that_ends_before_the_next_begins_is_not_made_longer(app: Flask, agency: int) -> None:
    with app.app_context():
        _register(agency, 1, ContactRole.SPOC)
        (row,) = service.contacts(agency, BOTH)
        row.active_to = ends = business_now() + timedelta(days=5)
        _register(agency, 1, ContactRole.SPOC, days=60)
        assert row.active_to == ends


def test_an_unknown_agency_is_an_error_with_its_key(app: Flask) -> None:
    with app.app_context(), pytest.raises(UnknownAgency) as caught:
        service.agency(5)
    assert caught.value.resource_id == "5"
