"""Events that would catch the same thing in the same place: only one of them could ever come first, and the diagram does not
say which. Signals reach all who wait for them and may stand twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.runtime.checker.context import Sheet, event_definition
from app.runtime.dialect.xml import BPMN, local

REMEDY = "Keep one of them, or let them wait for different things."
_KINDS = {
    "messageEventDefinition": ("messageRef", "message", "name"),
    "errorEventDefinition": ("errorRef", "error", "errorCode"),
    "escalationEventDefinition": ("escalationRef", "escalation", "escalationCode"),
}


def check_doubles(sheet: Sheet) -> None:
    names = _Names(sheet)
    for level in [sheet.process, *sheet.nodes("subProcess")]:
        events = level.findall(f"{BPMN}boundaryEvent")
        for host in dict.fromkeys(event.get("attachedToRef") for event in events):
            of_host = [event for event in events if event.get("attachedToRef") == host]
            names.report(of_host, "Another boundary event of the activity waits for the same.")
            waiting = [node for node in level.findall(f"{BPMN}receiveTask") if node.get("id") == host]
            if waiting and names.awaited(waiting[0]) in [names.awaited(event) for event in of_host]:
                sheet.error(waiting[0], "The task and a boundary event of it wait for the same.", REMEDY)
        bodies = [node for node in level.findall(f"{BPMN}subProcess") if node.get("triggeredByEvent") == "true"]
        starts = [start for body in bodies if (start := body.find(f"{BPMN}startEvent")) is not None]
        names.report(starts, "Another event sub-process of this level waits for the same.")
        for gateway in level.findall(f"{BPMN}eventBasedGateway"):
            after = {
                f.get("targetRef")
                for f in level.findall(f"{BPMN}sequenceFlow")
                if f.get("sourceRef") == gateway.get("id")
            }
            following = [node for node in level if isinstance(node.tag, str) and node.get("id") in after]
            names.report(following, "Another event after the same gateway waits for the same.")
    starts = sheet.process.findall(f"{BPMN}startEvent")
    names.report(starts, "Another start event waits for the same: two instances would begin.")


class _Names:
    """What events wait for, by kind and by name or code."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.of = {
            (kind, node.get("id")): node.get(attribute) or ""
            for _, kind, attribute in _KINDS.values()
            for node in sheet.root.iter(BPMN + kind)
        }

    def awaited(self, event: Any) -> tuple[str, str] | None:
        """Kind and name; an error or escalation without a code waits for all. None: nothing that counts here."""
        if local(event) == "receiveTask":
            return "message", self.of.get(("message", event.get("messageRef")), "")
        definition = event_definition(event)
        if definition is None or local(definition) not in _KINDS:
            return None
        reference, kind, _ = _KINDS[local(definition)]
        return kind, self.of.get((kind, definition.get(reference)), "")

    def report(self, events: Iterable[Any], what: str) -> None:
        """Each event that waits for what one before it waits for."""
        seen: set[tuple[str, str]] = set()
        for event in events:
            awaited = self.awaited(event)
            if awaited in seen:
                self.sheet.error(event, what, REMEDY)
            elif awaited is not None:
                seen.add(awaited)
