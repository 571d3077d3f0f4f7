"""Boxed expressions: contexts, lists, relations, invocations, functions, conditionals, filters and iterations."""

from __future__ import annotations

from collections.abc import Callable

from app.decisions.building import Builder, Scope, converted
from app.decisions.tables import compile_table
from app.decisions.xml import Element, child, children, local_name, logic_of, text_of
from app.feel.compiler_control import call_function, iterable
from app.feel.compiler_data import as_list, filter_list
from app.feel.frame import Frame, NoValue, Run
from app.feel.values import Function, Value

Rule = Callable[[Builder, Element, Scope], Run]


def compile_boxed(
    builder: Builder,
    element: Element | None,
    scope: Scope,
    around: Element | None = None,
    expect: str | None = None,
) -> Run:
    """Any boxed expression as a closure.

    :param around: the element that should hold it, to name when there is none.
    :param expect: the type that its value will be converted to; checked for literal expressions.
    """
    if element is None:
        return builder.refused(
            around, "An expression is missing.", "Give this element a literal expression or a table."
        )
    if local_name(element) == "literalExpression":
        run = _literal(builder, element, scope, expect)
    else:
        run = _RULES[local_name(element)](builder, element, scope)
    if local_name(element) == "functionDefinition":
        return run  # its type is that of the result
    return converted(run, builder.coercion(element, element.get("typeRef")), "the expression")


def _literal(builder: Builder, element: Element, scope: Scope, expect: str | None = None) -> Run:
    language = element.get("expressionLanguage") or ""
    if language and "FEEL" not in language.upper():
        return builder.refused(
            element, f"The expression language “{language}” is not supported.", "Write the expression in FEEL."
        )
    if child(element, "importedValues") is not None:
        return builder.refused(element, "Imported values are not supported.", "Write the values in the expression.")
    if expect in (None, "any"):
        expect = builder.types.declared(element.get("typeRef"))
    return builder.expression(element, text_of(element), scope, expect)


def _context(builder: Builder, element: Element, scope: Scope) -> Run:
    inner = dict(scope)
    entries: list[tuple[str, Run]] = []
    result: Run | None = None
    for entry in children(element, "contextEntry"):
        variable, logic = child(entry, "variable"), logic_of(entry)
        if variable is None:
            result = compile_boxed(builder, logic, inner, entry)
            continue
        name, reference = variable.get("name") or "", variable.get("typeRef")
        if logic is not None and local_name(logic) == "functionDefinition":
            inner[name] = "function"  # it may call itself
            entries.append((name, compile_function(builder, logic, inner)))
            continue
        run = compile_boxed(builder, logic, inner, entry, builder.types.declared(reference))
        entries.append((name, converted(run, builder.coercion(variable, reference), f"“{name}”")))
        inner[name] = builder.types.declared(reference)

    def run_context(frame: Frame) -> Value:
        values: dict[str, Value] = {}
        local = Frame(values, frame, frame.state)
        for name, run in entries:
            values[name] = run(local)
        return values if result is None else result(local)

    return run_context


def compile_function(builder: Builder, element: Element, scope: Scope) -> Run:
    """A function definition as a closure that gives the function."""
    kind_of = element.get("kind") or "FEEL"
    if kind_of != "FEEL":
        return builder.refused(element, f"A function in {kind_of} is not supported.", "Write the function in FEEL.")
    parameters = children(element, "formalParameter")
    names = tuple(parameter.get("name") or "" for parameter in parameters)
    coercions = [builder.coercion(parameter, parameter.get("typeRef")) for parameter in parameters]
    declared = {n: builder.types.declared(p.get("typeRef")) for n, p in zip(names, parameters, strict=True)}
    body = converted(
        compile_boxed(builder, logic_of(element), {**scope, **declared}, element),
        builder.coercion(element, element.get("typeRef")),
        "the function's result",
    )

    def run(frame: Frame) -> Value:
        def call(*arguments: Value) -> Value:
            values = {}
            for name, coerce, value in zip(names, coercions, arguments, strict=True):
                try:
                    values[name] = value if coerce is None or value is None else coerce(value, frame.state.spend)
                except NoValue as reason:
                    raise NoValue(f"The argument “{name}”: {reason.reason}") from None
            return body(Frame(values, frame, frame.state))

        return Function(names, call)

    return run


