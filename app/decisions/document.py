"""One parsed definitions element with what it imports: elements by id and name, and its item definitions."""

from __future__ import annotations

from collections.abc import Callable

from app.decisions.errors import DecisionFileError
from app.decisions.xml import Element, child, children, descendants, local_name, parse
from app.problems import Problem

Resolve = Callable[[str, str | None], bytes | None]
MAX_IMPORTS = 5
_KINDS = ("decision", "inputData", "businessKnowledgeModel", "decisionService")


class Document:
    """A decision model as it is written.

    :param resolve: gives the bytes of an imported model by namespace and location, or None.
    """

    def __init__(self, data: bytes, file: str, resolve: Resolve | None = None, depth: int = 0) -> None:
        self.file = file
        self.root = parse(data, file)
        self.namespace = self.root.get("namespace", "")
        self.by_id: dict[str, Element] = {}
        self.named: dict[str, dict[str, Element]] = {kind: {} for kind in _KINDS}
        self.types: dict[str, Element] = {}
        for element in self.root:
            kind = local_name(element)
            if element.get("id"):
                self.by_id[element.get("id")] = element
            if kind == "itemDefinition":
                self.types[element.get("name") or ""] = element
            elif kind in self.named:
                self.named[kind][element.get("name") or element.get("id") or ""] = element
        self.imports: dict[str, Document] = {}
        self.missing_imports: list[Element] = []
        for element in children(self.root, "import"):
            if "/DMN/" in (element.get("importType") or ""):
                self._import(element, resolve, depth)
        self.long_names = frozenset(self._names())

    def _import(self, element: Element, resolve: Resolve | None, depth: int) -> None:
        if depth >= MAX_IMPORTS:
            raise DecisionFileError(
                [
                    Problem(
                        self.file, element.get("id", ""), "Models import each other too deeply.", "Merge some of them."
                    )
                ]
            )
        namespace, location = element.get("namespace", ""), element.get("locationURI")
        data = resolve(namespace, location) if resolve else None
        if data is None:
            self.missing_imports.append(element)
        else:
            self.imports[element.get("name") or ""] = Document(data, location or namespace, resolve, depth + 1)

    def _names(self) -> set[str]:
        """Every name in the model that is written with more than letters, so that expressions may hold it."""
        tags = (*_KINDS, "itemDefinition", "itemComponent", "variable", "formalParameter", "column", "output", "import")
        names = {element.get("name") for element in descendants(self.root, *tags)}
        for imported in self.imports.values():
            names |= imported.long_names
        return {name for name in names if name and "." not in name and not name.isidentifier()}

    @property
    def closed(self) -> bool:
        """Whether the model says what its inputs are. Otherwise its decisions see all variables, as in Camunda."""
        return bool(self.named["inputData"]) or bool(self.imports)

    def find(self, href: str) -> tuple[Document, Element] | None:
        """The element that a reference points to, with the document that it is in."""
        namespace, _, identity = href.rpartition("#")
        if not namespace or namespace == self.namespace:
            element = self.by_id.get(identity)
            return None if element is None else (self, element)
        for document in self.imports.values():
            if document.namespace == namespace and identity in document.by_id:
                return document, document.by_id[identity]
        return None

    def import_name(self, document: Document) -> str:
        """The name under which the other document is imported here."""
        return next((name for name, found in self.imports.items() if found.namespace == document.namespace), "")

    def requirements(self, element: Element) -> list[tuple[Document, Element]]:
        """What the element requires: input data, decisions, knowledge models, services."""
        found = []
        for requirement in children(element, "informationRequirement", "knowledgeRequirement"):
            target = child(requirement, "requiredInput", "requiredDecision", "requiredKnowledge")
            reference = self.find(target.get("href", "")) if target is not None else None
            if reference is not None:
                found.append(reference)
        return found

    def unmet_requirements(self, element: Element) -> list[Element]:
        """Requirements that point nowhere."""
        found = []
        for requirement in children(element, "informationRequirement", "knowledgeRequirement"):
            target = child(requirement, "requiredInput", "requiredDecision", "requiredKnowledge")
            if target is None or self.find(target.get("href", "")) is None:
                found.append(requirement)
        return found
