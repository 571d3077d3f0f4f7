"""Random diagrams for the reference model: in blocks, and as loose graphs with joins and loops anywhere."""

from __future__ import annotations

import random

from reference_diagram import NAMES, TESTS, Flow, Level, Many, Node, On


class Grower:
    """Grows one process. No two timers have the same duration, so that their order is plain."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.count = 0
        self.awaited: set[str] = set()  # what event-based gateways lead to

    def id(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def chance(self, part: float) -> bool:
        return self.r.random() < part

    def process(self, depth: int = 2) -> Level:
        level = Level("p", "p")
        self.fill(level, depth)
        return level

    def fill(self, level: Level, depth: int, begin: Node | None = None) -> None:
        """A level from its start to its ends."""
        start = level.add(begin or Node(self.id("start"), "start"))
        if self.chance(0.4):
            first, last = self.block(level, depth)
            level.join(start.id, first)
            self.ending(level, last)
        else:
            self.loose(level, start.id, depth)
        for node in list(level.nodes.values()):
            for _ in range(self.attached(node)):
                self.attach(level, node)
        if self.chance(0.25 if depth else 0.1):
            self.event_sub_process(level, max(depth - 1, 0))

    def attached(self, node: Node) -> int:
        """How many boundary events an element gets."""
        if node.kind in ("sub", "call"):
            return self.r.choice((0, 1, 1, 2))
        often = {"user": 0.3, "receive": 0.5, "service": 0.5}.get(node.kind, 0)
        return int(node.id not in self.awaited and self.chance(often))

    # ------------------------------------------------------------------------------------------ elements
    def timer(self) -> On:
        times = self.r.choice((0, 0, 2, 3, -1))
        return On("timer", minutes=20 + 7 * self.count + self.r.randint(0, 5), times=times)

    def waiting(self, *kinds: str) -> On:
        kind = self.r.choice(kinds)
        if kind == "timer":
            return self.timer()
        names = NAMES if kind in ("message", "signal") else (*NAMES, "")
        return On(kind, self.r.choice(names))

    def simple(self, level: Level, depth: int) -> Node:
        """One element with one way in and one way out."""
        kinds = ["user"] * 7 + ["script"] * 2 + ["task", "catch", "throw", "receive", "service", "send"]
        kind = self.r.choice(kinds + (["sub", "sub", "call"] if depth else []))
        node = Node(self.id(kind), kind)
        if kind == "script":
            node.variable = self.r.choice((f"c{node.id}", "x"))
        elif kind == "catch":
            node.on = self.waiting("timer", "message", "signal")
            node.on.times = 0
            node.takes = self.chance(0.3)
        elif kind in ("receive", "send", "service"):
            node.on = On("error" if kind == "service" else "message", self.r.choice(NAMES))
            node.takes = kind == "receive" and self.chance(0.3)
        elif kind == "throw" and self.chance(0.7):
            self.thrown(node, self.r.choice(("escalation", "signal", "message")))
        elif kind == "user":
            node.alone = self.chance(0.2)
        elif kind in ("sub", "call"):
            node.alone = self.chance(0.4)
            inside = f"{node.id}in"
            node.inside = Level(inside, inside if kind == "call" else level.process)
            self.fill(node.inside, depth - 1)
        often = {"user": 0.25, "sub": 0.25, "call": 0.25, "script": 0.15, "receive": 0.2, "service": 0.3, "send": 0.2}
        if self.chance(often.get(kind, 0)):
            count = self.r.randint(0, 3)
            node.many = Many(count, self.chance(0.5), self.r.choice((0, 0, 1, 2)), self.r.choice((0, 0, 0, 2)))
        return level.add(node)

    def thrown(self, node: Node, kind: str) -> None:
        node.on = On(kind, self.r.choice(NAMES))
        node.gives = self.r.choice((0, 11, 12)) if kind == "signal" else 0

    def throwing(self, level: Level) -> str | None:
        """What an end event throws: inside a sub-process often something that is caught further out."""
        quiet = 8 if level.id == "p" else 2
        return self.r.choice([None] * quiet + ["terminate", "error", "escalation", "signal", "message"])

    def ending(self, level: Level, source: str) -> None:
        """An end after the element; nothing at all now and then."""
        kind = self.throwing(level)
        if kind is None and self.chance(0.15) and level.nodes[source].kind not in ("boundary", "start", "first"):
            return
        end = level.add(Node(self.id("end"), "end"))
        if kind is not None:
            self.thrown(end, kind)
        level.join(source, end.id)

    def attach(self, level: Level, node: Node) -> None:
        """A boundary event, and what follows it: something of its own, or a part of the level that is there already."""
        kinds = ["timer", "timer", "message", "signal"]
        if node.kind in ("sub", "call"):
            kinds += ["error", "escalation"] * 2
        elif node.kind == "service":
            kinds += ["error"] * 6
        on = self.waiting(*kinds)
        event = Node(self.id("on"), "boundary", on, node.id, on.kind == "error" or self.chance(0.5))
        event.takes = self.chance(0.2)
        if event.interrupting:
            on.times = 0
        if self.doubles(on, [n.on for n in level.nodes.values() if n.to == node.id]):
            return
        there = [n.id for n in level.nodes.values() if n.kind in ("user", "xor", "or", "and")]
        level.add(event)
        if there and on.kind in ("timer", "message") and self.chance(0.5):  # what is thrown might come round for ever
            level.join(event.id, self.r.choice(there))
            return
        following = level.add(Node(self.id("user"), "user"))
        level.join(event.id, following.id)
        self.ending(level, following.id)

    def doubles(self, on: On, others: list[On | None]) -> bool:
        """Whether another event in the same place waits for the same; only a signal comes to both."""
        same = [x for x in others if x is not None and (x.kind, x.name) == (on.kind, on.name)]
        return bool(same) and on.kind not in ("timer", "signal")

    def event_sub_process(self, level: Level, depth: int) -> None:
        on = self.waiting("timer", "message", "signal", "error", "escalation")
        interrupting = on.kind == "error" or self.chance(0.5)
        if interrupting:
            on.times = 0
        node = level.add(Node(self.id("esp"), "esp"))
        node.inside = Level(f"{node.id}in", level.process)
        begin = Node(self.id("start"), "start", on, interrupting=interrupting)
        inner = node.inside
        inner.add(begin)
        task = inner.add(Node(self.id("user"), "user"))
        inner.join(begin.id, task.id)
        if self.chance(0.5) or not depth:
            self.ending(inner, task.id)
        else:
            first, last = self.block(inner, depth - 1)
            inner.join(task.id, first)
            self.ending(inner, last)
        if depth and self.chance(0.2):
            self.event_sub_process(inner, 0)

    # ------------------------------------------------------------------------------------------ blocks
    def block(self, level: Level, depth: int) -> tuple[str, str]:
        """A block with one way in and one way out: its first and its last element."""
        kind = self.r.choice(["simple"] * 3 + (["seq", "xor", "and", "or", "loop", "first"] * 2 if depth else []))
        if kind == "simple":
            node = self.simple(level, depth)
            return node.id, node.id
        if kind == "seq":
            (a, b), (c, d) = self.block(level, depth - 1), self.block(level, depth - 1)
            level.join(b, c)
            return a, d
        if kind == "loop":
            return self._loop(level, depth)
        if kind == "first":
            return self._first(level, depth)
        split = level.add(Node(self.id(kind), kind))
        join = level.add(Node(self.id(kind), kind))
        for n in range(self.r.randint(2, 3)):
            first, last = self.block(level, depth - 1)
            self._choice(level, split, first, default=n == 0)
            level.join(last, join.id)
        return split.id, join.id

    def _choice(self, level: Level, split: Node, target: str, *, default: bool) -> Flow:
        if split.kind in ("xor", "or") and not default:
            return level.join(split.id, target, self.r.choice(TESTS))
        made = level.join(split.id, target)
        if split.kind in ("xor", "or"):
            level.default[split.id] = made.id
        return made

    def _loop(self, level: Level, depth: int) -> tuple[str, str]:
        """Back to the beginning as long as a condition holds; a person stands in the way each time."""
        head = level.add(Node(self.id("xor"), "xor"))
        first, last = self.block(level, depth - 1)
        ask = level.add(Node(self.id("user"), "user"))
        turn = level.add(Node(self.id("xor"), "xor"))
        out = level.add(Node(self.id("task"), "task"))
        level.join(head.id, first)
        level.join(last, ask.id)
        level.join(ask.id, turn.id)
        self._choice(level, turn, out.id, default=True)
        self._choice(level, turn, head.id, default=False)
        return head.id, out.id

    def _first(self, level: Level, depth: int) -> tuple[str, str]:
        gateway = level.add(Node(self.id("first"), "first"))
        join = level.add(Node(self.id("xor"), "xor"))
        for _ in range(self.r.randint(2, 3)):
            event = self._event_after(level, gateway)
            if event is None:
                continue
            first, last = self.block(level, depth - 1)
            level.join(event.id, first)
            level.join(last, join.id)
        return gateway.id, join.id

    def _event_after(self, level: Level, gateway: Node) -> Node | None:
        kind = self.r.choice(("catch", "catch", "catch", "receive"))
        on = self.waiting("timer", "message", "signal") if kind == "catch" else self.waiting("message")
        if self.doubles(on, [level.nodes[flow.target].on for flow in level.leaving(gateway.id)]):
            return None
        event = level.add(Node(self.id(kind), kind, on, takes=self.chance(0.3)))
        on.times = 0
        self.awaited.add(event.id)
        level.join(gateway.id, event.id)
        return event

    # ------------------------------------------------------------------------------------------ loose graphs
    def loose(self, level: Level, start: str, depth: int) -> None:
        """Elements in a row, flows between any of them; every way back leads past a person."""
        row: list[Node] = []
        for _ in range(self.r.randint(2, 7)):
            if self.chance(0.5):
                kind = self.r.choice(("xor", "and", "or", "or"))
                row.append(level.add(Node(self.id(kind), kind)))
            else:
                row.append(self.simple(level, max(depth - 1, 0)))
        level.join(start, row[0].id)
        if len(row) > 2 and self.chance(0.3):
            level.join(start, row[1].id)
        ways: dict[str, list[str]] = {node.id: [] for node in row}
        reached = {row[0].id} | {flow.target for flow in level.leaving(start)}
        for n, node in enumerate(row[1:], 1):
            if node.id not in reached or self.chance(0.3):
                ways[self.r.choice(row[max(0, n - 3) : n]).id].append(node.id)
        for n, node in enumerate(row):
            after = [x.id for x in row[n + 1 :] if x.id not in ways[node.id]]
            if node.kind in ("xor", "and", "or") and after and self.chance(0.7):
                ways[node.id].append(self.r.choice(after))
        for n, node in enumerate(row):
            self._leave(level, row, n, ways[node.id])

    def _leave(self, level: Level, row: list[Node], n: int, targets: list[str]) -> None:
        node = row[n]
        if node.kind == "user" and node.many is None and self.chance(0.3):
            turn = level.add(Node(self.id("xor"), "xor"))
            level.join(node.id, turn.id)
            back = self.r.choice(row[: n + 1]).id
            self._choice(level, turn, back, default=False)
            node = turn
        if not targets:
            end = level.add(Node(self.id("end"), "end"))
            targets = [end.id]
            kind = self.throwing(level)
            if kind is not None:
                self.thrown(end, kind)
        for k, target in enumerate(targets):
            self._choice(level, node, target, default=k == 0)
