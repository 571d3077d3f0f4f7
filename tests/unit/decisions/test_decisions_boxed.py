"""Boxed expressions, the requirement graph, knowledge models, services, imports, item definitions."""

from __future__ import annotations

from typing import Any

import pytest
from decision_samples import decision, definitions, input_data, literal, needs, table

from app.decisions import DecisionError, load
from app.errors import NotFound


def evaluate(content: str, variables: dict[str, Any] | None = None, name: str = "Route") -> Any:
    return load(definitions(content)).evaluate(name, variables or {}).value


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        (literal("a + 1"), 3),
        (
            "<context>"
            f'<contextEntry><variable name="x" typeRef="number"/>{literal("a * 10")}</contextEntry>'
            f'<contextEntry><variable name="y"/>{literal("x + 1")}</contextEntry></context>',
            {"x": 20, "y": 21},
        ),
        (
            f'<context><contextEntry><variable name="x"/>{literal("a * 10")}</contextEntry>'
            f"<contextEntry>{literal('x + 1')}</contextEntry></context>",
            21,
        ),
        (f"<list>{literal('1')}{literal('a')}</list>", [1, 2]),
        (
            '<relation><column name="n"/><column name="v"/>'
            f"<row>{literal(chr(34) + 'x' + chr(34))}{literal('a')}</row></relation>",
            [{"n": "x", "v": 2}],
        ),
        (
            '<functionDefinition><formalParameter name="p"/>' + literal("p * a") + "</functionDefinition>",
            "function",
        ),
        (
            f"<conditional><if>{literal('a > 1')}</if><then>{literal('10')}</then><else>{literal('20')}</else></conditional>",
            10,
        ),
        (f"<filter><in>{literal('[1, 2, 3]')}</in><match>{literal('item > a')}</match></filter>", [3]),
        (f"<filter><in>{literal('[{n: 1}, {n: 5}]')}</in><match>{literal('n > a')}</match></filter>", [{"n": 5}]),
        (f"<filter><in>{literal('[7, 8]')}</in><match>{literal('a')}</match></filter>", 8),
        (
            f'<for iteratorVariable="i"><in>{literal("1..3")}</in><return>{literal("i * a")}</return></for>',
            None,
        ),
        (
            f'<for iteratorVariable="i"><in>{literal("[1..3]")}</in><return>{literal("i * a")}</return></for>',
            [2, 4, 6],
        ),
        (
            f'<some iteratorVariable="i"><in>{literal("[1, 2]")}</in><satisfies>{literal("i = a")}</satisfies></some>',
            True,
        ),
        (
            f'<every iteratorVariable="i"><in>{literal("[1, 2]")}</in><satisfies>{literal("i = a")}</satisfies></every>',
            False,
        ),
        (
            f'<invocation>{literal("abs")}<binding><parameter name="n"/>{literal("-a")}</binding></invocation>',
            2,
        ),
    ],
)
def test_a_boxed_expression_has_this_value(logic: str, expected: Any) -> None:
    if expected is None:
        with pytest.raises(DecisionError):
            evaluate(decision(logic), {"a": 2})
        return
    value = evaluate(decision(logic), {"a": 2})
    assert (value.parameters == ("p",)) if expected == "function" else (value == expected)


def test_a_decision_sees_what_it_requires_and_nothing_else() -> None:
    content = (
        input_data("score", "number")
        + input_data("other", "number")
        + decision(literal("score * 2"), name="Doubled", identity="doubled", needs=needs("in-score"))
        + decision(literal("Doubled + 1"), needs=needs("doubled", kind="requiredDecision"))
        + decision(literal("other"), name="Blind", identity="blind", needs=needs("in-score"))
    )
    assert evaluate(content, {"score": 5, "other": 1}) == 11
    assert evaluate(content, {"score": 5, "other": 1}, "Blind") is None
    assert load(definitions(content)).decision("Route").inputs == ("score",)


def test_a_decision_that_several_require_is_made_once() -> None:
    content = (
        decision(table([["-", "1"]], [("1", "number")]), name="Base", identity="base")
        + decision(literal("Base"), name="Left", identity="left", needs=needs("base", kind="requiredDecision"))
        + decision(literal("Base + Left"), needs=needs("base", "left", kind="requiredDecision"))
    )
    outcome = load(definitions(content)).evaluate("Route", {})
    assert outcome.value == 2
    assert [explanation.decision for explanation in outcome.explanation] == ["Base"]


def test_decisions_in_a_circle_are_an_error() -> None:
    content = decision(literal("B"), name="A", identity="a", needs=needs("b", kind="requiredDecision")) + decision(
        literal("A"), name="B", identity="b", needs=needs("a", kind="requiredDecision")
    )
    with pytest.raises(DecisionError, match="circle"):
        evaluate(content, name="A")


