"""The coverage page says what the code does, and the code does what the page says: every cell is tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from runtime_kit import (
    Play,
    boundary,
    doc,
    el,
    end,
    err,
    esca,
    flow,
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

from app.problems import Severity
from app.runtime.checker import check_bpmn
from app.runtime.checker.unheeded import ATTRIBUTES, CHILDREN
from app.runtime.coverage import KINDS, PLACES, TITLE, cell, table
from app.runtime.dialect.parser import PARSERS
from app.runtime.engine.workflow import Instance

PAGE = Path(__file__).parents[3] / "docs" / "developers" / "bpmn-coverage.md"
TERMINATE = "<bpmn:terminateEventDefinition/>"
CONDITION = "<bpmn:condition>=p</bpmn:condition>"
DEFINITIONS = {
    "none": "",
    "message": msg(),
    "timer": timer("Duration", "PT1H"),
    "signal": sig(),
    "error": err(),
    "escalation": esca(),
    "terminate": TERMINATE,
    "conditional": f"<bpmn:conditionalEventDefinition>{CONDITION}</bpmn:conditionalEventDefinition>",
    "link": '<bpmn:linkEventDefinition name="there"/>',
    "compensate": "<bpmn:compensateEventDefinition/>",
    "cancel": "<bpmn:cancelEventDefinition/>",
}


def test_the_page_is_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == TITLE + table()


def drawn(place: str, kind: str) -> bytes:
    """A diagram with the event ``x`` in that place; the task ``go`` leads to what throws to it."""
    event = DEFINITIONS[kind]
    throw = el("endEvent", "thrown", inner=event if kind in ("error", "escalation") else "")
    interrupting = "false" if place.endswith("non-interrupting") else "true"
    inside = start("is") + user("go") + throw + flow("is", "go", "thrown")
    if place == "start of a process":
        plain = el("startEvent", "x", inner=msg("M0") if kind == "message" else event)
        return doc(plain + user("a") + end() + flow("x", "a", "e"))
    if place == "start of an embedded sub-process":
        return doc(sub("sp", el("startEvent", "x", inner=event) + end("ie") + flow("x", "ie")) + line("sp"))
    if place.startswith("start of an event"):
        begin = el("startEvent", "x", inner=event, isInterrupting=interrupting)
        body = sub("es", begin + user("then") + end("ie") + flow("x", "then", "ie"), triggeredByEvent="true")
        return doc(start() + user("go") + throw + flow("s", "go", "thrown") + body)
    if place.startswith("boundary"):
        edge = boundary("x", "sp", event, interrupting == "true") + user("then") + flow("x", "then", "e")
        return doc(sub("sp", inside) + edge + line("sp"))
    if place == "end":
        caught = boundary("b", "sp", err()) + user("then") + flow("b", "then", "e") if kind == "error" else ""
        ending = start("is") + el("endEvent", "x", inner=event) + flow("is", "x")
        return doc(sub("sp", ending) + caught + line("sp"))
    tag = "intermediateCatchEvent" if place == "intermediate, waiting" else "intermediateThrowEvent"
    return doc(el(tag, "x", inner=event) + user("then") + line("x", "then"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_event_in_every_place_runs_or_is_refused(place: str, kind: str) -> None:
    xml = drawn(place, kind)
    found = check_bpmn(xml, "f.bpmn", allow_undeclared=True)
    errors = [p for p in found if p.severity is Severity.ERROR]
    if cell(place, kind) != "yes":
        assert [p.element_id for p in errors if p.element_id in ("x", "es")]
        assert all(p.remedy for p in errors)
        return
    assert errors == []
    play = Play(xml, {"k": "k"})
    if place == "start of a process" and kind != "none":
        spec = play.release.processes["p"]
        play.wf = Instance(spec, play.release.blueprints, play.host, start_at="x")
        play.wf.advance()
    elif place.startswith(("start of an event", "boundary", "intermediate, waiting")):
        _fire(play, kind)
        assert "then" in play.names()
        assert ("go" in play.names()) == (place.endswith("non-interrupting") and kind != "escalation")
    if (place, kind) == ("end", "error"):
        assert play.names() == ["then"]
    else:
        assert play.wf.done["p"]["x"] == 1


def _fire(play: Play, kind: str) -> None:
    if kind == "timer":
        play.later(hours=2)
    elif kind == "message":
        assert play.wf.message("stop", "k")
    elif kind == "signal":
        assert play.wf.signal("alarm")
    else:
        play.do("go")


# ------------------------------------------------------------------------------------------------ activities
ACTIVITY_BODIES = {
    "task": el("task", "x"),
    "manualTask": el("manualTask", "x"),
    "userTask": user("x"),
    "scriptTask": script("x", "=1", "n"),
    "serviceTask": '<bpmn:serviceTask id="x"><bpmn:extensionElements><zeebe:taskDefinition type="op"/>'
    "</bpmn:extensionElements></bpmn:serviceTask>",
    "sendTask": el("sendTask", "x", messageRef="M0"),
    "receiveTask": el("receiveTask", "x", messageRef="M"),
    "businessRuleTask": '<bpmn:businessRuleTask id="x"><bpmn:extensionElements><zeebe:calledDecision decisionId="d" '
    'resultVariable="n"/></bpmn:extensionElements></bpmn:businessRuleTask>',
    "callActivity": '<bpmn:callActivity id="x"><bpmn:extensionElements><zeebe:calledElement processId="child"/>'
    "</bpmn:extensionElements></bpmn:callActivity>",
    "subProcess": sub("x", start("is") + end("ie") + flow("is", "ie")),
}


def test_every_kind_of_activity_is_here() -> None:
    assert set(ACTIVITY_BODIES) == {tag for tag in PARSERS if tag.endswith(("ask", "Process", "Activity"))}


@pytest.mark.parametrize("tag", ACTIVITY_BODIES)
@pytest.mark.parametrize("sequential", [False, True, None])
def test_every_activity_runs_once_and_many_times(tag: str, sequential: bool | None) -> None:
    body = ACTIVITY_BODIES[tag]
    if sequential is not None:
        loop = mi("=[1,2,3]", "i", seq=sequential)
        body = body.replace("/>", f">{loop}</bpmn:{tag}>") if body.endswith("/>") else body
        body = body.replace(f"</bpmn:{tag}>", f"{loop}</bpmn:{tag}>") if loop not in body else body
    child = doc(start() + end() + flow("s", "e"), pid="child")
    play = Play(
        [doc(body + user("after") + line("x", "after")), child],
        {"k": "k"},
        operations={"op": lambda _: {}},
        decisions={"d": lambda _: 1},
    )
    for _ in range(3):
        if tag == "userTask" and "x" in play.names():
            play.do("x")
        elif tag == "receiveTask":
            play.wf.message("stop", "k")
        play.reload()
    assert (play.names(), play.incidents) == (["after"], [])
    assert play.wf.done["p"]["x"] == 1


# ------------------------------------------------------------------------------------------------ what is not heeded
UNUSUAL = {
    "isForCompensation": user("x", isForCompensation="true"),
    "instantiate": el("receiveTask", "x", messageRef="M", instantiate="true"),
    "eventGatewayType": el("eventBasedGateway", "x", eventGatewayType="Parallel"),
    "parallelMultiple": el("intermediateCatchEvent", "x", inner=sig(), parallelMultiple="true"),
    "startQuantity": user("x", startQuantity="2"),
    "completionQuantity": user("x", completionQuantity="2"),
    "behavior": user("x", inner=mi("=[1]", "i").replace("isSequential", 'behavior="One" isSequential')),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_that_would_be_passed_over_is_refused(name: str) -> None:
    found = check_bpmn(doc(UNUSUAL[name] + line("x")), "f.bpmn", allow_undeclared=True)
    expected = ATTRIBUTES[name][2:]
    assert [(p.what, p.remedy) for p in found if p.element_id == "x" and p.what == expected[0]] == [expected]


@pytest.mark.parametrize("name", CHILDREN)
def test_a_child_that_would_be_passed_over_is_refused(name: str) -> None:
    child = f"<bpmn:{name}>3</bpmn:{name}>"
    inner = f"<bpmn:multiInstanceLoopCharacteristics>{child}</bpmn:multiInstanceLoopCharacteristics>"
    body = user("x", inner=inner if name.startswith(("loop", "complex")) else child)
    found = check_bpmn(doc(body + line("x")), "f.bpmn", allow_undeclared=True)
    assert CHILDREN[name] in [(p.what, p.remedy) for p in found if p.element_id == "x"]


@pytest.mark.parametrize(
    ("body", "element", "what"),
    [
        (el("startEvent", "x", inner="<bpmn:eventDefinitionRef>T</bpmn:eventDefinitionRef>"), "x", "References"),
        (start() + el("endEvent", "x", inner=err("nowhere")), "x", "The event refers to nowhere"),
        (start() + el("endEvent", "x", inner=esca("nowhere")), "x", "The event refers to nowhere"),
        (
            el(
                "startEvent",
                "x",
                inner="<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration>"
                "<bpmn:timeCycle>R/PT1H</bpmn:timeCycle></bpmn:timerEventDefinition>",
            ),
            "x",
            "more than one time",
        ),
        (sub("x", start("is") + mi("=[1]", "i"), triggeredByEvent="true") + start(), "x", "cannot be multi-instance"),
    ],
)
def test_what_would_mean_something_else_is_refused(body: str, element: str, what: str) -> None:
    found = check_bpmn(doc(body + user("a")), "f.bpmn", allow_undeclared=True)
    assert any(p.element_id == element and what in p.what for p in found), found


@pytest.mark.parametrize(
    "root",
    [
        '<bpmn:signal id="x" name="=n"/>',
        '<bpmn:error id="x" name="e" errorCode="=n"/>',
        '<bpmn:escalation id="x" name="e" escalationCode="=n"/>',
    ],
)
def test_names_and_codes_are_no_expressions(root: str) -> None:
    found = check_bpmn(doc(user("a") + line("a"), defs=root), "f.bpmn", allow_undeclared=True)
    assert any(p.element_id == "x" and "is an expression" in p.what for p in found), found
