"""Compiled expressions and unary tests, cached by their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import DecimalException
from functools import lru_cache
from typing import Any

from app.feel import compiler_control, compiler_data, functions, syntax
from app.feel.compiler import Compiler
from app.feel.compiler_unary import compile_tests
from app.feel.convert import from_python
from app.feel.errors import FeelLimitError, FeelTypeError
from app.feel.frame import EMPTY, MISSING, Environment, Frame, Note, State, Variables
from app.feel.names import free_names
from app.feel.parser import Parser
from app.feel.parser_base import TokenReader
from app.feel.registry import LONG_NAMES
from app.feel.types import TypeTest
from app.feel.values import Value

_LOADED = (compiler_control, compiler_data, functions)  # imported for the rules and functions that they register
TokenReader.builtin_names = LONG_NAMES
_SIMPLE_NAME = re.compile(r"[^\W\d]\w*\Z")
_TOO_DEEP = "This expression is nested too deeply."
_NOT_FINITE = "Only finite numbers can be used in an expression."
NO_NAMES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an expression gave, and why: the reasons for nulls, and the variables that it read."""

    value: Value
    notes: list[Note] = field(default_factory=list)
    seen: dict[str, Value] = field(default_factory=dict)

    @property
    def faults(self) -> list[Note]:
        """The notes about mistakes, as against values that are not there."""
        return [note for note in self.notes if note.fault]


class _Compiled:
    """What expressions and unary tests have in common."""

    __slots__ = ("_free", "ast", "text")

    def __init__(self, text: str, ast: syntax.Node) -> None:
        self.text = text
        self.ast = ast
        self._free: frozenset[str] | None = None

    def free_names(self) -> frozenset[str]:
        """The names that are taken from the variables."""
        if self._free is None:
            self._free = free_names(self.ast)
        return self._free

    def _seen(self, variables: Variables) -> dict[str, Value]:
        found = {name: variables.get(name, MISSING) for name in sorted(self.free_names())}
        return {name: from_python(value) for name, value in found.items() if value is not MISSING}


class Expression(_Compiled):
    """One expression, ready to be evaluated any number of times, in any thread."""

    __slots__ = ("_run",)

    def __init__(self, text: str, names: Iterable[str] = (), types: Mapping[str, TypeTest] | None = None) -> None:
        ast = Parser(text, names).expression_to_end()
        super().__init__(text, ast)
        self._run = Compiler(types).compile(ast)

    def evaluate(self, variables: Variables, env: Environment = EMPTY) -> Value:
        """The value, null included. Raises FeelLimitError, and FeelTypeError for a variable that is no FEEL value."""
        try:
            return self._run(Frame(variables, None, State(env)))
        except RecursionError:
            raise FeelLimitError(_TOO_DEEP) from None
        except DecimalException:
            raise FeelTypeError(_NOT_FINITE) from None

    def run_in(self, frame: Frame) -> Value:
        """The value in a scope of an evaluation that is under way, sharing its budget."""
        return self._run(frame)

    def diagnose(self, variables: Variables, env: Environment = EMPTY) -> Diagnosis:
        """Evaluates, and says why what is null is null."""
        notes: list[Note] = []
        try:
            value = self._run(Frame(variables, None, State(env, notes)))
        except RecursionError:
            raise FeelLimitError(_TOO_DEEP) from None
        except DecimalException:
            raise FeelTypeError(_NOT_FINITE) from None
        return Diagnosis(value, notes, self._seen(variables))


class UnaryTests(_Compiled):
    """The tests of one cell of a decision table."""

    __slots__ = ("_test",)
    ast: syntax.TestList

    def __init__(self, text: str, names: Iterable[str] = (), types: Mapping[str, TypeTest] | None = None) -> None:
        ast = Parser(text, names).unary_tests_to_end()
        super().__init__(text, ast)
        self._test = compile_tests(Compiler(types), ast)

    def matches(self, value: Any, variables: Variables, env: Environment = EMPTY) -> bool | None:
        """Whether the value passes; None when that cannot be said."""
        try:
            return self._test(from_python(value), Frame(variables, None, State(env)))
        except RecursionError:
            raise FeelLimitError(_TOO_DEEP) from None
        except DecimalException:
            raise FeelTypeError(_NOT_FINITE) from None

    def test_in(self, value: Value, frame: Frame) -> bool | None:
        """Whether the value passes, in a scope of an evaluation that is under way."""
        return self._test(value, frame)


@lru_cache(8192)
def compile_expression(text: str, names: frozenset[str] = NO_NAMES) -> Expression:
    """The compiled expression. Raises FeelSyntaxError and FeelLimitError.

    :param names: the variables' names; those of several words are read as one name.
    """
    return Expression(text, names)


@lru_cache(8192)
def compile_unary_tests(text: str, names: frozenset[str] = NO_NAMES) -> UnaryTests:
    """The compiled tests of a cell. Raises FeelSyntaxError and FeelLimitError."""
    return UnaryTests(text, names)


def evaluate(text: str, variables: Mapping[str, Any], env: Environment = EMPTY) -> Value:
    """Compiles, with the names that the variables have, and evaluates."""
    return compile_expression(text, long_names(variables)).evaluate(variables, env)


def unary(text: str, value: Any, variables: Mapping[str, Any], env: Environment = EMPTY) -> bool | None:
    """Compiles, with the names that the variables have, and tests."""
    return compile_unary_tests(text, long_names(variables)).matches(value, variables, env)


def long_names(value: Any) -> frozenset[str]:
    """The names in nested data that are more than one plain word."""
    found: set[str] = set()
    _collect(value, found, 0)
    return frozenset(found)


def _collect(value: Any, found: set[str], depth: int) -> None:
    if depth > 6:
        return
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if not _SIMPLE_NAME.match(str(key)):
                found.add(str(key))
            _collect(entry, found, depth + 1)
    elif isinstance(value, list | tuple):
        for entry in value[:20]:
            _collect(entry, found, depth + 1)
