"""Pages that anybody may read: welcome, accessibility, privacy and cookies."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.identity.service import person_or_none

blueprint = Blueprint("public", __name__)


@blueprint.get("/")
def welcome() -> Response | str:
    """What Convenor is and where to sign in; somebody signed in goes to their work."""
    person = person_or_none()
    if person is not None and person.role_slugs:
        return redirect(url_for("work.inbox"))
    return render_template("public/welcome.html")


@blueprint.get("/signed-in-again")
def signed_in_again() -> str:
    """Where a second tab ends after signing in again: back to the first one."""
    return render_template("public/signed-in-again.html")


@blueprint.get("/accessibility")
def accessibility() -> str:
    """The accessibility statement."""
    return render_template("public/accessibility.html")


@blueprint.get("/privacy")
def privacy() -> str:
    """Privacy and cookies."""
    return render_template("public/privacy.html")
