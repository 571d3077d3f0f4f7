"""Type names: `number`, `date and time`, `list<string>`, `context<a: number>`, `function<number> -> number`."""

from __future__ import annotations

from app.feel import syntax as s
from app.feel.lexer import NAME, OPERATOR
from app.feel.parser_base import TokenReader

_LONG_NAMES = (
    (("years", "and", "months", "duration"), "years and months duration"),
    (("days", "and", "time", "duration"), "days and time duration"),
    (("date", "and", "time"), "date and time"),
)


class TypeParser(TokenReader):
    """The part of the parser that reads types."""

    def type_name(self) -> s.TypeNode:
        self.enter()
        try:
            return self._type()
        finally:
            self.depth -= 1

    def _type(self) -> s.TypeNode:
        kind, _, position = self.token
        if kind != NAME:
            raise self.unexpected("a type")
        for parts, name in _LONG_NAMES:
            if self._follows(parts):
                self.advance(len(parts))
                return s.NamedType(position, name)
        name = self.name()
        while self.skip("."):  # a type of an imported model
            name = f"{name}.{self.name()}"
        if not self.at("<"):
            return s.NamedType(position, name)
        if name in ("list", "range"):
            self.advance()
            element = self.type_name()
            self.expect(">")
            return s.ListType(position, element) if name == "list" else s.RangeType(position, element)
        if name == "context":
            return self._context(position)
        if name == "function":
            return self._function(position)
        return s.NamedType(position, name)

    def _context(self, position: int) -> s.TypeNode:
        self.advance()
        fields: dict[str, s.TypeNode] = {}
        while True:
            name = self.declared_name()
            self.expect(":")
            fields[name] = self.type_name()
            if not self.skip(","):
                break
        self.expect(">")
        return s.ContextType(position, fields)

    def _function(self, position: int) -> s.TypeNode:
        self.advance()
        parameters: list[s.TypeNode] = []
        while not (self.token[0] == OPERATOR and self.token[1] == ">"):
            parameters.append(self.type_name())
            if not self.skip(","):
                break
        self.expect(">")
        self.expect("->")
        return s.FunctionType(position, parameters, self.type_name())
