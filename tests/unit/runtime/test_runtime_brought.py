"""What events bring from outside: a process that declares its variables takes no others, and none of another type."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import (
    Clock,
    Play,
    boundary,
    doc,
    el,
    end,
    flow,
    io,
    line,
    mi,
    msg,
    props,
    script,
    sig,
    start,
    sub,
    timer,
    user,
)

from app.runtime import codec
from app.runtime.dialect.parser import parse_release
from app.runtime.engine.host import PlainHost
from app.runtime.engine.workflow import Instance, _values

DECLARED = props(variable__n="number", variable__k="string")
BROUGHT = {"n": 2, "remark": "typed by somebody"}


def waiting(kind: str, outputs: str = "") -> str:
    event = sig() if kind.startswith("signal") else msg()
    if kind.endswith("boundary"):
        return user("w") + boundary("x", "w", event, ext=outputs) + user("z") + line("w") + flow("x", "z")
    if kind == "receive":
        return el("receiveTask", "x", outputs, messageRef="M") + user("z") + line("x", "z")
    if kind == "gateway":
        events = el("eventBasedGateway", "g") + el("intermediateCatchEvent", "x", outputs, msg())
        events += el("receiveTask", "r", messageRef="M0") + user("z")
        return events + line("g", "x", "z") + flow("g", "r", "e")
    return el("intermediateCatchEvent", "x", outputs, event) + user("z") + line("x", "z")


KINDS = ["message", "signal", "receive", "gateway", "message boundary", "signal boundary"]


def brought(kind: str, payload: dict[str, Any], outputs: str = "", ext: str = DECLARED) -> Play:
    play = Play(doc(waiting(kind, outputs), ext=ext), {"k": "k"})
    if kind.startswith("signal"):
        assert play.wf.signal("alarm", payload) == 1
    else:
        assert play.wf.message("stop", "k", payload)
    return play


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_brings_only_what_is_declared(kind: str) -> None:
    play = brought(kind, BROUGHT)
    assert (play.names(), play.vars) == (["z"], {"k": "k", "n": 2})
    assert brought(kind, BROUGHT, ext="").vars == {"k": "k", **BROUGHT}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mapping_may_take_the_rest(kind: str) -> None:
    play = brought(kind, BROUGHT, io((), [("n", "=string length(remark)")]))
    assert play.vars == {"k": "k", "n": 17}


@pytest.mark.parametrize("kind", KINDS)
def test_another_type_is_an_incident_that_names_it_and_tells_nothing(kind: str) -> None:
    play = brought(kind, {"n": "typed by somebody"})
    assert play.incidents == ["The variable n is declared as number, but the value is a string."]
    assert play.vars == {"k": "k"}


def test_what_is_local_to_a_receiver_need_not_be_declared() -> None:
    """Its own variables: an input mapping's, and the result of one instance."""
    mapped = el("receiveTask", "x", io([("reply", '=""')], [("n", "=number(reply)")]), messageRef="M")
    play = Play(doc(mapped + line("x"), ext=DECLARED), {"k": "k"})
    play.wf.message("stop", "k", {"reply": "3"})
    assert play.vars == {"k": "k", "n": 3}
    many = el("receiveTask", "x", "", mi("=[1,2]", "i", "answers", "=reply"), messageRef="M")
    each = Play(doc(many + line("x"), ext=DECLARED + ""), {"k": "k"})
    for reply in ("a", "b"):
        each.wf.message("stop", "k", {"reply": reply, "remark": "x"})
    assert each.vars == {"k": "k", "answers": ["a", "b"]}


@pytest.mark.parametrize("outputs", ["", io((), [("n", "=string length(remark)")])])
def test_the_start_of_an_event_sub_process(outputs: str) -> None:
    inside = el("startEvent", "es_s", outputs, sig()) + script("c", "=n + 1", "n") + user("u") + end("es_e")
    es = sub("es", inside + flow("es_s", "c", "u", "es_e"), triggeredByEvent="true")
    play = Play(doc(user("a") + es + line("a"), ext=DECLARED), {"n": 0, "k": "k"})
    play.wf.signal("alarm", BROUGHT)
    own = play.wf.user_tasks()[0].data
    assert "remark" not in own
    assert own["n"] == (18 if outputs else 3)


