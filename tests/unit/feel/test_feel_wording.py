"""Rules in words."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from app.feel.wording import Wording, spaced, span_in_words, time_in_words

PROCESSES = Path(__file__).parents[3] / "processes"
KNOWN = {
    "minutesDueWorkingDays": "5",
    "researchDueWorkingDays": "1",
    "researchDueTime": "12:00:00",
    "agendaLeadTime": "P8D",
    "triageWorkingDays": "1",
    "flagDuration": "P12M",
    "closeOfWorkingDay": "17:00:00",
}
WORDING = Wording(
    KNOWN, lambda name: {"meetingStart": "the meeting"}.get(name, f"“{name}”"), "2 March", "2 March at 9am"
)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            'add working days(date(deadline("meetingStart")), params.minutesDueWorkingDays)',
            "5 working days after the meeting",
        ),
        ("add working days(today(), params.triageWorkingDays)", "1 working day after 2 March"),
        ('=deadline("meetingStart") - params.agendaLeadTime', "8 days before the meeting"),
        ('=add days(deadline("meetingStart"), -params.agendaLeadTime)', "8 days before the meeting"),
        ("add days(today(), 1)", "1 day after 2 March"),
        (
            'date and time(add working days(date(deadline("meetingStart")), -params.researchDueWorkingDays), '
            "params.researchDueTime)",
            "1 working day before the meeting, at midday",
        ),
        ('deadline("minutesDue")', "the same moment as “minutesDue”"),
        ('date(deadline("meetingStart"))', "the day of the meeting"),
        ("today() + params.flagDuration", "1 year after 2 March"),
        ('now() + duration("PT4H")', "4 hours after 2 March at 9am"),
        ("reviewDate", "the review date"),
        ('deadline("action-" + actionId) - duration("P1D")', "1 day before “action-”"),
        ("next working day(today())", "1 working day after 2 March"),
    ],
)
def test_the_shapes_of_our_rules(rule: str, said: str) -> None:
    assert WORDING.of(rule) == said


def test_of_two_moments_the_one_whose_parameters_were_read() -> None:
    rule = "if emergency = true then now() + params.emergencyTriage else add working days(today(), params.triageWorkingDays)"
    assert WORDING.of(rule) == "1 working day after 2 March"
    assert Wording({"emergencyTriage": "PT1H"}).of(rule) == "1 hour after the moment it was set"
    assert Wording().of(rule) == (
        "a set time after the moment it was set if “emergency” is yes, "
        "otherwise a set number of working days after the day it was set"
    )
    chosen = 'if slot.kind = "EMERGENCY_MEETING" then today() else reviewDate'
    assert WORDING.of(chosen) == "2 March if “kind” of slot is “emergency meeting”, otherwise the review date"
    unsayable = "if count(people) > 2 then today() else reviewDate"
    assert WORDING.of(unsayable) == "2 March or, when that is not possible, the review date"


def test_the_later_of_two_moments_and_halfway() -> None:
    late = 'max(deadline("meetingStart") - duration("PT1H"), now() + (deadline("meetingStart") - now()) / 2)'
    meeting = "the meeting"
    assert WORDING.of(late) == (
        f"1 hour before {meeting} or halfway between {WORDING.of('now()')} and {meeting}, whichever is later"
    )
    assert WORDING.of("min(today(), reviewDate)") == "2 March or the review date, whichever is earlier"


@pytest.mark.parametrize("rule", ["x > 3", "now() * 2", "1 +", "", "now() + (deadline(x) - now()) * params.share"])
def test_other_shapes_have_no_words(rule: str) -> None:
    assert WORDING.of(rule) is None


def test_every_due_date_of_our_diagrams_has_words() -> None:
    found = {
        html.unescape(rule)
        for file in PROCESSES.glob("*/*.bpmn")
        for rule in re.findall(r'dueDate="(=[^"]*)"', file.read_text())
    }
    assert len(found) > 30
    assert [rule for rule in sorted(found) if WORDING.of(rule) is None] == []


def test_spans_times_and_names() -> None:
    assert [span_in_words(t) for t in ("P1D", "PT90M", "P10Y", "P18M", "-P2D", "soon")] == [
        "1 day",
        "1 hour and 30 minutes",
        "10 years",
        "18 months",
        "2 days",
        "soon",
    ]
    assert [time_in_words(t) for t in ("09:00", "17:30:00", "00:00", "12:00:00", "later")] == [
        "9am",
        "5:30pm",
        "midnight",
        "midday",
        "later",
    ]
    assert spaced("riskReviewDue") == "risk review due"
