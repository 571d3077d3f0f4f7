"""What is refused before publishing, with the element and a remedy; and what is only warned of."""

from __future__ import annotations

from typing import Any

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
from app.runtime.checker import check_bpmn
from app.runtime.checker.release import check_release
from app.runtime.checker.zeebe_rules import REFUSED
from app.runtime.declarations import declarations_of

DECLARED = props(
    variable__n="number",
    variable__ok="boolean",
    variable__text="string",
    variable__xs="list",
    variable__k="id",
    variable__due="date",
)


class Registry:
    class Op:
        name = "notify"
        inputs = {"template": "string", "roles?": "list"}
        outputs = {"n": "number", "extra": "string"}

        def run(self, context: Any, inputs: Any) -> dict[str, Any]:
            return {}

    def get(self, name: str) -> Any:
        return self.Op() if name == "notify" else None

    def names(self) -> list[str]:
        return ["notify"]


def problems(
    body: str, *, defs: str = DEFS, ext: str = DECLARED, severity: Severity = Severity.ERROR, **kw: Any
) -> list[tuple[str, str]]:
    kw.setdefault("operations", Registry())
    kw.setdefault("roles", {"MARAC Chair", "marac-chair"})
    found = check_bpmn(doc(body, defs, ext=ext), "f.bpmn", **kw)
    assert all(p.what and p.remedy and p.file == "f.bpmn" for p in found)
    return [(p.element_id, p.what) for p in found if p.severity is severity]


ASSIGNED = z("assignmentDefinition", candidateGroups="marac-chair")


def person(id: str, ext: str = "", inner: str = "") -> str:
    return user(id, ASSIGNED + ext, inner)


def test_a_sound_diagram_has_no_errors() -> None:
    body = person("a", z("taskSchedule", dueDate="=due"), mi("=xs", "x", "xs", "=x")) + service(
        "s1", "notify", io([("template", '="t"')], [("n", "=n")])
    )
    body += (
        boundary("b", "a", timer("Date", "=due"), False)
        + el("exclusiveGateway", "g", default="d")
        + script("sc", "=n + 1", "n")
    )
    body += (
        start()
        + end()
        + flow("s", "a", "s1", "g")
        + flow("g", "sc", cond="=ok")
        + flow("g", "e", id="d")
        + flow("sc", "e")
        + flow("b", "e")
    )
    assert problems(body) == []


@pytest.mark.parametrize("name", ["complexGateway", "transaction", "adHocSubProcess"])
def test_of_an_element_that_is_refused_nobody_is_told_besides_to_connect_it(name: str) -> None:
    found = problems(person("a") + person("b") + line("a", "x", "b") + el(name, "x"))
    assert [element for element, _ in found if element != "x"] == []
    assert len(found) == 1


