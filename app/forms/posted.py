"""What arrives with a posted page, without knowing which web framework brought it."""

from __future__ import annotations

import re
from typing import Any, Protocol, TypedDict

Answers = dict[str, Any]

MAX_TEXT = 100_000

# Control characters have no place in an answer, and a null byte cannot be stored by every database.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


class Posted(Protocol):
    """A form post: Werkzeug's `MultiDict` has this shape."""

    def get(self, key: str, /) -> str | None: ...

    def getlist(self, key: str, /) -> list[str]: ...


class FileRef(TypedDict):
    """A stored file. The bytes are kept elsewhere; `size` is in bytes."""

    id: str
    name: str
    size: int
    type: str


def tidy(text: str | None) -> str:
    """A typed text: one kind of line end, no control characters, no space around it, cut at 100,000 characters."""
    if not text:
        return ""
    text = text[:MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).strip()
