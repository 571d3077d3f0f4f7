"""Ranges from text, for `range("[18..21)")` (DMN 1.5, table 74)."""

from __future__ import annotations

import re

from app.feel import syntax as s
from app.feel.arithmetic import negate
from app.feel.compiler_data import interval
from app.feel.errors import FeelSyntaxError
from app.feel.parser import Parser
from app.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_time
from app.feel.values import Range, Value, order_key

_CONSTRUCTORS = {
    "date": parse_date,
    "time": parse_time,
    "date and time": parse_date_time,
    "duration": parse_duration,
}
# DMN 1.5, 10.3.1.2, rule 66: an end may be left out on the side whose bracket is open.
_OPEN_ENDED = re.compile(
    r"\s*(?:[(\]]\s*\.\.\s*(?P<end>\S.*?)\s*(?P<close>[)\]\[])|(?P<open>[(\[\]])\s*(?P<start>\S.*?)\s*\.\.\s*[)\[])\s*\Z",
    re.S,
)


def parse_range(text: str) -> Range:
    """The range. Its ends are literals, or a date, time or duration of a literal. Raises FeelSyntaxError."""
    refused = FeelSyntaxError(text, 0, "this text", "a range such as [18..21)")
    open_ended = _OPEN_ENDED.match(text)
    if open_ended is not None:
        end = _end(Parser(open_ended["end"] or open_ended["start"]).expression_to_end(), refused)
        if order_key(end) is None:
            raise refused
        if open_ended["end"]:
            return Range(None, end, False, open_ended["close"] == "]", True)
        return Range(end, None, open_ended["open"] == "[", False, True)
    node = Parser(text).expression_to_end()
    if isinstance(node, s.HalfInterval):
        end = _end(node.operand, refused)
        if node.operator in ("<", "<="):
            return Range(None, end, False, node.operator == "<=", True)
        if node.operator in (">", ">="):
            return Range(end, None, node.operator == ">=", False, True)
        raise refused
    if not isinstance(node, s.Interval):
        raise refused
    start, end = _end(node.start, refused), _end(node.end, refused)
    if start is None or end is None:
        raise refused
    found = interval(start, end, node)
    if found is None:
        raise refused
    return found


def _end(node: s.Node, refused: FeelSyntaxError) -> Value:
    if isinstance(node, s.Literal):
        return node.value
    if isinstance(node, s.Negation) and isinstance(node.operand, s.Literal):
        return negate(node.operand.value)
    if isinstance(node, s.Call) and isinstance(node.callee, s.Name) and len(node.arguments) == 1:
        parse = _CONSTRUCTORS.get(node.callee.name)
        argument = node.arguments[0]
        if parse is not None and isinstance(argument, s.Literal) and isinstance(argument.value, str):
            return parse(argument.value)
    raise refused
