"""What FEEL refuses, and why."""

from __future__ import annotations

from app.errors import ConvenorError


class FeelError(ConvenorError):
    """An expression cannot be read, checked or evaluated."""

    title = "Expression refused"
    status = 400


class FeelSyntaxError(FeelError):
    """The text is not FEEL.

    :param text: the whole expression.
    :param offset: where the parser stopped, in characters from the start.
    :param found: what is there, as a person would call it.
    :param expected: what should be there, or an empty string when nothing in particular is.
    """

    title = "Expression not understood"

    def __init__(self, text: str, offset: int, found: str, expected: str = "", *, reason: str = "") -> None:
        self.text = text
        self.offset = offset
        self.found = found
        self.expected = expected
        self.line, self.column = line_and_column(text, offset)
        self.caret = caret(text, offset)
        where = f"Line {self.line}, column {self.column}: "
        if reason:
            sentence = reason
        elif expected:
            sentence = f"found {found}, but expected {expected}."
        else:
            sentence = f"did not expect {found} here."
        super().__init__(where + sentence)

    def __str__(self) -> str:
        return f"{self.message}\n{self.caret}"


class FeelLimitError(FeelError):
    """An expression is too long, too deep, or takes too many steps; or a value grew too large."""

    title = "Expression too large"


class FeelTypeError(FeelError):
    """A value from outside has no counterpart in FEEL, or a FEEL value has none outside."""

    title = "Value not usable in an expression"


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both counted from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def caret(text: str, offset: int, width: int = 100) -> str:
    """The line that holds the offset, at most `width` characters of it, with a caret below the place."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start:] if end < 0 else text[start:end]
    column = offset - start
    if len(line) > width:
        cut = max(0, column - width // 2)
        line, column = line[cut : cut + width], column - cut
    return f"{line}\n{' ' * column}^"
