"""Activities, by BPMN 2.0 (10.3.3 multi-instance, 13.3)."""

from __future__ import annotations

from reference_diagram import Node
from reference_gateways import Gateways
from reference_state import Act, State


class Activities(Gateways):
    """Activities: begun, at work, ended."""

    def _enter(self, state: State, scope: str, node: Node) -> None:
        frame = state.scopes[scope].frame
        many = node.many
        if many is None:
            act = self._hold(state, Act(node.id, scope, frame))
            self._arm_boundary(state, scope, node, act)
            self._work(state, act)
            return
        outer = state.frame(frame, f"{scope}/{node.id}", {f"o{node.id}": [None] * many.count})
        act = self._hold(state, Act(node.id, scope, outer, count=[many.count, 0, 0], own=[outer]))
        self._arm_boundary(state, scope, node, act)
        for _ in range(min(1, many.count) if many.sequential else many.count):
            if act in state.acts:
                self._instance(state, act)

    def _instance(self, state: State, body: str) -> None:
        around = state.acts[body]
        around.count[1] += 1
        index = around.count[1]
        own = state.frame(around.frame, f"{body}/{index}", {"it": index, "loopCounter": index})
        self._work(state, self._hold(state, Act(around.node, around.scope, own, body, index, own=[own])))

    def _work(self, state: State, name: str) -> None:
        act = state.acts[name]
        node = self.nodes[act.node]
        if node.kind == "receive":
            self._arm(state, node, act.scope, name)
        elif node.kind == "user" and node.alone:
            act.frame = state.frame(act.frame, name, {"x": 1})
            act.own.append(act.frame)
        if node.inside is None:
            return
        if node.kind == "call":
            given = state.visible(act.frame)
            if node.alone:
                given = {n: given[n] for n in "pqk"}
            frame = state.frame("", name, dict(given))
        else:
            frame = state.frame(act.frame, name, {"x": 1} if node.alone else {})
        self._open(state, node.inside, name, frame)

    def _finish(self, state: State, name: str) -> None:
        """An activity ends in the ordinary way."""
        act = state.acts[name]
        node = self.nodes[act.node]
        if not act.body:
            if act.count:
                values = state.frames[act.frame][1]
                state.write(state.scopes[act.scope].frame, {f"o{node.id}": values[f"o{node.id}"]})
            self._drop(state, name)
            self._pass(state, act.scope, node)
            return
        body = state.acts[act.body]
        results = state.frames[body.frame][1]
        results[f"o{node.id}"] = [
            state.visible(act.frame)["it"] if n + 1 == act.index else value
            for n, value in enumerate(results[f"o{node.id}"])
        ]
        self._drop(state, name)
        body.count[2] += 1
        many = node.many
        assert many is not None
        enough = 0 < many.enough <= body.count[2] or 0 < many.beyond <= act.index
        if body.count[2] == body.count[0] or enough:
            for other in [i for i, x in state.acts.items() if x.body == act.body]:
                self._drop(state, other)
            self._finish(state, act.body)
        elif many.sequential:
            self._instance(state, act.body)

    def _close(self, state: State, scope: str) -> None:
        """No token is left: the scope has ended."""
        self._clear(state, scope)
        ended = state.scopes[scope]
        if not ended.owner:
            state.over = True
            del state.scopes[scope]
            return
        act = state.acts[ended.owner]
        node = self.nodes[act.node]
        inside = dict(state.frames[ended.frame][1])
        del state.scopes[scope], state.frames[ended.frame]
        if node.kind == "call":
            seen = {**state.visible(act.frame), **inside}
            state.write(act.frame, {f"r{node.id}": seen["p"], f"y{node.id}": seen["x"]} if node.alone else inside)
        self._finish(state, ended.owner)
