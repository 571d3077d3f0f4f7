"""Decision files for the tests, written short."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

NAMESPACE = "https://www.omg.org/spec/DMN/20191111/MODEL/"
Column = tuple[str, str]  # expression and type


def definitions(content: str, *, attributes: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><definitions xmlns="{NAMESPACE}" id="defs" name="sample" namespace="urn:sample" {attributes}>'
        f"{content}</definitions>"
    ).encode()


def literal(text: str, attributes: str = "") -> str:
    return f"<literalExpression {attributes}><text>{escape(text)}</text></literalExpression>"


def decision(logic: str, *, name: str = "Route", identity: str = "route", type_ref: str = "", needs: str = "") -> str:
    variable = f'<variable name="{name}" typeRef="{type_ref}"/>' if type_ref else ""
    return f'<decision id="{identity}" name="{name}">{variable}{needs}{logic}</decision>'


def needs(*references: str, kind: str = "requiredInput") -> str:
    wrapper = "knowledgeRequirement" if kind == "requiredKnowledge" else "informationRequirement"
    return "".join(f'<{wrapper}><{kind} href="#{reference}"/></{wrapper}>' for reference in references)


def input_data(name: str, type_ref: str = "") -> str:
    return f'<inputData id="in-{name}" name="{name}"><variable name="{name}" typeRef="{type_ref}"/></inputData>'


def table(
    rules: Sequence[Sequence[str]],
    columns: Sequence[Column],
    *,
    policy: str = "UNIQUE",
    aggregation: str = "",
    outputs: Sequence[str] = ("route",),
    output_type: str = "",
    output_values: str = "",
    default: str = "",
    allowed: str = "",
) -> str:
    """Rules are rows of cells: inputs, outputs, and perhaps an annotation."""
    parts = []
    for index, (expression, type_ref) in enumerate(columns):
        values = f'<inputValues id="allowed{index}"><text>{escape(allowed)}</text></inputValues>' if allowed else ""
        parts.append(
            f'<input id="input{index}"><inputExpression id="expression{index}" typeRef="{type_ref}">'
            f"<text>{escape(expression)}</text></inputExpression>{values}</input>"
        )
    for name in outputs:
        values = f"<outputValues><text>{escape(output_values)}</text></outputValues>" if output_values else ""
        fallback = f"<defaultOutputEntry><text>{escape(default)}</text></defaultOutputEntry>" if default else ""
        parts.append(f'<output id="out-{name}" name="{name}" typeRef="{output_type}">{values}{fallback}</output>')
    for number, row in enumerate(rules, 1):
        inputs, results = row[: len(columns)], row[len(columns) : len(columns) + len(outputs)]
        notes = row[len(columns) + len(outputs) :]
        cells = "".join(
            f'<inputEntry id="r{number}i{i}"><text>{escape(c)}</text></inputEntry>' for i, c in enumerate(inputs)
        )
        cells += "".join(
            f'<outputEntry id="r{number}o{i}"><text>{escape(c)}</text></outputEntry>' for i, c in enumerate(results)
        )
        cells += "".join(f"<annotationEntry><text>{escape(note)}</text></annotationEntry>" for note in notes)
        parts.append(f'<rule id="rule{number}">{cells}</rule>')
    aggregated = f'aggregation="{aggregation}"' if aggregation else ""
    return f'<decisionTable id="table" hitPolicy="{policy}" {aggregated}>{"".join(parts)}</decisionTable>'


def one_table(*args: object, **kwargs: object) -> bytes:
    return definitions(decision(table(*args, **kwargs)))  # type: ignore[arg-type]
