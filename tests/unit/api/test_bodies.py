"""JSON bodies from outside."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.bodies import MAX_DEPTH, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5), inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_ordinary_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


def test_a_file_may_be_as_deep_as_anybody_needs() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"NaN",
        b'{"weight": NaN}',
        b'{"weight": Infinity}',
        b'{"weight": -Infinity}',
        b'{"weight": 1e400}',
        b'{"weight": ' + b"9" * 5000 + b"}",
        b'{"name": "a\\u0000b"}',
        b'{"a\\u0000b": 1}',
        b'{"name": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"\xff\xfe",
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda data: data[:20].decode("latin-1"),
)
def test_what_cannot_be_kept_is_refused_at_the_door(data: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        parse(data)


def test_no_body_is_told_apart_from_a_wrong_one() -> None:
    with pytest.raises(json.JSONDecodeError) as empty:
        parse(b"")
    assert empty.value.doc == ""
    with pytest.raises(json.JSONDecodeError) as wrong:
        parse(b"\xff")
    assert wrong.value.doc != ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1,\n "b" 2}', "The body is not JSON: it cannot be read from line 2, column 6."),
        (b'{"a": {"b": 1, "b": 1}}', "The body names 'b' twice in one object."),
        (b'{"a": NaN}', "The body holds NaN, which JSON does not have."),
        (b'{"a": 1e400}', "The body holds a number that is too large."),
        (b"9" * 5000, "The body holds a number that is too large."),
        (b'"\\u0000"', "The body holds a text with the null character or half of a character, which cannot be kept."),
        (b'"\\ud800"', "The body holds a text with the null character or half of a character, which cannot be kept."),
        (b"[" * 60 + b"]" * 60, "The body nests more than 50 deep."),
        (b"[" * 100_000, "The body nests more than 50 deep."),
        (b"\xff", "The body is not UTF-8."),
    ],
)
def test_it_is_said_what_is_wrong(data: bytes, said: str) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        parse(data)
    assert caught.value.msg == said
