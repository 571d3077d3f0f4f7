"""Compiling lists, contexts, paths, filters and ranges."""

from __future__ import annotations

from decimal import Decimal

from app.feel import syntax as s
from app.feel.compiler import Compiler, is_variable, label, rule
from app.feel.convert import from_python
from app.feel.frame import MISSING, Frame, Run
from app.feel.properties import read
from app.feel.values import Range, Value, kind, order_key


@rule(s.ListLiteral)
def compile_list(compiler: Compiler, node: s.ListLiteral) -> Run:
    items = [compiler.compile(item) for item in node.items]
    return lambda frame: [item(frame) for item in items]


@rule(s.ContextLiteral)
def compile_context(compiler: Compiler, node: s.ContextLiteral) -> Run:
    entries = [(name, compiler.compile(entry)) for name, entry in node.entries]

    def run(frame: Frame) -> Value:
        values: dict[str, Value] = {}
        scope = Frame(values, frame, frame.state)  # entries see the ones before them
        for name, entry in entries:
            values[name] = entry(scope)
        return values

    return run


# ------------------------------------------------------------------------------------------------ paths
@rule(s.Path)
def compile_path(compiler: Compiler, node: s.Path) -> Run:
    base, name = compiler.compile(node.base), node.name
    if isinstance(node.base, s.Name) and node.base.name == "params":
        return _compile_parameter(base, node)

    def run(frame: Frame) -> Value:
        value = base(frame)
        result = read(value, name, frame.state.spend)
        if result is not MISSING:
            return result
        if value is None:
            frame.state.note(node.position, f"“.{name}” of {label(node.base, 'a value')}, which is null.")
        else:
            frame.state.note(node.position, f"A {kind(value)} has no “{name}” here.")
        return None

    return run


def _compile_parameter(base: Run, node: s.Path) -> Run:
    """`params.key`: one parameter of the area, read without copying all of them."""
    name = node.name

    def run(frame: Frame) -> Value:
        if is_variable(frame, "params"):
            value = read(base(frame), name, frame.state.spend)
        else:
            value = frame.state.env.params.get(name, MISSING)
            value = value if value is MISSING else from_python(value)
        if value is MISSING:
            frame.state.note(node.position, f"There is no parameter “{name}”.")
            return None
        return value

    return run


# ------------------------------------------------------------------------------------------------ filters
@rule(s.Filter)
def compile_filter(compiler: Compiler, node: s.Filter) -> Run:
    base, condition = compiler.compile(node.base), compiler.compile(node.condition)
    if isinstance(node.condition, s.Literal) and type(node.condition.value) is Decimal:
        index = node.condition.value
        return lambda frame: pick(frame, node.position, as_list(base(frame)), index)

    def run(frame: Frame) -> Value:
        values = as_list(base(frame))
        if values is None:
            frame.state.note(node.position, "null cannot be filtered.")
            return None
        return filter_list(frame, node.position, values, condition)

    return run


def as_list(value: Value) -> list[Value] | None:
    if value is None or type(value) is list:
        return value
    return [value]


def pick(frame: Frame, position: int, values: list[Value] | None, index: Decimal) -> Value:
    """The entry at an index from 1, or from -1 backwards."""
    if values is None:
        frame.state.note(position, "null has no entries.")
        return None
    place = int(index) if abs(index) <= len(values) else 0
    if place > 0:
        return values[place - 1]
    if place < 0:
        return values[place]
    frame.state.note(position, f"The list has {len(values)} entries, so there is no entry {index}.", fault=False)
    return None


def filter_list(frame: Frame, position: int, values: list[Value], condition: Run) -> Value:
    state = frame.state
    kept: list[Value] = []
    if not values:
        probe = condition(Frame({"item": None}, frame, state))
        return pick(frame, position, values, probe) if type(probe) is Decimal else kept
    for number, value in enumerate(values):
        state.spend(1)
        scope = Frame({"item": value}, frame, state)
        if type(value) is dict:
            scope = Frame(value, scope, state)
        result = condition(scope)
        if result is True:
            kept.append(value)
        elif number == 0 and type(result) is Decimal:
            return pick(frame, position, values, result)
        elif result is not None and result is not False:
            state.note(position, f"A filter needs true, false or a number, not a {kind(result)}.")
            return None
    return kept


# ------------------------------------------------------------------------------------------------ ranges
@rule(s.Interval)
def compile_interval(compiler: Compiler, node: s.Interval) -> Run:
    start, end = compiler.compile(node.start), compiler.compile(node.end)
    if isinstance(node.start, s.Literal) and isinstance(node.end, s.Literal):
        constant = interval(node.start.value, node.end.value, node)
        if constant is not None:
            return lambda frame: constant

    def run(frame: Frame) -> Value:
        first, last = start(frame), end(frame)
        result = interval(first, last, node)
        if result is None:
            frame.state.note(
                node.position, f"There is no range from a {kind(first)} to a {kind(last)} of these values."
            )
        return result

    return run


def interval(start: Value, end: Value, node: s.Interval) -> Range | None:
    """The range, or None when its ends are of different kinds, without order, or the wrong way round."""
    if start is None and end is None:
        return None
    if start is not None and end is not None:
        if type(start) is not type(end):
            return None
        low, high = order_key(start), order_key(end)
        if low is None or low > high:
            return None
    return Range(start, end, node.start_included, node.end_included)


@rule(s.HalfInterval)
def compile_half_interval(compiler: Compiler, node: s.HalfInterval) -> Run:
    operand, operator = compiler.compile(node.operand), node.operator

    def run(frame: Frame) -> Value:
        value = operand(frame)
        if operator == "=":
            return Range(value, value, True, True)
        if operator in ("<", "<="):
            return Range(None, value, False, operator == "<=", True)
        if operator in (">", ">="):
            return Range(value, None, operator == ">=", False, True)
        frame.state.note(node.position, "“!=” is not a range.")
        return None

    return run
