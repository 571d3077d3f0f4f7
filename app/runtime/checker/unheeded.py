"""Attributes and children of BPMN elements that would mean something the runtime does not do: refused, rather than
passed over in silence. The section numbers are those of BPMN 2.0.2."""

from __future__ import annotations

from typing import Any

from app.runtime.checker.context import ACTIVITIES, EVENTS, Sheet
from app.runtime.dialect.xml import BPMN, local

# attribute: (elements, values that mean nothing special, what, remedy)
ATTRIBUTES: dict[str, tuple[frozenset[str], frozenset[str], str, str]] = {
    "isForCompensation": (
        ACTIVITIES,
        frozenset(("false",)),
        "Activities for compensation are not supported (10.7).",
        "Draw what undoes the work as a task behind a gateway or an error event.",
    ),
    "instantiate": (
        frozenset(("receiveTask", "eventBasedGateway")),
        frozenset(("false",)),
        "Receive tasks and gateways that start a process are not supported (10.3.3, 10.6.6).",
        "Draw a message start event.",
    ),
    "eventGatewayType": (
        frozenset(("eventBasedGateway",)),
        frozenset(("Exclusive",)),
        "Parallel event-based gateways are not supported (10.6.6).",
        "Use a parallel gateway with an event on each branch.",
    ),
    "parallelMultiple": (
        EVENTS,
        frozenset(("false",)),
        "Parallel multiple events are not supported (10.5.5).",
        "Use a parallel gateway with an event on each branch.",
    ),
    "startQuantity": (
        ACTIVITIES,
        frozenset(("1",)),
        "An activity that waits for several tokens is not supported (10.3).",
        "Use a parallel gateway.",
    ),
    "completionQuantity": (
        ACTIVITIES,
        frozenset(("1",)),
        "An activity that sends out several tokens is not supported (10.3).",
        "Use a parallel gateway.",
    ),
    "behavior": (
        frozenset(("multiInstanceLoopCharacteristics",)),
        frozenset(("All",)),
        "Events thrown by each instance of a multi-instance activity are not supported (10.3.8).",
        "Throw them inside the activity.",
    ),
}
# child: (what, remedy)
CHILDREN: dict[str, tuple[str, str]] = {
    "eventDefinitionRef": (
        "References to event definitions elsewhere in the file are not supported (10.5.5).",
        "Put the definition into the event.",
    ),
    "loopCardinality": (
        "A number of instances is not supported (10.3.8).",
        "Set the input collection to a list with one item for each instance.",
    ),
    "loopDataInputRef": ("Loop data references are not supported (10.3.8).", "Set the input collection."),
    "loopDataOutputRef": ("Loop data references are not supported (10.3.8).", "Set the output collection."),
    "complexBehaviorDefinition": (
        "Events thrown by each instance of a multi-instance activity are not supported (10.3.8).",
        "Throw them inside the activity.",
    ),
    "performer": ("Performers are not supported (10.3.1).", "Use a lane named after a role, or assign the task."),
    "humanPerformer": ("Performers are not supported (10.3.4).", "Use a lane named after a role, or assign the task."),
    "potentialOwner": ("Performers are not supported (10.3.4).", "Use a lane named after a role, or assign the task."),
    "resourceRole": ("Performers are not supported (10.3.1).", "Use a lane named after a role, or assign the task."),
}
_EXPRESSIONS = {"signal": "name", "error": "errorCode", "escalation": "escalationCode"}


def check_unheeded(sheet: Sheet) -> None:
    for node in sheet.process.iter():
        if not isinstance(node.tag, str) or not node.tag.startswith(BPMN):
            continue
        name = local(node)
        for attribute, (on, usual, what, remedy) in ATTRIBUTES.items():
            if name in on and node.get(attribute, "") not in usual | {""}:
                sheet.error(node, what, remedy)
        if name in CHILDREN:
            sheet.error(node.getparent(), *CHILDREN[name])
        if node.get("triggeredByEvent") == "true" and node.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None:
            sheet.error(node, "An event sub-process cannot be multi-instance (10.3.8).", "Put a sub-process inside it.")


def check_plain_names(sheet: Sheet, node: Any) -> None:
    """Names and codes are compared as they are written."""
    attribute = _EXPRESSIONS.get(local(node))
    if attribute is not None and (node.get(attribute) or "").startswith("="):
        what = f"The {attribute} of a {local(node)} is an expression."
        sheet.error(node, what, "Write it out: it is compared as it stands.")
