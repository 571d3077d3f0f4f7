"""Input and output mappings, and what each element hands on, as Camunda 8 documents them."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import (
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
    service,
    sig,
    start,
    sub,
    timer,
    user,
    z,
)

ONLY = {"propagateAllParentVariables": "false", "propagateAllChildVariables": "false"}
CHILD = doc(user("u") + line("u"), pid="child")
DECIDE = z("calledDecision", decisionId="d", resultVariable="n")


def plain(values: Any) -> dict[str, str]:
    return {name: str(value) for name, value in dict(values).items()}


# ------------------------------------------------------------------------------------------------ in order, and where to
def test_mappings_are_worked_out_in_order_and_each_sees_those_before_it() -> None:
    play = Play(
        doc(user("a", io([("b", "=x + 1"), ("c", "=b * 2"), ("x", "=c")], [("y", "=x"), ("z", "=y + b")])) + line("a")),
        {"x": 1},
    )
    task = play.wf.user_tasks()[0]
    assert {name: str(task.data[name]) for name in "bcx"} == {"b": "2", "c": "4", "x": "4"}
    play.do("a")
    assert play.vars == {"x": 1, "y": 4, "z": 6}


def test_a_local_variable_shadows_the_outer_one_and_is_gone_with_its_activity() -> None:
    play = Play(doc(user("a", io([("x", "=2")])) + user("b") + line("a", "b")), {"x": 1})
    assert play.wf.user_tasks()[0].data["x"] == 2
    play.do("a", x=3)
    assert play.vars == {"x": 1}
    assert play.wf.user_tasks()[0].data["x"] == 1


def test_what_is_missing_is_null_and_is_mapped_as_null() -> None:
    play = Play(doc(user("a", io([("b", "=nothing.there")], [("c", "=nothing")])) + line("a")), {"c": 1})
    assert play.wf.user_tasks()[0].data["b"] is None
    play.do("a")
    assert play.vars == {"c": None}


def test_a_dotted_target_makes_and_completes_a_context() -> None:
    play = Play(doc(user("a", io([("who.name", '="A"'), ("who.age", "=7")], [("r.of.task", "=who.age")])) + line("a")))
    assert plain(play.wf.user_tasks()[0].data["who"]) == {"name": "A", "age": "7"}
    play.do("a")
    assert play.vars == {"r": {"of": {"task": 7}}}


@pytest.mark.parametrize("kind", ["userTask", "callActivity", "message event", "signal boundary", "sub-process"])
def test_a_dotted_target_of_an_output_mapping_keeps_the_rest_of_what_is_there(kind: str) -> None:
    outputs = io((), [("case.part.new", '="x"'), ("case.more", "=case.part.old"), ("fresh.one", "=1")])
    inner = start("is") + user("u") + end("ie") + flow("is", "u", "ie")
    bodies = {**PRODUCERS, "sub-process": el("subProcess", "x", "MAP", inner)}
    way = ("w",) if "boundary" in kind else ("x", "then")
    body = bodies[kind].replace("MAP", outputs) + user("then") + line(*way)
    play = Play([doc(body), CHILD], {"k": "k", "case": {"id": 7, "part": {"old": 1}}})
    if kind in ("userTask", "callActivity", "sub-process"):
        play.do("x" if kind == "userTask" else "u")
    elif "message" in kind:
        assert play.wf.message("stop", "k")
    else:
        assert play.wf.signal("alarm") == 1
    assert play.vars == {
        "k": "k",
        "case": {"id": 7, "part": {"old": 1, "new": "x"}, "more": 1},
        "fresh": {"one": 1},
    }


def test_a_result_goes_to_the_scope_that_has_the_name_and_a_new_one_to_the_root() -> None:
    """The example of Camunda's documentation: b and c are known further out, d nowhere."""
    inner = start("is") + user("t") + end("ie") + flow("is", "t", "ie")
    mapped = el("subProcess", "sp", io([("c", "=0")], [("seen", "=c")]), inner)
    play = Play(doc(mapped + line("sp")), {"a": 1, "b": 1})
    play.do("t", b=2, c=3, d=4)
    assert play.vars == {"a": 1, "b": 2, "d": 4, "seen": 3}


PRODUCERS: dict[str, str] = {
    "scriptTask": el("scriptTask", "x", z("script", expression="=1 + 1", resultVariable="n") + "MAP"),
    "businessRuleTask": el("businessRuleTask", "x", DECIDE + "MAP"),
    "serviceTask": service("x", "op", "MAP"),
    "sendTask": el("sendTask", "x", z("taskDefinition", type="op") + "MAP"),
    "userTask": user("x", "MAP"),
    "receiveTask": el("receiveTask", "x", "MAP", messageRef="M"),
    "callActivity": call("x", "child", "MAP"),
    "message event": el("intermediateCatchEvent", "x", "MAP", msg()),
    "signal event": el("intermediateCatchEvent", "x", "MAP", sig()),
    "message boundary": user("w") + boundary("x", "w", msg(), ext="MAP") + flow("x", "then"),
    "signal boundary": user("w") + boundary("x", "w", sig(), ext="MAP") + flow("x", "then"),
}


