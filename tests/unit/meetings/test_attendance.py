"""Attendance: rulings, signatures, guests for their case only, one-time links."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from app.cases.dossiers import open_case
from app.meetings import agenda, attendance, links, planning
from app.meetings.attendance import Who
from app.meetings.errors import LinkRefused, MeetingMoved, WrongMeetingDate
from app.meetings.models import AgendaStatus, AttendeeRole, MeetingState, Ruling, SignLink
from app.store.clock import business_now, wall_now
from app.store.database import db


@pytest.fixture
def meeting(app: Flask) -> int:
    with app.app_context():
        row = planning.create(1, by=1)
        planning.plan(row.key, business_now() + timedelta(days=20), {}, venue="Room 2", mode="inPerson", by=1)
        db.session.commit()
        return row.key


def test_the_venue_is_sealed(app: Flask, meeting: int) -> None:
    with app.app_context():
        row = planning.find(meeting)
        assert planning.venue_of(row) == "Room 2"
        assert b"Room" not in (row.venue or b"")


def test_a_meeting_is_planned_in_the_future(app: Flask) -> None:
    with app.app_context():
        row = planning.create(1, by=1)
        with pytest.raises(WrongMeetingDate):
            planning.plan(row.key, business_now(), {}, venue="", mode="inPerson", by=1)


def test_a_meeting_in_session_is_not_moved(app: Flask, meeting: int) -> None:
    with app.app_context():
        attendance.read_statement(meeting, by=1)
        assert planning.find(meeting).state == MeetingState.IN_SESSION
        with pytest.raises(MeetingMoved):
            planning.decide_move(meeting, business_now() + timedelta(days=30), by=1, reason="r")


def test_somebody_who_cannot_comply_needs_a_ruling_and_the_excluded_cannot_sign(app: Flask, meeting: int) -> None:
    with app.app_context():
        person = attendance.add(meeting, Who("Rhys Tanner"), user_key=5, agency_key=6)
        with pytest.raises(MeetingMoved):
            attendance.record_compliance(person.key, can_comply=False, reason="r", ruling=None, by=1)
        attendance.record_compliance(person.key, can_comply=False, reason="a relative", ruling=Ruling.EXCLUDED, by=1)
        assert attendance.reason_of(person) == "a relative"
        with pytest.raises(MeetingMoved):
            attendance.sign(person.key, via="account")
        attendance.record_compliance(person.key, can_comply=False, reason="r", ruling=Ruling.RESTRICTED, by=1)
        assert attendance.sign(person.key, via="account").signed_at is not None


def test_signing_twice_changes_nothing(app: Flask, meeting: int) -> None:
    with app.app_context():
        person = attendance.add(meeting, Who("A"), user_key=5)
        first = attendance.sign(person.key, via="account").signed_at
        attendance.sign(person.key, via="link")
        assert (person.signed_at, person.signed_via) == (first, "account")


def test_a_guest_is_in_the_room_for_its_case_only(app: Flask, meeting: int) -> None:
    with app.app_context():
        own, other = (open_case(1, "marac-case", by=1, agency_key=None).key for _ in range(2))
        for case in (own, other):
            agenda.add(meeting, case, by=1)
        guest = attendance.add(meeting, Who("G"), user_key=9, agency_key=8, role=AttendeeRole.GUEST, cases=[own])
        attendance.sign(guest.key, via="account")
        seen, _ = attendance.attending([own])[own]
        assert not seen[9].in_room
        attendance.admit(meeting, own)
        agenda.set_status(meeting, own, AgendaStatus.IN_DISCUSSION)
        seen, open_now = attendance.attending([own])[own]
        assert seen[9].in_room
        assert open_now
        assert not attendance.attending([other])[other][0][9].in_room
        attendance.release(meeting, own)
        assert not attendance.attending([own])[own][0][9].in_room


def test_a_case_leaves_the_agenda_it_was_waiting_on(app: Flask, meeting: int) -> None:
    with app.app_context():
        later = planning.create(1, by=1)
        planning.plan(later.key, business_now() + timedelta(days=50), {}, venue="", mode="virtual", by=1)
        case = open_case(1, "marac-case", by=1, agency_key=None)
        agenda.add(meeting, case.key, by=1)
        agenda.add(later.key, case.key, by=1)
        assert agenda.items(meeting) == []
        assert [c.key for c in agenda.cases(later.key)] == [case.key]
        planning.find(meeting).state = MeetingState.AGENDA_ISSUED
        with pytest.raises(MeetingMoved, match="has been issued"):
            agenda.add(meeting, case.key, by=1)


def test_a_link_works_once_and_not_for_long(app: Flask, meeting: int) -> None:
    with app.app_context():
        person = attendance.add(meeting, Who("No account"))
        _, old = links.make(person.key, by=1)
        link, secret = links.make(person.key, by=1, address="x@example.org")
        assert links.delivery_of(link.key) == ("x@example.org", secret)
        assert secret not in link.token_hash
        with pytest.raises(LinkRefused):
            links.attendee_of(old)
        found, attendee = links.attendee_of(secret)
        assert attendee.key == person.key
        links.use(found)
        assert links.delivery_of(link.key) is None
        with pytest.raises(LinkRefused):
            links.attendee_of(secret)
        _, third = links.make(person.key, by=1)
        db.session.flush()
        db.session.execute(update(SignLink).values(expires_at=wall_now() - timedelta(seconds=1)))
        db.session.expire_all()
        with pytest.raises(LinkRefused):
            links.attendee_of(third)
