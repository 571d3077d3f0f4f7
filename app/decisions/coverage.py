"""Gaps and overlaps of decision tables, found without running them and told in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.decisions.building import Builder
from app.decisions.domains import Condition, Domain, NotKnown, conditions
from app.decisions.xml import Element, child, children, id_of, text_of
from app.feel import syntax as s
from app.feel.errors import FeelError
from app.feel.expression import compile_unary_tests
from app.problems import Problem, Severity

MAX_REPORTED = 5
MAX_BOXES = 20_000
MAX_RULES = 400
_ONE_RESULT = frozenset(("UNIQUE", "FIRST", "ANY", "PRIORITY"))


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as sets: for each rule and column the pieces it accepts, or None where that is not known."""

    domains: list[Domain]
    cells: list[list[int | None]]


def check_coverage(builder: Builder, table: Element) -> None:
    """Reports inputs that no rule matches, and inputs that several rules of a UNIQUE table match."""
    if builder.problems is None:
        return
    policy = (table.get("hitPolicy") or "UNIQUE").upper()
    rules = children(table, "rule")
    if policy not in _ONE_RESULT or not rules or len(rules) > MAX_RULES:
        return
    grid = _grid(builder, table)
    if policy in ("UNIQUE", "ANY"):
        _report_overlaps(builder, table, grid, policy)
    if policy == "FIRST":
        _report_unreachable(builder, table, grid)
    if not any(text_of(child(output, "defaultOutputEntry")) for output in children(table, "output")):
        _report_gaps(builder, table, grid)


# ------------------------------------------------------------------------------------------------ the grid
def _grid(builder: Builder, table: Element) -> Grid:
    columns = children(table, "input")
    rows = [children(rule, "inputEntry") for rule in children(table, "rule")]
    domains: list[Domain] = []
    cells: list[list[int | None]] = [[] for _ in rows]
    for index, column in enumerate(columns):
        parsed = [_parse(builder, text_of(row[index]) if index < len(row) else "") for row in rows]
        domain = _domain(builder, column, [tests for tests, _ in parsed if tests])
        for line, (tests, negated) in zip(cells, parsed, strict=True):
            line.append(_accepted(domain, tests, negated))
        domains.append(domain)
    return Grid(domains, cells)


def _parse(builder: Builder, text: str) -> tuple[list[Condition] | None, bool]:
    """The tests of a cell, whether they are negated; an empty list for any value, None when not known."""
    if text in ("", "-"):
        return [], False
    try:
        ast = compile_unary_tests(text, builder.document.long_names).ast
        assert isinstance(ast, s.TestList)
        return conditions(ast), ast.negated
    except (FeelError, NotKnown):
        return None, False


def _domain(builder: Builder, column: Element, cells: list[list[Condition]]) -> Domain:
    expression = child(column, "inputExpression")
    reference = expression.get("typeRef") if expression is not None else None
    text = text_of(expression)
    label = text if text and len(text) <= 40 else column.get("label") or text
    found = [condition for tests in cells for condition in tests]
    allowed_text = text_of(child(column, "inputValues")) or builder.types.allowed_text(reference)
    allowed, negated = _parse(builder, allowed_text)
    declared = builder.types.declared(reference)
    try:
        return Domain(label, found, [] if negated else allowed or [], declared)
    except NotKnown:
        return Domain(label, [], [], "any")


def _accepted(domain: Domain, tests: list[Condition] | None, negated: bool) -> int | None:
    if tests == []:
        return domain.all
    if tests is None or domain.kind == "null":
        return None
    return domain.accepted(tests, negated)


# ------------------------------------------------------------------------------------------------ overlaps
def _report_overlaps(builder: Builder, table: Element, grid: Grid, policy: str) -> None:
    rules = children(table, "rule")
    reported = 0
    for first, second, box in _overlaps(grid):
        if policy == "ANY" and _outputs(rules[first]) == _outputs(rules[second]):
            continue
        where = _describe(grid, box)
        clash = "and give different results" if policy == "ANY" else "but the hit policy UNIQUE allows only one"
        builder.report(
            rules[second],
            f"Rules {first + 1} and {second + 1} both match when {where}, {clash}.",
            "Narrow one of them, or choose another hit policy.",
        )
        reported += 1
        if reported == MAX_REPORTED:
            return


def _overlaps(grid: Grid) -> Iterator[tuple[int, int, list[int]]]:
    for first, one in enumerate(grid.cells):
        for second in range(first + 1, len(grid.cells)):
            box = []
            for domain, left, right in zip(grid.domains, one, grid.cells[second], strict=True):
                shared = 0 if left is None or right is None else left & right & domain.universe
                if not shared:
                    break
                box.append(shared)
            else:
                yield first, second, box


def _outputs(rule: Element) -> list[str]:
    return [text_of(entry) for entry in children(rule, "outputEntry")]


def _report_unreachable(builder: Builder, table: Element, grid: Grid) -> None:
    rules = children(table, "rule")
    for later, cells in enumerate(grid.cells):
        for earlier in range(later):
            if all(
                wide is not None
                and (wide & domain.universe == domain.universe or (narrow is not None and not narrow & ~wide))
                for domain, wide, narrow in zip(grid.domains, grid.cells[earlier], cells, strict=True)
            ):
                _warn(
                    builder,
                    rules[later],
                    f"Rule {later + 1} can never be reached, because rule {earlier + 1} comes first and matches the same.",
                    "Move it up, or remove it.",
                )
                break


# ------------------------------------------------------------------------------------------------ gaps
def _report_gaps(builder: Builder, table: Element, grid: Grid) -> None:
    boxes = []
    for box in _gaps(grid, 0, list(range(len(grid.cells))), [MAX_BOXES]):
        boxes.append(box)
        if len(boxes) == MAX_REPORTED:
            break
    for box in boxes:
        where = _describe(grid, [*box, *(domain.universe for domain in grid.domains[len(box) :])])
        _warn(
            builder,
            table,
            f"No rule matches when {where}.",
            "Add a rule for it, or give the output a default.",
        )


def _gaps(grid: Grid, column: int, rules: list[int], budget: list[int]) -> Iterator[list[int]]:
    """Boxes of inputs that none of the rules matches; a cell that is not known counts as matching."""
    budget[0] -= 1
    if budget[0] < 0:
        return
    if not rules:
        yield []
        return
    if column == len(grid.domains):
        return
    domain = grid.domains[column]
    groups: dict[tuple[int, ...], int] = {}  # pieces that leave the same rules standing are one side of the box
    for place in range(len(domain.pieces)):
        bit = 1 << place
        if domain.universe & bit:
            standing = tuple(rule for rule in rules if _may_match(grid.cells[rule][column], bit))
            groups[standing] = groups.get(standing, 0) | bit
    for standing, bits in groups.items():
        for box in _gaps(grid, column + 1, list(standing), budget):
            yield [bits, *box]


def _may_match(cell: int | None, bit: int) -> bool:
    return cell is None or bool(cell & bit)


def _describe(grid: Grid, box: list[int]) -> str:
    parts = [domain.describe(bits) for domain, bits in zip(grid.domains, box, strict=True)]
    return " and ".join(part for part in parts if part) or "the inputs are whatever they are"


def _warn(builder: Builder, element: Element, what: str, remedy: str) -> None:
    if builder.problems is not None:
        builder.problems.append(Problem(builder.document.file, id_of(element), what, remedy, Severity.WARNING))
