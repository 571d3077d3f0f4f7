"""The diagrams' expressions: everything this room asks of FEEL, in one place.

Text that begins with ``=`` is FEEL, everything else is itself (the rule of the dialect).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from app import feel
from app.feel.convert import to_datetime
from app.feel.temporal import Date, DateTime, DayTimeDuration, Time, YearMonthDuration
from app.feel.temporal_text import iso, parse_date, parse_date_time, parse_duration
from app.feel.values import kind
from app.runtime.errors import Fault

LONDON = ZoneInfo("Europe/London")
DAY_SECONDS = 86_400
FIRST_YEAR = 2
LAST_YEAR = 9998
LONGEST_SHOWN = 200
_ABSENT = object()
_WEEKS = re.compile(r"(-?)P(\d{1,6})W", re.A)
_CYCLE = re.compile(r"R(\d{0,9})/(.+)", re.A)


def is_expression(text: str | None) -> bool:
    return text is not None and text.startswith("=")


def shown(text: str) -> str:
    """A text of a diagram for a sentence: not all of it when it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def evaluate(text: str, variables: Any, env: feel.Environment, names: frozenset[str] = frozenset()) -> Any:
    """The FEEL value of a text of the dialect.

    :raises Fault: the expression cannot be read, went over its budget, or gave what no variable can hold.
    """
    value = _worked_out(text, variables, env, names)
    if holds_function(value):
        raise Fault(
            f"The expression {shown(text)} gave a function, which no variable can hold. Call it, with its arguments in brackets.",
            details={"expression": text},
        )
    return value


def _worked_out(text: str, variables: Any, env: feel.Environment, names: frozenset[str]) -> Any:
    if not text.startswith("="):
        return text
    try:
        return feel.compile_expression(text[1:], names).evaluate(variables, env)
    except feel.FeelError as error:
        raise Fault(f"The expression {shown(text)} failed: {error.message}", details={"expression": text}) from error


def explain(text: str, variables: Any, env: feel.Environment, names: frozenset[str] = frozenset()) -> list[str]:
    """Why an expression gave null: one sentence for each reason found. Never values."""
    try:
        diagnosis = feel.compile_expression(text.removeprefix("="), names).diagnose(variables, env)
    except feel.FeelError as error:
        return [error.message]
    return [note.text for note in diagnosis.notes]


def condition(text: str, variables: Any, env: feel.Environment, names: frozenset[str] = frozenset()) -> bool:
    """A condition: true or false and nothing else.

    :raises Fault: null or another kind of value; the details hold the expression, what it gave and why.
    """
    value = _worked_out(text, variables, env, names)
    if isinstance(value, bool):
        return value
    raise Fault(
        f"The condition {shown(text)} gave {article(kind(value))} instead of true or false.",
        kind="CONDITION",
        details={
            "expression": text,
            "gave": kind(value),
            "saw": _seen(text, variables, names),
            "why": explain(text, variables, env, names),
        },
    )


def tell(details: dict[str, Any], variables: Any, env: feel.Environment, names: frozenset[str] = frozenset()) -> None:
    """Add to the details of an incident what its expression read (types, never values) and why it gave what it gave."""
    text = details.get("expression")
    if not isinstance(text, str) or not is_expression(text) or "saw" in details:
        return
    try:
        details["saw"] = _seen(text, variables, names)
        why = explain(text, variables, env, names)
    except feel.FeelError:
        return
    if why:
        details.setdefault("why", why)


def _seen(text: str, variables: Any, names: frozenset[str]) -> dict[str, str]:
    """The variables that an expression read and what kind of value each held: incidents are read by people who may not
    see the case."""
    read = feel.compile_expression(text.removeprefix("="), names).free_names()
    held = {name: variables.get(name, _ABSENT) for name in sorted(read - {"params"})}
    return {name: "not set" if value is _ABSENT else kind(feel.from_python(value)) for name, value in held.items()}


