"""Changing an agency's approved contacts (F-S8). Addresses are business addresses of professionals."""

from __future__ import annotations

from app.agencies.errors import UnknownAgency
from app.agencies.models import Contact, ContactRole
from app.errors import Invalid
from app.forms.addresses import ADDRESS
from app.store.clock import business_now
from app.store.database import db

LONGEST_ADDRESS = 200  # as many as the database keeps


def find(contact_key: int) -> Contact:
    """:raises UnknownAgency: no such contact."""
    row = db.session.get(Contact, contact_key)
    if row is None:
        raise UnknownAgency("There is no such contact.", resource_id=str(contact_key))
    return row


def is_address(text: str) -> bool:
    """Whether a contact can be written to there: one e-mail address, whole."""
    return len(text) <= LONGEST_ADDRESS and ADDRESS.fullmatch(text) is not None


def add(agency_key: int, user_key: int, role: ContactRole, secure_address: str) -> Contact:
    """Approve a contact from now on.

    :raises Invalid: no secure address.
    """
    if not is_address(secure_address):
        raise Invalid("A contact needs a secure address.", resource_id=str(agency_key))
    row = Contact(
        agency_key=agency_key,
        user_key=user_key,
        role=role,
        secure_address=secure_address,
        active_from=business_now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def set_absent(contact_key: int, absent: bool) -> Contact:
    """Say that a contact is away, or back: somebody away is not asked (01-marac C1a)."""
    row = find(contact_key)
    row.absent = absent
    return row


def set_deliverable(contact_key: int) -> Contact:
    """The contact's address works again."""
    row = find(contact_key)
    row.undeliverable = False
    return row


def end(contact_key: int) -> Contact:
    """End an approval now, or before it has begun. The record that it was given stays."""
    row = find(contact_key)
    row.active_to = max(business_now(), row.active_from)
    return row