def produced(kind: str, outputs: str) -> dict[str, Any]:
    way = ("w",) if "boundary" in kind else ("x", "then")
    play = Play(
        [doc(PRODUCERS[kind].replace("MAP", outputs) + user("then") + line(*way)), CHILD],
        {"k": "k"},
        operations={"op": lambda _: {"n": 2, "m": 3}},
        decisions={"d": lambda _: 2},
    )
    if kind == "userTask":
        play.do("x", n=2, m=3)
    elif kind == "callActivity":
        play.do("u", n=2, m=3)
    elif "message" in kind or kind == "receiveTask":
        assert play.wf.message("stop", "k", {"n": 2, "m": 3})
    elif "signal" in kind:
        assert play.wf.signal("alarm", {"n": 2, "m": 3}) == 1
    assert (play.names(), play.incidents) == (["then"], [])
    return {name: value for name, value in play.vars.items() if name != "k"}


@pytest.mark.parametrize("kind", PRODUCERS)
def test_all_of_a_result_is_handed_on_or_only_what_is_mapped(kind: str) -> None:
    alone = kind in ("scriptTask", "businessRuleTask")
    assert produced(kind, "") == ({"n": 2} if alone else {"n": 2, "m": 3})
    assert produced(kind, io((), [("o", "=n + 1")])) == {"o": 3}


# ------------------------------------------------------------------------------------------------ sub-processes, calls
def test_a_sub_process_keeps_its_local_variables_to_itself() -> None:
    inner = start("is") + script("sc", "=v + 1", "v") + end("ie") + flow("is", "sc", "ie")
    play = Play(doc(el("subProcess", "sp", io([("v", "=10")]), inner) + user("z") + line("sp", "z")), {"v": 1})
    assert play.vars == {"v": 1}
    told = Play(doc(el("subProcess", "sp", io([("v", "=10")], [("w", "=v")]), inner) + user("z") + line("sp", "z")))
    assert told.vars == {"w": 11}


def test_the_output_mappings_of_a_call_see_the_called_process_before_the_caller() -> None:
    body = call("c", "child", io([("n", "=1")], [("sum", "=m + base"), ("own", "=n")]), **ONLY)
    play = Play([doc(body + line("c")), CHILD], {"base": 10, "n": 99})
    play.do("u", m=5)
    assert play.vars == {"base": 10, "n": 99, "sum": 15, "own": 1}


@pytest.mark.parametrize(
    ("given", "taken", "inside", "after"),
    [
        ("true", "true", {"a", "n"}, {"a", "m"}),
        ("true", "false", {"a", "n"}, {"a"}),
        ("false", "true", {"n"}, {"a", "m"}),
        ("false", "false", {"n"}, {"a"}),
    ],
)
def test_what_a_call_hands_over_and_takes_back(given: str, taken: str, inside: set[str], after: set[str]) -> None:
    """What its input mappings make is the call's own, and does not come back to the caller."""
    flags = {"propagateAllParentVariables": given, "propagateAllChildVariables": taken}
    play = Play([doc(call("c", "child", io([("n", "=1")]), **flags) + line("c")), CHILD], {"a": 1})
    task = play.wf.user_tasks()[0]
    assert set(play.wf.scopes.visible(task.scope)) == inside
    play.do("u", m=2)
    assert set(play.vars) == after


def test_a_called_process_shadows_nothing_of_the_instance_that_collects_its_result() -> None:
    """Called process and instance both have a variable of the name; what the mapping hands out is collected."""
    loop = mi("=[1,2]", "i", "answers", "=answer")
    play = Play([doc(call("c", "child", io([("i", "=i")], [("answer", "=given")]), loop, **ONLY) + line("c")), CHILD])
    for given in ("right", "good"):
        play.reload()
        play.do("u", given=given, answer="its own")
    assert (play.clean, play.vars) == (True, {"answers": ["right", "good"]})


# ------------------------------------------------------------------------------------------------ multi-instance
def approvals(seq: bool, until: str) -> Play:
    task = user("u", io((), [("ok", "=said")]), mi("=people", "who", "oks", "=ok", seq, until))
    return Play(doc(task + user("z") + line("u", "z")), {"people": ["a", "b", "c"]})


