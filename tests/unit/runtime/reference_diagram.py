"""Diagrams for the reference model: what is drawn, as plain data, and the same as a BPMN file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from runtime_kit import HEAD, boundary, call, el, err, esca, io, mi, msg, sig, sub, timer, user, z

GATEWAYS = {
    "xor": "exclusiveGateway",
    "and": "parallelGateway",
    "or": "inclusiveGateway",
    "first": "eventBasedGateway",
}
TESTS = ("p", "q", "not(p)", "not(q)")
NAMES = ("1", "2")


@dataclass
class On:
    """What an event waits for or throws.

    :ivar name: of the message, signal or code; empty for every code.
    :ivar minutes: a timer's duration; ``times`` makes it a cycle, -1 one without end.
    """

    kind: str
    name: str = ""
    minutes: int = 0
    times: int = 0


@dataclass
class Many:
    """A multi-instance activity over the numbers from one to ``count``.

    :ivar enough: after so many the rest is given up; none for zero.
    :ivar beyond: after the instance of this number, or a later one, the rest is given up.
    """

    count: int
    sequential: bool
    enough: int = 0
    beyond: int = 0


@dataclass
class Node:
    """An element. A boundary event is attached ``to`` an activity; a script counts its ``variable`` up; a service fails
    with its error while ``p`` holds.

    :ivar alone: a user task or sub-process has an ``x`` of its own; a call hands over and takes back little.
    :ivar takes: of what an event brings only ``got``, under a name of the element's own.
    :ivar gives: what a thrown signal carries.
    """

    id: str
    kind: str
    on: On | None = None
    to: str = ""
    interrupting: bool = True
    inside: Level | None = None
    many: Many | None = None
    variable: str = ""
    alone: bool = False
    takes: bool = False
    gives: int = 0


@dataclass
class Flow:
    id: str
    source: str
    target: str
    test: str = ""


@dataclass
class Level:
    """A process or the inside of a sub-process.

    :ivar process: the process it is drawn in.
    """

    id: str
    process: str
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)
    default: dict[str, str] = field(default_factory=dict)

    def add(self, node: Node) -> Node:
        self.nodes[node.id] = node
        return node

    def join(self, source: str, target: str, test: str = "") -> Flow:
        made = Flow(f"f_{source}_{target}", source, target, test)
        self.flows.append(made)
        return made

    def leaving(self, node_id: str) -> list[Flow]:
        return [flow for flow in self.flows if flow.source == node_id]

    def reaching(self, node_id: str) -> list[Flow]:
        return [flow for flow in self.flows if flow.target == node_id]

    def levels(self) -> Iterator[Level]:
        """This one and all inside it, called processes included."""
        yield self
        for node in self.nodes.values():
            if node.inside is not None:
                yield from node.inside.levels()


def definition(on: On) -> str:
    """The event definition as BPMN."""
    if on.kind == "timer":
        every = f"PT{on.minutes}M"
        return timer("Cycle", f"R{on.times if on.times > 0 else ''}/{every}") if on.times else timer("Duration", every)
    if on.kind == "terminate":
        return "<bpmn:terminateEventDefinition/>"
    reference = f"{on.kind}{on.name}" if on.name else ""
    return {"message": msg, "signal": sig, "error": err, "escalation": _escalation}[on.kind](reference)


def _escalation(reference: str) -> str:
    return esca(reference) if reference else "<bpmn:escalationEventDefinition/>"


def _loop(node: Node) -> str:
    many = node.many
    if many is None:
        return ""
    numbers = "=[" + ",".join(str(n + 1) for n in range(many.count)) + "]"
    tests = [f"numberOfCompletedInstances >= {many.enough}"] if many.enough else []
    tests += [f"it >= {many.beyond}"] if many.beyond else []
    until = f"={' or '.join(tests)}" if tests else None
    return mi(numbers, "it", f"o{node.id}", "=it", many.sequential, until)


def _mapped(node: Node) -> str:
    if node.takes:
        return io((), [(f"m{node.id}", "=got")])
    if node.on is not None and node.on.kind == "message" and node.kind in ("throw", "end", "send"):
        return io([("correlationKey", "=k")])
    return io([("got", f"={node.gives}")]) if node.gives else ""


def _node(level: Level, node: Node) -> str:
    i, event, mapped = node.id, definition(node.on) if node.on else "", _mapped(node)
    if node.kind == "boundary":
        return boundary(i, node.to, event, node.interrupting, mapped)
    if node.kind == "start":
        extra = {} if node.on is None else {"isInterrupting": str(node.interrupting).lower()}
        return el("startEvent", i, inner=event, **extra)
    if node.kind in ("end", "throw", "catch"):
        tag = {"end": "endEvent", "throw": "intermediateThrowEvent", "catch": "intermediateCatchEvent"}[node.kind]
        return el(tag, i, mapped, event)
    if node.kind == "user":
        return user(i, io([("x", "=1")]) if node.alone else "", _loop(node))
    if node.kind == "script":
        name = node.variable
        counted = z("script", expression=f"=if {name} = null then 1 else {name} + 1", resultVariable=name)
        return el("scriptTask", i, counted, _loop(node))
    if node.kind in ("receive", "send", "service"):
        assert node.on is not None
        if node.kind == "service":
            return el("serviceTask", i, z("taskDefinition", type=f"op{node.on.name}"), _loop(node))
        return el(f"{node.kind}Task", i, mapped, _loop(node), messageRef=f"message{node.on.name}")
    if node.kind in GATEWAYS:
        default = {"default": level.default[i]} if i in level.default else {}
        return el(GATEWAYS[node.kind], i, **default)
    if node.kind == "call":
        assert node.inside is not None
        if node.alone:
            mapped = io([(n, f"={n}") for n in "pqk"], [(f"r{i}", "=p"), (f"y{i}", "=x")])
            only = {"propagateAllParentVariables": "false", "propagateAllChildVariables": "false"}
            return call(i, node.inside.process, mapped, _loop(node), **only)
        return call(i, node.inside.process, "", _loop(node))
    if node.kind in ("sub", "esp"):
        assert node.inside is not None
        if node.kind == "esp":
            return sub(i, _body(node.inside), triggeredByEvent="true")
        return el("subProcess", i, io([("x", "=1")]) if node.alone else "", _body(node.inside) + _loop(node))
    return el("task", i)


def _body(level: Level) -> str:
    flows = ""
    for flow in level.flows:
        test = f"<bpmn:conditionExpression>={flow.test}</bpmn:conditionExpression>" if flow.test else ""
        ends = f'sourceRef="{flow.source}" targetRef="{flow.target}"'
        flows += f'<bpmn:sequenceFlow id="{flow.id}" {ends}>{test}</bpmn:sequenceFlow>'
    return "".join(_node(level, node) for node in level.nodes.values()) + flows


def draw(top: Level) -> bytes:
    """The file: the process and those it calls."""
    key = '<bpmn:extensionElements><zeebe:subscription correlationKey="=k"/></bpmn:extensionElements>'
    parts = [HEAD]
    for n in NAMES:
        parts += [
            f'<bpmn:message id="message{n}" name="m{n}">{key}</bpmn:message>',
            f'<bpmn:signal id="signal{n}" name="s{n}"/>',
            f'<bpmn:error id="error{n}" name="e{n}" errorCode="E{n}"/>',
            f'<bpmn:escalation id="escalation{n}" name="c{n}" escalationCode="C{n}"/>',
        ]
    for level in top.levels():
        if level.id == level.process:
            parts.append(f'<bpmn:process id="{level.id}" isExecutable="true">{_body(level)}</bpmn:process>')
    return "".join([*parts, "</bpmn:definitions>"]).encode()
