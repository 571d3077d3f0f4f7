"""The closed set of functions that an expression may call, with their signatures.

The table is what the parser takes names of several words from, what the static check and the reference page read, and
what calls are dispatched through. Functions are added by the modules of `app.feel.functions`, at import only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.feel.arithmetic import FAILURES
from app.feel.frame import NoValue, State
from app.feel.lexer import words
from app.feel.parser_base import KnownNames
from app.feel.temporal import Date, DateTime, DayTimeDuration, Time, YearMonthDuration
from app.feel.values import Function, Range, Value, kind

TYPES: dict[str, frozenset[type]] = {
    "string": frozenset((str,)),
    "boolean": frozenset((bool,)),
    "number": frozenset((Decimal,)),
    "list": frozenset((list,)),
    "context": frozenset((dict,)),
    "date": frozenset((Date,)),
    "time": frozenset((Time,)),
    "date and time": frozenset((DateTime,)),
    "days and time duration": frozenset((DayTimeDuration,)),
    "years and months duration": frozenset((YearMonthDuration,)),
    "duration": frozenset((DayTimeDuration, YearMonthDuration)),
    "range": frozenset((Range,)),
    "function": frozenset(),
    "point": frozenset((Decimal, str, Date, Time, DateTime, DayTimeDuration, YearMonthDuration)),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `classes` is None when it takes any value, null included."""

    name: str
    types: tuple[str, ...]
    classes: frozenset[type] | None
    optional: bool

    def accept(self, value: Value) -> Value:
        """The value, converted where FEEL converts (DMN 1.5, 10.3.2.9.4). Raises TypeError when it does not fit."""
        classes = self.classes
        if classes is None or type(value) in classes:
            return value
        if value is None and self.optional:
            return None
        if "function" in self.types and isinstance(value, Function):
            return value
        if type(value) is list and len(value) == 1 and list not in classes and type(value[0]) in classes:
            return value[0]
        if list in classes and value is not None:
            return [value]
        if type(value) is Date and DateTime in classes:
            return DateTime.at_midnight(value)
        raise TypeError


@dataclass(frozen=True, slots=True)
class Signature:
    parameters: tuple[Parameter, ...]
    required: int

    def accept(self, arguments: Sequence[Value], rest: bool = False) -> list[Value] | None:
        """The arguments as the implementation takes them, or None when they do not fit."""
        if not self.required <= len(arguments) <= len(self.parameters) and not (
            rest and len(arguments) > len(self.parameters)
        ):
            return None
        try:
            accepted = [parameter.accept(value) for parameter, value in zip(self.parameters, arguments, strict=False)]
            return accepted + [self.parameters[-1].accept(value) for value in arguments[len(self.parameters) :]]
        except TypeError:
            return None

    def order(self, named: dict[str, Value]) -> list[Value] | None:
        """Named arguments in the order of the parameters; those left out in between are null."""
        names = [parameter.name for parameter in self.parameters]
        if not named.keys() <= set(names) or any(name not in named for name in names[: self.required]):
            return None
        last = max((names.index(name) for name in named), default=-1)
        return [named.get(name) for name in names[: last + 1]]


