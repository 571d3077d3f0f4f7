"""What can come before what in a process: its elements as one graph, sub-processes unfolded, and what runs side by side.

Errs on the side of "can come before": a boundary event may fire at any time while its activity is open, an event
sub-process at any time while what is around it is open, and several instances see each other's writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.runtime.checker.context import FLOW_NODES, is_bpmn
from app.runtime.dialect.xml import BPMN, local

_ONE_WAY = frozenset(("exclusiveGateway", "eventBasedGateway"))
_JOINS = frozenset(("parallelGateway", "inclusiveGateway"))


class Order:
    """The graph of one process. A node is a point in time: the moment an element is entered, and for an activity the
    moment it is left.

    :ivar entered: element id to the node where it is entered. :ivar left: the same for where it is left.
    """

    def __init__(self, process: Any) -> None:
        self.entered: dict[str, int] = {}
        self.left: dict[str, int] = {}
        self.after: list[set[int]] = []
        self._inside: dict[int, int] = {}  # entry of a level: the bits of every node in it
        self._forks: list[tuple[int, list[list[int]]]] = []  # bits of the level, and where each branch begins
        self._joins = 0  # bits of the gateways that wait for every branch
        self.root = self._level(process)
        self._reach = _closure(self.after)

    # ---- building
    def _node(self) -> int:
        self.after.append(set())
        return len(self.after) - 1

    def _join(self, one: int, other: int) -> None:
        self.after[one].add(other)

    def _level(self, scope: Any) -> tuple[int, int]:
        """A process or sub-process: its entry and exit."""
        first = len(self.after)
        entry, exit_ = self._node(), self._node()
        nodes = {n.get("id"): n for n in scope if is_bpmn(n) and local(n) in FLOW_NODES and n.get("id")}
        spans: dict[str, tuple[int, int]] = {}
        for id_, node in nodes.items():
            before = len(self.after)
            spans[id_] = self._element(node)
            self._inside[spans[id_][0]] = _bits(range(before, len(self.after)))
        begins: dict[str, int] = {id_: span[0] for id_, span in spans.items()}
        forks: list[list[list[int]]] = []
        self._attach(nodes, spans, begins, forks)
        self._flow(scope, nodes, spans, begins, forks, exit_)
        starts = [begins[i] for i, n in nodes.items() if local(n) == "startEvent"]
        for start in starts:
            self._join(entry, start)
        self._events(nodes, spans, starts, entry, exit_, first, forks)
        level = _bits(range(first, len(self.after)))
        self._forks += [(level & ~(1 << exit_), fork) for fork in forks]
        self._inside[entry] = level
        return entry, exit_

    def _element(self, node: Any) -> tuple[int, int]:
        if local(node) == "subProcess":
            entry, exit_ = self._level(node)
            for inner in _members(self._inside[entry] & ~(1 << exit_)):
                self._join(inner, exit_)
        else:
            entry, exit_ = self._node(), self._node()
            self._join(entry, exit_)
        if node.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None:
            self._join(exit_, entry)
        self.entered[node.get("id")], self.left[node.get("id")] = entry, exit_
        return entry, exit_

    def _attach(
        self, nodes: dict[str, Any], spans: dict[str, tuple[int, int]], begins: dict[str, int], forks: list[Any]
    ) -> None:
        """Boundary events: a node before the activity leads to it and to each of them."""
        for id_, node in nodes.items():
            host = node.get("attachedToRef")
            if local(node) != "boundaryEvent" or host not in spans:
                continue
            entry = spans[host][0]
            if begins[host] == entry:
                begins[host] = self._node()
                self._join(begins[host], entry)
            self._join(begins[host], spans[id_][0])
            for inner in _members(self._inside[entry] & ~(1 << spans[host][1])):
                self._join(inner, spans[id_][0])
            if node.get("cancelActivity", "true") != "true":
                forks.append([[entry], [spans[id_][0]], [spans[id_][0]]])
        for host in nodes:
            # two boundary events that do not interrupt run beside each other
            beside = [
                spans[i][0]
                for i, n in nodes.items()
                if n.get("attachedToRef") == host and n.get("cancelActivity", "true") != "true"
            ]
            if len(beside) > 1:
                forks.append([[b] for b in beside])

    def _flow(
        self,
        scope: Any,
        nodes: dict[str, Any],
        spans: dict[str, tuple[int, int]],
        begins: dict[str, int],
        forks: list[Any],
        exit_: int,
    ) -> None:
        following: dict[str, list[int]] = {id_: [] for id_ in nodes}
        for flow in scope.findall(f"{BPMN}sequenceFlow"):
            source, target = flow.get("sourceRef"), flow.get("targetRef")
            if source in spans and target in spans:
                following[source].append(begins[target])
        for id_, targets in following.items():
            arriving = sum(begins[id_] in others for others in following.values())
            if arriving > 1 and local(nodes[id_]) in _JOINS:
                self._joins |= 1 << spans[id_][0]
            for target in targets:
                self._join(spans[id_][1], target)
            if not targets:
                self._join(spans[id_][1], exit_)
            if len(targets) > 1 and local(nodes[id_]) not in _ONE_WAY:
                forks.append([[target] for target in targets])

    def _events(
        self,
        nodes: dict[str, Any],
        spans: dict[str, tuple[int, int]],
        starts: list[int],
        entry: int,
        exit_: int,
        first: int,
        forks: list[Any],
    ) -> None:
        """Event sub-processes begin at any time while their level is open; those that do not interrupt run beside it."""
        members = [n for n in range(first, len(self.after)) if n != exit_]
        for id_, node in nodes.items():
            if node.get("triggeredByEvent") != "true":
                continue
            own = spans[id_][0]
            for member in members:
                if not self._inside[own] >> member & 1:
                    self._join(member, own)
            start = node.find(f"{BPMN}startEvent")
            if start is not None and start.get("isInterrupting", "true") != "true":
                self._join(spans[id_][1], own)
                forks.append([starts, [own]])

    # ---- asking
    def reachable(self) -> set[int]:
        return set(_members(self._reach[self.root[0]]))

    def beside(self, writes: dict[int, frozenset[str]]) -> dict[int, set[str]]:
        """For each node, what elements that run beside it write."""
        found: dict[int, set[str]] = {}
        writers = _bits(writes)
        for level, branches in self._forks:
            reached = [_union(self._reach[b] for b in branch) & level for branch in branches]
            for i, here in enumerate(reached):
                for j, there in enumerate(reached):
                    if i != j and there & writers:
                        self._note(found, here, there, branches[j], level, writes, writers)
        return found

    def _note(
        self,
        found: dict[int, set[str]],
        here: int,
        there: int,
        begins: list[int],
        level: int,
        writes: dict[int, frozenset[str]],
        writers: int,
    ) -> None:
        cache: dict[int, int] = {}
        for node in _members(here):
            # where the branches meet, what comes later is not beside it; nor is what only it leads to
            barred = 1 << node | self._joins & self._reach[node]
            others = there
            if there & barred:
                if barred not in cache:
                    cache[barred] = self._without(begins, barred, level)
                others = cache[barred]
            for other in _members(others & writers):
                found.setdefault(node, set()).update(writes[other])

    def _without(self, begins: list[int], barred: int, level: int) -> int:
        """What can be reached without passing some nodes."""
        seen, todo = 0, list(begins)
        while todo:
            node = todo.pop()
            if (seen | barred) >> node & 1 or not level >> node & 1:
                continue
            seen |= 1 << node
            todo += self.after[node]
        return seen

    def before(self, writes: dict[int, frozenset[str]], given: Iterable[str]) -> dict[int, set[str]]:
        """For each node, the variables that something may have set by then.

        :param given: those that the process starts with.
        """
        known: dict[int, set[str]] = {node: set(names) for node, names in self.beside(writes).items()}
        known.setdefault(self.root[0], set()).update(given)
        todo = list(range(len(self.after)))
        while todo:
            node = todo.pop()
            out = known.get(node, set()) | writes.get(node, frozenset())
            for following in self.after[node]:
                there = known.setdefault(following, set())
                if not out <= there:
                    there |= out
                    todo.append(following)
        return known


def _bits(nodes: Iterable[int]) -> int:
    return _union(1 << node for node in nodes)


def _union(sets: Iterable[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found


def _members(bits: int) -> list[int]:
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def _closure(after: list[set[int]]) -> list[int]:
    """For each node, the bits of every node on a path from it, itself included."""
    reach = [1 << node for node in range(len(after))]
    changed = True
    while changed:
        changed = False
        for node in range(len(after) - 1, -1, -1):
            found = reach[node]
            for following in after[node]:
                found |= reach[following]
            if found != reach[node]:
                reach[node] = found
                changed = True
    return reach
