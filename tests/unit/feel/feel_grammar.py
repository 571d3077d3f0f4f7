"""Expressions for property tests: made of FEEL's words, so that many of them parse."""

from __future__ import annotations

from hypothesis import strategies as st

VARIABLES = {
    "a": 3,
    "b": "text",
    "c": True,
    "d": None,
    "list": [1, 2, 3],
    "people": [{"name": "A", "age": 10}, {"name": "B", "age": None}],
    "two words": {"x": {"y": 1}},
}
LEAVES = st.sampled_from(
    [
        *VARIABLES,
        "1",
        "0",
        "-2.5",
        "1e3",
        "9999999999999999999999999999999999",
        '"x"',
        '""',
        "true",
        "false",
        "null",
        "item",
        "unknown",
        "people.age",
        "two words.x.y",
        '@"2026-03-31"',
        '@"14:30:00"',
        '@"2026-03-29T00:30:00@Europe/London"',
        '@"P1D"',
        '@"P1M"',
        "[1..5)",
        "(< 3)",
        "[]",
        "{}",
        "today()",
    ]
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "**", "=", "!=", "<", "<=", ">", ">=", "and", "or"])
FUNCTIONS = st.sampled_from(
    [
        "not", "count", "sum", "min", "max", "string", "number", "date", "duration", "string length", "upper case",
        "distinct values", "flatten", "reverse", "sort", "abs", "floor", "sqrt", "exp", "log", "odd", "day of week",
        "is working day", "next working day", "get entries", "context", "mean", "stddev", "mode", "time",
        "date and time", "range", "week of year", "unknown function",
    ]
)  # fmt: skip
FUNCTIONS_OF_TWO = st.sampled_from(
    [
        "substring", "contains", "matches", "split", "append", "concatenate", "union", "list contains", "index of",
        "remove", "sublist", "modulo", "decimal", "add working days", "working days between", "is", "before", "after",
        "includes", "during", "overlaps", "get value", "string join", "years and months duration", "date and time",
    ]
)  # fmt: skip


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"-{x}"),
        pair.map(lambda t: f"[{t[0]}, {t[1]}]"),
        pair.map(lambda t: f"[{t[0]}..{t[1]}]"),
        pair.map(lambda t: f"{{x: {t[0]}, y: {t[1]}}}"),
        pair.map(lambda t: f"({t[0]})[{t[1]}]"),
        inner.map(lambda x: f"({x}).x"),
        inner.map(lambda x: f"({x}).year"),
        pair.map(lambda t: f"if {t[0]} then {t[1]} else {t[0]}"),
        pair.map(lambda t: f"for item in {t[0]} return {t[1]}"),
        pair.map(lambda t: f"some item in {t[0]} satisfies {t[1]}"),
        pair.map(lambda t: f"every item in {t[0]} satisfies {t[1]}"),
        pair.map(lambda t: f"{t[0]} in ({t[1]}, > {t[0]})"),
        pair.map(lambda t: f"{t[0]} between {t[1]} and {t[0]}"),
        pair.map(lambda t: f"(function(item) {t[0]})({t[1]})"),
        inner.map(lambda x: f"{x} instance of list<number>"),
        st.tuples(FUNCTIONS, inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(FUNCTIONS_OF_TWO, inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    )


EXPRESSIONS = st.recursive(LEAVES, _combine, max_leaves=12)
_WORDS = (
    "if then else for in return some every satisfies and or between instance of function not true null a b two words "
    "count ( ) [ ] { } < <= > >= = != + - * / ** . .. , : ? @ -> 1 2.5 // /* */ ' \" \\"
)
WORDS = st.sampled_from([*_WORDS.split(), '"x"', '@"P1D"'])
SOUP = st.lists(WORDS, max_size=25).map(" ".join)
