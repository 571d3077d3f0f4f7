"""The check of one BPMN file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.problems import Problem, Severity
from app.runtime.checker.context import Sheet, Surroundings
from app.runtime.checker.doubles import check_doubles
from app.runtime.checker.expressions import check_expressions
from app.runtime.checker.handing import Handing
from app.runtime.checker.references import check_references
from app.runtime.checker.structure import check_structure
from app.runtime.checker.unheeded import check_plain_names, check_unheeded
from app.runtime.checker.unset import check_unset
from app.runtime.checker.zeebe_rules import check_zeebe
from app.runtime.declarations import Declarations
from app.runtime.dialect.parser import Release
from app.runtime.dialect.xml import BPMN, is_executable, local, read_xml
from app.runtime.errors import DiagramRefused
from app.runtime.ports import Operations

LONGEST_NAME = 200
MOST_PROBLEMS = 500


def check_bpmn(
    xml: bytes,
    file: str,
    *,
    forms: Collection[str] | None = None,
    decisions: Collection[str] | None = None,
    processes: Mapping[str, Declarations] | Collection[str] | None = None,
    operations: Operations | None = None,
    roles: Collection[str] | None = None,
    form_variables: Mapping[str, Collection[str]] | None = None,
    allow_undeclared: bool = False,
    decision_inputs: Mapping[str, Collection[str]] | None = None,
    handing: Handing | None = None,
    version_tags: Mapping[tuple[str, str], str] | None = None,
) -> list[Problem]:
    """Everything that keeps a diagram from running faithfully, and warnings; in the order of the file.

    What is None is not known here and not checked.

    :param processes: the process ids of the release, with their declared variables when these are to be checked too.
    :param roles: slugs and titles of the roles.
    :param form_variables: by form id, the variables that its answers become.
    :param decision_inputs: by decision id, the variables that it reads.
    :param handing: what the diagrams of the release hand to each other; None: a process may start with anything.
    :param version_tags: by kind (form, decision, process) and id; without an entry: untagged.
    :param allow_undeclared: warn, where undeclared variables and unknown roles would be refused (demo area).
    """
    problems: list[Problem] = []
    refused: list[DiagramRefused] = []
    root = None
    try:
        root = read_xml(xml, file)
        Release().add(xml, file, refused)
    except DiagramRefused as error:
        refused.append(error)
    problems += [error.problem(file) for error in refused]
    if root is not None and local(root) == "definitions":
        known = (
            processes if isinstance(processes, Mapping) or processes is None else {p: Declarations() for p in processes}
        )
        around = Surroundings(
            forms,
            decisions,
            known,
            operations,
            roles,
            form_variables or {},
            allow_undeclared,
            decision_inputs or {},
            handing,
            version_tags,
        )
        _check_all(root, file, around, problems)
    nodes = root.iter() if root is not None else ()
    order = {node.get("id"): i for i, node in enumerate(nodes) if isinstance(node.tag, str)}
    return _not_too_many(file, sorted(_without_repeats(problems), key=lambda p: order.get(p.element_id, -1)))


def _check_all(root: Any, file: str, around: Surroundings, problems: list[Problem]) -> None:
    _ids(root, file, problems)
    _long_names(root, file, problems)
    processes = root.findall(f"{BPMN}process")
    for process in filter(is_executable, processes):
        sheet = Sheet(file, root, process, around, problems)
        if process.get("isExecutable") is None and any(each.get("isExecutable") for each in processes):
            what = "The process does not say whether it is to run, and another of the file does."
            sheet.error(process, what, "Set isExecutable to true, or to false when it is only drawn.")
        for rule in (check_structure, check_unheeded, check_doubles, check_references, check_expressions, check_unset):
            rule(sheet)
        check_zeebe(sheet, process)
    for name in ("message", "signal", "error", "escalation"):
        for node in root.iter(BPMN + name):
            sheet = Sheet(file, root, node, around, problems)
            check_zeebe(sheet, node)
            check_plain_names(sheet, node)
            if name in ("message", "signal") and not node.get("name"):
                what = f"A {name} has no name."
                problems.append(Problem(file, node.get("id") or "", what, "Give it a name.", Severity.ERROR))


def _ids(root: Any, file: str, problems: list[Problem]) -> None:
    """SpiffWorkflow would silently merge elements of the same id."""
    seen: set[str] = set()
    for node in root.iter():
        if not isinstance(node.tag, str) or not node.tag.startswith(BPMN):
            continue
        found = node.get("id")
        if found in seen:
            what = f"The id is used more than once (here by a {local(node)})."
            problems.append(Problem(file, found or "", what, "Give each element an id of its own.", Severity.ERROR))
        if found:
            seen.add(found)


def _long_names(root: Any, file: str, problems: list[Problem]) -> None:
    for node in root.iter(*(BPMN + name for name in ("process", "message", "signal"))):
        if len(node.get("name") or "") > LONGEST_NAME:
            what = f"The name of this {local(node)} has more than {LONGEST_NAME} characters."
            problems.append(Problem(file, node.get("id") or "", what, "Shorten it.", Severity.ERROR))


def _without_repeats(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _not_too_many(file: str, problems: list[Problem]) -> list[Problem]:
    """As many as a person can use: errors before warnings when there are more."""
    if len(problems) <= MOST_PROBLEMS:
        return problems
    told = sorted(problems, key=lambda p: p.severity is not Severity.ERROR)[:MOST_PROBLEMS]
    what = f"There are {len(problems) - MOST_PROBLEMS:,} more problems."
    return [*told, Problem(file, "", what, "Mend these first, then check again.", told[0].severity)]
