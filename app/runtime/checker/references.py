"""References: forms, decisions, processes, operations, messages, roles, other tasks."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from app.runtime.checker.context import Sheet, event_definition
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, local
from app.runtime.engine.host import OUTSIDE

LONGEST_TYPE = 200  # characters of a job's type


_BOUND = {
    "formDefinition": ("form", "formId"),
    "calledDecision": ("decision", "decisionId"),
    "calledElement": ("process", "processId"),
}


def check_references(sheet: Sheet) -> None:
    lanes = _lanes(sheet)
    for node in sheet.nodes("userTask", "businessRuleTask", "callActivity"):
        _version_tag(sheet, node)
    for node in sheet.nodes("userTask"):
        _user_task(sheet, node, lanes.get(node.get("id")) or _outer_lane(node, lanes))
    for node in sheet.nodes("serviceTask", "sendTask"):
        _operation(sheet, node)
    for node in sheet.nodes("businessRuleTask"):
        _named(
            sheet, node, zeebe.attributes(node, "calledDecision").get("decisionId"), sheet.around.decisions, "decision"
        )
    for node in sheet.nodes("callActivity"):
        _call(sheet, node)
    for node in sheet.nodes("intermediateCatchEvent", "boundaryEvent", "startEvent", "receiveTask"):
        _subscription(sheet, node)
    for node in sheet.nodes("intermediateThrowEvent", "endEvent", "sendTask"):
        _sent(sheet, node)


def did_you_mean(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, list(known), 1, 0.6)
    return f"Did you mean {close[0]}?" if close else ""


def _lanes(sheet: Sheet) -> dict[str, str]:
    found: dict[str, str] = {}
    for lane in sheet.process.iter(f"{BPMN}lane"):
        references = lane.findall(f"{BPMN}flowNodeRef")
        if references:
            _role(sheet, lane, lane.get("name") or "")
        if lane.get("name"):
            found.update({(reference.text or "").strip(): lane.get("name") for reference in references})
    return found


def _outer_lane(node: Any, lanes: dict[str, str]) -> str | None:
    while node is not None:
        if node.get("id") in lanes:
            return lanes[node.get("id")]
        node = node.getparent()
    return None


def _role(sheet: Sheet, node: Any, name: str) -> None:
    roles = sheet.around.roles
    if name and roles is not None and name not in roles:
        remedy = did_you_mean(name, roles) or "Name the lane after a role."
        sheet.strict(node, f"There is no role named {name}.", remedy)


def _user_task(sheet: Sheet, node: Any, lane: str | None) -> None:
    form = zeebe.attributes(node, "formDefinition").get("formId")
    if form:
        _named(sheet, node, form, sheet.around.forms, "form")
    elif not sheet.around.allow_undeclared:
        sheet.warn(node, "The task has no form.", "Give it a form, so that what is done is recorded.")
    assignment = zeebe.attributes(node, "assignmentDefinition")
    if not lane and not assignment:
        sheet.strict(node, "Nobody is asked to do this task.", "Put it in a lane named after a role, or assign it.")
    groups = assignment.get("candidateGroups", "")
    if groups and not groups.startswith("="):
        for group in groups.split(","):
            _role(sheet, node, group.strip())
    properties = zeebe.properties(node)
    apart = properties.get("separateFrom")
    if apart and apart not in {n.get("id") for n in sheet.nodes("userTask")}:
        sheet.error(
            node, f"separateFrom names {apart}, which is not a user task of this process.", "Name a user task's id."
        )
    if properties.get("deadline") and not zeebe.attributes(node, "taskSchedule").get("dueDate"):
        sheet.error(node, "The task sets a deadline but has no due date.", "Set its due date.")


def _operation(sheet: Sheet, node: Any) -> None:
    name = zeebe.attributes(node, "taskDefinition").get("type")
    if local(node) == "sendTask" and node.get("messageRef"):
        if name:
            sheet.error(node, "The send task has both a message and an operation.", "Keep one of them.")
        return
    operations = sheet.around.operations
    if name is None or operations is None:
        return
    if name.startswith("="):
        sheet.error(node, "The operation is an expression.", "Name a registered operation.")
        return
    operation = operations.get(name)
    if operation is None and len(name) > LONGEST_TYPE:
        sheet.error(
            node, f"The type has more than {LONGEST_TYPE} characters: no worker could ask for it.", "Shorten it."
        )
        return
    if operation is None and name.startswith(OUTSIDE):
        return
    if operation is None and sheet.around.allow_undeclared and not sheet.declared:
        sheet.warn(
            node,
            f"There is no operation named {name}: the task waits for a worker outside.",
            did_you_mean(name, operations.names()) or f"Begin the type with {OUTSIDE} to say so.",
        )
        return
    if operation is None:
        remedy = did_you_mean(name, operations.names()) or "Name a registered operation."
        sheet.error(node, f"There is no operation named {name}.", remedy)
        return
    known = {i.rstrip("?") for i in operation.inputs}
    mapped = {target.split(".")[0] for target, _ in zeebe.mappings(node)[0]}
    for target in sorted(mapped - known):
        remedy = did_you_mean(target, known) or "Remove the mapping."
        sheet.error(node, f"The operation {name} has no input {target}.", remedy)
    needed = {i for i in operation.inputs if not i.endswith("?")} - mapped
    for missing in sorted(needed):
        if sheet.declared and missing not in sheet.declared.types:
            sheet.error(node, f"The operation {name} needs the input {missing}.", "Map it.")


def _version_tag(sheet: Sheet, node: Any) -> None:
    """A case runs on its release: a version with the tag that the diagram asks for has to be in it."""
    known = sheet.around.version_tags
    for tag, (what, attribute) in _BOUND.items():
        values = zeebe.attributes(node, tag)
        if known is None or values.get("bindingType") != "versionTag":
            continue
        wanted, found = values.get("versionTag"), known.get((what, values.get(attribute, "")))
        if not wanted or wanted != found:
            has = f"has the tag {found}" if found else "has none"
            asked = f"the version tag {wanted}" if wanted else "a version tag without naming it"
            sheet.error(
                node,
                f"The {what} is asked for by {asked}, and that of the release {has}.",
                f"Publish the {what} with this tag together with the diagram, or set the binding to deployment.",
            )


def _named(sheet: Sheet, node: Any, name: str | None, known: Collection[str] | None, what: str) -> None:
    if not name or known is None:
        return
    if name.startswith("="):
        sheet.error(node, f"The {what} is an expression.", f"Name a {what} of the release.")
    elif name not in known:
        remedy = did_you_mean(name, known) or f"Publish the {what} together with the diagram."
        sheet.error(node, f"There is no {what} named {name} in the release.", remedy)


def _call(sheet: Sheet, node: Any) -> None:
    called = zeebe.attributes(node, "calledElement")
    processes = sheet.around.processes
    _named(sheet, node, called.get("processId"), processes, "process")
    declared = (processes or {}).get(called.get("processId", ""))
    if not declared:
        return
    for target, _ in zeebe.mappings(node)[0]:
        if target.split(".")[0] not in declared.types:
            remedy = did_you_mean(target, declared.types) or "Declare it there, or remove the mapping."
            sheet.error(node, f"The called process does not declare the variable {target}.", remedy)
    if called.get("propagateAllParentVariables", "true") == "true" and sheet.declared:
        sheet.warn(
            node,
            "The call hands every variable over.",
            "Set propagateAllParentVariables to false and map what is needed.",
        )


def _subscription(sheet: Sheet, node: Any) -> None:
    reference = node.get("messageRef")
    if local(node) != "receiveTask":
        definition = event_definition(node)
        if definition is None or local(definition) != "messageEventDefinition":
            return
        reference = definition.get("messageRef")
    name, key = sheet.messages.get(reference or "", ("", None))
    if name.startswith("="):
        sheet.error(node, "The message's name is an expression.", "Give the message a plain name.")
    starts_process = local(node) == "startEvent" and local(node.getparent()) == "process"
    if name and key is None and not starts_process:
        sheet.error(
            node, f"The message {name} has no correlation key.", "Set the message's subscription correlation key."
        )


def _sent(sheet: Sheet, node: Any) -> None:
    """A key where a message starts a process. In a stranger's diagram whoever drew it knows that it makes the message wait."""
    definition = event_definition(node)
    reference = node.get("messageRef") if definition is None else definition.get("messageRef")
    name, _ = sheet.messages.get(reference or "", ("", None))
    handing = sheet.around.handing
    begun = handing.begins.get(name) if handing is not None else None
    if begun is None or sheet.around.allow_undeclared:
        return
    if any(target == "correlationKey" for target, _ in zeebe.mappings(node)[0]):
        sheet.warn(
            node,
            f"The message {name} starts {begun}, and waits while an instance that it has started with the same key is active.",
            "Leave the mapping of correlationKey out, unless there must be one at a time.",
        )