@pytest.mark.parametrize("seq", [False, True])
def test_a_completion_condition_sees_the_instance_that_has_just_ended(seq: bool) -> None:
    play = approvals(seq, "=ok")
    play.do("u", said=False)
    play.reload()
    assert play.names() == (["u"] if seq else ["u", "u"])
    play.do("u", said=True)
    assert (play.names(), play.incidents) == (["z"], [])
    assert play.vars["oks"] == [False, True, None]


@pytest.mark.parametrize("seq", [False, True])
def test_a_completion_condition_may_read_the_item_and_the_counters(seq: bool) -> None:
    """Counted are the instances that have been created (BPMN 2.0, table 10.31): one after the other no more than have begun."""
    counted = f"numberOfInstances = {2 if seq else 3} and numberOfActiveInstances = {0 if seq else 1}"
    ended = "numberOfCompletedInstances = 2 and numberOfTerminatedInstances = 0"
    play = approvals(seq, f'=who = "b" and {counted} and {ended}')
    for _ in range(2):
        play.do("u", said=True)
        play.reload()
    assert play.names() == ["z"]


@pytest.mark.parametrize("element", ["=x", "=x + 0"])
@pytest.mark.parametrize("what", ["user", "call"])
def test_an_instance_keeps_what_its_output_mappings_give_to_a_variable_of_its_own(what: str, element: str) -> None:
    """Camunda 8: input mappings, item and result are variables of the one scope of the instance."""
    mapped, loop = io([("x", "=i")], [("x", "=x + 1"), ("seen", "=x")]), mi("=[1,2]", "i", "xs", element)
    body = user("u", mapped, loop) if what == "user" else call("c", "child", mapped, loop, **ONLY)
    play = Play([doc(body + user("z") + line("u" if what == "user" else "c", "z")), CHILD], {"x": 7})
    for _ in range(2):
        play.reload()
        play.do("u")
    assert (play.names(), play.vars) == (["z"], {"x": 7, "xs": [2, 3], "seen": 3})


@pytest.mark.parametrize("own", [(), [("wait", '="PT1H"'), ("k", '="k"')]])
def test_what_is_attached_to_a_call_sees_the_caller_and_what_the_call_maps(own: Any) -> None:
    """Never the called process: what that does with its copies is its own."""
    late = boundary("late", "c", timer("Duration", "=wait"), False) + boundary("told", "c", msg(), False)
    after = user("a") + end("ae") + user("b") + end("be") + flow("late", "a", "ae") + flow("told", "b", "be")
    given = {} if own else {"wait": "PT1H", "k": "k"}
    play = Play([doc(call("c", "child", io([("other", "=1"), *own]), **ONLY) + late + after + line("c")), CHILD], given)
    play.reload()
    play.wf.scopes.set_local(play.wf.user_tasks()[0].outer, "k", "changed by the called process")
    assert (play.incidents, play.due) == ([], "2026-01-05T10:00:00+00:00")
    assert [play.wf.message("stop", "k") for _ in range(2)] == [True, True]
    play.reload()
    play.later(hours=1)
    assert (play.names(), play.incidents) == (["a", "b", "b", "u"], [])
    for name in ("u", "a", "b", "b"):
        play.do(name)
    assert (play.clean, play.vars) == (True, given)


def test_what_an_error_brings_goes_no_further_than_the_event_that_catches_it() -> None:
    """Camunda 8: only an output mapping hands it on; an event sub-process propagates it as it does what a message brings."""
    caught = boundary("b", "svc", err()) + user("c") + flow("b", "c")
    beside = service("svc", "outside:x") + esp("es", err()) + line("svc")
    for body, after in ((service("svc", "outside:x") + caught + line("svc"), {}), (beside, {"reason": "late"})):
        play = Play(doc(body))
        assert play.wf.throw_job_error(play.wf.outside_jobs()[0].id, "E1", "no", {"reason": "late"})
        assert (play.vars, play.incidents) == (after, [])


def test_a_completion_condition_that_cannot_be_answered_waits_for_its_answer() -> None:
    """What the instance has left empty can be given from outside; what it has said stays."""
    play = approvals(False, '=ok and who = "a"')
    play.do("u")
    play.reload()
    assert len(play.incidents) == 1
    play.wf.scopes.set(0, "ok", True)
    play.wf.scopes.set(0, "who", "somebody else")
    play.wf.retry(next(iter(play.wf.incidents)))
    assert (play.names(), play.incidents) == (["z"], [])


def test_an_item_may_be_null_and_an_instance_without_a_result_collects_null() -> None:
    play = Play(doc(user("u", inner=mi("=[null, 1]", "i", "out", "=r", True)) + user("z") + line("u", "z")))
    play.do("u")
    assert play.names() == ["u"]
    play.do("u", r=1)
    assert play.vars == {"out": [None, 1]}