class Builtin(Function):
    """A function of the language.

    :param variadic: takes one list or any number of values, which then are the list.
    :param rest: further arguments of the last parameter's type may follow.
    :param needs_state: the implementation gets the evaluation's State first.
    :param result: the type of the result for the static check; "any" when it depends.
    """

    __slots__ = (
        "example",
        "group",
        "implementation",
        "needs_state",
        "rest",
        "result",
        "signatures",
        "summary",
        "variadic",
    )

    def __init__(
        self,
        name: str,
        signatures: tuple[Signature, ...],
        implementation: Callable[..., Value],
        *,
        result: str,
        group: str,
        summary: str,
        example: str,
        variadic: bool,
        rest: bool,
        needs_state: bool,
    ) -> None:
        super().__init__(tuple(p.name for p in signatures[0].parameters), implementation, name)
        self.signatures = signatures
        self.implementation = implementation
        self.result = result
        self.group = group
        self.summary = summary
        self.example = example
        self.variadic = variadic
        self.rest = rest
        self.needs_state = needs_state

    def invoke(self, state: State, arguments: Sequence[Value]) -> Value:
        """The result. Raises NoValue with the reason when there is none, FeelLimitError when it is too large."""
        accepted = self._accept(arguments)
        for value in accepted:
            if type(value) is list or type(value) is dict:
                state.spend(len(value))
            elif type(value) is str:
                state.spend(len(value) >> 6)
        state.spend(1)
        try:
            result = self.implementation(state, *accepted) if self.needs_state else self.implementation(*accepted)
        except FAILURES:
            raise NoValue(f"{self.name}(…) has no result for these values.") from None
        if type(result) is list:
            state.spend_list(len(result))
        elif type(result) is str:
            state.spend_string(len(result))
        return result

    def _accept(self, arguments: Sequence[Value]) -> Sequence[Value]:
        if self.variadic:
            if not arguments:
                raise NoValue(f"{self.name}(…) needs at least one argument.")
            if len(arguments) > 1:
                return [list(arguments)]
        for signature in self.signatures:
            accepted = signature.accept(arguments, self.rest)
            if accepted is not None:
                return accepted
        raise NoValue(self._mismatch(arguments), fault=True)

    def order(self, named: dict[str, Value]) -> list[Value]:
        """Named arguments in order. Raises NoValue when no signature has these names."""
        for signature in self.signatures:
            ordered = signature.order(named)
            if ordered is not None:
                return ordered
        raise NoValue(f"{self.name}(…) has no arguments with these names; it is {self.usage()}.")

    def _mismatch(self, arguments: Sequence[Value]) -> str:
        kinds = ", ".join(kind(value) for value in arguments) or "nothing"
        return f"{self.name}(…) was given {kinds}; it is {self.usage()}."

    def usage(self) -> str:
        """The signatures as a person writes them: `substring(string, start position, [length])`."""
        return " or ".join(
            f"{self.name}({', '.join(f'[{p.name}]' if p.optional else p.name for p in s.parameters)})"
            for s in self.signatures
        )

    def takes(self, wanted: tuple[str | None, ...]) -> bool:
        """Whether a signature accepts arguments of these types."""
        return any(
            signature.required <= len(wanted) <= len(signature.parameters)
            and all(
                parameter.classes is None or expected is None or expected in parameter.types
                for parameter, expected in zip(signature.parameters, wanted, strict=False)
            )
            for signature in self.signatures
        )

    def arities(self) -> set[int] | None:
        """The numbers of arguments that may be given, or None when any number from one on."""
        if self.variadic or self.rest:
            return None
        return {n for s in self.signatures for n in range(s.required, len(s.parameters) + 1)}


BUILTINS: dict[str, Builtin] = {}
LONG_NAMES: KnownNames = {}
_PROPERTY_NAMES = ("time offset", "start included", "end included")


def _remember(name: str) -> None:
    parts = words(name)
    if len(parts) > 1:
        entries = LONG_NAMES.setdefault(parts[0], [])
        entries.append((parts, name))
        entries.sort(key=lambda entry: -len(entry[0]))


for _name in _PROPERTY_NAMES:
    _remember(_name)


def _signature(text: str) -> Signature:
    """Reads "string: string, length?: number"."""
    parameters = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, types = part.partition(":")
        names = tuple(sorted(t.strip() for t in types.split("|")))
        classes = None if "any" in names else frozenset().union(*(TYPES[t] for t in names))
        parameters.append(Parameter(name.strip().rstrip("?"), names, classes, name.strip().endswith("?")))
    return Signature(tuple(parameters), sum(not parameter.optional for parameter in parameters))


def builtin(
    name: str,
    *signatures: str,
    returns: str,
    group: str,
    summary: str,
    example: str,
    variadic: bool = False,
    rest: bool = False,
    state: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a function to the language.

    :param signatures: one text each: `"list: list, length?: number"`; types are joined with `|`, `?` marks optional.
    :param example: an expression that holds, `call = result`; a test evaluates it.
    """

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        BUILTINS[name] = Builtin(
            name,
            tuple(_signature(text) for text in signatures or ("",)),
            implementation,
            result=returns,
            group=group,
            summary=summary,
            example=example,
            variadic=variadic,
            rest=rest,
            needs_state=state,
        )
        _remember(name)
        return implementation

    return register
