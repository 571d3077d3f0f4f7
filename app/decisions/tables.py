"""Decision tables: matching rules and making one result of them (DMN 1.5, chapter 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from app.decisions.building import Builder, Scope, converted, fit
from app.decisions.errors import DecisionError
from app.decisions.tracing import Explanation, MatchedRule, Tracing
from app.decisions.types import Coerce
from app.decisions.xml import Element, child, children, id_of, text_of
from app.feel.compiler_unary import Test
from app.feel.errors import FeelError
from app.feel.expression import compile_expression, compile_unary_tests
from app.feel.frame import EMPTY, Frame, NoValue, Run, State
from app.feel.functions.statistics import extreme, total
from app.feel.names import free_names
from app.feel.values import Value, equal

POLICIES = frozenset(("UNIQUE", "FIRST", "ANY", "PRIORITY", "COLLECT", "RULE ORDER", "OUTPUT ORDER"))
_LISTS = frozenset(("RULE ORDER", "OUTPUT ORDER", "COLLECT"))
AGGREGATORS: dict[str, Callable[[list[Value]], Value]] = {
    "SUM": total,
    "MIN": lambda values: extreme(values, -1),
    "MAX": lambda values: extreme(values, 1),
    "COUNT": lambda values: Decimal(len(values)),
}


@dataclass(frozen=True, slots=True)
class Input:
    label: str
    run: Run
    allowed: Test | None


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    order: list[Value]  # the output values, most important first
    default: Run | None


@dataclass(frozen=True, slots=True)
class Rule:
    """`tests` has None where any value will do."""

    match: MatchedRule
    tests: list[Test | None]
    outputs: list[Run]


@dataclass(frozen=True, slots=True)
class Table:
    id: str
    policy: str
    aggregator: str
    inputs: list[Input]
    outputs: list[Output]
    rules: list[Rule]

    # ------------------------------------------------------------------------------------------- matching
    def run(self, frame: Frame) -> Value:
        values = [self.input_value(column, frame) for column in self.inputs]
        matched: list[Rule] = []
        for rule in self.rules:
            for test, value in zip(rule.tests, values, strict=False):
                if test is not None and test(value, frame) is not True:
                    break
            else:
                matched.append(rule)
                if self.policy == "FIRST":
                    break
        frame.state.spend(len(self.rules))
        result = self.result(matched, frame)
        if isinstance(frame.state, Tracing):
            seen = {column.label: value for column, value in zip(self.inputs, values, strict=True)}
            frame.state.explain(Explanation(self.id, tuple(rule.match for rule in matched), seen, result))
        return result

    def input_value(self, column: Input, frame: Frame) -> Value:
        value = column.run(frame)
        if column.allowed is not None and value is not None:
            entries = value if type(value) is list else [value]
            if not all(column.allowed(entry, frame) is True for entry in entries):
                raise DecisionError(
                    f"The input “{column.label}” is not one of its allowed values.", resource_id=self.id
                )
        return value

    # ------------------------------------------------------------------------------------------- results
    def result(self, matched: list[Rule], frame: Frame) -> Value:
        if not matched:
            return self.default(frame)
        if self.policy == "UNIQUE" and len(matched) > 1:
            numbers = ", ".join(str(rule.match.index) for rule in matched)
            raise DecisionError(
                f"The rules {numbers} match at once, but the hit policy UNIQUE allows only one.", resource_id=self.id
            )
        if len(matched) == 1 and self.policy in ("UNIQUE", "FIRST", "ANY", "PRIORITY"):
            return self.row(matched[0].outputs, frame)
        rows = [self.row(rule.outputs, frame) for rule in matched]
        if self.policy == "ANY":
            if any(equal(rows[0], row) is not True for row in rows[1:]):
                raise DecisionError(
                    "Several rules match and disagree, but the hit policy ANY needs them to agree.", resource_id=self.id
                )
            return rows[0]
        if self.policy in ("PRIORITY", "OUTPUT ORDER"):
            rows.sort(key=self.rank)
            return rows[0] if self.policy == "PRIORITY" else rows
        if self.policy == "COLLECT" and self.aggregator:
            return self.aggregate(rows, frame)
        return rows

    def row(self, cells: list[Run], frame: Frame) -> Value:
        if len(self.outputs) == 1:
            return cells[0](frame)
        return {output.name: cell(frame) for output, cell in zip(self.outputs, cells, strict=True)}

    def default(self, frame: Frame) -> Value:
        """The result when no rule matches."""
        as_list = self.policy in _LISTS and not self.aggregator
        if any(output.default is not None for output in self.outputs):
            row = self.row([output.default or _null for output in self.outputs], frame)
            return [row] if as_list else row
        if as_list:
            return []
        if self.aggregator == "COUNT":
            return Decimal(0)
        frame.state.note(0, "No rule of the table matches.", fault=False)
        return None

    def rank(self, row: Value) -> list[int]:
        """Where the row's values stand among the output values: smaller is more important."""
        values = [row] if len(self.outputs) == 1 else [row[output.name] for output in self.outputs]
        return [
            next(
                (place for place, listed in enumerate(output.order) if equal(listed, value) is True), len(output.order)
            )
            for output, value in zip(self.outputs, values, strict=True)
        ]

    def aggregate(self, rows: list[Value], frame: Frame) -> Value:
        combine = AGGREGATORS[self.aggregator]
        try:
            if self.aggregator == "COUNT" or len(self.outputs) == 1:
                return combine(rows)
            return {output.name: combine([row[output.name] for row in rows]) for output in self.outputs}
        except NoValue as reason:
            frame.state.note(0, reason.reason)
            return None


