"""When a joining gateway fires, by BPMN 2.0 (13.4)."""

from __future__ import annotations

from collections.abc import Iterable

from reference_scopes import Scopes
from reference_state import State


class Gateways(Scopes):
    """Joins."""

    def _may_fire(self, state: State, scope: str, name: str) -> bool:
        level = self.levels[state.scopes[scope].level]
        flows = [flow.id for flow in level.reaching(name)]
        filled = {flow for flow in flows if state.tokens[scope, flow]}
        empty = set(flows) - filled
        if self.nodes[name].kind == "and":
            return not empty
        return not any(
            any_ & empty and not plain & filled for any_, plain in self._elsewhere(state, scope, name, flows)
        )

    def _elsewhere(
        self, state: State, scope: str, name: str, own: list[str]
    ) -> Iterable[tuple[frozenset[str], frozenset[str]]]:
        """For every other token of the scope: the flows that it can take before it comes to the gateway, by way of
        boundary events too; and those it can take along sequence flows alone.

        Activities and armed boundary events hold tokens, or may yet bring one forth.
        """
        places = []
        for (at, flow), count in state.tokens.items():
            if count and at == scope and flow not in own:
                places.append((self.flows[flow].target, True))
        for act in state.acts.values():
            if act.scope == scope and not act.body and self.nodes[act.node].kind != "esp":
                places.append((act.node, False))
        for wait in state.waits.values():
            if wait.scope == scope and self.nodes[wait.event].kind == "boundary":
                places.append((wait.event, True))
        for place, before in places:
            yield self._reached(name, place, before, attached=True), self._reached(name, place, before, attached=False)

    def _reached(self, gateway: str, start: str, before: bool, attached: bool) -> frozenset[str]:
        """From before an element, or from inside it."""
        key = (gateway, start, before, attached)
        if key not in self._reach:
            level = next(level for level in self.levels.values() if gateway in level.nodes)
            found: set[str] = set()
            seen: set[str] = set()
            todo = [start] if before else [flow.target for flow in level.leaving(start)]
            found |= set() if before else {flow.id for flow in level.leaving(start)}
            while todo:
                node = todo.pop()
                if node == gateway or node in seen:
                    continue
                seen.add(node)
                for flow in level.leaving(node):
                    found.add(flow.id)
                    todo.append(flow.target)
                if attached:
                    todo += [n.id for n in level.nodes.values() if n.to == node]
            self._reach[key] = frozenset(found)
        return self._reach[key]
