"""The check of all files of a release together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from app import decisions, forms
from app.errors import ConvenorError
from app.identity.roles import Role
from app.problems import Problem, Severity
from app.runtime.checker.diagram import check_bpmn
from app.runtime.checker.handing import Handing
from app.runtime.declarations import Declarations, declarations_of
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, ZEEBE, is_executable, local, read_xml
from app.runtime.errors import DiagramRefused
from app.runtime.models import FileKind
from app.runtime.parsed import resolver
from app.runtime.ports import Operations

ROLES = frozenset(name for role in Role for name in (str(role), role.title))


def kind_of(name: str) -> FileKind | None:
    """What a file is, by the end of its name."""
    end = PurePosixPath(name).suffix.lower().lstrip(".")
    return next((kind for kind in FileKind if kind == end), None)


def check_release(
    files: Mapping[str, bytes], *, operations: Operations | None, allow_undeclared: bool
) -> list[Problem]:
    """Each file for itself, and what they refer to in each other. In the order of their names."""
    problems: list[Problem] = []
    diagrams = {n: c for n, c in sorted(files.items()) if kind_of(n) is FileKind.BPMN}
    tables = {n: c for n, c in sorted(files.items()) if kind_of(n) is FileKind.DMN}
    for name in sorted(files):
        if kind_of(name) is None:
            problems.append(
                Problem(name, "", "This is not a diagram, decision or form.", "Leave it out.", Severity.ERROR)
            )
    handing = Handing()
    processes, uses = _processes(diagrams, handing, problems)
    decision_inputs = _decisions(tables, problems)
    form_variables = _forms(files, processes, uses, problems)
    version_tags = _version_tags(files)
    for name, content in diagrams.items():
        problems += check_bpmn(
            content,
            name,
            forms=form_variables,
            decisions=decision_inputs,
            processes=processes,
            operations=operations,
            roles=ROLES,
            form_variables=form_variables,
            allow_undeclared=allow_undeclared,
            decision_inputs=decision_inputs,
            handing=handing,
            version_tags=version_tags,
        )
    return problems


def _version_tags(files: Mapping[str, bytes]) -> dict[tuple[str, str], str]:
    """Of the forms, decisions and processes that have one. Unreadable files are reported by their own check."""
    found: dict[tuple[str, str], str] = {}
    for name, content in files.items():
        kind = kind_of(name)
        try:
            if kind is FileKind.FORM:
                form = json.loads(content)
                found["form", form["id"]] = form.get("versionTag") or ""
            elif kind in (FileKind.BPMN, FileKind.DMN):
                found |= {
                    (local(owner), owner.get("id") or ""): tag.get("value") or ""
                    for tag in read_xml(content, name).iter(f"{ZEEBE}versionTag")
                    if (owner := _owner(tag)) is not None
                }
        except (DiagramRefused, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def _owner(extension: Any) -> Any:
    holder = extension.getparent()
    return None if holder is None else holder.getparent()


def _processes(
    diagrams: Mapping[str, bytes], handing: Handing, problems: list[Problem]
) -> tuple[dict[str, Declarations], dict[str, set[str]]]:
    """Declared variables by process, and which processes use each form. Unreadable files are reported by their own
    check."""
    found: dict[str, Declarations] = {}
    uses: dict[str, set[str]] = {}
    calls: dict[str, set[str]] = {}
    for name, content in diagrams.items():
        try:
            root = read_xml(content, name)
        except DiagramRefused:
            continue
        handing.add(root)
        for process in filter(is_executable, root.iter(f"{BPMN}process")):
            process_id = process.get("id") or ""
            if process_id in found:
                what = f"The process {process_id} is drawn in two files."
                problems.append(Problem(name, process_id, what, "Give each process an id of its own."))
            found[process_id] = declarations_of(zeebe.properties(process))
            calls[process_id] = {
                zeebe.attributes(node, "calledElement").get("processId", "")
                for node in process.iter(f"{BPMN}callActivity")
            }
            for node in process.iter(f"{BPMN}userTask"):
                form = zeebe.attributes(node, "formDefinition").get("formId")
                if form:
                    uses.setdefault(form, set()).add(process_id)
            if _calls_itself(process_id, calls):
                what = "The process calls itself, directly or through others."
                problems.append(Problem(name, process_id, what, "Draw a loop inside one process instead."))
    return found, uses


def _calls_itself(process_id: str, calls: Mapping[str, set[str]]) -> bool:
    todo, seen = list(calls[process_id]), set[str]()
    while todo:
        called = todo.pop()
        if called == process_id:
            return True
        if called not in seen:
            seen.add(called)
            todo += calls.get(called, ())
    return False


def _decisions(tables: Mapping[str, bytes], problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    """The decisions, each with the variables that it reads."""
    found: dict[str, tuple[str, ...]] = {}
    resolve = resolver(tables)
    for name, content in tables.items():
        problems += decisions.check(content, name, resolve=resolve)
        try:
            model = decisions.load(content, file=name, resolve=resolve)
            found |= {id_: decision.reads for id_, decision in model.decisions.items()}
        except ConvenorError:
            continue  # reported by its own check
    return found


def _forms(
    files: Mapping[str, bytes],
    processes: Mapping[str, Declarations],
    uses: Mapping[str, set[str]],
    problems: list[Problem],
) -> dict[str, set[str]]:
    """The variables of each form, after checking it against the processes that use it."""
    found: dict[str, set[str]] = {}
    for name, content in sorted(files.items()):
        if kind_of(name) is not FileKind.FORM:
            continue
        try:
            form = forms.load(content, name)
        except ConvenorError:
            problems += forms.check(content, name)
            continue
        if form.id in found:
            problems.append(Problem(name, form.id, "Two forms have this id.", "Give each form an id of its own."))
        found[form.id] = set(variables_of(form))
        checked = [processes[p] for p in sorted(uses.get(form.id, ())) if processes.get(p)]
        reports = [forms.check(content, name, declared=_types(declared)) for declared in checked]
        for problem in dict.fromkeys(p for report in reports or [forms.check(content, name)] for p in report):
            problems.append(problem)
    return found


def _types(declared: Declarations) -> dict[str, str]:
    return {name: found.name for name, found in declared.types.items()}


def variables_of(form: forms.Form) -> list[str]:
    """The variables that the answers of a form become."""
    return sorted({component.marks.variable for component in form.components() if component.marks.variable})
