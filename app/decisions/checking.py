"""The check of a decision file before it is published."""

from __future__ import annotations

from collections.abc import Mapping

from app.decisions.building import Builder
from app.decisions.coverage import check_coverage
from app.decisions.document import Document, Resolve
from app.decisions.errors import DecisionFileError
from app.decisions.model import Model
from app.decisions.services import Service
from app.decisions.xml import Element, child, descendants, text_of
from app.problems import Problem

_PARAMETERS = "params"


def check(
    xml: bytes,
    file: str,
    *,
    resolve: Resolve | None = None,
    variables: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Everything that is wrong with a decision file, as far as can be told without running it.

    :param variables: the declared variables of the processes that call it; only for models without input data.
    """
    try:
        document = Document(xml, file, resolve)
    except DecisionFileError as error:
        return error.problems
    problems: list[Problem] = []
    model = Model(document, problems)
    builder = model.room.builder
    for element in document.missing_imports:
        name = element.get("name") or element.get("namespace") or ""
        builder.report(element, f"The imported model “{name}” is not there.", "Publish it together with this one.")
    language = document.root.get("expressionLanguage") or ""
    if language and "FEEL" not in language.upper():
        builder.report(document.root, f"The expression language “{language}” is not supported.", "Write FEEL.")
    if not document.named["decision"]:
        builder.report(document.root, "The file has no decision.", "Add a decision.")
    for definition in descendants(document.root, "itemDefinition", "itemComponent"):
        builder.coercion(definition, text_of(definition, "typeRef"))
        for tag in ("allowedValues", "typeConstraint"):
            text = text_of(child(definition, tag))
            if text:
                tested = builder.types.declared(text_of(definition, "typeRef"))
                builder.tests(child(definition, tag), text, {}, tested)
    if variables is not None and not document.closed:
        model.room.extra_scope = dict(variables)
        builder.closed = True
    _check_names(document, builder)
    for kind in ("businessKnowledgeModel", "decision"):
        for element in document.named[kind].values():
            model.room.plan(element)
    _check_circles(document, builder)
    for element in document.named["decisionService"].values():
        Service(model.room, element)
    for table in descendants(document.root, "decisionTable"):
        check_coverage(builder, table)
    return list(dict.fromkeys(problems))


def _check_names(document: Document, builder: Builder) -> None:
    """Reports what would hide the area's parameters from the decisions."""
    for kind in ("inputData", "decision", "businessKnowledgeModel", "decisionService"):
        element = document.named[kind].get(_PARAMETERS)
        if element is not None:
            what = f"The name “{_PARAMETERS}” stands for the area's parameters, and this would hide them."
            builder.report(element, what, "Give it another name. The parameters are there without being an input.")


def _check_circles(document: Document, builder: Builder) -> None:
    """Reports decisions that require themselves, directly or through others."""
    for element in document.named["decision"].values():
        reached: list[Element] = []
        pending = [element]
        while pending:
            for _, required in document.requirements(pending.pop()):
                if required is element:
                    name = element.get("name") or ""
                    builder.report(
                        element, f"The decision “{name}” requires itself.", "Remove one of the requirements."
                    )
                    pending.clear()
                    break
                if required not in reached:
                    reached.append(required)
                    pending.append(required)