def article(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


# ------------------------------------------------------------------------------------------------ time
def instant_of(value: Any, what: str) -> datetime:
    """The instant that a date, a date and time, or its ISO text means.

    A date is the end of that day in London; a date and time without an offset is London's.

    :raises Fault: it is neither.
    """
    if isinstance(value, str):
        value = parse_date(value) or parse_date_time(value)
    if isinstance(value, Date):
        value = DateTime(value, Time(23, 59, Decimal(59), None))
    if not isinstance(value, DateTime):
        raise Fault(f"{what} gave {article(kind(value))} instead of a date or a date and time.", kind="TIMER")
    try:
        at = to_datetime(value)
        return within_calendar((at if at.tzinfo is not None else at.replace(tzinfo=LONDON)).astimezone(UTC))
    except (feel.FeelError, OverflowError, ValueError) as error:
        raise Fault(f"{what} gave a time beyond the calendar.", kind="TIMER") from error


def within_calendar(at: datetime) -> datetime:
    """The instant, if databases and pages can show it in every time zone.

    :raises OverflowError: it lies before the year 2 or after the year 9998.
    """
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise OverflowError("beyond the calendar")
    return at


def duration_of(value: Any, what: str) -> DayTimeDuration | YearMonthDuration:
    """The duration itself or its ISO text, which may count weeks.

    :raises Fault: it is neither.
    """
    found = parse_duration(value) or _weeks(value) if isinstance(value, str) else value
    if isinstance(found, DayTimeDuration | YearMonthDuration):
        return found
    raise Fault(f"{what} gave {article(kind(value))} instead of a duration.", kind="TIMER")


def _weeks(text: str) -> DayTimeDuration | None:
    """``P2W``: ISO 8601 has weeks, FEEL has not."""
    found = _WEEKS.fullmatch(text)
    return DayTimeDuration(Decimal(f"{found[1]}{found[2]}") * 7 * DAY_SECONDS) if found else None


def later(at: datetime, by: DayTimeDuration | YearMonthDuration) -> datetime:
    """An instant some time later. Whole days, months and years are London days on the same wall time, a month
    clipping to its last day; other durations run on the clock."""
    local = at.astimezone(LONDON)
    if isinstance(by, YearMonthDuration):
        day = Date(local.year, local.month, local.day).plus_months(int(by.months))
        return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)
    seconds = by.seconds
    if seconds % DAY_SECONDS == 0:
        return (local + timedelta(days=int(seconds) // DAY_SECONDS)).astimezone(UTC)
    return at + timedelta(microseconds=int(seconds * 1_000_000))


def cycle_of(value: Any, what: str) -> tuple[int, DayTimeDuration | YearMonthDuration]:
    """``R3/PT1H`` to (3, one hour); -1 repeats without end. A duration (not its text) repeats without end.

    :raises Fault: not a cycle, or one that repeats no times or faster than every second.
    """
    if isinstance(value, str):
        found = _CYCLE.fullmatch(value)
        if found is None:
            raise Fault(f"{what} gave a string that is not a cycle such as R3/PT1H.", kind="TIMER")
        if found[1] and int(found[1]) == 0:
            raise Fault(f"{what} repeats no times at all.", kind="TIMER")
        return (int(found[1]) if found[1] else -1), _period(duration_of(found[2], what), what)
    if isinstance(value, DayTimeDuration | YearMonthDuration):
        return -1, _period(value, what)
    raise Fault(f"{what} gave {article(kind(value))} that is not a cycle such as R3/PT1H.", kind="TIMER")


def _period(duration: DayTimeDuration | YearMonthDuration, what: str) -> DayTimeDuration | YearMonthDuration:
    amount = duration.seconds if isinstance(duration, DayTimeDuration) else duration.months
    if amount <= 0:
        raise Fault(f"{what} repeats after no time at all.", kind="TIMER")
    if amount < 1:
        raise Fault(f"{what} repeats more than once a second.", kind="TIMER")
    return duration


def next_turn(at: datetime, every: DayTimeDuration | YearMonthDuration, now: datetime) -> datetime:
    """The first turn of an endless cycle after now, counted from the turn at ``at``: it does not make up for those it
    slept through."""
    found = later(at, every)
    if found <= now and isinstance(every, DayTimeDuration) and every.seconds % DAY_SECONDS:
        period = timedelta(microseconds=int(every.seconds * 1_000_000))
        return found + period * ((now - found) // period + 1)
    while found <= now:
        found = later(found, every)
    return found


# ------------------------------------------------------------------------------------------------ values
def holds_function(value: Any) -> bool:
    """Whether a value is a function or has one inside: it can be called, and neither kept nor told."""
    if isinstance(value, list):
        return any(map(holds_function, value))
    if isinstance(value, dict):
        return any(map(holds_function, value.values()))
    return isinstance(value, feel.Function)


def to_plain(value: Any) -> Any:
    """Ordinary JSON for pages and the API: numbers as numbers, times as ISO text, ranges as FEEL writes them. Keys of eighteen
    digits stay whole; a number that no other tool could read (beyond 1E+308) is told as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, feel.Function):
        return None
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in value.items()}
    if isinstance(value, feel.Range):
        return feel.evaluate("string(range)", {"range": value})
    return iso(value)


def _number(value: Decimal) -> int | float | str:
    if abs(value) < 2**63 and value == value.to_integral_value():
        return int(value)
    told = float(value)
    return told if isfinite(told) else str(value)


def kinds_of(variables: Mapping[str, Any]) -> dict[str, str]:
    """The types of variables, for an incident: names and kinds, never values."""
    return {name: kind(value) for name, value in variables.items()}
