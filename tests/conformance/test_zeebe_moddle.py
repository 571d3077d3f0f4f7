"""Every type and attribute that Camunda's modeller may write is honoured or refused: read from its own descriptor.

Needs zeebe-bpmn-moddle, which `scripts/setup.sh browser` installs in this folder.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.runtime.checker.zeebe_rules import HONOURED, REFUSED, REFUSED_NODE_ATTRIBUTES, TEMPLATE_ATTRIBUTES

PACKAGE = Path(__file__).parent / "node_modules" / "zeebe-bpmn-moddle"
TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not PACKAGE.exists(), reason="zeebe-bpmn-moddle is not installed")

# Where it is shown that an element or attribute is honoured: the file, and the test.
FLOW, EVENTS, CHECKER = ("unit/runtime/test_runtime_" + name for name in ("flow.py", "events.py", "checker.py"))
MAPPED = (FLOW, "test_mappings_service_decision_and_call")
ENTRY = (FLOW, "test_a_user_task_is_entered_with_everything_evaluated")
BINDING = (CHECKER, "test_bindings_other_than_deployment_are_warned_of")
KEPT = (CHECKER, "test_what_the_modeller_keeps_for_itself_is_left_alone")
HEADERS = (FLOW, "test_headers_go_with_the_task_and_with_the_operation")
HANDED = ("unit/runtime/test_runtime_mappings.py", "test_what_a_call_hands_over_and_takes_back")
MANY = (FLOW, "test_multi_instance_over_a_list_with_a_gap")
SHOWN: dict[str, tuple[str, str]] = {
    "ioMapping": MAPPED,
    "input.source": MAPPED,
    "input.target": MAPPED,
    "input.modelerConfigurationTemplate": KEPT,
    "input.modelerConfigurationName": KEPT,
    "output.source": MAPPED,
    "output.target": MAPPED,
    "subscription.correlationKey": (EVENTS, "test_a_message_with_the_wrong_key_is_not_taken"),
    "taskHeaders": HEADERS,
    "header.id": KEPT,
    "header.key": HEADERS,
    "header.value": HEADERS,
    "taskDefinition.type": (FLOW, "test_a_missing_operation_is_an_incident_and_is_retried"),
    "taskDefinition.retries": (
        "integration/runtime/test_runtime_retries.py",
        "test_when_all_is_in_vain_there_is_an_incident_that_a_person_retries",
    ),
    "loopCharacteristics.inputCollection": MANY,
    "loopCharacteristics.inputElement": MANY,
    "loopCharacteristics.outputCollection": MANY,
    "loopCharacteristics.outputElement": MANY,
    "calledElement.processId": MAPPED,
    "calledElement.propagateAllChildVariables": HANDED,
    "calledElement.propagateAllParentVariables": HANDED,
    "calledElement.bindingType": BINDING,
    "calledElement.versionTag": BINDING,
    "formDefinition.formId": ENTRY,
    "formDefinition.bindingType": BINDING,
    "formDefinition.versionTag": BINDING,
    "userTask": ENTRY,
    "calledDecision.decisionId": MAPPED,
    "calledDecision.resultVariable": MAPPED,
    "calledDecision.bindingType": BINDING,
    "calledDecision.versionTag": BINDING,
    "assignmentDefinition.assignee": ENTRY,
    "assignmentDefinition.candidateGroups": ENTRY,
    "assignmentDefinition.candidateUsers": ENTRY,
    "priorityDefinition.priority": ENTRY,
    "taskSchedule.dueDate": ENTRY,
    "taskSchedule.followUpDate": ENTRY,
    "properties": ENTRY,
    "property.name": ENTRY,
    "property.value": ENTRY,
    "property.modelerConfigurationTemplate": KEPT,
    "property.modelerConfigurationName": KEPT,
    "script.expression": MAPPED,
    "script.resultVariable": MAPPED,
    "versionTag.value": KEPT,
}


@cache
def descriptor() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PACKAGE / "resources" / "zeebe.json").read_text())
    return found


def types() -> dict[str, dict[str, Any]]:
    return {kind["name"]: kind for kind in descriptor()["types"]}


def tag(name: str) -> str:
    return name[0].lower() + name[1:]


def attributes(kind: dict[str, Any]) -> set[str]:
    """The attributes of a type, with those that it inherits and those that other types add to it."""
    own = {p["name"] for p in kind.get("properties", []) if p.get("isAttr") or p["type"] == "String"}
    for parent in kind.get("superClass", []):
        own |= attributes(types()[parent]) if parent in types() else set()
    for other in types().values():
        if f"zeebe:{kind['name']}" in other.get("extends", []):
            own |= attributes(other)
    return own


def elements() -> dict[str, set[str]]:
    """The types that stand in a file as elements of their own."""
    return {
        tag(kind["name"]): attributes(kind)
        for kind in types().values()
        if not kind.get("extends") and kind["name"] != "InputOutputParameter"
    }


def test_the_descriptor_is_the_one_that_the_rules_follow() -> None:
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == "2.0.0"
    assert descriptor()["uri"] == "http://camunda.org/schema/zeebe/1.0"


def test_every_element_and_attribute_is_honoured_or_refused() -> None:
    assert set(elements()) == set(HONOURED) | set(REFUSED)
    for name, names in elements().items():
        if name in HONOURED:
            assert names == HONOURED[name].honoured | set(HONOURED[name].refused), name


def test_every_attribute_on_bpmn_elements_is_known() -> None:
    added: set[str] = set()
    for kind in types().values():
        if any(extended.startswith("bpmn:") for extended in kind.get("extends", [])):
            added |= attributes(kind)
    assert added == set(REFUSED_NODE_ATTRIBUTES) | TEMPLATE_ATTRIBUTES


def test_nothing_is_allowed_where_the_modeller_cannot_put_it() -> None:
    """Nor is anything refused where it can, but on start events and for what the whole type says."""
    for name, rule in HONOURED.items():
        where = types()[name[0].upper() + name[1:]].get("meta", {}).get("allowedIn", [])
        plain = {tag(place.split(":")[1]) for place in where if place.startswith("bpmn:")}
        for place in rule.on & {"userTask", "callActivity", "process", "receiveTask", "scriptTask"}:
            services = "zeebe:ZeebeServiceTask" in where and place == "scriptTask"
            assert place in plain or services, (name, place)


def test_each_is_shown_to_be_honoured() -> None:
    wanted = {
        f"{name}.{attribute}" if attribute else name
        for name, rule in HONOURED.items()
        for attribute in (rule.honoured or {""})
    }
    assert set(SHOWN) == wanted


@pytest.mark.parametrize("place", sorted(set(SHOWN.values())))
def test_the_tests_named_here_are_there(place: tuple[str, str]) -> None:
    assert source_of(place)


def source_of(place: tuple[str, str]) -> str:
    """The text of a test, with what it is given."""
    file, name = place
    text = (TESTS / file).read_text(encoding="utf-8")
    found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        return ""
    first = min([found[0].lineno, *(one.lineno for one in found[0].decorator_list)])
    return "\n".join(text.splitlines()[first - 1 : found[0].end_lineno])


# What the short forms of runtime_kit write.
WRITTEN = {
    "io(": ("ioMapping", "input.source", "input.target", "output.source", "output.target"),
    "user(": ("userTask",),
    "props(": ("properties", "property.name", "property.value"),
    "script(": ("script.expression", "script.resultVariable"),
    "service(": ("taskDefinition.type",),
    "call(": ("calledElement.processId", *(f"calledElement.propagateAll{who}Variables" for who in ("Child", "Parent"))),
    "mi(": tuple(
        f"loopCharacteristics.{put}{what}" for put in ("input", "output") for what in ("Collection", "Element")
    ),
    "msg(": ("subscription.correlationKey",),
    "begin(": ("taskDefinition.retries",),
}


@pytest.mark.parametrize("what", sorted(SHOWN))
def test_what_is_shown_there_is_written_there(what: str) -> None:
    source = source_of(SHOWN[what])
    element, _, attribute = what.partition(".")
    plain = element in source and (not attribute or attribute in source)
    assert plain or any(short in source and what in names for short, names in WRITTEN.items())