def beside(event: str, outputs: str = "", ext: str = DECLARED) -> str:
    """A task, and an event sub-process beside it."""
    inside = el("startEvent", "es_s", outputs, event) + user("u") + end("es_e")
    es = sub("es", inside + flow("es_s", "u", "es_e"), triggeredByEvent="true")
    return doc(user("a") + es + line("a"), ext=ext)


@pytest.mark.parametrize("event", [timer("Duration", "PT1H"), sig(), msg()])
def test_the_start_of_an_event_sub_process_is_mapped_though_its_event_brings_nothing(event: str) -> None:
    play = Play(beside(event, io((), [("n", "=n + 1")])), {"n": 1, "k": "k"})
    play.later(hours=2)
    play.wf.signal("alarm")
    play.wf.message("stop", "k")
    assert (play.wf.user_tasks()[0].data["n"], play.vars["n"]) == (2, 2)


@pytest.mark.parametrize("outputs", ["", io((), [("n", "=remark")])])
def test_an_event_sub_process_takes_no_value_of_another_type(outputs: str) -> None:
    play = Play(beside(sig(), outputs), {"n": 1, "k": "k"})
    play.wf.signal("alarm", {"n": "two", "remark": "two"})
    assert play.incidents == ["The variable n is declared as number, but the value is a string."]


def test_what_an_event_brought_is_there_when_the_body_is_tried_again() -> None:
    mapping = io((), [("n", '=if k = "right" then number(remark) else remark')])
    play = Play(beside(sig(), mapping), {"n": 1, "k": "wrong"})
    play.wf.signal("alarm", {"remark": "3"})
    play.reload()
    [stopped] = play.wf.incidents
    play.wf.scopes.set(0, "k", "right")
    play.wf.retry(stopped)
    assert (play.incidents, play.wf.user_tasks()[0].data["n"]) == ([], 3)


def test_a_local_variable_of_a_declared_name_is_of_the_declared_type() -> None:
    shadowed = Play(doc(user("a", io([("n", "=k")])) + line("a"), ext=DECLARED), {"n": 1, "k": "k"})
    each = Play(doc(user("a", "", mi('=[1,"two"]', "n")) + line("a"), ext=DECLARED), {"n": 1, "k": "k"})
    for play in (shadowed, each):
        assert play.incidents == ["The variable n is declared as number, but the value is a string."]
        assert play.wf.user_tasks() == []


# ------------------------------------------------------------------------------------------------ starting a process
def started(payload: dict[str, Any], outputs: str = "", ext: str = DECLARED) -> Instance:
    body = (
        el("startEvent", "ms", outputs, msg("M0")) + start() + user("a") + end() + flow("ms", "a", "e") + flow("s", "a")
    )
    release = parse_release({"p.bpmn": doc(body, ext=ext)})
    spec = release.processes["p"]
    wf = Instance(spec, release.blueprints, PlainHost(Clock()), variables=_values(payload), start_at="ms")
    wf.advance()
    return codec.loads(codec.dumps(wf), release, "p", wf.host)


def variables(wf: Instance) -> dict[str, str]:
    return {name: str(value) for name, value in wf.scopes.local(0).items()}


def test_an_instance_begins_with_what_its_event_brings_and_the_process_declares() -> None:
    assert variables(started(BROUGHT)) == {"n": "2"}
    assert variables(started(BROUGHT, ext="")) == {"n": "2", "remark": "typed by somebody"}
    assert variables(started(BROUGHT, io((), [("n", "=n + string length(remark)")]))) == {"n": "19"}
    assert variables(started(BROUGHT, io((), [("k", "=remark")]))) == {"k": "typed by somebody"}
    assert variables(started(BROUGHT, io((), [("size", "=string length(remark)")]), ext="")) == {"size": "17"}


def test_an_instance_that_begins_with_another_type_waits_for_a_person() -> None:
    wf = started({"n": "two", "k": "k"})
    assert [i.message for i in wf.incidents.values()] == [
        "The variable n is declared as number, but the value is a string."
    ]
    assert variables(wf) == {"k": "k"}
    wf.retry(next(iter(wf.incidents)))
    assert len(wf.incidents) == 1
    wf.scopes.set(0, "n", _values({"n": 2})["n"])
    wf.retry(next(iter(wf.incidents)))
    assert (variables(wf), [t.task_spec.bpmn_id for t in wf.user_tasks()]) == ({"k": "k", "n": "2"}, ["a"])


def test_a_mapping_may_mend_the_type() -> None:
    assert variables(started({"n": "2"}, io((), [("n", "=number(n)")]))) == {"n": "2"}