def _invocation(builder: Builder, element: Element, scope: Scope) -> Run:
    callee = compile_boxed(builder, logic_of(element), scope, element)
    bindings: dict[str, Run] = {}
    for binding in children(element, "binding"):
        parameter = child(binding, "parameter")
        if parameter is None:
            builder.report(binding, "A binding has no parameter.", "Name the parameter that the value is for.")
            continue
        logic = logic_of(binding)
        run = compile_boxed(builder, logic, scope, binding) if logic is not None else _null
        coerce = builder.coercion(parameter, parameter.get("typeRef"))
        bindings[parameter.get("name") or ""] = converted(run, coerce, "the argument")

    def run_invocation(frame: Frame) -> Value:
        named = {name: run(frame) for name, run in bindings.items()}
        return call_function(frame, 0, callee(frame), [], named)

    return run_invocation


def _null(_: Frame) -> Value:
    return None


def _list(builder: Builder, element: Element, scope: Scope) -> Run:
    items = [compile_boxed(builder, item, scope) for item in element if local_name(item) in _RULES]
    return lambda frame: [item(frame) for item in items]


def _relation(builder: Builder, element: Element, scope: Scope) -> Run:
    columns = [column.get("name") or "" for column in children(element, "column")]
    coercions = [builder.coercion(column, column.get("typeRef")) for column in children(element, "column")]
    rows: list[list[Run]] = []
    for row in children(element, "row"):
        cells = [compile_boxed(builder, cell, scope) for cell in row if local_name(cell) in _RULES]
        if len(cells) != len(columns):
            builder.report(row, "A row does not have a cell for each column.", "Fill in every cell.")
        rows.append([converted(c, coerce, f"“{n}”") for c, coerce, n in zip(cells, coercions, columns, strict=False)])
    return lambda frame: [{n: cell(frame) for n, cell in zip(columns, row, strict=False)} for row in rows]


def _conditional(builder: Builder, element: Element, scope: Scope) -> Run:
    condition, then, otherwise = (
        compile_boxed(builder, logic_of(child(element, part)), scope, element) for part in ("if", "then", "else")
    )
    return lambda frame: then(frame) if condition(frame) is True else otherwise(frame)


def _filter(builder: Builder, element: Element, scope: Scope) -> Run:
    values = compile_boxed(builder, logic_of(child(element, "in")), scope, element)
    closed, builder.closed = builder.closed, False  # names may be entries of the items
    match = compile_boxed(builder, logic_of(child(element, "match")), {**scope, "item": "any"}, element)
    builder.closed = closed

    def run(frame: Frame) -> Value:
        entries = as_list(values(frame))
        if entries is None:
            frame.state.note(0, "null cannot be filtered.")
            return None
        return filter_list(frame, 0, entries, match)

    return run


def _iteration(builder: Builder, element: Element, scope: Scope) -> Run:
    """`for`, `some` and `every`."""
    word = local_name(element)
    name = element.get("iteratorVariable") or ""
    values = compile_boxed(builder, logic_of(child(element, "in")), scope, element)
    body_element = logic_of(child(element, "return" if word == "for" else "satisfies"))
    body = compile_boxed(builder, body_element, {**scope, name: "any", "partial": "list"}, element)

    def entries(frame: Frame) -> list[Value] | None:
        try:
            found = iterable(values(frame))
        except NoValue as reason:
            frame.state.note(0, f"“{word}”: {reason.reason}")
            return None
        frame.state.spend(len(found))
        return found

    def run_for(frame: Frame) -> Value:
        found = entries(frame)
        if found is None:
            return None
        results: list[Value] = []
        for entry in found:
            frame.state.spend(len(results) // 10)
            results.append(body(Frame({"partial": list(results), name: entry}, frame, frame.state)))
        return results

    def run_quantified(frame: Frame) -> Value:
        found = entries(frame)
        if found is None:
            return None
        decisive = word == "some"
        outcomes = [body(Frame({name: entry}, frame, frame.state)) for entry in found]
        if decisive in outcomes:
            return decisive
        return None if any(outcome is not (not decisive) for outcome in outcomes) else not decisive

    return run_for if word == "for" else run_quantified


_RULES: dict[str, Rule] = {
    "literalExpression": _literal,
    "decisionTable": compile_table,
    "context": _context,
    "relation": _relation,
    "list": _list,
    "invocation": _invocation,
    "functionDefinition": compile_function,
    "conditional": _conditional,
    "filter": _filter,
    "for": _iteration,
    "some": _iteration,
    "every": _iteration,
}
