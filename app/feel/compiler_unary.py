"""Compiling unary tests: each becomes a function of the tested value and the frame."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from app.feel import syntax as s
from app.feel.compiler import ORDERINGS, Compiler, rule
from app.feel.frame import Frame, Run
from app.feel.values import Range, Value, compare, equal, is_in_range, kind, matches

Test = Callable[[Value, Frame], bool | None]


def compile_tests(compiler: Compiler, node: s.TestList) -> Test:
    tests = [compile_test(compiler, test) for test in node.tests]
    if not tests:
        return lambda value, frame: True
    if not node.negated:
        return tests[0] if len(tests) == 1 else _any_of(tests)
    held = _any_of(tests)

    def negated(value: Value, frame: Frame) -> bool | None:
        result = held(value, frame)
        return None if result is None else not result

    return negated


def _any_of(tests: list[Test]) -> Test:
    def run(value: Value, frame: Frame) -> bool | None:
        unknown = 0
        for test in tests:
            result = test(value, frame)
            if result is True:
                return True
            if result is None:
                unknown += 1
        return None if unknown == len(tests) else False

    return run


def compile_test(compiler: Compiler, node: s.Node) -> Test:
    if isinstance(node, s.TestComparison):
        return _comparison(compiler, node)
    assert isinstance(node, s.TestExpression)
    run = compiler.compile(node.expression)
    if node.uses_input:
        return _with_input(run)
    if isinstance(node.expression, s.Literal):
        return _constant(node.expression.value)
    if isinstance(node.expression, s.Interval):
        return _interval(run, node)

    def test(value: Value, frame: Frame) -> bool | None:
        expected = run(frame)
        if type(expected) is bool and type(value) is not bool:
            return expected  # a condition of its own, such as `count(children) > 2`
        return matches(value, expected, frame.state.spend)

    return test


def _constant(constant: Value) -> Test:
    if type(constant) in (str, Decimal, bool):
        kind_of = type(constant)

        def same(value: Value, frame: Frame) -> bool | None:
            if type(value) is kind_of:
                return bool(value == constant)
            return matches(value, constant, frame.state.spend)

        return same
    return lambda value, frame: matches(value, constant, frame.state.spend)


def _interval(run: Run, node: s.TestExpression) -> Test:
    def test(value: Value, frame: Frame) -> bool | None:
        interval = run(frame)
        if interval is None:
            return None
        if type(value) is Range:
            return equal(value, interval, frame.state.spend)
        result = is_in_range(value, interval)
        if result is None and frame.state.notes is not None:
            frame.state.note(node.position, f"A {kind(value)} cannot be compared with this range.", fault=False)
        return result

    return test


def _with_input(run: Run) -> Test:
    def test(value: Value, frame: Frame) -> bool | None:
        result = run(Frame({"?": value}, frame, frame.state))
        if result is None or isinstance(result, bool):
            return result
        return matches(value, result, frame.state.spend)

    return test


def _comparison(compiler: Compiler, node: s.TestComparison) -> Test:
    operand, operator = compiler.compile(node.operand), node.operator
    if operator in ("=", "!="):
        wanted = operator == "="

        def equality(value: Value, frame: Frame) -> bool | None:
            result = equal(value, operand(frame), frame.state.spend)
            return None if result is None else result is wanted

        return equality
    holds = ORDERINGS[operator]

    def ordering(value: Value, frame: Frame) -> bool | None:
        other = operand(frame)
        order = compare(value, other)
        if order is None:
            if frame.state.notes is not None:
                text = f"“{operator}” cannot compare a {kind(value)} with a {kind(other)}."
                frame.state.note(node.position, text)
            return None
        return holds(order)

    return ordering


@rule(s.In)
def compile_in(compiler: Compiler, node: s.In) -> Run:
    subject = compiler.compile(node.value)
    tests = [compile_test(compiler, test) for test in node.tests]
    held = tests[0] if len(tests) == 1 else _any_of(tests)

    def run(frame: Frame) -> Value:
        return held(subject(frame), frame)

    return run
