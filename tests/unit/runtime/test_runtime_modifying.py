"""Tokens ended and begun from outside."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import Play, boundary, call, doc, el, end, flow, line, mi, start, sub, timer, user

from app.errors import Conflict, Invalid
from app.runtime import modifying
from app.runtime.modifying import Begin, End, Given


def change(play: Play, begin: list[Begin] = [], ends: list[str] = []) -> None:  # noqa: B006
    """What :func:`modifying.modify` does between loading and saving."""
    play.reload()
    wf = play.wf
    for one in begin:
        modifying._begin(wf, one)
    for element in ends:
        for flow_ in wf.flows():
            for task in list(flow_.tasks.values()):  # type: ignore[attr-defined]
                if getattr(task.task_spec, "bpmn_id", None) == element and task.has_state(modifying.LIVE):
                    modifying._end(task)
    for flow_ in wf.flows():
        flow_.update_waiting_tasks()
    wf.advance()


TWO = doc(user("A") + user("B") + line("A", "B"))


def test_a_token_goes_on_where_it_was_put() -> None:
    play = Play(TWO)
    change(play, [Begin("B")], ["A"])
    assert play.names() == ["B"]
    play.reload()
    play.do("B")
    assert play.clean


def test_an_element_may_be_begun_beside_what_goes_on() -> None:
    play = Play(TWO)
    change(play, [Begin("B", [Given({"why": "asked for"})])])
    assert play.names() == ["A", "B"]
    assert play.vars == {"why": "asked for"}
    play.do("A")
    play.do("B")
    play.do("B")
    assert play.clean


def test_events_attached_to_it_are_armed_and_disarmed_with_it() -> None:
    body = user("A") + user("B") + boundary("Late", "B", timer("Duration", "PT1H")) + user("Chase") + end("e2")
    play = Play(doc(body + line("A", "B") + flow("Late", "Chase", "e2")))
    change(play, [Begin("B")], ["A"])
    assert play.due is not None
    play.later(hours=1)
    assert play.names() == ["Chase"]
    play = Play(doc(body + line("A", "B") + flow("Late", "Chase", "e2")))
    play.do("A")
    change(play, [Begin("A")], ["B"])
    assert (play.names(), play.due) == (["A"], None)


def test_inside_a_sub_process_that_runs_and_not_in_one_that_does_not() -> None:
    inner = start("is") + user("X") + user("Y") + end("ie") + flow("is", "X", "Y", "ie")
    play = Play(doc(user("A") + sub("S", inner) + line("A", "S")))
    with pytest.raises(Invalid, match="not running"):
        change(play, [Begin("Y")])
    play.do("A")
    change(play, [Begin("Y", [Given({"n": 1}, "S")])], ["X"])
    assert play.names() == ["Y"]
    assert "n" not in play.vars
    play.do("Y")
    assert play.clean


def test_a_sub_process_that_has_nothing_left_ends_with_it() -> None:
    inner = start("is") + user("X") + end("ie") + flow("is", "X", "ie")
    play = Play(doc(sub("S", inner) + user("A") + line("S", "A")))
    change(play, [Begin("A")], ["X"])
    assert play.names() == ["A"]
    assert not play.wf.subprocesses


def test_a_multi_instance_activity_is_begun_as_a_whole() -> None:
    play = Play(doc(user("A") + user("B", inner=mi("=list", "one")) + line("A", "B")), {"list": [1, 2]})
    change(play, [Begin("B")], ["A"])
    assert play.names() == ["B", "B"]
    change(play, [Begin("A")], ["B"])
    assert play.names() == ["A"]


@pytest.mark.parametrize("element", ["Nowhere", "Join", "Fork"])
def test_what_cannot_be_begun_is_refused(element: str) -> None:
    body = el("parallelGateway", "Fork") + el("parallelGateway", "Join") + user("A") + user("B")
    flows = flow("s", "Fork", "A", "Join", "e") + flow("Fork", "B", "Join")
    play = Play(doc(start() + end() + body + flows))
    with pytest.raises(Invalid):
        change(play, [Begin(element)])


def test_where_a_sub_process_runs_several_times_one_says_in_which() -> None:
    inner = start("is") + user("X") + user("Y") + end("ie") + flow("is", "X", "Y", "ie")
    play = Play(doc(sub("S", inner + mi("=list", "one")) + line("S")), {"list": [1, 2]})
    with pytest.raises(Invalid, match="several times"):
        change(play, [Begin("Y")])
    inside = next(iter(play.wf.subprocesses))
    change(play, [Begin("Y", inside=inside)])
    assert play.names() == ["X", "X", "Y"]


def test_in_a_called_process() -> None:
    called = doc(user("X") + user("Y") + line("X", "Y"), pid="q")
    play = Play([doc(call("C", "q") + line("C")), called])
    change(play, [Begin("Y")], ["X"])
    assert play.names() == ["Y"]
    play.do("Y")
    assert play.clean


def test_what_is_meant_must_be_at_work() -> None:
    play = Play(TWO)
    row: Any = None
    with pytest.raises(Conflict):
        modifying._at(row, play.wf, End("B"))
