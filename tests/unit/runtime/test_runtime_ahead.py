"""What an instance may still come to wait for: over random diagrams and histories nothing that it begins to wait for was left out."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runtime_kit import (
    Clock,
    Play,
    boundary,
    call,
    doc,
    el,
    end,
    esp,
    flow,
    io,
    line,
    mi,
    msg,
    script,
    start,
    sub,
    user,
)
from test_runtime_folding import Block, Generator

from app.runtime.ahead import Awaited, ahead
from app.runtime.dialect.parser import Release
from app.runtime.engine.host import PlainHost
from app.runtime.engine.workflow import Instance

NAMES = range(6)
MESSAGES = "".join(
    f'<bpmn:message id="M{n}" name="m{n}"><bpmn:extensionElements><zeebe:subscription correlationKey="=k"/>'
    "</bpmn:extensionElements></bpmn:message>"
    for n in NAMES
)


class WithMessages(Generator):
    """Blocks in which messages are waited for, on the way, at an activity and beside it; their key changes here and there."""

    def block(self, depth: int) -> Block:
        if self.rnd.random() < 0.7:
            return super().block(depth)
        kind = self.rnd.choice((self._catch, self._key, self._attached, self._beside, self._called))
        return kind(depth)

    def _message(self) -> str:
        return msg(f"M{self.rnd.choice(NAMES)}")

    def _catch(self, _: int) -> Block:
        i = self.id("m")
        return el("intermediateCatchEvent", i, inner=self._message()), i, i

    def _key(self, _: int) -> Block:
        i = self.id("key")
        return script(i, f'="{self.rnd.choice("ABC")}"', "k"), i, i

    def _attached(self, _: int) -> Block:
        i, b, j = self.id("user"), self.id("mb"), self.id("j")
        event = boundary(b, i, self._message(), self.rnd.random() < 0.7)
        return user(i) + event + el("exclusiveGateway", j) + flow(i, j) + flow(b, j), i, j

    def _beside(self, depth: int) -> Block:
        i = self.id("sub")
        given_ = io([("k", '="C"')]) if self.rnd.random() < 0.3 else ""
        inside = self._inside(i, max(depth - 1, 0), esp(self.id("es"), self._message(), self.rnd.random() < 0.5))
        return el("subProcess", i, given_, inside), i, i

    def _called(self, _: int) -> Block:
        i = self.id("call")
        loop = mi("=[1,2]", "it", seq=True) if self.rnd.random() < 0.3 else ""
        more: dict[str, str] = {"propagateAllParentVariables": "false"} if self.rnd.random() < 0.5 else {}
        return call(i, "called", io([("k", '=k + "x"')]), loop, **more), i, i


def waits(wf: Instance) -> dict[tuple[int, str], tuple[str, str, str]]:
    """What tasks wait for: the message, the process and the key."""
    return {
        (task.id, key): (definition.name, task.workflow.spec.process_id, task.internal_data["sub"][key])
        for task in wf.event_manager.tasks.values()
        for definition in getattr(task.task_spec.event_definition, "definitions", [task.task_spec.event_definition])
        if definition.kind == "message" and (key := definition.key) in task.internal_data.get("sub", {})
    }


def seen(wf: Instance, release: Release) -> dict[tuple[str, str], Awaited]:
    return ahead(wf, SimpleNamespace(diagrams=release, form=lambda _: None))  # type: ignore[arg-type]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_nothing_that_an_instance_comes_to_wait_for_was_left_out(seed: int) -> None:
    rnd = random.Random(seed)
    x, a, b = WithMessages(rnd).block(3)
    release = Release()
    release.add(doc(start() + x + end() + flow("s", a) + flow(b, "e"), MESSAGES))
    release.add(
        doc(user("u") + el("intermediateCatchEvent", "m", inner=msg("M0")) + line("u", "m"), MESSAGES, "called")
    )
    clock = Clock()
    wf = Instance(
        release.processes["p"], release.blueprints, PlainHost(clock), variables={"p": True, "q": False, "k": "A"}
    )
    wf.advance()
    for _ in range(25):
        before, had = seen(wf, release), waits(wf)
        for name, process, key in had.values():
            assert key in before[(name, process)].keys
        if wf.completed:
            break
        tasks = wf.user_tasks()
        if tasks and (not had or rnd.random() < 0.6):
            wf.complete_task(rnd.choice(tasks).id, {"v": 1, "p": rnd.random() < 0.5, "q": rnd.random() < 0.5})
        elif had and rnd.random() < 0.8:
            name, _, key = rnd.choice(list(had.values()))
            wf.message(name, key, {})
        else:
            clock.plus(hours=rnd.randint(1, 4))
            wf.advance()
        for one, (name, process, key) in waits(wf).items():
            if one not in had:
                found = before[(name, process)]
                assert key in found.keys or found.unsure


def test_the_key_is_known_through_mappings_and_unsure_where_it_is_still_to_be_set() -> None:
    catch = el("intermediateCatchEvent", "m", inner=msg())
    called = doc(catch + line("m"), pid="called")

    def keys(body: str, **variables: Any) -> tuple[set[str], bool]:
        play = Play([doc(body), called], {"k": "A", **variables})
        found = seen(play.wf, play.release)
        one = found.get(("stop", "p")) or found.get(("stop", "called")) or Awaited()
        return one.keys, one.unsure

    inside = start("is") + catch + end("ie") + flow("is", "m", "ie")
    apart = {"propagateAllParentVariables": "false"}
    assert keys(user("u") + catch + line("u", "m")) == ({"A"}, False)
    assert keys(user("u") + script("x", '="B"', "k") + catch + line("u", "x", "m")) == (set(), True)
    assert keys(user("u") + catch + script("x", '="B"', "k") + line("u", "m", "x")) == ({"A"}, False)
    assert keys(user("u") + el("subProcess", "sp", io([("k", '=k + "!"')]), inside) + line("u", "sp")) == (
        {"A!"},
        False,
    )
    assert keys(user("u") + call("c", "called", io([("k", "=other")]), **apart) + line("u", "c"), other="O") == (
        {"O"},
        False,
    )
    assert keys(user("u") + call("c", "called", "", **apart) + line("u", "c")) == (set(), True)
    assert keys(user("u") + call("c", "called") + line("u", "c")) == ({"A"}, False)
    assert keys(user("u") + el("subProcess", "sp", "", inside + mi('=["B"]', "k")) + line("u", "sp")) == (set(), True)
    assert keys(user("u") + catch + line("u", "m"), k=None) == (set(), True)
    assert keys(catch + user("u") + line("m", "u")) == ({"A"}, False), "it waits"
    assert keys(user("u") + line("u")) == (set(), False)


def test_what_lies_behind_is_not_ahead() -> None:
    catch = el("intermediateCatchEvent", "m", inner=msg())
    once = doc(
        sub(
            "sp",
            start("is")
            + user("a")
            + boundary("b", "a", msg())
            + user("c")
            + end("ie")
            + flow("is", "a", "c", "ie")
            + flow("b", "c"),
        )
        + line("sp")
    )
    play = Play(once, {"k": "A"})
    assert seen(play.wf, play.release)[("stop", "p")].keys == {"A"}
    play.do("a")
    assert seen(play.wf, play.release) == {}
    again = doc(catch + user("u") + el("exclusiveGateway", "g", default="d") + el("exclusiveGateway", "h") + start() + end()
                + flow("s", "h", "m", "u", "g") + flow("g", "h", cond="=p") + flow("g", "e", id="d"))  # fmt: skip
    play = Play(again, {"k": "A", "p": False})
    assert play.wf.message("stop", "A", {})
    assert seen(play.wf, play.release)[("stop", "p")].keys == {"A"}, "a loop leads back"