def _null(_: Frame) -> Value:
    return None


# ------------------------------------------------------------------------------------------------ compiling
def compile_table(builder: Builder, element: Element, scope: Scope) -> Run:
    """A decision table as a closure."""
    policy = (element.get("hitPolicy") or "UNIQUE").upper()
    aggregator = (element.get("aggregation") or "").upper() if policy == "COLLECT" else ""
    if policy not in POLICIES or (aggregator and aggregator not in AGGREGATORS):
        return builder.refused(element, f"The hit policy “{policy} {aggregator}” does not exist.", "Choose another.")
    columns, headings = children(element, "input"), children(element, "output")
    if not headings:
        return builder.refused(element, "The table has no output.", "Add an output column.")
    inputs = [_input(builder, column, scope) for column in columns]
    tested = [_tested_type(builder, column) for column in columns]
    outputs = [_output(builder, heading, scope, len(headings)) for heading in headings]
    coercions = [builder.coercion(heading, heading.get("typeRef")) for heading in headings]
    rules = []
    for index, rule in enumerate(children(element, "rule"), 1):
        cells, results = children(rule, "inputEntry"), children(rule, "outputEntry")
        if len(cells) != len(columns) or len(results) != len(headings):
            return builder.refused(rule, f"Rule {index} does not have a cell for each column.", "Fill in every cell.")
        rules.append(
            Rule(
                MatchedRule(index, rule.get("id") or "", _annotations(rule)),
                [_cell(builder, cell, scope, kind) for cell, kind in zip(cells, tested, strict=True)],
                [
                    _result(builder, cell, scope, coerce, heading)
                    for cell, coerce, heading in zip(results, coercions, headings, strict=True)
                ],
            )
        )
    return Table(id_of(element), policy, aggregator, inputs, outputs, rules).run


def _input(builder: Builder, column: Element, scope: Scope) -> Input:
    expression = child(column, "inputExpression")
    text = text_of(expression)
    label = column.get("label") or text
    if not text:
        refused = builder.refused(column, "An input column has no expression.", "Say which value the column tests.")
        return Input(label, refused, None)
    coerce = builder.coercion(column, expression.get("typeRef") if expression is not None else None)
    expected = _tested_type(builder, column)
    run = converted(builder.expression(expression, text, scope, expected), coerce, f"the input “{label}”")
    allowed = child(column, "inputValues")
    values = text_of(allowed)
    return Input(label, run, builder.tests(allowed, values, scope, _tested_type(builder, column)) if values else None)


def _tested_type(builder: Builder, column: Element) -> str:
    expression = child(column, "inputExpression")
    return builder.types.declared(expression.get("typeRef") if expression is not None else None)


def _output(builder: Builder, heading: Element, scope: Scope, count: int) -> Output:
    name = heading.get("name") or ""
    if not name and count > 1:
        builder.report(heading, "One of several output columns has no name.", "Name it.")
    listed = child(heading, "outputValues")
    order: list[Value] = []
    if text_of(listed):
        run = builder.expression(listed, f"[{text_of(listed)}]", scope)
        found = run(Frame({}, None, State(EMPTY)))
        order = found if isinstance(found, list) else []
    default = child(heading, "defaultOutputEntry")
    coerce = builder.coercion(heading, heading.get("typeRef"))
    return Output(name, order, _result(builder, default, scope, coerce, heading) if text_of(default) else None)


def _cell(builder: Builder, cell: Element, scope: Scope, tested: str) -> Test | None:
    text = text_of(cell)
    return None if text in ("", "-") else builder.tests(cell, text, scope, tested)


def _result(builder: Builder, cell: Element, scope: Scope, coerce: Coerce | None, heading: Element) -> Run:
    text = text_of(cell)
    if not text:
        return _null
    expected = builder.types.declared(heading.get("typeRef"))
    run = builder.expression(cell, text, scope, expected)
    if builder.problems is not None:
        _check_listed(builder, cell, text, heading)
    label = heading.get("label") or heading.get("name") or "the result"

    def output(frame: Frame) -> Value:
        return fit(frame, run(frame), coerce, f"the output “{label}”")

    return output if coerce is not None else run


def _check_listed(builder: Builder, cell: Element, text: str, heading: Element) -> None:
    """Reports a result that is written out but is not one of the output values."""
    listed = text_of(child(heading, "outputValues"))
    try:
        if not listed or free_names(compile_expression(text).ast):
            return
        value = compile_expression(text).evaluate({})
        allowed = compile_unary_tests(listed).matches(value, {})
    except FeelError:
        return  # reported where the cell is compiled
    if allowed is False:
        builder.report(cell, f"The result {text} is not one of the output values {listed}.", "Choose one of them.")


def _annotations(rule: Element) -> tuple[str, ...]:
    written = [text_of(entry) for entry in children(rule, "annotationEntry")]
    description = text_of(rule, "description")
    return tuple(text for text in (*written, description) if text)
