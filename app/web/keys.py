"""Keys in addresses and forms: positive numbers that a database can hold. Anything else is not found, or not there."""

from __future__ import annotations

from collections.abc import Iterable

from werkzeug.routing import IntegerConverter, Map

LARGEST = (1 << 63) - 1


class KeyConverter(IntegerConverter):
    """``<key:…>`` in an address."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=LARGEST)


def key(text: str) -> int:
    """A key from a field; for ``request.form.get(…, type=key)``.

    :raises ValueError: not a key.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST):
        raise ValueError("not a key")
    return int(text)


def keys(texts: Iterable[str]) -> set[int]:
    """The numbers among some fields: keys, or the numbers of items from 0."""
    return {
        int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST
    }
