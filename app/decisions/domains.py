"""The inputs of a table's column, cut into the pieces that its cells tell apart.

A number line is cut at every number that a cell names; a set of texts has one piece for each text and one for all
others. What a cell accepts is then a set of pieces, and gaps and overlaps are a matter of sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.feel import syntax as s
from app.feel.cli import show
from app.feel.compiler import Compiler
from app.feel.frame import EMPTY, Frame, State
from app.feel.names import names_in
from app.feel.numbers import is_whole
from app.feel.values import Range, Value, equal, kind, order_key

_CONSTRUCTORS = frozenset(("date", "time", "date and time", "duration"))
_DISCRETE = ("boolean", "null")


class NotKnown(Exception):
    """What a cell accepts depends on more than its own text."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A single value, an open interval between two values (None: no end), or every other value (`rest`)."""

    value: Value = None
    low: Value = None
    high: Value = None
    point: bool = False
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of a cell: equal to a value, or in an interval."""

    interval: Range | None
    value: Value
    negated: bool = False


def conditions(tests: s.TestList) -> list[Condition]:
    """What a cell tests for. Raises NotKnown."""
    return [condition for test in tests.tests for condition in _conditions(test)]


def _conditions(test: s.Node) -> list[Condition]:
    if isinstance(test, s.TestComparison):
        value = _constant(test.operand)
        if test.operator in ("=", "!="):
            return [Condition(None, value, test.operator == "!=")]
        below = test.operator in ("<", "<=")
        included = test.operator in ("<=", ">=")
        if below:
            return [Condition(Range(None, value, False, included, True), None)]
        return [Condition(Range(value, None, included, False, True), None)]
    assert isinstance(test, s.TestExpression)
    if test.uses_input:
        raise NotKnown
    value = _constant(test.expression)
    return [
        Condition(entry, None) if isinstance(entry, Range) else Condition(None, entry)
        for entry in (value if isinstance(value, list) else [value])
    ]


def _constant(node: s.Node) -> Value:
    """The value of an expression that is always the same. Raises NotKnown."""
    if not names_in(node) <= _CONSTRUCTORS:
        raise NotKnown
    value = Compiler().compile(node)(Frame({}, None, State(EMPTY)))
    if value is None and not isinstance(node, s.Literal):
        raise NotKnown
    return value


class Domain:
    """The pieces of one column."""

    def __init__(self, label: str, found: Sequence[Condition], allowed: Sequence[Condition], declared: str) -> None:
        self.label = label
        values = [v for c in (*found, *allowed) for v in _edges(c)]
        kinds = {kind(value) for value in values if value is not None}
        if not kinds and declared == "boolean":
            kinds = {"boolean"}
        if len(kinds) > 1:
            raise NotKnown
        self.kind = next(iter(kinds), "null")
        self.pieces = self._pieces(values)
        self.all = (1 << len(self.pieces)) - 1
        self.universe = self.accepted(allowed) if allowed else self.all
        if self.kind == "number":
            self.universe &= ~self._between_neighbours()

    def _pieces(self, values: list[Value]) -> list[Piece]:
        nothing = [Piece(None, point=True)] if any(value is None for value in values) else []
        if self.kind == "boolean":
            return [Piece(True, point=True), Piece(False, point=True), *nothing]
        if self.kind == "string":
            texts = list(dict.fromkeys(value for value in values if value is not None))
            return [*(Piece(text, point=True) for text in texts), Piece(rest=True), *nothing]
        ordered: dict[Any, Value] = {}
        for value in values:
            key = order_key(value)
            if value is not None and key is None:
                raise NotKnown
            if value is not None:
                ordered.setdefault(key, value)
        line = [ordered[key] for key in sorted(ordered)]
        pieces = [Piece(low=None, high=line[0])] if line else [Piece(rest=True)]
        for place, value in enumerate(line):
            following = line[place + 1] if place + 1 < len(line) else None
            pieces += [Piece(value, point=True), Piece(low=value, high=following)]
        return pieces + nothing

    def _between_neighbours(self) -> int:
        """Pieces between two neighbouring whole numbers, in a column that names only whole numbers: it counts."""
        numbers = [piece.value for piece in self.pieces if piece.point and piece.value is not None]
        if not all(is_whole(number) for number in numbers):
            return 0
        return sum(
            1 << place
            for place, piece in enumerate(self.pieces)
            if piece.low is not None and piece.high is not None and piece.high - piece.low == 1
        )

    def accepted(self, tests: Sequence[Condition], negated: bool = False) -> int:
        """The pieces that a cell accepts, as bits."""
        bits = 0
        for place, piece in enumerate(self.pieces):
            if any(_holds(piece, test) for test in tests) is not negated:
                bits |= 1 << place
        return bits

    # ------------------------------------------------------------------------------------------- words
    def describe(self, bits: int) -> str:
        """“tool is "A" or "B"”, “riskTicks is 14 or more”; an empty text for all of the domain."""
        bits &= self.universe
        if bits == self.universe:
            return ""
        return f"{self.label} is {' or '.join(self._runs(bits))}"

    def _runs(self, bits: int) -> list[str]:
        if self.kind == "string" and bits & (1 << self._rest()):
            named = [show(p.value) for i, p in enumerate(self.pieces) if p.point and not bits & (1 << i)]
            return [f"none of {', '.join(named)}" if len(named) > 1 else f"not {named[0]}" if named else "any text"]
        words: list[str] = []
        run: list[Piece] = []
        for place, piece in enumerate([*self.pieces, None]):
            inside = piece is not None and bits & (1 << place)
            splits = piece is not None and piece.point and (self.kind in ("string", *_DISCRETE) or piece.value is None)
            if run and (not inside or splits):
                words.append(_span(run))
                run = []
            if inside and piece is not None:
                run.append(piece)
        return words

    def _rest(self) -> int:
        return next(place for place, piece in enumerate(self.pieces) if piece.rest)


def _edges(condition: Condition) -> list[Value]:
    if condition.interval is None:
        return [condition.value]
    return [end for end in (condition.interval.start, condition.interval.end) if end is not None]


def _holds(piece: Piece, test: Condition) -> bool:
    if test.interval is None:
        same = piece.point and equal(piece.value, test.value) is True
        return same is not test.negated
    start, end = test.interval.start, test.interval.end
    if piece.point:
        if piece.value is None:
            return False
        key = order_key(piece.value)
        low_held = start is None or key > order_key(start) or (key == order_key(start) and test.interval.start_included)
        return low_held and (
            end is None or key < order_key(end) or (key == order_key(end) and test.interval.end_included)
        )
    if piece.rest:
        return False
    above = start is None or (piece.low is not None and order_key(piece.low) >= order_key(start))
    return above and (end is None or (piece.high is not None and order_key(piece.high) <= order_key(end)))


def _span(run: list[Piece]) -> str:
    """Neighbouring pieces as one phrase."""
    first, last = run[0], run[-1]
    if first.rest:
        return "anything else"
    if len(run) == 1 and first.point:
        return show(first.value)
    low, high = (first.value if first.point else first.low), (last.value if last.point else last.high)
    lower = "" if low is None else f"{show(low)} or more" if first.point else f"more than {show(low)}"
    upper = "" if high is None else f"at most {show(high)}" if last.point else f"less than {show(high)}"
    if first.point and last.point:
        return f"from {show(low)} to {show(high)}"
    return " and ".join(part for part in (lower, upper) if part) or "anything"
