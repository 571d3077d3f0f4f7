"""Values keep their types through a save, states say their version, declared types admit what they should."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from runtime_kit import Play, doc, line, user

from app import feel
from app.runtime import codec
from app.runtime.declarations import Declarations, declarations_of, parse_type
from app.runtime.errors import UnreadableState, VariableRefused
from app.runtime.language import to_plain

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
    st.integers(-(2**60), 2**60),
    st.dates(),
    st.datetimes(timezones=st.just(None)),
    st.timedeltas(),
)
NAMES = st.text(string.ascii_letters + "$", min_size=1, max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@given(VALUES)
def test_values_come_back_as_they_were(value: Any) -> None:
    found = feel.from_python(value)
    assert codec.unpack(orjson.loads(orjson.dumps(codec.pack(found)))) == found


def test_whole_numbers_are_short_and_others_exact() -> None:
    assert codec.pack(Decimal(7)) == 7
    assert codec.pack(Decimal("7.10")) == {"$": "number", "v": "7.10"}
    assert codec.pack(Decimal(2**60)) == {"$": "number", "v": str(2**60)}
    assert codec.unpack(7) == Decimal(7)


def test_a_state_of_another_version_is_refused() -> None:
    play = Play(doc(user("a") + line("a")))
    state = codec.state_of(play.wf)
    state[0] = 99
    blob = zstandard.ZstdCompressor().compress(orjson.dumps(state))
    with pytest.raises(UnreadableState, match="version 99"):
        codec.loads(blob, play.release, "p", play.host)


def test_variables_are_read_without_restoring_the_instance() -> None:
    play = Play(doc(user("a") + line("a")), {"n": 1, "d": None})
    assert codec.root_variables(codec.dumps(play.wf), play.release, "p") == {"n": Decimal(1), "d": None}


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("boolean", True, "true"),
        ("number", 1.5, "1"),
        ("string", "x", 1),
        ("date", "2026-01-31", "2026-02-31"),
        ("time", "12:00:00", "noon"),
        ("date and time", "2026-01-31T09:00:00Z", "31 January"),
        ("duration", "P8D", "8 days"),
        ("id", "123", "abc"),
        ("id", 123, True),
        ("list", [1], {"a": 1}),
        ("context", {"a": 1}, [1]),
        ("enum(YES|NO)", "YES", "MAYBE"),
    ],
)
def test_a_declared_type_takes_its_own_and_refuses_others(type_: str, good: Any, bad: Any) -> None:
    declared = declarations_of({"variable:v": type_})
    declared.admit("v", good)
    assert declared.admit("v", None) is None
    with pytest.raises(VariableRefused) as refused:
        declared.admit("v", bad)
    assert refused.value.message.startswith("The variable v ")


def test_dates_given_as_text_become_dates() -> None:
    declared = declarations_of({"variable:d": "date", "basis": "x"})
    assert to_plain(declared.admit("d", "2026-01-31")) == "2026-01-31"
    assert feel.kind(declared.admit("d", "2026-01-31")) == "date"
    assert list(declared.types) == ["d"]


@pytest.mark.parametrize("text", ["", "numbr", "enum()", "enum(A||B)", "list of id"])
def test_unknown_types_are_not_types(text: str) -> None:
    assert parse_type(text) is None


def test_without_declarations_anything_goes_that_feel_knows() -> None:
    assert Declarations().admit("x", 1) == Decimal(1)
    with pytest.raises(VariableRefused):
        Declarations().admit("x", object())
