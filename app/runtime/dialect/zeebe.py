"""Reading the Zeebe extension elements of a node."""

from __future__ import annotations

from typing import Any

from app.runtime.dialect.xml import BPMN, ZEEBE
from app.runtime.specs.base import Mappings


def extension(node: Any, name: str) -> Any:
    """The extension element of that name, or None."""
    holder = node.find(f"{BPMN}extensionElements")
    return None if holder is None else holder.find(ZEEBE + name)


def attributes(node: Any, name: str) -> dict[str, str]:
    """The attributes of an extension element that are not empty."""
    element = extension(node, name)
    return {} if element is None else {key: value for key, value in element.attrib.items() if value}


def mappings(node: Any) -> tuple[Mappings, Mappings]:
    """Input and output mappings as (target, source)."""
    element = extension(node, "ioMapping")
    if element is None:
        return (), ()
    inputs = tuple((e.get("target", ""), e.get("source", "")) for e in element.findall(ZEEBE + "input"))
    outputs = tuple((e.get("target", ""), e.get("source", "")) for e in element.findall(ZEEBE + "output"))
    return inputs, outputs


def properties(node: Any) -> dict[str, str]:
    element = extension(node, "properties")
    if element is None:
        return {}
    return {e.get("name", ""): e.get("value", "") for e in element.findall(ZEEBE + "property")}


def headers(node: Any) -> dict[str, str]:
    element = extension(node, "taskHeaders")
    if element is None:
        return {}
    return {e.get("key", ""): e.get("value", "") for e in element.findall(ZEEBE + "header")}


def documentation(node: Any) -> str | None:
    """The element's own documentation."""
    texts = [(e.text or "").strip() for e in node.findall(f"{BPMN}documentation")]
    return "\n\n".join(text for text in texts if text) or None


def text_of(node: Any, tag: str) -> str | None:
    """The text of a BPMN child element, or None when it is missing or empty."""
    element = node.find(BPMN + tag)
    text = (element.text or "").strip() if element is not None else ""
    return text or None
