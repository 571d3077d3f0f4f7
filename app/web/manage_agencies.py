"""Agencies of the area and their approved contacts."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.agencies import contacts
from app.agencies import service as agencies
from app.agencies.models import ContactRole
from app.errors import NotFound
from app.identity import directory, register
from app.identity.person import Person
from app.store.clock import business_now
from app.web.keys import key as read_key
from app.web.manage import UNPROCESSABLE, blueprint, require

SOON = timedelta(days=30)  # an approval that ends within this time is to be renewed now: nobody asks for it
CONTACT_ROLES = {
    ContactRole.SPOC: "Single point of contact",
    ContactRole.DEPUTY: "Deputy",
    ContactRole.SENIOR_MANAGER: "Senior manager",
    ContactRole.DESIGNATED_OFFICER: "Designated Officer",
    ContactRole.PRIMARY_DESIGNATED_OFFICER: "Primary Designated Officer",
    ContactRole.DPO: "Data protection officer",
    ContactRole.CALDICOTT: "Caldicott guardian",
}


@blueprint.get("/agencies")
def agency_list() -> str:
    """Agencies and their approved contacts."""
    return _agency_page(require(Permission.ADMIN_CONTACT_CHANGE))


def _agency_page(person: Person, errors: list[tuple[str, str]] | None = None) -> str:
    found = agencies.agencies(person.area_key) if person.area_key is not None else []
    listed = [(agency, agencies.contacts(agency.key)) for agency in found]
    coming = {agency.key: agencies.contacts_to_come(agency.key) for agency in found}
    shown = [*(contact for _, rows in listed for contact in rows), *chain.from_iterable(coming.values())]
    known = register.people_for({contact.user_key for contact in shown})
    gone = {key for key, one in known.items() if not one.roles}
    short = agencies.short_of_contacts(person.area_key, 2, gone) if person.area_key is not None else []
    return render_template(
        "admin/agencies.html",
        listed=listed,
        coming=coming,
        names={key: one.name for key, one in known.items()},
        gone=gone,
        short={agency.key for agency in short},
        soon=business_now() + SOON,
        roles=CONTACT_ROLES,
        people=[
            (e.user.key, e.user.name, {e.user.agency_key, *(at for _, at in e.roles)})
            for e in directory.people_in(person.area_key)
        ],
        errors=errors or [],
        typed=request.form,
    )


@blueprint.post("/agencies/<key:key>/contacts")
def add_contact(key: int) -> Response | tuple[str, int]:
    """Approve a contact of an agency."""
    person = require(Permission.ADMIN_CONTACT_CHANGE)
    _own_agency(person, key)
    user_key, address = request.form.get("user", type=read_key), request.form.get("address", "").strip()
    errors: list[tuple[str, str]] = []
    if user_key not in {e.user.key for e in directory.people_in(person.area_key)}:
        errors.append((f"user-{key}", "Select a person"))
    if not contacts.is_address(address):
        errors.append((f"address-{key}", "Enter a secure e-mail address, like name@example.gov.uk"))
    if errors or user_key is None:
        return _agency_page(person, errors), UNPROCESSABLE
    role = request.form.get("role", "")
    row = contacts.add(key, user_key, ContactRole(role) if role in CONTACT_ROLES else ContactRole.DEPUTY, address)
    audit.record("contact.add", actor=person, subject=f"contact:{row.key}")
    flash("Contact approved.", "success")
    return redirect(url_for("manage.agency_list", _anchor=f"agency-{key}"))


def _own_agency(person: Person, key: int) -> None:
    if person.area_key is None or key not in agencies.names(person.area_key):
        raise NotFound(HIDDEN, resource_id=str(key))


@blueprint.post("/contacts/<key:key>/<act>")
def change_contact(key: int, act: str) -> Response:
    """A contact is away, is back, has a working address again, or is no longer one."""
    person = require(Permission.ADMIN_CONTACT_CHANGE)
    row = contacts.find(key)
    _own_agency(person, row.agency_key)
    if act in {"away", "back"}:
        contacts.set_absent(key, act == "away")
    elif act == "deliverable":
        contacts.set_deliverable(key)
    elif act == "end":
        contacts.end(key)
    else:
        raise NotFound(HIDDEN, resource_id=act)
    audit.record(f"contact.{act}", actor=person, subject=f"contact:{key}")
    held = act == "end" and any(at == row.agency_key for _, at in register.person_for(row.user_key).roles)
    flash("Changed. Their role at the agency stays: take it away under People." if held else "Changed.", "success")
    return redirect(url_for("manage.agency_list", _anchor=f"agency-{row.agency_key}"))
