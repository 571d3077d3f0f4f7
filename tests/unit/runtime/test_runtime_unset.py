"""A variable that is read before anything can have set it is refused; what may have been set is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runtime_kit import (
    boundary,
    call,
    doc,
    el,
    end,
    esp,
    flow,
    io,
    line,
    mi,
    msg,
    props,
    script,
    service,
    start,
    sub,
    timer,
    user,
    z,
)

from app.problems import Severity
from app.runtime.releases import check_files

DECLARED = {"variable__n": "number", "variable__ok": "boolean", "variable__xs": "list", "variable__caseId": "id"}
ASSIGNED = z("assignmentDefinition", candidateGroups="marac-chair")
FORM = json.dumps(
    {
        "type": "default",
        "schemaVersion": 18,
        "id": "ask",
        "components": [
            {
                "type": "number",
                "id": "n",
                "key": "n",
                "label": "How many?",
                "properties": {"variable": "n", "valueType": "number", "sensitivity": "none"},
            }
        ],
    }
).encode()
TABLE = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:d">
<inputData id="i" name="n"><variable name="n" typeRef="number"/></inputData>
<decision id="rate" name="Rate"><variable name="Rate" typeRef="boolean"/>
<informationRequirement id="r"><requiredInput href="#i"/></informationRequirement>
<literalExpression><text>n &gt; 1</text></literalExpression></decision></definitions>"""
MESSAGES = (
    '<bpmn:message id="M" name="stop"><bpmn:extensionElements><zeebe:subscription correlationKey="=caseId"/>'
    "</bpmn:extensionElements></bpmn:message>"
    '<bpmn:message id="M2" name="go"><bpmn:extensionElements><zeebe:subscription correlationKey="=n"/>'
    "</bpmn:extensionElements></bpmn:message>"
    '<bpmn:error id="E" name="x" errorCode="E1"/>'
)


def ask(id: str, ext: str = "", inner: str = "") -> str:
    return user(id, ASSIGNED + z("formDefinition", formId="ask") + ext, inner)


def unset(body: str, *more: bytes, severity: Severity = Severity.ERROR, open_: bool = False, **ext: str) -> list[str]:
    """The elements that read a variable too early, as ``element variable``."""
    files = {"p.bpmn": doc(body, MESSAGES, ext=props(**DECLARED, **ext)), "ask.form": FORM, "rate.dmn": TABLE}
    files |= {f"more{i}.bpmn": content for i, content in enumerate(more)}
    found = [p for p in check_files(files, allow_undeclared=open_) if "before anything can have set it" in p.what]
    assert all(p.severity is severity and "startVariables" in p.remedy for p in found)
    return [f"{p.element_id} {p.what.split()[2]}" for p in found]


def choice(id: str, name: str, yes: str, no: str, test: str) -> str:
    return el("exclusiveGateway", id, default=f"{id}d") + flow(id, yes, cond=test) + flow(id, no, id=f"{id}d")


BEFORE: dict[str, tuple[str, list[str]]] = {
    "script": (script("a", "=n + 1", "ok") + line("a"), ["a n"]),
    "condition": (
        el("exclusiveGateway", "g", default="d")
        + start()
        + end()
        + ask("a")
        + flow("s", "g")
        + flow("g", "a", cond="=n > 1", id="c")
        + flow("g", "e", id="d")
        + flow("a", "e"),
        ["c n"],
    ),
    "timer": (el("intermediateCatchEvent", "t", inner=timer("Date", "=n")) + line("t"), ["t n"]),
    "due date": (ask("a", z("taskSchedule", dueDate='=now() + n * duration("PT1H")')) + line("a"), ["a n"]),
    "priority": (ask("a", z("priorityDefinition", priority="=n")) + line("a"), ["a n"]),
    "property": (ask("a", props(case="=n")) + line("a"), ["a n"]),
    "input mapping": (ask("a", io([("x", "=n")])) + line("a"), ["a n"]),
    "collection": (ask("a", inner=mi("=xs", "x")) + line("a"), ["a xs"]),
    "decision": (
        el("businessRuleTask", "a", z("calledDecision", decisionId="rate", resultVariable="ok")) + line("a"),
        ["a n"],
    ),
    "correlation key": (el("receiveTask", "a", messageRef="M2") + line("a"), ["a n"]),
    "output mapping": (script("a", "=1", "r", io(outs=[("ok", "=n > r")])) + line("a"), ["a n"]),
    "boundary timer": (
        ask("a") + boundary("b", "a", timer("Date", "=n")) + line("a") + flow("b", "e"),
        ["b n"],
    ),
    "another branch of a choice": (
        start()
        + end()
        + ask("w", io(outs=[("ok", "=n > 1")]))
        + ask("a")
        + script("r", "=n", "xs")
        + flow("s", "w", "g")
        + choice("g", "g", "a", "r", "=ok")
        + flow("a", "e")
        + flow("r", "e"),
        ["r n"],
    ),
    "after the join only": (
        start()
        + end()
        + "".join(el("parallelGateway", g) for g in "fj")
        + script("x", "=true", "ok")
        + script("y", "=n", "xs")
        + ask("a")
        + flow("s", "f", "x", "j", "a", "e")
        + flow("f", "y", "j"),
        ["y n"],
    ),
    "inside a sub-process": (
        sub("u", el("startEvent", "us") + script("v", "=n", "xs") + el("endEvent", "ue") + flow("us", "v", "ue"))
        + ask("a")
        + line("u", "a"),
        ["v n"],
    ),
}


@pytest.mark.parametrize("name", BEFORE)
def test_read_before_it_is_set(name: str) -> None:
    body, expected = BEFORE[name]
    assert unset(body) == expected


