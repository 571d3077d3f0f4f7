"""A page of a list whose end is not looked for: what somebody may see is decided row by row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

SIZE = 25
MOST = 100_000  # a page so far on holds nothing, whatever is asked for

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page.

    :param number: from one.
    :param last: the page after this one when there is more, else this one.
    """

    rows: list[Row]
    number: int
    last: int


def page(first: Callable[[int], list[Row]], size: int = SIZE) -> Page[Row]:
    """The page that the address asks for; the last one when it asks for one that is not there.

    :param first: the first rows of the list, at most so many.
    :param size: how many rows a page has.
    """
    wanted = min(max(1, request.args.get("page", 1, type=int)), MOST)
    found = first(wanted * size + 1)
    number = min(wanted, max(1, -(-len(found) // size)))
    return Page(found[(number - 1) * size : number * size], number, number + (len(found) > number * size))
