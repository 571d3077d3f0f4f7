"""Agencies and their approved contacts, as other rooms ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select

from app.agencies.errors import UnknownAgency
from app.agencies.models import Agency, Area, Contact, ContactRole, Tier
from app.store.clock import business_now
from app.store.database import db
from app.store.remembering import once


def area(area_key: int) -> Area:
    """:raises UnknownAgency: no such area."""
    row = db.session.get(Area, area_key)
    if row is None:
        raise UnknownAgency("There is no such area.", resource_id=str(area_key))
    return row


def agency(agency_key: int) -> Agency:
    """:raises UnknownAgency: no such agency."""
    row = db.session.get(Agency, agency_key)
    if row is None:
        raise UnknownAgency("There is no such agency.", resource_id=str(agency_key))
    return row


def agencies(area_key: int, tiers: Iterable[Tier] | None = None) -> list[Agency]:
    """Active agencies of an area, by name."""
    wanted = None if tiers is None else {str(tier) for tier in tiers}
    return [row for row in _all(area_key) if row.active and (wanted is None or row.tier in wanted)]


def names(area_key: int) -> dict[int, str]:
    """Agency names by key, inactive ones included (history shows them)."""
    return {row.key: row.name for row in _all(area_key)}


def _all(area_key: int) -> list[Agency]:
    """Every agency of an area by name; read once in a transaction."""
    query = select(Agency).where(Agency.area_key == area_key).order_by(Agency.name)
    return once(("agencies", area_key), (Agency,), lambda: list(db.session.execute(query).scalars()))


def contacts(agency_key: int, roles: Iterable[ContactRole] | None = None, *, available: bool = False) -> list[Contact]:
    """Approved contacts in force now. ``available`` leaves out the absent and the undeliverable (01-marac C1a)."""
    now = business_now()
    query = select(Contact).where(
        Contact.agency_key == agency_key,
        Contact.active_from <= now,
        or_(Contact.active_to.is_(None), Contact.active_to > now),
    )
    if roles is not None:
        query = query.where(Contact.role.in_([str(r) for r in roles]))
    if available:
        query = query.where(~Contact.absent, ~Contact.undeliverable)
    return list(db.session.execute(query.order_by(Contact.role.desc(), Contact.key)).scalars())


def short_of_contacts(area_key: int, minimum: int) -> list[Agency]:
    """Agencies with fewer approved contacts than the minimum (two: SPOC and deputy; Hillingdon ISA 4)."""
    wanted = (ContactRole.SPOC, ContactRole.DEPUTY)
    return [a for a in agencies(area_key, (Tier.CORE,)) if len(contacts(a.key, wanted)) < minimum]


def register_contact(
    agency_key: int,
    user_key: int,
    role: ContactRole,
    *,
    secure_address: str,
    phone: str,
    purposes: str,
    vetted: bool,
    trained: bool,
    active_from: datetime,
    active_to: datetime | None,
) -> Contact:
    """Enter an approved contact (F-S8). The earlier entry of the same person and role ends when the new one begins."""
    for earlier in contacts(agency_key, (role,)):
        if earlier.user_key == user_key:
            earlier.active_to = active_from
    row = Contact(
        agency_key=agency_key,
        user_key=user_key,
        role=role,
        secure_address=secure_address,
        phone=phone,
        purposes=purposes,
        vetted=vetted,
        trained=trained,
        active_from=active_from,
        active_to=active_to,
    )
    db.session.add(row)
    return row
