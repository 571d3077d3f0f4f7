"""Folding, saving and loading change nothing: random diagrams and histories, three copies of each instance in step."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runtime_kit import Clock, boundary, doc, el, end, flow, io, mi, script, start, sub, timer, user

from app.runtime import codec
from app.runtime.dialect.parser import Release
from app.runtime.engine.fold import fold
from app.runtime.engine.host import PlainHost
from app.runtime.engine.workflow import Instance

Block = tuple[str, str, str]
GATEWAYS = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}
SIMPLE = ("user", "user", "user", "script")
COMPOSED = ("seq", "xor", "and", "or", "loop", "mi", "sub", "misub", "boundary", "esp") * 2


class Generator:
    """Random blocks: (xml, first element, last element)."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.count = 0

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def block(self, depth: int) -> Block:
        kind = self.rnd.choice(SIMPLE + (COMPOSED if depth else ()))
        made: Block = getattr(self, f"_{kind}", self._gateway)(
            *((kind, depth - 1) if kind in GATEWAYS else (depth - 1,))
        )
        return made

    def _user(self, _: int) -> Block:
        i = self.id("user")
        return user(i), i, i

    def _script(self, _: int) -> Block:
        i = self.id("sc")
        return script(i, f"=if c{i} = null then 1 else c{i} + 1", f"c{i}"), i, i

    def _seq(self, depth: int) -> Block:
        (x, a, m), (y, n, b) = self.block(depth), self.block(depth)
        return x + y + flow(m, n), a, b

    def _gateway(self, kind: str, depth: int) -> Block:
        g, j = self.id("g"), self.id("j")
        out = ""
        for n in range(self.rnd.randint(2, 3)):
            x, a, b = self.block(depth)
            if kind == "and":
                out += x + flow(g, a)
            else:
                out += x + (flow(g, a, cond=f"={self._condition()}") if n else flow(g, a, id=f"{g}d"))
            out += flow(b, j)
        default = {} if kind == "and" else {"default": f"{g}d"}
        return out + el(GATEWAYS[kind], g, **default) + el(GATEWAYS[kind], j), g, j

    def _condition(self) -> str:
        return self.rnd.choice(("p", "q", "not(p)", "not(q)"))

    def _loop(self, depth: int) -> Block:
        x, a, b = self.block(depth)
        h, g, c, s = self.id("h"), self.id("l"), self.id("cnt"), self.id("sc")
        counted = script(s, f"=if {c} = null then 1 else {c} + 1", c)
        gates = el("exclusiveGateway", h) + el("exclusiveGateway", g, default=f"{g}d") + el("task", f"{g}x")
        flows = (
            flow(h, a)
            + flow(b, s, g)
            + flow(g, h, cond=f"={c} < {self.rnd.randint(2, 4)}")
            + flow(g, f"{g}x", id=f"{g}d")
        )
        return x + counted + gates + flows, h, f"{g}x"

    def _mi(self, _: int) -> Block:
        i, r = self.id("mi"), self.rnd
        until = r.choice((None, None, "=numberOfCompletedInstances >= 2"))
        loop = mi(
            r.choice(("=[1,2,3]", "=[1,2]", "=[]", "=[5]")),
            "it",
            f"o{i}",
            r.choice(("=it", "=r")),
            r.random() < 0.5,
            until,
        )
        return user(i, io((), [("r", "=v")]), loop), i, i

    def _inside(self, i: str, depth: int, extra: str = "") -> str:
        x, a, b = self.block(depth)
        return start(f"{i}s") + x + end(f"{i}e") + flow(f"{i}s", a) + flow(b, f"{i}e") + extra

    def _event(self) -> str:
        i, r = self.id("esp"), self.rnd
        begin = el(
            "startEvent",
            f"{i}s",
            inner=timer("Duration", f"PT{r.randint(1, 6)}H"),
            isInterrupting=r.choice(("true", "false")),
        )
        return sub(i, begin + user(f"{i}u") + end(f"{i}e") + flow(f"{i}s", f"{i}u", f"{i}e"), triggeredByEvent="true")

    def _sub(self, depth: int) -> Block:
        i = self.id("sub")
        return sub(i, self._inside(i, depth, self._event() if self.rnd.random() < 0.4 else "")), i, i

    def _misub(self, depth: int) -> Block:
        i = self.id("sub")
        return sub(i, self._inside(i, depth) + mi("=[1,2]", "it", seq=self.rnd.random() < 0.5)), i, i

    def _esp(self, depth: int) -> Block:
        i = self.id("sub")
        return sub(i, self._inside(i, depth, self._event())), i, i

    def _boundary(self, depth: int) -> Block:
        i, t, u, r = self.id("user"), self.id("bt"), self.id("user"), self.rnd
        main = user(i) if r.random() < 0.5 else sub(i, self._inside(i, depth))
        if r.random() < 0.5:
            j = self.id("j")
            event = boundary(t, i, timer("Duration", f"PT{r.randint(1, 5)}H"))
            return main + event + user(u) + el("exclusiveGateway", j) + flow(i, j) + flow(t, u, j), i, j
        cycle = timer("Cycle", f"R{r.randint(1, 3)}/PT{r.randint(1, 4)}H")
        event = boundary(t, i, timer("Duration", f"PT{r.randint(1, 5)}H") if r.random() < 0.6 else cycle, False)
        return main + event + user(u) + end(f"{u}e") + flow(t, u, f"{u}e"), i, i


def view(wf: Instance) -> Any:
    """Everything of an instance that anybody can see."""
    return (
        [(t.id, t.task_spec.name, t.workflow.parent_task_id) for t in wf.user_tasks()],
        wf.next_due(),
        {scope_id: dict(scope.values) for scope_id, scope in wf.scopes.by_id.items()},
        wf.completed,
        wf.done,
        wf.active_elements(),
        [i.message for i in wf.incidents.values()],
    )


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_folded_saved_and_untouched_instances_behave_alike(seed: int) -> None:
    rnd = random.Random(seed)
    x, a, b = Generator(rnd).block(4)
    release = Release()
    release.add(doc(start() + x + end() + flow("s", a) + flow(b, "e")))
    clock = Clock()
    host = PlainHost(clock)

    def made() -> Instance:
        return Instance(release.processes["p"], release.blueprints, host, variables={"p": True, "q": False})

    plain, folded, saved = made(), made(), made()
    for _ in range(60):
        plain.advance(fold_every=0)
        folded.advance(fold_every=1)
        fold(folded)
        saved.advance()
        fold(saved)
        saved = codec.loads(codec.dumps(saved), release, "p", host)
        assert view(plain) == view(folded)
        assert view(plain) == view(saved)
        if plain.completed:
            break
        tasks = plain.user_tasks()
        if not tasks or rnd.random() < 0.25:
            assert tasks or plain.next_due() is not None
            clock.plus(hours=rnd.randint(1, 4))
            continue
        task_id = rnd.choice(tasks).id
        values = {"v": rnd.randint(1, 9), "p": rnd.random() < 0.5, "q": rnd.random() < 0.5}
        for wf in (plain, folded, saved):
            wf.complete_task(task_id, values)
