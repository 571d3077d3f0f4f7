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

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"


class _Gauge:
    """Counts while expat reads: nothing is built, and the reading stops at the first limit."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.depth = self.nodes = self.elements = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def _doctype(self, *_: object) -> None:
        raise DiagramRefused(
            "The file has a DOCTYPE.", "Remove the DOCTYPE; BPMN files do not need one.", file=self.file
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.nodes += 1
        if "{" + name.rpartition("}")[0] + "}" == BPMN and "id" in attributes:
            self.elements += 1
        if self.depth > MAX_DEPTH:
            raise DiagramRefused(
                f"The file nests more than {MAX_DEPTH} deep.", "Use fewer levels of sub-processes.", file=self.file
            )
        if self.elements > MAX_ELEMENTS or self.nodes > MAX_NODES:
            raise DiagramRefused(
                f"The file has more than {MAX_ELEMENTS:,} elements.",
                "Split the procedure and use call activities.",
                file=self.file,
            )

    def _end(self, _: str) -> None:
        self.depth -= 1


def read_xml(data: bytes, file: str = "") -> Any:
    """The root element of an XML file.

    :raises DiagramRefused: not XML, too large, too deep, too many elements, or a DOCTYPE.
    """
    if len(data) > MAX_BYTES:
        raise DiagramRefused("The file is larger than 2 MB.", "Split the procedure and use call activities.", file=file)
    try:
        _Gauge(file).parser.Parse(data, True)
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
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


def local(element: Any) -> str:
    """The tag without its namespace."""
    name: str = etree.QName(element).localname
    return name
