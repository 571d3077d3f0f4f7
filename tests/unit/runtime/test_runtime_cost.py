"""What a completion costs does not grow with what has been done before: counted in live tasks and saved bytes."""

from __future__ import annotations

from typing import Any

from runtime_kit import (
    Clock,
    Play,
    boundary,
    call,
    doc,
    el,
    end,
    esp,
    flow,
    line,
    mi,
    msg,
    script,
    start,
    sub,
    timer,
    user,
)

from app.runtime import codec

# Everything that leaves something behind, once round: a parallel and an inclusive block, calls, events, many instances.
ROUND = (
    el("exclusiveGateway", "again")
    + user("ask")
    + boundary("late", "ask", timer("Cycle", "R/PT1H"), False)
    + el("task", "noted")
    + el("parallelGateway", "f")
    + script("n", "=if count = null then 1 else modulo(count + 1, 10)", "count")
    + call("c", "child", inner=mi("=[1,2,3]", "i", "results", "=i"))
    + el("parallelGateway", "j")
    + el("inclusiveGateway", "o", default="od")
    + el("task", "x")
    + el("task", "y")
    + el("inclusiveGateway", "oj")
    + sub("sp", start("ss") + el("intermediateThrowEvent", "th") + end("se") + flow("ss", "th", "se"))
    + esp("es", msg(), False)
    + el("exclusiveGateway", "more", default="back")
    + start()
    + end()
    + flow("s", "again", "ask", "f")
    + flow("late", "noted")
    + flow("f", "n", "j")
    + flow("f", "c", "j", "o")
    + flow("o", "x", cond="=true")
    + flow("o", "y", cond="=count > 3")
    + flow("o", "oj", id="od")
    + flow("x", "oj")
    + flow("y", "oj", "sp", "more")
    + flow("more", "again", id="back")
    + flow("more", "e", cond="=done")
)
CHILD = doc(script("one", "=1", "v") + line("one"), pid="child")


def cost(play: Play) -> tuple[int, int, int]:
    """Live engine tasks, scopes and saved bytes; the counters of completions have as many digits as they have."""
    state: list[Any] = codec.state_of(play.wf)
    state[1], state[8] = 0, {}
    rows = sum(len(flow.tasks) for flow in play.wf.flows())
    return rows, len(play.wf.scopes.by_id), len(str(_without_ids(state)))


def _without_ids(data: Any) -> Any:
    """Ids and instants grow by a digit now and then."""
    if isinstance(data, list):
        return [_without_ids(item) for item in data]
    if isinstance(data, dict):
        return {name: _without_ids(value) for name, value in data.items()}
    return 0 if isinstance(data, int) else data


LOOP = doc(
    el("exclusiveGateway", "again")
    + user("ask")
    + script("n", "=modulo(count + 1, 10)", "count")
    + el("exclusiveGateway", "more", default="back")
    + start()
    + end()
    + flow("s", "again", "ask", "n", "more")
    + flow("more", "again", id="back")
    + flow("more", "e", cond="=done")
)


def test_a_completion_costs_the_same_after_ten_and_after_ten_thousand() -> None:
    play = Play(LOOP, {"done": False, "count": 0})
    for _ in range(10):
        play.do("ask")
        play.reload()
    early, saved = cost(play), len(codec.dumps(play.wf))
    for n in range(10, 10_000):
        play.do("ask")
        if n % 10 == 0:
            play.reload()
    play.reload()
    assert cost(play) == early
    assert len(codec.dumps(play.wf)) <= saved * 1.3
    assert play.wf.done["p"]["ask"] == 10_000


def test_so_does_one_among_parallel_blocks_calls_and_events() -> None:
    clock = Clock()
    play = Play([doc(ROUND), CHILD], {"k": "k", "done": False, "count": 0}, clock=clock)

    def turns(count: int) -> None:
        for n in range(count):
            if n % 10 == 0:
                clock.plus(hours=1)
                play.wf.advance()
                assert play.wf.message("stop", "k")
                play.do("es_u")
            play.do("ask")
            play.reload()

    turns(10)
    early = cost(play)
    turns(200)
    assert cost(play) == early
    assert len(codec.dumps(play.wf)) < 1024


def test_nothing_is_left_behind_in_the_indexes() -> None:
    play = Play([doc(ROUND), CHILD], {"k": "k", "done": False, "count": 0})
    before = (len(play.wf.ready), len(play.wf.waiting), len(play.wf.event_manager.tasks), len(play.wf.entries))
    for _ in range(60):
        play.do("ask")
        play.reload()
    after = (len(play.wf.ready), len(play.wf.waiting), len(play.wf.event_manager.tasks))
    assert after == before[:3]
    assert (len(play.wf.subprocesses), len(play.wf.incidents)) == (0, 0)
