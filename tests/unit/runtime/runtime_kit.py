"""Short ways to write diagrams in the dialect, and to play them without a database."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from app.runtime import codec
from app.runtime.dialect.parser import Release, parse_release
from app.runtime.engine.fold import fold
from app.runtime.engine.host import PlainHost
from app.runtime.engine.workflow import Instance
from app.runtime.language import to_plain

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" id="D" targetNamespace="x">'
)
DEFS = (
    '<bpmn:message id="M" name="stop"><bpmn:extensionElements>'
    '<zeebe:subscription correlationKey="=k"/></bpmn:extensionElements></bpmn:message>'
    '<bpmn:message id="M0" name="begin"/>'
    '<bpmn:signal id="S" name="alarm"/><bpmn:error id="E" name="x" errorCode="E1"/><bpmn:error id="E2" name="y" errorCode="E2"/>'
    '<bpmn:escalation id="C" name="x" escalationCode="C1"/>'
)
_flows = [0]


def esc(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def doc(body: str, defs: str = DEFS, pid: str = "p", ext: str = "") -> bytes:
    e = f"<bpmn:extensionElements>{ext}</bpmn:extensionElements>" if ext else ""
    return (
        HEAD + defs + f'<bpmn:process id="{pid}" isExecutable="true">{e}{body}</bpmn:process></bpmn:definitions>'
    ).encode()


def flow(*ids: str, cond: str | None = None, id: str | None = None) -> str:
    out = ""
    for source, target in pairwise(ids):
        _flows[0] += 1
        c = f"<bpmn:conditionExpression>{esc(cond)}</bpmn:conditionExpression>" if cond else ""
        out += f'<bpmn:sequenceFlow id="{id or f"f{_flows[0]}"}" sourceRef="{source}" targetRef="{target}">{c}</bpmn:sequenceFlow>'
    return out


def el(kind: str, id: str, ext: str = "", inner: str = "", **kw: str) -> str:
    attributes = "".join(f' {k}="{v}"' for k, v in kw.items())
    e = f"<bpmn:extensionElements>{ext}</bpmn:extensionElements>" if ext else ""
    return f'<bpmn:{kind} id="{id}"{attributes}>{e}{inner}</bpmn:{kind}>'


def z(tag: str, inner: str = "", **kw: str) -> str:
    attributes = "".join(f' {k}="{esc(v)}"' for k, v in kw.items())
    return f"<zeebe:{tag}{attributes}>{inner}</zeebe:{tag}>" if inner else f"<zeebe:{tag}{attributes}/>"


def props(**values: str) -> str:
    return z("properties", "".join(z("property", name=k.replace("__", ":"), value=v) for k, v in values.items()))


def start(id: str = "s") -> str:
    return el("startEvent", id)


def end(id: str = "e") -> str:
    return el("endEvent", id)


def user(id: str, ext: str = "", inner: str = "", **kw: str) -> str:
    return el("userTask", id, z("userTask") + ext, inner, **kw)


def script(id: str, expression: str, variable: str, ext: str = "") -> str:
    return el("scriptTask", id, z("script", expression=expression, resultVariable=variable) + ext)


def service(id: str, type: str, ext: str = "", inner: str = "") -> str:
    return el("serviceTask", id, z("taskDefinition", type=type) + ext, inner)


def call(id: str, process: str, ext: str = "", inner: str = "", **kw: str) -> str:
    return el("callActivity", id, z("calledElement", processId=process, **kw) + ext, inner)


def sub(id: str, inner: str, **kw: str) -> str:
    return el("subProcess", id, inner=inner, **kw)


def io(ins: Any = (), outs: Any = ()) -> str:
    return z(
        "ioMapping",
        "".join(z("input", source=s, target=t) for t, s in ins)
        + "".join(z("output", source=s, target=t) for t, s in outs),
    )


def mi(
    coll: str,
    item: str,
    out: str | None = None,
    out_item: str | None = None,
    seq: bool = False,
    until: str | None = None,
) -> str:
    kw = {"inputCollection": coll, "inputElement": item}
    if out:
        kw |= {"outputCollection": out, "outputElement": out_item or ""}
    u = f"<bpmn:completionCondition>{esc(until)}</bpmn:completionCondition>" if until else ""
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(seq).lower()}"><bpmn:extensionElements>'
        f"{z('loopCharacteristics', **kw)}</bpmn:extensionElements>{u}</bpmn:multiInstanceLoopCharacteristics>"
    )


def timer(kind: str, text: str) -> str:
    return f"<bpmn:timerEventDefinition><bpmn:time{kind}>{esc(text)}</bpmn:time{kind}></bpmn:timerEventDefinition>"


def boundary(id: str, to: str, event: str, cancel: bool = True, ext: str = "") -> str:
    return el("boundaryEvent", id, ext, event, attachedToRef=to, cancelActivity=str(cancel).lower())


def msg(ref: str = "M") -> str:
    return f'<bpmn:messageEventDefinition messageRef="{ref}"/>'


def sig(ref: str = "S") -> str:
    return f'<bpmn:signalEventDefinition signalRef="{ref}"/>'


def err(ref: str = "E") -> str:
    return f'<bpmn:errorEventDefinition errorRef="{ref}"/>' if ref else "<bpmn:errorEventDefinition/>"


def esca(ref: str = "C") -> str:
    return f'<bpmn:escalationEventDefinition escalationRef="{ref}"/>'


def esp(id: str, event: str, interrupting: bool = True) -> str:
    """An event sub-process with one user task ``<id>_u``."""
    inner = (
        el("startEvent", f"{id}_s", inner=event, isInterrupting=str(interrupting).lower())
        + user(f"{id}_u")
        + end(f"{id}_e")
        + flow(f"{id}_s", f"{id}_u", f"{id}_e")
    )
    return sub(id, inner, triggeredByEvent="true")


def line(*ids: str) -> str:
    """Start, the ids in order, end."""
    return start() + end() + flow("s", *ids, "e")


class Clock:
    """A clock that only the test moves."""

    def __init__(self, at: str = "2026-01-05T09:00:00+00:00") -> None:
        self.at = datetime.fromisoformat(at)

    def __call__(self) -> datetime:
        return self.at

    def plus(self, **kw: float) -> None:
        self.at += timedelta(**kw)


class Play:
    """One instance, played by hand."""

    def __init__(
        self,
        xml: bytes | list[bytes],
        variables: Any = None,
        clock: Clock | None = None,
        pid: str = "p",
        host: PlainHost | None = None,
        **kw: Any,
    ) -> None:
        files = xml if isinstance(xml, list) else [xml]
        self.release: Release = parse_release({f"{i}.bpmn": data for i, data in enumerate(files)})
        self.pid = pid
        self.clock = clock or Clock()
        self.host = host or PlainHost(self.clock, **kw)
        spec = self.release.processes[pid]
        self.wf = Instance(
            spec, self.release.blueprints, self.host, variables=spec.declarations.admit_all(variables or {})
        )
        self.wf.advance()

    def names(self) -> list[str]:
        return sorted(t.task_spec.bpmn_id for t in self.wf.user_tasks())

    def do(self, name: str, nth: int = 0, **values: Any) -> None:
        task = [t for t in self.wf.user_tasks() if t.task_spec.bpmn_id == name][nth]
        self.wf.complete_task(task.id, task.workflow.spec.declarations.admit_all(values))

    def later(self, **kw: float) -> None:
        self.clock.plus(**kw)
        self.wf.advance()

    def reload(self) -> None:
        """Fold, save and load."""
        fold(self.wf)
        self.wf = codec.loads(codec.dumps(self.wf), self.release, self.pid, self.host)

    @property
    def vars(self) -> dict[str, Any]:
        return {name: to_plain(value) for name, value in self.wf.scopes.local(0).items()}

    @property
    def incidents(self) -> list[str]:
        return [incident.message for incident in self.wf.incidents.values()]

    @property
    def due(self) -> str | None:
        at = self.wf.next_due()
        return None if at is None else datetime.fromtimestamp(at / 1000, self.clock.at.tzinfo).isoformat()

    @property
    def clean(self) -> bool:
        """Ended, with nothing left behind."""
        wf = self.wf
        return (
            bool(wf.completed) and not wf.event_manager.tasks and not wf.subprocesses and list(wf.scopes.by_id) == [0]
        )
