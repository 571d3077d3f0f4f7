"""Files as modellers and other tools write them: pools of others, processing instructions, languages, version tags."""

from __future__ import annotations

import json

import pytest
from runtime_kit import DEFS, Play, call, doc, el, end, flow, io, line, script, start, user, z

from app.problems import Severity
from app.runtime.checker import check_bpmn, check_release
from app.runtime.checker.foreign_functions import REMEDIES
from app.runtime.dialect.parser import parse_release

OTHER = (
    '<bpmn:startEvent id="qs"/><bpmn:complexGateway id="qg"/><bpmn:sequenceFlow id="qf" sourceRef="qs" targetRef="qg"/>'
)
OURS = doc(user("a") + line("a"))
CHOICE = el("exclusiveGateway", "x", default="no") + user("y") + user("n") + start() + end() + flow("s", "x")
CHOICE += flow("x", "y", cond="=CONDITION", id="yes") + flow("x", "n", id="no") + flow("y", "e") + flow("n", "e")
DMN = (
    '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" name="d" '
    'namespace="x"><decision id="dec" name="Dec"><extensionElements><zeebe:versionTag value="v1"/></extensionElements>'
    '<variable id="v" name="dec"/><literalExpression id="l"><text>1</text></literalExpression></decision></definitions>'
)
FORM = {"type": "default", "id": "form", "schemaVersion": 16, "versionTag": "v1", "components": []}


def beside(process: str) -> bytes:
    """Our process, and another in the same file."""
    return OURS.replace(b"</bpmn:definitions>", f"{process}</bpmn:definitions>".encode())


def errors(xml: bytes) -> list[tuple[str, str]]:
    return [(p.element_id, p.what) for p in check_bpmn(xml, "p", allow_undeclared=True) if p.severity is Severity.ERROR]


@pytest.mark.parametrize(
    "process", [f'<bpmn:process id="q" isExecutable="false">{OTHER}</bpmn:process>', '<bpmn:process id="q"/>']
)
def test_another_partys_pool_is_a_drawing_whatever_is_drawn_in_it(process: str) -> None:
    assert errors(beside(process)) == []
    assert list(parse_release({"p": beside(process)}).processes) == ["p"]
    called = beside(process).replace(user("a").encode(), call("a", "q").encode())
    problems = check_release({"p.bpmn": called}, operations=None, allow_undeclared=True)
    assert "There is no process named q in the release." in [p.what for p in problems]


def test_a_process_beside_another_says_whether_it_is_to_run() -> None:
    unmarked = '<bpmn:process id="q"><bpmn:startEvent id="qs"/></bpmn:process>'
    what = "The process does not say whether it is to run, and another of the file does."
    assert ("q", what) in errors(beside(unmarked))
    assert errors(OURS.replace(b' isExecutable="true"', b"")) == []


@pytest.mark.parametrize(
    "text", ["= a <?x y?>&lt; 3", "= a <!-- c -->&lt; 3", "<![CDATA[= a < ]]>3", "\n = a\n&lt; 3 \n"]
)
def test_an_expression_is_read_to_its_end(text: str) -> None:
    xml = doc(CHOICE).decode().replace("=CONDITION", text).encode()
    assert errors(xml) == []
    assert [Play(xml, {"a": a}).names() for a in (2, 3)] == [["y"], ["n"]]


@pytest.mark.parametrize(("language", "refused"), [("https://www.omg.org/spec/DMN/FEEL/", False), ("javascript", True)])
def test_an_expression_in_another_language_is_refused(language: str, refused: bool) -> None:
    xml = (
        doc(CHOICE).decode().replace("<bpmn:conditionExpression>", f'<bpmn:conditionExpression language="{language}">')
    )
    what = [("yes", "The expression says that it is written in javascript.")]
    assert errors(xml.replace("=CONDITION", "=true").encode()) == (what if refused else [])


@pytest.mark.parametrize(("tag", "refused"), [("v1", False), ("v2", True), ("", True)])
def test_what_is_bound_by_a_version_tag_has_that_tag_in_the_release(tag: str, refused: bool) -> None:
    bound = {"bindingType": "versionTag", "versionTag": tag}
    body = user("u", z("formDefinition", formId="form", **bound)) + call("c", "child", **bound)
    body += el("businessRuleTask", "b", z("calledDecision", decisionId="dec", resultVariable="r", **bound))
    child = doc(script("x", "=1", "y") + line("x"), DEFS, "child", z("versionTag", value="v1"))
    files = {"p.bpmn": doc(body + line("u", "c", "b")), "c.bpmn": child, "d.dmn": DMN.encode()}
    files["f.form"] = json.dumps(FORM).encode()
    problems = check_release(files, operations=None, allow_undeclared=True)
    found = {p.element_id: p.what for p in problems if p.severity is Severity.ERROR}
    assert sorted(found) == (["b", "c", "u"] if refused else [])
    if tag == "v2":
        assert found["c"] == "The process is asked for by the version tag v2, and that of the release has the tag v1."


@pytest.mark.parametrize(
    ("ext", "refused"),
    [
        (z("taskSchedule", dueDate="tomorrow"), True),
        (z("taskSchedule", followUpDate="PT1H"), True),
        (z("taskSchedule", dueDate="2026-05-01", followUpDate="=date(now())"), False),
        *(
            (z("priorityDefinition", priority=text), text in ("101", "-1", "high"))
            for text in ("101", "-1", "high", "0", "=9")
        ),
        *((io([(target, "=1")]), True) for target in (".a", "a.", "a..b", "a.1", "a.b-c")),
        (io([("a.b.c", "=1"), ("größe.x", "=1")]), False),
    ],
)
def test_what_is_written_out_is_looked_at_before_it_is_published(ext: str, refused: bool) -> None:
    assert [element for element, _ in errors(doc(user("u", ext) + line("u")))] == (["u"] if refused else [])


@pytest.mark.parametrize("name", REMEDIES)
def test_a_function_that_only_camunda_has_is_refused_by_its_name(name: str) -> None:
    xml = doc(script("u", f'=if "trim(x" = "" then 1 else {name}(x)', "y") + line("u"))
    found = [p for p in check_bpmn(xml, "p", allow_undeclared=True) if p.severity is Severity.ERROR]
    assert [(p.element_id, p.what.rpartition(": ")[2], p.remedy) for p in found] == [
        ("u", f"There is no function “{name}”.", REMEDIES[name])
    ]


@pytest.mark.parametrize(
    "written",
    [
        "if x != null then x else y", "count(xs) = 0", 'matches(x, "^\\s*$")', 'replace(x, "^\\s+|\\s+$", "")', 'x = "true"',
        'date("2026-02-01") + duration("P1M") - duration("P1D")', "count(distinct values(xs)) = count(xs)",
    ],
)  # fmt: skip
def test_what_is_to_be_written_in_its_place_can_be_read(written: str) -> None:
    assert errors(doc(script("u", f"={written}", "y") + line("u"))) == []
