"""Whatever the text: a value or a typed error, never a crash; and what must hold between values."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from feel_grammar import EXPRESSIONS, SOUP, VARIABLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.feel import (
    Environment,
    FeelError,
    FeelSyntaxError,
    check,
    compile_expression,
    evaluate,
    from_json,
    from_python,
    kind,
    to_json,
    to_python,
    unary,
)
from app.feel.expression import Expression
from app.feel.holidays import add_working_days, is_bank_holiday, is_working_day, working_days_between

ENV = Environment(now=lambda: datetime(2026, 3, 31, 12, tzinfo=UTC))
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
EXAMPLES = int(os.environ.get("CONVENOR_EXAMPLES", "150"))


def attempt(text: str) -> Any:
    """The value, or None when the text is refused. Any other exception is a defect."""
    try:
        return evaluate(text, VARIABLES, ENV)
    except FeelError:
        return None


@given(EXPRESSIONS)
@settings(relaxed, max_examples=EXAMPLES)
def test_any_expression_has_a_value_or_a_typed_error(text: str) -> None:
    assert kind(attempt(text)) != "unknown"


@given(st.one_of(SOUP, st.text(max_size=60)))
@settings(relaxed, max_examples=EXAMPLES)
def test_any_text_is_an_expression_or_a_typed_error(text: str) -> None:
    attempt(text)
    refusal: FeelError | None = None
    try:
        unary(text, 1, VARIABLES, ENV)
    except FeelError as error:
        refusal = error
    if isinstance(refusal, FeelSyntaxError):
        assert 0 <= refusal.offset <= len(text)
        assert len(refusal.caret.splitlines()) >= 1
    assert refusal is None or refusal.message


@given(EXPRESSIONS)
@settings(relaxed, max_examples=EXAMPLES)
def test_the_static_check_and_the_diagnosis_never_fail(text: str) -> None:
    types = {"a": "number", "b": "string", "c": "boolean", "list": "list", "two words": "context"}
    for problem in check(text, types, expect="boolean"):
        assert problem.what
        assert problem.remedy
    try:
        diagnosis = Expression(text, VARIABLES).diagnose(VARIABLES, ENV)
    except FeelError:
        return
    assert diagnosis.value == attempt(text)


@given(EXPRESSIONS)
@settings(relaxed, max_examples=EXAMPLES)
def test_a_value_survives_storage(text: str) -> None:
    value = attempt(text)
    try:
        stored = to_json(value)
    except FeelError:
        return  # a function, or a value that is too large
    assert from_json(stored) == value


@given(EXPRESSIONS, EXPRESSIONS)
@settings(relaxed, max_examples=EXAMPLES)
def test_logic_is_symmetric(left: str, right: str) -> None:
    for word in ("and", "or"):
        both = []
        for text in (f"({left}) {word} ({right})", f"({right}) {word} ({left})"):
            try:
                both.append(evaluate(text, VARIABLES, ENV))
            except FeelError:
                return  # the budget of the two together, which short-circuiting may spare one of them
        assert both[0] is both[1]


DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)
PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**18), 10**18),
        DECIMALS,
        st.text(max_size=10),
        st.dates(),
        st.datetimes(timezones=st.just(UTC)),
        st.times(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=10,
)


@given(PLAIN)
@settings(relaxed, max_examples=EXAMPLES)
def test_python_values_come_back_unchanged(value: Any) -> None:
    assert to_python(from_python(value)) == value
    assert to_python(from_json(to_json(value))) == value


@given(st.timedeltas(min_value=timedelta(days=-10_000), max_value=timedelta(days=10_000)))
@settings(relaxed, max_examples=EXAMPLES)
def test_a_duration_as_text_is_the_same_duration(span: timedelta) -> None:
    assert evaluate("duration(string(d)) = d", {"d": span}) is True


@given(DECIMALS, DECIMALS)
@settings(relaxed, max_examples=EXAMPLES)
def test_numbers_calculate_like_decimals(a: Decimal, b: Decimal) -> None:
    assert evaluate("a + b - b = a", {"a": a, "b": b}) is True
    assert evaluate("a > b", {"a": a, "b": b}) is (a > b)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(-400, 400))
@settings(relaxed, max_examples=EXAMPLES)
def test_dates_calculate_like_dates(day: date, days: int) -> None:
    moved = evaluate('d + duration("P1D") * n', {"d": day, "n": days})
    assert to_python(moved) == day + timedelta(days=days)
    assert evaluate("d.weekday", {"d": day}) == day.isoweekday()
    assert evaluate("week of year(d)", {"d": day}) == day.isocalendar().week


@given(st.dates(date(2020, 1, 1), date(2027, 12, 31)), st.integers(1, 30))
@settings(relaxed, max_examples=60)
def test_working_days_add_up(day: date, count: int) -> None:
    end = add_working_days(day, count, is_bank_holiday)
    assert is_working_day(end, is_bank_holiday)
    assert working_days_between(day, end, is_bank_holiday) == count
    assert add_working_days(day, count, is_bank_holiday) > add_working_days(day, count - 1, is_bank_holiday)


@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(-100_000, 100_000))
@settings(relaxed, max_examples=EXAMPLES)
def test_instants_move_by_exactly_their_duration(moment: datetime, seconds: int) -> None:
    text = "date and time(m, zone) + duration(span) - date and time(m, zone)"
    span = to_python(from_python(timedelta(seconds=seconds)))
    variables = {"m": moment, "zone": "Europe/London", "span": span}
    assert to_python(evaluate(text, variables)) == span


@given(st.text(max_size=20), st.text(alphabet="ab.*+?()[]{}^$|\\-dwsp1,", max_size=15))
@settings(relaxed, max_examples=EXAMPLES)
def test_any_pattern_matches_or_is_refused(text: str, pattern: str) -> None:
    assert evaluate("matches(t, p)", {"t": text, "p": pattern}) in (True, False, None)


def test_a_time_of_day_wraps_at_midnight() -> None:
    assert to_python(evaluate('t + duration("PT2H")', {"t": time(23)})) == time(1)


FUZZ = """
import sys
sys.path[:0] = {path!r}
import atheris
with atheris.instrument_imports(include=["app.feel"]):
    from app.feel import FeelError, compile_expression, compile_unary_tests, to_json, check

