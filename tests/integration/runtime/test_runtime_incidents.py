"""Every place of a diagram where an expression may fail: the incident says which expression, what it saw, and why. And errors that
nothing catches."""

from __future__ import annotations

from typing import Any

import pytest
from runtime_kit import (
    DEFS,
    boundary,
    call,
    doc,
    el,
    end,
    err,
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
from sqlalchemy import select

from app.runtime import service as runtime
from app.runtime.errors import OperationError
from app.runtime.models import Incident
from app.store.database import db

ON = "sqlite"
AREA = 77
GATEWAY = el("exclusiveGateway", "a", default="d") + start() + end() + flow("s", "a") + flow("a", "e", id="d")
INCLUSIVE = GATEWAY.replace("exclusiveGateway", "inclusiveGateway")
TYPED = props(variable__n="number", variable__text="string", startVariables="text")


def throws(*mappings: tuple[str, str]) -> str:
    return el("intermediateThrowEvent", "a", io(mappings), msg()) + line("a")


# place: the diagram, the element, the expression, what it saw. The variable `v` is not set, `text` is a text.
PLACES: dict[str, tuple[str, str, str, str]] = {
    "a condition of an exclusive gateway": (GATEWAY + end("x") + flow("a", "x", cond="=v > 3"), "a", "=v > 3", "v"),
    "a condition of an inclusive gateway": (INCLUSIVE + end("x") + flow("a", "x", cond="=v > 3"), "a", "=v > 3", "v"),
    "a timer's date": (el("intermediateCatchEvent", "a", inner=timer("Date", "=v")) + line("a"), "a", "=v", "v"),
    "a timer's duration": (el("intermediateCatchEvent", "a", inner=timer("Duration", "=v")) + line("a"), "a", "=v", "v"),
    "a timer's cycle": (
        user("u") + boundary("a", "u", timer("Cycle", "=text"), False) + line("u") + flow("a", "e"), "a", "=text", "text"),
    "a boundary timer": (user("u") + boundary("a", "u", timer("Date", "=v")) + line("u") + flow("a", "e"), "a", "=v", "v"),
    "a timer of an event sub-process": (user("u") + esp("es", timer("Duration", "=v")) + line("u"), "es_s", "=v", "v"),
    "a timer behind an event gateway": (
        el("eventBasedGateway", "a") + el("intermediateCatchEvent", "t", inner=timer("Date", "=v"))
        + el("intermediateCatchEvent", "m", inner=timer("Duration", "P1D")) + start() + end()
        + flow("s", "a", "t", "e") + flow("a", "m", "e"), "a", "=v", "v"),
    "a collection": (user("a", "", mi("=v", "x")) + line("a"), "a", "=v", "v"),
    "a completion condition": (el("task", "a", inner=mi("=[1,2]", "x", until="=v > 1")) + line("a"), "a", "=v > 1", "v"),
    "the key that a message is waited for with": (el("intermediateCatchEvent", "a", inner=msg()) + line("a"), "a", "=v", "v"),
    "the key that a message is sent with": (throws(("correlationKey", "=[text]")), "a", "=[text]", "text"),
    "an assignee": (user("a", z("assignmentDefinition", assignee="=[text]")) + line("a"), "a", "=[text]", "text"),
    "candidate groups": (user("a", z("assignmentDefinition", candidateGroups="={a: text}")) + line("a"), "a", "={a: text}", "text"),
    "candidate users": (user("a", z("assignmentDefinition", candidateUsers="=[[text]]")) + line("a"), "a", "=[[text]]", "text"),
    "a priority": (user("a", z("priorityDefinition", priority="=text")) + line("a"), "a", "=text", "text"),
    "a due date": (user("a", z("taskSchedule", dueDate="=text")) + line("a"), "a", "=text", "text"),
    "a follow-up date": (user("a", z("taskSchedule", followUpDate="=text")) + line("a"), "a", "=text", "text"),
    "a deadline without a date": (user("a", z("taskSchedule", dueDate="=v") + props(deadline="x")) + line("a"), "a", "=v", "v"),
    "the name of a deadline": (user("a", z("taskSchedule", dueDate="=v") + props(deadline="=[text]")) + line("a"), "a", "=[text]", "text"),
    "a task inside a sub-process": (
        sub("sp", start("is") + end("ie") + user("a", z("taskSchedule", dueDate="=text")) + flow("is", "a", "ie")) + line("sp"),
        "a", "=text", "text"),
}  # fmt: skip
# The same with declared variables: what an element writes is of another type.
WRITTEN: dict[str, tuple[str, str, str, str]] = {
    "a script": (script("a", "=if text = null then 1 else text", "n") + line("a"), "a", "=if text = null then 1 else text", "text"),
    "an output mapping": (service("a", "op", io((), [("n", "=given")])) + line("a"), "a", "=given", "given"),
    "an input mapping of a call": (call("a", "q", io([("n", "=if text = null then 1 else text")])) + line("a"), "a",
        "=if text = null then 1 else text", "text"),
}  # fmt: skip
CALLED = doc(user("u") + line("u"), pid="q", ext=props(variable__n="number", startVariables="n"))


def one() -> Incident:
    found: Incident = db.session.execute(select(Incident)).scalar_one()
    return found


def begin(files: dict[str, bytes]) -> None:
    runtime.publish_release(files, area_key=AREA, by=1, allow_undeclared=True)
    runtime.start("p", {"text": "MARIGOLD"}, area_key=AREA, by=1)
    db.session.commit()


@pytest.mark.parametrize("place", PLACES)
def test_an_expression_that_fails_is_an_incident_that_says_what_it_saw_and_why(world: Any, place: str) -> None:
    body, element, expression, name = PLACES[place]
    begin({"p.bpmn": doc(body, DEFS.replace("=k", "=v"))})
    _tells(one(), element, expression, name, {"v": "not set", "text": "string"}[name])


@pytest.mark.parametrize("place", WRITTEN)
def test_a_value_of_another_type_is_an_incident_that_says_where_it_came_from(world: Any, place: str) -> None:
    world.operation("op", lambda context, inputs: {"given": "MARIGOLD"}, {}, {"given": "string"})
    body, element, expression, name = WRITTEN[place]
    begin({"p.bpmn": doc(body, ext=TYPED), "q.bpmn": CALLED})
    found = one()
    assert (found.kind, found.details["variable"]) == ("VARIABLE", "n")
    _tells(found, element, expression, name, "string")


def _tells(found: Incident, element: str, expression: str, name: str, kind: str) -> None:
    assert (found.element_id, found.details["expression"]) == (element, expression)
    assert found.details["saw"] == {name: kind}
    told = runtime.cause_of(found)
    assert f"It saw: {name} ({kind})." in told
    if kind == "not set":
        assert any(name in note for note in found.details["why"]), found.details
    assert "MARIGOLD" not in f"{told} {found.details}"
    assert runtime.instance(found.instance_key or 0).has_incident


UNCAUGHT = {
    "an error end event": el("endEvent", "a", inner=err()) + start() + flow("s", "a"),
    "an error end event inside a sub-process": sub(
        "sp", start("is") + el("endEvent", "a", inner=err()) + flow("is", "a")
    )
    + line("sp"),
    "an operation's error": service("a", "op") + line("a"),
    "another code than the one that is caught": service("a", "op")
    + boundary("b", "a", err("E2"))
    + line("a")
    + flow("b", "e"),
}


@pytest.mark.parametrize("place", UNCAUGHT)
def test_an_error_that_nothing_catches_is_an_incident(world: Any, place: str) -> None:
    def refuses(context: Any, inputs: Any) -> None:
        raise OperationError("E1", "The register does not know it.")

    world.operation("op", refuses)
    begin({"p.bpmn": doc(UNCAUGHT[place])})
    found = one()
    assert (found.kind, found.element_id, found.details["code"]) == ("ERROR", "a", "E1")
    assert found.message in ("Nothing catches the error E1.", "The register does not know it.")
