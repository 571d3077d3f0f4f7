"""What the diagrams of a release hand to each other: variables to called processes, payloads with messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.runtime.checker.context import event_definition
from app.runtime.declarations import declarations_of
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, is_executable, local


class Handing:
    """Gathered over every diagram of a release.

    :ivar over: by process, the variables that its callers hand over; None when a caller hands over what cannot be told.
    :ivar payloads: by the name of a message, what those who send it put in.
    :ivar begins: by the name of a message, the process that it starts.
    """

    def __init__(self) -> None:
        self.over: dict[str, frozenset[str] | None] = {}
        self.payloads: dict[str, frozenset[str]] = {}
        self.begins: dict[str, str] = {}

    def add(self, root: Any) -> None:
        """Take in one diagram."""
        names = {node.get("id"): node.get("name") or "" for node in root.iter(f"{BPMN}message")}
        for process in filter(is_executable, root.iter(f"{BPMN}process")):
            declared = declarations_of(zeebe.properties(process)).names
            for node in process.iter(f"{BPMN}callActivity"):
                self._call(node, declared)
            for node in process.findall(f"{BPMN}startEvent"):
                self._begin(node, names, process.get("id") or "")
            for node in process.iter(f"{BPMN}intermediateThrowEvent", f"{BPMN}endEvent", f"{BPMN}sendTask"):
                self._send(node, names)

    def _call(self, node: Any, declared: frozenset[str]) -> None:
        called = zeebe.attributes(node, "calledElement")
        process_id = called.get("processId", "")
        given: frozenset[str] | None = _targets(zeebe.mappings(node)[0])
        if called.get("propagateAllParentVariables", "true") == "true":
            given = given | declared if given is not None and declared else None
        before = self.over.get(process_id, frozenset())
        self.over[process_id] = None if before is None or given is None else before | given

    def _begin(self, node: Any, names: dict[str, str], process_id: str) -> None:
        definition = event_definition(node)
        reference = definition.get("messageRef") if definition is not None else None
        if reference in names:
            self.begins.setdefault(names[reference], process_id)

    def _send(self, node: Any, names: dict[str, str]) -> None:
        definition = event_definition(node)
        reference = node.get("messageRef") if local(node) == "sendTask" else None
        if definition is not None:
            reference = definition.get("messageRef")
        if reference in names:
            message = names[reference]
            given = _targets(zeebe.mappings(node)[0]) - {"correlationKey"}
            self.payloads[message] = self.payloads.get(message, frozenset()) | given


def _targets(mappings: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(target.split(".")[0] for target, _ in mappings)
