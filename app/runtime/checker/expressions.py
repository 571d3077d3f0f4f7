"""Expressions: every FEEL text of a diagram against the declared variables, and every variable that the diagram
writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.feel import FeelError, compile_expression
from app.feel.checking import check as feel_check
from app.feel.syntax import Name
from app.runtime.checker.context import Sheet, event_definition
from app.runtime.checker.foreign_functions import foreign_function
from app.runtime.checker.references import did_you_mean
from app.runtime.declarations import PREFIX, TYPE_NAMES, parse_type
from app.runtime.dialect import zeebe
from app.runtime.dialect.xml import BPMN, local
from app.runtime.errors import Fault
from app.runtime.language import cycle_of, duration_of, instant_of, later, shown, within_calendar

_COUNTERS = dict.fromkeys(
    (
        "numberOfInstances",
        "numberOfCompletedInstances",
        "numberOfActiveInstances",
        "numberOfTerminatedInstances",
    ),
    "number",
)
HIGHEST_PRIORITY = 100
_PLAIN_TASK_PARTS = (
    ("assignmentDefinition", ("assignee", "candidateGroups", "candidateUsers")),
    ("taskSchedule", ("dueDate", "followUpDate")),
    ("priorityDefinition", ("priority",)),
)


def check_expressions(sheet: Sheet) -> None:
    _declarations(sheet)
    for node in sheet.nodes():
        _mappings(sheet, node)
        _own(sheet, node)
        _multi_instance(sheet, node)
        _event(sheet, node)
        _properties(sheet, node)
        _names(sheet, node)
        _writes(sheet, node)
    for flow in sheet.process.iter(f"{BPMN}sequenceFlow"):
        text = zeebe.text_of(flow, "conditionExpression")
        if text:
            _feel(sheet, flow, text, _seen(sheet, flow), expect="boolean", needs_feel=True)


def _declarations(sheet: Sheet) -> None:
    for name, text in zeebe.properties(sheet.process).items():
        if name.startswith(PREFIX) and parse_type(text or "") is None:
            remedy = f"Use one of: {', '.join(TYPE_NAMES)}."
            sheet.error(
                sheet.process, f"The variable {name[len(PREFIX) :]} is declared with the unknown type {text}.", remedy
            )
    if "params" in sheet.declared.types:
        what = "A variable named params would hide the area's parameters."
        sheet.error(sheet.process, what, "Give the variable another name.")
    if not sheet.declared:
        sheet.strict(
            sheet.process,
            "The process declares no variables.",
            "Declare each as a property variable:<name> with its type.",
        )


# ------------------------------------------------------------------------------------------------ what is seen where
def _seen(sheet: Sheet, node: Any) -> dict[str, str]:
    """The variables an element sees, with their types: the declared ones and the local ones of what is around it."""
    types = {name: declared.feel_type for name, declared in sheet.declared.types.items()}
    chain = [node]
    while chain[-1] is not sheet.process and chain[-1].getparent() is not None:
        chain.append(chain[-1].getparent())
    for element in reversed(chain):
        loop = element.find(f"{BPMN}multiInstanceLoopCharacteristics")
        if loop is not None:
            types["loopCounter"] = "number"
            values = zeebe.attributes(loop, "loopCharacteristics")
            if values.get("inputElement"):
                types.setdefault(values["inputElement"], "any")
            if values.get("outputCollection"):
                types.setdefault(values["outputCollection"], "list")
            own = values.get("outputElement", "").removeprefix("=").strip()
            if own.isidentifier():
                types.setdefault(own, "any")
        if element is not node:
            types.update(_inputs_of(element))
    return types


def _inputs_of(element: Any) -> dict[str, str]:
    return {target.split(".")[0]: "any" for target, _ in zeebe.mappings(element)[0]}


def _inside(sheet: Sheet, node: Any) -> dict[str, str]:
    """What an activity sees itself: its input mappings too."""
    return {**_seen(sheet, node), **_inputs_of(node)}


# ------------------------------------------------------------------------------------------------ one text
def _feel(
    sheet: Sheet,
    node: Any,
    text: str,
    types: Mapping[str, str],
    *,
    expect: str | None = None,
    closed: bool = True,
    needs_feel: bool = False,
) -> None:
    if not text.startswith("="):
        if needs_feel:
            sheet.error(node, f"“{shown(text)}” is not a FEEL expression.", "Begin it with an equals sign.")
        return
    problems = feel_check(text[1:], types, expect=expect, closed=closed and bool(sheet.declared))
    foreign = foreign_function(text) if problems else None
    if foreign is not None:
        name, remedy = foreign
        sheet.error(node, f"In the expression {shown(text)}: There is no function “{name}”.", remedy)
        return
    for problem in problems:
        sheet.error(node, f"In the expression {shown(text)}: {problem.what}", problem.remedy)


def _mappings(sheet: Sheet, node: Any) -> None:
    inputs, outputs = zeebe.mappings(node)
    seen = dict(_seen(sheet, node))
    for target, source in inputs:
        if not target or not source:
            sheet.error(node, "An input mapping has no source or no target.", "Complete it or remove it.")
            continue
        _feel(sheet, node, source, seen)
        seen[target.split(".")[0]] = "any"
    types, closed = _produced(sheet, node)
    for target, source in outputs:
        if not target or not source:
            sheet.error(node, "An output mapping has no source or no target.", "Complete it or remove it.")
            continue
        _feel(sheet, node, source, types, closed=closed)
        types[target.split(".")[0]] = "any"


def _produced(sheet: Sheet, node: Any) -> tuple[dict[str, str], bool]:
    """What the output mappings of an element see, and whether that is all."""
    name = local(node)
    types = _inside(sheet, node)
    if name == "callActivity":
        called = (sheet.around.processes or {}).get(zeebe.attributes(node, "calledElement").get("processId", ""))
        if called:
            return {**_seen(sheet, node), **{n: d.feel_type for n, d in called.types.items()}}, True
        return {}, False
    if name == "serviceTask" and sheet.around.operations is not None:
        operation = sheet.around.operations.get(zeebe.attributes(node, "taskDefinition").get("type", ""))
        for output, text in (operation.outputs if operation else {}).items():
            declared = parse_type(text)
            types[output] = declared.feel_type if declared else "any"
        return types, operation is not None
    for tag in ("script", "calledDecision"):
        result = zeebe.attributes(node, tag).get("resultVariable")
        if result:
            types[result] = "any"
    return types, name not in ("receiveTask", "userTask") and not name.endswith("Event")


def _own(sheet: Sheet, node: Any) -> None:
    types = _inside(sheet, node)
    if local(node) == "scriptTask":
        text = zeebe.attributes(node, "script").get("expression", "")
        if text:
            _feel(sheet, node, text if text.startswith("=") else f"={text}", types)
    for tag, names in _PLAIN_TASK_PARTS:
        values = zeebe.attributes(node, tag)
        for name in names:
            if name in values:
                _feel(sheet, node, values[name], types)
    _written_schedule(sheet, node)


def _written_schedule(sheet: Sheet, node: Any) -> None:
    """Dates and priorities that are written out can be read now."""
    for name, text in zeebe.attributes(node, "taskSchedule").items():
        if name in ("dueDate", "followUpDate") and not text.startswith("="):
            try:
                instant_of(text, f"The {name}")
            except Fault:
                what = f"The {name} “{shown(text)}” is no date or date and time."
                sheet.error(node, what, "Write it like 2026-05-01T17:00:00, or as a FEEL expression.")
    priority = zeebe.attributes(node, "priorityDefinition").get("priority", "0")
    if not priority.startswith("=") and not (priority.isdecimal() and int(priority) <= HIGHEST_PRIORITY):
        what = f"The priority “{shown(priority)}” is not a whole number from 0 to {HIGHEST_PRIORITY}."
        sheet.error(node, what, "Write it out, or as a FEEL expression.")


def _multi_instance(sheet: Sheet, node: Any) -> None:
    loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if loop is None:
        return
    values = zeebe.attributes(loop, "loopCharacteristics")
    outside = _seen(sheet, node.getparent())
    _feel(sheet, node, values.get("inputCollection", ""), outside, expect="list", needs_feel=True)
    if "outputElement" in values:
        closed = local(node) in ("userTask", "receiveTask") or not zeebe.mappings(node)[1]
        types = {**_inside(sheet, node), **{target.split(".")[0]: "any" for target, _ in zeebe.mappings(node)[1]}}
        _feel(
            sheet,
            node,
            values["outputElement"],
            types,
            closed=closed and local(node) not in ("userTask", "receiveTask"),
            needs_feel=True,
        )
    if ("outputElement" in values) != ("outputCollection" in values):
        sheet.error(node, "Output collection and output element belong together.", "Set both or neither.")
    until = zeebe.text_of(loop, "completionCondition")
    if until:
        _feel(sheet, node, until, {**_inside(sheet, node), **_COUNTERS}, expect="boolean", needs_feel=True)


def _event(sheet: Sheet, node: Any) -> None:
    definition = event_definition(node)
    reference = node.get("messageRef") if local(node) == "receiveTask" else None
    types = _seen(sheet, node)
    if local(node) == "boundaryEvent":
        host = next(
            (c for c in node.getparent() if isinstance(c.tag, str) and c.get("id") == node.get("attachedToRef")), None
        )
        if host is not None:
            types = _inside(sheet, host)
    if definition is not None:
        for tag in ("timeDate", "timeDuration", "timeCycle"):
            text = zeebe.text_of(definition, tag)
            if text:
                _feel(sheet, node, text, types)
                if not text.startswith("="):
                    _written_time(sheet, node, tag, text)
                    sheet.warn(
                        node,
                        f"The time {shown(text)} is written into the diagram.",
                        "Take it from a parameter: =params.name.",
                    )
        reference = reference or definition.get("messageRef")
    if reference and local(node) in ("receiveTask", "boundaryEvent", "intermediateCatchEvent", "startEvent"):
        key = sheet.messages.get(reference, ("", None))[1]
        if key and not (local(node) == "startEvent" and local(node.getparent()) == "process"):
            _feel(sheet, node, key, types, needs_feel=True)


_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_TIMES: dict[str, tuple[Callable[[Any, str], Any], str]] = {
    "timeDate": (instant_of, "2026-05-01T17:00:00"),
    "timeDuration": (duration_of, "PT4H, P2D or P3M (not months and days together)"),
    "timeCycle": (cycle_of, "R3/PT4H"),
}


def _written_time(sheet: Sheet, node: Any, tag: str, text: str) -> None:
    read, example = _TIMES[tag]
    what = f"The time {shown(text)}"
    try:
        found = read(text, what)
        if tag != "timeDate":
            within_calendar(later(_SOME_DAY, found[1] if isinstance(found, tuple) else found))
    except Fault as fault:
        sheet.error(node, fault.message, f"Write it like {example}, or as a FEEL expression.")
    except (OverflowError, ValueError):
        sheet.error(node, f"{what} gave a time beyond the calendar.", f"Write it like {example}.")


def _properties(sheet: Sheet, node: Any) -> None:
    types = _inside(sheet, node)
    for text in zeebe.properties(node).values():
        if text and text.startswith("="):
            _feel(sheet, node, text, types)


def _names(sheet: Sheet, node: Any) -> None:
    """Names that the element gives to variables: an expression must be able to read them."""
    inputs, outputs = zeebe.mappings(node)
    given = [target.split(".")[0] for target, _ in (*inputs, *outputs)]
    given += [zeebe.attributes(node, tag).get("resultVariable", "") for tag in ("script", "calledDecision")]
    loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if loop is not None:
        values = zeebe.attributes(loop, "loopCharacteristics")
        given += [values.get("inputElement", ""), values.get("outputCollection", "")]
    for name in dict.fromkeys(given):
        if name and not _readable(name, sheet.declared.names):
            what = f"No expression can read a variable of the name “{shown(name)}”."
            sheet.error(node, what, "Use letters, digits and underscores, beginning with a letter.")
    for target, _ in (*inputs, *outputs):
        head, *rest = target.split(".")
        if rest and not (head and all(part.isidentifier() for part in rest)):
            what = f"The target “{shown(target)}” is no path."
            sheet.error(node, what, "Write names with a full stop between them, such as address.town.")


def _readable(name: str, declared: frozenset[str]) -> bool:
    try:
        tree = compile_expression(name, declared).ast
    except FeelError:
        return False
    return isinstance(tree, Name) and tree.name == name


def _writes(sheet: Sheet, node: Any) -> None:
    """Variables that leave the element: each must be declared, or be local to something around it."""
    if not sheet.declared:
        return
    outputs = zeebe.mappings(node)[1]
    written = {target.split(".")[0] for target, _ in outputs}
    if not outputs:
        written |= {zeebe.attributes(node, tag).get("resultVariable", "") for tag in ("script", "calledDecision")} - {
            ""
        }
        if (
            local(node) in ("serviceTask", "sendTask")
            and sheet.around.operations is not None
            and not node.get("messageRef")
        ):
            operation = sheet.around.operations.get(zeebe.attributes(node, "taskDefinition").get("type", ""))
            written |= set(operation.outputs) if operation else set()
        if local(node) == "userTask":
            form = zeebe.attributes(node, "formDefinition").get("formId", "")
            written |= set(sheet.around.form_variables.get(form, ()))
    loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if loop is not None:
        collection = zeebe.attributes(loop, "loopCharacteristics").get("outputCollection")
        written |= {collection} if collection else set()
    known = _inside(sheet, node)
    for name in sorted(written):
        if name not in known:
            remedy = did_you_mean(name, known) or f"Declare it: variable:{name}."
            sheet.error(node, f"The element writes the variable {name}, which the process does not declare.", remedy)
