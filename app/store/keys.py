"""Keys as text: in variables, in diagrams, in addresses; and keys of what has no row of its own, but a place in what has one."""

from __future__ import annotations

LARGEST_KEY = 2**63 - 1
_DIGITS = 19

# A part's key has 63 bits, for clients that read keys as numbers of 64: 41 say what its whole's key leaves when divided, 22 its place.
PLACES = 2**22
DIVISOR = 2**41 - 21  # a prime, so that keys, which begin with the time, spread over all that can be left


def key_in(text: str) -> int | None:
    """The key that a text names; None for a text that is no key. No database takes a larger number, and other digits than 0 to 9 are
    no digits to it."""
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        return None
    key = int(text)
    return key if key <= LARGEST_KEY else None


def part_key(whole: int, place: int) -> str:
    """The key of a part: an element or a variable of an instance, a decision of a file.

    :param whole: the key of what it is a part of.
    :param place: its number there. An element beyond four millions, which only an instance that has gone round for ever has, is told by a
        longer key, which no request can ask by.
    """
    return str(whole % DIVISOR * PLACES + place) if place < PLACES else f"{whole}{place}"


def split(part: int) -> tuple[int, int]:
    """What a part's key says: what is left of its whole's when that is divided by :data:`DIVISOR`, and its place."""
    return divmod(part, PLACES)
