"""A rule in words: the shapes that due dates and timers are written in, for those who have to keep them.

`add working days(date(deadline("meetingStart")), params.minutesDueWorkingDays)` reads "5 working days after the
meeting". What is written in another shape has no words here; its reader is shown the expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from app.feel import syntax as s
from app.feel.errors import FeelError
from app.feel.expression import compile_expression
from app.feel.names import children
from app.feel.temporal import DayTimeDuration, Time, YearMonthDuration
from app.feel.temporal_text import parse_duration, parse_time

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


class _NoWords(Exception):
    """This shape has no words here."""


def _itself(name: str) -> str:
    return f"“{spaced(name)}”"


@dataclass(frozen=True, slots=True)
class Wording:
    """What the words of a rule are made with.

    :param parameters: the parameters' values as text: 5, P8D, 12:00:00. One that is not there is named.
    :param deadline: a deadline's name in words, as it stands after "after": "the start of the meeting".
    :param today: what `today()` was.
    :param now: what `now()` was.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    deadline: Callable[[str], str] = _itself
    today: str = "the day it was set"
    now: str = "the moment it was set"

    def of(self, rule: str) -> str | None:
        """A rule in words; None when it is not an expression that can be told in words."""
        try:
            node = compile_expression(rule.strip().removeprefix("=")).ast
            words = self._moment(node)
        except (FeelError, _NoWords):
            return None
        alone = isinstance(node, s.Call) and isinstance(node.callee, s.Name) and node.callee.name == "deadline"
        return f"the same moment as {words}" if alone else words

    # ---- moments
    def _moment(self, node: s.Node) -> str:
        match node:
            case s.Call(callee=s.Name(name=name), arguments=arguments, named=named) if not named:
                return self._called(name, arguments)
            case s.Arithmetic(
                operator="+",
                left=s.Call(callee=s.Name(name="now")) as begin,
                right=s.Arithmetic(
                    operator="/",
                    left=s.Arithmetic(operator="-", left=end, right=s.Call(callee=s.Name(name="now"))),
                    right=s.Literal(value=Decimal() as parts),
                ),
            ) if parts == 2:
                return f"halfway between {self._moment(begin)} and {self._moment(end)}"
            case s.Arithmetic(operator="+" | "-" as sign, left=left, right=right):
                return self._moved(left, right, back=sign == "-")
            case s.If():
                return self._either(node)
            case s.Name(name=name):
                return f"the {spaced(name)}"
        raise _NoWords

    def _called(self, name: str, arguments: list[s.Node]) -> str:
        match name, arguments:
            case "today", []:
                return self.today
            case "now", []:
                return self.now
            case "deadline", [s.Literal(value=str() as wanted)]:
                return self.deadline(wanted)
            case "deadline", [s.Arithmetic(operator="+", left=s.Literal(value=str() as wanted))]:
                return self.deadline(wanted)
            case "max" | "min", [s.Node() as first, s.Node() as second]:
                which = "later" if name == "max" else "earlier"
                return f"{self._moment(first)} or {self._moment(second)}, whichever is {which}"
            case "date", [s.Node() as inner]:
                return f"the day of {self._moment(inner)}"
            case "next working day", [s.Node() as inner]:
                return f"1 working day after {self._moment(inner)}"
            case "date and time", [s.Node() as day, s.Node() as time]:
                return f"{self._moment(day)}, at {self._time(time)}"
            case "add days", [s.Node() as start, s.Node() as span]:
                return self._days(start, span)
            case "add working days", [s.Node() as start, s.Node() as count]:
                return self._working_days(start, count)
        raise _NoWords

    def _working_days(self, start: s.Node, count: s.Node) -> str:
        if isinstance(count, s.If):
            return self._either(
                s.If(
                    count.position,
                    count.condition,
                    _working_days_call(count, start, count.then),
                    _working_days_call(count, start, count.otherwise),
                )
            )
        back, what = _signed(count)
        number = self._value(what)
        days = "working day" if number == "1" else "working days"
        match start:  # working days count from the day anyway
            case s.Call(callee=s.Name(name="date"), arguments=[s.Call() as moment]):
                start = moment
        return f"{number} {days} {'before' if back else 'after'} {self._moment(start)}"

    def _days(self, start: s.Node, span: s.Node) -> str:
        back, what = _signed(span)
        number = what.value if isinstance(what, s.Literal) else None
        if isinstance(number, Decimal):
            return (
                f"{number:f} {'day' if number == 1 else 'days'} {'before' if back else 'after'} {self._moment(start)}"
            )
        return self._moved(start, span, back=False)

    def _moved(self, left: s.Node, right: s.Node, *, back: bool) -> str:
        negative, what = _signed(right)
        return f"{self._span(what)} {'before' if back is not negative else 'after'} {self._moment(left)}"

    # ---- amounts
    def _value(self, node: s.Node) -> str:
        match node:
            case s.Path(base=s.Name(name="params"), name=name):
                return self.parameters.get(name) or "a set number of"
            case s.Literal(value=Decimal() as number):
                return f"{number:f}"
        raise _NoWords

    def _span(self, node: s.Node) -> str:
        match node:
            case s.Path(base=s.Name(name="params"), name=name):
                text = self.parameters.get(name)
                return "a set time" if text is None else span_in_words(text)
            case s.Call(callee=s.Name(name="duration"), arguments=[s.Literal(value=str() as text)]):
                return span_in_words(text)
        raise _NoWords

    def _time(self, node: s.Node) -> str:
        match node:
            case s.Path(base=s.Name(name="params"), name=name):
                text = self.parameters.get(name)
                return "a set time" if text is None else time_in_words(text)
            case s.Call(callee=s.Name(name="time"), arguments=[s.Literal(value=str() as text)]):
                return time_in_words(text)
        raise _NoWords

    # ---- choices
    def _either(self, node: s.If) -> str:
        """One of two moments. The parameters that were read tell which one it was, when only one of them reads any."""
        taken = [branch for branch in (node.then, node.otherwise) if self._was_read(branch)]
        if len(taken) == 1 and not self._was_read(node.condition):
            return self._moment(taken[0])
        then, otherwise = self._moment(node.then), self._moment(node.otherwise)
        try:
            return f"{then} if {self._condition(node.condition)}, otherwise {otherwise}"
        except _NoWords:
            return f"{then} or, when that is not possible, {otherwise}"

    def _was_read(self, node: s.Node) -> bool:
        return any(name in self.parameters for name in _parameters_in(node))

    def _condition(self, node: s.Node) -> str:
        match node:
            case s.Comparison(operator="=", left=left, right=s.Literal(value=bool() as wanted)):
                return f"{self._thing(left)} is {'yes' if wanted else 'no'}"
            case s.Comparison(operator="=" | "!=" as sign, left=left, right=s.Literal(value=str() as wanted)):
                said = wanted.replace("_", " ").lower()
                return f"{self._thing(left)} is {'not ' if sign == '!=' else ''}“{said}”"
            case s.Name(name=name):
                return f"{spaced(name)} is yes"
        raise _NoWords

    def _thing(self, node: s.Node) -> str:
        match node:
            case s.Name(name=name):
                return f"“{spaced(name)}”"
            case s.Path(base=s.Name(name=base), name=name):
                return f"“{spaced(name)}” of {spaced(base)}"
        raise _NoWords


