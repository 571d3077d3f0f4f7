"""What the engine would read only in part is refused: flags, doubles, things in the wrong place, other dialects."""

from __future__ import annotations

import pytest
from runtime_kit import (
    DEFS,
    HEAD,
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

from app.problems import Severity
from app.runtime.checker import check_bpmn
from app.runtime.dialect.parser import parse_release

SET = io([("a", "=1")])
TOLD = io((), [("a", "=1")])
HOUR = timer("Duration", "PT1H")
CYCLE = timer("Cycle", "R3/PT1H")
TERMINATE = "<bpmn:terminateEventDefinition/>"


def found(xml: bytes) -> list[tuple[str, str]]:
    problems = [p for p in check_bpmn(xml, "f.bpmn", allow_undeclared=True) if p.severity is Severity.ERROR]
    assert all(p.what and p.remedy for p in problems)
    return [(p.element_id, p.what) for p in problems]


def attached(event: str, ext: str = "", **kw: str) -> str:
    tag = el("boundaryEvent", "x", ext, event, attachedToRef="u", **kw)
    return user("u") + tag + user("n") + line("u") + flow("x", "n", "e")


def started(event: str, **kw: str) -> str:
    inside = el("startEvent", "x", inner=event, **kw) + end("ie") + flow("x", "ie")
    return sub("es", inside, triggeredByEvent="true") + user("u") + line("u")


PASSED_OVER: dict[str, tuple[str, str]] = {
    "cancelActivity 1": (attached(HOUR, cancelActivity="1"), "neither true nor false"),
    "cancelActivity empty": (attached(HOUR, cancelActivity=""), "neither true nor false"),
    "isInterrupting 0": (started(HOUR, isInterrupting="0"), "neither true nor false"),
    "isSequential 1": (
        user("x", inner=mi("=[1]", "i").replace('"false"', '"1"')) + line("x"),
        "isSequential is neither true nor false",
    ),
    "triggeredByEvent yes": (
        sub("x", start("is") + end("ie") + flow("is", "ie"), triggeredByEvent="yes") + line("x"),
        "neither true nor false",
    ),
    "propagateAllChildVariables 0": (
        call("x", "q", propagateAllChildVariables="0") + line("x"),
        "propagateAllChildVariables is neither true nor false",
    ),
    "input of a catch event": (el("intermediateCatchEvent", "x", SET, HOUR) + line("x"), "input mapping"),
    "input of a boundary event": (attached(HOUR, SET), "input mapping"),
    "input of a start event": (el("startEvent", "x", SET) + end() + flow("x", "e"), "input mapping"),
    "output of an error end": (start() + el("endEvent", "x", TOLD, err()) + flow("s", "x"), "output mappings"),
    "output of a terminate end": (start() + el("endEvent", "x", TOLD, TERMINATE) + flow("s", "x"), "output mappings"),
    "default flow of a task": (
        user("x", default="d") + user("b") + start() + end() + flow("s", "x", "b", "e") + flow("x", "e", id="d"),
        "Only exclusive and inclusive gateways",
    ),
    "default flow of a parallel gateway": (
        el("parallelGateway", "x", default="d")
        + user("b")
        + start()
        + end()
        + flow("s", "x", "b", "e")
        + flow("x", "e", id="d"),
        "Only exclusive and inclusive gateways",
    ),
    "condition after an event gateway": (
        el("eventBasedGateway", "g")
        + "".join(el("intermediateCatchEvent", c, inner=HOUR) for c in "cd")
        + start()
        + end()
        + flow("s", "g")
        + flow("g", "c", cond="=p", id="x")
        + flow("g", "d", "e")
        + flow("c", "e"),
        "leaves an event-based gateway",
    ),
    "condition after a start": (
        el("startEvent", "x") + user("a") + end() + flow("x", "a", cond="=p") + flow("a", "e"),
        "does not leave an exclusive or inclusive gateway",
    ),
    "condition after a parallel gateway": (
        el("parallelGateway", "x") + line("x").replace('targetRef="e">', 'targetRef="e"><bpmn:conditionExpression>=p'
        "</bpmn:conditionExpression>"),
        "does not leave an exclusive or inclusive gateway",
    ),
    "cycle of a catch event": (el("intermediateCatchEvent", "x", inner=CYCLE) + line("x"), "fires once"),
    "cycle of an interrupting boundary event": (attached(CYCLE), "fires once"),
    "cycle of an interrupting start": (started(CYCLE), "fires once"),
    "script without a result": (el("scriptTask", "x", z("script", expression="=1")) + line("x"), "goes nowhere"),
    "decision without a result": (
        el("businessRuleTask", "x", z("calledDecision", decisionId="d")) + line("x"),
        "goes nowhere",
    ),
    "script in another language": (
        script("x", "=1", "a").replace("</bpmn:scriptTask>", "<bpmn:script>import os</bpmn:script></bpmn:scriptTask>")
        + line("x"),
        "Scripts in other languages",
    ),
    "two times": (
        el(
            "intermediateCatchEvent",
            "x",
            inner=HOUR.replace("</bpmn:timerEventDefinition>", "<bpmn:timeDuration>PT9H</bpmn:timeDuration></bpmn:timerEventDefinition>"),
        )
        + line("x"),
        "more than one timeDuration",
    ),
    "two conditions": (
        el("exclusiveGateway", "g", default="d")
        + user("a")
        + start()
        + end()
        + flow("s", "g")
        + flow("g", "a", cond="=p", id="x").replace(
            "</bpmn:sequenceFlow>", "<bpmn:conditionExpression>=q</bpmn:conditionExpression></bpmn:sequenceFlow>"
        )
        + flow("g", "e", id="d")
        + flow("a", "e"),
        "more than one conditionExpression",
    ),
    "two loops": (user("x", inner=mi("=[1]", "i") + mi("=[1,2]", "j")) + line("x"), "more than one multiInstance"),
    "two extension holders": (
        user("x", inner=f"<bpmn:extensionElements>{SET}</bpmn:extensionElements>") + line("x"),
        "more than one extensionElements",
    ),
    "two mappings": (user("x", SET + SET) + line("x"), "zeebe:ioMapping stands here twice"),
    "two operations": (service("x", "a", z("taskDefinition", type="b")) + line("x"), "stands here twice"),
    "input beside its mapping": (user("x", z("input", source="=1", target="a")) + line("x"), "outside zeebe:ioMapping"),
    "property beside its list": (user("x", z("property", name="a", value="b")) + line("x"), "outside zeebe:properties"),
    "header beside its list": (service("x", "a", z("header", key="a", value="b")) + line("x"), "outside zeebe:taskH"),
    "extension beside the extension elements": (user("x", inner=SET) + line("x"), "outside the extension elements"),
    "result without an equals sign": (user("x", inner=mi("=[1]", "i", "all", "result")) + line("x"), "not a FEEL expr"),
    "message of a task at its edge": (
        el("receiveTask", "x", messageRef="M") + boundary("b", "x", msg()) + user("n") + line("x") + flow("b", "n"),
        "The task and a boundary event of it wait for the same",
    ),
    "escalation at a task": (
        service("h", "outside:a") + boundary("x", "h", esca()) + user("n") + line("h") + flow("x", "n"),
        "Nothing inside this serviceTask can throw the event",
    ),
    "two headers of a key": (
        service("x", "outside:a", z("taskHeaders", z("header", key="k", value="1") + z("header", key="k", value="2")))
        + line("x"),
        "The header k stands here twice",
    ),
    "header without a key": (
        service("x", "outside:a", z("taskHeaders", z("header", value="1"))) + line("x"), "A header has no key"
    ),
    "two properties of a name": (
        user("x", z("properties", z("property", name="k", value="1") + z("property", name="k", value="2"))) + line("x"),
        "The property k stands here twice",
    ),
    "unknown binding": (call("x", "q", bindingType="newest") + line("x"), "The binding “newest” does not exist"),
    "worker of a message event": (
        start() + el("endEvent", "x", z("taskDefinition", type="a"), msg()) + flow("s", "x"),
        "zeebe:taskDefinition has no meaning on endEvent elements",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_would_be_passed_over_is_refused(name: str) -> None:
    body, what = PASSED_OVER[name]
    assert any(element == "x" and what in said for element, said in found(doc(body))), found(doc(body))


def test_what_means_the_same_either_way_is_let_through() -> None:
    assert found(doc(attached(CYCLE, cancelActivity="false"))) == []
    assert found(doc(started(CYCLE, isInterrupting="false"))) == []
    assert found(doc(el("startEvent", "s", inner=CYCLE) + end() + flow("s", "e"))) == []
    assert found(doc(user("a", default="d") + start() + end() + flow("s", "a") + flow("a", "e", id="d"))) == []
    for event in ("", msg(), sig()):
        assert found(doc(el("intermediateThrowEvent", "t", SET + "", event) + line("t"))) == []


@pytest.mark.parametrize(
    ("uri", "engine"),
    [
        ("http://camunda.org/schema/1.0/bpmn", "Camunda 7"),
        ("http://activiti.org/bpmn", "Activiti"),
        ("http://flowable.org/bpmn", "Flowable"),
        ("http://spiffworkflow.org/bpmn/schema/1.0/core", "SpiffWorkflow"),
    ],
)
def test_extensions_of_other_engines_are_refused(uri: str, engine: str) -> None:
    head = HEAD.replace("<bpmn:definitions ", f'<bpmn:definitions xmlns:o="{uri}" ')
    attribute = user("x").replace('id="x"', 'id="x" o:assignee="me"')
    child = user("y", "<o:preScript>import os</o:preScript>")
    xml = (
        f'{head}{DEFS}<bpmn:process id="p" isExecutable="true">{attribute}{child}{line("x", "y")}'
        "</bpmn:process></bpmn:definitions>"
    )
    said = found(xml.encode())
    assert ("x", f"assignee is an extension of {engine} and has no meaning here.") in said
    assert ("y", f"preScript is an extension of {engine} and has no meaning here.") in said


def test_a_release_that_runs_already_is_still_read() -> None:
    """What is refused when a diagram is published must not keep the cases of an older release from going on."""
    for name in ("cancelActivity 1", "cycle of a catch event", "two mappings", "default flow of a task"):
        assert "p" in parse_release({"f.bpmn": doc(PASSED_OVER[name][0])}).processes


ERRORS = "".join(boundary(i, "sp", err(ref)) + flow(i, "e") for i, ref in (("y", "E"), ("z", "E2"), ("x", "E")))
TWICE: dict[str, str] = {
    "errors of an activity": sub("sp", start("q") + end("r") + flow("q", "r")) + ERRORS + line("sp"),
    "every error of an activity": sub("sp", start("q") + end("r") + flow("q", "r"))
    + boundary("y", "sp", err(""))
    + boundary("x", "sp", err(""))
    + line("sp")
    + flow("y", "e")
    + flow("x", "e"),
    "messages of an activity": user("u")
    + boundary("y", "u", msg(), False)
    + boundary("x", "u", msg())
    + line("u")
    + flow("y", "e")
    + flow("x", "e"),
    "event sub-processes": user("u")
    + esp("es", esca())
    + sub("et", el("startEvent", "x", inner=esca()) + end("f") + flow("x", "f"), triggeredByEvent="true")
    + line("u"),
    "events of a gateway": el("eventBasedGateway", "g")
    + el("intermediateCatchEvent", "y", inner=msg())
    + el("receiveTask", "x", messageRef="M")
    + line("g", "y")
    + flow("g", "x", "e"),
    "start events": el("startEvent", "y", inner=msg("M0"))
    + el("startEvent", "x", inner=msg("M0"))
    + user("u")
    + end()
    + flow("y", "u", "e")
    + flow("x", "u"),
}


@pytest.mark.parametrize("name", TWICE)
def test_two_that_wait_for_the_same_in_one_place_are_refused(name: str) -> None:
    said = found(doc(TWICE[name]))
    assert [(element, "waits for the same" in what) for element, what in said] == [("x", True)]


def test_two_that_wait_in_different_places_or_for_a_signal_are_let_through() -> None:
    inner = start("q") + user("v") + boundary("y", "v", msg()) + end("r") + flow("q", "v", "r") + flow("y", "r")
    assert (
        found(doc(sub("sp", inner + esp("es", msg())) + boundary("x", "sp", msg()) + line("sp") + flow("x", "e"))) == []
    )
    both = user("u") + boundary("y", "u", sig(), False) + boundary("x", "u", sig()) + line("u")
    assert found(doc(both + flow("y", "e") + flow("x", "e"))) == []
    exact = (
        sub("sp", start("q") + end("r") + flow("q", "r")) + boundary("x", "sp", err()) + boundary("y", "sp", err(""))
    )
    assert found(doc(exact + line("sp") + flow("x", "e") + flow("y", "e"))) == []


def test_of_compensation_nothing_is_told_but_that() -> None:
    undo = user("undo", isForCompensation="true") + '<bpmn:association id="as" sourceRef="b" targetRef="undo"/>'
    event = el("boundaryEvent", "b", inner="<bpmn:compensateEventDefinition/>", attachedToRef="u")
    assert found(doc(user("u") + event + undo + line("u"))) == [
        ("b", "Compensation events are not supported."),
        ("undo", "Activities for compensation are not supported (10.7)."),
    ]
