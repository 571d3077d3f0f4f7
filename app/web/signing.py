"""Signing the attendance sheet with a one-time link. The page shows the statement and one name: no case, no meeting, nobody else."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.documents.statement import current_statement
from app.meetings import attendance, links
from app.operations import signing
from app.web import typed

blueprint = Blueprint("signing", __name__, url_prefix="/sign")

UNPROCESSABLE = 422


@blueprint.route("/<token>", methods=["GET", "POST"])
def sign(token: str) -> Response | str | tuple[str, int]:
    """Read the statement and sign, once."""
    _, attendee = links.attendee_of(token)
    errors: list[tuple[str, str]] = []
    if request.method == "POST":
        if request.form.get("comply") not in ("yes", "no"):
            errors.append(("comply", "Select yes if you can keep to the statement"))
        if request.form.get("comply") == "no" and attendee.ruling is None:
            reason, errors = typed.reason()
            if not errors:
                signing.refuse_by_link(token, reason)
                return redirect(url_for("signing.waits"))
        elif request.form.get("sign") != "yes":
            errors.append(("sign", "Select the box to sign"))
        if not errors:
            signing.sign_by_link(token)
            return redirect(url_for("signing.signed"))
    page = render_template(
        "meetings/sign.html",
        who=attendance.who_is(attendee),
        statement=current_statement(),
        errors=errors,
        typed=request.form,
    )
    return (page, UNPROCESSABLE) if errors else page


@blueprint.get("/waits")
def waits() -> str:
    """Nothing was signed: the Chair decides."""
    return render_template("meetings/waits.html")


@blueprint.get("/done")
def signed() -> str:
    """The signature is recorded."""
    return render_template("meetings/signed.html")