def _working_days_call(node: s.Node, start: s.Node, count: s.Node) -> s.Call:
    return s.Call(node.position, s.Name(node.position, "add working days"), [start, count], {})


def _signed(node: s.Node) -> tuple[bool, s.Node]:
    return (True, node.operand) if isinstance(node, s.Negation) else (False, node)


def _parameters_in(node: object) -> set[str]:
    found: set[str] = set()
    stack: list[object] = [node]
    while stack:
        current = stack.pop()
        match current:
            case s.Path(base=s.Name(name="params"), name=name):
                found.add(name)
        stack.extend(children(current))
    return found


def spaced(name: str) -> str:
    """`reviewDate` is "review date"."""
    return _HUMPS.sub(" ", name).lower().replace("_", " ")


def time_in_words(text: str) -> str:
    """`12:00` is "midday", `17:30:00` is "5:30pm"; a text that is no time is itself."""
    at = parse_time(text if text.count(":") > 1 else f"{text}:00")
    if not isinstance(at, Time):
        return text
    if at.minute == 0 and at.hour in (0, 12):
        return "midnight" if at.hour == 0 else "midday"
    minutes = f":{at.minute:02d}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'am' if at.hour < 12 else 'pm'}"


def span_in_words(text: str) -> str:
    """`P8D` is "8 days", `PT4H` is "4 hours", `P12M` is "12 months"; a text that is no duration is itself."""
    found = parse_duration(text)
    parts: list[tuple[int, str]] = []
    if isinstance(found, YearMonthDuration):
        years, months = divmod(abs(found.months), 12)
        parts = [(years, "year"), (0, "month")] if not months else [(0, "year"), (abs(found.months), "month")]
    elif isinstance(found, DayTimeDuration):
        left = abs(int(found.seconds))
        for size, name in _SPANS:
            count, left = divmod(left, size)
            parts.append((count, name))
    said = [f"{count} {name}" if count == 1 else f"{count} {name}s" for count, name in parts if count]
    return " and ".join(said) or text
