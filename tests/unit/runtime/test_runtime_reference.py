"""The engine against an independent reading of the standard, over random diagrams and histories.

Three copies of each instance go through the same history: one never folded, one folded, saved and loaded after every
step, and the reference. All must show the same at every step: open tasks, what waits and until when, tokens, how often
each element has been completed, variables, and whether it is over.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_diagram import NAMES, Level, draw
from reference_grow import Grower
from reference_model import Model
from reference_state import State, TooManyStates

from app.problems import Severity
from app.runtime import codec
from app.runtime.checker import check_bpmn
from app.runtime.dialect.parser import Release
from app.runtime.engine import events, workflow
from app.runtime.engine.fold import fold
from app.runtime.engine.host import PlainHost
from app.runtime.engine.task import FlowTask, parts
from app.runtime.engine.workflow import Instance, _values
from app.runtime.errors import OperationError
from app.runtime.language import later, to_plain
from app.runtime.scopes import Scopes
from app.runtime.specs import activities, definitions, gateways
from app.runtime.specs import events as event_specs

BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
EXAMPLES = int(os.environ.get("CONVENOR_REFERENCE_EXAMPLES", "300"))
MANY = ("user", "sub", "call", "script", "service", "send", "receive")
STEPS = 25
STATES = 60


def path_of(task: FlowTask | None) -> tuple[int, ...]:
    """Which instances of multi-instance activities a task belongs to, outermost first."""
    at: list[int] = []
    while task is not None:
        at.append(task.internal_data.get("i", 0))
        parent = task.workflow.parent_task_id
        task = task.top.get_task_from_id(parent) if parent else None
    return tuple(reversed(at))


def view_of(wf: Instance) -> dict[str, Any]:
    """What an instance of the engine shows, in the words of the reference."""
    waits = []
    for task in wf.event_manager.tasks.values():
        due = task.internal_data.get("due", {})
        for definition in parts(task.task_spec.event_definition):
            at = due.get(definition.key)
            minutes = None if at is None else (at - BEGINNING.timestamp() * 1000) / 60_000
            waits.append((definition.key, minutes))
    return {
        "tasks": sorted((t.task_spec.bpmn_id, path_of(t)) for t in wf.user_tasks()),
        "over": bool(wf.completed),
        "stuck": len(wf.incidents),
        "waits": sorted(waits, key=str),
        "active": Counter({(p, n): c for p, found in wf.active_elements().items() for n, c in found.items()}),
        "done": Counter({(p, n): c for p, found in wf.done.items() for n, c in found.items() if c}),
        "variables": {name: to_plain(value) for name, value in wf.scopes.local(0).items()},
        "sent": Counter(message.name.removeprefix("m") for message in wf.host.posted),
    }


def operation(code: str) -> Any:
    """A service that fails while ``p`` holds."""

    def run(inputs: Any) -> dict[str, Any]:
        if inputs.get("p") is True:
            raise OperationError(code, "It fails.")
        return {"got": 7}

    return run


class Trio:
    """An instance that is never folded, one that is folded and saved after every step, and the reference."""

    def __init__(self, top: Level) -> None:
        self.top = top
        self.now = BEGINNING
        self.release = Release()
        self.release.add(draw(top))
        variables = {"p": True, "q": False, "k": "k", "x": 0}

        def made() -> Instance:
            host = PlainHost(lambda: self.now, operations={f"op{n}": operation(f"E{n}") for n in NAMES})
            return Instance(self.release.processes["p"], self.release.blueprints, host, variables=_values(variables))

        self.plain, self.saved = made(), made()
        self.plain.advance(fold_every=0)
        self.saved.advance(fold_every=1)
        self.model = Model(top)
        self.states = self.model.begin(variables)
        self.compare("at the start")

    def compare(self, what: str) -> None:
        fold(self.saved)
        self.saved = codec.loads(codec.dumps(self.saved), self.release, "p", self.saved.host)
        shown = view_of(self.plain)
        assert view_of(self.saved) == shown, what
        views = [self.model.view(state) for state in self.states]
        for view in views:
            view["waits"].sort(key=str)
        assert shown in views, f"{what}:\n{difference(shown, views)}"
        self.states = [state for state, view in zip(self.states, views, strict=True) if view == shown]
        if len(self.states) > STATES:
            raise TooManyStates

    def do(self, r: random.Random) -> bool:
        """One random thing happens. False: nothing can happen any more."""
        plain = self.plain
        tasks = plain.user_tasks()
        waits = bool(plain.event_manager.tasks)
        if plain.completed or not (tasks or waits):
            return False
        kinds = ["task"] * 6 * bool(tasks) + ["time", "message", "signal"] * waits
        kind = r.choice(kinds)
        if kind == "task":
            task = r.choice(tasks)
            values: dict[str, Any] = {"p": r.random() < 0.5, "q": r.random() < 0.5}
            if r.random() < 0.3:
                values["x"] = r.randint(2, 9)
            element, path = task.task_spec.bpmn_id, path_of(task)
            for wf in (plain, self.saved):
                wf.complete_task(task.id, values)
            self.go([s for state in self.states for s in self.model.complete(state, element, path, values)])
            self.compare(f"{element} {path} {values}")
        elif kind == "time":
            minutes = r.choice((15, 40, 90, 240))
            self.now += timedelta(minutes=minutes)
            plain.advance(fold_every=0)
            self.saved.advance(fold_every=1)
            self.go([s for state in self.states for s in self.model.later(state, minutes)])
            self.compare(f"{minutes} minutes")
        elif kind == "message":
            name, payload = r.choice(NAMES), {"got": r.randint(1, 9)}
            for wf in (plain, self.saved):
                wf.message(f"m{name}", "k", payload)
            self.go([s for state in self.states for s in self.model.message(state, name, payload)])
            self.compare(f"message {name}")
        else:
            name, payload = r.choice(NAMES), {"got": r.randint(1, 9)}
            for wf in (plain, self.saved):
                wf.signal(f"s{name}", payload)
            self.go([s for state in self.states for s in self.model.signal(state, name, payload)])
            self.compare(f"signal {name}")
        return True

    def go(self, states: list[State]) -> None:
        self.states = list({state.key(): state for state in states}.values())


def difference(shown: dict[str, Any], views: list[dict[str, Any]]) -> str:
    """Where the engine and the nearest of the reference's states differ."""
    if not views:
        return "the reference can do nothing here"
    nearest = min(views, key=lambda view: sum(view[name] != shown[name] for name in shown))
    parts = [f"{n}: engine {shown[n]}, reference {nearest[n]}" for n in shown if shown[n] != nearest[n]]
    return f"{len(views)} states; " + "\n".join(parts)


