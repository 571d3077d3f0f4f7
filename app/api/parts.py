"""Keys of what is inside: from the key of an element or a variable back to its instance, of a decision back to its file."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import BigInteger, ColumnElement, literal_column, or_, select

from app.runtime.models import Instance
from app.store.database import db
from app.store.keys import DIVISOR, key_in, part_key, split

Part = tuple[int, int]


def left(whole: ColumnElement[int]) -> ColumnElement[int]:
    """What is left of a key when it is divided, in SQL, written as its index is."""
    return whole.op("%", return_type=BigInteger())(literal_column(str(DIVISOR)))


def parts_from(texts: Collection[str]) -> dict[str, Part]:
    """The instance and the place in it that each of several keys means, 0 for an instance's own key, in one statement.

    What is no such key is left out, and a key that two instances could have: their own keys would have to leave the same when divided,
    which happens to one pair in two million millions.
    """
    numbers = {text: number for text in texts if (number := key_in(text)) is not None}
    if not numbers:
        return {}
    remainders = {split(number)[0] for number in numbers.values()}
    asked = or_(Instance.key.in_(numbers.values()), left(Instance.key.expression).in_(remainders))
    wholes = set(db.session.execute(select(Instance.key).where(asked)).scalars())
    leaving: dict[int, list[int]] = {}
    for whole in wholes:
        leaving.setdefault(whole % DIVISOR, []).append(whole)
    found = {}
    for text, number in numbers.items():
        remainder, place = split(number)
        if number in wholes:
            found[text] = (number, 0)
        elif len(leaving.get(remainder, ())) == 1:
            found[text] = (leaving[remainder][0], place)
    return found


def part_from(text: str) -> Part | None:
    """The same of one key; None for what is no such key."""
    return parts_from((text,)).get(text)


def decision_keys(file_key: int, ids: Iterable[str]) -> dict[str, str]:
    """The keys of a file's decisions, by id: of the place of each among them."""
    return {decision_id: part_key(file_key, place) for place, decision_id in enumerate(sorted(ids), start=1)}
