"""Checking the FEEL of a form: names, paths, types, and comparisons that never do what they seem to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from app.feel import FeelError, compile_expression
from app.feel import check as check_feel
from app.feel import syntax as s
from app.feel.checking_types import suggest
from app.feel.names import children
from app.forms import vocabulary as v
from app.forms.expressions import Expression, Template
from app.forms.kinds.choice import ChoiceQuestion, SeveralQuestion
from app.forms.kinds.files import FilesQuestion
from app.forms.kinds.number import NumberQuestion
from app.forms.kinds.text import TextQuestion
from app.forms.model import Component, Computed, Field, Form, Group, Question, RepeatingGroup, Table, Text
from app.problems import Problem

# A context's keys, or None for what may hold any.
Shape: TypeAlias = "Mapping[str, Shape | None]"


@dataclass(frozen=True, slots=True)
class Use:
    """One expression and where it stands."""

    component: Component
    expression: Expression
    what: str
    expect: str | None
    rows: RepeatingGroup | None


class ExpressionCheck:
    """Checks every expression of one form."""

    def __init__(self, form: Form, names: frozenset[str]) -> None:
        self.form = form
        self.names = names | v.SCOPE_NAMES
        self.shape = _shape_of(form)
        self.types = dict.fromkeys((*names, *self.shape, *v.SCOPE_NAMES), "any") | _types_of(form)
        self.text_names = {field.name for field in form.fields() if isinstance(field, TextQuestion)}

    def problems(self) -> list[Problem]:
        found = [*self._shadows()]
        for use in self._uses():
            for problem in check_feel(use.expression.text, self.types, expect=use.expect):
                what = f"In the {use.what}: {problem.what}"
                found.append(Problem(self.form.file, use.component.id, what, _remedy(problem.remedy)))
            found.extend(self._paths(use))
        return found

    def _shadows(self) -> Iterator[Problem]:
        """Keys at the root that hide what every form is told under the same name."""
        for component in self.form.components():
            if component.path and component.path[0] in self.names and isinstance(component, Field | RepeatingGroup):
                what = f"The key {component.path[0]} hides what forms are told under that name."
                yield Problem(self.form.file, component.id, what, "Choose another key.")

    # ------------------------------------------------------------------------------------------- what there is
    def _uses(self) -> Iterator[Use]:
        for page in self.form.pages:
            yield from _uses_in(page, None)

    def _paths(self, use: Use) -> Iterator[Problem]:
        """Paths into the form's own answers that lead nowhere, and comparisons of texts with null alone."""
        try:
            tree = compile_expression(use.expression.text).ast
        except FeelError:
            return
        with_null: set[str] = set()
        with_empty: set[str] = set()
        for node in _nodes(tree):
            if isinstance(node, s.Path):
                yield from self._path(use, node)
            elif isinstance(node, s.Comparison) and node.operator in ("=", "!="):
                for side, other in ((node.left, node.right), (node.right, node.left)):
                    name = self._text_name(use, side)
                    if name and isinstance(other, s.Literal) and other.value in (None, ""):
                        (with_null if other.value is None else with_empty).add(name)
        for name in sorted(with_null ^ with_empty):
            missing = "an empty text" if name in with_null else "null"
            what = (
                f"In the {use.what}: {name} is compared with {'null' if name in with_null else 'an empty text'} only."
            )
            remedy = f"Compare it with {missing} too: an unanswered text is empty, a hidden one null."
            yield Problem(self.form.file, use.component.id, what, remedy)

    def _text_name(self, use: Use, node: s.Node) -> str:
        path = _dotted(node)
        if path and path[0] == "this" and use.rows is not None:
            path = [*use.rows.path, *path[1:]]
        name = ".".join(path)
        return name if name in self.text_names else ""

    def _path(self, use: Use, node: s.Path) -> Iterator[Problem]:
        path = _dotted(node)
        if len(path) < 2:
            return
        shape: Shape | None
        if path[0] == "this":
            if use.rows is None:
                shape = self.shape
            elif use.rows.rows_from is not None:
                return
            else:
                shape = _shape_in(use.rows, len(use.rows.path))
        elif path[0] in self.shape:
            shape = self.shape[path[0]]
        else:
            return
        for step in path[1:]:
            if shape is None:
                return
            if step not in shape:
                what = f"In the {use.what}: there is no question {'.'.join(path)}."
                remedy = suggest(step, list(shape)) or "Correct the name."
                yield Problem(self.form.file, use.component.id, what, remedy)
                return
            shape = shape[step]


