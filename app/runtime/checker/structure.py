"""Shape: flows, gateways, starts and ends, ids, elements that nothing reaches."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from app.runtime.checker.context import FLOW_NODES, Sheet, event_definition, is_bpmn
from app.runtime.checker.unset import names_read
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, local

MAX_LEVELS = 25
_REFUSED = frozenset(["complexGateway", "transaction", "adHocSubProcess"])
_DRAWINGS = frozenset(
    [
        "sequenceFlow",
        "laneSet",
        "textAnnotation",
        "association",
        "group",
        "dataObject",
        "dataObjectReference",
        "dataStoreReference",
        "documentation",
        "extensionElements",
        "incoming",
        "outgoing",
        "multiInstanceLoopCharacteristics",
        "standardLoopCharacteristics",
        "ioSpecification",
        "property",
        "category",
        "auditing",
        "monitoring",
    ]
)
_THROWN_IN = {
    "errorEventDefinition": frozenset(["subProcess", "callActivity", "serviceTask", "sendTask"]),
    "escalationEventDefinition": frozenset(["subProcess", "callActivity"]),
}
_KNOWN = FLOW_NODES | _REFUSED | _DRAWINGS


def check_structure(sheet: Sheet) -> None:
    _levels(sheet)
    for node in sheet.nodes():
        _flows(sheet, node)
    for node in sheet.nodes("exclusiveGateway", "inclusiveGateway"):
        _choices(sheet, node)
    for node in sheet.nodes("eventBasedGateway"):
        _event_gateway(sheet, node)
    for node in sheet.nodes("boundaryEvent"):
        _boundary(sheet, node)
    _starts(sheet)


def _levels(sheet: Sheet) -> None:
    for level in [sheet.process, *sheet.nodes("subProcess")]:
        for child in level:
            if isinstance(child.tag, str) and child.tag.startswith(BPMN) and local(child) not in _KNOWN:
                sheet.error(
                    child, f"The runtime does not know the element {local(child)}.", "Remove it or draw it differently."
                )
        _flow_ends(sheet, level)
        _reachable(sheet, level)
    for node in sheet.nodes("subProcess"):
        if sum(1 for around in node.iterancestors(f"{BPMN}subProcess")) >= MAX_LEVELS:
            sheet.error(node, f"Sub-processes nest more than {MAX_LEVELS} deep.", "Use call activities.")


def _flow_ends(sheet: Sheet, level: Any) -> None:
    nodes = _connectable(level)
    for flow in level.findall(f"{BPMN}sequenceFlow"):
        for end in ("sourceRef", "targetRef"):
            if flow.get(end) not in nodes:
                what = f"The {end} of this sequence flow is no element of its level."
                sheet.error(flow, what, "Connect it to two elements on the same level, or remove it.")


def _connectable(level: Any) -> dict[str, Any]:
    """What flows may lead to and from, by id: elements that are refused for what they are among it, so that nobody is told besides
    to connect what is connected."""
    return {child.get("id"): child for child in level if is_bpmn(child) and local(child) not in _DRAWINGS}


def _outgoing(level: Any) -> dict[str, list[Any]]:
    flows: dict[str, list[Any]] = {}
    for flow in level.findall(f"{BPMN}sequenceFlow"):
        flows.setdefault(flow.get("sourceRef"), []).append(flow)
    return flows


def _reachable(sheet: Sheet, level: Any) -> None:
    """Everything must be on a path from a start; the engine would silently leave the rest out."""
    nodes = _connectable(level)
    flows = _outgoing(level)
    attached: dict[str, list[str]] = {}
    for node in nodes.values():
        if local(node) == "boundaryEvent":
            attached.setdefault(node.get("attachedToRef"), []).append(node.get("id"))
    todo = [i for i, node in nodes.items() if local(node) == "startEvent" or node.get("triggeredByEvent") == "true"]
    seen: set[str] = set()
    while todo:
        found = todo.pop()
        if found in seen or found not in nodes:
            continue
        seen.add(found)
        todo += [flow.get("targetRef") for flow in flows.get(found, [])]
        todo += attached.get(found, [])
    for id_, node in nodes.items():
        if id_ not in seen and local(node) in FLOW_NODES and node.get("isForCompensation") != "true":
            sheet.error(node, "No path from a start event leads here.", "Connect the element or remove it.")


def _flows(sheet: Sheet, node: Any) -> None:
    level = node.getparent()
    flows = _outgoing(level).get(node.get("id"), [])
    targets = Counter(flow.get("targetRef") for flow in flows)
    for target, count in targets.items():
        if count > 1:
            sheet.error(node, f"Two flows lead from here to {target}.", "Keep one of them, or put an element between.")
    incoming = [f for f in level.findall(f"{BPMN}sequenceFlow") if f.get("targetRef") == node.get("id")]
    name = local(node)
    if name in ("startEvent", "boundaryEvent") and incoming:
        sheet.error(
            node, "A sequence flow leads to an event where tokens begin.", "Let the flow end at another element."
        )
    if name == "endEvent" and flows:
        sheet.error(node, "A sequence flow leaves an end event.", "Use an intermediate event, or remove the flow.")
    if node.get("triggeredByEvent") == "true" and (incoming or flows):
        sheet.error(node, "An event sub-process has sequence flows.", "Remove them: its start event starts it.")
    definition = event_definition(node) if name == "boundaryEvent" else None
    undoes = definition is not None and local(definition) == "compensateEventDefinition"  # refused for that alone
    if name == "boundaryEvent" and not flows and not undoes:
        sheet.error(node, "Nothing follows this boundary event.", "Draw what happens then.")
    if (
        name in ("userTask", "callActivity", "subProcess", "serviceTask")
        and not flows
        and node.get("triggeredByEvent") != "true"
    ):
        sheet.warn(node, "Nothing follows this element, so its path ends here.", "Draw an end event to say so.")


def _choices(sheet: Sheet, node: Any) -> None:
    flows = _outgoing(node.getparent()).get(node.get("id"), [])
    default = node.get("default")
    if default and default not in {flow.get("id") for flow in flows}:
        sheet.error(node, "The default flow does not leave this gateway.", "Choose one of its own flows.")
    for flow in flows:
        text = zeebe.text_of(flow, "conditionExpression")
        if text and flow.get("id") == default:
            sheet.error(
                flow,
                "The default flow has a condition, which would be ignored.",
                "Remove the condition or the default mark.",
            )


def _event_gateway(sheet: Sheet, node: Any) -> None:
    level = node.getparent()
    for flow in _outgoing(level).get(node.get("id"), []):
        target = flow.get("targetRef")
        others = [f for f in level.findall(f"{BPMN}sequenceFlow") if f.get("targetRef") == target and f is not flow]
        if others:
            sheet.error(
                target, "The event after an event-based gateway has another incoming flow.", "Draw the event twice."
            )
    if len(_outgoing(level).get(node.get("id"), [])) < 2:
        sheet.warn(node, "An event-based gateway with fewer than two events decides nothing.", "Use the event alone.")


def _boundary(sheet: Sheet, node: Any) -> None:
    attached = node.get("attachedToRef")
    host = next((c for c in node.getparent() if isinstance(c.tag, str) and c.get("id") == attached), None)
    if host is None or local(host) not in FLOW_NODES or local(host).endswith(("Event", "Gateway")):
        sheet.error(
            node,
            "The boundary event is not attached to an activity of its level.",
            "Attach it to a task or sub-process.",
        )
        return
    if host.get("triggeredByEvent") == "true":
        sheet.error(
            node,
            "A boundary event cannot be attached to an event sub-process.",
            "Attach it to the sub-process around it.",
        )
    definition = event_definition(node)
    kind = "" if definition is None else local(definition)
    if kind in _THROWN_IN and local(host) not in _THROWN_IN[kind]:
        sheet.error(
            node,
            f"Nothing inside this {local(host)} can throw the event.",
            f"Attach it to one of these: {', '.join(sorted(_THROWN_IN[kind]))}.",
        )


def _starts(sheet: Sheet) -> None:
    plain = [n for n in sheet.process.findall(f"{BPMN}startEvent") if event_definition(n) is None]
    if len(plain) > 1:
        sheet.error(plain[1], "The process has more than one start event without an event.", "Keep one of them.")
    for node in sheet.process.findall(f"{BPMN}startEvent"):
        _timed_start(sheet, node)
    for node in sheet.nodes("subProcess"):
        start = node.find(f"{BPMN}startEvent")
        definition = event_definition(start) if start is not None else None
        if node.get("triggeredByEvent") != "true" and definition is not None:
            sheet.error(
                start,
                "The start event of an embedded sub-process has an event.",
                "Remove the event, or make it an event sub-process.",
            )


def _timed_start(sheet: Sheet, node: Any) -> None:
    """Its time is computed when the process is published: there is no instance, no case and no deadline yet."""
    definition = event_definition(node)
    if definition is None or local(definition) != "timerEventDefinition":
        return
    for tag in ("timeDate", "timeDuration", "timeCycle"):
        text = zeebe.text_of(definition, tag) or ""
        read = sorted(names_read(text, sheet.declared.names) - {"params"})
        if read:
            what = f"The time of this start event reads the variable {read[0]}, but nothing is set before it."
            sheet.error(node, what, "Use fixed times, parameters or now().")
        if text.startswith("=") and re.search(r"\bdeadline\s*\(", text):
            what = "The time of this start event asks for a deadline, but there is no case yet."
            sheet.error(node, what, "Use fixed times, parameters or now().")
