"""Syntax tree to closures: each node becomes a function of the frame it runs in.

A node that gives null says why through `State.note`, on the null path only, so that the usual path pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from app.feel import syntax as s
from app.feel.arithmetic import FAILURES, OPERATIONS, negate
from app.feel.convert import PLAIN, from_python
from app.feel.errors import FeelLimitError
from app.feel.frame import MISSING, Frame, Run
from app.feel.registry import BUILTINS
from app.feel.types import TypeTest
from app.feel.values import Value, compare, equal, kind

MAX_HEIGHT = 150
Compile = Callable[["Compiler", Any], Run]


class Compiler:
    """Compiles the nodes of one expression.

    :param types: tests for the named types of a decision model, by name.
    """

    rules: dict[type[s.Node], Compile] = {}

    def __init__(self, types: Mapping[str, TypeTest] | None = None) -> None:
        self.types = types or {}
        self.height = 0

    def compile(self, node: s.Node) -> Run:
        self.height += 1
        if self.height > MAX_HEIGHT:
            raise FeelLimitError("This expression has too many operators in a row. Split it up.")
        run = self.rules[type(node)](self, node)
        self.height -= 1
        return run


def rule(node_type: type[s.Node]) -> Callable[[Compile], Compile]:
    """Registers how nodes of a type are compiled."""

    def register(function: Compile) -> Compile:
        Compiler.rules[node_type] = function
        return function

    return register


def label(node: s.Node, otherwise: str) -> str:
    """What to call an operand in a sentence."""
    if isinstance(node, s.Name):
        return "the tested value" if node.name == "?" else f"“{node.name}”"
    if isinstance(node, s.Path):
        return (
            f"{label(node.base, 'the value').rstrip('”')}.{node.name}”" if isinstance(node.base, s.Name) else otherwise
        )
    return otherwise


# ------------------------------------------------------------------------------------------------ literals and names
@rule(s.Literal)
def compile_literal(_: Compiler, node: s.Literal) -> Run:
    value = node.value
    return lambda frame: value


@rule(s.Name)
def compile_name(_: Compiler, node: s.Name) -> Run:
    name, position = node.name, node.position

    def run(frame: Frame) -> Value:
        while frame.parent is not None:
            value = frame.values.get(name, MISSING)
            if value is not MISSING:
                return value
            frame = frame.parent
        value = frame.values.get(name, MISSING)
        if type(value) in PLAIN:
            return value
        return foreign(frame, name, value, position)

    return run


def foreign(frame: Frame, name: str, value: Any, position: int) -> Value:
    """A variable that is not yet a FEEL value, or a name that is no variable at all."""
    state = frame.state
    if value is not MISSING:
        if state.converted is None:
            state.converted = {}
        known = state.converted.get(name)
        if known is None or known[0] is not value:
            known = state.converted[name] = (value, from_python(value))
        return known[1]
    function = BUILTINS.get(name)
    if function is not None:
        return function
    if name == "params":
        return from_python(dict(state.env.params))
    state.note(position, f"There is no variable “{name}”.")
    return None


def is_variable(frame: Frame, name: str) -> bool:
    """Whether any scope has the name."""
    scope: Frame | None = frame
    while scope is not None:
        if scope.values.get(name, MISSING) is not MISSING:
            return True
        scope = scope.parent
    return False


# ------------------------------------------------------------------------------------------------ logic
@rule(s.Conjunction)
def compile_conjunction(compiler: Compiler, node: s.Conjunction) -> Run:
    operands = [compiler.compile(operand) for operand in node.operands]
    if len(operands) == 2:
        left, right = operands

        def run_two(frame: Frame) -> Value:
            first = left(frame)
            if first is False:
                return False
            second = right(frame)
            if second is False:
                return False
            if first is True and second is True:
                return True
            note_not_boolean(frame, node.position, "and", first, second)
            return None

        return run_two

    def run(frame: Frame) -> Value:
        result: bool | None = True
        for operand in operands:
            value = operand(frame)
            if value is False:
                return False
            if value is not True:
                note_not_boolean(frame, node.position, "and", value)
                result = None
        return result

    return run


@rule(s.Disjunction)
def compile_disjunction(compiler: Compiler, node: s.Disjunction) -> Run:
    operands = [compiler.compile(operand) for operand in node.operands]

    def run(frame: Frame) -> Value:
        result: bool | None = False
        for operand in operands:
            value = operand(frame)
            if value is True:
                return True
            if value is not False:
                note_not_boolean(frame, node.position, "or", value)
                result = None
        return result

    return run


def note_not_boolean(frame: Frame, position: int, word: str, *values: Value) -> None:
    for value in values:
        if value is not None and not isinstance(value, bool):
            frame.state.note(position, f"“{word}” was given a {kind(value)} instead of true or false.", fault=False)


# ------------------------------------------------------------------------------------------------ comparison

ORDERINGS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


@rule(s.Comparison)
def compile_comparison(compiler: Compiler, node: s.Comparison) -> Run:
    left, right = compiler.compile(node.left), compiler.compile(node.right)
    operator = node.operator
    if operator in ("=", "!="):
        return _compile_equality(left, right, node)
    if isinstance(node.right, s.Literal) and type(node.right.value) is Decimal:
        return _compile_against_number(left, node.right.value, node)
    holds = ORDERINGS[operator]

    def run(frame: Frame) -> Value:
        first, second = left(frame), right(frame)
        order = compare(first, second)
        if order is None:
            note_incomparable(frame, node, first, second)
            return None
        return holds(order)

    return run


def _compile_against_number(left: Run, number: Decimal, node: s.Comparison) -> Run:
    """The most frequent comparison by far, without the detour over `compare`."""
    test: Callable[[Decimal, Decimal], bool] = {
        "<": Decimal.__lt__,
        "<=": Decimal.__le__,
        ">": Decimal.__gt__,
        ">=": Decimal.__ge__,
    }[node.operator]

    def run(frame: Frame) -> Value:
        value = left(frame)
        if type(value) is Decimal:
            return test(value, number)
        note_incomparable(frame, node, value, number)
        return None

    return run


def _compile_equality(left: Run, right: Run, node: s.Comparison) -> Run:
    wanted = node.operator == "="

    def run(frame: Frame) -> Value:
        first, second = left(frame), right(frame)
        if type(first) is type(second) is str:
            return (first == second) is wanted
        result = equal(first, second, frame.state.spend)
        if result is None:
            note_incomparable(frame, node, first, second)
            return None
        return result is wanted

    return run


def note_incomparable(frame: Frame, node: s.Comparison, first: Value, second: Value) -> None:
    if frame.state.notes is None:
        return
    for value, operand, otherwise in (
        (first, node.left, "the left side"),
        (second, node.right, "the right side"),
    ):
        if value is None:
            name = label(operand, otherwise)
            frame.state.note(node.position, f"“{node.operator}” has no answer, because {name} is null.", fault=False)
            return
    text = f"“{node.operator}” cannot compare a {kind(first)} with a {kind(second)}."
    frame.state.note(node.position, text)


@rule(s.Between)
def compile_between(compiler: Compiler, node: s.Between) -> Run:
    value, low, high = compiler.compile(node.value), compiler.compile(node.low), compiler.compile(node.high)

    def run(frame: Frame) -> Value:
        middle = value(frame)
        below, above = compare(middle, low(frame)), compare(middle, high(frame))
        if (below is not None and below < 0) or (above is not None and above > 0):
            return False
        if below is None or above is None:
            frame.state.note(node.position, "“between” has no answer for values of these types.")
            return None
        return True

    return run


# ------------------------------------------------------------------------------------------------ arithmetic
@rule(s.Arithmetic)
def compile_arithmetic(compiler: Compiler, node: s.Arithmetic) -> Run:
    left, right = compiler.compile(node.left), compiler.compile(node.right)
    operation = OPERATIONS[node.operator]

    def run(frame: Frame) -> Value:
        first, second = left(frame), right(frame)
        try:
            result = operation(first, second)
        except FAILURES:
            result = None
        if result is None:
            note_no_result(frame, node, first, second)
        elif type(result) is str:
            frame.state.spend_string(len(result))
        return result

    return run


def note_no_result(frame: Frame, node: s.Arithmetic, first: Value, second: Value) -> None:
    if frame.state.notes is None:
        return
    for value, operand, otherwise in ((first, node.left, "the left side"), (second, node.right, "the right side")):
        if value is None:
            frame.state.note(node.position, f"“{node.operator}”: {label(operand, otherwise)} is null.")
            return
    if node.operator == "/" and type(second) is Decimal and not second:
        frame.state.note(node.position, "Division by zero.", fault=False)
        return
    frame.state.note(
        node.position, f"“{node.operator}” has no result for a {kind(first)} and a {kind(second)} of these values."
    )


@rule(s.Negation)
def compile_negation(compiler: Compiler, node: s.Negation) -> Run:
    operand = compiler.compile(node.operand)
    if isinstance(node.operand, s.Literal):
        constant = negate(node.operand.value)
        if constant is not None:
            return lambda frame: constant

    def run(frame: Frame) -> Value:
        value = operand(frame)
        result = negate(value)
        if result is None:
            frame.state.note(node.position, f"“-” cannot negate a {kind(value)}.")
        return result

    return run
