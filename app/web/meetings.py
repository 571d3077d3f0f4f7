"""Meetings: the list, and one meeting with its agenda, people, deadlines and papers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access import decide
from app.access.facts import MeetingFacts
from app.access.permissions import Permission
from app.agencies import service as agencies
from app.cases import deadlines
from app.cases.clearance import names_for_all, seen_of
from app.cases.models import Case
from app.identity import directory, register
from app.identity.person import Person
from app.identity.roles import Role
from app.identity.service import current_person
from app.meetings import agenda, attendance, listing, planning
from app.meetings.models import AgendaItem, Attendee, AttendeeRole, Meeting
from app.operations import presiding, signing
from app.web import paging, papers, typed
from app.web.keys import key as read_key
from app.web.labels import AGENDA_STATUSES, MEETING_MODES, MEETING_STATES
from app.web.moments import read_moment
from app.work import inbox, research
from app.work.inbox import InboxRow

blueprint = Blueprint("meetings", __name__, url_prefix="/meetings")

UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the agenda, as the person may see it."""

    item: AgendaItem
    case: Case
    parties: list[str]


@dataclass(frozen=True, slots=True)
class Place:
    """A meeting and what the person may do there."""

    meeting: Meeting
    facts: MeetingFacts
    person: Person

    def may(self, permission: Permission) -> bool:
        """Whether the person may do something at this meeting."""
        return decide.allowed(self.person, permission, self.facts)


def find(key: int, person: Person, permission: Permission = Permission.MEETING_READ) -> Place:
    """A meeting for somebody who may.

    :raises NotFound: there is none, or none that they may know of. :raises NotAllowed: they may not do this with it.
    """
    meeting = planning.find(key)
    facts = attendance.facts_of(meeting)
    decide.require(person, permission, facts, resource_id=str(key))
    return Place(meeting, facts, person)


def lines(place: Place) -> list[Line]:
    """The agenda: every line for those who may read it, else the lines of the cases that the person may know."""
    seen = {case.key: case for case in seen_of(place.person, agenda.cases(place.meeting.key))}
    names = names_for_all(place.person, seen.values())
    for key in seen:
        audit.view(place.person, "agenda", case_key=key, meeting_key=place.meeting.key)
    return [
        Line(item, seen[item.case_key], names[item.case_key])
        for item in agenda.items(place.meeting.key)
        if item.case_key in seen
    ]


@blueprint.get("")
def index() -> str:
    """The meetings that the person may know of: those to come, then a page of those held."""
    person = current_person()
    held = paging.page(lambda limit: listing.over(person, limit))
    return render_template("meetings/index.html", upcoming=listing.to_come(person), held=held, states=MEETING_STATES)


@blueprint.get("/<key:key>")
def show(key: int) -> str | Response:
    """One meeting. Somebody who may only come in goes to the room."""
    person = current_person()
    meeting = planning.find(key)
    facts = attendance.facts_of(meeting)
    if not decide.allowed(person, Permission.MEETING_READ, facts) and decide.allowed(
        person, Permission.MEETING_ROOM_ENTER, facts
    ):
        return redirect(url_for("room.show", key=key))
    return page(find(key, person))


def page(place: Place, errors: list[tuple[str, str]] | None = None, *, form: str = "") -> str:
    """The page of a meeting.

    :param form: which of its forms has the errors.
    """
    meeting, person = place.meeting, place.person
    audit.view(person, "meeting", meeting_key=meeting.key)
    return render_template(
        "meetings/show.html",
        meeting=meeting,
        agency_names=agencies.names(meeting.area_key),
        venue=planning.venue_of(meeting),
        state=MEETING_STATES[meeting.state],
        mode=MEETING_MODES.get(meeting.mode, meeting.mode),
        lines=lines(place),
        statuses=AGENDA_STATUSES,
        people=attendees(place),
        deadlines=[d for d in deadlines.in_force(meeting.key) if d.met_at is None],
        papers=papers.of_meeting(person, meeting),
        meeting_tasks=inbox.of_subject(person, meeting_key=meeting.key),
        outstanding=_outstanding(place),
        may_move=place.may(Permission.MEETING_MOVE) and meeting.state in planning.UPCOMING,
        may_plan=place.may(Permission.MEETING_PLAN),
        **decisions(place),
        may_enter=place.may(Permission.MEETING_ROOM_ENTER),
        may_file=place.may(Permission.MEETING_FILE_READ),
        agencies=agencies.agencies(meeting.area_key) if place.may(Permission.MEETING_PLAN) else [],
        people_to_invite=_invitable(place) if place.may(Permission.MEETING_PLAN) else [],
        errors=errors or [],
        form=form,
        typed=request.form,
    )


