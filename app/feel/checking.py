"""The static check: what an expression would get wrong, found before it runs.

FEEL turns an unknown name, a function that is called wrongly and a comparison of different types into null, silently. So
each is reported where it stands, with a remedy, when a diagram, a decision or a form is published.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.feel import syntax as s
from app.feel.checking_types import (
    ANY,
    DURATIONS,
    ORDERED,
    PROPERTY_NAMES,
    PROPERTY_TYPES,
    arithmetic_type,
    article,
    fits,
    suggest,
)
from app.feel.errors import FeelLimitError, FeelSyntaxError
from app.feel.parser import Parser
from app.feel.registry import BUILTINS
from app.feel.types import BASIC
from app.feel.values import kind

_PARAMS = "params"
Parameters = Collection[str] | Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class FeelProblem:
    """One finding. `position` is an offset in the expression."""

    position: int
    what: str
    remedy: str


def check(
    text: str,
    types: Mapping[str, str],
    *,
    unary: bool = False,
    expect: str | Sequence[str] | None = None,
    params: Parameters = None,
    named_types: Collection[str] = (),
    names: Collection[str] = (),
    closed: bool = True,
) -> list[FeelProblem]:
    """Everything that is wrong with an expression, as far as can be told without running it.

    :param types: the declared variables and their types: boolean, number, string, date, time, date and time, duration,
        list, context, any, function. For unary tests, "?" may give the type of the tested value.
    :param expect: the type that the place needs; of several, the first is the one to name and the others will do.
    :param params: the area's parameters, with their types when it is a mapping; None when they are not known here.
    :param named_types: names of a model's own types, for `instance of`.
    :param names: further names that may stand after a dot, when they are of several words.
    :param closed: whether there are no other variables than the declared ones.
    """
    try:
        parser = Parser(text, (*types, *names))
        tree = parser.unary_tests_to_end() if unary else parser.expression_to_end()
    except FeelSyntaxError as error:
        return [FeelProblem(error.offset, error.message, "Correct the expression at this place.")]
    except FeelLimitError as error:
        return [FeelProblem(0, error.message, "Make the expression shorter.")]
    checker = Checker(types, params, named_types, closed)
    try:
        found = checker.check(tree, {"?": types.get("?", ANY)} if unary else {})
    except RecursionError:
        return [FeelProblem(0, "This expression is nested too deeply.", "Split it up.")]
    accepted = [expect] if isinstance(expect, str) else list(expect or ())
    if accepted and not unary and not any(fits(found, type_name) for type_name in accepted):
        checker.report(
            tree.position,
            f"This gives {article(found)}, but {article(accepted[0])} is needed here.",
            _remedy_for(accepted[0]),
        )
    return sorted(checker.problems, key=lambda problem: problem.position)


def _remedy_for(expected: str) -> str:
    if expected == "boolean":
        return "Write a condition, such as a comparison, that is true or false."
    return f"Write an expression that gives {article(expected)}."


Scope = Mapping[str, str]


class Checker:
    """Walks a syntax tree, infers types and collects problems."""

    def __init__(
        self,
        types: Mapping[str, str],
        params: Parameters,
        named_types: Collection[str],
        closed: bool = True,
    ) -> None:
        self.types = types
        self.params = params
        self.named_types = named_types
        self.problems: list[FeelProblem] = []
        self.closed = closed
        self.in_filter = 0

    def report(self, position: int, what: str, remedy: str) -> None:
        problem = FeelProblem(position, what, remedy)
        if problem not in self.problems:
            self.problems.append(problem)

    def check(self, node: s.Node, scope: Scope) -> str:
        """The type of the node's value, "any" when it cannot be told."""
        method = getattr(self, f"_{type(node).__name__}")
        found: str = method(node, scope)
        return found

    # ------------------------------------------------------------------------------------------- names and paths
    def _Literal(self, node: s.Literal, _: Scope) -> str:
        return kind(node.value)

    def _Name(self, node: s.Name, scope: Scope) -> str:
        name = node.name
        if name in scope:
            return scope[name]
        if name in self.types:
            return self.types[name]
        if name in BUILTINS:
            return "function"
        if name == _PARAMS:
            return "context"
        if self.closed and not self.in_filter:
            known = [*scope, *self.types]
            remedy = suggest(name, known) or "Declare it as a variable of the process, or correct its spelling."
            self.report(node.position, f"There is no variable “{name}”.", remedy)
        return ANY

    def _Path(self, node: s.Path, scope: Scope) -> str:
        if isinstance(node.base, s.Name) and node.base.name == _PARAMS and _PARAMS not in {*scope, *self.types}:
            if self.params is not None and node.name not in self.params:
                remedy = suggest(node.name, self.params) or "Add it to the area's parameters, or correct its spelling."
                self.report(node.position, f"There is no parameter “{node.name}”.", remedy)
            return self.params.get(node.name, ANY) if isinstance(self.params, Mapping) else ANY
        base = self.check(node.base, scope)
        if base in (ANY, "context", "list"):
            return ANY
        names = PROPERTY_NAMES.get(base, frozenset())
        if node.name not in names:
            remedy = suggest(node.name, names) or (
                f"It has: {', '.join(sorted(names))}." if names else "Leave out the dot and what follows it."
            )
            self.report(node.position, f"{article(base).capitalize()} has no “{node.name}”.", remedy)
            return ANY
        return PROPERTY_TYPES.get(node.name, "number")

    def _Filter(self, node: s.Filter, scope: Scope) -> str:
        self.check(node.base, scope)
        self.in_filter += 1
        condition = self.check(node.condition, {**scope, "item": ANY})
        self.in_filter -= 1
        if condition not in (ANY, "boolean", "number"):
            self.report(
                node.condition.position,
                f"A filter needs a condition or a position, not {article(condition)}.",
                "Write a condition that is true or false, or a number.",
            )
        return "list" if condition == "boolean" else ANY

    # ------------------------------------------------------------------------------------------- logic
    def _junction(self, node: s.Conjunction | s.Disjunction, word: str, scope: Scope) -> str:
        for operand in node.operands:
            found = self.check(operand, scope)
            if found not in (ANY, "boolean", "null"):
                self.report(
                    operand.position,
                    f"“{word}” joins conditions, but this is {article(found)}.",
                    "Compare it with something, so that it is true or false.",
                )
        return "boolean"

    def _Conjunction(self, node: s.Conjunction, scope: Scope) -> str:
        return self._junction(node, "and", scope)

    def _Disjunction(self, node: s.Disjunction, scope: Scope) -> str:
        return self._junction(node, "or", scope)

    def _Comparison(self, node: s.Comparison, scope: Scope) -> str:
        self._comparable(node, node.operator, self.check(node.left, scope), self.check(node.right, scope))
        return "boolean"

    def _comparable(self, node: s.Node, operator: str, left: str, right: str) -> None:
        equality = operator in ("=", "!=")
        if equality and "null" in (left, right):
            return
        if not (fits(left, right) or fits(right, left)):
            self.report(
                node.position,
                f"“{operator}” compares {article(left)} with {article(right)}, which is never true.",
                "Compare values of the same type.",
            )
        elif not equality:
            for side in (left, right):
                if side != ANY and side not in ORDERED:
                    self.report(
                        node.position,
                        f"“{operator}” needs values that have an order, not {article(side)}.",
                        "Use = or !=, or compare numbers, texts, dates, times or durations.",
                    )
                    return

    def _Between(self, node: s.Between, scope: Scope) -> str:
        value = self.check(node.value, scope)
        for end in (node.low, node.high):
            self._comparable(end, "between", value, self.check(end, scope))
        return "boolean"

    def _In(self, node: s.In, scope: Scope) -> str:
        inner = {**scope, "?": self.check(node.value, scope)}
        for test in node.tests:
            self.check(test, inner)
        return "boolean"

    def _InstanceOf(self, node: s.InstanceOf, scope: Scope) -> str:
        self.check(node.value, scope)
        self._type(node.type)
        return "boolean"

    def _type(self, node: s.TypeNode) -> None:
        if isinstance(node, s.NamedType):
            known = {*BASIC, "Any", "Null", *self.named_types}
            if node.name not in known:
                remedy = suggest(node.name, known) or "Use a type of FEEL or of this decision model."
                self.report(node.position, f"There is no type “{node.name}”.", remedy)
        elif isinstance(node, s.ListType | s.RangeType):
            self._type(node.element)
        elif isinstance(node, s.ContextType):
            for field in node.fields.values():
                self._type(field)
        elif isinstance(node, s.FunctionType):
            for part in (*node.parameters, node.result):
                self._type(part)

    # ------------------------------------------------------------------------------------------- arithmetic
    def _Arithmetic(self, node: s.Arithmetic, scope: Scope) -> str:
        left, right = self.check(node.left, scope), self.check(node.right, scope)
        found = arithmetic_type(node.operator, left, right)
        if found is None:
            self.report(
                node.position,
                f"“{node.operator}” has no meaning between {article(left)} and {article(right)}.",
                'Convert one of them first, for example with string(…), number(…) or duration("P1D").',
            )
            return ANY
        return found

    def _Negation(self, node: s.Negation, scope: Scope) -> str:
        found = self.check(node.operand, scope)
        if found not in (ANY, "number") and found not in DURATIONS:
            self.report(node.position, f"“-” cannot negate {article(found)}.", "Use it on a number or a duration.")
        return found

    # ------------------------------------------------------------------------------------------- structure
    def _ListLiteral(self, node: s.ListLiteral, scope: Scope) -> str:
        for item in node.items:
            self.check(item, scope)
        return "list"

    def _ContextLiteral(self, node: s.ContextLiteral, scope: Scope) -> str:
        inner = dict(scope)
        for name, entry in node.entries:
            inner[name] = self.check(entry, inner)
        return "context"

    def _Interval(self, node: s.Interval, scope: Scope) -> str:
        start, end = self.check(node.start, scope), self.check(node.end, scope)
        if not (fits(start, end) or fits(end, start)):
            self.report(
                node.position,
                f"A range cannot reach from {article(start)} to {article(end)}.",
                "Give both ends the same type.",
            )
        return "range"

    def _HalfInterval(self, node: s.HalfInterval, scope: Scope) -> str:
        self.check(node.operand, scope)
        return "range"

    def _If(self, node: s.If, scope: Scope) -> str:
        condition = self.check(node.condition, scope)
        if condition not in (ANY, "boolean"):
            self.report(
                node.condition.position,
                f"“if” needs a condition, but this is {article(condition)}.",
                "Compare it with something, so that it is true or false.",
            )
        then, otherwise = self.check(node.then, scope), self.check(node.otherwise, scope)
        return then if then == otherwise else ANY

    def _iterations(self, iterations: list[s.Iteration], scope: Scope) -> dict[str, str]:
        inner = dict(scope)
        for iteration in iterations:
            values = self.check(iteration.values, inner)
            inner[iteration.name] = ANY
            if iteration.end is not None:
                self.check(iteration.end, inner)
                inner[iteration.name] = values
        return inner

    def _For(self, node: s.For, scope: Scope) -> str:
        self.check(node.body, {**self._iterations(node.iterations, scope), "partial": "list"})
        return "list"

    def _Quantified(self, node: s.Quantified, scope: Scope) -> str:
        found = self.check(node.body, self._iterations(node.iterations, scope))
        if found not in (ANY, "boolean"):
            self.report(
                node.body.position,
                f"“satisfies” needs a condition, but this is {article(found)}.",
                "Compare it with something, so that it is true or false.",
            )
        return "boolean"

    def _FunctionLiteral(self, node: s.FunctionLiteral, scope: Scope) -> str:
        for parameter in node.parameters:
            if parameter.type is not None:
                self._type(parameter.type)
        self.check(node.body, {**scope, **{parameter.name: ANY for parameter in node.parameters}})
        return "function"

    def _Call(self, node: s.Call, scope: Scope) -> str:
        from app.feel.checking_calls import check_call  # it needs this class first

        return check_call(self, node, scope)

    # ------------------------------------------------------------------------------------------- unary tests
    def _TestComparison(self, node: s.TestComparison, scope: Scope) -> str:
        self._comparable(node, node.operator, scope.get("?", ANY), self.check(node.operand, scope))
        return "boolean"

    def _TestExpression(self, node: s.TestExpression, scope: Scope) -> str:
        found = self.check(node.expression, scope)
        tested = scope.get("?", ANY)
        if node.uses_input:
            if found not in (ANY, "boolean"):
                self.report(
                    node.expression.position,
                    f"A test with “?” needs a condition, but this is {article(found)}.",
                    "Compare it with something, so that it is true or false.",
                )
        elif found == "range" and isinstance(node.expression, s.Interval):
            end = node.expression.start if not isinstance(node.expression.start, s.Literal) else node.expression.end
            self._comparable(node, "in", tested, self._end_type(node.expression, end, scope))
        elif found not in (ANY, "boolean", "list", "range", "null", "function") or (
            found == "boolean" and tested not in (ANY, "boolean") and isinstance(node.expression, s.Literal)
        ):
            self._comparable(node, "=", tested, found)
        return "boolean"

    def _end_type(self, interval: s.Interval, end: s.Node, scope: Scope) -> str:
        known = len(self.problems)
        found = self.check(end, scope)
        del self.problems[known:]  # the ends have been checked with the interval
        return found

    def _TestList(self, node: s.TestList, scope: Scope) -> str:
        for test in node.tests:
            self.check(test, scope)
        return "boolean"
