"""Decisions about a meeting: who presides, cancelling it, ruling again on who cannot comply. Each with its reason, recorded."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from app.access.permissions import Permission
from app.identity.service import current_person
from app.meetings import attendance
from app.meetings.errors import UnknownMeeting
from app.meetings.models import Ruling
from app.operations import cancelling, presiding, signing
from app.web import typed
from app.web.keys import keys
from app.web.meetings import UNPROCESSABLE, blueprint, decisions, find, page


@blueprint.post("/<key:key>/presiding")
def preside(key: int) -> Response | tuple[str, int]:
    """Decide who presides at this meeting."""
    person = current_person()
    place = find(key, person, Permission.MEETING_MOVE)
    if not decisions(place)["may_decide_presiding"]:
        raise UnknownMeeting("There is no such meeting.", resource_id=str(key))
    chosen = request.form.get("presiding", "")
    user_key = next(iter(keys([chosen])), None)
    reason, wrong = typed.reason("Enter why somebody else presides, or the Chair again", anchor="presiding-reason")
    errors = []
    if chosen != "chair" and user_key not in {one.key for one in presiding.deputies(place.meeting.area_key)}:
        errors.append(("presiding", "Select who presides"))
    errors += wrong
    if errors:
        return page(place, errors, form="presiding"), UNPROCESSABLE
    presiding.decide(key, user_key, reason, person)
    flash("Recorded. Whoever presides has the tasks of the Chair in the room of this meeting.", "success")
    return redirect(url_for("meetings.show", key=key))


@blueprint.post("/<key:key>/cancel")
def cancel(key: int) -> Response | tuple[str, int]:
    """Cancel the meeting: its cases go back to the list."""
    person = current_person()
    place = find(key, person, Permission.MEETING_MOVE)
    reason, errors = typed.reason("Enter why the meeting is cancelled", anchor="cancel-reason")
    if errors:
        return page(place, errors, form="cancel"), UNPROCESSABLE
    cancelling.cancel(key, reason, person)
    flash("The meeting is cancelled. Its cases wait for another one, and everybody invited is told.", "success")
    return redirect(url_for("meetings.show", key=key))


RULINGS = {"SIGN": Ruling.CONTINUE, "PART": Ruling.RESTRICTED, "OUT": Ruling.EXCLUDED}


@blueprint.post("/<key:key>/attendees/<key:attendee_key>/rule")
def rule(key: int, attendee_key: int) -> Response:
    """Rule on somebody who said when signing that they cannot keep to the statement (London DSA App E)."""
    person = current_person()
    find(key, person, Permission.MEETING_ATTENDANCE_RULE)
    if attendance.find(attendee_key).meeting_key != key:
        raise UnknownMeeting(
            "This person is not on the attendance list of this meeting.", resource_id=str(attendee_key)
        )
    ruling = RULINGS.get(request.form.get("ruling", ""))
    cases = keys(request.form.getlist("cases"))
    if ruling is None or (ruling is Ruling.RESTRICTED and not cases):
        flash("Select what you decide, and which cases when it is some only.", "error")
    else:
        signing.rule_again(attendee_key, ruling, cases, person)
        flash("Your ruling is recorded.", "success")
    return redirect(url_for("room.show", key=key))
