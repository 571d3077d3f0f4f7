"""Regular expressions as XPath has them (XQuery 1.0 and XPath 2.0 Functions, 7.6), run by RE2 in linear time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from app.feel.blocks import block_ranges
from app.feel.errors import FeelLimitError
from app.feel.frame import MAX_LIST, MAX_STRING, TOO_LONG, NoValue

MAX_PATTERN = 1_000
MAX_SUBTRACTIONS = 10
_MEMORY = 8 << 20
_SUBTRACTION = re.compile(r"-\[((?:[^\[\]\\]|\\.)*)\]\Z", re.S)
_REPLACEMENT = re.compile(r"\\[\\$]|\$\d+|[^\\$]+|(.)", re.S)
# Class escapes that mean more than RE2's own: what they stand for inside square brackets, and whether it is negated.
_CLASSES = {
    "d": (r"\p{Nd}", False),
    "D": (r"\P{Nd}", False),
    "s": (r" \t\n\r", False),
    "S": (r" \t\n\r", True),
    "w": (r"\p{P}\p{Z}\p{C}", True),
    "W": (r"\p{P}\p{Z}\p{C}", False),
    "i": (r"\p{L}_:", False),
    "I": (r"\p{L}_:", True),
    "c": (r"\p{L}\p{M}\p{Nd}\-._:·", False),
    "C": (r"\p{L}\p{M}\p{Nd}\-._:·", True),
}
_SURROGATES, _AFTER_SURROGATES = 0xD800, 0xE000
_LITERAL_ESCAPES = frozenset("\\|.?*+(){}-[]^$")
_CONTROL_ESCAPES = frozenset("nrt")
_COMPLEMENT_OF_NOT = {"S": r"\P{Z}", "w": r"\pL\pM\pN\pS"}


class _Translator:
    """Rewrites one pattern for RE2, and refuses what XPath does not have."""

    def __init__(self, pattern: str, flags: str) -> None:
        self.pattern = _without_spaces(pattern) if "x" in flags else pattern
        self.dot = "(?s:.)" if "s" in flags else r"[^\n\r]"
        self.at = 0
        self.subtractions = 0

    def run(self) -> str:
        out: list[str] = []
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            if char == "\\":
                out.append(self.escape(in_class=False))
            elif char == "[":
                out.append(self.char_class())
            elif char == ".":
                out.append(self.dot)
                self.at += 1
            elif char == "(" and self.pattern.startswith("(?", self.at) and not self.pattern.startswith("(?:", self.at):
                raise NoValue("The pattern has a group that begins with “(?”, which is not supported.")
            elif char in "]}" and not (char == "}" and "{" in self.pattern[: self.at]):
                raise NoValue(f"The pattern has a “{char}” too many.")
            else:
                out.append(char)
                self.at += 1
        return "".join(out)

    def escape(self, *, in_class: bool) -> str:
        code = self.pattern[self.at + 1 : self.at + 2]
        if code in ("p", "P"):
            end = self.pattern.find("}", self.at)
            text = self.pattern[self.at : end + 1]
            block = block_ranges(text[5:-1], negated=code == "P") if text[2:5] == "{Is" else None
            if end > 0 and block is not None:
                self.at = end + 1
                return block if in_class else f"[{block}]"
            if end < 0 or not re.fullmatch(r"\\[pP]\{[A-Z][a-z]?\}", text):
                raise NoValue("The pattern names a group of characters that is not supported.")
            self.at = end + 1
            return text
        self.at += 2
        if code in _CLASSES:
            content, negated = _CLASSES[code]
            if not in_class:
                return f"[{'^' if negated else ''}{content}]"
            if not negated:
                return content
            if code in _COMPLEMENT_OF_NOT:
                return _COMPLEMENT_OF_NOT[code]
            raise NoValue(f"The pattern has “\\{code}” in square brackets, which is not supported.")
        if code and (code in _LITERAL_ESCAPES or code in _CONTROL_ESCAPES):
            return "\\" + code
        if code.isdigit() and code != "0":
            raise NoValue("The pattern refers back to one of its groups, which is not supported.")
        raise NoValue(f"The pattern has “\\{code}”, which means nothing.")

    def char_class(self) -> str:
        """One class in square brackets. A subtraction, `[a-z-[aeiou]]`, is worked out character by character."""
        start = self.at
        self.at += 1
        out = "["
        if self.pattern.startswith("^", self.at):
            out += "^"
            self.at += 1
        if self.pattern.startswith("]", self.at):
            raise NoValue("The pattern has an empty class.")
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            if char == "]":
                self.at += 1
                return out + "]"
            if char == "\\":
                out += self.escape(in_class=True)
            elif self.pattern.startswith("-[", self.at):
                return self.subtraction(start, out + "]")
            elif char == "[":
                raise NoValue("The pattern has a “[” inside a class; write “\\[”.")
            else:
                out += char
                self.at += 1
        raise NoValue("The pattern has a class without an end.")

    def subtraction(self, start: int, minuend: str) -> str:
        self.subtractions += 1
        if self.subtractions > MAX_SUBTRACTIONS:
            raise NoValue(f"The pattern subtracts classes more than {MAX_SUBTRACTIONS} times.")
        self.at += 1
        subtrahend = self.char_class()
        if not self.pattern.startswith("]", self.at):
            raise NoValue("The pattern has a class without an end.")
        self.at += 1
        dropped = _members(subtrahend)
        kept = [piece for run in _members(minuend) for piece in _without(run, dropped)]
        if not kept:
            raise NoValue("The pattern has a class that no character is in.")
        return "[" + "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in kept) + "]"


Run = tuple[int, int]  # the first and last code point of neighbouring characters


@lru_cache(1)
def _basic_plane() -> str:
    return "".join(map(chr, (*range(_SURROGATES), *range(_AFTER_SURROGATES, 0x10000))))


def _members(char_class: str) -> list[Run]:
    """The characters of a class in the basic plane, as runs."""
    found: list[Run] = []
    plane = _basic_plane()
    for match in _compile(f"{char_class}+").finditer(plane):
        low, high = ord(plane[match.start()]), ord(plane[match.end() - 1])
        if low < _SURROGATES <= high:
            found += [(low, _SURROGATES - 1), (_AFTER_SURROGATES, high)]
        else:
            found.append((low, high))
    return found


def _without(run: Run, dropped: list[Run]) -> list[Run]:
    """What is left of a run when others, in order, are taken out."""
    low, high = run
    left: list[Run] = []
    for first, last in dropped:
        if last < low or first > high:
            continue
        if first > low:
            left.append((low, first - 1))
        low = last + 1
    return [*left, (low, high)] if low <= high else left


def _without_spaces(pattern: str) -> str:
    """The pattern as flag x reads it: white space outside classes is gone, even after a backslash."""
    out: list[str] = []
    depth = 0
    escaped = False
    for char in pattern:
        if char in " \t\n\r" and not depth:
            continue
        if not escaped and char == "[":
            depth += 1
        elif not escaped and char == "]":
            depth = max(0, depth - 1)
        escaped = char == "\\" and not escaped
        out.append(char)
    return "".join(out)


def _compile(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise NoValue("The pattern is not a regular expression, or a part of it is not supported.") from error


@lru_cache(512)
def compile_pattern(pattern: str, flags: str = "") -> Any:
    """The RE2 pattern. Raises NoValue when the pattern or the flags are not understood or not supported."""
    if len(pattern) > MAX_PATTERN:
        raise NoValue(f"A pattern may have at most {MAX_PATTERN:,} characters.")
    if set(flags) - set("smix"):
        raise NoValue("The flags of a pattern are s, m, i and x.")
    inline = "".join(flag for flag in "im" if flag in flags)
    translated = _Translator(pattern, flags).run()
    return _compile(f"(?{inline}){translated}" if inline else translated)


def matches(text: str, pattern: str, flags: str) -> bool:
    return compile_pattern(pattern, flags).search(text) is not None


def replace(text: str, pattern: str, replacement: str, flags: str) -> str:
    """Every match replaced; $1 to $9 in the replacement are groups, $0 is the match, \\$ and \\\\ stand for themselves."""
    compiled = compile_pattern(pattern, flags)
    if compiled.search("") is not None:
        raise NoValue("The pattern of replace(…) matches nothing at all, so there is nothing to replace.")
    parts = _replacement_parts(replacement, compiled.groups)
    out: list[str] = []
    end = size = 0
    for match in compiled.finditer(text):
        piece = "".join(part if isinstance(part, str) else (match.group(part) or "") for part in parts)
        out += [text[end : match.start()], piece]
        size += len(piece)
        if size > MAX_STRING:
            raise FeelLimitError(TOO_LONG)
        end = match.end()
    out.append(text[end:])
    return "".join(out)


def _replacement_parts(replacement: str, groups: int) -> list[str | int]:
    parts: list[str | int] = []
    for match in _REPLACEMENT.finditer(replacement):
        text = match[0]
        if match[1] is not None:
            raise NoValue("In a replacement, write “\\$” for a dollar sign and “\\\\” for a backslash.")
        if text[0] == "$":
            digits = text[1:]
            while len(digits) > 1 and int(digits) > groups:
                digits = digits[:-1]
            if int(digits) <= groups:
                parts.append(int(digits))
            parts.append(text[1 + len(digits) :])
        else:
            parts.append(text[1:] if text[0] == "\\" else text)
    return parts


def split(text: str, pattern: str) -> list[str]:
    compiled = compile_pattern(pattern)
    if compiled.search("") is not None:
        raise NoValue("The delimiter of split(…) matches nothing at all.")
    out: list[str] = []
    end = 0
    for match in compiled.finditer(text):
        out.append(text[end : match.start()])
        if len(out) > MAX_LIST:
            raise FeelLimitError(f"A list may have at most {MAX_LIST:,} entries.")
        end = match.end()
    out.append(text[end:])
    return out
