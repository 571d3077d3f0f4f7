"""Tokens to syntax tree: a Pratt parser for FEEL (DMN 1.5, 10.3.1.2).

Precedence, lowest first: or; and; comparison, between, in; + -; * /; **; instance of; unary minus; path, filter, call.
"""

from __future__ import annotations

from app.feel import syntax as s
from app.feel.errors import FeelSyntaxError
from app.feel.lexer import END, NAME, NUMBER, OPERATOR, STRING, unescape
from app.feel.numbers import NumberError, number
from app.feel.parser_base import TokenReader
from app.feel.parser_types import TypeParser
from app.feel.temporal_text import parse_at_literal

OR, AND, COMPARE, SUM, PRODUCT, POWER, INSTANCE = range(1, 8)
COMPARISONS = frozenset(("<", "<=", ">", ">=", "=", "!="))
_ORDERS = frozenset(("<", "<=", ">", ">="))
_ARITHMETIC = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "**": POWER}
_CONTINUES = frozenset(("[", ".", "+", "-", "*", "/", "**"))
_CONSTANTS = {"true": True, "false": False, "null": None}
_WORDS = "if then else for in return some every satisfies and or between instance of function true false null"
RESERVED = frozenset(_WORDS.split())


class Parser(TypeParser, TokenReader):
    """Reads one expression, or the unary tests of one cell."""

    def expression_to_end(self) -> s.Node:
        node = self.expression()
        self.expect_end()
        return node

    # ------------------------------------------------------------------------------------------- operators
    def expression(self) -> s.Node:
        self.enter()
        node = self.operators(OR)
        self.depth -= 1
        return node

    def operators(self, lowest: int, left: s.Node | None = None) -> s.Node:
        if left is None:
            left = self.operand()
        while True:
            kind, text, position = self.token
            if kind == OPERATOR:
                if text in COMPARISONS:
                    if lowest > COMPARE:
                        return left
                    self.advance()
                    left = s.Comparison(position, text, left, self.compared(text, position))
                    continue
                precedence = _ARITHMETIC.get(text)
                if precedence is None or precedence < lowest:
                    return left
                self.advance()
                left = s.Arithmetic(position, text, left, self.operators(precedence + 1))
            elif kind == NAME:
                word = self.word_operator(text, position, left, lowest)
                if word is None:
                    return left
                left = word
            else:
                return left

    def compared(self, operator: str, after: int) -> s.Node:
        """The right side of a comparison, maybe a range: `range("[2..)") = >= 2`. `a == b`, `a => b`, `a <> b` stay mistakes."""
        kind, text, position = self.token
        if operator in "!=" and position > after + len(operator) and kind == OPERATOR and text in _ORDERS:
            self.advance()
            return s.HalfInterval(position, text, self.operators(SUM))
        return self.operators(SUM)

    def word_operator(self, text: str, position: int, left: s.Node, lowest: int) -> s.Node | None:
        if text == "and" and lowest <= AND:
            return s.Conjunction(position, self.chain("and", left, COMPARE))
        if text == "or" and lowest <= OR:
            return s.Disjunction(position, self.chain("or", left, AND))
        if text == "between" and lowest <= COMPARE:
            self.advance()
            low = self.operators(SUM)
            self.expect_word("and")
            return s.Between(position, left, low, self.operators(SUM))
        if text == "in" and lowest <= COMPARE:
            self.advance()
            return self.membership(position, left)
        if text == "instance" and lowest <= INSTANCE and self.peek(1)[1] == "of":
            self.advance(2)
            return s.InstanceOf(position, left, self.type_name())
        return None

    def chain(self, word: str, left: s.Node, precedence: int) -> list[s.Node]:
        operands = [left]
        while self.token[0] == NAME and self.token[1] == word:
            self.advance()
            operands.append(self.operators(precedence))
        return operands

    def membership(self, position: int, value: s.Node) -> s.Node:
        """What follows `in`: one test, or tests in parentheses, of which `(1..5]` and `(a + b)[1]` are none."""
        if not self.at("("):
            return s.In(position, value, [self.test(SUM)])
        start = self.token[2]
        self.advance()
        with self.brackets():
            tests = self.tests()
            first = tests[0]
            single = len(tests) == 1 and isinstance(first, s.TestExpression)
            if not (single and self.at("..")):
                self.expect(")", "a comma or a closing parenthesis")
                if not (single and self.token[0] == OPERATOR and self.token[1] in _CONTINUES):
                    return s.In(position, value, tests)
        assert isinstance(first, s.TestExpression)
        left = first.expression
        if self.at(".."):
            left = self.interval(start, left, False)
        node = self.operators(SUM, self.postfix(left))
        return s.In(position, value, [s.TestExpression(start, node, first.uses_input)])

    def operand(self) -> s.Node:
        if self.at("-"):
            position = self.token[2]
            self.enter()
            self.advance()
            node: s.Node = s.Negation(position, self.operand())
            self.depth -= 1
            return node
        return self.postfix(self.primary())

    def postfix(self, node: s.Node) -> s.Node:
        while self.token[0] == OPERATOR:
            _, text, position = self.token
            if text == ".":
                self.advance()
                node = s.Path(position, node, self.name())
            elif text == "[" and not self.in_interval:
                self.advance()
                with self.brackets():
                    condition = self.expression()
                self.expect("]")
                node = s.Filter(position, node, condition)
            elif text == "(":
                self.advance()
                with self.brackets():
                    arguments, named = self.arguments()
                node = s.Call(position, node, arguments, named)
            else:
                break
        return node

    def arguments(self) -> tuple[list[s.Node], dict[str, s.Node]]:
        arguments: list[s.Node] = []
        named: dict[str, s.Node] = {}
        while not self.at(")"):
            position = self.token[2]
            name = self.argument_name()
            if name is None:
                arguments.append(self.expression())
            elif name in named:
                raise FeelSyntaxError(self.text, position, f"“{name}”", reason=f"the argument “{name}” is given twice.")
            else:
                named[name] = self.expression()
            if arguments and named:
                raise FeelSyntaxError(
                    self.text, position, "an argument", reason="give every argument a name, or none of them."
                )
            if not self.skip(","):
                break
        self.expect(")", "a comma or a closing parenthesis")
        return arguments, named

    def argument_name(self) -> str | None:
        """The name and colon of a named argument, or None with nothing read."""
        if self.token[0] != NAME and self.token[0] != STRING:
            return None
        start = self.index
        if self.peek(1)[1] != ":" and self.peek(1)[0] != NAME:
            return None
        try:
            name = self.declared_name()
        except FeelSyntaxError:
            name = ""
        if name and self.skip(":"):
            return name
        self.rewind(start)
        return None

    # ------------------------------------------------------------------------------------------- operands
    def primary(self) -> s.Node:
        kind, text, position = self.token
        if kind == NAME:
            return self.word(text, position)
        if kind == NUMBER:
            self.advance()
            try:
                return s.Literal(position, number(text))
            except NumberError:
                raise FeelSyntaxError(self.text, position, text, reason="this number is too large.") from None
        if kind == STRING:
            self.advance()
            return s.Literal(position, unescape(text[1:-1]))
        if kind == OPERATOR:
            if text == "(":
                return self.parenthesis()
            if text in "[]":
                return self.bracket()
            if text == "{":
                return self.context()
            if text == "@":
                return self.at_literal()
        raise self.unexpected("a value" if kind == END else "")

    def word(self, text: str, position: int) -> s.Node:
        if text in RESERVED and not self.begins_known_name():
            if text in _CONSTANTS:
                self.advance()
                return s.Literal(position, _CONSTANTS[text])
            if text == "if":
                return self.conditional()
            if text == "for":
                return self.iteration()
            if text in ("some", "every"):
                return self.quantified()
            if text == "function" and self.peek(1)[1] == "(":
                return self.function()
            raise self.unexpected("a value")
        name = self.name()
        if name == "?":
            self.input_used = True
        return s.Name(position, name)

    def at_literal(self) -> s.Node:
        position = self.token[2]
        self.advance()
        if self.token[0] != STRING:
            raise self.unexpected('a date, time or duration between quotation marks, such as @"2026-03-31"')
        text = unescape(self.token[1][1:-1])
        value = parse_at_literal(text)
        if value is None:
            raise self.unexpected('a date, time or duration such as "2026-03-31", "14:30:00" or "P5D"')
        self.advance()
        return s.Literal(position, value)

    def parenthesis(self) -> s.Node:
        position = self.token[2]
        self.advance()
        with self.brackets():
            node = self.list_item()
            if self.at(".."):
                return self.interval(position, node, False)
        self.expect(")", "a closing parenthesis")
        return node

    def bracket(self) -> s.Node:
        """A list, or an interval that begins with [ or ]."""
        _, opening, position = self.token
        self.advance()
        with self.brackets():
            items: list[s.Node] = []
            if opening == "[" and self.skip("]"):
                return s.ListLiteral(position, items)
            items.append(self.list_item())
            if self.at(".."):
                return self.interval(position, items[0], opening == "[")
            if opening == "]":
                raise self.unexpected("“..” and the end of a range")
            while self.skip(","):
                items.append(self.list_item())
        self.expect("]", "a comma or a closing square bracket")
        return s.ListLiteral(position, items)

    def list_item(self) -> s.Node:
        kind, text, position = self.token
        if kind == OPERATOR and text in COMPARISONS:
            self.advance()
            return s.HalfInterval(position, text, self.operators(SUM))
        return self.expression()

    def interval(self, position: int, start: s.Node, included: bool) -> s.Node:
        self.expect("..")
        outer, self.in_interval = self.in_interval, True
        end = self.operators(SUM)
        self.in_interval = outer
        if not self.at(")", "]", "["):
            raise self.unexpected("the closing bracket of a range")
        end_included = self.at("]")
        self.advance()
        return s.Interval(position, start, end, included, end_included)

    def context(self) -> s.Node:
        position = self.token[2]
        self.advance()
        entries: list[tuple[str, s.Node]] = []
        seen: set[str] = set()
        with self.brackets():
            while not self.at("}"):
                place = self.token[2]
                name = self.declared_name()
                if name in seen:
                    raise FeelSyntaxError(self.text, place, name, reason=f"the entry “{name}” is given twice.")
                self.expect(":", "a colon after the name of the entry")
                entries.append((name, self.expression()))
                seen.add(name)
                self.know(name)
                if not self.skip(","):
                    break
        self.expect("}", "a comma or a closing brace")
        return s.ContextLiteral(position, entries)

    def conditional(self) -> s.Node:
        position = self.token[2]
        self.advance()
        condition = self.expression()
        self.expect_word("then")
        then = self.expression()
        self.expect_word("else")
        return s.If(position, condition, then, self.expression())

    def iterations(self) -> list[s.Iteration]:
        found: list[s.Iteration] = []
        while True:
            name = self.declared_name()
            self.expect_word("in")
            with self.brackets():
                values = self.expression()
                end = self.expression() if self.skip("..") else None
            self.know(name)
            found.append(s.Iteration(name, values, end))
            if not self.skip(","):
                return found

    def iteration(self) -> s.Node:
        position = self.token[2]
        self.advance()
        iterations = self.iterations()
        self.expect_word("return")
        return s.For(position, iterations, self.expression())

    def quantified(self) -> s.Node:
        _, word, position = self.token
        self.advance()
        iterations = self.iterations()
        self.expect_word("satisfies")
        return s.Quantified(position, word == "every", iterations, self.expression())

    def function(self) -> s.Node:
        position = self.token[2]
        self.advance(2)
        parameters: list[s.Parameter] = []
        while not self.at(")"):
            name = self.declared_name()
            parameters.append(s.Parameter(name, self.type_name() if self.skip(":") else None))
            self.know(name)
            if not self.skip(","):
                break
        self.expect(")", "a comma or a closing parenthesis")
        if self.token[1] == "external":
            raise FeelSyntaxError(
                self.text, self.token[2], "“external”", reason="external functions are refused: write the rule in FEEL."
            )
        return s.FunctionLiteral(position, parameters, self.expression())

    # ------------------------------------------------------------------------------------------- unary tests
    def unary_tests_to_end(self) -> s.TestList:
        """The tests of a whole cell: "-" for any value, a list of tests, or not(…) around one."""
        position = self.token[2]
        if self.token[0] == END or (self.at("-") and self.peek(1)[0] == END):
            return s.TestList(position, [], False)
        if self.token[1] == "not" and self.peek(1)[1] == "(":
            start = self.index
            try:
                self.advance(2)
                tests = self.tests()
                self.expect(")")
                if self.token[0] == END:
                    return s.TestList(position, tests, True)
            except FeelSyntaxError:
                self.depth, self.in_interval, self.input_used = 0, False, False
            self.rewind(start)
        tests = self.tests()
        self.expect_end()
        return s.TestList(position, tests, False)

    def tests(self) -> list[s.Node]:
        found = [self.test(OR)]
        while self.skip(","):
            found.append(self.test(OR))
        return found

    def test(self, lowest: int) -> s.Node:
        kind, text, position = self.token
        if kind == OPERATOR and text in COMPARISONS:
            self.advance()
            return s.TestComparison(position, text, self.operators(SUM))
        outer, self.input_used = self.input_used, False
        self.enter()
        node = self.operators(lowest)
        self.depth -= 1
        used, self.input_used = self.input_used, outer
        return s.TestExpression(position, node, used)
