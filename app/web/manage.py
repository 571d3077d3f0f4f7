"""Managing the area: people and their roles, agencies and contacts, parameters, incidents. No case content anywhere here."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access import decide
from app.access.errors import HIDDEN
from app.access.facts import AreaFacts
from app.access.permissions import Permission
from app.agencies import contacts, parameters
from app.agencies import service as agencies
from app.agencies.errors import WrongParameter
from app.agencies.models import ContactRole
from app.errors import NotFound
from app.identity import directory, register
from app.identity.person import Person
from app.identity.roles import Role, role_from_slug
from app.identity.service import current_person
from app.runtime import service as runtime
from app.store.clock import business_now
from app.web.keys import key as read_key
from app.web.moments import read_moment

blueprint = Blueprint("manage", __name__, url_prefix="/admin")

UNPROCESSABLE = 422
CONTACT_ROLES = {
    ContactRole.SPOC: "Single point of contact",
    ContactRole.DEPUTY: "Deputy",
    ContactRole.SENIOR_MANAGER: "Senior manager",
    ContactRole.DESIGNATED_OFFICER: "Designated Officer",
    ContactRole.PRIMARY_DESIGNATED_OFFICER: "Primary Designated Officer",
    ContactRole.DPO: "Data protection officer",
    ContactRole.CALDICOTT: "Caldicott guardian",
}


def _require(permission: Permission, *, user_key: int | None = None) -> Person:
    """The person, if they may do this in their area.

    :raises NotAllowed: they may not.
    """
    person = current_person()
    decide.require(person, permission, AreaFacts(person.area_key, user_key=user_key))
    return person


def _may(person: Person, permission: Permission, *, user_key: int | None = None) -> bool:
    return decide.allowed(person, permission, AreaFacts(person.area_key, user_key=user_key))


@blueprint.get("")
def index() -> str:
    """What the person may manage."""
    person = current_person()
    entries = [
        (
            Permission.ADMIN_USER_READ,
            "manage.people",
            "People",
            "Who may sign in and what they do. Give roles, shut somebody out.",
        ),
        (
            Permission.ADMIN_CONTACT_CHANGE,
            "manage.agency_list",
            "Agencies and contacts",
            "Who is asked for each agency, and who is away.",
        ),
        (
            Permission.ADMIN_PARAMETER_READ,
            "manage.parameter_list",
            "Parameters",
            "The times and thresholds that your area has agreed.",
        ),
        (
            Permission.INCIDENT_READ,
            "manage.incidents",
            "Incidents",
            "What has stopped and waits for somebody to mend it.",
        ),
    ]
    found = [
        (url_for(endpoint), title, text) for permission, endpoint, title, text in entries if _may(person, permission)
    ]
    return render_template("admin/index.html", entries=found)


# ------------------------------------------------------------------------------------------------- people
@blueprint.get("/people")
def people() -> str:
    """Everybody of the area, those shut out as well."""
    person = _require(Permission.ADMIN_USER_READ)
    found = directory.people_in(person.area_key, inactive=True)
    names = agencies.names(person.area_key) if person.area_key is not None else {}
    text = request.args.get("q", "").strip()[:100].casefold()
    shown = [e for e in found if not text or text in e.user.name.casefold() or text in e.user.username.casefold()]
    return render_template("admin/people.html", entries=shown, agencies=names, text=request.args.get("q", ""))


def _entry(person: Person, key: int) -> directory.Entry:
    entry = next((e for e in directory.people_in(person.area_key, inactive=True) if e.user.key == key), None)
    if entry is None:
        raise NotFound(HIDDEN, resource_id=str(key))
    return entry


@blueprint.get("/people/<key:key>")
def one_person(key: int) -> str:
    """One person: roles, and whether they may sign in."""
    person = _require(Permission.ADMIN_USER_READ)
    return _person_page(person, key)


def _person_page(person: Person, key: int, errors: list[tuple[str, str]] | None = None) -> str:
    entry = _entry(person, key)
    return render_template(
        "admin/person.html",
        entry=entry,
        agencies=agencies.names(person.area_key) if person.area_key is not None else {},
        roles=sorted(Role, key=lambda role: role.title),
        may_deactivate=_may(person, Permission.ADMIN_USER_DEACTIVATE, user_key=key),
        may_grant=_may(person, Permission.ADMIN_ROLE_GRANT, user_key=key),
        errors=errors or [],
        typed=request.form,
    )


@blueprint.post("/people/<key:key>/deactivate")
def deactivate(key: int) -> Response:
    """Shut somebody out: their sessions end at once."""
    person = _require(Permission.ADMIN_USER_DEACTIVATE, user_key=key)
    _entry(person, key)
    register.deactivate(key)
    audit.record("person.deactivate", actor=person, subject=f"user:{key}")
    flash("Shut out. They have been signed out everywhere.", "success")
    return redirect(url_for("manage.one_person", key=key))


@blueprint.post("/people/<key:key>/reactivate")
def reactivate(key: int) -> Response:
    """Let somebody in again: whoever may give roles may."""
    person = _require(Permission.ADMIN_ROLE_GRANT, user_key=key)
    _entry(person, key)
    register.reactivate(key)
    audit.record("person.reactivate", actor=person, subject=f"user:{key}")
    flash("They can sign in again.", "success")
    return redirect(url_for("manage.one_person", key=key))


@blueprint.post("/people/<key:key>/roles")
def grant(key: int) -> Response | tuple[str, int]:
    """Give somebody a role, for an agency where the role is one of an agency."""
    person = _require(Permission.ADMIN_ROLE_GRANT, user_key=key)
    _entry(person, key)
    slug, agency_key = request.form.get("role", ""), request.form.get("agency", type=read_key)
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
    person = _require(Permission.ADMIN_ROLE_GRANT, user_key=key)
    _entry(person, key)
    register.end_role(key, request.form.get("role", ""), agency_key=request.form.get("agency", type=read_key))
    audit.record("person.end-role", actor=person, subject=f"user:{key}", detail=request.form.get("role", ""))
    flash("Role taken away.", "success")
    return redirect(url_for("manage.one_person", key=key))


# ------------------------------------------------------------------------------------------------- agencies
@blueprint.get("/agencies")
def agency_list() -> str:
    """Agencies and their approved contacts."""
    return _agency_page(_require(Permission.ADMIN_CONTACT_CHANGE))


def _agency_page(person: Person, errors: list[tuple[str, str]] | None = None) -> str:
    found = agencies.agencies(person.area_key) if person.area_key is not None else []
    listed = [(agency, agencies.contacts(agency.key)) for agency in found]
    names = register.names_of({contact.user_key for _, rows in listed for contact in rows})
    short = {a.key for a in agencies.short_of_contacts(person.area_key, 2)} if person.area_key is not None else set()
    return render_template(
        "admin/agencies.html",
        listed=listed,
        names=names,
        short=short,
        roles=CONTACT_ROLES,
        people=[(e.user.key, e.user.name, e.user.agency_key) for e in directory.people_in(person.area_key)],
        errors=errors or [],
        typed=request.form,
    )


@blueprint.post("/agencies/<key:key>/contacts")
def add_contact(key: int) -> Response | tuple[str, int]:
    """Approve a contact of an agency."""
    person = _require(Permission.ADMIN_CONTACT_CHANGE)
    _own_agency(person, key)
    user_key, address = request.form.get("user", type=read_key), request.form.get("address", "").strip()
    errors = []
    if user_key not in {e.user.key for e in directory.people_in(person.area_key)}:
        errors.append((f"user-{key}", "Select a person"))
    if "@" not in address:
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
    person = _require(Permission.ADMIN_CONTACT_CHANGE)
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
    flash("Changed.", "success")
    return redirect(url_for("manage.agency_list", _anchor=f"agency-{row.agency_key}"))


# ------------------------------------------------------------------------------------------------- parameters
@blueprint.get("/parameters")
def parameter_list() -> str:
    """The values in force."""
    person = _require(Permission.ADMIN_PARAMETER_READ)
    found = parameters.current(person.area_key) if person.area_key is not None else []
    return render_template(
        "admin/parameters.html", found=found, may_change=_may(person, Permission.ADMIN_PARAMETER_CHANGE)
    )


@blueprint.route("/parameters/<name>", methods=["GET", "POST"])
def parameter(name: str) -> Response | str | tuple[str, int]:
    """One parameter: its values so far, and a new one with a reason."""
    changing = request.method == "POST"
    person = _require(Permission.ADMIN_PARAMETER_CHANGE if changing else Permission.ADMIN_PARAMETER_READ)
    if person.area_key is None:
        raise NotFound(HIDDEN, resource_id=name)
    rows = parameters.history(person.area_key, name)
    errors: list[tuple[str, str]] = []
    if changing:
        errors = _change(person, person.area_key, name)
        if not errors:
            flash("Changed. Deadlines that were set before do not move.", "success")
            return redirect(url_for("manage.parameter", name=name))
    page = render_template(
        "admin/parameter.html",
        rows=rows,
        name=name,
        now=business_now(),
        people=register.names_of({row.set_by for row in rows if row.set_by is not None}),
        may_change=_may(person, Permission.ADMIN_PARAMETER_CHANGE),
        errors=errors,
        typed=request.form,
    )
    return (page, UNPROCESSABLE) if errors else page


def _change(person: Person, area_key: int, name: str) -> list[tuple[str, str]]:
    value, reason = request.form.get("value", "").strip()[:200], request.form.get("reason", "").strip()[:1000]
    errors: list[tuple[str, str]] = []
    from_at = business_now()
    if request.form.get("date-day", "").strip():
        typed = read_moment(request.form, "date", "date from which it holds", needs_time=False)
        if typed.error:
            errors.append(typed.error)
        elif typed.value is not None and typed.value < from_at:
            errors.append(("date-day", "The date must be in the future: a value cannot be changed backwards"))
        elif typed.value is not None:
            from_at = typed.value
    if not reason:
        errors.append(("reason", "Enter why it changes"))
    if not value:
        errors.append(("value", "Enter the new value"))
    if errors:
        return errors
    try:
        parameters.change(area_key, name, value, by=person.key, effective_from=from_at, reason=reason)
    except WrongParameter as wrong:
        return [("value", wrong.message)]
    audit.record("parameter.change", actor=person, subject=f"parameter:{name}", detail=f"{value}: {reason}")
    return []


# ------------------------------------------------------------------------------------------------- incidents
@blueprint.get("/incidents")
def incidents() -> str:
    """What has stopped: where in the diagram and why; never what the case says."""
    person = _require(Permission.INCIDENT_READ)
    return render_template(
        "admin/incidents.html",
        found=runtime.open_incidents(person.area_key),
        cause_of=runtime.cause_of,
        may_retry=_may(person, Permission.INCIDENT_RETRY),
    )


@blueprint.post("/incidents/<key:key>/retry")
def retry(key: int) -> Response:
    """Try again once the cause is mended."""
    person = _require(Permission.INCIDENT_RETRY)
    if key not in {row.key for row in runtime.open_incidents(person.area_key, limit=10_000)}:
        raise NotFound(HIDDEN, resource_id=str(key))
    went_on = runtime.retry_incident(key, by=person.key)
    audit.record("incident.retry", actor=person, subject=f"incident:{key}")
    if went_on:
        flash("It went on.", "success")
    else:
        flash("It stopped again. The cause is not mended yet.")
    return redirect(url_for("manage.incidents"))