def decisions(place: Place) -> dict[str, object]:
    """Who presides, whether it was cancelled and why, and whether the person decides on either."""
    meeting, person = place.meeting, place.person
    decides = person.has_role(Role.MARAC_CHAIR) or person.has_role(Role.MARAC_COORDINATOR)
    names = register.names_of([meeting.presiding_key]) if meeting.presiding_key is not None else {}
    files = place.may(Permission.MEETING_FILE_READ)
    return {
        "presiding_name": names.get(meeting.presiding_key or 0, ""),
        "presiding_reason": planning.presiding_reason(meeting) if files else "",
        "cancel_reason": planning.cancel_reason(meeting) if files else "",
        "may_decide_presiding": decides and place.may(Permission.MEETING_MOVE) and planning.is_running(meeting),
        "deputies": [(one.key, one.name) for one in presiding.deputies(meeting.area_key)] if decides else [],
    }


def _outstanding(place: Place) -> list[tuple[str, list[str], InboxRow]]:
    """Who still owes a research return: agency, references, and the row that is due first."""
    found: dict[str, list[InboxRow]] = {}
    for row in research.outstanding(place.meeting.key, place.person):
        found.setdefault(row.agency_name, []).append(row)
    return [
        (agency, sorted({row.reference for row in rows}), min(rows, key=lambda r: r.item.due_at or r.item.created_at))
        for agency, rows in sorted(found.items())
    ]


@dataclass(frozen=True, slots=True)
class Seat:
    """An attendee with particulars and, once they have signed, how."""

    row: Attendee
    who: attendance.Who
    agency: str
    witness: str
    reason: str


def attendees(place: Place) -> list[Seat]:
    """The attendance list, for those who may read the meeting's file or are on it."""
    if not (place.may(Permission.MEETING_FILE_READ) or place.may(Permission.MEETING_ROOM_ENTER)):
        return []
    rows = attendance.of_meeting(place.meeting.key)
    names = agencies.names(place.meeting.area_key)
    witnesses = register.names_of({row.witnessed_by for row in rows if row.witnessed_by is not None})
    rules = place.may(Permission.MEETING_ATTENDANCE_RULE)
    return [
        Seat(
            row,
            attendance.who_is(row),
            names.get(row.agency_key or 0, ""),
            witnesses.get(row.witnessed_by or 0, ""),
            attendance.reason_of(row) if rules else "",
        )
        for row in rows
    ]


def _invitable(place: Place) -> list[tuple[int, str]]:
    """People of the area who are not on the list yet."""
    have = {row.user_key for row in attendance.of_meeting(place.meeting.key)}
    names = agencies.names(place.meeting.area_key)
    return [
        (user.key, f"{user.name}{', ' + names[user.agency_key] if user.agency_key in names else ''}")
        for user in (entry.user for entry in directory.people_in(place.meeting.area_key) if entry.roles)
        if user.key not in have
    ]


@blueprint.post("/<key:key>/move")
def move(key: int) -> Response | tuple[str, int]:
    """Move the meeting's date: a recorded decision, which moves every deadline that hangs on it."""
    person = current_person()
    place = find(key, person, Permission.MEETING_MOVE)
    when = read_moment(request.form, "date", "new date", needs_time=True)
    reason, wrong = typed.reason("Enter why the meeting moves", anchor="move-reason")
    errors = [*([when.error] if when.error else []), *wrong]
    if errors or when.value is None:
        return page(place, errors, form="move"), UNPROCESSABLE
    signing.move_meeting(key, when.value, reason, person)
    flash("The meeting has been moved. Every deadline that hangs on its date has moved with it.", "success")
    return redirect(url_for("meetings.show", key=key))


@blueprint.post("/<key:key>/attendees")
def add_attendee(key: int) -> Response | tuple[str, int]:
    """Put somebody on the attendance list: a person with an account, or a name without one."""
    person = current_person()
    place = find(key, person, Permission.MEETING_PLAN)
    user_key = request.form.get("user", type=read_key)
    name, errors = typed.line("name", "The name")
    job, wrong_job = typed.line("job", "The job title")
    organisation, wrong_organisation = typed.line("organisation", "The organisation")
    errors += wrong_job + wrong_organisation
    agency_key = request.form.get("agency", type=read_key)
    if user_key is not None and user_key not in {known for known, _ in _invitable(place)}:
        user_key = None
    if user_key is None and not name:
        errors.insert(0, ("user", "Choose a person, or enter the name of somebody without an account"))
    if errors:
        return page(place, errors, form="invite"), UNPROCESSABLE
    if user_key is not None:
        known = register.person_for(user_key)
        name, agency_key = known.name, known.agency_key
    elif agency_key is not None and agency_key not in agencies.names(place.meeting.area_key):
        agency_key = None
    if agency_key is not None:
        organisation = agencies.agency(agency_key).name
    who = attendance.Who(name, job, organisation)
    signing.join(key, who, person, user_key=user_key, agency_key=agency_key, role=_role(request.form.get("role", "")))
    flash("Added to the attendance list.", "success")
    return redirect(url_for("meetings.show", key=key, _anchor="people"))


def _role(text: str) -> AttendeeRole:
    try:
        return AttendeeRole(text)
    except ValueError:
        return AttendeeRole.CORE
