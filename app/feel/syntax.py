"""The nodes of a parsed expression. `position` is the offset in the text of the node's first character or operator."""

from __future__ import annotations

from dataclasses import dataclass

from app.feel.values import Value


@dataclass(slots=True)
class Node:
    position: int


@dataclass(slots=True)
class Literal(Node):
    value: Value


@dataclass(slots=True)
class Name(Node):
    name: str


@dataclass(slots=True)
class Negation(Node):
    """Arithmetic minus in front of an operand."""

    operand: Node


@dataclass(slots=True)
class Arithmetic(Node):
    """`operator` is one of + - * / **."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Comparison(Node):
    """`operator` is one of = != < <= > >=."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Conjunction(Node):
    operands: list[Node]


@dataclass(slots=True)
class Disjunction(Node):
    operands: list[Node]


@dataclass(slots=True)
class Between(Node):
    value: Node
    low: Node
    high: Node


@dataclass(slots=True)
class In(Node):
    value: Node
    tests: list[Node]


@dataclass(slots=True)
class InstanceOf(Node):
    value: Node
    type: TypeNode


@dataclass(slots=True)
class Path(Node):
    base: Node
    name: str


@dataclass(slots=True)
class Filter(Node):
    base: Node
    condition: Node


@dataclass(slots=True)
class Call(Node):
    """A call with either arguments in order or arguments by name."""

    callee: Node
    arguments: list[Node]
    named: dict[str, Node]


@dataclass(slots=True)
class ListLiteral(Node):
    items: list[Node]


@dataclass(slots=True)
class ContextLiteral(Node):
    entries: list[tuple[str, Node]]


@dataclass(slots=True)
class Interval(Node):
    start: Node
    end: Node
    start_included: bool
    end_included: bool


@dataclass(slots=True)
class HalfInterval(Node):
    """A range written as a comparison: `(< 10)`."""

    operator: str
    operand: Node


@dataclass(slots=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(slots=True)
class Iteration:
    """`name in values`, or `name in values..end`."""

    name: str
    values: Node
    end: Node | None


@dataclass(slots=True)
class For(Node):
    iterations: list[Iteration]
    body: Node


@dataclass(slots=True)
class Quantified(Node):
    """`every` is True for `every … satisfies`, False for `some … satisfies`."""

    every: bool
    iterations: list[Iteration]
    body: Node


@dataclass(slots=True)
class Parameter:
    name: str
    type: TypeNode | None


@dataclass(slots=True)
class FunctionLiteral(Node):
    parameters: list[Parameter]
    body: Node


# --- types, as `instance of` and parameters name them


@dataclass(slots=True)
class TypeNode(Node):
    pass


@dataclass(slots=True)
class NamedType(TypeNode):
    name: str


@dataclass(slots=True)
class ListType(TypeNode):
    element: TypeNode


@dataclass(slots=True)
class RangeType(TypeNode):
    element: TypeNode


@dataclass(slots=True)
class ContextType(TypeNode):
    fields: dict[str, TypeNode]


@dataclass(slots=True)
class FunctionType(TypeNode):
    parameters: list[TypeNode]
    result: TypeNode


# --- unary tests: what a decision table's cell and the right side of `in` hold. The value tested is named "?"


@dataclass(slots=True)
class TestComparison(Node):
    operator: str
    operand: Node


@dataclass(slots=True)
class TestExpression(Node):
    """An expression to equal, to lie in, or (`uses_input`: it names "?") to be true."""

    expression: Node
    uses_input: bool


@dataclass(slots=True)
class TestList(Node):
    """Tests of which one must hold, or none when `negated`; an empty list holds for every value."""

    tests: list[Node]
    negated: bool
