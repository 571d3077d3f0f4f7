"""Every Zeebe extension element and attribute: honoured, or refused with a remedy. The table follows
zeebe-bpmn-moddle 2.0.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.runtime.checker.context import ACTIVITIES, EVENTS, Sheet
from app.runtime.dialect.xml import BPMN, ZEEBE, local
from app.runtime.language import shown
from app.runtime.retries import pauses

_SERVICE = frozenset(
    ["serviceTask", "sendTask", "businessRuleTask", "scriptTask", "endEvent", "intermediateThrowEvent"]
)
_ANYWHERE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """How one extension element is treated.

    :param on: the BPMN elements that may hold it; empty for any.
    :param honoured: its attributes that mean something here.
    :param refused: attributes that are refused, with the remedy.
    """

    on: frozenset[str]
    honoured: frozenset[str]
    refused: dict[str, str]


def _rule(on: frozenset[str] | str, honoured: str = "", **refused: str) -> Rule:
    where = frozenset(on.split()) if isinstance(on, str) else on
    return Rule(where, frozenset(honoured.split()), refused)


HONOURED: dict[str, Rule] = {
    "ioMapping": _rule((ACTIVITIES - {"task", "manualTask"}) | EVENTS),
    "input": _rule(_ANYWHERE, "source target modelerConfigurationTemplate modelerConfigurationName"),
    "output": _rule(_ANYWHERE, "source target"),
    "subscription": _rule("message", "correlationKey"),
    "taskHeaders": _rule("userTask serviceTask sendTask"),
    "header": _rule(_ANYWHERE, "id key value"),
    "taskDefinition": _rule("serviceTask sendTask", "type retries"),
    "loopCharacteristics": _rule(
        "multiInstanceLoopCharacteristics", "inputCollection inputElement outputCollection outputElement"
    ),
    "calledElement": _rule(
        "callActivity",
        "processId propagateAllChildVariables propagateAllParentVariables bindingType versionTag",
        processIdExpression="Name the process by its id.",
        businessId="Hand the id over with an input mapping.",
    ),
    "formDefinition": _rule(
        "userTask",
        "formId bindingType versionTag",
        formKey="Refer to the form by its form id.",
        externalReference="Refer to a form of the release by its form id.",
    ),
    "userTask": _rule("userTask"),
    "calledDecision": _rule("businessRuleTask", "decisionId resultVariable bindingType versionTag"),
    "assignmentDefinition": _rule("userTask", "assignee candidateGroups candidateUsers"),
    "priorityDefinition": _rule("userTask", "priority"),
    "taskSchedule": _rule("userTask", "dueDate followUpDate"),
    "properties": _rule(_ANYWHERE),
    "property": _rule(_ANYWHERE, "name value modelerConfigurationTemplate modelerConfigurationName"),
    "script": _rule("scriptTask", "expression resultVariable"),
    "versionTag": _rule("process", "value"),
}
REFUSED: dict[str, str] = {
    "userTaskForm": "Publish the form as a .form file and refer to it by its form id.",
    "executionListeners": "Draw what is to happen as a task.",
    "executionListener": "Draw what is to happen as a task.",
    "taskListeners": "Draw what is to happen as a task.",
    "taskListener": "Draw what is to happen as a task.",
    "linkedResources": "Refer to decisions and forms of the release.",
    "linkedResource": "Refer to decisions and forms of the release.",
    "jobPriorityDefinition": "Remove it: operations run inside the step.",
    "adHoc": "Draw the order of the work, or use parallel branches.",
    "conditionalFilter": "Use a gateway, a message or a timer.",
    "agentDefinition": "Use a registered operation.",
}
_INSIDE = {"input": "ioMapping", "output": "ioMapping", "property": "properties", "header": "taskHeaders"}
_WORKERS = "Use a service task: workers do no other work here."
_ELSEWHERE = {
    (
        "taskDefinition",
        "endEvent",
    ): "Remove it: the event sends its message itself, with the key of the input mapping correlationKey.",
    ("taskDefinition", "businessRuleTask"): _WORKERS,
    ("taskDefinition", "scriptTask"): _WORKERS,
}
_ELSEWHERE["taskDefinition", "intermediateThrowEvent"] = _ELSEWHERE["taskDefinition", "endEvent"]
_NAMED_BY = {"header": "key", "property": "name"}
_BINDINGS = frozenset(("latest", "deployment", "versionTag"))
_FLAGS = frozenset(("propagateAllChildVariables", "propagateAllParentVariables"))
REFUSED_NODE_ATTRIBUTES = {"retryCounter": "Remove it: a failed operation becomes an incident that a person retries."}
TEMPLATE_ATTRIBUTES = frozenset(("modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon"))


def check_zeebe(sheet: Sheet, scope: Any) -> None:
    """Every element of the Zeebe namespace under a node, and every Zeebe attribute of BPMN elements."""
    for node in scope.iter():
        if not isinstance(node.tag, str):
            continue
        for name in node.attrib:
            if name.startswith(ZEEBE):
                _attribute_of_bpmn(sheet, node, name[len(ZEEBE) :])
        if node.tag.startswith(ZEEBE):
            _extension(sheet, node)


def _attribute_of_bpmn(sheet: Sheet, node: Any, name: str) -> None:
    if name in REFUSED_NODE_ATTRIBUTES:
        sheet.error(node, f"The attribute zeebe:{name} is not supported.", REFUSED_NODE_ATTRIBUTES[name])
    elif name not in TEMPLATE_ATTRIBUTES:
        sheet.error(node, f"The attribute zeebe:{name} is not known.", "Remove it.")


def _extension(sheet: Sheet, node: Any) -> None:
    name = local(node)
    if name in REFUSED:
        sheet.error(node, f"The extension element zeebe:{name} is not supported.", REFUSED[name])
        return
    rule = HONOURED.get(name)
    if rule is None:
        sheet.error(node, f"The extension element zeebe:{name} is not known.", "Remove it.")
        return
    owner = node.getparent()
    inside = _INSIDE.get(name)
    if owner is not None and owner.tag != (f"{BPMN}extensionElements" if inside is None else ZEEBE + inside):
        where = "the extension elements" if inside is None else f"zeebe:{inside}"
        sheet.error(node, f"zeebe:{name} stands outside {where}, where it would be ignored.", f"Move it into {where}.")
    if inside is None and owner is not None and any(one.tag == node.tag for one in node.itersiblings(preceding=True)):
        sheet.error(node, f"zeebe:{name} stands here twice; only the first would count.", "Keep one of them.")
    if owner is not None and owner.tag == f"{BPMN}extensionElements":
        owner = owner.getparent()
    if rule.on and owner is not None and local(owner) not in rule.on:
        remedy = _ELSEWHERE.get((name, local(owner)), "Remove it.")
        sheet.error(node, f"zeebe:{name} has no meaning on {local(owner)} elements.", remedy)
    _named_once(sheet, node, name)
    for attribute, value in node.attrib.items():
        if attribute in rule.refused and value:
            sheet.error(node, f"The attribute {attribute} of zeebe:{name} is not supported.", rule.refused[attribute])
        elif attribute not in rule.honoured and attribute not in rule.refused:
            sheet.error(node, f"The attribute {attribute} of zeebe:{name} is not known.", "Remove it.")
        elif attribute in _FLAGS and value not in ("true", "false", ""):
            sheet.error(node, f"The attribute {attribute} is neither true nor false.", "Write true or false.")
        elif attribute == "bindingType" and value and value not in _BINDINGS:
            sheet.error(node, f"The binding “{shown(value)}” does not exist.", "Set the binding to deployment.")
    if node.get("bindingType") in ("latest", "versionTag"):
        sheet.warn(
            node,
            f"zeebe:{name} asks for the binding {node.get('bindingType')}; a running case keeps the release it started on.",
            "Set the binding to deployment.",
        )
    if name == "taskDefinition":
        try:
            pauses(node.get("retries"))
        except ValueError:
            sheet.error(
                node,
                f"The retries {node.get('retries')} cannot be read.",
                "Write how often it is tried (3), a repetition (R5/PT5M) or pauses (PT1M,PT5M,PT1H).",
            )


def _named_once(sheet: Sheet, node: Any, name: str) -> None:
    """A header has a key and a property a name, each once: of two only the last would count."""
    attribute = _NAMED_BY.get(name)
    if attribute is None:
        return
    given = node.get(attribute)
    if not given:
        sheet.error(node, f"A {name} has no {attribute}.", f"Give it a {attribute}, or remove it.")
    elif any(one.tag == node.tag and one.get(attribute) == given for one in node.itersiblings(preceding=True)):
        sheet.error(
            node, f"The {name} {shown(given)} stands here twice; only the last would count.", "Keep one of them."
        )
