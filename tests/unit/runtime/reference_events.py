"""Events that come and events that are thrown, by BPMN 2.0 (10.4.4, 10.5.6 event sub-processes, 13.5)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from reference_activities import Activities
from reference_diagram import Node
from reference_state import Act, State, TooManyStates, Wait


class Events(Activities):
    """Events."""

    def _fire(self, state: State, name: str, payload: dict[str, Any]) -> None:
        wait = state.waits.pop(name)
        event = self.nodes[wait.event]
        assert event.on is not None
        again = event.on.kind != "timer" or (event.on.times != 0 and wait.left != 1)
        if event.kind == "boundary":
            if event.interrupting:
                self._drop(state, wait.act)
            elif again:
                self._arm(state, event, wait.scope, wait.act, wait)
            self._hold(state, Act(event.id, wait.scope, state.scopes[wait.scope].frame, fired=payload))
        elif event.kind == "start":
            self._start_body(state, event, wait, payload, again)
        else:
            act = state.acts[wait.act]
            if event.kind == "receive" and act.node == event.id:
                self._take(state, event, act.frame, payload)
                self._finish(state, wait.act)
                return
            self._drop(state, wait.act)
            then = event.id if act.node != event.id else ""
            self._hold(state, Act(act.node, wait.scope, act.frame, fired=payload, then=then))

    def _take(self, state: State, event: Node, frame: str, payload: dict[str, Any]) -> None:
        """What an event brings becomes variables: all of it, or what the element takes."""
        if event.takes:
            payload = {f"m{event.id}": {**state.visible(frame), **payload}.get("got")}
        state.write(frame, payload)

    def _serve(self, state: State, name: str) -> None:
        """An activity that needs nobody does its work."""
        act = state.acts[name]
        node = self.nodes[act.node]
        values = state.visible(act.frame)
        if node.kind == "service" and values["p"]:
            self._outwards(state, act.scope, node, name)
            return
        if node.kind == "script":
            value = values.get(node.variable)
            state.write(act.frame, {node.variable: 1 if value is None else value + 1})
        elif node.kind == "service":
            state.write(act.frame, {"got": 7})
        else:
            assert node.on is not None
            state.sent[node.on.name] += 1
        self._finish(state, name)

    def _start_body(self, state: State, event: Node, wait: Wait, payload: dict[str, Any], again: bool) -> None:
        """An event sub-process begins."""
        level = next(level for level in self.levels.values() if event.id in level.nodes)
        node = next(n for n in self.nodes.values() if n.inside is level)
        if event.interrupting:
            self._clear(state, wait.scope)
        elif again:
            self._arm(state, event, wait.scope, "", wait)
        act = self._hold(state, Act(node.id, wait.scope, state.scopes[wait.scope].frame))
        frame = state.frame(state.acts[act].frame, act, {})
        state.write(frame, payload)
        self._open(state, level, act, frame)

    def _signalled(self, state: State, name: str, payload: dict[str, Any]) -> list[State]:
        """All who wait for a signal at this moment get it: first those who interrupt nothing, so that nobody misses it;
        then the others in any order, and one may take another out of the wait."""
        waiting = self._waiting(state, "signal", name)
        gentle = tuple(i for i in waiting if not self._interrupts(state, i))
        others = [i for i in waiting if i not in gentle]
        if len(others) > 4:
            raise TooManyStates
        found = []
        for order in (gentle + rest for rest in permutations(others)):
            made = state.copy()
            before = {i: id(made.waits[i]) for i in order}
            for i in order:
                if i in made.waits and id(made.waits[i]) == before[i]:
                    self._fire(made, i, payload)
            found.append(made)
        return found

    def _interrupts(self, state: State, wait: str) -> bool:
        event = self.nodes[state.waits[wait].event]
        return event.kind in ("boundary", "start") and event.interrupting

    def _throw(self, state: State, scope: str, node: Node) -> None:
        on = node.on
        if on is None:
            self._pass(state, scope, node)
        elif on.kind == "message":
            state.sent[on.name] += 1
            self._pass(state, scope, node)
        elif on.kind == "terminate":
            state.done[node.id] += 1
            self._clear(state, scope)
        elif on.kind == "signal":
            waiting = sorted(self._waiting(state, "signal", on.name), key=lambda i: self._interrupts(state, i))
            before = {i: state.waits[i] for i in waiting}
            for i in waiting:
                if state.waits.get(i) is before[i]:
                    self._fire(state, i, {"got": node.gives} if node.gives else {})
            if scope in state.scopes and not self._gone(scope, before):
                self._pass(state, scope, node)
        else:
            self._outwards(state, scope, node)

    def _gone(self, scope: str, fired: dict[str, Wait]) -> bool:
        """Whether an event sub-process that the signal started has taken its sender away."""
        for wait in fired.values():
            event = self.nodes[wait.event]
            if event.kind == "start" and event.interrupting and wait.scope == scope:
                return True
        return False

    def _outwards(self, state: State, scope: str, node: Node, act: str = "") -> None:
        """An error or escalation goes outwards to the innermost event that catches it.

        :param act: the activity that fails; empty for an event that throws.
        """
        on = node.on
        assert on is not None
        kind = "error" if act else on.kind
        if act:
            activity = state.acts[act].body or act
            attached = [i for i, w in state.waits.items() if w.act == activity]
            catcher = self._catcher(state, attached, kind, on.name)
            if catcher is not None:
                self._fire(state, catcher, {})
                return
        at, coming_from = scope, ""
        while True:
            inside = [
                i
                for i, w in state.waits.items()
                if w.scope == at and not w.act and not self._starts(w.event, coming_from)
            ]
            catcher = self._catcher(state, inside, kind, on.name)
            owner = state.scopes[at].owner
            if catcher is None and owner:
                activity = state.acts[owner].body or owner
                attached = [i for i, w in state.waits.items() if w.act == activity]
                catcher = self._catcher(state, attached, kind, on.name)
            if catcher is not None:
                interrupting = self.nodes[state.waits[catcher].event].interrupting
                self._fire(state, catcher, {})
                if not interrupting:
                    self._pass(state, scope, node)
                return
            if not owner:
                break
            coming_from, at = state.acts[owner].node, state.acts[owner].scope
        if act:
            state.acts[act].stuck = True
        elif kind == "error":
            self._hold(state, Act(node.id, scope, "", stuck=True))
        else:
            self._pass(state, scope, node)

    def _starts(self, event: str, body: str) -> bool:
        """Whether a start event is that of the event sub-process that throws."""
        inside = self.nodes[body].inside if body else None
        return inside is not None and event in inside.nodes

    def _catcher(self, state: State, waits: list[str], kind: str, name: str) -> str | None:
        events = [(i, self.nodes[state.waits[i].event].on) for i in waits]
        exact = [i for i, on in events if on is not None and on.kind == kind and on.name == name]
        every = [i for i, on in events if on is not None and on.kind == kind and not on.name]
        return next(iter(exact + every), None)
