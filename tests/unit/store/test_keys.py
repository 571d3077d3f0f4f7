"""Keys of what has no row of its own."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from app.store.database import new_key
from app.store.keys import DIVISOR, LARGEST_KEY, PLACES, key_in, part_key, split

wholes = st.integers(1, LARGEST_KEY)
places = st.integers(0, PLACES - 1)


@given(wholes, places)
@example(LARGEST_KEY, PLACES - 1)
@example(DIVISOR - 1, PLACES - 1)
def test_a_parts_key_has_63_bits_and_says_what_it_is_made_of(whole: int, place: int) -> None:
    key = key_in(part_key(whole, place))
    assert key is not None
    assert split(key) == (whole % DIVISOR, place)


@given(wholes, st.integers(PLACES, 2**31))
def test_a_place_beyond_all_is_told_by_what_no_other_place_has(whole: int, place: int) -> None:
    key = part_key(whole, place)
    assert key == f"{whole}{place}"
    assert key_in(key) is None or whole < 10**12, "the keys of Convenor have more digits"


def test_keys_made_one_after_the_other_leave_different_things() -> None:
    keys = [new_key() for _ in range(2000)]
    assert len({key % DIVISOR for key in keys}) == len(keys)
