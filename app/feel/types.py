"""Whether a value is of a type, for `instance of` and typed parameters (DMN 1.5, 10.3.2.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.feel import syntax as s
from app.feel.errors import FeelError
from app.feel.values import Function, Range, Spend, Value, kind

TypeTest = Callable[[Value, Spend], bool]
BASIC = frozenset(
    (
        "string",
        "number",
        "boolean",
        "date",
        "time",
        "date and time",
        "days and time duration",
        "years and months duration",
        "list",
        "context",
        "range",
        "function",
    )
)


class UnknownTypeError(FeelError):
    """A type name that is neither FEEL's nor the model's."""


def type_test(node: s.TypeNode, types: Mapping[str, TypeTest]) -> TypeTest:
    """A test for the type. Raises UnknownTypeError."""
    if isinstance(node, s.NamedType):
        return _named(node.name, types)
    if isinstance(node, s.ListType):
        return _list_of(type_test(node.element, types))
    if isinstance(node, s.RangeType):
        end = type_test(node.element, types)
        return lambda value, spend: (
            type(value) is Range and all(edge is None or end(edge, spend) for edge in (value.start, value.end))
        )
    if isinstance(node, s.ContextType):
        fields = {name: type_test(field, types) for name, field in node.fields.items()}
        return lambda value, spend: (
            type(value) is dict
            and all(
                name in value and (value[name] is None or test(value[name], spend)) for name, test in fields.items()
            )
        )
    assert isinstance(node, s.FunctionType)
    for parameter in (*node.parameters, node.result):
        type_test(parameter, types)  # for the error when one of them does not exist
    wanted = tuple(p.name if isinstance(p, s.NamedType) else None for p in node.parameters)
    return lambda value, spend: isinstance(value, Function) and value.takes(wanted)


def _list_of(element: TypeTest) -> TypeTest:
    def test(value: Value, spend: Spend) -> bool:
        if type(value) is not list:
            return False
        spend(len(value))
        return all(entry is None or element(entry, spend) for entry in value)

    return test


def _named(name: str, types: Mapping[str, TypeTest]) -> TypeTest:
    if name in types:
        return types[name]
    if name in BASIC:
        return lambda value, spend: kind(value) == name
    if name == "Any":
        return lambda value, spend: value is not None
    if name == "Null":
        return lambda value, spend: value is None
    raise UnknownTypeError(f"There is no type “{name}”.")
