"""Compiling if, for, some, every, functions, calls and `instance of`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from app.feel import syntax as s
from app.feel.compiler import Compiler, is_variable, rule
from app.feel.errors import FeelLimitError
from app.feel.frame import MAX_CALLS, MAX_LIST, Frame, NoValue, Run
from app.feel.names import names_in
from app.feel.registry import BUILTINS, Builtin
from app.feel.temporal import Date
from app.feel.types import type_test
from app.feel.values import Function, Range, Value, kind


@rule(s.If)
def compile_if(compiler: Compiler, node: s.If) -> Run:
    condition, then, otherwise = (compiler.compile(n) for n in (node.condition, node.then, node.otherwise))

    def run(frame: Frame) -> Value:
        value = condition(frame)
        if value is True:
            return then(frame)
        if value is not False:
            text = f"The condition of “if” is {'null' if value is None else 'a ' + kind(value)}, so “else” was taken."
            frame.state.note(node.position, text, fault=False)
        return otherwise(frame)

    return run


# ------------------------------------------------------------------------------------------------ iteration
Iterate = tuple[str, Run, Run | None]


def _iterations(compiler: Compiler, iterations: list[s.Iteration]) -> list[Iterate]:
    return [
        (i.name, compiler.compile(i.values), None if i.end is None else compiler.compile(i.end)) for i in iterations
    ]


def _sequence(frame: Frame, values: Run, end: Run | None) -> list[Value]:
    """What one iteration runs over. Raises NoValue for null and for ends that cannot be counted between."""
    first = values(frame)
    if end is not None:
        return count_between(first, end(frame))
    return iterable(first)


def iterable(value: Value) -> list[Value]:
    """The entries to iterate over: a list's, a range's, or the single value. Raises NoValue for null."""
    if type(value) is list:
        return value
    if value is None:
        raise NoValue("null cannot be iterated over.")
    if type(value) is Range:
        found = count_between(value.start, value.end)
        return found[0 if value.start_included else 1 : len(found) if value.end_included else -1]
    return [value]


def count_between(first: Value, last: Value) -> list[Value]:
    """All whole numbers, or all days, from one to the other, upwards or downwards."""
    if type(first) is Decimal and type(last) is Decimal:
        low, high = int(first), int(last)
    elif type(first) is Date and type(last) is Date:
        low, high = first.days, last.days
    else:
        raise NoValue(f"Counting from a {kind(first)} to a {kind(last)} is not possible.")
    if abs(high - low) >= MAX_LIST:
        raise FeelLimitError(f"A list may have at most {MAX_LIST:,} entries.")
    numbers = range(low, high + 1) if low <= high else range(low, high - 1, -1)
    if type(first) is Date:
        return [Date.from_days(n) for n in numbers]
    return [Decimal(n) for n in numbers]


def _run_through(frame: Frame, iterations: list[Iterate], body: Callable[[Frame], bool], level: int = 0) -> bool:
    """Calls the body for every combination until it returns False; says whether it never did."""
    if level == len(iterations):
        frame.state.spend(1)
        return body(frame)
    name, values, end = iterations[level]
    sequence = _sequence(frame, values, end)
    frame.state.spend(len(sequence))
    return all(
        _run_through(Frame({name: value}, frame, frame.state), iterations, body, level + 1) for value in sequence
    )


@rule(s.For)
def compile_for(compiler: Compiler, node: s.For) -> Run:
    iterations = _iterations(compiler, node.iterations)
    body = compiler.compile(node.body)
    partial = "partial" in names_in(node.body)

    def run(frame: Frame) -> Value:
        results: list[Value] = []

        def step(scope: Frame) -> bool:
            if partial:
                scope.state.spend(len(results))
                scope = Frame({"partial": list(results)}, scope, scope.state)
            results.append(body(scope))
            return True

        try:
            _run_through(frame, iterations, step)
        except NoValue as reason:
            frame.state.note(node.position, f"“for”: {reason.reason}")
            return None
        return results

    return run


@rule(s.Quantified)
def compile_quantified(compiler: Compiler, node: s.Quantified) -> Run:
    iterations = _iterations(compiler, node.iterations)
    body, every = compiler.compile(node.body), node.every

    def run(frame: Frame) -> Value:
        outcome: list[bool | None] = [every]

        def step(scope: Frame) -> bool:
            value = body(scope)
            if value is (not every):
                outcome[0] = not every
                return False
            if value is not every:
                outcome[0] = None
            return True

        try:
            _run_through(frame, iterations, step)
        except NoValue as reason:
            frame.state.note(node.position, f"“{'every' if every else 'some'}”: {reason.reason}")
            return None
        if outcome[0] is None:
            frame.state.note(node.position, "A condition was neither true nor false.", fault=False)
        return outcome[0]

    return run


# ------------------------------------------------------------------------------------------------ functions
@rule(s.FunctionLiteral)
def compile_function(compiler: Compiler, node: s.FunctionLiteral) -> Run:
    body = compiler.compile(node.body)
    names = tuple(parameter.name for parameter in node.parameters)
    types = tuple(p.type.name if isinstance(p.type, s.NamedType) else None for p in node.parameters)
    tests = [None if p.type is None else type_test(p.type, compiler.types) for p in node.parameters]

    def run(frame: Frame) -> Value:
        def call(*arguments: Value) -> Value:
            values = dict(zip(names, arguments, strict=True))
            for name, test in zip(names, tests, strict=True):
                spend = frame.state.spend
                if test is None or values[name] is None or test(values[name], spend):
                    continue
                value = values[name]
                if type(value) is list and len(value) == 1 and test(value[0], spend):
                    values[name] = value[0]
                elif test([value], spend):
                    values[name] = [value]
                else:
                    raise NoValue(f"The argument “{name}” must not be a {kind(value)}.")
            return body(Frame(values, frame, frame.state))

        return Function(names, call, types=types)

    return run


@rule(s.Call)
def compile_call(compiler: Compiler, node: s.Call) -> Run:
    arguments = [compiler.compile(argument) for argument in node.arguments]
    named = {name: compiler.compile(argument) for name, argument in node.named.items()}
    known = BUILTINS.get(node.callee.name) if isinstance(node.callee, s.Name) else None
    callee = compiler.compile(node.callee)
    position = node.position

    def run(frame: Frame) -> Value:
        function: Value = known
        if known is None or is_variable(frame, known.name):
            function = callee(frame)
            if known is not None and not isinstance(function, Function):
                function = known  # a variable that happens to have a function's name does not hide it
        given = [argument(frame) for argument in arguments]
        by_name = {name: argument(frame) for name, argument in named.items()} if named else None
        return call_function(frame, position, function, given, by_name)

    return run


def call_function(
    frame: Frame, position: int, function: Value, arguments: list[Value], named: dict[str, Value] | None = None
) -> Value:
    """The function's result; null with a note when it has none. Raises FeelLimitError when calls nest too deeply."""
    state = frame.state
    state.calls += 1
    try:
        if isinstance(function, Builtin):
            return function.invoke(state, function.order(named) if named is not None else arguments)
        if not isinstance(function, Function):
            raise NoValue(f"A {kind(function)} cannot be called.")
        if state.calls > MAX_CALLS:
            raise FeelLimitError(f"Functions may call each other at most {MAX_CALLS} levels deep.")
        state.spend(1)
        if named is not None:
            if named.keys() != set(function.parameters):
                raise NoValue(f"The arguments of this function are: {', '.join(function.parameters)}.")
            arguments = [named[name] for name in function.parameters]
        if len(arguments) != len(function.parameters):
            raise NoValue(f"The function takes {len(function.parameters)} arguments, not {len(arguments)}.")
        return function.call(*arguments)
    except NoValue as reason:
        state.note(position, reason.reason, reason.fault)
        return None
    finally:
        state.calls -= 1


@rule(s.InstanceOf)
def compile_instance_of(compiler: Compiler, node: s.InstanceOf) -> Run:
    value, test = compiler.compile(node.value), type_test(node.type, compiler.types)
    return lambda frame: test(value(frame), frame.state.spend)
