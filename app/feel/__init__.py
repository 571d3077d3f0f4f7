"""FEEL: the one language of conditions, timers, decision cells and form visibility (DMN 1.5, chapter 10).

Evaluation reaches nothing but the variables and the Environment it is given, and stops at a budget.
"""

from app.feel.checking import FeelProblem, check
from app.feel.convert import from_json, from_python, to_json, to_python
from app.feel.errors import FeelError, FeelLimitError, FeelSyntaxError, FeelTypeError
from app.feel.expression import (
    Diagnosis,
    Expression,
    UnaryTests,
    compile_expression,
    compile_unary_tests,
    evaluate,
    unary,
)
from app.feel.frame import EMPTY, Environment, Note, Variables
from app.feel.values import Function, Range, Value, kind

__all__ = [
    "EMPTY",
    "Diagnosis",
    "Environment",
    "Expression",
    "FeelError",
    "FeelLimitError",
    "FeelProblem",
    "FeelSyntaxError",
    "FeelTypeError",
    "Function",
    "Note",
    "Range",
    "UnaryTests",
    "Value",
    "Variables",
    "check",
    "compile_expression",
    "compile_unary_tests",
    "evaluate",
    "from_json",
    "from_python",
    "kind",
    "to_json",
    "to_python",
    "unary",
]
