"""Our evaluator and the browser's side by side, over the expressions of the forms and over generated ones."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.feel import FeelError, compile_expression, from_python, kind
from app.feel import syntax as s
from app.feel.names import children

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(__file__).with_name("feelin_server.mjs")
CLOCK = frozenset(("now", "today"))  # the two sides read different clocks


def feelin_folder() -> Path:
    """The folder whose node_modules has form-js's evaluator; `scripts/setup.sh browser` installs it."""
    return SERVER.parent


def theirs(cases: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """What the browser's evaluator makes of each expression; an error counts as null."""
    lines = "".join(json.dumps({"e": text, "c": context}) + "\n" for text, context in cases)
    done = subprocess.run(
        ["node", str(SERVER), str(feelin_folder())],
        input=lines,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [_read(json.loads(line).get("v")) for line in done.stdout.splitlines()]


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(entry) for entry in value]
    if isinstance(value, dict):
        if "number" in value:
            return Decimal(value["number"])
        if "context" in value:
            return {key: _read(entry) for key, entry in value["context"].items()}
        return ("other",)
    return value


def ours(text: str, context: dict[str, Any]) -> Any:
    try:
        return _comparable(compile_expression(text).evaluate(context))
    except FeelError:
        return None


def _comparable(value: Any) -> Any:
    value = from_python(value)
    if isinstance(value, list):
        return [_comparable(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _comparable(entry) for key, entry in value.items()}
    return value if kind(value) in ("null", "boolean", "string", "number") else ("other",)


def same(one: Any, other: Any) -> bool:
    """Equal, numbers to within what a double can hold."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        if not other.is_finite():
            return False
        return abs(one - other) <= max(abs(one), Decimal(1)) * Decimal("1e-12")
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


# ------------------------------------------------------------------------------------------------ the forms
def form_expressions() -> list[str]:
    """Every expression of our forms that does not read the clock, once."""
    found: set[str] = set()
    for path in sorted((ROOT / "forms").rglob("*.form")):
        found.update(_expressions(json.loads(path.read_text())))
    return sorted(text for text in found if not compile_expression(text).free_names() & CLOCK)


def _expressions(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        if data.startswith("="):
            yield data[1:].strip()
    else:
        for entry in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
            yield from _expressions(entry)


class Shapes:
    """What the data of an expression look like: lists, contexts, and the type of each name, from how it uses them."""

    def __init__(self, tree: s.Node) -> None:
        self.lists: set[str] = set()
        self.contexts: dict[str, set[str]] = {}
        self.properties: set[str] = set()
        self.compared: dict[str, list[Any]] = {}
        self._walk(tree)

    def _walk(self, node: object) -> None:
        if isinstance(node, s.Comparison):
            self._compare(node.left, [node.right])
        elif isinstance(node, s.In):
            self._compare(node.value, [t.expression for t in node.tests if isinstance(t, s.TestExpression)])
        elif isinstance(node, s.Path):
            self.properties.add(node.name)
            if isinstance(node.base, s.Name):
                self.contexts.setdefault(node.base.name, set()).add(node.name)
        elif isinstance(node, s.Filter) and isinstance(node.base, s.Name):
            self.lists.add(node.base.name)
        elif isinstance(node, s.Call) and isinstance(node.callee, s.Name) and node.arguments:
            first = node.arguments[0]
            if node.callee.name in ("count", "list contains") and isinstance(first, s.Name | s.Path):
                self.lists.add(first.name)
        elif isinstance(node, s.For | s.Quantified):
            self.lists.update(i.values.name for i in node.iterations if isinstance(i.values, s.Name))
        for child in children(node):
            self._walk(child)

    def _compare(self, value: s.Node, others: list[s.Node]) -> None:
        if isinstance(value, s.Name | s.Path):
            known = [other.value for other in others if isinstance(other, s.Literal) and other.value is not None]
            self.compared.setdefault(value.name, []).extend(known)

    def value(self, name: str, chance: random.Random) -> Any:
        if chance.random() < 0.15:
            return None
        if name in self.lists:
            entries = range(chance.randrange(4))
            plain = not self.properties or name in self.properties
            return [self._scalar(name, chance) if plain else self._context(self.properties, chance) for _ in entries]
        if name in self.contexts:
            return self._context(self.contexts[name], chance)
        return self._scalar(name, chance)

    def _scalar(self, name: str, chance: random.Random) -> Any:
        known = self.compared.get(name) or [""]
        if isinstance(known[0], bool):
            return chance.choice([True, False])
        if isinstance(known[0], Decimal):
            return chance.choice([float(number) + step for number in known for step in (-1, 0, 1)])
        return chance.choice([*known, "other"])

    def _context(self, names: set[str], chance: random.Random) -> dict[str, Any]:
        return {
            key: None
            if chance.random() < 0.1
            else self.value(key, chance)
            if key in self.lists
            else self._scalar(key, chance)
            for key in sorted(names)
            if chance.random() < 0.85
        }


def contexts(text: str, count: int) -> list[dict[str, Any]]:
    """Data for an expression: the same ones in every run."""
    compiled = compile_expression(text)
    chance = random.Random(text)
    shapes = Shapes(compiled.ast)
    names = sorted(compiled.free_names())
    found = [{}, dict.fromkeys(names)]
    while len(found) < count:
        found.append({name: shapes.value(name, chance) for name in names if chance.random() < 0.85})
    return found


# ------------------------------------------------------------------------------------------------ generated ones
_LEAVES = [
    "a",
    "b",
    "n",
    "yes",
    "list",
    "person.name",
    "person.age",
    "missing",
    '"x"',
    '"1"',
    "0",
    "1",
    "2.5",
    "true",
    "null",
]
DATA = {"a": "x", "b": "", "n": 3, "yes": True, "list": [1, 2, 3], "person": {"name": "A", "age": 17}}


def generated(count: int) -> list[str]:
    """Expressions as people write them in forms, the same ones in every run."""
    chance = random.Random(20260331)
    found: dict[str, None] = {}
    while len(found) < count:
        found[_expression(chance, 3)] = None
    return list(found)


def _expression(chance: random.Random, depth: int) -> str:
    if depth == 0 or chance.random() < 0.15:
        return chance.choice(_LEAVES)
    one, other = _expression(chance, depth - 1), _expression(chance, depth - 1)
    return chance.choice(
        [
            f"({one} = {other})",
            f"({one} != {other})",
            f"({one} {chance.choice(['<', '<=', '>', '>='])} {other})",
            f"({one} and {other})",
            f"({one} or {other})",
            f"not({one})",
            f"({one} {chance.choice(['+', '-', '*', '/'])} {other})",
            f"(if {one} then {other} else {one})",
            f"({one} in ({other}, {one}))",
            f"({one} between {other} and {one})",
            f"list contains(list, {one})",
            f"count([{one}, {other}])",
            f"(some i in list satisfies i = {one})",
            f"(every i in list satisfies i > {one})",
            f"list[item > {one}]",
            f"sum([{one}, {other}])",
            f"string length({one})",
            f"upper case({one})",
            f"contains({one}, {other})",
        ]
    )