@pytest.mark.parametrize("written", [5, None, [], "text"])
@pytest.mark.parametrize("seq", [False, True])
def test_results_that_something_else_has_overwritten_are_an_incident(seq: bool, written: Any) -> None:
    """Somebody completes a task with a variable of the collection's name. Nothing of the work is lost."""
    play = Play(doc(user("u", inner=mi("=[1,2]", "i", "out", "=i", seq)) + user("z") + line("u", "z")))
    play.do("u", out=written)
    play.reload()
    assert play.incidents == ["The variable out collects the results of u, and something else has been written to it."]
    [stopped] = play.wf.incidents
    body = play.wf.get_task_from_id(stopped).parent.id
    play.wf.scopes.set_local(body, "out", [None, None])
    play.wf.retry(stopped)
    play.do("u")
    assert (play.incidents, play.names(), play.vars) == ([], ["z"], {"out": [1, 2]})


def test_a_partial_collection_is_not_handed_on_when_the_activity_is_interrupted() -> None:
    late = boundary("b", "u", timer("Duration", "PT1H")) + user("l") + flow("b", "l")
    play = Play(doc(user("u", inner=mi("=[1,2]", "i", "out", "=r")) + late + line("u")))
    play.do("u", r=1)
    play.later(hours=1)
    assert (play.names(), play.vars) == (["l"], {})


@pytest.mark.parametrize("seq", [False, True])
def test_a_multi_instance_sub_process_has_a_scope_for_each_instance(seq: bool) -> None:
    inner = start("is") + user("t") + script("sc", "=mine + i", "r") + end("ie") + flow("is", "t", "sc", "ie")
    body = el("subProcess", "sp", io([("mine", "=0")]), inner + mi("=[10,20]", "i", "rs", "=r", seq))
    play = Play(doc(body + line("sp")))
    for value in (1, 2):
        play.reload()
        play.do("t", mine=value)
    assert (play.clean, play.vars) == (True, {"rs": [11, 22]})


# ------------------------------------------------------------------------------------------------ events that throw
@pytest.mark.parametrize("event", ["", msg(), sig(), esca()])
@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent"])
def test_the_output_mappings_of_a_throwing_event_see_its_input_mappings(tag: str, event: str) -> None:
    thrown = el(tag, "x", io([("a", "=k"), ("b", "=1")], [("c", "=b + 1")]), event)
    play = Play(doc(thrown + start() + flow("s", "x")), {"k": 1})
    assert (play.clean, play.vars) == (True, {"k": 1, "c": 2})


def test_a_send_task_hands_on_only_what_its_output_mappings_take() -> None:
    sent = el("sendTask", "x", io([("correlationKey", "=k"), ("b", "=1")], [("c", "=b + 1")]), messageRef="M")
    play = Play(doc(sent + line("x")), {"k": "k"})
    assert (play.vars, [plain(m.payload) for m in play.host.posted]) == ({"k": "k", "c": 2}, [{"b": "1"}])


@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent"])
def test_a_signal_carries_the_input_mappings_of_who_throws_it(tag: str) -> None:
    fork = el("parallelGateway", "g") + el("intermediateCatchEvent", "w", io((), [("got", "=n")]), sig()) + user("told")
    thrown = user("go") + el(tag, "x", io([("n", "=v + 1")]), sig())
    play = Play(
        doc(fork + thrown + start() + end() + flow("s", "g", "go", "x") + flow("g", "w", "told", "e")), {"v": 1}
    )
    play.do("go")
    assert (play.names(), play.vars) == (["told"], {"v": 1, "got": 2})
    assert [(name, plain(payload)) for name, payload in play.host.signals] == [("alarm", {"n": "2"})]


def test_an_event_that_is_interrupted_by_what_it_throws_writes_nothing() -> None:
    inside = (
        start("is")
        + el("intermediateThrowEvent", "t", io((), [("b", "=1")]), esca())
        + user("w")
        + flow("is", "t", "w")
    )
    caught = boundary("bd", "sp", esca()) + user("c") + flow("bd", "c")
    play = Play(doc(sub("sp", inside) + caught + line("sp")))
    assert (play.names(), play.vars, play.incidents) == (["c"], {}, [])


def test_an_error_brings_its_variables_to_the_event_that_catches_it() -> None:
    body = service("svc", "outside:x") + boundary("b", "svc", err(), ext=io((), [("why", "=reason")])) + user("c")
    play = Play(doc(body + line("svc") + flow("b", "c")))
    job = play.wf.outside_jobs()[0]
    assert play.wf.throw_job_error(job.id, "E1", "no", {"reason": "late", "rest": 1})
    assert (play.names(), play.vars) == (["c"], {"why": "late"})
