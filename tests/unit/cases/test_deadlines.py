"""A deadline is a fact: set once, moved only by a recorded decision, re-armed in the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from app.cases import deadlines, timeline
from app.cases.dossiers import open_case, open_dossier
from app.cases.errors import UnknownDeadline
from app.cases.models import Deadline, DossierKind
from app.store.clock import LONDON, business_now
from app.store.database import db
from app.store.remembering import waited


def test_a_case_falls_back_on_the_meeting_it_is_listed_for(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        meeting = open_dossier(DossierKind.MEETING, 1)
        at = business_now() + timedelta(days=5)
        deadlines.record(meeting.key, "researchDue", at, rule="r")
        assert deadlines.lookup(case.key, None, "researchDue") is None
        case.meeting_key = meeting.key
        assert deadlines.lookup(case.key, None, "researchDue") == at
        own = at + timedelta(days=1)
        deadlines.record(case.key, "researchDue", own, rule="its own")
        assert deadlines.lookup(case.key, None, "researchDue") == own


def test_a_deadline_just_set_reads_as_it_will_read_tomorrow(app: Flask) -> None:
    """An expression sees the offset of what it is given, so that it must not change with the transaction."""
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        deadlines.record(case.key, "review", datetime(2026, 6, 30, tzinfo=LONDON), rule="r")
        now = deadlines.lookup(case.key, None, "review")
        key = case.key
        db.session.commit()
        db.session.remove()
        assert str(deadlines.lookup(key, None, "review")) == str(now) == "2026-06-29 23:00:00+00:00"


def test_moving_is_recorded_with_its_reason_and_re_arms(app: Flask) -> None:
    rearmed: list[tuple[int, str]] = []
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        first = deadlines.record(case.key, "action-1", business_now(), rule="rule", parameter="p", source="s")
        later = business_now() + timedelta(days=2)
        moved = deadlines.move(
            case.key, "action-1", later, by=9, reason="The fitter is ill", rearm=lambda d, n: rearmed.append((d, n))
        )
        assert rearmed == [(case.key, "action-1")]
        assert (moved.due_at, moved.rule, moved.moved_from, moved.set_by) == (later, "rule", first.key, 9)
        assert first.superseded_at is not None
        assert deadlines.reason_of(moved) == "The fitter is ill"
        assert b"fitter" not in (moved.reason or b"")
        assert timeline.events(case.key)[0].kind == "deadline-moved"
        assert [d.key for d in deadlines.in_force(case.key)] == [moved.key]


def test_only_what_is_in_force_can_be_moved(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        with pytest.raises(UnknownDeadline):
            deadlines.move(case.key, "none", business_now(), by=1, reason="", rearm=lambda d, n: None)


def test_what_was_asked_for_is_met_once(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        row = deadlines.record(case.key, "triage", business_now(), rule="r")
        deadlines.meet(case.key, "triage")
        met = row.met_at
        deadlines.meet(case.key, "triage")
        assert row.met_at == met == business_now()


def test_a_task_that_is_given_back_opens_its_deadline_again(app: Flask) -> None:
    with app.app_context():
        meeting = open_dossier(DossierKind.MEETING, 1)
        at = business_now() + timedelta(days=5)
        deadlines.record(meeting.key, "minutesDue", at, rule="agreed", parameter="p", source="s", by=3)
        later = at + timedelta(days=1)
        moved = deadlines.move(meeting.key, "minutesDue", later, by=9, reason="Ill", rearm=lambda d, n: None)
        entered = {"rule": '=deadline("minutesDue")', "parameter": "", "source": "the task's"}
        deadlines.enter(None, meeting.key, "minutesDue", later, **entered)
        assert deadlines.current(meeting.key, "minutesDue") is moved, "it says so already"
        deadlines.meet(meeting.key, "minutesDue")
        deadlines.enter(None, meeting.key, "minutesDue", later, **entered)
        (row,) = deadlines.in_force(meeting.key)
        assert (row.met_at, row.due_at, row.rule, row.set_by) == (None, later, "agreed", 9)
        assert (row.moved_from, deadlines.reason_of(row)) == (moved.moved_from, "Ill")
        assert moved.met_at is not None


def test_what_is_no_longer_needed_lapses_and_what_was_done_stays_done(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        deadlines.record(case.key, "research-5", business_now(), rule="r")
        deadlines.record(case.key, "triage", business_now(), rule="r")
        deadlines.meet(case.key, "triage")
        deadlines.lapse(case.key, "research-5")
        deadlines.lapse(case.key, "triage")
        assert [d.name for d in deadlines.in_force(case.key)] == ["triage"]


def test_what_others_set_while_an_instance_was_waited_for_is_seen(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        at = business_now() + timedelta(days=5)
        assert deadlines.lookup(case.key, None, "theirs") is None
        mine = deadlines.record(case.key, "mine", at, rule="r")
        theirs = {"key": 1, "dossier_key": case.key, "name": "theirs", "due_at": at, "rule": "r", "set_at": at}
        db.session.connection().execute(insert(Deadline.__table__), {**theirs, "parameter": "", "source": ""})
        assert deadlines.lookup(case.key, None, "theirs") is None, "read once"
        waited()
        assert deadlines.lookup(case.key, None, "theirs") == at
        assert getattr(deadlines.current(case.key, "mine"), "key", None) == mine.key
