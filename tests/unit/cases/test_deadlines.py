"""A deadline is a fact: set once, moved only by a recorded decision, re-armed in the same transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.cases import deadlines, timeline
from app.cases.dossiers import open_case, open_dossier
from app.cases.errors import UnknownDeadline
from app.cases.models import DossierKind
from app.store.clock import business_now


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


def test_what_is_no_longer_needed_lapses_and_what_was_done_stays_done(app: Flask) -> None:
    with app.app_context():
        case = open_case(1, "marac-case", by=1, agency_key=None)
        deadlines.record(case.key, "research-5", business_now(), rule="r")
        deadlines.record(case.key, "triage", business_now(), rule="r")
        deadlines.meet(case.key, "triage")
        deadlines.lapse(case.key, "research-5")
        deadlines.lapse(case.key, "triage")
        assert [d.name for d in deadlines.in_force(case.key)] == ["triage"]
