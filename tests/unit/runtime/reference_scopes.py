"""Scopes, tokens and what waits in them, by BPMN 2.0 (13.2.1 instantiation and end of scopes, 13.5 events)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_diagram import Flow, Level, Node
from reference_state import Act, Scope, State, Wait

TESTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "p": lambda v: v["p"],
    "q": lambda v: v["q"],
    "not(p)": lambda v: not v["p"],
    "not(q)": lambda v: not v["q"],
}


def stops_early(node: Node) -> bool:
    """Whether some instances of a multi-instance activity may be given up."""
    return node.many is not None and bool(node.many.enough or node.many.beyond)


class Scopes:
    """The diagram, and what begins and is given up in it."""

    def __init__(self, top: Level) -> None:
        self.top = top
        self.levels = {level.id: level for level in top.levels()}
        self.nodes: dict[str, Node] = {}
        self.process: dict[str, str] = {}
        self.flows: dict[str, Flow] = {}
        for level in self.levels.values():
            for node in level.nodes.values():
                self.nodes[node.id], self.process[node.id] = node, level.process
            self.flows |= {flow.id: flow for flow in level.flows}
        self.ordered = any(self._order_matters(node) or stops_early(node) for node in self.nodes.values())
        self.looked = 0
        self._reach: dict[tuple[str, str, bool, bool], frozenset[str]] = {}

    def _order_matters(self, node: Node) -> bool:
        if node.kind == "call" and not node.alone:  # it hands back all the variables that it has been given
            return True
        if node.kind in ("end", "throw"):
            return node.on is not None and node.on.kind != "message"
        return node.kind in ("or", "service")

    def _hold(self, state: State, act: Act) -> str:
        name = state.fresh(state.acts, f"{act.body or act.scope}/{act.node}")
        state.acts[name] = act
        return name

    def _pass(self, state: State, scope: str, node: Node) -> None:
        """The element is done; its token goes on."""
        state.done[node.id] += 1
        for flow in self._chosen(state, scope, node):
            state.tokens[scope, flow.id] += 1

    def _chosen(self, state: State, scope: str, node: Node) -> list[Flow]:
        level = self.levels[state.scopes[scope].level]
        flows = level.leaving(node.id)
        if node.kind not in ("xor", "or"):
            return flows
        values = state.visible(state.scopes[scope].frame)
        holding = [flow for flow in flows if flow.test and TESTS[flow.test](values)]
        holding = holding or [flow for flow in flows if not flow.test]
        return holding[:1] if node.kind == "xor" else holding

    def _open(self, state: State, level: Level, owner: str, frame: str) -> None:
        scope = f"{owner}/{level.id}"
        state.scopes[scope] = Scope(level.id, owner, frame)
        for node in level.nodes.values():
            if node.kind == "esp":
                assert node.inside is not None
                start = next(n for n in node.inside.nodes.values() if n.kind == "start")
                self._arm(state, start, scope, "")
        start = next(n for n in level.nodes.values() if n.kind == "start")
        self._hold(state, Act(start.id, scope, frame, fired={}))

    def _clear(self, state: State, scope: str) -> None:
        """Everything that goes on in a scope is given up."""
        for at, flow in list(state.tokens):
            if at == scope:
                del state.tokens[at, flow]
        for i in [i for i, act in state.acts.items() if act.scope == scope]:
            if i in state.acts:
                self._drop(state, i)
        for i in [i for i, wait in state.waits.items() if wait.scope == scope]:
            del state.waits[i]

    def _drop(self, state: State, name: str) -> None:
        """An activity is gone, with all that is inside it and attached to it."""
        act = state.acts.pop(name)
        for i in [i for i, x in state.acts.items() if x.body == name]:
            self._drop(state, i)
        for i in [i for i, scope in state.scopes.items() if scope.owner == name]:
            self._clear(state, i)
            state.frames.pop(state.scopes.pop(i).frame)
        for i in [i for i, wait in state.waits.items() if wait.act == name]:
            del state.waits[i]
        for frame in act.own:
            state.frames.pop(frame, None)

    def _arm(self, state: State, event: Node, scope: str, act: str, was: Wait | None = None) -> None:
        on = event.on
        assert on is not None
        made = Wait(event.id, scope, act)
        if on.kind == "timer":
            made.left = on.times if was is None else was.left - 1 if was.left > 0 else -1
            made.due = (state.now if was is None or was.due is None else was.due) + on.minutes
            while was is not None and made.left < 0 and made.due <= state.now:
                made.due += on.minutes  # an endless cycle does not make up for what it has slept through
        state.waits[state.fresh(state.waits, f"{act or scope}/{event.id}")] = made

    def _arm_boundary(self, state: State, scope: str, node: Node, act: str) -> None:
        for event in self.levels[state.scopes[scope].level].nodes.values():
            if event.to == node.id:
                self._arm(state, event, scope, act)

    def _waiting(self, state: State, kind: str, name: str) -> list[str]:
        found = []
        for i, wait in state.waits.items():
            on = self.nodes[wait.event].on
            if on is not None and on.kind == kind and on.name == name:
                found.append(i)
        return found

    def path(self, state: State, act: str) -> tuple[int, ...]:
        """Which instances of multi-instance activities something belongs to, outermost first."""
        at: list[int] = []
        while act:
            at.append(state.acts[act].index)
            act = state.scopes[state.acts[act].scope].owner
        return tuple(reversed(at))
