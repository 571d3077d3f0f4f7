"""How long expressions and decision tables take: `python bench/feel.py`.

Each figure is the best of several rounds, in microseconds for one evaluation with budgets on.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable

from app.decisions import load
from app.feel import compile_expression
from app.feel.expression import Expression

CONDITION = 'riskTicks >= 14 and tool = "SAFELIVES_DASH_24"'
VARIABLES = {"riskTicks": 15, "tool": "SAFELIVES_DASH_24", "highRisk": True}
RULES = [
    (">= 14", '"SAFELIVES_DASH_24"', "true", '"MARAC"'),
    ("[10..13]", '"SAFELIVES_DASH_24"', "true", '"judgement"'),
    ("&lt; 10", '"SAFELIVES_DASH_24"', "true", '"standard"'),
    ("-", '"RIC"', "true", '"convert"'),
    ("-", '"OTHER", "NONE"', "false", '"refuse"'),
]
COLUMNS = (("riskTicks", "number"), ("tool", "string"), ("highRisk", "boolean"))
LIMITS = {"condition, from cache": 3.0, "condition, parsed and compiled": 30.0, "table of 5 rules and 3 inputs": 25.0}


def table() -> bytes:
    inputs = "".join(
        f'<input><inputExpression typeRef="{kind}"><text>{name}</text></inputExpression></input>'
        for name, kind in COLUMNS
    )
    rules = "".join(
        "<rule>"
        + "".join(f"<inputEntry><text>{cell}</text></inputEntry>" for cell in row[:-1])
        + f"<outputEntry><text>{row[-1]}</text></outputEntry></rule>"
        for row in RULES
    )
    return (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:bench">'
        f'<decision id="route" name="Route"><decisionTable>{inputs}<output name="route" typeRef="string"/>{rules}'
        "</decisionTable></decision></definitions>"
    ).encode()


def best(action: Callable[[], object], number: int) -> float:
    """Microseconds for one call, the best of seven rounds."""
    return min(timeit.repeat(action, number=number, repeat=7)) / number * 1e6


def main() -> None:
    model = load(table())
    assert model.evaluate("route", VARIABLES).value == "MARAC"
    measured = {
        "condition, from cache": best(lambda: compile_expression(CONDITION).evaluate(VARIABLES), 50_000),
        "condition, parsed and compiled": best(lambda: Expression(CONDITION), 5_000),
        "table of 5 rules and 3 inputs": best(lambda: model.evaluate("route", VARIABLES), 10_000),
    }
    for name, microseconds in measured.items():
        verdict = "ok" if microseconds <= LIMITS[name] else "TOO SLOW"
        print(f"{name:34} {microseconds:7.2f} µs   (at most {LIMITS[name]:g} µs)   {verdict}")


if __name__ == "__main__":
    main()
