"""Pages that anybody may read: welcome, accessibility, privacy and cookies."""

from __future__ import annotations

from flask import Blueprint, jsonify, redirect, render_template
from flask import Response as JsonResponse
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from app.identity.service import person_or_none
from app.web import navigation

blueprint = Blueprint("public", __name__)


@blueprint.get("/")
def welcome() -> Response | str:
    """What Convenor is and where to sign in; somebody signed in goes to their work."""
    person = person_or_none()
    if person is not None:
        return redirect(navigation.home(person))
    return render_template("public/welcome.html")


@blueprint.get("/signed-in-again")
def signed_in_again() -> str:
    """Where a second tab ends after signing in again: back to the first one."""
    return render_template("public/signed-in-again.html")


@blueprint.get("/session")
def session_state() -> JsonResponse:
    """Who is signed in, for a page that was open while the person signed in again elsewhere: it then goes on under the new session."""
    person = person_or_none()
    if person is None:
        return jsonify(person=None)
    return jsonify(person=str(person.key), token=generate_csrf())


@blueprint.get("/accessibility")
def accessibility() -> str:
    """The accessibility statement."""
    return render_template("public/accessibility.html")


@blueprint.get("/privacy")
def privacy() -> str:
    """Privacy and cookies."""
    return render_template("public/privacy.html")
