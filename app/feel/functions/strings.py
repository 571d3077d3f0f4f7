"""Functions on texts (DMN 1.5, table 75). Positions count characters from 1."""

from __future__ import annotations

from decimal import Decimal

from app.feel import regex
from app.feel.frame import NoValue, State
from app.feel.registry import builtin
from app.feel.values import Value

GROUP = "Texts"


@builtin(
    "substring",
    "string: string, start position: number, length?: number",
    returns="string",
    group=GROUP,
    summary="A part of a text, from a position; a negative position counts from the end.",
    example='substring("foobar", 3, 2) = "ob"',
)
def substring(string: str, start: Decimal, length: Decimal | None = None) -> str:
    place = int(start)
    if place == 0 or -place > len(string):
        raise NoValue("substring(…): the start position lies outside the text; positions count from 1.")
    if length is not None and length < 1:
        raise NoValue("substring(…): the length must be at least 1.")
    begin = place - 1 if place > 0 else len(string) + place
    return string[begin:] if length is None else string[begin : begin + int(length)]


@builtin(
    "string length",
    "string: string",
    returns="number",
    group=GROUP,
    summary="The number of characters.",
    example='string length("MARAC") = 5',
)
def string_length(string: str) -> Decimal:
    return Decimal(len(string))


@builtin(
    "upper case",
    "string: string",
    returns="string",
    group=GROUP,
    summary="The text in capital letters.",
    example='upper case("abc") = "ABC"',
)
def upper_case(string: str) -> str:
    return string.upper()


@builtin(
    "lower case",
    "string: string",
    returns="string",
    group=GROUP,
    summary="The text in small letters.",
    example='lower case("ABC") = "abc"',
)
def lower_case(string: str) -> str:
    return string.lower()


@builtin(
    "substring before",
    "string: string, match: string",
    returns="string",
    group=GROUP,
    summary="What comes before the first occurrence; an empty text when there is none.",
    example='substring before("foobar", "bar") = "foo"',
)
def substring_before(string: str, match: str) -> str:
    before, found, _ = string.partition(match) if match else ("", "", "")
    return before if found else ""


@builtin(
    "substring after",
    "string: string, match: string",
    returns="string",
    group=GROUP,
    summary="What comes after the first occurrence; an empty text when there is none.",
    example='substring after("foobar", "ob") = "ar"',
)
def substring_after(string: str, match: str) -> str:
    return string.partition(match)[2] if match else string


@builtin(
    "contains",
    "string: string, match: string",
    returns="boolean",
    group=GROUP,
    summary="Whether the text has the other in it.",
    example='contains("foobar", "ob")',
)
def contains(string: str, match: str) -> bool:
    return match in string


@builtin(
    "starts with",
    "string: string, match: string",
    returns="boolean",
    group=GROUP,
    summary="Whether the text begins with the other.",
    example='starts with("foobar", "foo")',
)
def starts_with(string: str, match: str) -> bool:
    return string.startswith(match)


@builtin(
    "ends with",
    "string: string, match: string",
    returns="boolean",
    group=GROUP,
    summary="Whether the text ends with the other.",
    example='ends with("foobar", "bar")',
)
def ends_with(string: str, match: str) -> bool:
    return string.endswith(match)


@builtin(
    "matches",
    "input: string, pattern: string, flags?: string",
    returns="boolean",
    group=GROUP,
    summary="Whether a part of the text matches the regular expression. Flags: i ignores case, s lets “.” match line ends, "
    "m lets ^ and $ match at lines, x ignores spaces in the pattern.",
    example='matches("AB12", "^[A-Z]{2}\\\\d+$")',
)
def matches(text: str, pattern: str, flags: str | None = None) -> bool:
    return regex.matches(text, pattern, flags or "")


@builtin(
    "replace",
    "input: string, pattern: string, replacement: string, flags?: string",
    returns="string",
    group=GROUP,
    summary="Every match of the regular expression replaced; $1 is the first group.",
    example='replace("abcd", "(ab)", "[$1]") = "[ab]cd"',
)
def replace(text: str, pattern: str, replacement: str, flags: str | None = None) -> str:
    return regex.replace(text, pattern, replacement, flags or "")


@builtin(
    "split",
    "string: string, delimiter: string",
    returns="list",
    group=GROUP,
    summary="The parts between the matches of a regular expression.",
    example='split("a;b;;c", ";") = ["a", "b", "", "c"]',
)
def split(string: str, delimiter: str) -> list[Value]:
    return list(regex.split(string, delimiter))


@builtin(
    "string join",
    "list: list, delimiter?: string",
    returns="string",
    group=GROUP,
    summary="The texts of a list one after the other, with the delimiter in between; nulls are left out.",
    example='string join(["a", "b", "c"], ", ") = "a, b, c"',
    state=True,
)
def string_join(state: State, values: list[Value], delimiter: str | None = None) -> str:
    if any(value is not None and not isinstance(value, str) for value in values):
        raise NoValue("string join(…) needs a list of texts; convert the others with string(…).")
    texts = [value for value in values if value is not None]
    state.spend_string(sum(map(len, texts)) + len(delimiter or "") * len(texts))
    return (delimiter or "").join(texts)
