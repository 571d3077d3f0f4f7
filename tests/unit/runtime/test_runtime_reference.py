"""An independent reading of structured diagrams: small objects, no tokens, no SpiffWorkflow.

It must offer the same open tasks and end with the same variables as the folded and saved engine.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runtime_kit import doc, el, end, flow, mi, script, start, sub, user

from app.runtime import codec
from app.runtime.dialect.parser import Release
from app.runtime.engine.fold import fold
from app.runtime.engine.host import PlainHost
from app.runtime.engine.task import FlowTask
from app.runtime.engine.workflow import Instance

Variables = dict[str, Any]
TESTS: dict[str, Callable[[Variables], bool]] = {
    "p": lambda v: v["p"],
    "q": lambda v: v["q"],
    "not(p)": lambda v: not v["p"],
    "not(q)": lambda v: not v["q"],
}
KINDS = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}


@dataclass
class Tree:
    """A block: kind, id, the blocks inside, and what else its kind needs."""

    kind: str
    id: str
    inside: list[Tree] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    times: int = 0
    sequential: bool = False


def grow(r: random.Random, depth: int, numbers: list[int], loops: bool = True) -> Tree:
    composed = ["seq", "seq", "xor", "and", "or", "loop", "mi", "sub", "misub"] * 2 if depth else []
    kind = r.choice(["user"] * 4 + ["script", *composed])
    if kind == "loop" and not loops:  # bodies side by side would share the loop's counter
        kind = "user"
    numbers[0] += 1
    tree = Tree(kind, f"{kind}{numbers[0]}")

    def grown(allow: bool = loops) -> Tree:
        return grow(r, depth - 1, numbers, allow)

    if kind in ("seq", "and"):
        tree.inside = [grown() for _ in range(r.randint(2, 3))]
    elif kind in ("xor", "or"):
        tree.inside = [grown() for _ in range(r.randint(2, 3))]
        tree.tests = [r.choice(list(TESTS)) for _ in tree.inside[1:]]
    elif kind == "loop":
        tree.inside, tree.times = [grown()], r.randint(2, 3)
    elif kind == "sub":
        tree.inside = [grown()]
    elif kind in ("mi", "misub"):
        tree.sequential = r.random() < 0.5
        tree.times = r.randint(0 if kind == "mi" else 1, 3)
        if kind == "misub":
            tree.inside = [grown(loops and tree.sequential)]
    return tree


def draw(t: Tree) -> tuple[str, str, str]:
    """(xml, first element, last element)"""
    i = t.id
    if t.kind == "user":
        return user(i), i, i
    if t.kind == "script":
        return script(i, f"=if c{i} = null then 1 else c{i} + 1", f"c{i}"), i, i
    parts = [draw(x) for x in t.inside]
    if t.kind == "seq":
        joints = "".join(flow(a[2], b[1]) for a, b in pairwise(parts))
        return "".join(p[0] for p in parts) + joints, parts[0][1], parts[-1][2]
    if t.kind in KINDS:
        return _draw_gateway(t, parts)
    if t.kind == "loop":
        return _draw_loop(t, parts[0])
    collection = "=[" + ",".join(str(n + 1) for n in range(t.times)) + "]"
    loop = mi(collection, "it", f"o{i}", "=it", t.sequential)
    if t.kind == "mi":
        return user(i, "", loop), i, i
    x, a, b = parts[0]
    inner = start(f"{i}s") + x + end(f"{i}e") + flow(f"{i}s", a) + flow(b, f"{i}e")
    return sub(i, inner + (loop if t.kind == "misub" else "")), i, i


def _draw_gateway(t: Tree, parts: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    i, out = t.id, ""
    for n, (x, a, b) in enumerate(parts):
        if t.kind == "and":
            entry = flow(i, a)
        else:
            entry = flow(i, a, cond="=" + t.tests[n - 1]) if n else flow(i, a, id=f"{i}d")
        out += x + flow(b, f"{i}j") + entry
    default = {} if t.kind == "and" else {"default": f"{i}d"}
    return out + el(KINDS[t.kind], i, **default) + el(KINDS[t.kind], f"{i}j"), i, f"{i}j"


def _draw_loop(t: Tree, part: tuple[str, str, str]) -> tuple[str, str, str]:
    (x, a, b), i = part, t.id
    out = x + el("exclusiveGateway", i) + script(f"{i}c", f"=if n{i} = null then 1 else n{i} + 1", f"n{i}")
    out += (
        el("exclusiveGateway", f"{i}g", default=f"{i}d") + el("task", f"{i}x") + flow(i, a) + flow(b, f"{i}c", f"{i}g")
    )
    out += flow(f"{i}g", i, cond=f"=modulo(n{i}, {t.times}) != 0") + flow(f"{i}g", f"{i}x", id=f"{i}d")
    return out, i, f"{i}x"


class Node:
    """A block at work: runs until something is open."""

    def __init__(self, t: Tree, v: Variables) -> None:
        self.t, self.v = t, v
        self.inside: list[Node] = []
        self.at = 0
        self.done = False
        self.step()

    def step(self) -> None:
        while not self.done and all(x.done for x in self.inside) and self.t.kind != "user":
            getattr(self, f"_{self.t.kind}")()

    def _script(self) -> None:
        name = f"c{self.t.id}"
        self.v[name] = self.v.get(name, 0) + 1
        self.done = True

    def _seq(self) -> None:
        if self.at == len(self.t.inside):
            self.done = True
        else:
            self.inside = [Node(self.t.inside[self.at], self.v)]
            self.at += 1

    def _once(self, blocks: list[Tree]) -> None:
        if self.at:
            self.done = True
        else:
            self.at = 1
            self.inside = [Node(b, self.v) for b in blocks]

    def _holding(self) -> list[Tree]:
        return [
            b for b, test in zip(self.t.inside[1:], self.t.tests, strict=True) if TESTS[test](self.v)
        ] or self.t.inside[:1]

    def _xor(self) -> None:
        self._once([] if self.at else self._holding()[:1])

    def _or(self) -> None:
        self._once([] if self.at else self._holding())

    def _and(self) -> None:
        self._once(self.t.inside)

    def _sub(self) -> None:
        self._once(self.t.inside)

    def _loop(self) -> None:
        if self.at:
            name = f"n{self.t.id}"
            self.v[name] = self.v.get(name, 0) + 1
            if self.v[name] % self.t.times == 0:
                self.done = True
                return
        self.at = 1
        self.inside = [Node(self.t.inside[0], self.v)]

    def _mi(self) -> None:
        body = self.t.inside[0] if self.t.inside else Tree("user", self.t.id)
        if self.at >= self.t.times:
            self.v[f"o{self.t.id}"] = list(range(1, self.t.times + 1))
            self.done = True
        elif self.t.sequential:
            self.at += 1
            self.inside = [Node(body, self.v)]
        else:
            self.at = self.t.times
            self.inside = [Node(body, self.v) for _ in range(self.t.times)]

    _misub = _mi

    def open(self) -> list[str]:
        if self.done:
            return []
        return [self.t.id] if self.t.kind == "user" else [name for x in self.inside for name in x.open()]

    def finish(self, name: str) -> bool:
        """Complete the first open task of that name."""
        if self.done:
            return False
        if self.t.kind == "user":
            self.done = self.t.id == name
            return self.done
        if any(x.finish(name) for x in self.inside):
            self.step()
            return True
        return False


def place(t: FlowTask | None) -> list[int]:
    """Which instances of multi-instance activities a task belongs to, outermost first: the order of the reference's tree."""
    at: list[int] = []
    while t is not None:
        at.append(t.internal_data.get("i", 0))
        parent = t.workflow.parent_task_id
        t = t.top.get_task_from_id(parent) if parent else None
    return at[::-1]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_the_engine_agrees_with_the_reference(seed: int) -> None:
    r = random.Random(seed)
    tree = Tree("seq", "top", [grow(r, 3, [100 * n]) for n in (1, 2, 3)])
    x, a, b = draw(tree)
    release, host = Release(), PlainHost()
    release.add(doc(start() + x + end() + flow("s", a) + flow(b, "e")))
    v: Variables = {"p": True, "q": False}
    wf = Instance(release.processes["p"], release.blueprints, host, variables=dict(v))
    wf.advance()
    reference = Node(tree, v)
    for _ in range(150):
        fold(wf)
        wf = codec.loads(codec.dumps(wf), release, "p", host)
        assert sorted(t.task_spec.bpmn_id for t in wf.user_tasks()) == sorted(reference.open())
        assert wf.incidents == {}
        assert wf.scopes.local(0) == v
        assert bool(wf.completed) == reference.done
        if reference.done:
            return
        name, p, q = r.choice(reference.open()), r.random() < 0.5, r.random() < 0.5
        same = sorted((t for t in wf.user_tasks() if t.task_spec.bpmn_id == name), key=place)
        v.update(p=p, q=q)
        reference.finish(name)
        wf.complete_task(same[0].id, {"p": p, "q": q})
