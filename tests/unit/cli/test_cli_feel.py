"""`convenor feel` and `convenor check`, as they are typed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.cli.main import main

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime"))

from runtime_kit import DEFS, doc, el, end, flow, io, line, msg, props, script, start, timer, user, z

DECLARED = {
    "variable__riskTicks": "number",
    "variable__tool": "string",
    "variable__caseId": "id",
    "variable__on": "date",
}
FORM = (
    '{"type": "default", "schemaVersion": 18, "id": "ask", "components": [{"type": "number", "id": "t", "key": "t", '
    '"label": "Ticks?", "properties": {"variable": "riskTicks", "valueType": "number", "sensitivity": "none"}}%s]}'
)


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(list(arguments))
    return code, capsys.readouterr().out


def test_an_expression_is_evaluated_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    given = '{"riskTicks": 15, "tool": "DASH"}'
    code, out = typed(capsys, "feel", 'riskTicks >= 14 and tool = "DASH"', "--with", given)
    assert (code, out.splitlines()[0]) == (0, "true    (boolean)")
    assert "riskTicks = 15" in out


def test_null_has_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    _, out = typed(capsys, "feel", "riskTick >= 14", "--with", '{"riskTicks": 15}')
    assert out.startswith("null    (null)")
    assert "riskTick" in out.partition("Notes:")[2]


def test_a_syntax_error_has_its_place_and_a_caret(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = typed(capsys, "feel", "riskTicks >= 14\n  and and tool")
    assert code == 1
    lines = out.splitlines()
    assert lines[0].startswith("Line 2, column 7: ")
    assert "“and”" in lines[0]
    assert "expected" in lines[0]
    assert lines[1:] == ["  and and tool", "      ^"]


def checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, form: str = "", **ext: str
) -> tuple[int, list[str]]:
    (tmp_path / "p.bpmn").write_bytes(doc(body, DEFS.replace("=k", "=caseId"), ext=props(**DECLARED, **ext)))
    (tmp_path / "ask.form").write_text(FORM % form)
    code, out = typed(capsys, "check", str(tmp_path))
    return code, [text for text in out.splitlines() if "no form" not in text]


def ask(ext: str = "") -> str:
    return user("a", z("assignmentDefinition", candidateGroups="marac-chair") + z("formDefinition", formId="ask") + ext)


def condition(text: str) -> str:
    gateway = el("exclusiveGateway", "g", default="d") + start() + end() + ask() + flow("s", "a", "g")
    return gateway + flow("g", "e", cond=text, id="c") + el("endEvent", "e2") + flow("g", "e2", id="d")


@pytest.mark.parametrize(
    ("body", "element", "what", "remedy"),
    [
        (condition("=riskTick >= 14"), "c", "There is no variable “riskTick”", "Did you mean “riskTicks”?"),
        (condition("=riskTicks"), "c", "This gives a number, but true or false is needed", "Write a condition"),
        (condition('=riskTicks >= "14"'), "c", "compares a number with a text", "Compare values of the same type"),
        (condition("=is workingday(now())"), "c", "", ""),
        (condition("=evn(riskTicks)"), "c", "There is no function “evn”", "Did you mean “even”?"),
        (condition('=contains("a")'), "c", "contains(…) takes 2 arguments, not 1", "Write contains("),
        (condition("=riskTicks >="), "c", "Line 1, column", "Correct the expression at this place"),
        (ask(io([("x", "=riskTick + 1")])) + line("a"), "a", "no variable “riskTick”", "Did you mean"),
        (
            ask(io(outs=[("riskTick", "=1")])) + line("a"),
            "a",
            "writes the variable riskTick",
            "Did you mean riskTicks?",
        ),
        (ask() + script("x", "=upper case(1)", "tool") + line("a", "x"), "x", "upper case(…) cannot be used", "Write"),
        (
            ask() + el("intermediateCatchEvent", "t", inner=timer("Date", "=onn")) + line("a", "t"),
            "t",
            "no variable “onn”",
            "Did you mean “on”?",
        ),
        (
            ask() + el("intermediateThrowEvent", "t", io([("n", "=tol")]), msg()) + line("a", "t"),
            "t",
            "no variable “tol”",
            "Did you mean “tool”?",
        ),
        (script("x", "=riskTicks", "tool") + ask() + line("x", "a"), "x", "before anything can have set it", "Set it"),
    ],
)
def test_a_mistake_is_one_line_with_file_element_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, element: str, what: str, remedy: str
) -> None:
    code, lines = checked(tmp_path, capsys, body)
    assert code == 1
    told = [text for text in lines if text.startswith(f"p.bpmn: {element}: ")]
    assert any(what in text and remedy in text for text in told), lines


@pytest.mark.parametrize(
    ("component", "what"),
    [
        (
            '"key": "u", "id": "u", "properties": {"variable": "riskTick", "valueType": "number", "sensitivity": "none"}',
            "riskTick",
        ),
        (
            '"key": "u", "id": "u", "properties": {"variable": "tool", "valueType": "number", "sensitivity": "none"}',
            "tool",
        ),
        ('"key": "u", "id": "u", "conditional": {"hide": "=tt > 1"}, "properties": {"sensitivity": "none"}', "tt"),
    ],
)
def test_a_form_is_checked_against_the_declared_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], component: str, what: str
) -> None:
    code, lines = checked(tmp_path, capsys, ask() + line("a"), f', {{"type": "number", "label": "U?", {component}}}')
    assert code == 1
    assert any(text.startswith("ask.form: u: ") and what in text for text in lines), lines


def test_a_decision_file_that_is_no_dmn_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.dmn").write_text("<html/>")
    code, out = typed(capsys, "check", str(tmp_path / "x.dmn"))
    assert code == 1
    assert out.startswith("x.dmn: ")
    assert "not a DMN decision model" in out
    (tmp_path / "x.dmn").write_text(
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="u">'
        '<decision id="why" name="Why"><conditional id="k"/></decision></definitions>'
    )
    code, out = typed(capsys, "check", str(tmp_path / "x.dmn"))
    assert code == 1
    assert out.startswith(("x.dmn: k: ", "x.dmn: why: "))


def test_a_folder_without_a_file_to_check_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"convenor: {tmp_path} holds no diagram, decision or form.\n"


def test_a_sound_release_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(tmp_path, capsys, condition('=riskTicks >= 14 or tool = "X"'), startVariables="tool") == (0, [])
