"""Numbers on a command line: none that a database or a calendar cannot take."""

from __future__ import annotations

import argparse

from app.store.keys import key_in

_DIGITS = 7


def key(text: str) -> int:
    """The number of an incident, an instance or the like."""
    found = key_in(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"“{text}” is not such a number")
    return found


def small(text: str) -> int:
    """A version, or hours: up to seven digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number of up to {_DIGITS} digits")
    return int(text)
