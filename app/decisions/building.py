"""Compiling and checking the expressions of a model in one walk, so that what is checked is what runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from app.decisions.document import Document
from app.decisions.errors import DecisionError
from app.decisions.types import Coerce, Types
from app.decisions.xml import Element, id_of
from app.feel.checking import check as check_feel
from app.feel.compiler_unary import Test
from app.feel.errors import FeelError, FeelSyntaxError
from app.feel.expression import Expression, UnaryTests
from app.feel.frame import Frame, NoValue, Run
from app.feel.values import Value
from app.problems import Problem

# Types that other values are converted to, so that another type in their place is no mistake.
_CONVERTED = frozenset(("any", "list", "date and time"))
Scope = Mapping[str, str]  # names in scope and their declared types


class Builder:
    """Turns the parts of one document into closures.

    :param problems: findings are added to it; None when the document only has to run.
    """

    def __init__(self, document: Document, problems: list[Problem] | None = None, *, closed: bool = True) -> None:
        self.document = document
        self.types = Types(document)
        self.type_tests = self.types.tests()
        self.problems = problems
        self.closed = closed

    # ------------------------------------------------------------------------------------------- problems
    def report(self, element: Element | None, what: str, remedy: str) -> None:
        if self.problems is not None:
            self.problems.append(Problem(self.document.file, id_of(element), what, remedy))

    def refused(self, element: Element | None, what: str, remedy: str) -> Run:
        """A part that cannot run: reported now, and an error if it is evaluated all the same."""
        self.report(element, what, remedy)
        place = id_of(element)

        def run(_: Frame) -> NoReturn:
            raise DecisionError(f"{what} {remedy}", resource_id=place)

        return run

    # ------------------------------------------------------------------------------------------- expressions
    def expression(self, element: Element, text: str, scope: Scope, expect: str | None = None) -> Run:
        """The expression as a closure."""
        if not text:
            return self.refused(element, "An expression is empty.", "Write one, or write null.")
        try:
            compiled = Expression(text, self._names(scope), self.type_tests)
        except FeelError as error:
            return self.refused(element, _one_line(error), "Correct the expression.")
        self._check(element, text, scope, unary=False, expect=expect)
        return compiled.run_in

    def tests(self, element: Element, text: str, scope: Scope, tested: str = "any") -> Test:
        """The unary tests of a cell as a closure."""
        try:
            compiled = UnaryTests(text, self._names(scope), self.type_tests)
        except FeelError as error:
            refused = self.refused(element, _one_line(error), "Correct the cell.")
            return lambda value, frame: refused(frame)
        self._check(element, text, {**scope, "?": tested}, unary=True)
        return compiled.test_in

    def _names(self, scope: Scope) -> frozenset[str]:
        return self.document.long_names.union(scope)

    def _check(self, element: Element, text: str, scope: Scope, *, unary: bool, expect: str | None = None) -> None:
        if self.problems is None:
            return
        found = check_feel(
            text,
            scope,
            unary=unary,
            expect=None if expect is None or expect in _CONVERTED else (expect, "list"),  # a list of one will do
            named_types=self.type_tests,
            names=self.document.long_names,
            closed=self.closed,
        )
        shown = text if len(text) <= 60 else text[:57] + "…"
        for problem in found:
            remedy = problem.remedy
            if self.document.closed and remedy.startswith("Declare it"):
                remedy = "Connect it as an input of this decision, or correct its spelling."
            self.report(element, f"In “{shown}”: {problem.what}", remedy)

    def coercion(self, element: Element, reference: str | None) -> Coerce | None:
        """The conversion to a type; a type that does not exist is reported."""
        if not self.types.is_known(reference):
            self.report(element, f"There is no type “{reference}”.", "Define it under data types, or choose another.")
        return self.types.coercion(reference)


def converted(run: Run, coerce: Coerce | None, what: str) -> Run:
    """The closure with its value converted to a type; a value that does not fit becomes null with a note."""
    if coerce is None:
        return run

    def convert(frame: Frame) -> Value:
        value = run(frame)
        return None if value is None else fit(frame, value, coerce, what)

    return convert


def fit(frame: Frame, value: Value, coerce: Coerce | None, what: str) -> Value:
    """The value converted to a type, or null with a note."""
    if coerce is None or value is None:
        return value
    try:
        return coerce(value, frame.state.spend)
    except NoValue as reason:
        frame.state.note(0, f"{what}: {reason.reason}")
        return None


def _one_line(error: FeelError) -> str:
    return f"{error.message[:-1]}: {error.text[:60]}" if isinstance(error, FeelSyntaxError) else error.message
