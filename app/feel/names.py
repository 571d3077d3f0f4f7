"""Which names an expression reads."""

from __future__ import annotations

from app.feel import syntax as s
from app.feel.registry import BUILTINS

_IMPLICIT = frozenset(("?", "item", "partial"))


def free_names(node: s.Node) -> frozenset[str]:
    """The names that the expression takes from outside, apart from the functions that it calls.

    Names in a filter may turn out to be properties of its items.
    """
    found: set[str] = set()
    _walk(node, _IMPLICIT, found)
    return frozenset(found)


def names_in(node: s.Node) -> frozenset[str]:
    """Every name that the expression reads, from outside or its own."""
    found: set[str] = set()
    stack: list[object] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, s.Name):
            found.add(current.name)
        stack.extend(children(current))
    return frozenset(found)


def children(node: object) -> list[object]:
    """The nodes right below a node, through its lists, dicts and pairs."""
    below: list[object] = []
    if isinstance(node, dict):
        below.extend(node.values())
    elif isinstance(node, list | tuple):
        below.extend(node)
    elif isinstance(node, s.Node | s.Iteration | s.Parameter):
        for cls in type(node).__mro__:
            for slot in getattr(cls, "__slots__", ()):
                below.append(getattr(node, slot))
    return [item for item in below if isinstance(item, s.Node | s.Iteration | s.Parameter | list | tuple | dict)]


def _walk(node: object, bound: frozenset[str], found: set[str]) -> None:
    if isinstance(node, s.Name):
        if node.name not in bound:
            found.add(node.name)
    elif isinstance(node, s.ContextLiteral):
        for name, entry in node.entries:
            _walk(entry, bound, found)
            bound = bound | {name}
    elif isinstance(node, s.For | s.Quantified):
        for iteration in node.iterations:
            _walk(iteration.values, bound, found)
            if iteration.end is not None:
                _walk(iteration.end, bound, found)
            bound = bound | {iteration.name}
        _walk(node.body, bound, found)
    elif isinstance(node, s.FunctionLiteral):
        _walk(node.body, bound | {parameter.name for parameter in node.parameters}, found)
    elif isinstance(node, s.Call) and isinstance(node.callee, s.Name) and node.callee.name in BUILTINS:
        _walk(node.arguments, bound, found)
        _walk(node.named, bound, found)
    else:
        for child in children(node):
            _walk(child, bound, found)
