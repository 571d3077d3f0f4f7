"""Fills an empty demo: the area, its agencies, people, parameters, procedures, the next meetings, and one case half way."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import inspect, select

from app.agencies.models import Agency, Area, Contact, ContactRole
from app.demo import story
from app.demo.cast import AGENCIES, AREA_NAME, AREA_SLUG, PEOPLE, agency_people
from app.errors import NotAllowed
from app.identity import register
from app.identity.roles import Role
from app.operations.publishing import publish, shipped_files
from app.store.clock import business_now
from app.store.database import db, new_key


def require_none_real() -> None:
    """Nothing of the demo touches a database with an area that is not the demo's, whatever CONVENOR_ENV says.

    :raises NotAllowed: there is one.
    """
    real = inspect(db.engine).has_table("area") and db.session.scalar(select(Area.key).where(~Area.demo).limit(1))
    db.session.rollback()
    if real:
        raise NotAllowed("This database holds an area that is not the demo's. The demo is refused here.")


def ensure(app: Flask) -> bool:
    """Seed once; False when the demo is there already. The caller is inside an application context."""
    if db.session.execute(select(Area.key).where(Area.slug == AREA_SLUG)).scalar() is not None:
        db.session.rollback()
        return False
    area = people_and_procedures()
    db.session.commit()
    story.begin(app, area.key)
    db.session.commit()
    return True


def people_and_procedures() -> Area:
    """The area with agencies, people and the shipped procedures, in the caller's transaction."""
    area = Area(key=new_key(), slug=AREA_SLUG, name=AREA_NAME, demo=True, second_person=False)
    db.session.add(area)
    db.session.flush()
    keys: dict[str, int] = {}
    now = business_now()
    for agency in AGENCIES:
        row = Agency(
            key=new_key(), area_key=area.key, slug=agency.slug, name=agency.name, kind=agency.kind, tier=agency.tier
        )
        db.session.add(row)
        keys[agency.slug] = row.key
    db.session.flush()
    for agency in AGENCIES:
        for person, role in zip(
            agency_people(agency), (ContactRole.SPOC, ContactRole.DEPUTY, ContactRole.SENIOR_MANAGER), strict=True
        ):
            user = _register(person.username, person.name, person.roles, keys[agency.slug], area.key)
            db.session.add(
                Contact(
                    agency_key=keys[agency.slug],
                    user_key=user,
                    role=role,
                    secure_address=f"{person.username}@{agency.slug}.ambleford.example",
                    phone="01632 960000",
                    vetted=True,
                    trained=True,
                    active_from=now,
                )
            )
    for person in PEOPLE:
        _register(person.username, person.name, person.roles, keys.get(person.agency or ""), area.key)
    publish(area, shipped_files(), by=None)
    return area


def _register(username: str, name: str, roles: tuple[str, ...], agency: int | None, area: int) -> int:
    user = register.register_person(
        username,
        name,
        email=f"{username}@ambleford.example",
        agency_key=agency,
        area_key=area,
        roles=[(str(r), agency if Role(r).of_agency else None) for r in roles],
    )
    return user.key
