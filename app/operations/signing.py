"""Signing the attendance sheet, whichever way: the signature is the attendee's task in the diagram, completed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app import audit, notices
from app.identity.person import Person
from app.meetings import attendance, links, planning
from app.meetings.attendance import Who
from app.meetings.errors import MeetingMoved
from app.meetings.models import Attendee, AttendeeRole, Meeting, Ruling
from app.notices import SECRET
from app.operations.procedure import tell
from app.runtime import service as runtime
from app.store.clock import business_now
from app.store.database import db
from app.work import completion
from app.work.models import ItemState, WorkItem


def item_of(attendee: Attendee) -> WorkItem | None:
    """The open signature task of an attendee."""
    return db.session.execute(
        select(WorkItem)
        .where(
            WorkItem.meeting_key == attendee.meeting_key,
            WorkItem.deadline == f"signature-{attendee.key}",
            WorkItem.state == ItemState.OPEN,
        )
        .limit(1)
    ).scalar()


def sign(attendee_key: int, answers: dict[str, Any], person: Person) -> Attendee:
    """Sign on one's own account, or on the room's device with the co-ordinator as witness.

    :raises MeetingMoved: there is nothing to sign (yet, or any more).
    """
    attendee = attendance.find(attendee_key)
    item = item_of(attendee)
    if item is None:
        raise MeetingMoved("There is nothing to sign at the moment.", resource_id=str(attendee_key))
    if item.assignee not in (None, person.key):
        item.assignee = None
    completion.complete(item.key, person, answers, via="room")
    return attendee


def sign_by_link(token: str) -> Attendee:
    """Sign with a one-time link: the engine's task is completed for somebody without an account.

    :raises LinkRefused: the link has been used or has run out.
    """
    link, attendee = links.attendee_of(token)
    item = item_of(attendee)
    if item is None:
        raise MeetingMoved("There is nothing to sign at the moment.", resource_id=str(attendee.key))
    if attendee.can_comply is None:
        attendee.can_comply = True
    attendance.sign(attendee.key, via="link")
    links.use(link)
    item.state, item.completed_at, item.closed_at = ItemState.COMPLETED, business_now(), business_now()
    mode = "VIRTUAL" if attendee.mode == "virtual" else "IN_PERSON"
    runtime.complete_task(item.instance_key, item.task_id, {"attendanceMode": mode}, by=None)
    audit.record("meeting.sign-by-link", subject=f"attendee:{attendee.key}", meeting_key=attendee.meeting_key)
    return attendee


def refuse_by_link(token: str, reason: str) -> Attendee:
    """Say with a one-time link that one cannot keep to the statement: nothing is signed, and the Chair rules in the room.

    :raises LinkRefused: the link has been used or has run out.
    """
    link, attendee = links.attendee_of(token)
    item = item_of(attendee)
    if item is None:
        raise MeetingMoved("There is nothing to sign at the moment.", resource_id=str(attendee.key))
    attendance.cannot_comply(attendee.key, reason=reason, by=None)
    links.use(link)
    item.state, item.completed_at, item.closed_at = ItemState.COMPLETED, business_now(), business_now()
    mode = "VIRTUAL" if attendee.mode == "virtual" else "IN_PERSON"
    runtime.complete_task(item.instance_key, item.task_id, {"attendanceMode": mode}, by=None)
    audit.record("meeting.cannot-comply", subject=f"attendee:{attendee.key}", meeting_key=attendee.meeting_key)
    return attendee


def mark_absent(attendee_key: int, person: Person) -> Attendee:
    """Somebody expected is not here (01-marac X12): nobody waits for their signature, and without one they are given nothing.

    :raises MeetingMoved: they have signed.
    """
    attendee = attendance.mark_absent(attendee_key, True, by=person.key)
    _ask_no_more(attendee, person)
    audit.record("meeting.absent", actor=person, subject=f"attendee:{attendee_key}", meeting_key=attendee.meeting_key)
    return attendee


def _ask_no_more(attendee: Attendee, person: Person) -> None:
    """Somebody who is not here, or not admitted, is not asked to sign, and the conference does not wait for them."""
    item = item_of(attendee)
    if item is not None:
        item.state, item.completed_at, item.closed_at = ItemState.CANCELLED, None, business_now()
        mode = "VIRTUAL" if attendee.mode == "virtual" else "IN_PERSON"
        runtime.complete_task(item.instance_key, item.task_id, {"attendanceMode": mode}, by=person.key)


def arrive(attendee_key: int, person: Person) -> Attendee:
    """Somebody recorded as not here has come: they sign with the others, or on entry once the signing has begun."""
    attendee = attendance.mark_absent(attendee_key, False, by=person.key)
    meeting = planning.find(attendee.meeting_key)
    if _signing_has_begun(meeting) and item_of(attendee) is None:
        _ask_on_entry(attendee, meeting)
    audit.record("meeting.arrived", actor=person, subject=f"attendee:{attendee_key}", meeting_key=attendee.meeting_key)
    return attendee


def rule_again(attendee_key: int, ruling: Ruling, cases: set[int], person: Person) -> Attendee:
    """The Chair rules, in the room, on somebody who said when signing that they cannot comply (London DSA App E).

    Somebody who may stay is asked to sign, as whoever joins is; nobody hears a case before that. Somebody who may not is
    asked no more.

    :raises MeetingMoved: they have signed.
    """
    attendee = attendance.find(attendee_key)
    if attendee.signed_at is not None:
        raise MeetingMoved("This person has signed the attendance sheet.", resource_id=str(attendee_key))
    reason = attendance.reason_of(attendee)
    stays = ruling is Ruling.CONTINUE
    attendance.record_compliance(
        attendee_key, can_comply=stays, reason="" if stays else reason, ruling=None if stays else ruling, by=person.key
    )
    if ruling is Ruling.RESTRICTED:
        attendance.restrict(attendee_key, cases)
    meeting = planning.find(attendee.meeting_key)
    if ruling is Ruling.EXCLUDED:
        _ask_no_more(attendee, person)
    elif _signing_has_begun(meeting) and item_of(attendee) is None:
        _ask_on_entry(attendee, meeting)
    audit.record(
        "meeting.rule", actor=person, subject=f"attendee:{attendee_key}", meeting_key=meeting.key, detail=str(ruling)
    )
    return attendee


def _signing_has_begun(meeting: Meeting) -> bool:
    return meeting.statement_read_at is not None and meeting.closed_at is None


def _ask_on_entry(attendee: Attendee, meeting: Meeting) -> None:
    newcomer = {"newcomer": str(attendee.key)}
    runtime.publish_message("attendee-joined", str(meeting.key), newcomer, area_key=meeting.area_key)


def make_link(attendee_key: int, person: Person, address: str = "") -> str:
    """A one-time link for an attendee: its path, to show once; sent by e-mail when an address is given."""
    attendee = attendance.find(attendee_key)
    link, token = links.make(attendee_key, by=person.key, address=address)
    meeting = planning.find(attendee.meeting_key)
    if address:
        notices.send(
            notices.Template.SIGN_LINK,
            refs=[f"sign-link:{link.key}"],
            reference=meeting.reference,
            due=meeting.starts_at,
            path=f"/sign/{SECRET}",
            area_key=meeting.area_key,
        )
    audit.record("meeting.sign-link", actor=person, subject=f"attendee:{attendee_key}", meeting_key=meeting.key)
    return f"/sign/{token}"


def join(
    meeting_key: int,
    who: Who,
    person: Person,
    *,
    user_key: int | None = None,
    agency_key: int | None = None,
    role: AttendeeRole = AttendeeRole.CORE,
    cases: tuple[int, ...] = (),
) -> Attendee:
    """Add somebody who comes to the meeting; while it is in session they are asked to sign on entry."""
    known = user_key is not None and attendance.attendee_for(meeting_key, user_key) is not None
    attendee = attendance.add(meeting_key, who, user_key=user_key, agency_key=agency_key, role=role, cases=cases)
    meeting = planning.find(meeting_key)
    if not known and _signing_has_begun(meeting):
        _ask_on_entry(attendee, meeting)
    audit.record("meeting.attendee", actor=person, subject=f"attendee:{attendee.key}", meeting_key=meeting_key)
    return attendee


def move_meeting(meeting_key: int, starts_at: Any, reason: str, person: Person) -> None:
    """Decide to move a meeting; its diagram works out what hangs on the date and re-arms it, in this transaction."""
    meeting = planning.find(meeting_key)
    planning.decide_move(meeting_key, starts_at, by=person.key, reason=reason)
    tell("meeting-moved", meeting_key, {"meetingStart": starts_at}, area_key=meeting.area_key)
    audit.record("meeting.move", actor=person, meeting_key=meeting_key, detail=reason)


def link_delivery(reference: str) -> tuple[str, str] | None:
    """For the mail room: address and secret behind ``sign-link:<key>``."""
    kind, _, key = reference.partition(":")
    return links.delivery_of(int(key)) if kind == "sign-link" and key.isdigit() else None
