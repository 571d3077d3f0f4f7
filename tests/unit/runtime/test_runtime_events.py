"""Events: sub-processes they start, where errors and escalations go, timers, messages, signals."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import (
    Clock,
    Play,
    boundary,
    call,
    doc,
    el,
    end,
    err,
    esca,
    esp,
    flow,
    io,
    line,
    mi,
    msg,
    script,
    sig,
    start,
    sub,
    timer,
    user,
)


def nested(depth: int, core: str) -> str:
    """The core inside so many sub-processes."""
    body = core
    for level in range(depth):
        inside = body if level else core
        path = (f"n{level}s", f"n{level - 1}" if level else "main", f"n{level}e")
        body = sub(f"n{level}", start(path[0]) + inside + end(path[2]) + flow(*path))
    return body


def fire(play: Play, kind: str) -> None:
    if kind == "timer":
        play.later(hours=2)
    elif kind == "message":
        assert play.wf.message("stop", "k1", {"why": "x"})
    else:
        assert play.wf.signal("alarm") == 1


EVENTS = {"timer": timer("Duration", "PT1H"), "message": msg(), "signal": sig()}


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("interrupting", [True, False])
def test_event_sub_process(depth: int, kind: str, interrupting: bool) -> None:
    core = user("main") + esp("es", EVENTS[kind], interrupting)
    top = f"n{depth - 1}" if depth else "main"
    play = Play(doc(nested(depth, core) + user("after") + line(top, "after")), {"k": "k1"})
    assert play.names() == ["main"]
    fire(play, kind)
    play.reload()
    assert play.names() == (["es_u"] if interrupting else ["es_u", "main"])
    if not interrupting and kind != "timer":
        fire(play, kind)
        assert play.names() == ["es_u", "es_u", "main"]
        play.do("es_u")
    if not interrupting:
        play.do("main")
        assert play.names() == ([] if depth else ["after"]) + ["es_u"]
    play.do("es_u")
    if depth or not interrupting:
        assert play.names() == ["after"]
        play.do("after")
    assert play.clean


def test_a_trigger_ends_with_its_scope() -> None:
    core = user("main") + esp("es", timer("Duration", "PT1H"))
    play = Play(doc(nested(2, core) + user("after") + line("n1", "after")))
    assert play.due == "2026-01-05T10:00:00+00:00"
    play.do("main")
    assert (play.due, play.names()) == (None, ["after"])


def test_a_cycle_counts_its_turns() -> None:
    play = Play(doc(user("main") + esp("es", timer("Cycle", "R3/PT1H"), False) + line("main")))
    dues = []
    for _ in range(5):
        dues.append(play.due and play.due[11:16])
        play.later(hours=1)
        play.reload()
    assert dues == ["10:00", "11:00", "12:00", None, None]
    assert play.names() == ["es_u"] * 3 + ["main"]


def test_an_endless_cycle_skips_what_it_slept_through() -> None:
    play = Play(
        doc(
            user("main")
            + boundary("b", "main", timer("Cycle", "R/PT1H"), False)
            + user("n")
            + line("main")
            + flow("b", "n")
        )
    )
    play.later(hours=5, minutes=30)
    play.wf.advance()
    assert play.names() == ["main", "n"]
    assert play.due == "2026-01-05T15:00:00+00:00"


@pytest.mark.parametrize("kind", ["error", "escalation"])
@pytest.mark.parametrize("where", ["inner", "outer", "boundary", "none"])
def test_errors_and_escalations_go_outwards(kind: str, where: str) -> None:
    event = err() if kind == "error" else esca()
    throw = el("endEvent", "boom", inner=event)
    inside = (
        start("ns") + user("main") + throw + flow("ns", "main", "boom") + (esp("es", event) if where == "inner" else "")
    )
    extra = boundary("bd", "sub", event) + user("caught") + flow("bd", "caught") if where == "boundary" else ""
    extra += esp("es", event) if where == "outer" else ""
    play = Play(doc(sub("sub", inside) + extra + user("after") + line("sub", "after")))
    play.do("main")
    if where == "none":
        assert (play.names(), len(play.incidents)) == (([], 1) if kind == "error" else (["after"], 0))
    else:
        assert play.names() == (["caught"] if where == "boundary" else ["es_u"])
        assert play.incidents == []


def test_a_non_interrupting_escalation_starts_an_event_sub_process_each_time() -> None:
    inside = (
        user("a")
        + el("intermediateThrowEvent", "t1", inner=esca())
        + el("intermediateThrowEvent", "t2", inner=esca())
        + user("b")
    )
    play = Play(doc(inside + esp("es", esca(), False) + line("a", "t1", "t2", "b")))
    play.do("a")
    assert play.names() == ["b", "es_u", "es_u"]
    play.do("b")
    play.do("es_u")
    play.do("es_u")
    assert play.clean


def test_an_event_sub_process_does_not_catch_its_own_error() -> None:
    body = el("startEvent", "x_s", inner=err()) + el("endEvent", "x_boom", inner=err()) + flow("x_s", "x_boom")
    inner = (
        start("ns")
        + user("a")
        + el("endEvent", "boom", inner=err())
        + flow("ns", "a", "boom")
        + sub("x", body, triggeredByEvent="true")
    )
    play = Play(
        doc(sub("sp", inner) + boundary("bd", "sp", err()) + user("caught") + line("sp") + flow("bd", "caught"))
    )
    play.do("a")
    assert play.names() == ["caught"]


def test_a_neighbour_does_not_catch_an_error() -> None:
    def branch(i: int, throw: str, last: str) -> str:
        return sub(f"sp{i}", start(f"q{i}") + user(f"w{i}") + throw + flow(f"q{i}", f"w{i}", last))

    boom = el("endEvent", "boom", inner=err())
    body = (
        el("parallelGateway", "g")
        + branch(1, end("ok1"), "ok1")
        + branch(2, boom, "boom")
        + boundary("b1", "sp1", err())
    )
    play = Play(
        doc(
            body
            + start()
            + end()
            + end("e2")
            + end("e3")
            + flow("s", "g")
            + flow("g", "sp1", "e")
            + flow("g", "sp2", "e2")
            + flow("b1", "e3")
        )
    )
    play.do("w2")
    assert play.names() == ["w1"]
    assert play.incidents == ["Nothing catches the error E1."]


def test_an_error_code_goes_to_the_event_that_names_it_first() -> None:
    inside = start("ns") + user("a") + el("endEvent", "boom", inner=err()) + flow("ns", "a", "boom")
    events = (
        boundary("every", "sp", err(""))
        + user("u1")
        + flow("every", "u1")
        + boundary("exact", "sp", err())
        + user("u2")
        + flow("exact", "u2")
    )
    events += boundary("other", "sp", err("E2")) + user("u3") + flow("other", "u3")
    play = Play(doc(sub("sp", inside) + events + line("sp")))
    play.do("a")
    assert play.names() == ["u2"]


def test_an_error_leaves_a_called_process() -> None:
    child = doc(start() + user("a") + el("endEvent", "boom", inner=err()) + flow("s", "a", "boom"), pid="child")
    play = Play(
        [doc(call("c", "child") + boundary("b", "c", err()) + user("caught") + line("c") + flow("b", "caught")), child]
    )
    play.do("a")
    assert play.names() == ["caught"]
    play.do("caught")
    assert play.clean


@pytest.mark.parametrize("interrupting", [True, False])
def test_an_escalation_leaves_a_called_process(interrupting: bool) -> None:
    throw = el("intermediateThrowEvent", "up", inner=esca())
    child = doc(user("a") + throw + user("b") + line("a", "up", "b"), pid="child")
    outer = call("c", "child") + boundary("bd", "c", esca(), interrupting) + user("caught")
    play = Play([doc(outer + line("c") + flow("bd", "caught")), child])
    play.do("a")
    assert play.names() == (["caught"] if interrupting else ["b", "caught"])
    for name in play.names():
        play.do(name)
    assert play.clean


def test_signal_end_reaches_a_parallel_branch_and_the_world() -> None:
    body = (
        el("parallelGateway", "g")
        + el("intermediateCatchEvent", "sc", inner=sig())
        + user("woken")
        + user("a")
        + el("endEvent", "se", inner=sig())
    )
    play = Play(doc(body + start() + end() + flow("s", "g", "sc", "woken", "e") + flow("g", "a", "se")))
    play.do("a")
    assert play.names() == ["woken"]
    assert play.host.signals == [("alarm", {})]


GATEWAY = doc(
    start()
    + el("eventBasedGateway", "eg")
    + el("intermediateCatchEvent", "t1", inner=timer("Duration", "PT2H"))
    + el("intermediateCatchEvent", "t2", inner=timer("Duration", "PT1H"))
    + el("intermediateCatchEvent", "m", io((), [("got", "=why")]), msg())
    + el("receiveTask", "r", messageRef="M0")
    + user("u1")
    + user("u2")
    + user("u3")
    + user("u4")
    + end()
    + flow("s", "eg")
    + "".join(flow("eg", a, b, "e") for a, b in (("t1", "u1"), ("t2", "u2"), ("m", "u3"), ("r", "u4")))
)


def test_each_timer_of_an_event_gateway_keeps_its_own_time() -> None:
    play = Play(GATEWAY, {"k": "k"})
    due = next(iter(play.wf.event_manager.tasks.values())).internal_data["due"]
    assert due["t1"] - due["t2"] == 3_600_000
    play.later(hours=1)
    assert play.names() == ["u2"]


def test_the_earlier_timer_wins_on_a_late_wake() -> None:
    play = Play(GATEWAY, {"k": "k"})
    play.reload()
    play.later(hours=9)
    assert play.names() == ["u2"]


def test_a_message_at_an_event_gateway() -> None:
    play = Play(GATEWAY, {"k": "k"})
    play.wf.message("stop", "k", {"why": "because"})
    assert (play.names(), play.vars["got"], play.due) == (["u3"], "because", None)


def test_a_receive_task_after_an_event_gateway() -> None:
    play = Play(GATEWAY, {"k": "k"})
    play.wf.message("begin", "", {"x": 1})
    assert (play.names(), play.vars["x"]) == (["u4"], 1)


def test_a_non_interrupting_message_fires_again_and_again() -> None:
    play = Play(doc(user("a") + boundary("b", "a", msg(), False) + user("n") + line("a") + flow("b", "n")), {"k": "k"})
    for _ in range(3):
        assert play.wf.message("stop", "k")
        play.reload()
    assert play.names() == ["a", "n", "n", "n"]


def test_an_interrupting_boundary_cancels_every_instance() -> None:
    inner = start("ss") + user("u") + end("se") + flow("ss", "u", "se") + mi("=[1,2,3]", "i")
    play = Play(
        doc(
            sub("sp", inner)
            + boundary("b", "sp", timer("Duration", "PT1H"))
            + user("late")
            + line("sp")
            + flow("b", "late")
        )
    )
    play.do("u", 1)
    play.reload()
    play.later(hours=1)
    assert (play.names(), play.wf.subprocesses, list(play.wf.scopes.by_id)) == (["late"], {}, [0])


def test_a_late_return_is_accepted_until_the_message_comes() -> None:
    """The research sub-process of a MARAC: a non-interrupting timer and an interrupting message on parallel calls."""
    child = doc(start() + user("research") + end() + flow("s", "research", "e"), pid="child")
    calls = call(
        "c",
        "child",
        io([("agency", "=agency")]),
        mi("=agencies", "agency"),
        propagateAllParentVariables="false",
        propagateAllChildVariables="false",
    )
    inside = start("ss") + calls + end("se") + flow("ss", "c", "se")
    body = (
        sub("Research", inside)
        + boundary("t", "Research", timer("Duration", "P1D"), False)
        + script("ready", "=true", "isReady")
        + boundary("m", "Research", msg())
    )
    body += (
        el("exclusiveGateway", "j")
        + user("after")
        + start()
        + end()
        + flow("s", "Research", "j", "after", "e")
        + flow("t", "ready")
        + flow("m", "j")
    )
    play = Play([doc(body), child], {"agencies": ["1", "2", "3"], "k": "m/1"})
    assert play.names() == ["research"] * 3
    play.do("research", 1)
    play.later(days=1)
    play.reload()
    assert play.names() == ["research"] * 2
    assert play.vars["isReady"] is True
    assert play.wf.message("stop", "m/1")
    assert play.names() == ["after"]
    play.do("after")
    assert play.clean


def test_terminate_ends_its_scope_only() -> None:
    inner = (
        start("ss")
        + el("parallelGateway", "g")
        + user("a")
        + user("b")
        + el("endEvent", "t", inner="<bpmn:terminateEventDefinition/>")
        + end("se")
    )
    inner += flow("ss", "g", "a", "t") + flow("g", "b", "se")
    play = Play(doc(sub("sp", inner) + user("after") + line("sp", "after")))
    play.do("a")
    assert play.names() == ["after"]
    play.do("after")
    assert play.clean


def test_terminate_ends_the_process() -> None:
    body = (
        el("parallelGateway", "g")
        + user("a")
        + user("b")
        + el("endEvent", "t", inner="<bpmn:terminateEventDefinition/>")
    )
    play = Play(
        doc(
            body
            + start()
            + end()
            + flow("s", "g", "a", "t")
            + flow("g", "b", "e")
            + esp("es", timer("Duration", "PT1H"))
        )
    )
    play.do("a")
    assert play.clean


def test_a_thrown_message_carries_its_inputs_and_its_key() -> None:
    ins = io([("correlationKey", '=meeting + "/" + caseId'), ("outcome", "=o"), ("extra", "=1 + 1")])
    body = (
        el("intermediateThrowEvent", "t", ins, msg())
        + el("sendTask", "st", ins, messageRef="M")
        + el("endEvent", "e", ins, msg())
    )
    play = Play(doc(body + start() + flow("s", "t", "st", "e")), {"meeting": "7", "caseId": "9", "o": "HEARD"})
    sent = [(m.name, m.key, {k: str(v) for k, v in m.payload.items()}) for m in play.host.posted]
    assert sent == [("stop", "7/9", {"outcome": "HEARD", "extra": "2"})] * 3
    assert play.vars == {"meeting": "7", "caseId": "9", "o": "HEARD"}


def test_a_multi_instance_send_task_sends_to_each() -> None:
    task = el("sendTask", "st", io([("correlationKey", "=c")]), mi("=cases", "c"), messageRef="M")
    play = Play(doc(task + line("st")), {"cases": ["1", "2"]})
    assert [m.key for m in play.host.posted] == ["1", "2"]


def test_a_message_with_the_wrong_key_is_not_taken() -> None:
    play = Play(
        doc(el("intermediateCatchEvent", "m", io((), [("reply", "=text")]), msg()) + user("u") + line("m", "u")),
        {"k": "C1"},
    )
    assert not play.wf.message("stop", "C2", {"text": "no"})
    assert play.wf.message("stop", "C1", {"text": "yes"})
    assert (play.vars, play.names()) == ({"k": "C1", "reply": "yes"}, ["u"])


def test_a_numeric_correlation_key_is_compared_as_text() -> None:
    play = Play(doc(el("receiveTask", "m", messageRef="M") + line("m")), {"k": 12})
    assert play.wf.message("stop", "12")
    assert play.clean


def test_a_message_is_delivered_once() -> None:
    two = el("parallelGateway", "g") + "".join(
        el("intermediateCatchEvent", f"m{i}", inner=msg()) + user(f"u{i}") for i in (1, 2)
    )
    play = Play(doc(two + start() + end() + flow("s", "g", "m1", "u1", "e") + flow("g", "m2", "u2", "e")), {"k": "k"})
    play.wf.message("stop", "k")
    assert play.names() == ["u1"]


@pytest.mark.parametrize(
    ("kind", "text", "due"),
    [
        ("Duration", "PT36H", "2026-03-29T22:00:00+00:00"),
        ("Duration", "P2D", "2026-03-30T09:00:00+00:00"),
        ("Duration", '=duration("P1M")', "2026-04-28T09:00:00+00:00"),
        ("Date", '=date("2026-04-01")', "2026-04-01T22:59:59+00:00"),
        ("Date", '=date and time("2026-04-01T09:00:00")', "2026-04-01T08:00:00+00:00"),
        ("Date", "2026-04-01T09:00:00Z", "2026-04-01T09:00:00+00:00"),
        ("Date", "2026-04-01", "2026-04-01T22:59:59+00:00"),
    ],
)
def test_when_a_timer_is_due(kind: str, text: str, due: str) -> None:
    """Whole days are London days on the same wall time: the clocks go forward on 29 March 2026."""
    clock = Clock("2026-03-28T10:00:00+00:00")
    play = Play(doc(el("intermediateCatchEvent", "t", inner=timer(kind, text)) + line("t")), clock=clock)
    assert play.due == due.replace("T09:00:00+00:00", "T09:00:00+00:00")


def bound() -> Any:
    body = (
        user("a")
        + boundary("b", "a", timer("Date", '=deadline("researchDue") - duration("PT1H")'), False)
        + user("chase")
    )
    return Play(doc(body + line("a") + flow("b", "chase")))


def test_a_timer_on_a_missing_deadline_is_an_incident_that_says_so() -> None:
    play = bound()
    assert play.names() == ["a"]
    assert play.incidents == ["The timer b waits for the deadline researchDue, which does not exist yet."]
    play.host.deadlines["researchDue"] = Clock("2026-01-06T12:00:00+00:00").at
    play.reload()
    play.wf.retry(next(iter(play.wf.incidents)))
    assert (play.due, play.incidents) == ("2026-01-06T11:00:00+00:00", [])


def test_moving_a_deadline_moves_the_timer_bound_to_it() -> None:
    play = bound()
    play.host.deadlines["researchDue"] = Clock("2026-01-06T12:00:00+00:00").at
    play.wf.retry(next(iter(play.wf.incidents)))
    play.reload()
    play.host.deadlines["researchDue"] = Clock("2026-01-09T12:00:00+00:00").at
    assert play.wf.rearm("researchDue") == 1
    assert play.wf.rearm("otherDue") == 0
    assert play.due == "2026-01-09T11:00:00+00:00"


def test_a_tasks_own_deadline_is_recorded_before_its_timers_are_armed() -> None:
    from runtime_kit import props, z

    ext = z("taskSchedule", dueDate='=now() + duration("P1D")') + props(deadline="research")
    body = user("a", ext) + boundary("b", "a", timer("Date", '=deadline("research")'), False) + user("chase")
    play = Play(doc(body + line("a") + flow("b", "chase")))
    assert (play.incidents, play.due) == ([], "2026-01-06T09:00:00+00:00")
    play.do("a")
    assert play.host.met == ["research"]


def test_nobody_misses_a_signal_for_what_it_does_to_another() -> None:
    """A non-interrupting event that has fired before stands behind an interrupting one; it gets the signal all the same."""
    first = boundary("gentle", "a", sig(), False) + user("told") + flow("gentle", "told")
    second = boundary("hard", "a", sig("S2")) + user("stopped") + flow("hard", "stopped")
    third = boundary("both", "a", sig()) + user("over") + flow("both", "over")
    defs = '<bpmn:signal id="S" name="alarm"/><bpmn:signal id="S2" name="other"/>'
    play = Play(doc(user("a") + third + first + second + line("a"), defs))
    play.wf.signal("alarm")
    assert play.names() == ["over", "told"]