UNSUPPORTED: dict[str, tuple[str, str]] = {
    "complexGateway": (person("a") + line("a") + el("complexGateway", "x"), "x"),
    "transaction": (person("a") + line("a") + el("transaction", "x"), "x"),
    "adHocSubProcess": (person("a") + line("a") + el("adHocSubProcess", "x"), "x"),
    "standard loop": (person("x", inner="<bpmn:standardLoopCharacteristics/>") + line("x"), "x"),
    "compensation boundary": (
        person("a") + boundary("x", "a", "<bpmn:compensateEventDefinition/>") + line("a") + flow("x", "e"),
        "x",
    ),
    "compensation end": (
        person("a") + start() + el("endEvent", "x", inner="<bpmn:compensateEventDefinition/>") + flow("s", "a", "x"),
        "x",
    ),
    "link": (el("intermediateThrowEvent", "x", inner='<bpmn:linkEventDefinition name="A"/>') + line("x"), "x"),
    "cancel end": (start() + el("endEvent", "x", inner="<bpmn:cancelEventDefinition/>") + flow("s", "x"), "x"),
    "conditional": (
        el(
            "intermediateCatchEvent",
            "x",
            inner="<bpmn:conditionalEventDefinition><bpmn:condition>=ok</bpmn:condition></bpmn:conditionalEventDefinition>",
        )
        + line("x"),
        "x",
    ),
    "unknown element": (person("a") + line("a") + el("choreographyTask", "x"), "x"),
    "two event definitions": (
        el("intermediateCatchEvent", "x", inner=msg() + timer("Duration", "PT1H")) + line("x"),
        "x",
    ),
    "catch of nothing": (el("intermediateCatchEvent", "x") + line("x"), "x"),
    "timer throw": (el("intermediateThrowEvent", "x", inner=timer("Duration", "PT1H")) + line("x"), "x"),
    "error catch": (el("intermediateCatchEvent", "x", inner=err()) + line("x"), "x"),
    "timer without a time": (el("intermediateCatchEvent", "x", inner="<bpmn:timerEventDefinition/>") + line("x"), "x"),
    "receive without a message": (el("receiveTask", "x") + line("x"), "x"),
    "message without a reference": (
        el("intermediateCatchEvent", "x", inner="<bpmn:messageEventDefinition/>") + line("x"),
        "x",
    ),
    "condition out of a task": (person("x") + start() + end() + flow("s", "x") + flow("x", "e", cond="=ok"), "x"),
    "two flows to one element": (person("x") + start() + end() + flow("s", "x") + flow("x", "e") + flow("x", "e"), "x"),
    "flow without a condition": (
        el("exclusiveGateway", "g") + person("a") + line("g", "a") + flow("g", "e", id="x"),
        "x",
    ),
    "default with a condition": (
        el("exclusiveGateway", "g", default="x")
        + person("a")
        + line("g")
        + flow("g", "a", cond="=ok", id="x")
        + flow("a", "e"),
        "x",
    ),
    "nothing leads here": (person("a") + line("a") + person("x"), "x"),
    "no start": (person("a") + end() + flow("a", "e"), "p"),
    "service without a type": (el("serviceTask", "x") + line("x"), "x"),
    "script without an expression": (el("scriptTask", "x") + line("x"), "x"),
    "decision without an id": (el("businessRuleTask", "x") + line("x"), "x"),
    "call without a process": (el("callActivity", "x") + line("x"), "x"),
    "multi-instance without a collection": (
        person("x", inner="<bpmn:multiInstanceLoopCharacteristics/>") + line("x"),
        "x",
    ),
    "error boundary on a user task": (person("a") + boundary("x", "a", err()) + line("a") + flow("x", "e"), "x"),
    "non-interrupting error": (
        call("c", "q") + boundary("x", "c", err(), False) + line("c") + flow("x", "e"),
        "x",
    ),
    "event gateway to a task": (el("eventBasedGateway", "x") + person("a") + line("x", "a"), "x"),
    "event sub-process without an event": (
        person("a") + line("a") + sub("x", start("xs") + end("xe") + flow("xs", "xe"), triggeredByEvent="true"),
        "x",
    ),
    "sub-process without a start": (sub("x", person("a")) + line("x"), "x"),
    "sub-process with two starts": (
        sub("x", start("x1") + start("x2") + end("xe") + flow("x1", "xe") + flow("x2", "xe")) + line("x"),
        "x",
    ),
    "timed start that reads a variable": (
        el("startEvent", "x", inner=timer("Date", "=due")) + person("a") + end() + flow("x", "a", "e"),
        "x",
    ),
    "timed start that asks for a deadline": (
        el("startEvent", "x", inner=timer("Date", '=deadline("d")')) + person("a") + end() + flow("x", "a", "e"),
        "x",
    ),
    "date that is none": (el("intermediateCatchEvent", "x", inner=timer("Date", "soon")) + line("x"), "x"),
    "duration that is none": (el("intermediateCatchEvent", "x", inner=timer("Duration", "1 day")) + line("x"), "x"),
    "cycle that is none": (
        person("a") + boundary("x", "a", timer("Cycle", "R3/PT0S"), False) + line("a") + flow("x", "e"),
        "x",
    ),
    "event gateway that leads nowhere": (el("eventBasedGateway", "x") + start() + flow("s", "x"), "x"),
    "process starting with an error": (
        el("startEvent", "x", inner=err()) + person("a") + end() + flow("x", "a", "e"),
        "x",
    ),
    "catch without a key": (el("receiveTask", "x", messageRef="M0") + line("x"), "x"),
    "boundary attached to nothing": (
        person("a") + line("a") + boundary("x", "zz", timer("Duration", "PT1H")) + flow("x", "e"),
        "x",
    ),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_cannot_be_done_faithfully_is_refused_with_its_element(name: str) -> None:
    body, element = UNSUPPORTED[name]
    found = problems(body)
    assert element in [e for e, _ in found], found


def test_every_problem_of_a_file_is_listed_at_once() -> None:
    body = el("receiveTask", "r") + el("scriptTask", "sc") + el("callActivity", "c") + line("r", "sc", "c")
    assert [e for e, _ in problems(body)] == ["r", "sc", "c"]


def test_duplicate_ids_are_refused() -> None:
    body = person("a") + sub("sp", start("ss") + person("a") + end("se") + flow("ss", "a", "se")) + line("a", "sp")
    assert ("a", "The id is used more than once (here by a userTask).") in problems(body)


# ------------------------------------------------------------------------------------------------ expressions
def test_a_misspelt_name_is_refused_with_a_suggestion() -> None:
    body = el("exclusiveGateway", "g", default="d") + person("a") + start() + end()
    body += flow("s", "g") + flow("g", "a", cond='=txt = "x"', id="f") + flow("g", "e", id="d") + flow("a", "e")
    found = check_bpmn(doc(body, ext=DECLARED), "f.bpmn")
    errors = [p for p in found if p.severity is Severity.ERROR]
    assert [p.element_id for p in errors] == ["f"]
    assert "text" in errors[0].remedy


@pytest.mark.parametrize(
    ("body", "element"),
    [
        (person("x", io([("a", "=nope")])) + line("x"), "x"),
        (person("x", io((), [("nope", "=n")])) + line("x"), "x"),
        (person("x", io([("a", "=1 +")])) + line("x"), "x"),
        (script("x", "=1", "nope") + line("x"), "x"),
        (person("x", "", mi("=n", "i")) + line("x"), "x"),
        (person("x", "", mi("=xs", "i", until="=n")) + line("x"), "x"),
        (person("x", z("taskSchedule", dueDate="=dueDate")) + line("x"), "x"),
        (person("x", props(agency="=agencyId")) + line("x"), "x"),
        (el("intermediateCatchEvent", "x", inner=timer("Date", "=nope")) + line("x"), "x"),
        (service("x", "notify", io([("template", '="t"')])) + line("x"), "x"),
        (service("x", "notify", io([("template", '="t"'), ("roless", "=xs")], [("n", "=n")])) + line("x"), "x"),
        (service("x", "notify", io((), [("n", "=n")])) + line("x"), "x"),
        (service("x", "notfy") + line("x"), "x"),
        (service("x", "outside:" + "x" * 193) + line("x"), "x"),
        (service("x", "notify", io([("template", '="t"')], [("n", "=result")])) + line("x"), "x"),
    ],
)
def test_names_types_and_mappings_are_checked(body: str, element: str) -> None:
    assert element in [e for e, _ in problems(body)]


@pytest.mark.parametrize("name", ["a-b", "1x", "if", "null", "two words", "a[1]", "x" * 30_000, "(a)", " a"])
def test_a_variable_that_no_expression_can_read_is_refused(name: str) -> None:
    for body in (
        script("x", "=1", name),
        el("businessRuleTask", "x", z("calledDecision", decisionId="d", resultVariable=name)),
        person("x", io([(name, "=1")])),
        person("x", io((), [(name, "=1")])),
        person("x", "", mi("=[1]", name)),
        person("x", "", mi("=[1]", "i", name, "=i")),
    ):
        said = problems(body + line("x"), ext="", allow_undeclared=True)
        assert [(e, "No expression can read a variable" in w, len(w) < 300) for e, w in said] == [("x", True, True)]


def test_a_declared_name_may_have_more_than_one_word() -> None:
    declared = z("properties", z("property", name="variable:two words", value="number"))
    assert problems(script("x", "=two words + 1", "two words") + line("x"), ext=declared) == []


def test_local_names_are_known_where_they_are_local() -> None:
    inner = (
        start("ss")
        + person("u", props(agency="=agency"), "")
        + end("se")
        + flow("ss", "u", "se")
        + mi("=xs", "agency", "xs", "=result")
    )
    inner = inner.replace("</bpmn:extensionElements>", "</bpmn:extensionElements>", 1)
    body = el("subProcess", "sp", io([("extra", "=1")]), inner) + line("sp")
    assert problems(body) == []
    assert "x" in [e for e, _ in problems(person("x", props(agency="=agency")) + line("x"))]


def test_a_called_process_must_declare_what_it_is_given() -> None:
    processes = {"q": declarations_of({"variable:m": "number"})}
    good = call(
        "c",
        "q",
        io([("m", "=n")], [("n", "=m")]),
        propagateAllParentVariables="false",
        propagateAllChildVariables="false",
    )
    assert problems(good + line("c"), processes=processes) == []
    bad = call(
        "c",
        "q",
        io([("x", "=n")], [("n", "=y")]),
        propagateAllParentVariables="false",
        propagateAllChildVariables="false",
    )
    assert len(problems(bad + line("c"), processes=processes)) == 2
    assert len(problems(call("c", "qq") + line("c"), processes=processes)) == 1


def test_references_to_other_files() -> None:
    body = (
        person("a", z("formDefinition", formId="frm"))
        + el("businessRuleTask", "d", z("calledDecision", decisionId="dd", resultVariable="n"))
        + line("a", "d")
    )
    assert [e for e, _ in problems(body, forms={"form"}, decisions={"dec"})] == ["a", "d"]
    assert problems(body, forms={"frm"}, decisions={"dd"}) == []
    assert [e for e, _ in problems(body, forms={"frm"}, decisions={"dd"}, form_variables={"frm": ["zz"]})] == ["a"]


# ------------------------------------------------------------------------------------------------ people
def test_somebody_must_be_asked_and_roles_must_exist() -> None:
    lanes = '<bpmn:laneSet id="ls"><bpmn:lane id="l" name="Chairman"><bpmn:flowNodeRef>a</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>'
    assert [e for e, _ in problems(lanes + user("a") + user("b") + line("a", "b"))] == ["l", "b"]
    assert [e for e, _ in problems(user("a", z("assignmentDefinition", candidateGroups="chair")) + line("a"))] == ["a"]
    found = problems(lanes + user("a") + user("b") + line("a", "b"), allow_undeclared=True, severity=Severity.WARNING)
    assert {"l", "b"} <= {e for e, _ in found}


def test_separate_from_names_a_task_and_a_deadline_needs_a_due_date() -> None:
    assert [e for e, _ in problems(person("a", props(separateFrom="b", deadline="d")) + line("a"))] == ["a", "a"]
    ext = z("taskSchedule", dueDate="=due") + props(separateFrom="a", deadline="d")
    assert problems(person("a") + person("b", ext) + line("a", "b")) == []


def test_undeclared_variables_are_refused_except_in_the_demo_area() -> None:
    body = script("x", "=anything + 1", "y") + line("x")
    assert [e for e, _ in problems(body, ext="")] == ["p"]
    assert problems(body, ext="", allow_undeclared=True) == []
    assert "x" in [e for e, _ in problems(script("x", "=1 +", "y") + line("x"), ext="", allow_undeclared=True)]


# ------------------------------------------------------------------------------------------------ the dialect's extension elements
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_extension_elements_are_reported(name: str) -> None:
    assert ("x", f"The extension element zeebe:{name} is not supported.") in problems(person("x", z(name)) + line("x"))


@pytest.mark.parametrize(
    ("ext", "what"),
    [
        (z("formDefinition", formKey="k"), "formKey"),
        (z("formDefinition", externalReference="k"), "externalReference"),
        (z("userTask", colour="red"), "colour"),
        (z("script", expression="=1", resultVariable="n"), "no meaning"),
    ],
)
def test_attributes_without_a_meaning_are_refused(ext: str, what: str) -> None:
    assert any(e == "x" and what in w for e, w in problems(person("x", ext) + line("x")))


@pytest.mark.parametrize(
    "bound",
    [
        user("x", ASSIGNED + z("formDefinition", formId="f", bindingType="BOUND", versionTag="1")),
        el(
            "businessRuleTask",
            "x",
            z("calledDecision", decisionId="d", resultVariable="n", bindingType="BOUND", versionTag="1"),
        ),
        el("callActivity", "x", z("calledElement", processId="q", bindingType="BOUND", versionTag="1")),
    ],
)
def test_bindings_other_than_deployment_are_warned_of(bound: str) -> None:
    """Whatever formDefinition, calledDecision and calledElement ask for, a case keeps the release it started on."""
    for kind in ("latest", "versionTag", "deployment"):
        body = bound.replace("BOUND", kind) + line("x")
        said = [w for e, w in problems(body, severity=Severity.WARNING) if e == "x" and "asks for the binding" in w]
        assert [kind in what for what in said] == [True] * (kind != "deployment")
        assert problems(body) == []


def test_what_the_modeller_keeps_for_itself_is_left_alone() -> None:
    """Element templates, ids of headers, the version tag: they change nothing, and are no reason to refuse a file."""
    template = {"modelerConfigurationTemplate": "t", "modelerConfigurationName": "n"}
    ext = z("ioMapping", z("input", source="=n", target="m", **template))
    ext += z("properties", z("property", name="room", value="1", **template))
    ext += z("taskHeaders", z("header", id="h", key="k", value="v"))
    body = person("x", ext).replace('id="x"', 'id="x" zeebe:modelerTemplate="t" zeebe:modelerTemplateVersion="1"')
    assert problems(body + line("x"), ext=DECLARED + z("versionTag", value="1.2")) == []


# ------------------------------------------------------------------------------------------------ files
@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"not xml", "not well-formed"),
        (b"", "not well-formed"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "DOCTYPE"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"), "DOCTYPE"),
        (b"<x/>", "not a BPMN diagram"),
        (b"<a>" * 200 + b"</a>" * 200, "nests more than"),
        (b"<a>" + b" " * 2_000_001 + b"</a>", "larger than 2 MB"),
        (b"<a>" + b"<b/>" * 70_000 + b"</a>", "more than 2,000 elements"),
        ((HEAD + "</bpmn:definitions>").encode(), "no executable process"),
    ],
)
def test_files_are_read_in_bounded_time_and_memory(data: bytes, what: str) -> None:
    found = check_bpmn(data, "f.bpmn")
    assert len(found) == 1
    assert what in found[0].what


