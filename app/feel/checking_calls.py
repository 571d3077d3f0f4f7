"""The static check of calls: unknown functions, wrong numbers of arguments, arguments of the wrong type."""

from __future__ import annotations

from app.feel import syntax as s
from app.feel.checking import Checker, Scope
from app.feel.checking_types import ANY, article, fits, suggest
from app.feel.frame import EMPTY, NoValue, State
from app.feel.regex import compile_pattern
from app.feel.registry import BUILTINS, Builtin, Parameter
from app.feel.types import BASIC

_LITERAL_ONLY = ("date", "time", "date and time", "duration", "range")
_PATTERNS = {"matches": 1, "replace": 1, "split": 1}


def check_call(checker: Checker, node: s.Call, scope: Scope) -> str:
    """Checks one call and gives the type of its result."""
    given = [checker.check(argument, scope) for argument in node.arguments]
    named = {name: checker.check(argument, scope) for name, argument in node.named.items()}
    if not isinstance(node.callee, s.Name):
        checker.check(node.callee, scope)
        return ANY
    name = node.callee.name
    declared = scope.get(name) or checker.types.get(name)
    if declared in (ANY, "function"):
        return ANY
    function = BUILTINS.get(name)
    if function is None:
        _unknown(checker, node, name, declared)
        return ANY
    if named:
        _check_named(checker, node, function, named)
    else:
        _check_positional(checker, node, function, given)
    _check_literals(checker, node, function)
    return _result(function, given)


def _unknown(checker: Checker, node: s.Call, name: str, declared: str | None) -> None:
    if declared is not None:
        checker.report(
            node.callee.position, f"“{name}” is {article(declared)}, not a function.", "Remove the brackets."
        )
        return
    remedy = suggest(name, BUILTINS) or "The functions that exist are listed in the function reference."
    checker.report(node.callee.position, f"There is no function “{name}”.", remedy)


def _check_positional(checker: Checker, node: s.Call, function: Builtin, given: list[str]) -> None:
    arities = function.arities()
    if arities is None:
        if not given:
            _report(checker, node, function, "needs at least one argument")
        return
    if len(given) not in arities:
        counts = " or ".join(str(n) for n in sorted(arities))
        _report(checker, node, function, f"takes {counts} argument{'' if counts == '1' else 's'}, not {len(given)}")
        return
    if any(
        all(_accepts(p, g) for p, g in zip(signature.parameters, given, strict=False))
        for signature in function.signatures
        if signature.required <= len(given) <= len(signature.parameters)
    ):
        return
    _report(checker, node, function, f"cannot be used with {', '.join(article(g) for g in given)}")


def _check_named(checker: Checker, node: s.Call, function: Builtin, named: dict[str, str]) -> None:
    for signature in function.signatures:
        by_name = {parameter.name: parameter for parameter in signature.parameters}
        required = {p.name for p in signature.parameters[: signature.required]}
        if required <= named.keys() <= by_name.keys() and all(_accepts(by_name[n], t) for n, t in named.items()):
            return
    _report(checker, node, function, f"has no such arguments: {', '.join(named)}")


def _report(checker: Checker, node: s.Call, function: Builtin, what: str) -> None:
    checker.report(node.callee.position, f"{function.name}(…) {what}.", f"Write {function.usage()}.")


def _accepts(parameter: Parameter, found: str) -> bool:
    if found == ANY or parameter.classes is None:
        return True
    if found == "null":
        return parameter.optional
    if found == "list" or "list" in parameter.types:
        return True  # a list of one stands for its entry, and a single value for a list
    if "date and time" in parameter.types and found == "date":
        return True
    if "point" in parameter.types:
        return found not in ("boolean", "context", "function", "range")
    return any(fits(found, expected) for expected in parameter.types)


def _check_literals(checker: Checker, node: s.Call, function: Builtin) -> None:
    """Dates, durations and patterns that are written out can be tried at once."""
    arguments = node.arguments
    values = [argument.value for argument in arguments if isinstance(argument, s.Literal)]
    if not values or len(values) != len(arguments):
        place = _PATTERNS.get(function.name)
        if place is None or len(arguments) <= place or not isinstance(arguments[place], s.Literal):
            return
    try:
        if function.name in _PATTERNS:
            place = _PATTERNS[function.name]
            pattern = arguments[place] if len(arguments) > place else None
            if isinstance(pattern, s.Literal) and isinstance(pattern.value, str):
                compile_pattern(pattern.value)
        elif function.name in _LITERAL_ONLY and isinstance(values[0], str):
            function.invoke(State(EMPTY), values)
    except NoValue as reason:
        checker.report(node.callee.position, reason.reason, "Correct the text between the quotation marks.")


def _result(function: Builtin, given: list[str]) -> str:
    if function.result in BASIC or function.result == "duration":
        return function.result
    if function.name in ("add days", "add working days", "next working day", "abs") and given:
        return given[0]
    return ANY
