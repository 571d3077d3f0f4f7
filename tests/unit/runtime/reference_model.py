"""An independent reading of BPMN 2.0: tokens on sequence flows, activities at work, events that wait.

Written from the standard (10.3.3 multi-instance, 10.4.4 events, 10.5.6 event sub-processes, 13.2.1 instantiation and
end of scopes, 13.3 activities, 13.4 gateways, 13.5 events), without a glance at the engine. The standard leaves the
order of parallel branches open; therefore a step leads to a set of states, and an engine is right when what it shows
is one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reference_diagram import Node
from reference_events import Events
from reference_scopes import stops_early
from reference_state import LIMIT, Act, State, TooManyStates

JOINS = ("and", "or")
BUDGET = 10_000
SERVED = ("script", "service", "send")


class Model(Events):
    """The diagram, and what may happen in it."""

    def begin(self, variables: dict[str, Any]) -> list[State]:
        state = State()
        frame = state.frame("", "root", dict(variables))
        self._open(state, self.top, "", frame)
        return self.settle([state])

    def complete(self, state: State, element: str, path: tuple[int, ...], values: dict[str, Any]) -> list[State]:
        """A person completes one of the open tasks of that name."""
        found = []
        for i, act in state.acts.items():
            if act.node == element and self.path(state, i) == path and not act.count:
                made = state.copy()
                made.write(made.acts[i].frame, values)
                self._finish(made, i)
                found.append(made)
        return self.settle(found)

    def message(self, state: State, name: str, payload: dict[str, Any]) -> list[State]:
        """One of those who wait for a message gets it; nobody, when nobody waits."""
        found = []
        for i in self._waiting(state, "message", name):
            made = state.copy()
            self._fire(made, i, payload)
            found.append(made)
        return self.settle(found or [state])

    def signal(self, state: State, name: str, payload: dict[str, Any]) -> list[State]:
        return self.settle(self._signalled(state, name, payload))

    def later(self, state: State, minutes: int) -> list[State]:
        """Time goes by. What is due happens in the order of the deadlines, each with all that follows from it."""
        made = state.copy()
        made.now += minutes
        states = [made]
        found: dict[bytes, State] = {}
        while states:
            current = states.pop()
            due = [(w.due, i) for i, w in current.waits.items() if w.due is not None and w.due <= current.now]
            if not due:
                found[current.key()] = current
                continue
            first = min(at for at, _ in due)
            for at, i in due:
                if at == first:
                    fired = current.copy()
                    self._fire(fired, i, {})
                    states += self.settle([fired])
            if len(states) > LIMIT:
                raise TooManyStates
        return list(found.values())

    def settle(self, states: Iterable[State]) -> list[State]:
        """Every state in which nothing happens of its own accord that the branches can lead to, in whatever order."""
        found: dict[bytes, State] = {}
        for state in states:
            for ended in self._straight(state) or self._every_way(state):
                found[ended.key()] = ended
        return list(found.values())

    def _straight(self, state: State) -> list[State]:
        """One way, when all ways lead to the same: nothing is thrown and no inclusive join is asked while two things
        may happen. Nothing, when that cannot be said."""
        self._spend()
        made, alone = state.copy(), True
        for _ in range(LIMIT):
            moves = self._moves(made)
            alone = alone and len(moves) < 2
            if not alone and self.ordered and self._order_matters_now(made):
                return []
            if not moves:
                return [made]
            self._apply(made, moves[0])
        return []

    def _spend(self) -> None:
        """One history looks at so many states and no more."""
        self.looked += 1
        if self.looked > BUDGET:
            raise TooManyStates

    def _order_matters_now(self, state: State) -> bool:
        if any(
            count and self._order_matters(self.nodes[self.flows[f].target]) for (_, f), count in state.tokens.items()
        ):
            return True
        acts = [self.nodes[act.node] for act in state.acts.values() if not act.stuck]
        return any(stops_early(n) or n.kind == "service" or (n.kind == "call" and not n.alone) for n in acts)

    def _every_way(self, state: State) -> list[State]:
        found: dict[bytes, State] = {}
        seen: set[bytes] = set()
        todo = [state]
        while todo:
            current = todo.pop()
            key = current.key()
            if key in seen:
                continue
            seen.add(key)
            self._spend()
            if len(seen) > LIMIT:
                raise TooManyStates
            moves = self._moves(current)
            if not moves:
                found[key] = current
            for move in moves:
                made = current.copy()
                self._apply(made, move)
                todo.append(made)
        return list(found.values())

    def _moves(self, state: State) -> list[tuple[str, str, str]]:
        if state.over:
            return []
        moves = []
        joins = set()
        for (scope, flow), count in state.tokens.items():
            if count:
                target = self.nodes[self.flows[flow].target]
                if target.kind in JOINS:
                    joins.add((scope, target.id))
                else:
                    moves.append(("token", scope, flow))
        moves += [("join", scope, node) for scope, node in sorted(joins) if self._may_fire(state, scope, node)]
        moves += [("nothing", act.scope, i) for i, act in state.acts.items() if act.count and not act.count[0]]
        moves += [
            ("serve", act.scope, i)
            for i, act in state.acts.items()
            if self.nodes[act.node].kind in SERVED and not act.count and not act.stuck and act.fired is None
        ]
        moves += [("fired", act.scope, i) for i, act in state.acts.items() if act.fired is not None]
        if not moves or self.ordered:
            busy = {scope for (scope, _), count in state.tokens.items() if count}
            busy |= {act.scope for act in state.acts.values()}
            moves += [("end", scope, "") for scope in state.scopes if scope not in busy]
        return moves

    def _apply(self, state: State, move: tuple[str, str, str]) -> None:
        what, scope, name = move
        if what == "token":
            state.tokens[scope, name] -= 1
            self._arrive(state, scope, self.nodes[self.flows[name].target])
        elif what == "nothing":  # a multi-instance activity over nothing
            self._finish(state, name)
        elif what == "fired":
            act = state.acts.pop(name)
            if act.then:
                state.done[act.node] += 1
                self._hold(state, Act(act.then, scope, act.frame, fired=act.fired))
            else:
                self._take(state, self.nodes[act.node], act.frame, act.fired or {})
                self._pass(state, scope, self.nodes[act.node])
        elif what == "serve":
            self._serve(state, name)
        elif what == "join":
            level = self.levels[state.scopes[scope].level]
            for flow in level.reaching(name):
                if state.tokens[scope, flow.id]:
                    state.tokens[scope, flow.id] -= 1
            self._pass(state, scope, self.nodes[name])
        else:
            self._close(state, scope)

    def _arrive(self, state: State, scope: str, node: Node) -> None:
        frame = state.scopes[scope].frame
        if node.kind in ("task", "xor", "start"):
            self._pass(state, scope, node)
        elif node.kind in ("throw", "end"):
            self._throw(state, scope, node)
        elif node.kind in ("catch", "first"):
            act = self._hold(state, Act(node.id, scope, frame))
            events = [node]
            if node.kind == "first":
                level = self.levels[state.scopes[scope].level]
                events = [self.nodes[flow.target] for flow in level.leaving(node.id)]
            for event in events:
                self._arm(state, event, scope, act)
        else:
            self._enter(state, scope, node)

    def view(self, state: State) -> dict[str, Any]:
        """Everything that an engine shows as well."""
        tasks = [
            (act.node, self.path(state, i))
            for i, act in state.acts.items()
            if self.nodes[act.node].kind == "user" and not act.count
        ]
        active: Counter[tuple[str, str]] = Counter()
        for act in state.acts.values():
            if not act.count:
                active[self.process[act.node], act.node] += 1
        for (_, flow), count in state.tokens.items():
            target = self.flows[flow].target
            active[self.process[target], target] += count
        return {
            "tasks": sorted(tasks),
            "over": state.over,
            "stuck": sum(act.stuck for act in state.acts.values()),
            "waits": sorted((w.event, w.due) for w in state.waits.values()),
            "active": +active,
            "done": Counter({(self.process[n], n): count for n, count in state.done.items() if count}),
            "variables": state.frames["root#0"][1],
            "sent": +state.sent,
        }
