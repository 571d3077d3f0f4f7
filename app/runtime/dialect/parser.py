# mypy: allow-subclassing-any
"""From the bytes of a release's diagrams to specifications that its instances share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.runtime.declarations import declarations_of
from app.runtime.dialect import elements, events, zeebe
from app.runtime.dialect.xml import BPMN, is_executable, local, read_xml
from app.runtime.errors import DiagramRefused
from app.runtime.specs import activities, gateways, subprocesses
from app.runtime.specs import events as event_specs
from app.runtime.specs.events import Trigger
from app.runtime.specs.process import ProcessSpec
from app.runtime.spiff import BpmnParser, ProcessParser, ValidationException, full_tag
from app.runtime.words import Words

REFUSED_TAGS = {
    "complexGateway": ("Complex gateways are not supported.", "Use inclusive or parallel gateways."),
    "transaction": ("Transactions are not supported.", "Use a sub-process with error boundary events."),
    "adHocSubProcess": (
        "Ad-hoc sub-processes are not supported.",
        "Draw the order of the work, or use parallel branches.",
    ),
    "standardLoopCharacteristics": ("Standard loops are not supported.", "Draw the loop with a gateway."),
}
PARSERS = {
    "startEvent": (events.StartParser, event_specs.StartEvent),
    "endEvent": (events.EndParser, event_specs.EndEvent),
    "boundaryEvent": (events.BoundaryParser, event_specs.BoundaryEvent),
    "intermediateCatchEvent": (events.CatchParser, event_specs.CatchEvent),
    "intermediateThrowEvent": (events.ThrowParser, event_specs.ThrowEvent),
    "userTask": (elements.UserTaskParser, activities.UserTask),
    "task": (elements.PassTaskParser, activities.PassTask),
    "manualTask": (elements.PassTaskParser, activities.PassTask),
    "scriptTask": (elements.ScriptTaskParser, activities.ScriptTask),
    "serviceTask": (elements.ServiceTaskParser, activities.ServiceTask),
    "sendTask": (elements.SendTaskParser, activities.SendTask),
    "businessRuleTask": (elements.DecisionTaskParser, activities.DecisionTask),
    "receiveTask": (events.ReceiveParser, activities.ReceiveTask),
    "subProcess": (elements.SubProcessParser, subprocesses.SubProcess),
    "callActivity": (elements.CallActivityParser, subprocesses.CallActivity),
    "exclusiveGateway": (elements.ChoiceParser, gateways.ExclusiveGateway),
    "inclusiveGateway": (elements.ChoiceParser, gateways.InclusiveGateway),
    "parallelGateway": (elements.GatewayParser, gateways.ParallelGateway),
    "eventBasedGateway": (events.EventGatewayParser, gateways.EventBasedGateway),
}
_NAME = re.compile(r"[^\W\d][\w.-]{0,99}")
_OURS = (".split", ".trigger")
FLOW_NODE_TAGS = frozenset(BPMN + name for name in PARSERS)


def refuse_strange(element_id: str | None, file: str) -> None:
    """Ids are kept in tables and stand beside names of the engine's own.

    :raises DiagramRefused: no XML name, too long, or it ends like a name of the engine's.
    """
    if element_id and _NAME.fullmatch(element_id) and not element_id.endswith(_OURS):
        return
    raise DiagramRefused(
        "An element or process has no id, or its id is not an XML name of at most 100 characters that ends neither in "
        ".split nor in .trigger.",
        "Use letters, digits, hyphens and underscores, beginning with a letter.",
        element_id=element_id or "",
        file=file,
    )


class FlowParser(ProcessParser):
    """One process, or the inside of one sub-process."""

    def create_spec(self) -> ProcessSpec:
        return ProcessSpec(self.bpmn_id, self.get_name(), self.filename)

    def _parse(self) -> None:
        """SpiffWorkflow would resolve data objects first; the dialect takes them for drawings."""
        self.spec = self.create_spec()
        self.process_id = self.parent.process_id if self.parent is not None else self.bpmn_id
        self.add_tasks()

    def add_tasks(self) -> None:
        """Build every element, then join them. What cannot be read is left out here and reported by the file's parser."""
        parser = self.parser
        built: dict[str, Any] = {}
        with parser.reporting():
            if self.node.find(f"{BPMN}startEvent") is None:
                raise DiagramRefused(
                    "There is no start event.",
                    "Draw where it begins.",
                    element_id=self.bpmn_id or "",
                    file=self.filename or "",
                )
        for node in self.node:
            if node.tag in FLOW_NODE_TAGS:
                with parser.reporting():
                    self._build(node, built)
        for element in built.values():
            with parser.reporting():
                element.attach(built)
        for element in built.values():
            with parser.reporting():
                if getattr(element, "is_event_sub_process", False):
                    self._arm(element)
                else:
                    element.connect(built)

    def _build(self, node: Any, built: dict[str, Any]) -> None:
        element_id = node.get("id")
        if not element_id or element_id in self.spec.task_specs:
            raise DiagramRefused(
                "An element has no id, or the id of another.",
                "Give every element an id of its own.",
                element_id=element_id or self.bpmn_id,
                file=self.filename or "",
            )
        refuse_strange(element_id, self.filename or "")
        parser_class, spec_class = self.parser.OVERRIDE_PARSER_CLASSES[node.tag]
        if node.get("triggeredByEvent") == "true" and local(node) == "subProcess":
            spec_class = subprocesses.EventSubProcess
        element = parser_class(self, spec_class, node, self.nsmap, lane=self.lane or self.get_lane_name(element_id))
        element.build()
        built[element_id] = element

    def _arm(self, parser: elements.SubProcessParser) -> None:
        """An event sub-process: its start waits in this scope, its body follows."""
        inside = self.parser.process_parsers[parser.bpmn_id].get_spec()
        if not inside.start_events:
            return  # refused already
        start = inside.plain_start
        definition = start.trigger_definition
        if definition.kind == "none":
            raise parser.refuse(
                "An event sub-process has no event to start it.",
                "Give its start event a timer, message, signal, error or escalation.",
            )
        if definition.kind == "error" and not start.interrupting:
            raise parser.refuse(
                "An event sub-process that an error starts cannot be non-interrupting.",
                "Make its start event interrupting.",
            )
        name = f"{start.name}.trigger"
        if name in self.spec.task_specs:
            raise parser.refuse("The start event has the id of another.", "Give every element an id of its own.")
        trigger = Trigger(self.spec, name, definition)
        trigger.bpmn_id = start.name
        trigger.bpmn_name = start.bpmn_name
        trigger.interrupting = trigger.interrupts = start.interrupting
        self.spec.start.connect(trigger)
        trigger.connect(parser.task)
        parser.task.connect(self.spec.end)

    # ---- sub-processes
    def parse_inside(self, parser: elements.SubProcessParser) -> None:
        starts = parser.node.findall(f"{BPMN}startEvent")
        if len(starts) != 1:
            raise parser.refuse("A sub-process needs exactly one start event.", "Draw one start event inside it.")
        self.parser.create_parser(parser.node, filename=parser.filename, lane=parser.lane)
        inside = self.parser.process_parsers[parser.bpmn_id]
        inside.parent = self
        inside.get_spec()

    def inside_key(self, sub_process_id: str) -> str:
        return f"{self.process_id}/{sub_process_id}"


