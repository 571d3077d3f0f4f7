"""Attributes and children of BPMN elements that would mean something the runtime does not do: refused, rather than
passed over in silence. The section numbers are those of BPMN 2.0.2.

All of this is asked when a diagram is published, never of a release that instances run on already.
"""

from __future__ import annotations

from typing import Any

from app.runtime.checker.context import ACTIVITIES, EVENTS, Sheet, event_definition
from app.runtime.dialect import zeebe
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
    "inputDataItem": ("Data items of a loop are not supported (10.3.8).", "Set the input element."),
    "outputDataItem": ("Data items of a loop are not supported (10.3.8).", "Set the output element."),
    "assignment": ("Data associations are drawings here (10.4.2).", "Use input and output mappings."),
    "transformation": ("Data associations are drawings here (10.4.2).", "Use input and output mappings."),
    "script": ("Scripts in other languages are not supported (10.3.3).", "Set the FEEL expression of the task."),
}
# children that count once: the engine reads the first and would pass over the others
_ONCE = frozenset(
    (
        "extensionElements",
        "multiInstanceLoopCharacteristics",
        "conditionExpression",
        "completionCondition",
        "timeDate",
        "timeDuration",
        "timeCycle",
    )
)
_FLAGS = ("isInterrupting", "cancelActivity", "triggeredByEvent", "isSequential")
_DIALECTS = {
    "http://camunda.org/schema/1.0/bpmn": "Camunda 7",
    "http://activiti.org/bpmn": "Activiti",
    "http://flowable.org/bpmn": "Flowable",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "SpiffWorkflow",
}
_FORMAL = frozenset(("conditionExpression", "completionCondition", "timeDate", "timeDuration", "timeCycle"))
_EXPRESSIONS = {"signal": "name", "error": "errorCode", "escalation": "escalationCode"}


def check_unheeded(sheet: Sheet) -> None:
    for node in sheet.process.iter():
        if not isinstance(node.tag, str):
            continue
        _other_dialects(sheet, node)
        if not node.tag.startswith(BPMN):
            continue
        name = local(node)
        for attribute, (on, usual, what, remedy) in ATTRIBUTES.items():
            if name in on and node.get(attribute, "") not in usual | {""}:
                sheet.error(node, what, remedy)
        if name in CHILDREN:
            sheet.error(node.getparent(), *CHILDREN[name])
        language = node.get("language") or ""
        if name in _FORMAL and language and "feel" not in language.lower():
            sheet.error(node, f"The expression says that it is written in {language[:40]}.", "Write it in FEEL.")
        for flag in _FLAGS:
            if node.get(flag, "true") not in ("true", "false"):
                sheet.error(node, f"The attribute {flag} is neither true nor false.", "Write true or false.")
        _only_once(sheet, node)
        if node.get("triggeredByEvent") == "true" and node.find(f"{BPMN}multiInstanceLoopCharacteristics") is not None:
            sheet.error(node, "An event sub-process cannot be multi-instance (10.3.8).", "Put a sub-process inside it.")
    for node in sheet.nodes():
        _mappings(sheet, node)
        _default(sheet, node)
        _cycle(sheet, node)
        _no_result(sheet, node)


def _other_dialects(sheet: Sheet, node: Any) -> None:
    """Extensions of other engines would change what the diagram does, and say nothing here."""
    for name in (node.tag, *node.attrib):
        dialect = _DIALECTS.get(name[1:].partition("}")[0]) if name.startswith("{") else None
        if dialect is not None:
            what = f"{name.rpartition('}')[2]} is an extension of {dialect} and has no meaning here."
            sheet.error(node, what, "Remove it, and set the same in the Camunda 8 properties of the element.")


def _only_once(sheet: Sheet, node: Any) -> None:
    seen: set[str] = set()
    for child in node:
        name = local(child) if isinstance(child.tag, str) and child.tag.startswith(BPMN) else ""
        if name in _ONCE and name in seen:
            sheet.error(node, f"The element has more than one {name}; only the first would count.", "Keep one of them.")
        seen.add(name)


def _mappings(sheet: Sheet, node: Any) -> None:
    """Camunda 8 has input mappings on events that throw, and output mappings on all but error and terminate events."""
    inputs, outputs = zeebe.mappings(node)
    name, definition = local(node), event_definition(node)
    if inputs and name in ("startEvent", "boundaryEvent", "intermediateCatchEvent"):
        what = "An event that waits has an input mapping, which would be ignored."
        sheet.error(node, what, "Remove it. Its output mappings take what the event brings.")
    ends = definition is not None and local(definition) in ("errorEventDefinition", "terminateEventDefinition")
    if outputs and ends and name == "endEvent":
        what = "The output mappings of an event that ends its scope would be ignored."
        sheet.error(node, what, "Set the variables with a task before it.")


def _default(sheet: Sheet, node: Any) -> None:
    name = local(node)
    leaving = [f for f in node.getparent().findall(f"{BPMN}sequenceFlow") if f.get("sourceRef") == node.get("id")]
    if node.get("default") and len(leaving) > 1 and name not in ("exclusiveGateway", "inclusiveGateway"):
        what = "Only exclusive and inclusive gateways have a default flow: a token would take every flow."
        sheet.error(node, what, "Put an exclusive gateway after the element.")
    if name == "eventBasedGateway":
        for flow in leaving:
            if zeebe.text_of(flow, "conditionExpression"):
                what = "The flow leaves an event-based gateway, where its condition would be ignored."
                sheet.error(flow, what, "Remove the condition, or put an exclusive gateway after the event.")


def _cycle(sheet: Sheet, node: Any) -> None:
    """A cycle on an event that fires once would not repeat. Camunda 8 refuses it as well."""
    definition = event_definition(node)
    if definition is None or not zeebe.text_of(definition, "timeCycle"):
        return
    name = local(node)
    interrupts = {
        "intermediateCatchEvent": True,
        "boundaryEvent": node.get("cancelActivity", "true") == "true",
        "startEvent": local(node.getparent()) == "subProcess" and node.get("isInterrupting", "true") == "true",
    }
    if interrupts.get(name, False):
        sheet.error(
            node,
            "The event fires once, so that its cycle would not repeat.",
            "Set a duration or a date, or make the event non-interrupting.",
        )


def _no_result(sheet: Sheet, node: Any) -> None:
    for name, tag in (("scriptTask", "script"), ("businessRuleTask", "calledDecision")):
        found = zeebe.attributes(node, tag)
        if local(node) == name and found and "resultVariable" not in found:
            sheet.error(node, "What the task works out goes nowhere.", "Set its result variable.")


def check_plain_names(sheet: Sheet, node: Any) -> None:
    """Names and codes are compared as they are written."""
    attribute = _EXPRESSIONS.get(local(node))
    if attribute is not None and (node.get(attribute) or "").startswith("="):
        what = f"The {attribute} of a {local(node)} is an expression."
        sheet.error(node, what, "Write it out: it is compared as it stands.")
