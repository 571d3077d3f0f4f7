"""Text to tokens.

Names may hold spaces and operators in FEEL, so the lexer yields single words; the parser joins them, because which words
form one name depends on the names that are known at that place (DMN 1.5, 10.3.1.2 and 10.3.1.4).
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.feel.errors import FeelLimitError, FeelSyntaxError

MAX_LENGTH = 20_000

NUMBER, STRING, NAME, OPERATOR, END = "number", "string", "name", "operator", "end"
Token = tuple[str, str, int]  # kind, text, offset

_SPACE = "\\s\u00a0\u1680\u180e\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
_TOKEN = re.compile(
    r"[" + _SPACE + r"]*(?://[^\n]*[" + _SPACE + r"]*|/\*(?s:.*?)\*/[" + _SPACE + r"]*)*"
    r"(?:(?P<name>[^\W\d][\w\u00b7\u0300-\u036f\u203f-\u2040\U00010000-\U000EFFFF?]*"
    r"|[?\U00010000-\U000EFFFF][\w\u00b7\u0300-\u036f\u203f-\u2040\U00010000-\U000EFFFF?]*)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<operator>\.\.|\*\*|<=|>=|!=|->|/(?!\*)|[-+*<>=()\[\]{},:.@'’])"
    r"|(?P<end>\Z))",
    re.S,
)
_DOUBLE_QUOTES = "Put texts between double quotation marks."
_STRAIGHT_QUOTES = 'Use straight quotation marks (").'
_REMEDIES = {
    "'": _DOUBLE_QUOTES,
    "‘": _DOUBLE_QUOTES,
    "’": _DOUBLE_QUOTES,
    "“": _STRAIGHT_QUOTES,
    "”": _STRAIGHT_QUOTES,
    "&": "Write “and”.",
    "|": "Write “or”.",
    "!": "Write “not(…)” or “!=”.",
}
QUOTES = frozenset("'’")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{6}|.)", re.S)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


def tokens(text: str) -> list[Token]:
    """The tokens of an expression, the last one of kind END. Raises FeelSyntaxError and FeelLimitError."""
    if len(text) > MAX_LENGTH:
        raise FeelLimitError(f"An expression may have at most {MAX_LENGTH:,} characters; this one has {len(text):,}.")
    found: list[Token] = []
    position = 0
    match_at = _TOKEN.match
    while True:
        match = match_at(text, position)
        if match is None:
            raise _unreadable(text, position)
        kind = match.lastgroup or END
        found.append((kind, match[kind], match.start(kind)))
        if kind == END:
            return found
        position = match.end()


def _unreadable(text: str, position: int) -> FeelSyntaxError:
    while position < len(text) and text[position].isspace():
        position += 1
    rest = text[position:]
    if rest.startswith('"'):
        return FeelSyntaxError(text, position, "a text", reason='this text has no closing quotation mark (").')
    if rest.startswith("/*"):
        return FeelSyntaxError(text, position, "a comment", reason="this comment has no end (*/).")
    return stray(text, position, rest[:1])


def stray(text: str, position: int, character: str) -> FeelSyntaxError:
    """The error for a character that FEEL has no use for at this place."""
    remedy = _REMEDIES.get(character, "This character has no meaning here.")
    return FeelSyntaxError(text, position, f"“{character}”", reason=f"did not expect “{character}” here. {remedy}")


def unescape(literal: str) -> str:
    """The text of a string literal without its quotation marks, escapes resolved."""
    if "\\" not in literal:
        return literal

    def resolve(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            point = int(code[1:], 16)
            return chr(point) if 0 < point <= 0x10FFFF else "\ufffd"  # no database keeps the null character
        return _ESCAPED.get(code, "\\" + code)

    text = _ESCAPE.sub(resolve, literal)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """A name as the token texts it is made of."""
    try:
        return tuple(text for _, text, _ in tokens(name)[:-1])
    except (FeelSyntaxError, FeelLimitError):
        return (name,)