class DiagramParser(BpmnParser):
    """One file."""

    PROCESS_PARSER_CLASS = FlowParser
    OVERRIDE_PARSER_CLASSES = {full_tag(tag): classes for tag, classes in PARSERS.items()}

    def __init__(self) -> None:
        super().__init__()
        self.correlation_keys: dict[str, str] = {}
        self.refused: list[DiagramRefused] | None = None

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """What is refused inside is raised; or collected, when the whole file is to be checked."""
        try:
            yield
        except DiagramRefused as refused:
            if self.refused is None:
                raise
            self.refused.append(refused)

    def _add_messages(self, bpmn: Any) -> None:
        super()._add_messages(bpmn)
        for node in bpmn.iter(f"{BPMN}message"):
            key = zeebe.attributes(node, "subscription").get("correlationKey")
            if key:
                self.correlation_keys[node.get("id")] = key

    def get_process_ids(self) -> list[str]:
        return [process_id for process_id, parser in self.process_parsers.items() if is_executable(parser.node)]

    def _add_data_stores(self, bpmn: Any) -> None:
        """Drawings only."""

    def _add_correlations(self, bpmn: Any) -> None:
        """The dialect correlates by ``zeebe:subscription``."""


class Release:
    """The parsed diagrams of a release: shared by all its instances, never changed.

    :ivar processes: by process id.
    :ivar blueprints: those and the sub-processes inside them, by ``process/sub-process``.
    """

    def __init__(self) -> None:
        self.processes: dict[str, ProcessSpec] = {}
        self.blueprints: dict[str, ProcessSpec] = {}
        self.files: dict[str, str] = {}

    def add(self, xml: bytes, file: str = "", refused: list[DiagramRefused] | None = None) -> list[str]:
        """Parse one file. Returns the ids of its executable processes.

        :param refused: collects everything that cannot be run, instead of raising the first.
        :raises DiagramRefused: it cannot be read or run.
        """
        root = read_xml(xml, file)
        if local(root) != "definitions":
            raise DiagramRefused("The file is not a BPMN diagram.", "Upload a .bpmn file.", file=file)
        parser = DiagramParser()
        parser.refused = refused
        for process in filter(is_executable, root.iter(f"{BPMN}process")):
            for node in process.iter(*(BPMN + tag for tag in REFUSED_TAGS)):
                owner = node if node.get("id") and local(node) != "standardLoopCharacteristics" else node.getparent()
                with parser.reporting():
                    raise DiagramRefused(*REFUSED_TAGS[local(node)], element_id=owner.get("id") or "", file=file)
        try:
            parser.add_bpmn_xml(root, file)
            found = list(parser.get_process_ids())
            for process_id in found:
                with parser.reporting():
                    self._parse(parser, process_id, file)
        except ValidationException as error:
            raise DiagramRefused(str(error).splitlines()[0], "Mend it in a modeller.", file=file) from error
        if not found:
            raise DiagramRefused("The file has no executable process.", "Mark a process as executable.", file=file)
        for name, process_parser in parser.process_parsers.items():
            if process_parser.spec is not None:
                self._keep(name, process_parser, file)
        parser.process_parsers.clear()  # they know it too: the file's tree would be kept until the collector finds the ring
        words = Words(xml)
        for process_id in self.processes.keys() & set(found):
            self.processes[process_id].words = words
        return found

    def _parse(self, parser: DiagramParser, process_id: str, file: str) -> None:
        refuse_strange(process_id, file)
        if process_id in self.processes:
            raise DiagramRefused(
                f"The process {process_id} is drawn twice.",
                "Give each process an id of its own.",
                element_id=process_id,
                file=file,
            )
        parser.get_spec(process_id)

    def _keep(self, name: str, parser: FlowParser, file: str) -> None:
        spec: ProcessSpec = parser.spec
        spec.process_id = parser.process_id
        if parser.parent is None:
            spec.properties = zeebe.properties(parser.node)
            spec.declarations = declarations_of(spec.properties)
            spec.names = frozenset(n for n in spec.declarations.names if not n.isidentifier())
        else:  # what holds for the process holds inside it; the process comes first
            whole = self.processes[parser.process_id]
            spec.properties, spec.declarations, spec.names = whole.properties, whole.declarations, whole.names
        spec.numbers()
        if parser.parent is None:
            spec.elements = sorted(n.get("id") for n in parser.node.iter() if n.tag in FLOW_NODE_TAGS and n.get("id"))
            self.processes[name] = self.blueprints[name] = spec
            self.files[name] = file
        else:
            self.blueprints[f"{parser.process_id}/{name}"] = spec


def parse_release(files: Mapping[str, bytes]) -> Release:
    """Parse the diagrams of a release, in the order of their names.

    :raises DiagramRefused: the first thing that cannot be read or run.
    """
    release = Release()
    for name in sorted(files):
        release.add(files[name], name)
    return release
