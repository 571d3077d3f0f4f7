"""An independent reading of BPMN 2.0: tokens on sequence flows, activities at work, events that wait.

Written from the standard (10.3.3 multi-instance, 10.4.4 events, 10.5.6 event sub-processes, 13.2.1 instantiation and
end of scopes, 13.3 activities, 13.4 gateways, 13.5 events), without a glance at the engine. The standard leaves the
order of parallel branches open; therefore a step leads to a set of states, and an engine is right when what it shows
is one of them.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from reference_diagram import Flow, Level, Many, Node

LIMIT = 500
TESTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "p": lambda v: v["p"],
    "q": lambda v: v["q"],
    "not(p)": lambda v: not v["p"],
    "not(q)": lambda v: not v["q"],
}
JOINS = ("and", "or")
_ONE = Many(1, False)


class TooManyStates(Exception):
    """The order of parallel branches matters too much here to follow all of them."""


@dataclass(slots=True)
class Scope:
    """A level at work.

    :ivar owner: the activity that it is the inside of.
    """

    level: str
    owner: str
    frame: str


@dataclass(slots=True)
class Act:
    """An activity, a waiting event or an event-based gateway that holds a token.

    :ivar body: the multi-instance activity that this is one instance of, and its ``index``.
    :ivar count: of a multi-instance activity: instances in all, begun, finished.
    :ivar stuck: an error that nobody catches: for a person to mend.
    :ivar fired: an event that has come, with what it brought; it has not gone on yet. Of a gateway, it is the event
        ``then``.
    """

    node: str
    scope: str
    frame: str
    body: str = ""
    index: int = 0
    count: list[int] = field(default_factory=list)
    stuck: bool = False
    fired: dict[str, Any] | None = None
    then: str = ""


@dataclass(slots=True)
class Wait:
    """An armed event.

    :ivar act: who holds the token, or whose boundary it is at; empty for the start of an event sub-process.
    """

    event: str
    scope: str
    act: str
    due: int | None = None
    left: int = 0


class State:
    """One possible state of an instance. The ids of things do not tell in which order they came to be."""

    __slots__ = ("acts", "done", "frames", "now", "over", "scopes", "tokens", "waits")

    def __init__(self) -> None:
        self.now = 0
        self.over = False
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.scopes: dict[str, Scope] = {}
        self.acts: dict[str, Act] = {}
        self.waits: dict[str, Wait] = {}
        self.frames: dict[str, tuple[str, dict[str, Any]]] = {}
        self.done: Counter[str] = Counter()

    def copy(self) -> State:
        made: State = pickle.loads(pickle.dumps(self, -1))
        return made

    def key(self) -> bytes:
        parts = [self.now, self.over]
        for table in (self.tokens, self.done):
            parts.append(sorted(item for item in table.items() if item[1]))
        for things in (self.scopes, self.acts, self.waits):
            parts.append([(i, [getattr(x, n) for n in x.__slots__]) for i, x in sorted(things.items())])
        parts.append([(i, parent, sorted(values.items())) for i, (parent, values) in sorted(self.frames.items())])
        return repr(parts).encode()

    def fresh(self, table: dict[str, Any], base: str) -> str:
        number = 0
        while f"{base}#{number}" in table:
            number += 1
        return f"{base}#{number}"

    # ---- variables
    def frame(self, parent: str, base: str, values: dict[str, Any]) -> str:
        name = self.fresh(self.frames, base)
        self.frames[name] = (parent, values)
        return name

    def visible(self, frame: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while frame:
            parent, values = self.frames[frame]
            found = {**values, **found}
            frame = parent
        return found

    def write(self, frame: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            at = frame
            while name not in self.frames[at][1] and self.frames[at][0]:
                at = self.frames[at][0]
            self.frames[at][1][name] = value


class Model:
    """The diagram, and what may happen in it."""

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
        self.ordered = any(self._order_matters(node) for node in self.nodes.values())
        self._reach: dict[tuple[str, str, bool, bool], frozenset[str]] = {}

    def _order_matters(self, node: Node) -> bool:
        if node.kind == "call" and not node.alone:  # it hands back all the variables that it has been given
            return True
        return node.kind == "or" or (node.kind in ("end", "throw") and node.on is not None)

    # ------------------------------------------------------------------------------------------ what may be done
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

    def _order_matters_now(self, state: State) -> bool:
        if any(
            count and self._order_matters(self.nodes[self.flows[f].target]) for (_, f), count in state.tokens.items()
        ):
            return True
        acts = [self.nodes[act.node] for act in state.acts.values()]
        return any((node.many or _ONE).enough or (node.kind == "call" and not node.alone) for node in acts)

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
                state.write(act.frame, act.fired or {})
                self._pass(state, scope, self.nodes[act.node])
        elif what == "join":
            level = self.levels[state.scopes[scope].level]
            for flow in level.reaching(name):
                if state.tokens[scope, flow.id]:
                    state.tokens[scope, flow.id] -= 1
            self._pass(state, scope, self.nodes[name])
        else:
            self._close(state, scope)

    # ------------------------------------------------------------------------------------------ gateways
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

    def _chosen(self, state: State, scope: str, node: Node) -> list[Flow]:
        level = self.levels[state.scopes[scope].level]
        flows = level.leaving(node.id)
        if node.kind not in ("xor", "or"):
            return flows
        values = state.visible(state.scopes[scope].frame)
        holding = [flow for flow in flows if flow.test and TESTS[flow.test](values)]
        holding = holding or [flow for flow in flows if not flow.test]
        return holding[:1] if node.kind == "xor" else holding

    # ------------------------------------------------------------------------------------------ tokens
    def _pass(self, state: State, scope: str, node: Node) -> None:
        """The element is done; its token goes on."""
        state.done[node.id] += 1
        for flow in self._chosen(state, scope, node):
            state.tokens[scope, flow.id] += 1

    def _arrive(self, state: State, scope: str, node: Node) -> None:
        frame = state.scopes[scope].frame
        if node.kind in ("task", "xor", "start"):
            self._pass(state, scope, node)
        elif node.kind == "script":
            value = state.visible(frame).get(node.variable)
            state.write(frame, {node.variable: 1 if value is None else value + 1})
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

    def _hold(self, state: State, act: Act) -> str:
        name = state.fresh(state.acts, f"{act.body or act.scope}/{act.node}")
        state.acts[name] = act
        return name

    # ------------------------------------------------------------------------------------------ activities
    def _enter(self, state: State, scope: str, node: Node) -> None:
        frame = state.scopes[scope].frame
        many = node.many
        if many is None:
            act = self._hold(state, Act(node.id, scope, frame))
            self._arm_boundary(state, scope, node, act)
            self._work(state, act)
            return
        outer = state.frame(frame, f"{scope}/{node.id}", {f"o{node.id}": [None] * many.count})
        act = self._hold(state, Act(node.id, scope, outer, count=[many.count, 0, 0]))
        self._arm_boundary(state, scope, node, act)
        for _ in range(min(1, many.count) if many.sequential else many.count):
            if act in state.acts:
                self._instance(state, act)

    def _instance(self, state: State, body: str) -> None:
        around = state.acts[body]
        around.count[1] += 1
        index = around.count[1]
        own = state.frame(around.frame, f"{body}/{index}", {"it": index, "loopCounter": index})
        self._work(state, self._hold(state, Act(around.node, around.scope, own, body, index)))

    def _work(self, state: State, name: str) -> None:
        act = state.acts[name]
        node = self.nodes[act.node]
        if node.kind == "receive":
            self._arm(state, node, act.scope, name)
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
        assert node.many is not None
        if body.count[2] == body.count[0] or (node.many.enough and body.count[2] >= node.many.enough):
            for other in [i for i, x in state.acts.items() if x.body == act.body]:
                self._drop(state, other)
            self._finish(state, act.body)
        elif node.many.sequential:
            self._instance(state, act.body)

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
        if (act.body or act.count) and act.frame in state.frames:
            del state.frames[act.frame]

    # ------------------------------------------------------------------------------------------ scopes
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
            state.write(act.frame, {f"r{node.id}": inside["p"]} if node.alone else inside)
        self._finish(state, ended.owner)

    # ------------------------------------------------------------------------------------------ events that wait
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
        elif event.kind == "receive":
            act = state.acts[wait.act]
            state.write(act.frame, payload)
            self._finish(state, wait.act)
        else:
            act = state.acts[wait.act]
            self._drop(state, wait.act)
            then = event.id if act.node != event.id else ""
            self._hold(state, Act(act.node, wait.scope, act.frame, fired=payload, then=then))

    def _start_body(self, state: State, event: Node, wait: Wait, payload: dict[str, Any], again: bool) -> None:
        """An event sub-process begins."""
        level = next(level for level in self.levels.values() if event.id in level.nodes)
        node = next(n for n in self.nodes.values() if n.inside is level)
        if event.interrupting:
            self._clear(state, wait.scope)
        elif again:
            self._arm(state, event, wait.scope, "", wait)
        act = self._hold(state, Act(node.id, wait.scope, state.scopes[wait.scope].frame))
        self._open(state, level, act, state.frame(state.acts[act].frame, act, dict(payload)))

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

    # ------------------------------------------------------------------------------------------ events that are thrown
    def _throw(self, state: State, scope: str, node: Node) -> None:
        on = node.on
        if on is None:
            self._pass(state, scope, node)
        elif on.kind == "terminate":
            state.done[node.id] += 1
            self._clear(state, scope)
        elif on.kind == "signal":
            waiting = sorted(self._waiting(state, "signal", on.name), key=lambda i: self._interrupts(state, i))
            before = {i: state.waits[i] for i in waiting}
            for i in waiting:
                if state.waits.get(i) is before[i]:
                    self._fire(state, i, {})
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

    def _outwards(self, state: State, scope: str, node: Node) -> None:
        """An error or escalation goes outwards to the innermost event that catches it."""
        on = node.on
        assert on is not None
        at, coming_from = scope, ""
        while True:
            inside = [
                i
                for i, w in state.waits.items()
                if w.scope == at and not w.act and not self._starts(w.event, coming_from)
            ]
            catcher = self._catcher(state, inside, on.kind, on.name)
            owner = state.scopes[at].owner
            if catcher is None and owner:
                activity = state.acts[owner].body or owner
                attached = [i for i, w in state.waits.items() if w.act == activity]
                catcher = self._catcher(state, attached, on.kind, on.name)
            if catcher is not None:
                interrupting = self.nodes[state.waits[catcher].event].interrupting
                self._fire(state, catcher, {})
                if not interrupting:
                    self._pass(state, scope, node)
                return
            if not owner:
                break
            coming_from, at = state.acts[owner].node, state.acts[owner].scope
        if on.kind == "error":
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

    # ------------------------------------------------------------------------------------------ what can be seen
    def path(self, state: State, act: str) -> tuple[int, ...]:
        """Which instances of multi-instance activities something belongs to, outermost first."""
        at: list[int] = []
        while act:
            at.append(state.acts[act].index)
            act = state.scopes[state.acts[act].scope].owner
        return tuple(reversed(at))

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
        }
