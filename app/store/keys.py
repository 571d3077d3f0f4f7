"""Keys as text: in variables, in diagrams, in addresses."""

from __future__ import annotations

LARGEST_KEY = 2**63 - 1
_DIGITS = 19


def key_in(text: str) -> int | None:
    """The key that a text names; None for a text that is no key. No database takes a larger number, and other digits than 0 to 9 are
    no digits to it."""
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        return None
    key = int(text)
    return key if key <= LARGEST_KEY else None
