"""A variable that is read before anything can have set it is null, silently. It is reported where it is read, when no
path to that place, and nothing that may run beside it, sets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from app.feel import FeelError, compile_expression
from app.feel import syntax as s
from app.feel.names import children, free_names
from app.runtime.checker.context import Sheet, event_definition
from app.runtime.checker.order import Order
from app.runtime.checker.writers import Writers
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, local

_ENTRY_PARTS = (
    ("assignmentDefinition", ("assignee", "candidateGroups", "candidateUsers")),
    ("taskSchedule", ("dueDate", "followUpDate")),
    ("priorityDefinition", ("priority",)),
)
_TIMES = ("timeDate", "timeDuration", "timeCycle")


def check_unset(sheet: Sheet) -> None:
    """Report each variable of the process that an element reads too early."""
    if sheet.declared:
        _Reading(sheet).run()


def names_read(text: str | None, known: Iterable[str]) -> frozenset[str]:
    """The variables that a text of the dialect reads. Names in a filter may be the items' own, and are left out."""
    if not text or not text.startswith("="):
        return frozenset()
    try:
        tree = compile_expression(text[1:], frozenset(known)).ast
    except FeelError:
        return frozenset()  # reported by its own check
    return free_names(tree) & _outside_filters(tree)


def _outside_filters(tree: s.Node) -> set[str]:
    todo: list[object] = [tree]
    found: set[str] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, s.Name):
            found.add(node.name)
        todo.extend([node.base] if isinstance(node, s.Filter) else children(node))
    return found


class _Reading:
    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.writers = Writers(sheet)
        self.order = Order(sheet.process)
        nodes = sheet.nodes()
        writes = {
            self.order.left[node.get("id")]: names
            for node in nodes
            if node.get("id") in self.order.left and (names := self.writers.of(node))
        }
        self.known = self.order.before(writes, self.writers.at_start())
        self.reached = self.order.reachable()
        self.anywhere = frozenset().union(*writes.values()) if writes else frozenset()

    def run(self) -> None:
        for node in self.sheet.nodes():
            place = self.order.entered.get(node.get("id"))
            if place is None or place not in self.reached:
                continue
            self._on_entry(node, place)
            self._on_leaving(node, self.order.left[node.get("id")])
        for flow in self.sheet.process.iter(f"{BPMN}sequenceFlow"):
            source = self.order.left.get(flow.get("sourceRef"))
            if source in self.reached:
                text = zeebe.text_of(flow, "conditionExpression")
                self._texts(flow, [text], source, self._local(flow))

    # ---- what an element reads
    def _on_entry(self, node: Any, place: int) -> None:
        around = self._local(node)
        seen = set(around)
        for target, source in zeebe.mappings(node)[0]:
            self._texts(node, [source], place, seen)
            seen.add(target.split(".")[0])
        loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if loop is not None:
            collection = zeebe.attributes(loop, "loopCharacteristics").get("inputCollection")
            self._texts(node, [collection], place, self._local(node.getparent()))
        texts = [zeebe.attributes(node, tag).get(name) for tag, names in _ENTRY_PARTS for name in names]
        texts += zeebe.properties(node).values()
        script = zeebe.attributes(node, "script").get("expression")
        if script:
            texts.append(script if script.startswith("=") else f"={script}")
        self._texts(node, texts, place, seen)
        self._decision(node, place, seen)
        self._event(node, place, around)

    def _decision(self, node: Any, place: int, seen: set[str]) -> None:
        called = zeebe.attributes(node, "calledDecision").get("decisionId", "")
        for name in sorted(self.sheet.around.decision_inputs.get(called, ())):
            self._read(node, name, place, seen, f"as an input of the decision {called}")

    def _event(self, node: Any, place: int, around: set[str]) -> None:
        """Times and correlation keys; of a boundary event, as they stand when its activity is entered."""
        name = local(node)
        seen = set(around)
        if name == "boundaryEvent":
            host = next((c for c in node.getparent() if node.get("attachedToRef") == c.get("id")), None)
            if host is None or node.get("attachedToRef") not in self.order.entered:
                return
            place = self.order.entered[node.get("attachedToRef")]
            seen |= self._local(host) | _inputs(host)
        definition = event_definition(node)
        if definition is not None:
            self._texts(node, [zeebe.text_of(definition, tag) for tag in _TIMES], place, seen)
        key = self.writers.correlation_key(node)
        in_process = name == "startEvent" and node.getparent() is self.sheet.process
        if key and not in_process and name in ("receiveTask", "boundaryEvent", "intermediateCatchEvent", "startEvent"):
            if name == "startEvent":  # of an event sub-process: evaluated when what is around it begins
                place, seen = self._begin_of(node.getparent().getparent()), self._local(node.getparent())
            self._texts(node, [key], place, seen)

    def _begin_of(self, level: Any) -> int:
        return self.order.root[0] if level is self.sheet.process else self.order.entered[level.get("id")]

    def _on_leaving(self, node: Any, place: int) -> None:
        outputs = zeebe.mappings(node)[1]
        produced = self.writers.produced(node)
        if local(node) != "callActivity" and produced is not None:
            seen = self._local(node) | _inputs(node) | produced
            for target, source in outputs:
                self._texts(node, [source], place, seen)
                seen.add(target.split(".")[0])
        loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if loop is not None and (produced is not None or outputs):
            seen = self._local(node) | _inputs(node) | (produced or set()) | {t.split(".")[0] for t, _ in outputs}
            element = zeebe.attributes(loop, "loopCharacteristics").get("outputElement")
            self._texts(node, [element, zeebe.text_of(loop, "completionCondition")], place, seen)

    # ---- reporting
    def _local(self, node: Any) -> set[str]:
        """Names that what is around an element gives it, and the names of its own loop."""
        found: set[str] = set()
        element = node
        while element is not None and element is not self.sheet.process:
            loop = element.find(f"{BPMN}multiInstanceLoopCharacteristics")
            if loop is not None:
                values = zeebe.attributes(loop, "loopCharacteristics")
                result = values.get("outputElement", "").removeprefix("=").strip().split(".")[0]
                found |= {"loopCounter", values.get("inputElement", ""), values.get("outputCollection", ""), result}
            if element is not node:
                found |= _inputs(element)
            element = element.getparent()
        return found

    def _texts(self, node: Any, texts: Iterable[str | None], place: int, seen: set[str]) -> None:
        for text in texts:
            for name in sorted(names_read(text, self.sheet.declared.names)):
                self._read(node, name, place, seen, f"in the expression {text}")

    def _read(self, node: Any, name: str, place: int, seen: set[str], where: str) -> None:
        if name not in self.sheet.declared.types or name in seen or name in self.known.get(place, ()):
            return
        report: Callable[[Any, str, str], None] = self.sheet.error if name in self.anywhere else self.sheet.strict
        report(
            node,
            f"The variable {name} is read {where}, before anything can have set it.",
            "Set it on a path that leads here, or name it in the property startVariables of the process when it is "
            "given at the start.",
        )


def _inputs(node: Any) -> set[str]:
    return {target.split(".")[0] for target, _ in zeebe.mappings(node)[0]}