KNOWLEDGE = (
    '<businessKnowledgeModel id="bkm" name="points for"><variable name="points for"/><encapsulatedLogic>'
    '<formalParameter name="age" typeRef="number"/><formalParameter name="n" typeRef="number"/>'
    + literal("if n <= 1 then age else age + points for(age, n - 1)")
    + "</encapsulatedLogic></businessKnowledgeModel>"
)


def test_a_knowledge_model_is_a_function_that_may_call_itself() -> None:
    needed = needs("bkm", kind="requiredKnowledge")
    assert evaluate(KNOWLEDGE + decision(literal("points for(10, 3)"), needs=needed)) == 30
    assert evaluate(KNOWLEDGE + decision(literal("points for(n: 2, age: 5)"), needs=needed)) == 10
    outcome = load(definitions(KNOWLEDGE + decision(literal('points for("x", 1)'), needs=needed))).evaluate("Route", {})
    assert outcome.value is None
    assert "The argument “age”" in outcome.faults[0].text


def test_functions_in_other_languages_are_refused() -> None:
    java = '<functionDefinition kind="Java"><formalParameter name="x"/></functionDefinition>'
    with pytest.raises(DecisionError, match="A function in Java is not supported"):
        evaluate(decision(java))


SERVICE = (
    input_data("score", "number")
    + decision(literal("score + 1"), name="Inner", identity="inner", type_ref="number", needs=needs("in-score"))
    + decision(literal("Inner * 10"), name="Outer", identity="outer", needs=needs("inner", kind="requiredDecision"))
    + '<decisionService id="service" name="Scoring"><variable name="Scoring"/><outputDecision href="#outer"/>'
    '<inputDecision href="#inner"/></decisionService>'
)


def test_a_service_takes_its_input_decisions_as_arguments() -> None:
    model = load(definitions(SERVICE))
    assert model.invoke("Scoring", {"Inner": 4}).value == 40
    assert model.invoke("service", {"Inner": 5}).value == 50
    assert model.invoke("Scoring", {"Inner": "x"}).value is None
    with pytest.raises(NotFound):
        model.invoke("Outer", {})


def test_a_service_is_a_function_for_decisions() -> None:
    caller = decision(literal("Scoring(3)"), needs=needs("service", kind="requiredKnowledge"))
    assert evaluate(SERVICE + caller) == 30


def test_an_imported_model_is_seen_under_its_name() -> None:
    shared = definitions(KNOWLEDGE + decision(literal("7"), name="Seven", identity="seven")).replace(
        b'namespace="urn:sample"', b'namespace="urn:shared"'
    )
    content = (
        '<import name="shared" namespace="urn:shared" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>'
        + decision(
            literal("shared.points for(shared.Seven, 2)"),
            needs='<knowledgeRequirement><requiredKnowledge href="urn:shared#bkm"/></knowledgeRequirement>'
            '<informationRequirement><requiredDecision href="urn:shared#seven"/></informationRequirement>',
        )
    )
    model = load(
        definitions(content), resolve=lambda namespace, location: shared if namespace == "urn:shared" else None
    )
    assert model.evaluate("Route", {}).value == 14


ITEMS = (
    '<itemDefinition name="tTool"><typeRef>string</typeRef><allowedValues><text>"DASH", "RIC"</text></allowedValues>'
    "</itemDefinition>"
    '<itemDefinition name="tTools" isCollection="true"><typeRef>tTool</typeRef></itemDefinition>'
    '<itemDefinition name="tPerson"><itemComponent name="name"><typeRef>string</typeRef></itemComponent>'
    '<itemComponent name="age"><typeRef>number</typeRef></itemComponent></itemDefinition>'
)


@pytest.mark.parametrize(
    ("type_ref", "text", "expected"),
    [
        ("tTool", '"DASH"', "DASH"),
        ("tTool", '"other"', None),
        ("tTools", '["DASH", "RIC"]', ["DASH", "RIC"]),
        ("tTools", '"RIC"', ["RIC"]),
        ("tTools", '["DASH", "x"]', None),
        ("tTool", '["RIC"]', "RIC"),
        ("tPerson", '{name: "A", age: 3}', {"name": "A", "age": 3}),
        ("tPerson", '{name: "A"}', None),
        ("tPerson", '{name: "A", age: "x"}', None),
        ("number", "[5]", 5),
        ("number", '"5"', None),
        ("Any", '"5"', "5"),
        ("feel:string", '"5"', "5"),
    ],
)
def test_an_item_definition_lets_only_its_values_through(type_ref: str, text: str, expected: Any) -> None:
    assert evaluate(ITEMS + decision(literal(text), type_ref=type_ref)) == expected


def test_an_expression_may_ask_for_the_models_types() -> None:
    content = ITEMS + decision(literal('{name: "A", age: 3} instance of tPerson and not("x" instance of tTool)'))
    assert evaluate(content) is True
