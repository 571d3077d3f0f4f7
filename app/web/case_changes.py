"""What changes while a case runs, told on its page: another agency, the victim's agreement, who works with the family."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access.errors import HIDDEN
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.errors import NotFound
from app.operations import inviting, telling
from app.web.case_file import find
from app.web.case_parts import changes_offered
from app.web.cases import blueprint
from app.web.keys import key as read_key


def _back(key: int) -> Response:
    return redirect(url_for("cases.show_part", key=key, part="tasks"))


@blueprint.post("/<key:key>/invite")
def invite(key: int) -> Response:
    """Another agency should hear the case."""
    file = find(key, Permission.CASE_AGENCIES_INVITE)
    inviting.invite_another(file.case, file.person)
    flash("The procedure asks you now which agency, and why.", "success")
    return _back(key)


@blueprint.post("/<key:key>/agreement")
def agreement(key: int) -> Response:
    """The victim's agreement has changed."""
    file = find(key, Permission.CASE_ADVOCACY_READ)
    if not changes_offered(file)["may_change_agreement"]:
        raise NotFound(HIDDEN, resource_id=str(key))
    telling.change_agreement(file.case, file.person)
    flash("The procedure asks you now what the victim said.", "success")
    return _back(key)


@blueprint.post("/<key:key>/involvement")
def involvement(key: int) -> Response:
    """An agency has begun or stopped working with the family."""
    file = find(key, Permission.CASE_AGENCIES_INVITE)
    agency_key = request.form.get("agency", type=read_key)
    involved = request.form.get("involved", "")
    if agency_key not in agencies.names(file.case.area_key) or involved not in {"yes", "no"} or agency_key is None:
        flash("Select the agency, and whether it works with the family.", "error")
    else:
        telling.change_involvement(file.case, agency_key, involved == "yes", file.person)
        flash("Recorded. Whether the agency keeps the case has been weighed again.", "success")
    return redirect(url_for("cases.show", key=key))