def one(data):
    text = atheris.FuzzedDataProvider(data).ConsumeUnicodeNoSurrogates(400)
    try:
        value = compile_expression(text, frozenset(["two words"])).evaluate({{"a": 1, "two words": [1, 2]}})
        to_json(value)
    except FeelError:
        pass
    try:
        compile_unary_tests(text).matches(1, {{}})
    except FeelError:
        pass
    check(text, {{"a": "number"}})

atheris.Setup([sys.argv[0], "-max_total_time={seconds}", "-timeout=5", "-verbosity=0", "-seed=1", {corpus!r}], one)
atheris.Fuzz()
"""


def test_the_fuzzer_finds_no_crash(tmp_path: Any) -> None:
    """Coverage-guided fuzzing for a bounded time; CONVENOR_FUZZ_SECONDS makes it longer."""
    import subprocess

    pytest.importorskip("atheris")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, text in enumerate(
        ("1 + a", "[1..2]", "for x in a return x", '@"P1D"', "{a: 1}.a", 'matches("a", "(b|c)+")', "not(> 3, 4)")
    ):
        (corpus / str(number)).write_text(text)
    seconds = int(os.environ.get("CONVENOR_FUZZ_SECONDS", "5"))
    script = tmp_path / "fuzz.py"
    script.write_text(FUZZ.format(path=sys.path, seconds=seconds, corpus=str(corpus)))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_an_expression_is_safe_in_several_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    expression = compile_expression("sum(for i in 1..50 return i * n) / n")
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda n: expression.evaluate({"n": n}), range(1, 200)))
    assert set(values) == {Decimal(1275)}
