"""Reading the XML of a decision file, and finding one's way in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from app.decisions.errors import DecisionFileError
from app.problems import Problem

MAX_BYTES = 4_000_000
MAX_DEPTH = 100
Element = Any  # lxml has no types
LOGIC = frozenset(
    (
        "literalExpression",
        "decisionTable",
        "context",
        "relation",
        "list",
        "invocation",
        "functionDefinition",
        "conditional",
        "filter",
        "for",
        "some",
        "every",
    )
)


def parse(data: bytes, file: str) -> Element:
    """The root element, `definitions`. Raises DecisionFileError with the reason."""

    def refuse(what: str, remedy: str) -> DecisionFileError:
        return DecisionFileError([Problem(file, "", what, remedy)])

    if len(data) > MAX_BYTES:
        raise refuse("The file is too large.", f"A decision file may have at most {MAX_BYTES // 1_000_000} MB.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    if b"<!DOCTYPE" in data.replace(b"\0", b""):
        raise refuse("The file has a document type declaration.", "Remove the line that begins with <!DOCTYPE.")
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise refuse(f"The file is not well-formed XML (line {line}).", "Export it from the modeller again.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise refuse("The file has a document type declaration.", "Remove the line that begins with <!DOCTYPE.")
    if _depth(root) > MAX_DEPTH:
        raise refuse("The file is nested too deeply.", f"At most {MAX_DEPTH} levels are read.")
    if local_name(root) != "definitions" or "/DMN/" not in (etree.QName(root).namespace or ""):
        raise refuse("The file is not a DMN decision model.", "Upload a .dmn file with a definitions element.")
    return root


def _depth(root: Element) -> int:
    """The number of levels, counted without recursion."""
    level, deepest = [root], 0
    while level:
        deepest += 1
        if deepest > MAX_DEPTH:
            break
        level = [child for element in level for child in element]
    return deepest


def local_name(element: Element) -> str:
    return str(etree.QName(element).localname)


def children(element: Element, *names: str) -> list[Element]:
    return [child for child in element if local_name(child) in names]


def child(element: Element | None, *names: str) -> Element | None:
    if element is None:
        return None
    return next((found for found in element if local_name(found) in names), None)


def text_of(element: Element | None, name: str = "text") -> str:
    """The text of the child of that name, stripped; an empty text when there is none."""
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""


def logic_of(element: Element | None) -> Element | None:
    """The boxed expression inside an element."""
    if element is None:
        return None
    return next((found for found in element if local_name(found) in LOGIC), None)


def id_of(element: Element | None) -> str:
    """The id of the element, or of the nearest one around it that has one."""
    while element is not None:
        found = element.get("id")
        if found:
            return str(found)
        element = element.getparent()
    return ""


def variable_type(element: Element | None) -> str | None:
    """The typeRef of an element's variable."""
    variable = child(element, "variable")
    found = variable.get("typeRef") if variable is not None else None
    return str(found) if found else None


def descendants(element: Element, *names: str) -> Iterator[Element]:
    for found in element.iter():
        if local_name(found) in names:
            yield found
