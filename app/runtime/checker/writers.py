"""What sets variables: which of them an element may set, and which a process may start with."""

from __future__ import annotations

from typing import Any

from app.runtime.checker.context import Sheet, event_definition
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, local

STANDARD = frozenset(("caseId", "meetingId", "starter", "starterAgency"))
START_VARIABLES = "startVariables"


class Writers:
    """Answers for the process of one sheet. Where it cannot be told what is set, everything may be."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.all = sheet.declared.names

    def at_start(self) -> frozenset[str]:
        """The standard variables, those that the process names, and those that its callers hand over. A process that
        only timers start begins with nothing."""
        handing = self.sheet.around.handing
        if handing is None:
            return self.all
        starts = self.sheet.process.findall(f"{BPMN}startEvent")
        definitions = [event_definition(node) for node in starts]
        if starts and all(d is not None and local(d) == "timerEventDefinition" for d in definitions):
            return frozenset()
        named = zeebe.properties(self.sheet.process).get(START_VARIABLES, "")
        given = STANDARD | {name.strip() for name in named.split(",")}
        handed = handing.over.get(self.sheet.process.get("id") or "", frozenset())
        return self.all if handed is None else frozenset(given | handed)

    def of(self, node: Any) -> frozenset[str]:
        """What an element may set outside itself."""
        outputs = zeebe.mappings(node)[1]
        if outputs:
            found = frozenset(target.split(".")[0] for target, _ in outputs)
        else:
            produced = self.produced(node)
            found = self.all if produced is None else frozenset(produced)
        loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if loop is not None:
            found |= {zeebe.attributes(loop, "loopCharacteristics").get("outputCollection", "")}
        return found & self.all

    def produced(self, node: Any) -> set[str] | None:
        """What an element brings forth, for its output mappings to take or to be set as it is. None: cannot be told."""
        name = local(node)
        around = self.sheet.around
        if name == "userTask":
            form = zeebe.attributes(node, "formDefinition").get("formId", "")
            return set(around.form_variables[form]) if form in around.form_variables else None
        if name in ("scriptTask", "businessRuleTask"):
            tag = "script" if name == "scriptTask" else "calledDecision"
            return {zeebe.attributes(node, tag).get("resultVariable", "")}
        if name == "callActivity":
            called = zeebe.attributes(node, "calledElement")
            if called.get("propagateAllChildVariables", "true") != "true":
                return set()
            declared = (around.processes or {}).get(called.get("processId", ""))
            return set(declared.names) if declared else None
        if name == "serviceTask" or (name == "sendTask" and not node.get("messageRef")):
            type_ = zeebe.attributes(node, "taskDefinition").get("type", "")
            operation = around.operations.get(type_) if around.operations is not None else None
            return set(operation.outputs) if operation is not None else None
        return self._payload(node, name)

    def _payload(self, node: Any, name: str) -> set[str] | None:
        if name not in ("receiveTask", "startEvent", "boundaryEvent", "intermediateCatchEvent"):
            return set()
        definition = event_definition(node)
        kind = "" if definition is None else local(definition)
        if kind == "signalEventDefinition":
            return None
        if name != "receiveTask" and kind != "messageEventDefinition":
            return set()
        message = self.sheet.messages.get(self._reference(node) or "", ("", None))[0]
        handing = self.sheet.around.handing
        sent = handing.payloads.get(message) if handing is not None else None
        return set(sent) if sent else None  # nobody in the release sends it: it comes from outside

    def _reference(self, node: Any) -> str | None:
        definition = event_definition(node)
        reference = node.get("messageRef") if definition is None else definition.get("messageRef")
        return str(reference) if reference else None

    def correlation_key(self, node: Any) -> str | None:
        """The expression of the key that an element waits for."""
        return self.sheet.messages.get(self._reference(node) or "", ("", None))[1]
