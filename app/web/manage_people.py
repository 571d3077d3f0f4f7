"""People of the area and their roles: signing out, shutting out, letting in, giving and taking away. Giving needs a fresh sign-in."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.errors import NotAllowed, NotFound
from app.identity import directory, register
from app.identity.active import end_sessions
from app.identity.freshness import require_fresh
from app.identity.person import Person
from app.identity.roles import Role, role_from_slug
from app.web import searching
from app.web.keys import key as read_key
from app.web.manage import UNPROCESSABLE, blueprint, may, require


@blueprint.get("/people")
def people() -> str:
    """Everybody of the area, those shut out as well."""
    person = require(Permission.ADMIN_USER_READ)
    found = directory.people_in(person.area_key, inactive=True)
    names = agencies.names(person.area_key) if person.area_key is not None else {}
    text = searching.words("people")
    shown = [e for e in found if text.casefold() in f"{e.user.name}\n{e.user.username}".casefold()]
    return render_template(
        "admin/people.html", entries=shown, agencies=names, text=text, may_sign_out=bool(_may_shut_out(person))
    )


@blueprint.post("/people/find")
def find_people() -> Response:
    """Search the people."""
    require(Permission.ADMIN_USER_READ)
    return searching.keep("people", "manage.people")


@blueprint.post("/people/sign-out")
def sign_everybody_out() -> Response:
    """End the sessions of everybody whom the person may shut out, at once. The person proves first that it is them."""
    person = require(Permission.ADMIN_USER_READ)
    others = _may_shut_out(person)
    if not others:
        raise NotAllowed("You may not do this.", resource_id="people")
    require_fresh(person, back=url_for("manage.people"))
    number = end_sessions(others)
    audit.record("people.sign-out", actor=person, subject=f"area:{person.area_key}", detail=str(number))
    flash("Everybody else has been signed out everywhere, and can sign in again.", "success")
    return redirect(url_for("manage.people"))


def _may_shut_out(person: Person) -> list[int]:
    keys = [entry.user.key for entry in directory.people_in(person.area_key, inactive=True)]
    return [key for key in keys if may(person, Permission.ADMIN_USER_DEACTIVATE, user_key=key)]


def _entry(person: Person, key: int) -> directory.Entry:
    entry = next((e for e in directory.people_in(person.area_key, inactive=True) if e.user.key == key), None)
    if entry is None:
        raise NotFound(HIDDEN, resource_id=str(key))
    return entry


@blueprint.get("/people/<key:key>")
def one_person(key: int) -> str:
    """One person: roles, and whether they may sign in."""
    person = require(Permission.ADMIN_USER_READ)
    return _person_page(person, key)


def _person_page(person: Person, key: int, errors: list[tuple[str, str]] | None = None) -> str:
    entry = _entry(person, key)
    return render_template(
        "admin/person.html",
        entry=entry,
        agencies=agencies.names(person.area_key) if person.area_key is not None else {},
        roles=sorted(Role, key=lambda role: role.title),
        may_deactivate=may(person, Permission.ADMIN_USER_DEACTIVATE, user_key=key),
        may_grant=may(person, Permission.ADMIN_ROLE_GRANT, user_key=key),
        errors=errors or [],
        typed=request.values,
    )


@blueprint.post("/people/<key:key>/sign-out")
def sign_out(key: int) -> Response:
    """End somebody's sessions; they can sign in again."""
    person = require(Permission.ADMIN_USER_DEACTIVATE, user_key=key)
    _entry(person, key)
    end_sessions((key,))
    audit.record("person.sign-out", actor=person, subject=f"user:{key}")
    flash("Signed out everywhere. They can sign in again.", "success")
    return redirect(url_for("manage.one_person", key=key))


@blueprint.post("/people/<key:key>/deactivate")
def deactivate(key: int) -> Response:
    """Shut somebody out: their sessions end at once."""
    person = require(Permission.ADMIN_USER_DEACTIVATE, user_key=key)
    _entry(person, key)
    register.deactivate(key)
    audit.record("person.deactivate", actor=person, subject=f"user:{key}")
    flash("Shut out. They have been signed out everywhere.", "success")
    return redirect(url_for("manage.one_person", key=key))


@blueprint.post("/people/<key:key>/reactivate")
def reactivate(key: int) -> Response:
    """Let somebody in again: whoever may give roles may."""
    person = require(Permission.ADMIN_ROLE_GRANT, user_key=key)
    _entry(person, key)
    require_fresh(person, back=url_for("manage.one_person", key=key))
    register.reactivate(key)
    audit.record("person.reactivate", actor=person, subject=f"user:{key}")
    flash("They can sign in again.", "success")
    return redirect(url_for("manage.one_person", key=key))


@blueprint.post("/people/<key:key>/roles")
def grant(key: int) -> Response | tuple[str, int]:
    """Give somebody a role, for an agency where the role is one of an agency."""
    person = require(Permission.ADMIN_ROLE_GRANT, user_key=key)
    _entry(person, key)
    slug, agency_key = request.form.get("role", ""), request.form.get("agency", type=read_key)
    require_fresh(person, back=url_for("manage.one_person", key=key, role=slug[:60], agency=agency_key))
    if slug not in {str(role) for role in Role}:
        return _person_page(person, key, [("role", "Select a role")]), UNPROCESSABLE
    role = role_from_slug(slug)
    known = agencies.names(person.area_key) if person.area_key is not None else {}
    if role.of_agency and agency_key not in known:
        return _person_page(person, key, [("agency", f"Select the agency they are {role.title} of")]), UNPROCESSABLE
    register.grant_role(
        key,
        role,
        agency_key=agency_key if role.of_agency else None,
        area_key=person.area_key,
        granted_by=person.key,
    )
    audit.record("person.grant", actor=person, subject=f"user:{key}", detail=slug)
    flash(f"{role.title} given.", "success")
    return redirect(url_for("manage.one_person", key=key))


@blueprint.post("/people/<key:key>/roles/end")
def end_role(key: int) -> Response:
    """Take a role away now."""
    person = require(Permission.ADMIN_ROLE_GRANT, user_key=key)
    _entry(person, key)
    register.end_role(key, request.form.get("role", ""), agency_key=request.form.get("agency", type=read_key))
    audit.record("person.end-role", actor=person, subject=f"user:{key}", detail=request.form.get("role", ""))
    flash("Role taken away.", "success")
    return redirect(url_for("manage.one_person", key=key))
