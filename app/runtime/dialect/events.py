# mypy: allow-subclassing-any
"""Parsers for events, receive tasks and the event-based gateway."""

from __future__ import annotations

from typing import Any

from app.runtime.dialect import zeebe
from app.runtime.dialect.elements import ElementParser, message_definition
from app.runtime.dialect.xml import local
from app.runtime.language import article
from app.runtime.specs.activities import ReceiveTask
from app.runtime.specs.definitions import Definition, Error, Escalation, FirstOf, Message, Signal, Terminate, Timer
from app.runtime.specs.events import BoundaryEvent, EndEvent, Event, StartEvent, ThrowEvent
from app.runtime.specs.gateways import EventBasedGateway

_SHAPES = (("timeDate", "date"), ("timeDuration", "duration"), ("timeCycle", "cycle"))
REFUSED_DEFINITIONS = {
    "compensateEventDefinition": (
        "Compensation events are not supported.",
        "Draw what undoes the work as a task behind a gateway or an error event.",
    ),
    "cancelEventDefinition": ("Cancel events are not supported.", "Use a sub-process with error boundary events."),
    "conditionalEventDefinition": (
        "Conditional events are not supported.",
        "Send a message when the condition comes about, or ask for it at a gateway.",
    ),
    "linkEventDefinition": ("Link events are not supported.", "Draw the sequence flow through."),
}


class EventParser(ElementParser):
    """Reads the one event definition of an event.

    :ivar allowed: the kinds of event that BPMN allows in this position and the runtime runs.
    """

    allowed: frozenset[str] = frozenset()
    where = "here"

    def definition(self) -> Definition:
        """:raises DiagramRefused: more than one, of an unsupported kind, or in the wrong place."""
        found = [
            child for child in self.node if isinstance(child.tag, str) and local(child).endswith("EventDefinition")
        ]
        if len(found) > 1:
            raise self.refuse("The event has more than one event definition.", "Use one event for each.")
        if not found:
            return Definition(self.bpmn_id)
        node = found[0]
        name = local(node)
        if name in REFUSED_DEFINITIONS:
            raise self.refuse(*REFUSED_DEFINITIONS[name])
        kind = name.removesuffix("EventDefinition")
        if kind not in self.allowed:
            what = f"{article(kind).capitalize()} event cannot stand {self.where}."
            raise self.refuse(what, "Use another event, or put it elsewhere.")
        read = getattr(self, f"_read_{kind}")
        definition: Definition = read(node)
        return definition

    def _read_timer(self, node: Any) -> Timer:
        found = [(shape, text) for tag, shape in _SHAPES if (text := zeebe.text_of(node, tag))]
        if len(found) == 1:
            return Timer(self.bpmn_id, *found[0])
        what = "A timer event has no time." if not found else "A timer event has more than one time."
        raise self.refuse(what, "Set a date, a duration or a cycle.")

    def _read_message(self, node: Any) -> Message:
        return message_definition(self, node.get("messageRef"))

    def _read_signal(self, node: Any) -> Signal:
        name = self.process_parser.parser.signals.get(node.get("signalRef"))
        if not name:
            raise self.refuse("A signal event refers to no signal.", "Choose a signal with a name.")
        return Signal(self.bpmn_id, name)

    def _read_error(self, node: Any) -> Error:
        return Error(self.bpmn_id, self._code("errors", "error_code", node.get("errorRef")))

    def _read_escalation(self, node: Any) -> Escalation:
        return Escalation(self.bpmn_id, self._code("escalations", "escalation_code", node.get("escalationRef")))

    def _code(self, table: str, field: str, reference: str | None) -> str | None:
        known = getattr(self.process_parser.parser, table)
        if reference and reference not in known:
            what = f"The event refers to {reference}, which is not among the {table} of the file."
            raise self.refuse(what, "Choose one of them, or none.")
        code: str | None = known.get(reference, {}).get(field)
        return code or None

    def _read_terminate(self, _: Any) -> Terminate:
        return Terminate(self.bpmn_id)

    def create_task(self) -> Event:
        event: Event = self.spec_class(
            self.spec, self.bpmn_id, event_definition=self.definition(), **self.bpmn_attributes
        )
        if isinstance(event, ThrowEvent):
            event.sent = zeebe.mappings(self.node)[0]
        return event


