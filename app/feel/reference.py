"""The page of functions for process owners, written from the registry."""

from __future__ import annotations

from app.feel import functions
from app.feel.registry import BUILTINS, Builtin

_ORDER = (
    functions.case.GROUP,
    "True and false",
    functions.strings.GROUP,
    functions.numeric.GROUP,
    functions.lists.GROUP,
    functions.statistics.GROUP,
    functions.dates.GROUP,
    functions.conversion.GROUP,
    functions.contexts.GROUP,
    functions.ranges.GROUP,
)
_INTRODUCTION = """# FEEL functions

Every function that an expression may call. Brackets mark an argument that may be left out. Arguments may be given by
name: `substring(string: "foobar", start position: 3)`. A function that is given what it cannot use has no result: null.

This page is written from the program; change the program, not the page.
"""


def reference_page() -> str:
    """The Markdown of docs/users/feel-functions.md."""
    parts = [_INTRODUCTION]
    for group in _ORDER:
        members = sorted((f for f in BUILTINS.values() if f.group == group), key=lambda function: function.name)
        parts.append(f"## {group}\n")
        parts.extend(_entry(function) for function in members)
    return "\n".join(parts)


def _entry(function: Builtin) -> str:
    usages = "\n".join(f"- `{_usage(function, index)}`" for index in range(len(function.signatures)))
    return f"### {function.name}\n\n{usages}\n\n{function.summary}\n\n```feel\n{function.example}\n```\n"


def _usage(function: Builtin, index: int) -> str:
    parameters = [
        f"[{p.name}: {_types(p.types)}]" if p.optional else f"{p.name}: {_types(p.types)}"
        for p in function.signatures[index].parameters
    ]
    more = ", …" if function.variadic or function.rest else ""
    result = "" if function.result == "any" else f" → {function.result}"
    return f"{function.name}({', '.join(parameters)}{more}){result}"


def _types(types: tuple[str, ...]) -> str:
    return " or ".join(types)


if __name__ == "__main__":
    print(reference_page(), end="")