def test_too_many_elements_are_refused() -> None:
    ids = [f"t{n}" for n in range(1100)]
    found = check_bpmn(doc("".join(el("task", i) for i in ids) + line(*ids)), "f.bpmn")
    assert [p.what for p in found] == ["The file has more than 2,000 elements."]


def test_a_long_chain_and_nested_data_objects_do_no_harm() -> None:
    """SpiffWorkflow's own parser recurses along flows, and loops for ever on data objects used two levels down."""
    ids = [f"t{n}" for n in range(900)]
    assert not [
        p
        for p in check_bpmn(doc("".join(el("task", i) for i in ids) + line(*ids), ext=DECLARED), "f.bpmn")
        if p.severity is Severity.ERROR
    ]
    used = el(
        "task",
        "t",
        inner='<bpmn:dataInputAssociation id="da"><bpmn:sourceRef>ref</bpmn:sourceRef></bpmn:dataInputAssociation>',
    )
    inner = start("is") + used + end("ie") + flow("is", "t", "ie")
    outer = start("os") + sub("in", inner) + end("oe") + flow("os", "in", "oe")
    data = '<bpmn:dataObject id="do"/><bpmn:dataObjectReference id="ref" dataObjectRef="do"/>'
    assert problems(data + sub("out", outer) + line("out")) == []


# ------------------------------------------------------------------------------------------------ one at a time
@pytest.mark.parametrize(
    ("given", "strange", "warned"),
    [(("correlationKey", "=n"), False, True), (("n", "=n"), False, False), (("correlationKey", "=n"), True, False)],
)
def test_a_key_where_a_message_starts_a_process_is_warned_of(given: Any, strange: bool, warned: bool) -> None:
    thrown = el("intermediateThrowEvent", "t", io([given]), msg("M0")) + line("t")
    begun = el("startEvent", "s", inner=msg("M0")) + end() + flow("s", "e")
    files = {"a.bpmn": doc(thrown, ext=DECLARED), "b.bpmn": doc(begun, pid="q", ext=DECLARED)}
    found = check_release(files, operations=Registry(), allow_undeclared=strange)
    said = [(p.element_id, p.severity) for p in found if "waits while an instance" in p.what]
    assert said == ([("t", Severity.WARNING)] if warned else [])
