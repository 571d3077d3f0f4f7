"""Reading XML from outside in bounded time and memory."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from lxml import etree

from app.runtime.errors import DiagramRefused

MAX_BYTES = 2_000_000
MAX_DEPTH = 100
MAX_ELEMENTS = 2_000
MAX_NODES = 60_000
MAX_ATTRIBUTES = 100
MAX_CHILDREN = 2_500
MAX_ENTRIES = 500

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
# Elements that count with an id or without: what asks one for each other must stay quick.
COUNTED = frozenset(
    BPMN + name
    for name in (
        *("task", "userTask", "manualTask", "scriptTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask"),
        *("subProcess", "adHocSubProcess", "transaction", "callActivity"),
        *("startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"),
        *("exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "complexGateway"),
        *("sequenceFlow", "process", "message", "signal", "error", "escalation", "lane"),
    )
)


class _Gauge:
    """Counts while expat reads: nothing is built, and the reading stops at the first limit."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.nodes = self.elements = 0
        self.inside: list[list[int]] = []  # of each open element: how many children it has, and how many it may have
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def _doctype(self, *_: object) -> None:
        raise self._refused("The file has a DOCTYPE.", "Remove the DOCTYPE; BPMN files do not need one.")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = "{" + name
        self.nodes += 1
        if name in COUNTED or (name.startswith(BPMN) and "id" in attributes):
            self.elements += 1
        if self.inside:
            self._child(self.inside[-1])
        limit = MAX_ENTRIES if name.startswith(ZEEBE) else MAX_CHILDREN if name.startswith(BPMN) else MAX_NODES
        self.inside.append([0, limit])
        if len(self.inside) > MAX_DEPTH:
            raise self._refused(f"The file nests more than {MAX_DEPTH} deep.", "Use fewer levels of sub-processes.")
        if self.elements > MAX_ELEMENTS or self.nodes > MAX_NODES:
            what = f"The file has more than {MAX_ELEMENTS:,} elements."
            raise self._refused(what, "Split the procedure and use call activities.")
        if len(attributes) > MAX_ATTRIBUTES:
            what = f"An element has more than {MAX_ATTRIBUTES} attributes."
            raise self._refused(what, "Open the file in a modeller and save it again.")

    def _child(self, around: list[int]) -> None:
        around[0] += 1
        if around[0] > around[1]:
            what = f"An element holds more than {around[1]:,} others."
            raise self._refused(what, "Split the procedure and use call activities.")

    def _refused(self, what: str, remedy: str) -> DiagramRefused:
        return DiagramRefused(what, remedy, file=self.file)

    def _end(self, _: str) -> None:
        self.inside.pop()


def read_xml(data: bytes, file: str = "") -> Any:
    """The root element of an XML file.

    :raises DiagramRefused: not XML, too large, too deep, too many elements, or a DOCTYPE.
    """
    if len(data) > MAX_BYTES:
        raise DiagramRefused("The file is larger than 2 MB.", "Split the procedure and use call activities.", file=file)
    try:
        _Gauge(file).parser.Parse(data, True)
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,  # they would cut a text in two, of which only the first half is read
            remove_pis=True,
        )
        return etree.fromstring(data, parser)
    except expat.ExpatError as error:
        raise DiagramRefused(
            f"The file is not well-formed XML (line {error.lineno}).",
            "Open it in a modeller and save it again.",
            file=file,
        ) from error
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:  # LookupError: an encoding that nobody knows
        raise DiagramRefused(
            "The file is not well-formed XML.", "Open it in a modeller and save it again.", file=file
        ) from error


def is_executable(process: Any) -> bool:
    """Whether a process is to run. One that does not say so is, unless it holds nothing: then it is another party's pool."""
    marked = process.get("isExecutable")
    return any(child.tag in COUNTED for child in process) if marked is None else marked == "true"


def local(element: Any) -> str:
    """The tag without its namespace."""
    name: str = etree.QName(element).localname
    return name
