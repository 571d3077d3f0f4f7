"""Parameters: the times and thresholds that an area has agreed, each with its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.agencies import parameters
from app.agencies.errors import WrongParameter
from app.errors import NotFound
from app.identity import register
from app.identity.person import Person
from app.store.clock import business_now, business_today
from app.web import typed
from app.web.manage import UNPROCESSABLE, blueprint, may, require
from app.web.moments import is_empty, read_day, read_moment


@blueprint.get("/parameters")
def parameter_list() -> str:
    """The values in force."""
    person = require(Permission.ADMIN_PARAMETER_READ)
    found = parameters.current(person.area_key) if person.area_key is not None else []
    return render_template(
        "admin/parameters.html", found=found, may_change=may(person, Permission.ADMIN_PARAMETER_CHANGE)
    )


@blueprint.route("/parameters/<name>", methods=["GET", "POST"])
def parameter(name: str) -> Response | str | tuple[str, int]:
    """One parameter: its values so far, and a new one with a reason."""
    changing = request.method == "POST"
    person = require(Permission.ADMIN_PARAMETER_CHANGE if changing else Permission.ADMIN_PARAMETER_READ)
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
        may_change=may(person, Permission.ADMIN_PARAMETER_CHANGE),
        errors=errors,
        typed=request.form,
    )
    return (page, UNPROCESSABLE) if errors else page


def _change(person: Person, area_key: int, name: str) -> list[tuple[str, str]]:
    value, wrong_value = typed.line("value", "The value", missing="Enter the new value")
    reason, wrong_reason = typed.reason("Enter why it changes")
    from_at, errors = _from(request.form)
    errors += wrong_reason + wrong_value
    if errors:
        return errors
    try:
        parameters.change(area_key, name, value, by=person.key, effective_from=from_at, reason=reason)
    except WrongParameter as wrong:
        return [("value", wrong.message)]
    audit.record("parameter.change", actor=person, subject=f"parameter:{name}", detail=f"{value}: {reason}")
    return []


def _from(fields: Mapping[str, str]) -> tuple[datetime, list[tuple[str, str]]]:
    """From when the value holds: at once, or from the beginning of a day or a time to come."""
    now = business_now()
    todays = read_day(fields, "date") == business_today() and not fields.get("date-time", "").strip()
    if todays or is_empty(fields, "date"):
        return now, []
    when = read_moment(fields, "date", "date from which it holds", needs_time=False, empty=time(0))
    if when.value is None:
        return now, [when.error] if when.error else []
    if when.value < now:
        return now, [("date-day", "The date must be in the future: a value cannot be changed backwards")]
    return when.value, []
