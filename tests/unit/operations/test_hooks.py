"""What else happens when a form is completed."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.agencies import service as agencies
from app.demo.acting import person
from app.errors import NotAllowed
from app.identity import register
from app.identity.models import RoleGrant
from app.operations.hooks import contact_reviewed, may_change_contacts
from app.store.database import db
from app.work.models import WorkItem
from tests.support.hours import START


def reviewed(by: str, user: str, agency: int, **dates: str) -> None:
    item = WorkItem(agency_key=agency, area_key=person(by).area_key)
    answers: dict[str, Any] = {"agency": str(agency), "person": str(person(user).key), "role": "DEPUTY", **dates}
    may_change_contacts(item, answers, person(by))
    contact_reviewed(item, answers, 0, person(by))
    db.session.flush()


@pytest.mark.parametrize(
    ("dates", "held"),
    [
        ({"activeFrom": "2026-03-02", "activeTo": "2026-09-02"}, True),
        ({"activeFrom": "2026-03-03", "activeTo": "2026-09-02"}, False),
        ({"activeFrom": "2026-01-05", "activeTo": "2026-03-01"}, False),
    ],
    ids=["today", "tomorrow", "until yesterday"],
)
def test_the_role_of_a_contact_lasts_as_long_as_the_approval(borough: Flask, dates: dict[str, str], held: bool) -> None:
    assert START.date().isoformat() == "2026-03-02"
    with borough.app_context():
        housing = person("rhys").agency_key
        assert housing is not None
        reviewed("spoc.housing", "rhys", housing, **dates)
        found = person("rhys")
        assert found.has_role("agency-deputy", housing) is held
        assert [
            r.to_at is not None for r in db.session.query(RoleGrant).filter_by(user_key=found.key, role="agency-deputy")
        ] == [True]
        approved = [c for c in agencies.contacts(housing) if c.user_key == found.key]
        assert bool(approved) is held


def test_whoever_acts_for_an_agency_changes_its_contacts_and_nobody_else(borough: Flask) -> None:
    dates = {"activeFrom": "2026-03-02", "activeTo": "2026-09-02"}
    with borough.app_context():
        housing, police = person("rhys").agency_key, person("petra").agency_key
        assert housing is not None
        with pytest.raises(NotAllowed):
            reviewed("spoc.police", "rhys", housing, **dates)
        register.grant_role(
            person("spoc.police").key, "agency-spoc", agency_key=housing, area_key=person("cora").area_key
        )
        db.session.flush()
        assert person("spoc.police").agency_key == police
        reviewed("spoc.police", "rhys", housing, **dates)
        assert person("rhys").has_role("agency-deputy", housing)