def play(seed: int) -> int:
    """One diagram and one history. How many steps were compared."""
    r = random.Random(seed)
    top = Grower(r).process()
    try:
        trio = Trio(top)
        for n in range(STEPS):
            if not trio.do(r):
                return n
    except TooManyStates:
        return 0
    return STEPS


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_the_engine_does_what_the_standard_allows(seed: int) -> None:
    play(seed)


def test_the_histories_go_somewhere() -> None:
    """Most diagrams are played for several steps; few are left because too many orders were possible."""
    steps = [play(seed) for seed in range(60)]
    assert sum(steps) > 200
    assert sum(n == 0 for n in steps) < 25


def test_every_element_and_event_is_drawn() -> None:
    drawn: set[tuple[str, str, bool]] = set()
    for seed in range(600):
        for level in Grower(random.Random(seed)).process().levels():
            drawn |= {(n.kind, n.on.kind if n.on else "", n.interrupting) for n in level.nodes.values()}
            drawn |= {("many", n.kind, n.many.sequential) for n in level.nodes.values() if n.many}
    kinds = {"start", "end", "user", "script", "task", "sub", "call", "esp", "xor", "and", "or", "first"}
    assert {(kind, "", True) for kind in kinds} <= drawn
    assert {("service", "error", True), ("send", "message", True), ("throw", "signal", True)} <= drawn
    for kind in ("timer", "message", "signal"):
        assert {("catch", kind, True), ("boundary", kind, False), ("start", kind, False)} <= drawn
    for kind in ("timer", "message", "signal", "error", "escalation"):
        assert {("boundary", kind, True), ("start", kind, True)} <= drawn
    assert {("end", kind, True) for kind in ("terminate", "error", "escalation", "signal", "message")} <= drawn
    assert {("boundary", "escalation", False), ("start", "escalation", False), ("receive", "message", True)} <= drawn
    assert {("many", kind, order) for kind in MANY for order in (True, False)} <= drawn


def test_what_is_drawn_would_be_published() -> None:
    for seed in range(40):
        found = check_bpmn(draw(Grower(random.Random(seed)).process()), "f.bpmn", allow_undeclared=True)
        assert [p for p in found if p.severity is Severity.ERROR] == []


def _fires_at_once(*_: Any) -> bool:
    return True


def _catches_nothing(*_: Any) -> list[FlowTask]:
    return []


def _stays(*_: Any) -> None:
    """Nothing is interrupted, nothing is taken off."""


def _sees_nothing(*_: Any) -> dict[str, Any]:
    return {}


def _carries_nothing(signal: Any, task: FlowTask, _: Any) -> None:
    task.top.event_manager.deliver_signal(signal.name, {})


def _makes_up(at: datetime, every: Any, _: datetime) -> datetime:
    return later(at, every)


def _outwards(scopes: Any, scope_id: int, name: str, value: Any) -> None:
    scopes.set(scopes.by_id[scope_id].parent or 0, name, value)


BREAKAGES: dict[str, tuple[Any, str, Any]] = {
    "an inclusive join that does not wait": (gateways.InclusiveGateway, "may_fire", _fires_at_once),
    "a parallel join that does not wait": (gateways.ParallelGateway, "may_fire", _fires_at_once),
    "event sub-processes that catch no error": (events, "_inside", _catches_nothing),
    "boundary events that catch no error": (events, "_attached", _catches_nothing),
    "boundary events that outlive their activity": (activities, "disarm_attached", _stays),
    "an event that fires once only": (event_specs, "wait_again", _stays),
    "a terminate end that ends nothing": (workflow.Flow, "end_at_once", _stays),
    "conditions that do not see the instance": (Scopes, "inside", _sees_nothing),
    "signals that carry nothing": (definitions.Signal, "throw", _carries_nothing),
    "endless cycles that make up for what they slept through": (definitions, "next_turn", _makes_up),
    "local variables that are not local": (Scopes, "set_local", _outwards),
    "joins that are not asked again": (workflow.Flow, "update_waiting_tasks", _stays),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_engine_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BREAKAGES[name])
    with pytest.raises(AssertionError):
        play_many(600)


def play_many(count: int) -> None:
    for seed in range(count):
        play(seed)
