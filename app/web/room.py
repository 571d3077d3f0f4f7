"""The conference room: what the Chair does in which order, who has signed, case by case. A guest sees its own case only."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Blueprint, current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app import audit
from app.access.permissions import Permission
from app.documents.statement import current_statement
from app.identity import register
from app.identity.person import Person
from app.identity.service import current_person
from app.meetings import attendance
from app.meetings.errors import UnknownMeeting
from app.meetings.models import AgendaStatus, Attendee
from app.operations import signing
from app.web import meetings
from app.web.labels import AGENDA_STATUSES, SIGNED_VIA
from app.web.meetings import Line, Place, Seat
from app.work import inbox
from app.work.items import ItemView, open_item
from app.work.models import ItemState

blueprint = Blueprint("room", __name__, url_prefix="/meetings")

SIGNATURE_FORM = "marac-signature"
NEVER = 1 << 63  # above every key


@dataclass(frozen=True, slots=True)
class Signing:
    """One line of the attendance sheet.

    :param view: the open task to sign, for those who may know of it; None when it is signed or not asked yet.
    """

    seat: Seat
    view: ItemView | None
    own: bool


@dataclass(frozen=True, slots=True)
class Discussion:
    """One case of the agenda in the room: its steps so far, and who is in the room for it alone."""

    line: Line
    steps: list[ItemView]
    admitted: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Room:
    """The room as one person sees it."""

    before: list[ItemView]
    signing: list[Signing]
    between: list[ItemView]
    discussions: list[Discussion]
    after: list[ItemView]

    @property
    def signed(self) -> int:
        """How many have signed."""
        return sum(1 for one in self.signing if one.seat.row.signed_at is not None)

    @property
    def signing_state(self) -> str:
        """``later`` until somebody is asked to sign, ``open``, then ``done``."""
        if any(one.view is not None for one in self.signing):
            return "open"
        return "done" if self.signed else "later"


def _views(place: Place) -> list[ItemView]:
    """The room's tasks that the person may know of, in the order in which they came."""
    rows = inbox.of_subject(place.person, meeting_key=place.meeting.key)
    found = [row.item for row in rows if row.item.flag("room")]
    return [open_item(item.key, place.person) for item in sorted(found, key=lambda item: item.key)]


def look_into(place: Place) -> Room:
    """What stands in the room now."""
    views = _views(place)
    signatures = [v for v in views if v.item.form_id == SIGNATURE_FORM]
    of_cases = [v for v in views if v.item.case_key is not None]
    others = [v for v in views if v not in signatures and v not in of_cases]
    signed_from = min((v.item.key for v in signatures), default=NEVER)
    heard_from = min((v.item.key for v in of_cases), default=NEVER)
    return Room(
        before=[v for v in others if v.item.key < min(signed_from, heard_from)],
        signing=[_signing(seat, signatures, place.person) for seat in _seats(place)],
        between=[v for v in others if signed_from < v.item.key < heard_from],
        discussions=[_discussion(line, of_cases) for line in meetings.lines(place)],
        after=[v for v in others if v.item.key > heard_from],
    )


def _seats(place: Place) -> list[Seat]:
    """The attendance sheet: all of it for those who keep it, one's own line for everybody else."""
    seats = meetings.attendees(place)
    if place.may(Permission.MEETING_FILE_READ):
        return seats
    return [seat for seat in seats if seat.row.user_key == place.person.key]


def _signing(seat: Seat, signatures: list[ItemView], person: Person) -> Signing:
    waiting = next((v for v in signatures if v.item.state == ItemState.OPEN and _is_for(v, seat.row)), None)
    return Signing(seat, waiting, own=seat.row.user_key == person.key)


def _is_for(view: ItemView, row: Attendee) -> bool:
    return view.item.deadline == f"signature-{row.key}"


def _discussion(line: Line, views: list[ItemView]) -> Discussion:
    admitted: list[str] = []
    if line.item.status == AgendaStatus.IN_DISCUSSION:
        people, _ = attendance.attending([line.case.key]).get(line.case.key, ({}, False))
        keys = [key for key, one in people.items() if one.kind != "core" and one.in_room]
        admitted = sorted(register.names_of(keys).values())
    return Discussion(line, [v for v in views if v.item.case_key == line.case.key], admitted)


@blueprint.get("/<key:key>/room")
def show(key: int) -> str:
    """The room."""
    place = meetings.find(key, current_person(), Permission.MEETING_ROOM_ENTER)
    audit.view(place.person, "room", meeting_key=key)
    return render_template(
        "meetings/room.html",
        meeting=place.meeting,
        room=look_into(place),
        statement=current_statement(),
        statuses=AGENDA_STATUSES,
        signed_via=SIGNED_VIA,
        may_witness=place.may(Permission.MEETING_ATTENDANCE_WITNESS),
        may_chair=place.may(Permission.MEETING_ROOM_CHAIR),
        may_rule=place.may(Permission.MEETING_ATTENDANCE_RULE),
        reader_name=register.names_of([place.meeting.statement_read_by]).get(place.meeting.statement_read_by, "")
        if place.meeting.statement_read_by is not None
        else "",
    )


def _expected(place: Place, attendee_key: int) -> Attendee:
    row = attendance.find(attendee_key)
    if row.meeting_key != place.meeting.key:
        raise UnknownMeeting(
            "This person is not on the attendance list of this meeting.", resource_id=str(attendee_key)
        )
    return row


@blueprint.post("/<key:key>/attendees/<key:attendee_key>/absent")
def absent(key: int, attendee_key: int) -> Response:
    """Record that somebody expected is not here, so that the conference does not wait for them."""
    person = current_person()
    _expected(meetings.find(key, person, Permission.MEETING_ATTENDANCE_WITNESS), attendee_key)
    signing.mark_absent(attendee_key, person)
    return redirect(url_for("room.show", key=key))


@blueprint.post("/<key:key>/attendees/<key:attendee_key>/arrived")
def arrived(key: int, attendee_key: int) -> Response:
    """Record that somebody came after all; they sign before they hear a case."""
    person = current_person()
    _expected(meetings.find(key, person, Permission.MEETING_ATTENDANCE_WITNESS), attendee_key)
    signing.arrive(attendee_key, person)
    return redirect(url_for("room.show", key=key))


@blueprint.post("/<key:key>/attendees/<key:attendee_key>/link")
def make_link(key: int, attendee_key: int) -> str:
    """A one-time link for somebody to sign with; its secret is shown this once."""
    person = current_person()
    place = meetings.find(key, person, Permission.MEETING_ATTENDANCE_WITNESS)
    row = _expected(place, attendee_key)
    path = signing.make_link(attendee_key, person)
    return render_template(
        "meetings/link.html",
        meeting=place.meeting,
        who=attendance.who_is(row),
        address=f"{current_app.config['SETTINGS'].base_url}{path}",
    )
