"""Data where SpiffWorkflow's own goes wrong: joins that lose writes, values shared between branches, stale loops, names that
break a saved state."""

from __future__ import annotations

from itertools import permutations

import pytest
from runtime_kit import Play, doc, el, end, flow, io, line, mi, script, start, user

BOTH = (
    el("parallelGateway", "f")
    + user("a", io((), [("seen", "=context put(seen, who, true)"), ("last", "=who")]))
    + user("b", io((), [("seen", "=context put(seen, who, true)")]))
    + user("c", io((), [("other", "=who")]))
    + el("parallelGateway", "j")
)
FORKED = flow("f", "a", "j") + flow("f", "b", "j") + flow("f", "c", "j")


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_a_join_keeps_what_each_branch_wrote_whoever_is_last(order: tuple[str, ...]) -> None:
    play = Play(
        doc(BOTH + user("after") + start() + end() + flow("s", "f") + FORKED + flow("j", "after", "e")), {"seen": {}}
    )
    for name in order:
        play.do(name, who=name)
        play.reload()
    assert (play.vars["seen"], play.vars["last"], play.vars["other"]) == ({"a": True, "b": True}, "a", "c")


def test_a_loop_around_a_parallel_block_sees_the_newest_values() -> None:
    body = BOTH + el("exclusiveGateway", "h") + el("exclusiveGateway", "x", default="out") + start() + end()
    body += script("count", "=if n = null then 1 else n + 1", "n")
    body += (
        flow("s", "h", "f")
        + FORKED
        + flow("j", "count", "x")
        + flow("x", "h", cond="=n < 4")
        + flow("x", "e", id="out")
    )
    play = Play(doc(body), {"seen": {}})
    for turn in range(4):
        for name in ("b", "c", "a"):
            play.do(name, who=f"{name}{turn}")
        play.reload()
    assert play.clean
    assert (play.vars["n"], play.vars["last"], len(play.vars["seen"])) == (4, "a3", 8)


def test_changing_a_nested_value_changes_nobody_elses() -> None:
    """An instance of a multi-instance activity works on its own item; the collection stays as it was."""
    task = user("each", io((), [("it", '=context put(it, "done", true)')]), mi("=items", "it", "results", "=it"))
    play = Play(doc(task + line("each")), {"items": [{"id": 1}, {"id": 2}]})
    play.do("each", 1)
    play.reload()
    assert [t.data["it"] for t in play.wf.user_tasks()] == [{"id": 1}]
    play.do("each")
    assert play.vars["items"] == [{"id": 1}, {"id": 2}]
    assert play.vars["results"] == [{"id": 1, "done": True}, {"id": 2, "done": True}]


@pytest.mark.parametrize("name", ["typename", "$", "v", "__class__", "data", "id"])
def test_no_name_breaks_a_saved_state(name: str) -> None:
    held = {name: {"$": "context", "typename": "x", "v": [1, None, {"$": "date"}]}}
    play = Play(doc(user("a") + line("a")), {"held": held})
    for _ in range(3):
        play.reload()
    assert play.vars["held"] == held