def _remedy(remedy: str) -> str:
    return remedy.replace(
        "Declare it as a variable of the process", "Use a key of the form or a name that forms are told"
    )


def _uses_in(component: Component, rows: RepeatingGroup | None) -> Iterator[Use]:
    for what, expression, expect in _expressions_of(component):
        yield Use(component, expression, what, expect, rows)
    if isinstance(component, Group):
        inner = component if isinstance(component, RepeatingGroup) else rows
        for child in component.children:
            yield from _uses_in(child, inner)


def _expressions_of(component: Component) -> Iterator[tuple[str, Expression, str | None]]:
    if component.hide is not None:
        yield "condition to hide", component.hide, "boolean"
    for what, template in (("label", component.label), ("summary", component.summary)):
        for expression in template.expressions:
            yield what, expression, None
    if isinstance(component, Question):
        for expression in component.description.expressions:
            yield "description", expression, None
        for expression in Template(component.required_message).expressions:
            yield "message", expression, None
        if component.prefill is not None:
            yield "prefill", component.prefill, None
        if isinstance(component.readonly, Expression):
            yield "condition to be read only", component.readonly, "boolean"
    if isinstance(component, ChoiceQuestion) and component.source is not None:
        yield "options", component.source, "list"
    if isinstance(component, NumberQuestion | TextQuestion):
        limits = (
            (component.least, component.most)
            if isinstance(component, NumberQuestion)
            else (component.shortest, component.longest)
        )
        for limit in limits:
            if limit.expression is not None:
                yield "limit", limit.expression, "number"
    if isinstance(component, Computed):
        yield "expression", component.expression, None
    if isinstance(component, Text):
        for expression in component.text.expressions:
            yield "text", expression, None
    if isinstance(component, Table):
        yield "data source", component.rows, "list"
    if isinstance(component, RepeatingGroup):
        if component.rows_from is not None:
            yield "rows", component.rows_from, "list"
        if component.prefill is not None:
            yield "prefill", component.prefill, "list"


# ------------------------------------------------------------------------------------------------- shapes and types
def _shape_of(form: Form) -> dict[str, Shape | None]:
    shape: dict[str, Shape | None] = {}
    for page in form.pages:
        shape = _merged(shape, _shape_in(page, 0))
    return shape


def _shape_in(group: Group, depth: int) -> dict[str, Shape | None]:
    shape: dict[str, Shape | None] = {}
    for child in group.children:
        if isinstance(child, RepeatingGroup | Field):
            path = child.path[depth:]
            entry: dict[str, Shape | None] = {path[-1]: None}
            for step in reversed(path[:-1]):
                entry = {step: entry}
            shape = _merged(shape, entry)
        elif isinstance(child, Group):
            shape = _merged(shape, _shape_in(child, depth))
    return shape


def _merged(one: Mapping[str, Shape | None], other: Mapping[str, Shape | None]) -> dict[str, Shape | None]:
    merged = dict(one)
    for key, shape in other.items():
        mine = merged.get(key)
        merged[key] = _merged(mine, shape) if mine is not None and shape is not None else shape
    return merged


def _types_of(form: Form) -> dict[str, str]:
    """The types of the answers at the root, as FEEL sees them. Dates are texts, as in form-js."""
    types: dict[str, str] = {}
    for component in form.components():
        if len(component.path) != 1:
            continue
        if isinstance(component, RepeatingGroup | SeveralQuestion | FilesQuestion):
            types[component.path[0]] = "list"
        elif isinstance(component, NumberQuestion):
            types[component.path[0]] = "number"
        elif isinstance(component, Question) and component.type == "checkbox":
            types[component.path[0]] = "boolean"
        elif isinstance(component, Question):
            types[component.path[0]] = "string"
    return types


def _nodes(node: object) -> Iterator[object]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def _dotted(node: object) -> list[str]:
    """The names of a plain path, outermost first; empty for anything else."""
    if isinstance(node, s.Name):
        return [node.name]
    if isinstance(node, s.Path):
        base = _dotted(node.base)
        return [*base, node.name] if base else []
    return []
