"""Agencies and their approved contacts, as other rooms ask for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select

from app.agencies.errors import UnknownAgency
from app.agencies.models import Agency, Area, Contact, ContactRole, Tier
from app.store.clock import business_now
from app.store.database import db
from app.store.remembering import once, tell
from app.store.shelf import rows_of


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
    query = select(Agency).where(Agency.area_key == area_key)
    return once(("agencies", area_key), (Agency,), lambda: _by_name(db.session.execute(query).scalars()))


def _by_name(rows: Iterable[Agency]) -> list[Agency]:
    return sorted(rows, key=lambda row: (row.name.casefold(), row.key))


def read_already(area_key: int, rows: Iterable[Agency]) -> None:
    """Every agency of an area, read by another statement of this transaction."""
    tell(("agencies", area_key), (Agency,), _by_name(rows))


def contacts(agency_key: int, roles: Iterable[ContactRole] | None = None, *, available: bool = False) -> list[Contact]:
    """Approved contacts in force now. ``available`` leaves out the absent and the undeliverable (01-marac C1a)."""
    return contacts_of((agency_key,), roles, available=available)[agency_key]


def contacts_of(
    agency_keys: Collection[int], roles: Iterable[ContactRole] | None = None, *, available: bool = False
) -> dict[int, list[Contact]]:
    """The same for several agencies, by agency."""
    now, wanted = business_now(), None if roles is None else {str(role) for role in roles}

    def fits(row: Contact) -> bool:
        in_force = row.active_from <= now and (row.active_to is None or row.active_to > now)
        in_reach = not (available and (row.absent or row.undeliverable))
        return in_force and in_reach and (wanted is None or row.role in wanted)

    found = rows_of(Contact.agency_key, agency_keys, Contact)
    by_role = {key: sorted(filter(fits, rows), key=lambda row: row.key) for key, rows in found.items()}
    return {key: sorted(rows, key=lambda row: row.role, reverse=True) for key, rows in by_role.items()}


def contacts_to_come(agency_key: int) -> list[Contact]:
    """Contacts approved from a day to come, the soonest first."""
    now = business_now()
    later = [row for row in rows_of(Contact.agency_key, (agency_key,), Contact)[agency_key] if row.active_from > now]
    found = [row for row in later if row.active_to is None or row.active_to > row.active_from]
    return sorted(found, key=lambda row: (row.active_from, row.key))


def short_of_contacts(area_key: int, minimum: int, gone: Collection[int] = ()) -> list[Agency]:
    """Agencies with fewer approved contacts than the minimum (two: SPOC and deputy; Hillingdon ISA 4).

    :param gone: users who are approved and not there any more.
    """
    wanted = (ContactRole.SPOC, ContactRole.DEPUTY)
    core = agencies(area_key, (Tier.CORE,))
    found = contacts_of([a.key for a in core], wanted)
    return [a for a in core if sum(row.user_key not in gone for row in found[a.key]) < minimum]


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
    """Enter an approved contact (F-S8). The earlier entry of the same person and role ends when the new one begins, if not before."""
    for earlier in contacts(agency_key, (role,)):
        if earlier.user_key == user_key:
            earlier.active_to = min(active_from, earlier.active_to or active_from)
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
