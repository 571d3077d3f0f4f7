"""DMN: decision tables and the other boxed expressions, over FEEL (DMN 1.5)."""

from app.decisions.checking import check
from app.decisions.errors import DecisionError, DecisionFileError
from app.decisions.model import Decision, Explanation, MatchedRule, Model, Outcome, load

__all__ = [
    "Decision",
    "DecisionError",
    "DecisionFileError",
    "Explanation",
    "MatchedRule",
    "Model",
    "Outcome",
    "check",
    "load",
]
