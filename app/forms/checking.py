"""Checking a form file before it is published, and loading one that has been.

What would fail silently in form-js is refused here, where it stands, with a remedy: a name that does not exist makes a
condition null, and a null condition hides a required question from everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.forms import vocabulary as v
from app.forms.checking_expressions import ExpressionCheck
from app.forms.errors import FormFileError
from app.forms.kinds.choice import YES_NO, OneQuestion
from app.forms.model import Component, Computed, Field, Form, Group, Page, Question, RepeatingGroup, Text
from app.forms.reading import Reader
from app.problems import Problem, Severity


def load(json_bytes: bytes, file: str) -> Form:
    """The form in a file. Raises `FormFileError` with every problem that makes it unusable."""
    reader = Reader(file)
    form = reader.form(json_bytes)
    if form is None or reader.problems:
        raise FormFileError(file, reader.problems)
    problems = [problem for problem in _structure(form) if problem.severity is Severity.ERROR]
    if problems:
        raise FormFileError(file, problems)
    return form


def check(
    json_bytes: bytes,
    file: str,
    *,
    declared: Mapping[str, str] | None = None,
    context_names: Collection[str] = (),
) -> list[Problem]:
    """Everything that is wrong with a form file, in the order of the file.

    :param declared: the process's variables and their types; None when the process is not known here.
    :param context_names: the names that FEEL may use beside the form's own; empty for the usual ones.
    """
    reader = Reader(file)
    form = reader.form(json_bytes)
    if form is None:
        return reader.problems
    problems = [*reader.problems, *_structure(form), *_variables(form, declared), *_texts(form)]
    expressions = ExpressionCheck(form, frozenset(context_names) or v.CONTEXT_NAMES)
    problems.extend(expressions.problems())
    order = {component.id: number for number, component in enumerate(form.components())}
    return sorted(problems, key=lambda problem: order.get(problem.element_id, -1))


# ------------------------------------------------------------------------------------------------- structure
def _structure(form: Form) -> list[Problem]:
    found: list[Problem] = []
    paths: dict[str, str] = {}
    ids: set[str] = set()
    for component in form.components():
        if component.id in ids:
            found.append(
                Problem(
                    form.file, component.id, "Two components have this id.", "Give each its own; the form editor does."
                )
            )
        ids.add(component.id)
        if isinstance(component, Field | RepeatingGroup):
            if component.name in paths:
                what = f"The key {component.name} is also that of {paths[component.name]}."
                found.append(Problem(form.file, component.id, what, "Give each question its own key."))
            paths.setdefault(component.name, component.id)
    for name, identity in paths.items():
        parts = name.split(".")
        for length in range(1, len(parts)):
            shorter = ".".join(parts[:length])
            if shorter in paths and not _is_list(form, shorter):
                what = f"The key {shorter} is both a question and the group of {name}."
                found.append(Problem(form.file, identity, what, "Rename one of them."))
    if len(form.pages) > 1:
        found.extend(
            Problem(form.file, page.id, "The page has no label.", "Give the group one; it is the page's heading.")
            for page in form.pages
            if not page.label
        )
    found.extend(_rules(form, set(paths)))
    return found


def _is_list(form: Form, name: str) -> bool:
    return any(isinstance(component, RepeatingGroup) and component.name == name for component in form.components())


def _rules(form: Form, names: set[str]) -> list[Problem]:
    found: list[Problem] = []
    for component in form.components():
        if isinstance(component, Text) and component.marks.role == "error" and component.at:
            candidates = {".".join((*component.path[:n], *component.at)) for n in range(len(component.path) + 1)}
            if not candidates & names:
                what = f"The rule points at {'.'.join(component.at)}, which is no question of this form."
                found.append(Problem(form.file, component.id, what, "Name a question beside it, or its full path."))
    return found


# ------------------------------------------------------------------------------------------------- variables
def _variables(form: Form, declared: Mapping[str, str] | None) -> list[Problem]:
    found: list[Problem] = []
    for component in form.fields():
        marks = component.marks
        if not marks.variable:
            if marks.value_type and not isinstance(component, OneQuestion):
                found.append(
                    _problem(
                        form, component, "A value type is given, but no variable.", "Name the variable, or remove it."
                    )
                )
            continue
        found.extend(_personal(form, component))
        if component.in_list:
            remedy = "Compute it over the whole list in an expression, and map that."
            found.append(_problem(form, component, "A question in a repeating group cannot be one variable.", remedy))
        if not marks.value_type:
            found.append(_problem(form, component, "The variable has no value type.", "Give valueType."))
        elif isinstance(component, OneQuestion) and marks.value_type == "boolean":
            found.extend(_yes_no(form, component))
        if declared is not None:
            found.extend(_declared(form, component, declared))
    return found


def _personal(form: Form, component: Field) -> list[Problem]:
    """No direct identifier and no free text may become a process variable."""
    marks = component.marks
    remedy = "Remove variable; the answer stays in the encrypted submission."
    if component.type in v.FREE_TEXT_TYPES or (
        isinstance(component, Question) and marks.value_type == "string" and component.type not in v.CHOICE_TYPES
    ):
        return [_problem(form, component, "Free text cannot become a process variable.", remedy)]
    identifying = marks.sensitivity & v.IDENTIFYING
    if identifying:
        what = f"An answer marked {', '.join(sorted(identifying))} cannot become a process variable."
        return [_problem(form, component, what, remedy)]
    return []


def _yes_no(form: Form, question: OneQuestion) -> list[Problem]:
    if question.source is None and {option.value for option in question.values} <= YES_NO.keys():
        return []
    return [
        _problem(
            form,
            question,
            "The answers are not yes and no, but the variable is a boolean.",
            "Use the values yes and no.",
        )
    ]


def _declared(form: Form, component: Field, declared: Mapping[str, str]) -> list[Problem]:
    marks = component.marks
    stated = declared.get(marks.variable)
    if stated is None:
        remedy = f"Declare variable:{marks.variable} on the process, or correct the name."
        return [_problem(form, component, f"The process declares no variable {marks.variable}.", remedy)]
    kind, _, rest = stated.partition("(")
    if marks.value_type and kind.strip() not in v.DECLARED_FOR[marks.value_type]:
        what = f"The process declares {marks.variable} as {stated}, but this gives {marks.value_type}."
        return [_problem(form, component, what, "Make the two agree.")]
    if kind.strip() == "enum" and rest and isinstance(component, OneQuestion) and component.source is None:
        allowed = {value.strip() for value in rest.rstrip(") ").split("|")}
        unknown = [option.value for option in component.values if option.value not in allowed]
        if unknown:
            what = f"{marks.variable} cannot be {', '.join(unknown)}; the process declares {stated}."
            return [_problem(form, component, what, "Make the two agree.")]
    return []


# ------------------------------------------------------------------------------------------------- what people read
def _texts(form: Form) -> list[Problem]:
    found: list[Problem] = []
    for component in form.components():
        if (
            isinstance(component, Question)
            and component.type in v.FREE_TEXT_TYPES
            and (component.marks.assumed or not component.marks.sensitivity)
        ):
            what = "Free text has no sensitivity, so it is treated as personal."
            found.append(
                _problem(form, component, what, "Say in sensitivity what it may hold, or none.", Severity.WARNING)
            )
        if (
            isinstance(component, RepeatingGroup)
            and component.rows_from is None
            and component.min_items > component.max_items
        ):
            found.append(_problem(form, component, "minItems is greater than maxItems.", "Correct one of them."))
        if isinstance(component, Group) and not isinstance(component, Page | RepeatingGroup) and not component.children:
            found.append(_problem(form, component, "The group is empty.", "Put questions into it, or remove it."))
        if isinstance(component, Computed) and component.marks.ref and component.marks.value_type not in ("", "id"):
            found.append(_problem(form, component, "A reference is an id.", "Set valueType to id."))
    return found


def _problem(form: Form, component: Component, what: str, remedy: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(form.file, component.id, what, remedy, severity)