class StartParser(EventParser):
    """
    :ivar in_process: the kinds that start a process; the others start event sub-processes only.
    """

    allowed = frozenset(("message", "signal", "timer", "error", "escalation"))
    in_process = frozenset(("none", "message", "signal", "timer"))
    where = "at the start"

    def create_task(self) -> StartEvent:
        event = StartEvent(self.spec, self.bpmn_id, self.definition(), **self.bpmn_attributes)
        in_process = local(self.node.getparent()) == "process"
        event.plain = event.trigger_definition.kind == "none" or not in_process
        event.interrupting = self.node.get("isInterrupting", "true") == "true"
        if in_process and event.trigger_definition.kind not in self.in_process:
            raise self.refuse(
                f"A process cannot start with an {event.trigger_definition.kind} event.",
                "Use it in an event sub-process.",
            )
        self.spec.start.connect(event)
        return event


class EndParser(EventParser):
    allowed = frozenset(("message", "signal", "error", "escalation", "terminate"))
    where = "at an end"

    def create_task(self) -> EndEvent:
        event = super().create_task()
        assert isinstance(event, EndEvent)
        return event


class CatchParser(EventParser):
    allowed = frozenset(("message", "signal", "timer"))
    where = "in the middle of a flow and wait"

    def create_task(self) -> Event:
        event = super().create_task()
        if event.event_definition.kind == "none":
            raise self.refuse(
                "An intermediate catch event waits for nothing.", "Give it a timer, a message or a signal."
            )
        return event


class ThrowParser(EventParser):
    allowed = frozenset(("message", "signal", "escalation"))
    where = "in the middle of a flow and be thrown"


class BoundaryParser(EventParser):
    allowed = frozenset(("message", "signal", "timer", "error", "escalation"))
    where = "at the edge of an activity"

    def create_task(self) -> BoundaryEvent:
        definition = self.definition()
        if definition.kind == "none":
            raise self.refuse(
                "A boundary event waits for nothing.",
                "Give it a timer, a message, a signal, an error or an escalation.",
            )
        interrupting = self.node.get("cancelActivity", "true") == "true"
        if definition.kind == "error" and not interrupting:
            raise self.refuse("An error boundary event cannot be non-interrupting.", "Make it interrupting.")
        return BoundaryEvent(self.spec, self.bpmn_id, definition, interrupting, **self.bpmn_attributes)


class ReceiveParser(ElementParser):
    def create_task(self) -> ReceiveTask:
        definition = message_definition(self, self.node.get("messageRef"))
        return ReceiveTask(self.spec, self.bpmn_id, definition, **self.bpmn_attributes)


class EventGatewayParser(ElementParser):
    """The events that follow the gateway are waited for at the gateway."""

    def create_task(self) -> EventBasedGateway:
        return EventBasedGateway(self.spec, self.bpmn_id, FirstOf(self.bpmn_id), **self.bpmn_attributes)

    def connect_end(self) -> None:
        raise self.refuse("Nothing follows this event-based gateway.", "Let it lead to the events it waits for.")

    def connect_flow(self, flow: Any, following: Any) -> None:
        if local(self.process_parser.get_node_by_id(flow.get("targetRef"))) not in (
            "intermediateCatchEvent",
            "receiveTask",
        ):
            raise self.refuse(
                "An event-based gateway leads to something other than an event.",
                "Let each of its flows lead to a catch event or a receive task.",
            )
        if not hasattr(following, "event_definition"):
            raise self.refuse(
                "A receive task after an event-based gateway has boundary events or is multi-instance.",
                "Use a message catch event instead.",
            )
        self.task.connect(following)
