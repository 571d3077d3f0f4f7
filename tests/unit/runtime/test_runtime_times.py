"""Timers: what they may be written as, when they are due, and how often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from runtime_kit import Clock, Play, boundary, doc, el, end, esp, flow, line, sub, timer, user

from app.feel.temporal_text import parse_duration
from app.problems import Severity
from app.runtime.checker import check_bpmn
from app.runtime.errors import Fault
from app.runtime.language import cycle_of, duration_of, instant_of, later, next_turn

LONG = "9" * 5000


def refusals(xml: bytes) -> list[tuple[str, str]]:
    found = check_bpmn(xml, "f.bpmn", allow_undeclared=True)
    assert all(p.remedy for p in found)
    return [(p.element_id, p.what) for p in found if p.severity is Severity.ERROR]


def waiting(kind: str, text: str) -> bytes:
    if kind != "Cycle":
        return doc(el("intermediateCatchEvent", "x", inner=timer(kind, text)) + line("x"))
    return doc(user("a") + boundary("x", "a", timer(kind, text), False) + user("n") + line("a") + flow("x", "n"))


BAD = [
    ("Cycle", "R0/PT1H", "repeats no times at all"),
    ("Cycle", f"R{LONG}/PT1H", "not a cycle"),
    ("Cycle", "R²/PT1H", "not a cycle"),
    ("Cycle", "R-1/PT1H", "not a cycle"),
    ("Cycle", "R/PT0.000001S", "more than once a second"),
    ("Cycle", "R3/PT0S", "after no time at all"),
    ("Cycle", "R3/-PT1H", "after no time at all"),
    ("Cycle", "R/P99999999Y", "beyond the calendar"),
    ("Cycle", f"R3/PT{LONG}S", "instead of a duration"),
    ("Cycle", "R3/2026-04-27T17:20:00Z/P1D", "instead of a duration"),
    ("Cycle", "R/PT1H/PT2H", "instead of a duration"),
    ("Cycle", "0 0 9-17 * * MON-FRI", "not a cycle"),
    ("Cycle", "* " * 100_000, "not a cycle"),
    ("Cycle", "@daily", "not a cycle"),
    ("Cycle", "PT1H", "not a cycle"),
    ("Duration", "P99999999Y", "beyond the calendar"),
    ("Duration", f"P{LONG}D", "instead of a duration"),
    ("Duration", "P999999999D", "beyond the calendar"),
    ("Duration", "P1Y2M3DT4H", "instead of a duration"),
    ("Duration", "soon", "instead of a duration"),
    ("Duration", "R3/PT1H", "instead of a duration"),
    ("Date", "9999-12-31T23:59:59-14:00", "beyond the calendar"),
    ("Date", "9999-12-31", "beyond the calendar"),
    ("Date", "999999999-12-31", "beyond the calendar"),
    ("Date", "0000-01-01", "beyond the calendar"),
    ("Date", "-99999-01-01T00:00:00", "beyond the calendar"),
    ("Date", "2026-02-30", "instead of a date"),
    ("Date", "2019-10-02T08:09:40+02:00[Europe/Berlin]", "instead of a date"),
    ("Date", "x" * 100_000, "instead of a date"),
]


@pytest.mark.parametrize(("kind", "text", "what"), BAD, ids=lambda value: value[:20])
def test_a_time_that_is_none_is_refused_and_at_run_time_an_incident(kind: str, text: str, what: str) -> None:
    found = refusals(waiting(kind, text))
    assert [element for element, _ in found] == ["x"]
    assert what in found[0][1]
    assert len(found[0][1]) < 400
    worked_out = Play(waiting(kind, f'="{text}"'))
    assert len(worked_out.incidents) == 1
    assert len(text) > 20_000 or what in worked_out.incidents[0]
    assert len(worked_out.incidents[0]) < 600


@pytest.mark.parametrize(
    "expression",
    [
        'now() + duration("P99999999Y")',
        'now() + duration("P9999999D")',
        'date("999999999-01-01")',
        'date and time("9999-12-31T23:59:59.9999Z")',
        'date("0001-01-01") - duration("P9Y")',
        "null",
        "1",
        "[now()]",
        'time("09:00:00")',
    ],
)
def test_a_date_that_is_worked_out_wrongly_is_an_incident(expression: str) -> None:
    play = Play(waiting("Date", f"={expression}"))
    assert (len(play.incidents), play.due) == (1, None)


@pytest.mark.parametrize(
    ("kind", "text", "due"),
    [
        ("Duration", "PT15S", "2026-01-05T09:00:15+00:00"),
        ("Duration", "P14DT1H30M", "2026-01-19T10:30:00+00:00"),
        ("Duration", "P2W", "2026-01-19T09:00:00+00:00"),
        ("Duration", "P1Y2M", "2027-03-05T09:00:00+00:00"),
        ("Duration", '=duration("P1D") * 2', "2026-01-07T09:00:00+00:00"),
        ("Duration", '=if true then "PT1H" else "PT2H"', "2026-01-05T10:00:00+00:00"),
        ("Date", "=now() + @\"PT90M\"", "2026-01-05T10:30:00+00:00"),
        ("Date", '=date and time("2026-07-01T09:00:00@Europe/Paris")', "2026-07-01T07:00:00+00:00"),
        ("Date", "2026-07-01T09:00:00+02:00", "2026-07-01T07:00:00+00:00"),
        ("Cycle", "R/P1W", "2026-01-12T09:00:00+00:00"),
        ("Cycle", '="R" + string(2 + 1) + "/PT1H"', "2026-01-05T10:00:00+00:00"),
        ("Cycle", '=duration("PT1H")', "2026-01-05T10:00:00+00:00"),
    ],
)  # fmt: skip
def test_times_as_text_and_as_expressions(kind: str, text: str, due: str) -> None:
    assert refusals(waiting(kind, text)) == []
    play = Play(waiting(kind, text))
    assert (play.due, play.incidents) == (due, [])


@pytest.mark.parametrize(
    ("kind", "text"), [("Duration", "PT0S"), ("Duration", "-PT1H"), ("Date", "2019-10-01T12:00:00Z")]
)
def test_what_is_past_already_fires_at_once(kind: str, text: str) -> None:
    assert Play(waiting(kind, text)).clean


@pytest.mark.parametrize(
    ("begin", "text", "due"),
    [
        ("2026-10-24T08:00:00+00:00", "P1D", "2026-10-25T09:00:00+00:00"),  # the clocks go back
        ("2026-10-24T08:00:00+00:00", "PT24H", "2026-10-25T09:00:00+00:00"),
        ("2026-10-24T08:00:00+00:00", "PT25H", "2026-10-25T09:00:00+00:00"),
        ("2026-03-28T09:00:00+00:00", "P1D", "2026-03-29T08:00:00+00:00"),  # and forward
        ("2026-03-28T01:30:00+00:00", "P1D", "2026-03-29T01:30:00+00:00"),  # to a time that does not exist
        ("2026-01-31T09:00:00+00:00", "P1M", "2026-02-28T09:00:00+00:00"),
        ("2028-02-29T09:00:00+00:00", "P1Y", "2029-02-28T09:00:00+00:00"),
    ],
)
def test_days_are_london_days_and_months_clip(begin: str, text: str, due: str) -> None:
    assert Play(waiting("Duration", text), clock=Clock(begin)).due == due


# ------------------------------------------------------------------------------------------------ cycles
def test_a_counted_cycle_fires_as_often_as_it_says() -> None:
    play = Play(waiting("Cycle", "R3/PT1H"))
    for hour in range(1, 6):
        play.later(hours=1)
        play.reload()
        assert play.names().count("n") == min(hour, 3)
    assert play.due is None


def test_a_counted_cycle_makes_up_for_what_it_slept_through() -> None:
    play = Play(waiting("Cycle", "R3/PT1H"))
    play.later(hours=2, minutes=10)
    assert (play.names().count("n"), play.due) == (2, "2026-01-05T12:00:00+00:00")
    play.later(days=9)
    assert (play.names().count("n"), play.due) == (3, None)


def test_a_cycle_ends_with_its_activity() -> None:
    play = Play(waiting("Cycle", "R/PT1H"))
    play.later(hours=1)
    play.do("a")
    assert (play.names(), play.due) == (["n"], None)


@pytest.mark.parametrize("text", ["R/PT1S", "R/P1D", "R/P1M", "R/PT36H"])
def test_an_endless_cycle_that_slept_for_thirty_years_goes_on_with_its_next_turn(text: str) -> None:
    play = Play(waiting("Cycle", text))
    play.clock.at = datetime(2056, 6, 1, 12, 30, 0, 500_000, tzinfo=UTC)
    play.wf.advance()
    assert play.names() == ["a", "n"]
    assert play.due is not None
    assert play.clock.at < datetime.fromisoformat(play.due) <= play.clock.at + timedelta(days=31)


def test_a_cycle_of_a_thousand_million_turns_that_slept_is_stopped_by_the_budget() -> None:
    """Ten thousand steps, then an incident that says so; the rest waits."""
    play = Play(
        doc(
            user("a")
            + boundary("x", "a", timer("Cycle", "R999999999/PT1S"), False)
            + el("task", "n")
            + line("a")
            + flow("x", "n")
        )
    )
    play.later(days=1)
    assert play.incidents == ["The process took more than 10,000 steps without waiting."]
    assert "a" in play.names()


@pytest.mark.parametrize("every", ["PT1H", "PT90M", "P1D", "P2W", "P1M", "PT36H", "PT1S"])
def test_the_next_turn_is_the_one_that_counting_finds(every: str) -> None:
    period, at = duration_of(every, "It"), datetime(2026, 3, 27, 9, 30, tzinfo=UTC)
    for ahead in (0, 1, 3599, 3600, 86_400):
        now, counted = at + timedelta(seconds=ahead), later(at, period)
        while counted <= now:
            counted = later(counted, period)
        assert next_turn(at, period, now) == counted


def test_cycles_and_durations_from_values() -> None:
    hour = parse_duration("PT1H")
    assert cycle_of("R12/PT1H", "It") == (12, hour)
    assert cycle_of("R/PT1H", "It") == cycle_of(hour, "It") == (-1, hour)
    for wrong in (None, True, "R/", "R1/", "/PT1H", ""):
        with pytest.raises(Fault):
            cycle_of(wrong, "It")
    with pytest.raises(Fault, match="a boolean instead of a date"):
        instant_of(True, "It")


# ------------------------------------------------------------------------------------------------ where they stand
def test_timers_of_an_event_sub_process_in_a_sub_process_belong_to_it() -> None:
    inner = el("startEvent", "is") + user("w") + end("ie") + flow("is", "w", "ie")
    inner += esp("es", timer("Cycle", "R2/PT1H"), False)
    play = Play(doc(sub("sp", inner) + user("z") + line("sp", "z")))
    for _ in range(3):
        play.later(hours=1)
        play.reload()
    assert play.names() == ["es_u", "es_u", "w"]
    play.do("w")
    play.do("es_u")
    assert play.names() == ["es_u"]
    play.do("es_u")
    assert (play.names(), play.due) == (["z"], None)


def test_several_timers_on_one_activity_each_keep_their_own_time() -> None:
    events = boundary("b1", "a", timer("Duration", "PT1H"), False) + boundary(
        "b2", "a", timer("Cycle", "R2/PT90M"), False
    )
    events += boundary("b3", "a", timer("Duration", "PT4H")) + user("n1") + user("n2") + user("n3")
    play = Play(doc(user("a") + events + line("a") + flow("b1", "n1") + flow("b2", "n2") + flow("b3", "n3")))
    seen = []
    for _ in range(4):
        play.later(hours=1)
        play.reload()
        seen.append(play.names())
    assert seen[0] == ["a", "n1"]
    assert seen[1] == ["a", "n1", "n2"]
    assert seen[2] == ["a", "n1", "n2", "n2"]
    assert seen[3] == ["n1", "n2", "n2", "n3"]
