"""A value that many scopes hold is saved once, is one object again when it has been read, and each scope goes its own way with it."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from runtime_kit import Play, call, doc, line, mi, user

from app.runtime import codec, shared

CALLER = doc(line("c") + call("c", "q", inner=mi("=items", "i")))
CALLED = doc(user("u") + line("u"), pid="q", defs="")
ITEM = "what is known of one of them, which is not nothing"
PACKED = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc$"), inner).filter(lambda made: "$" not in made),
    max_leaves=8,
)


def each_called_with_all(number: int) -> Play:
    """As many called processes as there are items; each is handed the whole list."""
    return Play([CALLER, CALLED], {"items": [f"{ITEM} {each}" for each in range(number)]})


def written(play: Play) -> bytes:
    plain: bytes = play.release.processes["p"].words.decompress(codec.dumps(play.wf))
    return plain


def lists(play: Play) -> list[Any]:
    """What each scope holds under the name."""
    return [scope.values["items"] for scope in play.wf.scopes.by_id.values() if "items" in scope.values]


def test_a_list_that_is_handed_to_many_is_saved_once_and_is_one_list_again() -> None:
    few, many = each_called_with_all(20), each_called_with_all(80)
    assert len(written(many)) < 5 * len(written(few))
    for _ in range(3):
        many.reload()
        assert len(lists(many)) == 1 + len(many.names())
        assert len({id(each) for each in lists(many)}) == 1
        assert orjson.loads(written(many))[9:] == [[codec.pack(lists(many)[0])]]
        many.do("u")


def test_what_one_of_them_makes_of_it_is_its_own() -> None:
    play = each_called_with_all(60)
    play.reload()
    first, second, *_ = play.wf.user_tasks()
    play.wf.scopes.set(first.scope, "items", ["mine"])
    play.reload()
    first, second, *_ = play.wf.user_tasks()
    assert play.wf.scopes.get(first.scope, "items") == ["mine"]
    assert len(play.wf.scopes.get(second.scope, "items")) == 60
    while play.names():
        play.do("u")
        play.reload()
    assert play.clean


def test_a_state_without_such_values_is_read_by_servers_that_know_no_table() -> None:
    play = each_called_with_all(3)
    data = orjson.loads(written(play))
    assert (data[0], len(data)) == (1, 9)
    assert codec.read(codec.dumps(play.wf), play.release, "p")[0] == codec.VERSION
    play.reload()
    assert len(lists(play)) == 4


def test_variables_that_nobody_has_looked_at_are_written_as_they_were_read() -> None:
    play = Play(doc(user("a") + line("a")), {"n": 1.5, "texts": ["a", "b"]})
    play.reload()
    (scope,) = play.wf.scopes.by_id.values()
    assert isinstance(scope, codec.SavedScope)
    assert scope.packed is not None
    before = codec.dumps(play.wf)
    assert play.wf.scopes.get(0, "texts") == ["a", "b"]
    assert scope.packed is None
    assert codec.dumps(play.wf) == before


@given(st.lists(PACKED, min_size=1), st.data())
def test_gathered_and_spread_again_everything_is_where_it_was(values: list[Any], data: st.DataObject) -> None:
    names = st.dictionaries(st.text("xyz", min_size=1), st.sampled_from(values), max_size=4)
    scopes = [[number, None, data.draw(names)] for number in range(data.draw(st.integers(1, 6)))]
    saves, shared.SAVES, large, shared.LARGE = shared.SAVES, 0, shared.LARGE, 0
    try:
        rows, table = shared.gathered(scopes)
        assert len({id(value) for value in table}) == len(table)
        read: Any = orjson.loads(orjson.dumps([rows, table]))
        assert shared.spread(*read) == scopes
    finally:
        shared.SAVES, shared.LARGE = saves, large