AFTER: dict[str, str] = {
    "standard": script("a", "=caseId", "xs") + line("a"),
    "form": ask("a") + script("b", "=n", "xs") + line("a", "b"),
    "script": script("a", "=1", "n") + script("b", "=n", "xs") + line("a", "b"),
    "output mapping": ask("a", io(outs=[("ok", "=n > 1")])) + script("b", "=ok", "xs") + line("a", "b"),
    "one branch": start()
    + end()
    + script("o", "=true", "ok")
    + ask("a")
    + script("b", "=n", "xs")
    + flow("s", "o", "g")
    + choice("g", "g", "a", "b", "=ok")
    + flow("a", "b", "e"),
    "loop": start()
    + end()
    + el("exclusiveGateway", "m")
    + script("o", "=n = null", "ok")
    + ask("a")
    + flow("s", "m", "o", "g")
    + choice("g", "g", "a", "e", "=ok")
    + flow("a", "m"),
    "side by side": start()
    + end()
    + "".join(el("parallelGateway", g) for g in "fj")
    + ask("a")
    + script("y", "=n", "xs")
    + flow("s", "f", "a", "j", "e")
    + flow("f", "y", "j"),
    "sub-process": sub("u", el("startEvent", "us") + ask("v") + el("endEvent", "ue") + flow("us", "v", "ue"))
    + script("b", "=n", "xs")
    + line("u", "b"),
    "boundary event of a sub-process": sub(
        "u", el("startEvent", "us") + ask("v") + ask("w") + el("endEvent", "ue") + flow("us", "v", "w", "ue")
    )
    + boundary("t", "u", msg())
    + script("b", "=n", "xs")
    + line("u")
    + flow("t", "b", "e"),
    "non-interrupting boundary event": ask("a", io(outs=[("ok", "=true")]))
    + boundary("t", "a", msg(), False)
    + ask("w")
    + script("b", "=n", "xs")
    + line("a", "b")
    + flow("t", "w", "e"),
    "event sub-process": ask("a")
    + line("a")
    + sub(
        "u",
        el("startEvent", "us", inner=msg(), isInterrupting="false")
        + script("v", "=n", "xs")
        + el("endEvent", "ue")
        + flow("us", "v", "ue"),
        triggeredByEvent="true",
    ),
    "payload from outside": el("intermediateCatchEvent", "c", inner=msg()) + script("b", "=n", "xs") + line("c", "b"),
    "element of a list": script("l", "=[1]", "xs") + ask("a", props(case="=n"), mi("=xs", "n")) + line("l", "a"),
    "collected": script("l", "=[1]", "xs") + ask("a", "", mi("=xs", "x", "xs", "=n")) + line("l", "a"),
    "own input": ask("a", io([("n", "=1"), ("m", "=n + 1")]) + props(case="=n")) + line("a"),
    "entries of a filter": script("l", "=[{n: 1}]", "xs") + script("b", "=xs[n > 1]", "xs") + line("l", "b"),
    "declared otherwise": esp("x", msg()) + script("a", "=now()", "xs") + line("a"),
}


@pytest.mark.parametrize("name", AFTER)
def test_it_may_have_been_set(name: str) -> None:
    assert unset(AFTER[name]) == []


READS = script("a", "=n", "xs") + line("a")


def test_a_caller_hands_it_over() -> None:
    def caller(**kw: str) -> bytes:
        body = ask("q") + call("c", "p", io([("n", "=n")]), propagateAllParentVariables="false", **kw) + line("q", "c")
        return doc(body, MESSAGES, "caller", props(**DECLARED))

    assert unset(READS) == ["a n"]
    assert unset(READS, caller()) == []


def test_the_sender_of_a_message_says_what_is_in_it() -> None:
    def sender(payload: str) -> bytes:
        event = el("intermediateThrowEvent", "t", io([(payload, "=1"), ("correlationKey", "=caseId")]), msg())
        return doc(event + line("t"), MESSAGES, "sender", props(**DECLARED))

    body = el("intermediateCatchEvent", "c", inner=msg()) + script("b", "=n", "xs") + line("c", "b")
    assert unset(body, sender("n")) == []
    assert unset(body, sender("other")) == ["b n"]


def test_an_operation_and_a_called_process_give_it() -> None:
    called = doc(script("k", "=1", "n") + line("k"), MESSAGES, "q", props(variable__n="number"))
    body = call("c", "q", propagateAllParentVariables="false") + script("b", "=n", "xs") + line("c", "b")
    assert unset(body, called) == []
    assert unset(
        body.replace("<zeebe:calledElement ", '<zeebe:calledElement propagateAllChildVariables="false" '), called
    ) == ["b n"]
    assert unset(service("x", "unknown") + script("b", "=n", "xs") + line("x", "b")) == []


def test_a_process_names_what_it_starts_with() -> None:
    assert unset(READS, startVariables="n, ok") == []


def test_where_strangers_diagrams_run_only_what_nothing_sets_is_a_warning() -> None:
    assert unset(READS, severity=Severity.WARNING, open_=True) == ["a n"]
    assert unset(READS + "", severity=Severity.ERROR) == ["a n"]
    later = script("a", "=n", "xs") + ask("b") + line("a", "b")
    assert unset(later, open_=True) == ["a n"]


def test_what_nothing_is_known_of_is_not_guessed() -> None:
    from app.runtime.checker import check_bpmn

    found: list[Any] = check_bpmn(doc(READS, MESSAGES, ext=props(**DECLARED)), "p.bpmn")
    assert not [p for p in found if "before anything" in p.what]


def test_no_variable_may_hide_the_parameters() -> None:
    found = check_files({"p.bpmn": doc(READS, MESSAGES, ext=props(**DECLARED, variable__params="context"))})
    assert [p.element_id for p in found if "params would hide" in p.what] == ["p"]
